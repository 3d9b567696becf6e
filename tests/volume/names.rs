//! Names on disk: cruft, aliases, case, and the volume's own files.

use crate::scratch::*;
use encbox::config::{Parameters, Profile};
use encbox::crypto::AlgorithmId;
use encbox::volume::{Error, Fault};
use std::ffi::OsStr;

#[test]
fn foreign_names_are_told_apart_and_left_alone() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.write("ours", b"");
    for foreign in [".DS_Store", "desktop.ini", "plain", "a (conflicted copy 2015-03-01)"] {
        std::fs::write(scratch.folder.path().join(foreign), "x").expect("written");
    }
    let root = scratch.root();
    assert_eq!(scratch.names(&root), ["ours"]);
    let mut cruft = scratch.volume.list_undecodable(&root).expect("listed");
    cruft.sort();
    assert_eq!(cruft, [".DS_Store", "a (conflicted copy 2015-03-01)", "desktop.ini", "plain"]);
}

/// EncFS 1.9.5 lets programs overwrite the config of a volume with plain names.
#[test]
fn the_config_is_out_of_reach_where_names_are_plain() {
    let plain_names =
        Parameters { name_coding: AlgorithmId::new("nameio/null", 1, 0), ..Profile::Boxcryptor.parameters() };
    let scratch = Scratch::new(&plain_names);
    let (volume, root, config) = (&scratch.volume, scratch.root(), OsStr::new(".encfs6.xml"));
    assert_eq!(scratch.names(&root), Vec::<String>::new());
    assert!(volume.stat((&root, config)).is_err());
    assert!(volume.open_file(&root, config, READ).is_err());
    scratch.write("file", b"");
    let refused = [
        volume.unlink(&root, config),
        volume.open_file(&root, config, READ_WRITE).map(drop),
        volume.create_file(&root, config, 0o644, false, READ_WRITE, None).map(drop),
        volume.rename(&root, OsStr::new("file"), &root, config, encbox::volume::RenameMode::Replace),
        volume.rename(&root, config, &root, OsStr::new("x"), encbox::volume::RenameMode::Replace),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error { fault: Fault::Reserved, .. })), "{result:?}");
    }
    // only the root's is the volume's own
    scratch.mkdir("dir");
    scratch.write("dir/.encfs6.xml", b"a file like any other");
    assert_eq!(scratch.read("dir/.encfs6.xml"), b"a file like any other");
}

#[test]
fn the_longest_name_works_and_one_byte_more_is_too_long() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        let max = scratch.volume.max_name_len();
        let longest = "n".repeat(max);
        scratch.write(&longest, b"fits");
        assert_eq!(scratch.read(&longest), b"fits");
        let root = scratch.root();
        let longer = "n".repeat(max + 1);
        let refused = scratch.volume.mkdir(&root, OsStr::new(&longer), 0o755, None);
        assert!(matches!(refused, Err(Error { fault: Fault::Name(_), .. })), "{parameters:?}");
    }
}

#[test]
fn where_case_does_not_count_a_name_changed_by_a_sync_client_is_found() {
    let block32 = Parameters {
        name_coding: AlgorithmId::new("nameio/block32", 4, 0),
        ..Profile::Standard.parameters()
    };
    let scratch = Scratch::new(&block32);
    scratch.mkdir("dir");
    scratch.write("dir/file", b"found");
    for path in ["dir/file", "dir"] {
        let on_disk = scratch.on_disk(path);
        let lower = on_disk.file_name().expect("a name").to_ascii_lowercase();
        std::fs::rename(&on_disk, on_disk.with_file_name(lower)).expect("renamed");
    }
    let scratch = scratch.reopened();
    let root = scratch.root();
    assert_eq!(scratch.names(&root), ["dir"]);
    assert_eq!(scratch.read("dir/file"), b"found");
    let dir = scratch.volume.open_dir(&root, OsStr::new("dir")).expect("there");
    let again = scratch.volume.create_file(&dir, OsStr::new("file"), 0o644, true, READ_WRITE, None);
    assert!(again.is_err(), "the name is taken");
    // a twin in the right case wins, and the other one counts as cruft
    let (dir_on_disk, name) = {
        let canonical = scratch.on_disk("dir/file");
        let dir = scratch.folder.path().join(dir.cipher_path());
        (dir, canonical.file_name().expect("a name").to_owned())
    };
    std::fs::copy(dir_on_disk.join(name.to_ascii_lowercase()), dir_on_disk.join(&name)).expect("copied");
    assert_eq!(scratch.names(&dir), ["file"]);
    let cruft = scratch.volume.list_undecodable(&dir).expect("listed");
    assert_eq!(cruft, [name.to_ascii_lowercase()]);
}

#[test]
fn encoding_and_decoding_paths_agree_with_the_disk() {
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        scratch.mkdir("a dir");
        scratch.mkdir("a dir/below");
        scratch.write("a dir/below/file", b"");
        assert!(scratch.on_disk("a dir/below/file").exists());
        let relative = scratch.on_disk("a dir/below/file");
        let relative = relative.strip_prefix(scratch.folder.path()).expect("below");
        let decoded = scratch.volume.decode_path(relative).expect("ours");
        assert_eq!(decoded.display(), "a dir/below/file");
    }
}
