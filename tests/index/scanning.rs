//! What a scan reads, and what it leaves.

use crate::library::{Library, Watched};
use crate::scratch::many_parameters;
use encbox::index::{self, Error, Place, Progress, ScanOptions};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn a_rescan_reads_only_what_changed() {
    let library = Library::new();
    for number in 0..100 {
        library.put(&format!("d{}/f{number}.txt", number % 7), format!("word{number} common").as_bytes());
    }
    let summary = library.refresh();
    assert_eq!((summary.entries, summary.added, summary.changed), (107, 107, 0));
    let mut again = Watched::default();
    let summary = library.watched(&mut again).expect("a scan");
    assert_eq!((summary.added, summary.changed, summary.removed, again.bytes), (0, 0, 0, 0));
    assert_eq!((summary.entries, again.items), (107, 107));

    library.open("d1/f1.txt").write_at(b"another", 0).expect("a change");
    library.age("d1/f1.txt");
    library.put("d1/new.txt", b"fresh");
    library.volume.unlink(&library.entry("d2/f2.txt").0, OsStr::new("f2.txt")).expect("removed");
    let mut third = Watched::default();
    let summary = library.watched(&mut third).expect("a scan");
    // the folders' own times changed, too: they are entries, and nothing of them is read
    assert_eq!((summary.added, summary.removed, summary.failed), (1, 1, 0));
    assert_eq!(third.bytes, library.read("d1/f1.txt").len() as u64 + 5);
    assert_eq!(library.set("another"), ["d1/f1.txt"]);
    assert!(library.set("\"word1\"").is_empty(), "the old text is gone");
    assert!(library.set("\"word2\"").is_empty(), "and so is the file");
    assert_eq!(library.set("fresh"), ["d1/new.txt"]);
    assert_eq!(library.ask("common type:text").count, 98);
}

/// Takes long over every file.
struct Slow(Watched);

impl Progress for Slow {
    fn bytes(&mut self, count: u64) {
        self.0.bytes(count);
        thread::sleep(Duration::from_millis(3100));
    }
}

#[test]
fn what_changed_shortly_before_it_was_read_is_read_again_however_long_that_took() {
    let library = Library::new();
    library.write("a.txt", b"just now");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let set = |time| {
        let file = fs::File::options().write(true).open(library.on_disk("a.txt")).expect("on disk");
        file.set_modified(UNIX_EPOCH + time).expect("our own file");
    };
    set(Duration::from_secs(now.as_secs() + 1));
    index::refresh(&library.place(), &library.volume, ScanOptions::default(), &mut Slow(Watched::default()))
        .expect("a scan");
    let read = || {
        let mut watched = Watched::default();
        library.watched(&mut watched).expect("a scan");
        watched.bytes
    };
    assert_eq!((read(), read()), (8, 0), "until its time tells");
    set(now + Duration::from_secs(3600));
    assert_eq!((read(), read()), (8, 0), "a time far ahead tells as well as any");
}

#[test]
fn whoever_renames_a_folder_finds_everything_below_its_new_name() {
    for parameters in many_parameters() {
        let library = Library::with(&parameters);
        library.put("old/deep/a.txt", b"apple");
        library.refresh();
        let root = library.root();
        let rename = encbox::volume::RenameMode::Replace;
        library.volume.rename(&root, OsStr::new("old"), &root, OsStr::new("new"), rename).expect("renamed");
        let summary = library.refresh();
        assert_eq!((summary.added, summary.removed, summary.entries), (3, 3, 3));
        assert_eq!(library.paths("apple"), ["new/deep/a.txt"]);
        let hit = library.ask("apple").hits.remove(0);
        assert_eq!(library.folder.path().join(hit.entry.cipher_path), library.on_disk("new/deep/a.txt"));
    }
}

