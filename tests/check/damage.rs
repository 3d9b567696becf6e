//! One kind of damage at a time: what is found, how bad it is said to be, and that the good is not called wrong.

use crate::sample;
use crate::scratch::*;
use crate::{findings, serious};
use encbox::check::{Kind, Severity};
use encbox::config::{Parameters, Profile};
use encbox::volume::OpenOptions;
use std::fs;
use std::os::unix::fs::FileExt;

fn small(profile: Profile) -> Parameters {
    Parameters { block_len: 64, ..profile.parameters() }
}

fn change(scratch: &Scratch, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let on_disk = scratch.on_disk(path);
    let mut bytes = fs::read(&on_disk).unwrap();
    change(&mut bytes);
    fs::write(&on_disk, bytes).unwrap();
}

/// The one finding about a volume that is more than a note.
#[track_caller]
fn one(scratch: &Scratch) -> encbox::check::Finding {
    let found: Vec<_> =
        findings(&scratch.volume).into_iter().filter(|finding| finding.severity > Severity::Note).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn pairs(blocks: &[std::ops::Range<u64>]) -> Vec<(u64, u64)> {
    blocks.iter().map(|range| (range.start, range.end)).collect()
}

fn filled(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251 + 1) as u8).collect()
}

#[test]
fn a_sound_volume_of_any_kind_has_nothing_wrong() {
    for (name, parameters) in sample::kinds() {
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        assert_eq!(serious(&scratch.volume), [], "{name}");
    }
    for parameters in many_parameters() {
        let scratch = Scratch::new(&parameters);
        scratch.mkdir("dir");
        for (path, len) in [("a", 0), ("dir/b", 1), ("c", 64), ("dir/d.txt", 1000)] {
            scratch.write(path, &vec![b'x'; len]);
        }
        // a hole, as the format has them
        scratch.create("hole").write_at(b"behind", 5000).unwrap();
        assert_eq!(serious(&scratch.volume), [], "{parameters:?}");
    }
}

#[test]
fn the_bad_blocks_of_a_file_are_one_finding() {
    let scratch = Scratch::new(&small(Profile::Sync));
    scratch.write("file", &filled(56 * 20));
    for block in [3, 4, 9] {
        change(&scratch, "file", |bytes| bytes[8 + 64 * block + 30] ^= 1);
    }
    let found = one(&scratch);
    assert_eq!((found.kind, found.severity), (Kind::Mac, Severity::Damage));
    assert_eq!(found.blocks, [3..5, 9..10]);
    assert_eq!(found.what, "the MAC of 3 of 20 blocks does not match: blocks 3-4, 9");
    assert_eq!(found.plain.as_deref(), Some("file".as_ref()));
}

#[test]
fn damage_in_a_large_file_is_found_wherever_it_is() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let len = 130 << 20;
    let file = scratch.create("large");
    file.truncate(len).unwrap(); // in a volume without holes, so all of it is on disk
    drop(file);
    let on_disk = fs::File::options().write(true).open(scratch.on_disk("large")).unwrap();
    let blocks = len.div_ceil(4088);
    let bad = [0, blocks / 3, blocks - 1];
    for block in bad {
        on_disk.write_all_at(b"damage", 8 + block * 4096 + 16).unwrap();
    }
    assert_eq!(one(&scratch).blocks, bad.map(|block| block..block + 1));
}

#[test]
fn a_header_that_no_block_fits() {
    let scratch = Scratch::new(&small(Profile::Sync));
    scratch.write("many", &filled(1000));
    change(&scratch, "many", |bytes| bytes[3] ^= 0x40);
    assert_eq!(one(&scratch).kind, Kind::Header);
    let scratch = Scratch::new(&small(Profile::Paranoia));
    scratch.write("many", &filled(1000));
    change(&scratch, "many", |bytes| bytes[3] ^= 0x40);
    assert_eq!(one(&scratch).kind, Kind::Moved, "where the header depends on the path, that may be it");
}

#[test]
fn a_header_of_zeros_is_lost() {
    for profile in [Profile::Sync, Profile::Standard, Profile::Paranoia] {
        let scratch = Scratch::new(&small(profile));
        scratch.write("file", &filled(200));
        change(&scratch, "file", |bytes| bytes[..8].fill(0));
        assert_eq!((one(&scratch).kind, one(&scratch).severity), (Kind::Header, Severity::Damage));
    }
}

#[test]
fn ends_that_hold_nothing() {
    for (len, kind) in [(5, Kind::Truncated), (8 + 64 + 8, Kind::Truncated), (8 + 64 + 9, Kind::Mac)] {
        let scratch = Scratch::new(&small(Profile::Sync));
        scratch.write("file", &filled(56 * 3));
        change(&scratch, "file", |bytes| bytes.truncate(len));
        assert_eq!(one(&scratch).kind, kind, "{len} bytes");
    }
}

