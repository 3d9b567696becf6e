//! Both directions against the real EncFS 1.9.5: what encbox writes `encfs` reads, and the other way round,
//! and what can be the same bit for bit is.
//!
//! Every row of `matrix.rs` is tested in the four ways below. Where `encfs` or `/dev/fuse` is missing, the
//! tests say so and pass.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod dropin;
mod kill;
mod matrix;
mod sample;
mod script;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use encbox::config::FileIvMode;
use encbox::config::Parameters;
use encbox::volume::Follow;
use encbox::volume::OpenFile;
use encbox::volume::Place;
use encbox::volume::PlainPath;
use encbox::volume::Volume;
use script::Limits;
use script::Step;
use support::process;
use support::scratch;
use support::scratch::ScratchVolume;
use support::tree;
use tempfile::TempDir;

fn encfs_is_missing() -> bool {
    process::something_is_missing(&["encfs", "encfsctl", "fusermount"])
}

/// `encbox import` writes, `encfs` reads.
fn encfs_reads_what_import_writes(volume: &ScratchVolume) {
    let plain = sample_of(volume.config().parameters());
    import(volume, plain.path());

    let mount = volume.mount_with_encfs();
    tree::assert_same("read by encfs", &tree::of_folder(plain.path()), &tree::of_folder(mount.path()));
    let (ours, theirs) = (tree::attributes_of_folder(plain.path()), tree::attributes_of_folder(mount.path()));
    tree::assert_same("modes and times read by encfs", &ours, &theirs);
    mount.unmount();
}

/// Programs work in our mount, `encfs` reads.
fn encfs_reads_what_our_mount_writes(volume: &ScratchVolume) {
    let config = volume.config();
    let script = script_for(config.parameters(), Writer::Encbox);
    let model = model_of(&script, config.parameters());

    let mount = volume.mount_with_encbox();
    sample::plant(mount.path(), config.parameters());
    script::apply(&script, mount.path());
    too_long_a_name_is_refused(mount.path(), config.parameters());
    let expected = tree::of_folder(model.path());
    tree::assert_same("read in our mount", &expected, &tree::of_folder(mount.path()));
    mount.unmount();

    let mount = volume.mount_with_encfs();
    tree::assert_same("read by encfs", &expected, &tree::of_folder(mount.path()));
    mount.unmount();
}

/// Programs work in a mount of `encfs`, we read: through the library, the command line and our mount.
fn we_read_what_encfs_writes(volume: &ScratchVolume) {
    let config = volume.config();
    let script = script_for(config.parameters(), Writer::EncFs);
    let model = model_of(&script, config.parameters());

    let mount = volume.mount_with_encfs();
    sample::plant(mount.path(), config.parameters());
    script::apply(&script, mount.path());
    mount.unmount();

    let expected = tree::of_folder(model.path());
    let read = tree::of_volume(&volume.open());
    tree::assert_same("read by the library", &expected, &read.tree);
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    assert!(read.undecodable.is_empty(), "{:?}", read.undecodable);

    let exported = volume.beside("exported");
    process::run(volume.encbox("export").arg(&exported));
    tree::assert_same("exported", &expected, &tree::of_folder(&exported));

    let mount = volume.mount_with_encbox();
    tree::assert_same("read in our mount", &expected, &tree::of_folder(mount.path()));
    mount.unmount();
}

/// Names, links and contents without random parts come out the same, bit for bit.
fn deterministic_bytes_are_equal(ours: &ScratchVolume) {
    let config = ours.config();
    let parameters = config.parameters();
    let plain = sample_of(parameters);
    let theirs = ours.twin();
    import(ours, plain.path());
    let mount = theirs.mount_with_encfs();
    scratch::write_tree(plain.path(), mount.path());
    mount.unmount();

    let names_and_links = |volume: &ScratchVolume| -> BTreeMap<PathBuf, Option<PathBuf>> {
        let paths = tree::of_folder(&volume.cipher()).into_keys();
        paths.map(|path| (path.clone(), fs::read_link(volume.cipher().join(path)).ok())).collect()
    };
    tree::assert_same("names and links", &names_and_links(&theirs), &names_and_links(ours));
    // `encfsctl` opens no volume with plain contents.
    if !parameters.plain_data {
        encode_commands_agree(ours, plain.path());
    }

    if parameters.rand_len > 0 {
        return;
    }
    let volume = theirs.open();
    let written_by_encfs = bytes_without_zeros(&theirs, &volume);
    assert!(written_by_encfs.len() > 50, "only {} files to compare", written_by_encfs.len());
    if parameters.file_iv == FileIvMode::None {
        tree::assert_same("contents", &written_by_encfs, &bytes_without_zeros(ours, &volume));
    }
    // In place, hence under the file IVs that EncFS chose.
    for path in tree::of_volume(&volume).tree.keys() {
        write_something_else_and_back(&volume, path);
    }
    tree::assert_same("contents written again", &written_by_encfs, &bytes_without_zeros(&theirs, &volume));
}

