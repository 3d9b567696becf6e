//! Programs that watch a folder of the mount (inotify) while other machines write into it.

use super::*;
use encbox::volume::RenameMode;
use rustix::fs::inotify;
use rustix::fs::inotify::CreateFlags;
use rustix::fs::inotify::ReadFlags;
use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// What can be heard of names and contents.
const HEARD: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::DELETE_SELF);

/// A program that watches.
struct Ears {
    inotify: rustix::fd::OwnedFd,
    watched: HashMap<i32, PathBuf>,
}

impl Ears {
    fn on(paths: &[PathBuf]) -> Ears {
        let inotify = inotify::init(CreateFlags::NONBLOCK).expect("inotify");
        let watch =
            |path: &PathBuf| (inotify::add_watch(&inotify, path, HEARD).expect("it is there"), path.clone());
        let watched = paths.iter().map(watch).collect();
        Ears { inotify, watched }
    }

    /// What was heard since the last time, one word for each event: what, and where.
    fn heard(&self) -> Vec<String> {
        let mut buffer = [const { MaybeUninit::uninit() }; 8192];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut heard = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return heard,
                Err(error) => panic!("{error}"),
            };
            let word = match event.events() - ReadFlags::ISDIR {
                ReadFlags::CREATE => "made",
                ReadFlags::DELETE => "removed",
                ReadFlags::MOVED_FROM => "moved from",
                ReadFlags::MOVED_TO => "moved to",
                ReadFlags::MODIFY => "changed",
                ReadFlags::DELETE_SELF => "gone",
                _ => continue,
            };
            let folder = self.watched[&event.wd()].file_name().expect("watched by name").to_string_lossy();
            let name = event.file_name().map(|name| String::from_utf8_lossy(name.to_bytes()).into_owned());
            if name.as_ref().is_some_and(|name| name.starts_with(".encbox-arriving-")) {
                continue; // where an arrival is for an instant
            }
            heard.push(match name {
                Some(name) => format!("{word} {folder}/{name}"),
                None => format!("{word} {folder}"),
            });
        }
    }

    /// Waits until this was heard.
    fn wait_for(&self, wanted: &str) {
        let start = Instant::now();
        let mut heard = Vec::new();
        while start.elapsed() < Duration::from_secs(5) {
            heard.extend(self.heard());
            if heard.iter().any(|event| event == wanted) {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
        panic!("waited for `{wanted}`, heard {heard:?}");
    }
}

/// The same volume on the disk of nobody, from where files are brought.
fn elsewhere(mount: &Mount) -> Volume {
    let folder = mount.folder.path().join("elsewhere");
    if !folder.exists() {
        volume::create(&folder, &mount.config, false).expect("an empty folder");
    }
    let password = Password::new(PASSWORD.into()).expect("not empty");
    let key = mount.config.unlock(&password).expect("the password it was made with");
    Volume::with_key(&folder, &mount.config, &key, OpenOptions::default()).expect("a volume")
}

/// A file arrives as a sync client brings it: written outside the tree, renamed into place.
fn deliver(mount: &Mount, path: &str, contents: &[u8]) {
    let volume = elsewhere(mount);
    let (mut dir, mut left) = (volume.root(), path);
    while let Some((folder, rest)) = left.split_once('/') {
        let _ = volume.mkdir(&dir, OsStr::new(folder), 0o755, None);
        dir = volume.open_dir(&dir, OsStr::new(folder)).expect("made just now");
        left = rest;
    }
    let how = volume::OpenFile { read: false, write: true, truncate: true };
    let file = volume.create_file(&dir, OsStr::new(left), 0o644, false, how, None).expect("a fresh file");
    file.write_at(contents, 0).expect("writable");
    let cipher = volume.encode_path(&PlainPath::parse(OsStr::new(path)).expect("inside")).expect("encodable");
    fs::rename(volume.root_path().join(&cipher), mount.volume_path().join(&cipher))
        .expect("the folder is there");
}

#[test]
fn arrivals_and_departures_are_heard() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("folder/old"), "first").expect("a fresh file");
        let ears = Ears::on(&[mount.path("folder"), mount.path("folder/old")]);
        deliver(mount, "folder/new", b"arrived");
        ears.wait_for("moved to folder/new");
        assert_eq!(fs::read(mount.path("folder/new")).expect("it is there"), b"arrived");
        deliver(mount, "folder/old", b"a second version");
        ears.wait_for("moved to folder/old");
        assert_eq!(fs::read(mount.path("folder/old")).expect("it is there"), b"a second version");
        fs::remove_file(mount.cipher_path("folder/new")).expect("it is there");
        ears.wait_for("removed folder/new");
        assert_eq!(errno(fs::metadata(mount.path("folder/new"))), Some(Errno::NOENT));
        assert_eq!(ears.heard(), [""; 0]);
    });
}