#[test]
fn zeros_where_there_are_no_holes() {
    let scratch = Scratch::new(&Parameters { allow_holes: false, ..small(Profile::Boxcryptor) });
    scratch.write("file", &filled(640));
    change(&scratch, "file", |bytes| bytes[128..192].fill(0));
    let found = one(&scratch);
    assert_eq!(
        (found.kind, found.severity, pairs(&found.blocks)),
        (Kind::Zeroed, Severity::Damage, vec![(2, 3)])
    );
}

#[test]
fn zeros_where_there_are_no_holes_are_no_mac_that_does_not_match() {
    let scratch = Scratch::new(&small(Profile::Sync));
    scratch.write("file", &filled(56 * 10 + 30));
    for (range, block) in [(8 + 64 * 2..8 + 64 * 3, 2), (8 + 64 * 10..8 + 64 * 10 + 38, 10)] {
        let path = scratch.on_disk("file");
        let sound = fs::read(&path).unwrap();
        change(&scratch, "file", |bytes| bytes[range].fill(0));
        let found = one(&scratch);
        assert_eq!(
            (found.kind, found.severity, pairs(&found.blocks)),
            (Kind::Zeroed, Severity::Damage, vec![(block, block + 1)]),
            "{found:?}"
        );
        fs::write(path, sound).unwrap();
    }
    // of the others the header is still to be told
    change(&scratch, "file", |bytes| {
        bytes[3] ^= 1;
        bytes[8 + 64 * 2..8 + 64 * 3].fill(0);
    });
    assert_eq!(
        serious(&scratch.volume).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(),
        [Kind::Header, Kind::Zeroed]
    );
}

/// What is not encrypted may be zeros on disk, MAC or not.
#[test]
fn zeros_that_are_not_encrypted_are_zeros() {
    let plain = Parameters { plain_data: true, allow_holes: false, ..small(Profile::Boxcryptor) };
    let null = Parameters {
        cipher: encbox::crypto::AlgorithmId::new("nullCipher", 1, 0),
        key_bits: 0,
        allow_holes: false,
        ..small(Profile::Boxcryptor)
    };
    for parameters in [plain, null] {
        let scratch = Scratch::new(&parameters);
        let mut data = filled(640);
        data[128..256].fill(0);
        scratch.write("file", &data);
        assert_eq!(serious(&scratch.volume), [], "{parameters:?}");
    }
}

/// A block that is lost hides nothing of the text around it.
#[test]
fn text_is_looked_through_around_what_is_lost() {
    let scratch = Scratch::new(&Parameters { allow_holes: false, ..small(Profile::Standard) });
    // in a text that is ASCII only, noise may as well be letters of an old encoding
    let text = "Wörter über Wörter, und kein Ende für sie. ".repeat(60);
    scratch.write("note.txt", text.as_bytes());
    change(&scratch, "note.txt", |bytes| {
        bytes[8..8 + 64].fill(0);
        // in two cipher blocks, of which one may look like text by chance
        bytes[8 + 64 * 7 + 4] ^= 1;
        bytes[8 + 64 * 7 + 36] ^= 1;
    });
    let found: Vec<_> = findings(&scratch.volume)
        .into_iter()
        .filter(|found| found.severity > Severity::Note)
        .map(|found| (found.kind, pairs(&found.blocks)))
        .collect();
    assert_eq!(found, [(Kind::Zeroed, vec![(0, 1)]), (Kind::ContentType, vec![(7, 8)])]);
}

/// Where zeros are legal, what lies beside them tells: a hole has zeros around it where payloads have no round length.
#[test]
fn zeros_that_do_not_lie_like_a_hole() {
    let scratch = Scratch::new(&small(Profile::Paranoia));
    scratch.write("file", &filled(56 * 10));
    change(&scratch, "file", |bytes| bytes[8 + 64 * 4..8 + 64 * 6].fill(0));
    let found = one(&scratch);
    assert_eq!(
        (found.kind, found.severity, pairs(&found.blocks)),
        (Kind::Zeroed, Severity::Warning, vec![(4, 6)])
    );
    // a true hole, though its file lost it on the way through a program that knows none
    let scratch = Scratch::new(&small(Profile::Paranoia));
    scratch.write("file", &filled(100));
    scratch.open("file").write_at(&filled(100), 1000).unwrap();
    change(&scratch, "file", |_| ());
    let found = findings(&scratch.volume);
    assert_eq!(
        found.iter().map(|found| (found.kind, found.severity)).collect::<Vec<_>>(),
        [(Kind::ZeroBlocks, Severity::Note)]
    );
}

