//! A cache that is damaged, cut, foreign or half there is made anew, never a reason to give up.

use crate::library::{Library, Watched};
use encbox::index::{Error, Found, Index, Query, ScanOptions, refresh};
use std::fs;
use std::path::PathBuf;

fn library() -> Library {
    let library = Library::new();
    for number in 0..50 {
        library.put(&format!("f{number}.txt"), format!("word{number} common").as_bytes());
    }
    library.refresh();
    library
}

fn sealed(library: &Library) -> Vec<PathBuf> {
    library.files().into_iter().filter(|path| path.metadata().is_ok_and(|meta| meta.len() > 0)).collect()
}

fn answer(library: &Library, question: &str) -> Result<Found, Error> {
    let query = Query::parse(question).expect("a question");
    Index::open(&library.place())?.search(&query, 100, 0)
}

/// Damage of one kind to one file, for every file: nothing panics, and the next scans end with a whole index.
fn survives(harm: impl Fn(&PathBuf)) {
    let files = sealed(&library()).len();
    assert!(files > 5);
    for at in 0..files {
        let library = library();
        let mut paths = sealed(&library);
        paths.sort();
        let Some(path) = paths.get(at) else { continue };
        harm(path);
        match answer(&library, "common") {
            Ok(found) => assert_eq!(found.count, 50, "{}: a wrong answer", path.display()),
            Err(Error::Missing | Error::Damaged) => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
        library.put("later.txt", b"common");
        library.refresh();
        let questions = ["common", "word7", "\"word7 common\"", "name:f7", "type:text size:>2"];
        if questions.iter().any(|question| answer(&library, question).is_err()) {
            // damage in what a scan has no need to read shows when somebody asks, and the next scan mends it
            library.refresh();
        }
        assert_eq!(library.ask("common").count, 51, "{}", path.display());
        for question in &questions[1..4] {
            assert_eq!(library.set(question), ["f7.txt"], "{}", path.display());
        }
        assert_eq!(library.ask(questions[4]).count, 51, "{}", path.display());
    }
}

#[test]
fn a_changed_byte_in_any_file() {
    survives(|path| {
        let mut bytes = fs::read(path).expect("a file of the index");
        let middle = 40 + (bytes.len() - 40) / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("our own file");
    });
}

#[test]
fn any_file_cut_short() {
    survives(|path| {
        let len = path.metadata().expect("a file of the index").len();
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(len / 2))
            .expect("our own file");
    });
}

#[test]
fn any_file_gone() {
    survives(|path| fs::remove_file(path).expect("our own file"));
}

#[test]
fn any_file_replaced_by_something_else() {
    survives(|path| fs::write(path, b"{\"segments\":[]}").expect("our own file"));
}

#[test]
fn a_folder_with_other_things_in_it() {
    let library = library();
    let folder = library.place().folder().to_owned();
    fs::remove_dir_all(&folder).expect("our own folder");
    fs::create_dir_all(folder.join("meta.json")).expect("our own folder");
    fs::write(folder.join("letter.txt"), b"dear").expect("our own folder");
    assert!(library.refresh().rebuilt);
    assert_eq!(library.ask("common").count, 50);
}

#[test]
fn whoever_writes_keeps_others_from_writing_and_none_from_reading() {
    let library = library();
    let lock = library.place().folder().join(".tantivy-writer.lock");
    let file = fs::File::open(lock).expect("the lock of writers");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("nobody writes now");
    assert!(matches!(library.watched(&mut Watched::default()), Err(Error::Busy)));
    assert!(matches!(library.place().remove(), Err(Error::Busy)));
    assert_eq!(library.ask("common").count, 50);
    drop(file);
    library.refresh();
}

#[test]
fn rebuilding_reads_everything_again() {
    let library = library();
    let options = ScanOptions { rebuild: true, ..ScanOptions::default() };
    let summary =
        refresh(&library.place(), &library.volume, options, &mut Watched::default()).expect("a scan");
    assert_eq!((summary.added, summary.rebuilt), (50, false));
    assert_eq!(library.ask("common").count, 50);
}

#[test]
fn rebuilding_needs_nothing_of_what_was_there() {
    let library = library();
    let list = library.place().folder().join(".managed.json");
    fs::remove_file(&list).expect("our own file");
    std::os::unix::fs::symlink(".managed.json", &list).expect("our own folder");
    assert!(matches!(library.watched(&mut Watched::default()), Err(Error::Io(_))), "not what damage does");
    let options = ScanOptions { rebuild: true, ..ScanOptions::default() };
    refresh(&library.place(), &library.volume, options, &mut Watched::default()).expect("a scan");
    assert_eq!(library.ask("common").count, 50);
}

#[test]
fn damage_that_a_search_meets_stays_until_a_scan_says_that_it_made_the_index_anew() {
    let library = library();
    // so long that their rows are not read when the index is opened
    for number in 0..20_u64 {
        let words = (0..500_u64)
            .map(|at| format!("{:x} ", (number * 500 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        library.put(&format!("long{number}.txt"), format!("common {}", words.collect::<String>()).as_bytes());
    }
    library.refresh();
    let is_long = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "store")
            && path.metadata().is_ok_and(|meta| meta.len() > 40_000)
    };
    let rows: Vec<_> = sealed(&library).into_iter().filter(is_long).collect();
    assert!(!rows.is_empty());
    for path in rows {
        let mut bytes = fs::read(&path).expect("a file of the index");
        bytes[60] ^= 1;
        fs::write(path, bytes).expect("our own file");
    }
    library.index();
    let list = library.place().folder().join("meta.json");
    let lock = library.place().folder().join(".tantivy-writer.lock");
    let lock = fs::File::open(lock).expect("the lock of writers");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("nobody writes now");
    assert!(matches!(answer(&library, "common"), Err(Error::Damaged)));
    assert!(fs::metadata(&list).expect("there").len() > 0, "whoever writes has mended it, or meets it, too");
    drop(lock);
    for _ in 0..3 {
        assert!(matches!(answer(&library, "common"), Err(Error::Damaged)));
        assert_eq!(fs::metadata(&list).expect("there").len(), 0);
    }
    assert!(library.refresh().rebuilt);
    assert_eq!(library.ask("common").count, 70);
}

#[test]
fn what_is_removed_is_gone() {
    let library = library();
    assert!(library.place().remove().expect("removed"));
    assert!(!library.place().remove().expect("nothing there"));
    assert!(matches!(Index::open(&library.place()), Err(Error::Missing)));
    assert!(library.files().is_empty());
}