#[test]
fn an_interrupted_scan_keeps_what_it_read() {
    let library = Library::new();
    for number in 0..400 {
        library.put(&format!("f{number}.txt"), format!("word{number} common").as_bytes());
    }
    let mut stopped = Watched { stop_after: Some(150), ..Watched::default() };
    assert!(matches!(library.watched(&mut stopped), Err(Error::Interrupted)));
    let kept = library.ask("common").count;
    assert!((100..400).contains(&kept), "{kept} kept");
    assert_eq!(library.index().status().expect("a status").scanned, None, "it was not finished");
    let mut rest = Watched::default();
    let summary = library.watched(&mut rest).expect("a scan");
    assert_eq!((summary.added, summary.changed), (400 - kept as u64, 0));
    assert_eq!(library.ask("common").count, 400);
    let finished = library.index().status().expect("a status").scanned;
    assert!(finished.is_some());
    // an interruption later does not take that away, nor anything that was not reached
    assert!(library.watched(&mut Watched { stop_after: Some(10), ..Watched::default() }).is_err());
    assert_eq!(library.ask("common").count, 400);
    assert_eq!(library.index().status().expect("a status").scanned, finished);
}

#[test]
fn what_cannot_be_read_is_reported_and_found_by_its_name() {
    let library = Library::new();
    library.put("sound.txt", b"all is well");
    library.put("broken.txt", &b"begins well ".repeat(1000));
    let path = library.on_disk("broken.txt");
    let mut bytes = fs::read(&path).expect("on disk");
    bytes[9000] ^= 1;
    fs::write(&path, bytes).expect("our own file");
    library.age("broken.txt");
    let mut watched = Watched::default();
    let summary = library.watched(&mut watched).expect("a scan");
    assert_eq!((summary.entries, summary.failed), (2, 1));
    assert!(watched.failures[0].contains("broken.txt"), "{:?}", watched.failures);
    let hit = library.ask("broken").hits.remove(0);
    assert!(hit.entry.flags.damaged && hit.entry.hash.is_none() && hit.entry.content_hash.is_some());
    assert_eq!(library.set("\"begins well\""), ["broken.txt"], "what precedes the damage counts");
    let mut again = Watched::default();
    library.watched(&mut again).expect("a scan");
    assert!(again.failures.is_empty() && again.bytes == 0, "it did not change");
}

#[test]
fn what_is_in_a_folder_that_cannot_be_listed_stays() {
    if rustix::process::geteuid().is_root() {
        println!("*** SKIPPED: root may list every folder ***");
        return;
    }
    let library = Library::new();
    library.put("shut/deep/a.txt", b"apple");
    library.put("open.txt", b"apple");
    library.refresh();
    let folder = library.on_disk("shut");
    let set = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("our own folder");
    set(0o000);
    let summary = library.refresh();
    set(0o755);
    assert_eq!((summary.failed, summary.removed), (1, 0));
    assert_eq!(library.set("apple"), ["open.txt", "shut/deep/a.txt"]);
}

#[test]
fn folders_of_any_size_and_depth_are_looked_at_once() {
    let library = Library::new();
    // fewer than a thread takes at once, just as many, one more, and many more; and below each another
    let sizes = [31, 32, 33, 64, 300];
    let mut folder = String::new();
    let mut count = 0;
    for size in sizes {
        folder = format!("{folder}d{size}/");
        for number in 0..size {
            library.put(&format!("{folder}f{number}.txt"), b"apple");
        }
        count += size + 1;
    }
    let mut watched = Watched::default();
    let summary = library.watched(&mut watched).expect("a scan");
    assert_eq!((summary.entries, summary.added, watched.items), (count, count, count));
    assert_eq!(library.ask("apple").count as u64, count - sizes.len() as u64);
    let mut again = Watched::default();
    let summary = library.watched(&mut again).expect("a scan");
    assert_eq!((summary.added, summary.changed, summary.removed, again.items), (0, 0, 0, count));
}

#[test]
fn an_empty_volume_has_an_empty_index() {
    let library = Library::new();
    assert_eq!(library.refresh().entries, 0);
    assert_eq!(library.refresh().entries, 0);
    assert_eq!(library.ask("type:folder").count, 0);
}