enum Writer {
    Encbox,
    EncFs,
}

fn script_for(parameters: &Parameters, writer: Writer) -> Vec<Step> {
    let payload = sample::payload_len(parameters);
    let no_header = parameters.file_iv == FileIvMode::None;
    let no_block_header = parameters.mac_len == 0 && parameters.rand_len == 0;
    // EncFS 1.9.5 destroys data when it lengthens such files by truncating (trap T1 of the format).
    let encfs_would_destroy = no_header && no_block_header;
    let grow_by_truncate = matches!(writer, Writer::Encbox) || !encfs_would_destroy;
    script::write(7 + payload, Limits { steps: 250, payload, grow_by_truncate })
}

fn sample_of(parameters: &Parameters) -> TempDir {
    let folder = tempfile::Builder::new().prefix("encbox-plain-").tempdir().expect("a scratch folder");
    sample::plant(folder.path(), parameters);
    folder
}

/// A plain folder in which the same was done.
fn model_of(script: &[Step], parameters: &Parameters) -> TempDir {
    let folder = sample_of(parameters);
    script::apply(script, folder.path());
    folder
}

fn import(volume: &ScratchVolume, plain: &Path) {
    let mut command = volume.encbox("import");
    command.args(fs::read_dir(plain).expect("a plain folder").map(|entry| entry.expect("an entry").path()));
    process::run(command.arg("/"));
}

fn too_long_a_name_is_refused(root: &Path, parameters: &Parameters) {
    let name = "n".repeat(sample::longest_name(parameters) + 1);
    let error = fs::write(root.join(&name), "").expect_err("the name does not fit");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidFilename, "{error}");
}

fn encode_commands_agree(volume: &ScratchVolume, plain: &Path) {
    let paths: Vec<PathBuf> = tree::of_folder(plain).into_keys().collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let theirs = volume.encode_with_encfs(&paths);
    assert_eq!(theirs.len(), paths.len(), "encfsctl encodes one path per line");
    let printed = process::run(volume.encbox("encode").args(&paths));
    let ours: Vec<&str> = printed.lines().collect();
    assert_eq!(ours, theirs, "encode");

    let decoded = process::run(volume.encbox("decode").args(&theirs));
    let plain_again: Vec<&Path> = decoded.lines().map(Path::new).collect();
    assert_eq!(plain_again, paths, "decode");
}

/// The ciphertext of all files except those that may be stored as holes.
fn bytes_without_zeros(stored: &ScratchVolume, volume: &Volume) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut bytes = tree::bytes_of_folder(&stored.cipher());
    if volume.config().parameters().allow_holes {
        let zeros =
            volume.encode_path(&parse(Path::new(sample::ZEROS))).expect("a name that was encoded before");
        bytes.retain(|path, _| !path.starts_with(&zeros));
    }
    bytes
}

fn write_something_else_and_back(volume: &Volume, path: &Path) {
    let place = volume.walk(&parse(path), Follow::No).unwrap_or_else(|error| panic!("{error}"));
    let Place::Entry(dir, name) = place else { panic!("{} is the root", path.display()) };
    let stat = volume.stat((&dir, name.as_os_str())).unwrap_or_else(|error| panic!("{error}"));
    if stat.kind != encbox::volume::Kind::File {
        return;
    }
    let access = OpenFile { read: true, write: true, truncate: false };
    let file = volume.open_file(&dir, &name, access).unwrap_or_else(|error| panic!("{error}"));
    let mut content = vec![0; stat.size as usize];
    let mut len = 0;
    while len < content.len() {
        match file.read_at(&mut content[len..], len as u64).unwrap_or_else(|error| panic!("{error}")) {
            0 => panic!("{}: the end comes too early", path.display()),
            read => len += read,
        }
    }
    let opposite: Vec<u8> = content.iter().map(|byte| !byte).collect();
    for content in [&opposite, &content] {
        file.write_at(content, 0).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn parse(path: &Path) -> PlainPath {
    PlainPath::parse(path.as_os_str()).expect("a path inside the volume")
}