#[test]
fn who_watches_a_file_hears_that_it_was_replaced() {
    with_every_profile(|mount| {
        fs::write(mount.path("file"), "first").expect("a fresh file");
        let ears = Ears::on(&[mount.path("file")]);
        deliver(mount, "file", b"second");
        ears.wait_for("gone file");
        assert_eq!(fs::read(mount.path("file")).expect("it is there"), b"second");
    });
}

#[test]
fn who_has_a_file_open_hears_that_it_grows() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("folder/log"), "one\n").expect("a fresh file");
        let open = File::open(mount.path("folder/log")).expect("it is there");
        let mut contents = [0; 8];
        assert_eq!(open.read_at(&mut contents, 0).expect("readable"), 4);
        let ears = Ears::on(&[mount.path("folder"), mount.path("folder/log")]);
        let beside = mount.open(false);
        let folder = beside.open_dir(&beside.root(), OsStr::new("folder")).expect("it is there");
        let how = volume::OpenFile { read: true, write: true, truncate: false };
        let file = beside.open_file(&folder, OsStr::new("log"), how).expect("it is there");
        file.write_at(b"two\n", 4).expect("writable");
        ears.wait_for("changed log");
        assert_eq!(open.read_at(&mut contents, 0).expect("readable"), 8);
        assert_eq!(&contents, b"one\ntwo\n");
        let written = file.stat().expect("open").mtime;
        assert_eq!(open.metadata().expect("open").modified().expect("a time"), written);
    });
}

#[test]
fn renames_elsewhere_are_heard_as_renames() {
    with_every_profile(|mount| {
        for folder in ["here", "there"] {
            fs::create_dir(mount.path(folder)).expect("a fresh folder");
        }
        fs::create_dir(mount.path("here/inner")).expect("a fresh folder");
        fs::write(mount.path("here/inner/deep"), "deep").expect("a fresh file");
        fs::write(mount.path("here/file"), "text").expect("a fresh file");
        for folder in ["here/inner", "there"] {
            assert!(fs::read_dir(mount.path(folder)).is_ok());
        }
        let ears = Ears::on(&[mount.path("here"), mount.path("there")]);
        let beside = mount.open(false);
        let dir = |name| beside.open_dir(&beside.root(), OsStr::new(name)).expect("it is there");
        for name in ["file", "inner"] {
            let name = OsStr::new(name);
            beside.rename(&dir("here"), name, &dir("there"), name, RenameMode::Replace).expect("it is there");
        }
        ears.wait_for("moved to there/inner");
        assert_eq!(fs::read(mount.path("there/file")).expect("it is there"), b"text");
        assert_eq!(fs::read(mount.path("there/inner/deep")).expect("it is there"), b"deep");
        fs::write(mount.path("there/inner/new"), "new").expect("the folder is alive");
        assert_eq!(fs::read_dir(mount.path("here")).expect("it is there").count(), 0);
    });
}

