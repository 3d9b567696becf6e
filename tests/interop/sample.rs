//! A tree that visits the edges of a volume's layout: sizes around blocks and headers, names of many
//! lengths, links.

use std::fs;
use std::fs::File;
use std::fs::Permissions;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use encbox::config::Parameters;

use crate::support::rng::Rng;

/// Files of zeros or with holes stand in this folder: programs may store them differently and both be
/// right.
pub(crate) const ZEROS: &str = "zeros";

/// Bytes of a block that hold the file's own data.
pub(crate) fn payload_len(parameters: &Parameters) -> u64 {
    u64::from(parameters.block_len) - u64::from(parameters.mac_len) - u64::from(parameters.rand_len)
}

/// The longest plaintext name that fits into 255 bytes of ciphertext (section 7.7 of the format).
pub(crate) fn longest_name(parameters: &Parameters) -> usize {
    let is_blowfish = parameters.cipher.name == "ssl/blowfish";
    match (parameters.name_coding.name.as_str(), is_blowfish) {
        ("nameio/block", false) => 175,
        ("nameio/block", true) => 183,
        ("nameio/block32", false) => 143,
        ("nameio/block32", true) => 151,
        ("nameio/stream", _) => 189,
        ("nameio/null", _) => 255,
        (other, _) => panic!("the longest name under {other} is not known"),
    }
}

/// Fills the empty folder `root`.
pub(crate) fn plant(root: &Path, parameters: &Parameters) {
    let mut rng = Rng::new(1);
    plant_sizes(&new_dir(root, "sizes"), parameters, &mut rng);
    plant_names(&new_dir(root, "names"), longest_name(parameters));
    plant_links(root);
    plant_zeros(&new_dir(root, ZEROS), u64::from(parameters.block_len), payload_len(parameters));

    new_dir(root, "empty");
    let deep = root.join("a/deeper/and deeper/path/to/the/last/folder");
    fs::create_dir_all(&deep).expect("nested folders");
    fs::write(deep.join("leaf"), "at the end\n").expect("a file");
    for mode in [0o600, 0o644, 0o755, 0o440] {
        let path = root.join(format!("mode {mode:o}"));
        fs::write(&path, "modes are not encrypted\n").expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a file of our own");
    }
    let old = File::create(root.join("old")).expect("a file");
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    old.set_modified(then).expect("a file of our own");
}

fn plant_sizes(dir: &Path, parameters: &Parameters, rng: &mut Rng) {
    let (block, payload) = (u64::from(parameters.block_len), payload_len(parameters));
    let mut sizes = vec![0, 1, 15, 16, 17, 3 * block + 5, 100_003];
    for edge in [8, block, payload, 2 * payload, 2 * block, payload + 8, block + 8, 5 * payload] {
        sizes.extend([edge - 1, edge, edge + 1]);
    }
    // The on-disk edges, where the file header has moved the blocks by 8 bytes.
    sizes.extend([payload - 8, 2 * payload - 8, 3 * block - 8]);
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        fs::write(dir.join(format!("{size} bytes")), rng.bytes(size)).expect("a file");
    }
}

fn plant_names(dir: &Path, longest: usize) {
    for len in (1..=34).chain([47, 48, 49, 63, 64, 65, 127, 128, 129]).chain(longest - 3..=longest) {
        let name = format!("{len:03} {}", "n".repeat(len.saturating_sub(4)));
        fs::write(dir.join(&name[..len]), &name).expect("a file");
    }
    let letters =
        ["-", ",", "+", "~", "\u{e9}", "o\u{308}", "\u{1f512}", "..a", ".hidden", "a.", " ", "'\"", "\\"];
    let words = [
        "\u{65e5}\u{672c}\u{8a9e}\u{306e}.txt",
        "UPPER lower",
        "-dash",
        "+plus",
        "tab\there",
        "*?[a]{b}$c`d",
    ];
    for name in letters.iter().chain(&words) {
        fs::write(dir.join(name), name).expect("a file");
    }
    let umlauts = "\u{fc}".repeat(longest / 2);
    fs::create_dir(dir.join(&umlauts)).expect("a folder");
    fs::write(dir.join(&umlauts).join(&umlauts), "both names are long\n").expect("a file");
}

fn plant_links(root: &Path) {
    let links = [
        ("to a file", "sizes/16 bytes"),
        ("to a folder", "names"),
        ("to a folder with slash", "names/"),
        ("up and down", "./names/../sizes//17 bytes"),
        ("to nothing", "no/such/thing"),
        ("absolute", "/usr/share/dictionary of words"),
        ("absolute, short", "/x"),
    ];
    for (name, target) in links {
        symlink(target, root.join(name)).expect("a link");
    }
    symlink("../old", root.join("sizes/link up")).expect("a link");
}

fn plant_zeros(dir: &Path, block: u64, payload: u64) {
    for size in [1, payload, 3 * block, 3 * payload + 1] {
        fs::write(dir.join(format!("{size} zeros")), vec![0; size as usize]).expect("a file");
    }
    let data = |name: &str| File::create(dir.join(name)).expect("a file");
    data("hole first").write_all_at(b"the end", 5 * block + 3).expect("a sparse file");
    let both = data("hole between");
    both.write_all_at(b"the start", 0).expect("a sparse file");
    both.write_all_at(b"the end", 4 * payload).expect("a sparse file");
    let last = data("hole last");
    last.write_all_at(b"the start", 0).expect("a sparse file");
    last.set_len(6 * payload).expect("a sparse file");
}

fn new_dir(parent: &Path, name: &str) -> std::path::PathBuf {
    let path = parent.join(name);
    fs::create_dir(&path).expect("a folder");
    path
}