#[test]
fn noise_in_text_and_pictures_that_are_none() {
    let scratch = Scratch::new(&small(Profile::Standard));
    sample::fill(&scratch);
    assert_eq!(serious(&scratch.volume), []);
    change(&scratch, "readme.txt", |bytes| bytes[8 + 64 * 5 + 20] ^= 1);
    let found = one(&scratch);
    assert_eq!(
        (found.kind, found.guess, pairs(&found.blocks)),
        (Kind::ContentType, true, vec![(5, 6)]),
        "{found:?}"
    );
    let scratch = Scratch::new(&small(Profile::Standard));
    sample::fill(&scratch);
    change(&scratch, "Photos/2019/IMG_0001.jpg", |bytes| bytes[3] ^= 1);
    change(&scratch, "Work/archive.zip", |bytes| bytes.truncate(1000));
    let kinds: Vec<_> = findings(&scratch.volume).into_iter().filter(|found| found.guess).collect();
    assert_eq!(kinds.len(), 2, "{kinds:#?}");
}

/// Terabytes that take no space are seen at once, and make no more work than there are threads.
#[test]
fn a_file_of_nothing_but_a_hole() {
    const LEN: u64 = 1 << 43;
    for profile in [Profile::Standard, Profile::Sync] {
        let scratch = Scratch::new(&small(profile));
        scratch.write("file", &filled(2000));
        let sound = fs::read(scratch.on_disk("file")).unwrap();
        let file = fs::File::options().write(true).open(scratch.on_disk("file")).unwrap();
        let (block_count, in_middle) = ((LEN - 8) / 64, LEN / 128);
        file.write_all_at(&sound[8..8 + 64], 8 + 64 * in_middle).unwrap();
        file.set_len(8 + 64 * block_count).unwrap();
        drop(file);
        let found = findings(&scratch.volume);
        let told: Vec<_> = found.iter().map(|found| (found.kind, found.severity)).collect();
        if profile == Profile::Standard {
            // without MACs nothing is wrong with the block in the middle, and zeros beside it may be holes
            assert!(told.iter().all(|(kind, _)| *kind == Kind::ZeroBlocks), "{found:?}");
            continue;
        }
        // under another number the block in the middle fits no more
        assert_eq!(told, [(Kind::Mac, Severity::Damage), (Kind::Zeroed, Severity::Damage)], "{found:?}");
        let cut = (sound.len() as u64 - 8) / 64;
        assert_eq!(pairs(&found[0].blocks), [(cut, cut + 1), (in_middle, in_middle + 1)]);
        assert_eq!(pairs(&found[1].blocks), [(cut + 1, in_middle), (in_middle + 1, block_count)]);
    }
}

/// Any short text might be the target of a link where nothing is encrypted.
#[test]
fn texts_in_the_clear_are_no_links() {
    let plain = Parameters {
        plain_data: true,
        file_iv: encbox::config::FileIvMode::None,
        ..Profile::Standard.parameters()
    };
    let null = encbox::crypto::AlgorithmId::new("nameio/null", 1, 0);
    for parameters in [Parameters { name_coding: null, chained_names: false, ..plain.clone() }, plain.clone()]
    {
        let scratch = Scratch::new(&parameters);
        scratch.write("note.txt", b"remember the milk, and the bread");
        scratch.write("word", b"AVeryLongWordOfLettersThatNamesAreWrittenIn");
        assert_eq!(serious(&scratch.volume), [], "{parameters:?}");
    }
    // two names, each with its checksum, are no chance
    let scratch = Scratch::new(&plain);
    scratch.volume.symlink("some/where".as_ref(), &scratch.root(), "link".as_ref(), None).unwrap();
    let on_disk = scratch.on_disk("link");
    let target = fs::read_link(&on_disk).unwrap();
    fs::remove_file(&on_disk).unwrap();
    fs::write(&on_disk, target.to_str().unwrap()).unwrap();
    assert_eq!(one(&scratch).kind, Kind::LinkFile);
}

#[test]
fn links_that_lead_nowhere_that_decodes() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    let root = scratch.root();
    scratch.volume.symlink("some/where".as_ref(), &root, "good".as_ref(), None).unwrap();
    let bad = scratch.on_disk("bad");
    std::os::unix::fs::symlink("no such coding", bad).unwrap();
    assert_eq!(one(&scratch).kind, Kind::LinkTarget);
}

#[test]
fn what_may_not_be_read_is_said() {
    if rustix::process::geteuid().is_root() {
        return; // root may read everything
    }
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new(&Profile::Sync.parameters());
    scratch.write("file", b"x");
    fs::set_permissions(scratch.on_disk("file"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(one(&scratch).kind, Kind::Unreadable);
}

#[test]
fn nothing_is_changed_by_looking() {
    let scratch = Scratch::new(&Profile::Paranoia.parameters());
    sample::fill(&scratch);
    let folder = scratch.folder.path();
    let before =
        (crate::support::tree::bytes_of_folder(folder), crate::support::tree::attributes_of_folder(folder));
    let volume = open(folder, OpenOptions { read_only: true, ..OpenOptions::default() });
    findings(&volume);
    let after =
        (crate::support::tree::bytes_of_folder(folder), crate::support::tree::attributes_of_folder(folder));
    assert!(before == after);
}
