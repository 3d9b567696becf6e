//! A sync client, as far as it matters to whoever else works in the folder.
//!
//! A version arrives
//! beside the tree and is renamed into place, with its time, as a new inode; now and then a placeholder without bytes or
//! the first half comes first. What was changed here and there gets a mark of the client's in its name. A renamed
//! directory is to it many files that went and came, in any order.
//!
//! It loses nothing itself: a file that it replaces or removes is taken out of the tree by one step, and what comes out is
//! compared with what the client knew. Real clients look first and replace then, and may lose what is closed in between.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::renameat_with;

use crate::log::Log;
use crate::server::Contents;
use crate::server::Server;
use crate::server::Version;
use crate::support::rng::Rng;

/// How a client marks the loser of a conflict.
const MARKS: [fn(&str, u32) -> String; 6] = [
    |host, again| match again {
        0 => format!(" ({host}'s conflicted copy 2026-11-25)"),
        again => format!(" ({host}'s conflicted copy 2026-11-25) ({again})"),
    },
    |host, again| format!(" (in Konflikt stehende Kopie von {host} 2026-11-25 {again})"),
    |host, again| format!(" (Konfliktkopia {host}, skiftlägeskonflikt {again})"),
    |_, again| format!("({})", again + 1),
    |host, again| {
        if again == 0 {
            format!("-{}", host.to_uppercase())
        } else {
            format!("-{}-{again}", host.to_uppercase())
        }
    },
    |_, again| format!(".sync-conflict-20261125-10{:02}{:02}-ABCDEFG", again / 60, again % 60),
];

/// A version as the client last saw it on the server and on disk.
#[derive(Debug)]
struct Known {
    /// None of the server's, where the first half of a file stands.
    number: Option<u64>,
    contents: Contents,
    /// `None` if the file was changed before it could be looked at.
    look: Option<Look>,
}

/// What changes when a file is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Dir,
    File { ino: u64, len: u64, modified: (i64, i64), changed: (i64, i64) },
}

pub(crate) struct Client {
    host: String,
    folder: PathBuf,
    /// Beside the tree, on the same disk.
    cache: PathBuf,
    server: Arc<Server>,
    known: BTreeMap<PathBuf, Known>,
    rng: Rng,
    mark: fn(&str, u32) -> String,
    log: Arc<Log>,
    /// What it did, one for each path at a time.
    pub(crate) events: u64,
    /// Conflicts that it saw.
    pub(crate) conflicts: u64,
}

impl Client {
    pub(crate) fn new(
        host: &str,
        folder: &Path,
        cache: &Path,
        server: &Arc<Server>,
        log: &Arc<Log>,
        seed: u64,
    ) -> Client {
        fs::create_dir(cache).expect("a fresh folder");
        let mut rng = Rng::new(seed);
        let mark = *rng.pick(&MARKS);
        Client {
            host: host.to_owned(),
            folder: folder.to_owned(),
            cache: cache.to_owned(),
            server: Arc::clone(server),
            known: BTreeMap::new(),
            rng,
            mark,
            log: Arc::clone(log),
            events: 0,
            conflicts: 0,
        }
    }

    /// Looks at the folder and at the server once, and acts on what is new.
    pub(crate) fn cycle(&mut self) {
        let mut paths = self.scan();
        paths.extend(self.known.keys().cloned());
        for path in self.shuffled(paths) {
            self.upload(&path);
        }
        let all = self.server.all();
        let mut paths: Vec<_> = all.keys().cloned().collect();
        paths.extend(self.known.keys().filter(|path| !all.contains_key(*path)).cloned());
        for path in self.shuffled(paths) {
            self.download(&path, all.get(&path));
        }
    }

    fn shuffled(&mut self, mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
        paths.sort();
        paths.dedup();
        for end in (1..paths.len()).rev() {
            let other = self.rng.below(end as u64 + 1) as usize;
            paths.swap(end, other);
        }
        paths
    }