/// The kernel takes a folder that was removed for dead, and keeps it as long as somebody is in it.
#[test]
fn a_folder_that_comes_back_is_alive() {
    with_every_profile(|mount| {
        fs::create_dir_all(mount.path("folder/inner")).expect("fresh folders");
        fs::write(mount.path("folder/inner/file"), "text").expect("a fresh file");
        let somebody = File::open(mount.path("folder/inner")).expect("it is there");
        let ears = Ears::on(&[mount.path("folder")]);
        let (cipher, aside) = (mount.cipher_path("folder/inner"), mount.folder.path().join("aside"));
        fs::rename(&cipher, &aside).expect("it is there");
        ears.wait_for("removed folder/inner");
        fs::rename(&aside, &cipher).expect("it is there");
        ears.wait_for("moved to folder/inner");
        fs::write(mount.path("folder/inner/new"), "new").expect("the folder is alive");
        assert_eq!(fs::read(mount.path("folder/inner/file")).expect("it is there"), b"text");
        drop(somebody);
    });
}

/// What programs do by way of the mount is heard as often as on any other disk.
#[test]
fn own_doings_are_heard_once() {
    with_every_profile(|mount| {
        let plain = tempfile::tempdir().expect("a scratch folder");
        let listen = |root: &Path| {
            let at = |name: &str| root.join(name);
            fs::create_dir(at("folder")).expect("a fresh folder");
            let ears = Ears::on(&[at("folder")]);
            for round in 0..20 {
                fs::create_dir(at("folder/inner")).expect("a fresh folder");
                fs::write(at("folder/inner/file"), "text").expect("a fresh file");
                fs::write(at("folder/file"), pattern(round, 5000)).expect("a fresh file");
                fs::write(at("folder/saved"), "first").expect("a fresh file");
                fs::rename(at("folder/saved"), at("folder/file")).expect("saved by renaming");
                fs::hard_link(at("folder/file"), at("folder/link")).ok();
                let file = File::options().append(true).open(at("folder/file")).expect("it is there");
                drop(file);
                fs::rename(at("folder/inner"), at("folder/renamed")).expect("it is there");
                thread::sleep(Duration::from_millis(15));
                fs::remove_file(at("folder/renamed/file")).expect("it is there");
                fs::remove_dir(at("folder/renamed")).expect("it is empty");
                fs::remove_file(at("folder/link")).ok();
                fs::remove_file(at("folder/file")).expect("it is there");
            }
            thread::sleep(Duration::from_millis(300));
            ears.heard()
        };
        let is_about_links = |event: &String| event.ends_with("/link"); // not every volume has them
        let wanted: Vec<_> =
            listen(plain.path()).into_iter().filter(|event| !is_about_links(event)).collect();
        let heard: Vec<_> =
            listen(&mount.root()).into_iter().filter(|event| !is_about_links(event)).collect();
        assert_eq!(heard, wanted);
    });
}

/// While other machines remove a file, programs make it again: announcing the one must not undo the other.
#[test]
fn what_a_program_makes_in_the_place_of_what_has_gone_stays() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        for round in 0..100 {
            let path = mount.path("folder/file");
            fs::write(&path, format!("{round}")).expect("writable");
            thread::sleep(Duration::from_millis(round % 4));
            fs::remove_file(mount.cipher_path("folder/file")).expect("it is there");
            thread::sleep(Duration::from_millis(round % 13));
            fs::write(&path, format!("again {round}")).expect("writable");
            let names: Vec<_> = fs::read_dir(mount.path("folder")).expect("it is there").collect();
            assert!(!names.is_empty());
            thread::sleep(Duration::from_millis(15));
            assert_eq!(fs::read_to_string(&path).expect("it is there"), format!("again {round}"));
            for name in fs::read_dir(mount.path("folder")).expect("it is there") {
                fs::remove_file(name.expect("readable").path()).expect("it is there");
            }
        }
    });
}