#[test]
fn names_that_are_not_unicode_are_entries_like_others() {
    use std::os::unix::ffi::OsStrExt;
    let library = Library::new();
    let name = OsStr::from_bytes(b"caf\xe9 list.txt");
    let how = encbox::volume::OpenFile { write: true, ..Default::default() };
    let file = library.volume.create_file(&library.root(), name, 0o644, true, how, None).expect("made");
    file.write_at(b"coffee", 0).expect("written");
    library.refresh();
    let hit = library.ask("coffee").hits.remove(0);
    assert_eq!(hit.entry.path.file_name(), Some(name));
    assert_eq!(library.ask("name:list").count, 1);
}

#[test]
fn the_folder_of_the_index_must_not_be_synced_with_the_volume() {
    let library = Library::new();
    let inside = library.folder.path().join("cache/encbox");
    assert!(matches!(Place::of(&library.volume, &inside), Err(Error::InsideVolume { .. })));
    assert!(!inside.exists());
}

#[test]
fn two_copies_of_a_volume_have_an_index_each() {
    let library = Library::new();
    let copy = tempfile::tempdir().expect("a scratch folder");
    for entry in fs::read_dir(library.folder.path()).expect("the volume") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let other = crate::scratch::open(copy.path(), Default::default());
    let other = Place::of(&other, library.cache.path()).expect("a place");
    assert_ne!(other.folder(), library.place().folder());
}

/// As a mount has it done, which knows where something happened.
#[test]
fn some_folders_alone() {
    let library = Library::new();
    for path in ["a/one.txt", "a/below/two.txt", "b/three.txt", "b/moved/four.txt", "five.txt"] {
        library.put(path, path.as_bytes());
    }
    library.refresh();
    let scanned = library.index().status().expect("whole").scanned;
    library.put("a/new/deep/six.txt", b"six");
    library.put("b/unseen.txt", b"unseen");
    std::fs::remove_file(library.on_disk("a/one.txt")).expect("it is there");
    library.put("a/below/unseen.txt", b"unseen");
    let summary = library.refresh_folders(&["a", "a/new/deep", "a", "a/new"]).expect("a scan");
    // the folder itself has another time
    assert_eq!((summary.added, summary.changed, summary.removed), (3, 2, 1), "{summary:?}");
    assert_eq!(
        library.set("type:txt"),
        ["a/below/two.txt", "a/new/deep/six.txt", "b/moved/four.txt", "b/three.txt", "five.txt",]
    );
    assert_eq!(library.index().status().expect("whole").scanned, scanned, "that was no whole scan");
    // a folder that goes takes what is below with it, and comes with it elsewhere
    let (from, to) = (library.entry("b/moved"), library.entry("a/moved"));
    let mode = encbox::volume::RenameMode::NoReplace;
    library.volume.rename(&from.0, from.1.as_ref(), &to.0, to.1.as_ref(), mode).expect("renamed");
    library.refresh_folders(&["a", "", "b", "no longer there", "a/moved"]).expect("a scan");
    assert_eq!(library.set("four"), ["a/moved/four.txt"]);
    assert_eq!(library.index().status().expect("whole").entries, 6 + 6, "files and folders, each once");
    assert_eq!(library.set("unseen"), ["b/unseen.txt"]);
    library.refresh_folders(&[""]).expect("a scan");
    assert_eq!(library.set("unseen"), ["b/unseen.txt"], "what is in known folders is theirs");
    library.refresh();
    assert_eq!(library.set("unseen"), ["a/below/unseen.txt", "b/unseen.txt"]);
}

#[test]
fn some_folders_of_a_volume_without_an_index_are_everything() {
    let library = Library::new();
    library.put("a/one.txt", b"one");
    library.put("b/two.txt", b"two");
    library.refresh_folders(&["a"]).expect("a scan");
    assert_eq!(library.set("type:txt"), ["a/one.txt", "b/two.txt"]);
}