    /// Every path in the folder.
    fn scan(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(self.folder.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let path = folder.join(entry.file_name());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path.clone());
                }
                found.push(path);
            }
        }
        found
    }

    fn look(&self, path: &Path) -> Option<Look> {
        look_at(&self.folder.join(path))
    }

    /// Brings a path to the server if it was changed here.
    fn upload(&mut self, path: &Path) {
        let look = self.look(path);
        let known = self.known.get(path);
        match (&look, known) {
            (None, None) => {}
            (Some(look), Some(known)) if known.look.as_ref() == Some(look) => {}
            (None, Some(known)) => {
                if let Some(number) = known.number {
                    let removed = self.server.remove(path, number);
                    self.say(path, format!("is gone, was {number}; removed: {removed}"));
                }
                self.known.remove(path);
                self.did_something();
            }
            (Some(look), known) => {
                let base = known.and_then(|known| known.number);
                let Some(contents) = self.read(path, look) else { return };
                self.did_something();
                let put = self.server.put(path, base, &contents);
                self.say(
                    path,
                    format!(
                        "uploads {look:?}, from {base:?}: {:?}",
                        put.as_ref().map_err(|there| there.number)
                    ),
                );
                match put {
                    Ok(number) => {
                        let known = Known { number: Some(number), contents, look: Some(look.clone()) };
                        self.known.insert(path.to_owned(), known);
                    }
                    Err(there) if there.contents == Contents::Dir && contents == Contents::Dir => {}
                    Err(_) => {
                        self.conflicts += 1;
                        self.known.remove(path);
                        self.put_aside(&self.folder.join(path), path);
                    }
                }
            }
        }
    }

    /// The contents, if nobody changes them meanwhile.
    fn read(&self, path: &Path, look: &Look) -> Option<Contents> {
        if *look == Look::Dir {
            return Some(Contents::Dir);
        }
        let modified = self.folder.join(path).metadata().ok()?.modified().ok()?;
        let bytes = fs::read(self.folder.join(path)).ok()?;
        let same = self.look(path).as_ref() == Some(look);
        same.then(|| Contents::File { bytes: Arc::new(bytes), modified })
    }

    /// Gives something in the tree or beside it a marked name in the tree.
    fn put_aside(&self, from: &Path, path: &Path) {
        let name = path.file_name().expect("a file has a name").to_str().expect("ASCII with our marks");
        for again in 0.. {
            let mark = (self.mark)(&self.host, again);
            // before the last dot, which only earlier marks have
            let marked = match name.rsplit_once('.') {
                Some((base, extension)) if !base.is_empty() => format!("{base}{mark}.{extension}"),
                _ => format!("{name}{mark}"),
            };
            let to = self.folder.join(path.with_file_name(marked));
            fs::create_dir_all(to.parent().expect("in the folder")).ok();
            match renameat_with(CWD, from, CWD, &to, RenameFlags::NOREPLACE) {
                Err(rustix::io::Errno::EXIST) => {}
                Ok(()) | Err(rustix::io::Errno::NOENT) => {
                    return self.say(path, format!("puts {} aside as {}", from.display(), to.display()));
                }
                Err(error) => panic!("{}: {error}", to.display()),
            }
        }
    }

    /// Brings a path here if it was changed on the server, where it is as in `there`.
    fn download(&mut self, path: &Path, there: Option<&Version>) {
        let known = self.known.get(path);
        if known.and_then(|known| known.number) == there.map(|there| there.number) && known.is_some() {
            return;
        }
        let look = self.look(path);
        let is_untouched = match known {
            Some(known) => look.is_none() || look == known.look,
            None => look.is_none() || (look == Some(Look::Dir) && is_dir(there)),
        };
        if !is_untouched {
            return; // a matter for the next upload
        }
        self.did_something();
        match there {
            None => self.remove(path),
            Some(Version { contents: Contents::Dir, number }) => {
                if fs::create_dir_all(self.folder.join(path)).is_ok() {
                    let known =
                        Known { number: Some(*number), contents: Contents::Dir, look: Some(Look::Dir) };
                    self.known.insert(path.to_owned(), known);
                }
            }
            Some(Version { contents: Contents::File { bytes, modified }, number }) => {
                // the first part of it at first, or nothing at all
                let first = match self.rng.below(8) {
                    0 => Some(0),
                    1 => Some(bytes.len() / 2),
                    _ => None,
                };
                if let Some(len) = first {
                    self.deliver(path, &Arc::new(bytes[..len].to_vec()), *modified, None);
                    self.pause(8);
                }
                self.deliver(path, bytes, *modified, Some(*number));
            }
        }
    }

    fn remove(&mut self, path: &Path) {
        let Some(known) = self.known.remove(path) else { return };
        let place = self.folder.join(path);
        if known.contents == Contents::Dir {
            fs::remove_dir(place).ok(); // unless something is in it, which then is news to the server
            return;
        }
        let aside = self.aside();
        if renameat_with(CWD, &place, CWD, &aside, RenameFlags::NOREPLACE).is_ok() {
            self.discard(&aside, path, &known.contents);
        }
    }

    /// Throws away what was taken out of the tree, unless it was changed at the last moment.
    fn discard(&mut self, aside: &Path, path: &Path, expected: &Contents) {
        let bytes = fs::read(aside).unwrap_or_default();
        let is_expected = matches!(expected, Contents::File { bytes: known, .. } if **known == bytes);
        self.say(path, format!("took out {:?}; as expected: {}", look_at(aside), is_expected));
        if is_expected {
            match self.rng.below(3) {
                0 => {} // stays in the cache
                _ => fs::remove_file(aside).expect("nobody else is here"),
            }
        } else {
            self.conflicts += 1;
            self.put_aside(aside, path);
        }
    }

    fn aside(&mut self) -> PathBuf {
        self.cache.join(format!("{:016x}", self.rng.next()))
    }

    /// Puts a file into its place, where the one that we know is, or nothing.
    fn deliver(&mut self, path: &Path, bytes: &Arc<Vec<u8>>, modified: SystemTime, number: Option<u64>) {
        let (place, arriving) = (self.folder.join(path), self.aside());
        let mut file = File::create(&arriving).expect("a fresh file");
        file.write_all(bytes).and_then(|()| file.set_modified(modified)).expect("writable");
        drop(file);
        fs::create_dir_all(place.parent().expect("in the folder")).ok();
        self.pause(2);
        let contents = Contents::File { bytes: Arc::clone(bytes), modified };
        let delivered = match self.known.remove(path) {
            Some(known) if place.is_file() => {
                let swapped = renameat_with(CWD, &arriving, CWD, &place, RenameFlags::EXCHANGE);
                if swapped.is_ok() {
                    self.discard(&arriving, path, &known.contents);
                }
                swapped.is_ok()
            }
            _ => renameat_with(CWD, &arriving, CWD, &place, RenameFlags::NOREPLACE).is_ok(),
        };
        self.say(
            path,
            format!("delivers {number:?}, {} bytes: {delivered}, {:?}", bytes.len(), self.look(path)),
        );
        if delivered {
            let look = self.look(path);
            let is_ours = fs::read(&place).is_ok_and(|now| now == **bytes) && self.look(path) == look;
            let look = look.filter(|_| is_ours);
            self.known.insert(path.to_owned(), Known { number, contents, look });
        } else {
            fs::remove_file(&arriving).ok(); // something has come to be there: a matter for the next upload
        }
    }

    fn say(&self, path: &Path, what: String) {
        self.log.say(&path.to_string_lossy(), &self.host, &what);
    }

    fn did_something(&mut self) {
        self.events += 1;
        self.pause(3);
    }

    fn pause(&mut self, most: u64) {
        thread::sleep(Duration::from_micros(self.rng.below(most * 1000)));
    }
}

fn is_dir(version: Option<&Version>) -> bool {
    version.is_some_and(|version| version.contents == Contents::Dir)
}

fn look_at(path: &Path) -> Option<Look> {
    let meta = path.symlink_metadata().ok()?;
    Some(match meta.is_dir() {
        true => Look::Dir,
        false => Look::File {
            ino: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        },
    })
}
