//! `encbox import --tar`

use crate::support::*;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};
use tar::{EntryType, Header};

const DAMAGED: i32 = 9;
const RECORD_LEN: usize = 512;

/// A stream as other programs write it, member by member; none of its names is looked at on the way.
#[derive(Default)]
struct Stream(Vec<u8>);

impl Stream {
    fn member(mut self, kind: EntryType, path: &str, link: &str, content: &[u8]) -> Stream {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o640 });
        header.set_mtime(1_000_000_000);
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(RECORD_LEN), 0);
        self
    }

    fn file(self, path: &str, content: &[u8]) -> Stream {
        self.member(EntryType::Regular, path, "", content)
    }

    fn dir(self, path: &str) -> Stream {
        self.member(EntryType::Directory, path, "", b"")
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * RECORD_LEN, 0);
        self.0
    }
}

/// A tree with every kind of thing that a stream can hold.
fn tree(scratch: &Scratch) {
    scratch.write("src/dir/large", &bytes(1_200_000));
    scratch.write("src/dir/empty", b"");
    scratch.write("src/tool", b"#!/bin/sh\n");
    symlink("dir/large", scratch.path("src/link")).unwrap();
    fs::hard_link(scratch.path("src/tool"), scratch.path("src/twin")).unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 0);
    fs::set_permissions(scratch.path("src/tool"), fs::Permissions::from_mode(0o750)).unwrap();
    for name in ["src/tool", "src/dir/large", "src/dir/empty", "src/dir", "src"] {
        fs::File::open(scratch.path(name)).unwrap().set_modified(then).unwrap();
    }
    fs::set_permissions(scratch.path("src/dir"), fs::Permissions::from_mode(0o550)).unwrap();
}

#[track_caller]
fn assert_same(scratch: &Scratch, a: &str, b: &str) {
    for name in ["", "dir", "dir/large", "dir/empty", "tool", "link", "twin"] {
        let (a, b) = (scratch.path(a).join(name), scratch.path(b).join(name));
        let (old, new) = (a.symlink_metadata().unwrap(), b.symlink_metadata().unwrap());
        assert_eq!(old.mode(), new.mode(), "{name}");
        if old.is_symlink() {
            assert_eq!(fs::read_link(a).unwrap(), fs::read_link(b).unwrap());
            continue;
        }
        assert_eq!((old.mtime(), old.mtime_nsec()), (new.mtime(), new.mtime_nsec()), "{name}");
        if old.is_file() {
            assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{name}");
        }
    }
}

fn pack(scratch: &Scratch, arguments: &[&str]) -> Vec<u8> {
    let mut tar = scratch.bare_command("tar");
    tar.arg("-c").args(arguments);
    let packed = run(tar, b"");
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    packed.stdout
}

#[test]
fn what_an_export_writes_an_import_reads() {
    for profile in ["sync", "boxcryptor", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        tree(&scratch);
        let then = SystemTime::UNIX_EPOCH - Duration::new(1000, 250_000_000);
        fs::File::open(scratch.path("src/tool")).unwrap().set_modified(then).unwrap();
        // a name too long for its field, and with what ends a line in the middle
        let odd = format!("{}\n{}", "l".repeat(60), "m".repeat(60));
        scratch.write(&format!("src/{odd}/{odd}"), b"odd");
        scratch.run(&["import", "V", "src", "/"]).ok();
        let stream = scratch.run(&["export", "--tar", "V", "-"]).ok().stdout;
        scratch.run(&["new", "-q", "--iterations", "1000", "--profile", profile, "W"]).ok();
        scratch.feed(&["import", "--tar", "W", "-", "/"], &stream).ok();
        scratch.run(&["export", "W", "/src", "out"]).ok();
        assert_eq!(fs::read(scratch.path(format!("out/{odd}/{odd}"))).unwrap(), b"odd");
        fs::File::open(scratch.path("src")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::File::open(scratch.path("out")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_same(&scratch, "src", "out");
    }
}

#[test]
fn streams_of_other_programs() {
    if !has("tar") {
        return;
    }
    let scratch = Scratch::new();
    tree(&scratch);
    let long = "l".repeat(130);
    for format in ["v7", "ustar", "oldgnu", "gnu", "posix"] {
        let stream = pack(&scratch, &[&format!("--format={format}"), "src"]);
        let dest = format!("/{format}");
        scratch.feed(&["import", "--tar", "V", "-", &dest], &stream).ok();
        scratch.run(&["export", "V", &format!("{dest}/src"), format]).ok();
        assert_same(&scratch, "src", format);
        // hard links are hard links
        let twin = scratch.cipher(&format!("{dest}/src/twin")).metadata().unwrap();
        assert_eq!(twin.ino(), scratch.cipher(&format!("{dest}/src/tool")).metadata().unwrap().ino());
    }
    scratch.write(&format!("src/{long}/{long}"), b"long");
    symlink(format!("{long}/{long}"), scratch.path("src/far")).unwrap();
    for format in ["gnu", "posix"] {
        let stream = pack(&scratch, &[&format!("--format={format}"), "src"]);
        scratch.feed(&["import", "--tar", "V", "-", "/long"], &stream).ok();
        assert_eq!(scratch.run(&["cat", "V", "/long/src/far"]).ok().text(), "long");
        scratch.run(&["rm", "-r", "V", "/long"]).ok();
    }
    let sparse = fs::File::create(scratch.path("sparse")).unwrap();
    sparse.set_len(5_000_000).unwrap();
    for format in ["gnu", "posix"] {
        let stream = pack(&scratch, &["--sparse", &format!("--format={format}"), "sparse", "password"]);
        scratch.feed(&["import", "--tar", "V", "-", format], &stream).partly().says(&["sparse"]);
        assert!(scratch.run(&["cat", "V", &format!("/{format}/password")]).ok().text().starts_with(PASSWORD));
    }
}

#[test]
fn hostile_members_are_refused_by_name_and_the_rest_is_unpacked() {
    let scratch = Scratch::new();
    scratch.add("/precious", b"precious");
    scratch.run(&["mkdir", "V", "/in"]).ok();
    symlink("..", scratch.path("up")).unwrap();
    scratch.run(&["import", "V", "up", "/in/old"]).ok();
    let link = |stream: Stream, path, target| stream.member(EntryType::Symlink, path, target, b"");
    let hard = |stream: Stream, path, target| stream.member(EntryType::Link, path, target, b"");
    let mut stream = Stream::default().file("before", b"before").file("../precious", b"x");
    stream = stream.file("/precious", b"x").file("a/../../precious", b"x").file("dir/../../up", b"x");
    stream = link(stream, "root", "/");
    stream = link(stream, "out", "..");
    stream = link(stream, "dir/out", "../..");
    stream = stream.file("root/precious", b"x").file("out/precious", b"x").file("dir/out/precious", b"x");
    stream = link(stream, "good", "dir/file");
    stream = stream.file("good/below", b"x").file("old/precious", b"x").dir("good/dir/");
    stream = hard(stream, "stolen", "../precious");
    stream = hard(stream, "stolen", "/precious");
    stream = hard(stream, "stolen", "old/precious");
    stream = hard(stream, "stolen", "nothing");
    stream = hard(stream, "stolen", "dir");
    stream = stream.member(EntryType::Fifo, "pipe", "", b"").member(EntryType::Char, "device", "", b"");
    stream = stream.member(EntryType::new(b'Q'), "riddle", "", b"content").file("", b"nameless");
    stream = stream.file("before/below", b"x").file("dir/file", b"inside").file("after", b"after");
    let run = scratch.feed(&["import", "--tar", "V", "-", "/in"], &stream.end()).partly();
    let refused: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("encbox: ")).collect();
    let expected = [
        "encbox: ../precious: refused: a path that leads out by `..`",
        "encbox: /precious: refused: an absolute path",
        "encbox: a/../../precious: refused: a path that leads out by `..`",
        "encbox: dir/../../up: refused: a path that leads out by `..`",
        "encbox: root/precious: refused: it lies below a symbolic link",
        "encbox: out/precious: refused: it lies below a symbolic link",
        "encbox: dir/out/precious: refused: it lies below a symbolic link",
        "encbox: good/below: refused: it lies below a symbolic link",
        "encbox: old/precious: refused: it lies below a symbolic link",
        "encbox: good/dir/: refused: it lies below a symbolic link",
        "encbox: stolen: refused: a path that leads out by `..`",
        "encbox: stolen: refused: an absolute path",
        "encbox: stolen: refused: a hard link to what did not come before it",
        "encbox: stolen: refused: a hard link to what did not come before it",
        "encbox: stolen: refused: a hard link to a directory",
        "encbox: pipe: neither file",
        "encbox: device: neither file",
        "encbox: riddle: a kind of member",
        "encbox: : refused: it has no name",
        "encbox: in/before: exists already",
        "encbox: 20 of the items failed",
    ];
    assert_eq!(refused.len(), expected.len(), "{}", run.stderr);
    for (line, start) in refused.iter().zip(expected) {
        assert!(line.starts_with(start), "{line:?} is not {start:?}");
    }
    let kept = [
        "in",
        "in/after",
        "in/before",
        "in/dir",
        "in/dir/file",
        "in/dir/out",
        "in/good",
        "in/old",
        "in/out",
        "in/root",
        "precious",
    ];
    assert_eq!(scratch.paths(), kept);
    assert_eq!(scratch.run(&["cat", "V", "/precious"]).ok().text(), "precious");
    assert_eq!(scratch.run(&["cat", "V", "/in/good"]).ok().text(), "inside");
    let strict = Stream::default().file("../x", b"x").file("y", b"y").end();
    scratch.feed(&["import", "--tar", "--fail-fast", "V", "-", "/strict"], &strict).fails(14).says(&["../x"]);
}

#[test]
fn of_a_stream_that_is_cut_everything_stays_that_came_whole() {
    let scratch = Scratch::new();
    let large = bytes(700_000);
    let files = [("a", &b"first"[..]), ("dir/b", b"second"), ("dir/large", &large), ("dir/z", b"last")];
    let stream = files.iter().fold(Stream::default(), |stream, (path, content)| stream.file(path, content));
    let ends: Vec<usize> = (1..=files.len())
        .map(|count| {
            let part = files.iter().take(count);
            part.fold(Stream::default(), |stream, (path, content)| stream.file(path, content)).0.len()
        })
        .collect();
    let stream = stream.end();
    let cuts =
        [0, 100, 512, 515, 1024, 1500, 2060, 2600, 400_000, ends[2] - 600, ends[2], ends[3] - 512, ends[3]];
    for (number, cut) in cuts.into_iter().enumerate() {
        let dest = format!("/{number}");
        let run = scratch.feed(&["import", "--tar", "V", "-", &dest], &stream[..cut]).fails(DAMAGED);
        let run = run.says(&["the tar stream ends before its end", "--resume"]);
        if cut == 400_000 {
            assert!(run.stderr.contains("within dir/large"), "{}", run.stderr);
        }
        let whole: Vec<_> =
            files.iter().zip(&ends).filter(|(_, end)| **end <= cut).map(|(file, _)| file).collect();
        scratch.run(&["export", "V", &dest, &format!("out{number}")]).ok();
        let mut found = Vec::new();
        for (path, content) in files {
            if let Ok(read) = fs::read(scratch.path(format!("out{number}/{path}"))) {
                assert!(read == content, "{path}");
                found.push(path);
            }
        }
        // The content counts, not what fills up its last record.
        assert!(found.len() >= whole.len(), "{cut}: {found:?}");
        for (path, _) in whole {
            assert!(found.contains(path), "{cut}: {path} in {found:?}");
        }
        let run = scratch.feed(&["import", "--json", "--resume", "--tar", "V", "-", &dest], &stream).ok();
        let last: serde_json::Value = serde_json::from_str(run.lines().last().unwrap()).unwrap();
        assert_eq!(last["done"]["skipped"], found.len());
        assert_eq!(last["done"]["files"], files.len() - found.len());
        assert_eq!(scratch.run(&["cat", "V", &format!("{dest}/dir/large")]).ok().stdout, large);
    }
    assert!(!scratch.paths().iter().any(|path| path.contains("partial")));
}

#[test]
fn what_is_no_tar_stream() {
    let scratch = Scratch::new();
    let import = |input: &[u8]| scratch.feed(&["import", "--tar", "V", "-", "/x"], input).fails(DAMAGED);
    import(&bytes(5000)).says(&["byte 0 of the stream: no tar header"]);
    let mut gzip = bytes(5000);
    gzip[..3].copy_from_slice(&[0x1f, 0x8b, 8]);
    import(&gzip).says(&["compressed by gzip", "gzip -dc"]);
    let mut damaged = Stream::default().file("a", b"a").file("b", b"b").file("c", b"c").end();
    damaged[1024 + 3] ^= 1;
    import(&damaged).says(&["byte 1024 of the stream"]);
    assert_eq!(scratch.paths(), ["x", "x/a"]);
    // A length that would fill the memory.
    let mut greedy = Header::new_gnu();
    greedy.set_entry_type(EntryType::GNULongName);
    greedy.set_size(1 << 40);
    greedy.set_cksum();
    import(greedy.as_bytes()).says(&["more than 1 MiB"]);
    for damaged in ["5 path=x\n", "99 path=x\n", "path=x\n"] {
        let pax = Stream::default().member(EntryType::XHeader, "pax", "", damaged.as_bytes());
        import(&pax.file("f", b"f").end()).says(&["damaged pax records"]);
    }
    assert_eq!(scratch.paths(), ["x", "x/a"]);
    assert_eq!(scratch.run(&["import", "--tar", "V", "password", "/"]).code, 2);
    assert_eq!(scratch.run(&["import", "--tar", "V", "-", "password", "/"]).code, 2);
    assert_eq!(scratch.run(&["import", "--tar", "-T", "V", "-", "/"]).code, 2);
    scratch.add("/file", b"");
    scratch.feed(&["import", "--tar", "V", "-", "/file"], &damaged_not()).fails(10);
    scratch.feed(&["import", "--tar", "V", "-", "/no/such"], &damaged_not()).fails(8);
}

fn damaged_not() -> Vec<u8> {
    Stream::default().file("a", b"a").end()
}

#[test]
fn hard_links_are_copies_where_there_are_none() {
    let scratch = Scratch::with_profile("paranoia");
    let large = bytes(600_000);
    let stream =
        Stream::default().file("large", &large).member(EntryType::Link, "dir/twin", "large", b"").end();
    let run = scratch.feed(&["import", "--tar", "V", "-", "/"], &stream).ok();
    run.says(&["copied instead of linked: 1 file"]);
    assert_eq!(scratch.run(&["cat", "V", "/dir/twin"]).ok().stdout, large);
    scratch.run(&["export", "V", "out"]).ok();
    let twin = scratch.path("out/dir/twin").metadata().unwrap();
    assert_eq!((twin.mode() & 0o777, twin.mtime()), (0o640, 1_000_000_000));
}

#[test]
fn the_order_of_the_stream_decides() {
    let scratch = Scratch::new();
    let large = bytes(900_000);
    let mut stream = Stream::default();
    for number in 0..50 {
        stream = stream.file("twice", &large[number..]).file("small", format!("{number}").as_bytes());
    }
    let stream = stream.end();
    let run = scratch.feed(&["import", "--tar", "V", "-", "/"], &stream).partly();
    run.says(&["twice: exists already in the volume", "98 of the items failed"]);
    assert_eq!(scratch.run(&["cat", "V", "/small"]).ok().text(), "0");
    scratch.feed(&["import", "--tar", "--force", "--jobs", "4", "V", "-", "/"], &stream).ok();
    assert_eq!(scratch.run(&["cat", "V", "/small"]).ok().text(), "49");
    assert!(scratch.run(&["cat", "V", "/twice"]).ok().stdout == large[49..]);
}

#[test]
fn directories_have_their_times_whenever_something_comes_into_them() {
    let scratch = Scratch::new();
    scratch.run(&["mkdir", "V", "/old"]).ok();
    let before = scratch.cipher("/old").metadata().unwrap();
    let stream = Stream::default()
        .dir("old/")
        .dir("d/")
        .file("d/first", b"1")
        .dir("d/e/")
        .file("other/x", b"x")
        .file("d/e/second", b"2")
        .file("d/third", b"3")
        .file("late/file", b"4")
        .file("elsewhere", b"5")
        .dir("late/")
        .end();
    scratch.feed(&["import", "--tar", "V", "-", "/"], &stream).ok();
    for dir in ["/d", "/d/e", "/late"] {
        let made = scratch.cipher(dir).metadata().unwrap();
        assert_eq!((made.mtime(), made.mode() & 0o7777), (1_000_000_000, 0o755), "{dir}");
    }
    // What was there keeps what it had.
    let after = scratch.cipher("/old").metadata().unwrap();
    assert_eq!((before.mtime(), before.mode()), (after.mtime(), after.mode()));
    assert_ne!(scratch.cipher("/other").metadata().unwrap().mtime(), 1_000_000_000);
}

#[test]
fn nothing_half_written_stays_when_interrupted() {
    let scratch = Scratch::new();
    let mut child = scratch.command(&["import", "--tar", "V", "-", "/"]);
    let mut child =
        child.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    let stream = Stream::default().file("small", b"small").file("large", &bytes(3_000_000)).end();
    std::io::Write::write_all(&mut &stdin, &stream[..2_000_000]).unwrap();
    let killed = scratch.bare_command("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("import --tar V - / --resume"), "{said}");
    assert!(scratch.paths().iter().all(|path| path == "small"), "{:?}", scratch.paths());
    let left: Vec<_> =
        names(&scratch.path("V")).into_iter().filter(|name| name.as_bytes()[0] != b'.').collect();
    assert!(left.len() <= 1, "{left:?}");
    scratch.feed(&["import", "--tar", "--resume", "V", "-", "/"], &stream).ok();
    assert!(scratch.run(&["cat", "V", "/large"]).ok().stdout == bytes(3_000_000));
}
