//! One directory: its names in batches, and what only shows when all of them are known.

use super::content;
use super::examine::{Check, Job};
use super::naming::{Name, Odd, differ_in_case, folded, tell};
use super::pool::Pool;
use super::report::{Finding, Kind, Severity};
use super::tree::Node;
use crate::config::{CONFIG_FILES, is_config_name, is_reserved_name};
use crate::names::EntryName;
use crate::volume;
use crate::volume::{PARTIAL_PREFIX, RawDir, RawEntry};
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::BuildHasher;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Names that are looked at together.
const BATCH: usize = 128;

/// A directory that is being checked.
pub(super) struct Folder {
    pub(super) node: Arc<Node>,
    names: Mutex<Names>,
    /// Batches that are not done, and one for the listing.
    open: AtomicUsize,
}

/// What is remembered of the names of a directory until all are known.
#[derive(Default)]
struct Names {
    /// A hash of each, as other systems see it; eight bytes a name, for there can be a million.
    seen: HashSet<u64>,
    twice: HashSet<u64>,
    decoded: u64,
    odd: Vec<(Vec<u8>, Odd, bool)>,
}

/// Lists a directory, and hands its names out.
pub(super) fn list(check: &Check<'_>, pool: &Pool<Job>, node: Arc<Node>, scratch: &mut content::Scratch) {
    let path = node.cipher_path();
    let dir = match check.volume.raw_dir(&path) {
        Ok(dir) => dir,
        Err(error) if is_gone(&error) => return,
        Err(error) => return check.unreadable(path, node.plain_path(check.volume), &error),
    };
    let folder = Arc::new(Folder { node, names: Mutex::default(), open: AtomicUsize::new(1) });
    let listed = hand_out(check, pool, &dir, &folder, scratch);
    if let Err(error) = listed {
        check.unreadable(path, folder.node.plain_path(check.volume), &error);
    }
    folder.done(check);
}

fn hand_out(
    check: &Check<'_>,
    pool: &Pool<Job>,
    dir: &RawDir,
    folder: &Arc<Folder>,
    scratch: &mut content::Scratch,
) -> Result<(), volume::Error> {
    let mut batch = Vec::new();
    let mut configs = Vec::new();
    for entry in dir.entries()? {
        let entry = entry?;
        if folder.node.is_root() && is_config_name(&entry.name) {
            configs.push(entry.name);
            continue;
        }
        if folder.node.is_root() && is_reserved_name(&entry.name) {
            continue; // ours, in volumes with plain names as well
        }
        batch.push(entry);
        if batch.len() == BATCH {
            folder.hand_out(check, pool, std::mem::take(&mut batch), scratch);
            if pool.stopped() {
                return Ok(());
            }
        }
    }
    other_configs(check, configs);
    folder.hand_out(check, pool, batch, scratch);
    Ok(())
}

impl Folder {
    /// Gives a batch to another thread, or goes through it at once if all have enough to do.
    fn hand_out(
        self: &Arc<Folder>,
        check: &Check<'_>,
        pool: &Pool<Job>,
        batch: Vec<RawEntry>,
        scratch: &mut content::Scratch,
    ) {
        if batch.is_empty() {
            return;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        if pool.is_full() || batch.len() < BATCH {
            self.look_at(check, pool, batch, scratch);
        } else {
            pool.add(Job::Names(Arc::clone(self), batch));
        }
    }

    /// Goes through a batch of names, and checks the files among them.
    pub(super) fn look_at(
        self: &Arc<Folder>,
        check: &Check<'_>,
        pool: &Pool<Job>,
        batch: Vec<RawEntry>,
        scratch: &mut content::Scratch,
    ) {
        match check.volume.raw_dir(&self.node.cipher_path()) {
            Ok(dir) => {
                for entry in batch {
                    if check.stopped(pool) {
                        break;
                    }
                    self.entry(check, pool, &dir, entry, scratch);
                    check.item();
                }
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                check.unreadable(self.node.cipher_path(), self.node.plain_path(check.volume), &error)
            }
        }
        self.done(check);
    }

    fn entry(
        &self,
        check: &Check<'_>,
        pool: &Pool<Job>,
        dir: &RawDir,
        entry: RawEntry,
        scratch: &mut content::Scratch,
    ) {
        let kind = match entry.kind {
            Some(kind) => kind,
            None => match dir.stat_if_there(&entry.name) {
                Ok(Some(stat)) => stat.kind,
                Ok(None) => return, // gone since it was listed
                Err(error) => return check.unreadable(dir.path().join(os_str(&entry.name)), None, &error),
            },
        };
        let is_dir = kind == volume::Kind::Dir;
        let (name, below) = match tell(check.volume.name_codec(), &entry.name, self.node.chain) {
            Name::Entry(name, below) => (name, below),
            Name::Odd(odd) => {
                return self.lock().odd.push((entry.name, odd, is_dir));
            }
        };
        self.note(check, &name);
        let at = At { folder: self, dir, cipher_name: &entry.name, name: &name };
        at.look_at_name(check);
        match kind {
            volume::Kind::Dir => {
                check.count(|summary| summary.folders += 1);
                pool.add(Job::Folder(self.node.below(&entry.name, below)));
            }
            volume::Kind::File => content::file(check, pool, &at, below.path_iv(), scratch),
            volume::Kind::Symlink => {
                check.count(|summary| summary.links += 1);
                at.look_at_link(check);
            }
            _ => {}
        }
    }

    /// Remembers a name of the volume.
    fn note(&self, check: &Check<'_>, name: &EntryName) {
        let hash = check.hasher.hash_one(folded(name.shown()));
        let mut names = self.lock();
        names.decoded += 1;
        if !names.seen.insert(hash) {
            names.twice.insert(hash);
        }
    }

    /// Ends a batch, or the listing; the last one tells what only all of them together show.
    fn done(&self, check: &Check<'_>) {
        if self.open.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let names = std::mem::take(&mut *self.lock());
        self.tell_odd(check, names.decoded, names.odd);
        if !names.twice.is_empty() {
            self.tell_collisions(check, &names.twice);
        }
    }

    fn tell_odd(&self, check: &Check<'_>, decoded: u64, odd: Vec<(Vec<u8>, Odd, bool)>) {
        let path = self.node.cipher_path();
        let lost = odd.iter().filter(|(_, odd, _)| matches!(odd, Odd::Undecodable(_))).count();
        let broken = decoded == 0 && lost > 0 && !self.node.is_root() && check.chained();
        if broken {
            check.found(Finding {
                what: format!(
                    "none of its {lost} names decodes under the path that it has: that path is not the one under \
                     which they were written"
                ),
                ..Finding::new(Severity::Warning, Kind::BrokenChain, path.clone(), self.plain(check))
            });
        }
        for (name, odd, is_dir) in odd {
            if broken && matches!(odd, Odd::Undecodable(_)) {
                continue;
            }
            let is_config =
                self.node.is_root() && String::from_utf8_lossy(&name).to_lowercase().contains("encfs");
            let (kind, what) = match odd {
                Odd::Undecodable(_) if is_config => {
                    (Kind::ConfigCopy, "looks like a config under another name".into())
                }
                _ => (odd.kind(), odd.what()),
            };
            let what = if is_dir { format!("a folder with all that is in it: {what}") } else { what };
            let path = path.join(os_str(&name));
            check.found(Finding { what, ..Finding::new(odd.severity(), kind, path, None) });
        }
    }

    /// Goes through the directory again, for the names behind the hashes that were met twice.
    fn tell_collisions(&self, check: &Check<'_>, twice: &HashSet<u64>) {
        let Ok(dir) = check.volume.raw_dir(&self.node.cipher_path()) else { return };
        let Ok(entries) = dir.entries() else { return };
        /// Plain name and ciphertext name.
        type Pair = (Vec<u8>, Vec<u8>);
        let mut groups: BTreeMap<Vec<u8>, Vec<Pair>> = BTreeMap::new();
        for entry in entries.flatten() {
            if self.node.is_root() && is_reserved_name(&entry.name) {
                continue;
            }
            if let Name::Entry(name, _) = tell(check.volume.name_codec(), &entry.name, self.node.chain) {
                let key = folded(name.shown());
                if twice.contains(&check.hasher.hash_one(&key)) {
                    groups.entry(key.into_owned()).or_default().push((name.shown().to_vec(), entry.name));
                }
            }
        }
        for mut group in groups.into_values().filter(|group| group.len() > 1) {
            group.sort();
            let (first, rest) = (&group[0], &group[1..]);
            let others: Vec<_> = rest.iter().map(|(plain, _)| String::from_utf8_lossy(plain)).collect();
            let how = match () {
                () if rest.iter().all(|(plain, _)| *plain == first.0) => "spells the same name",
                () if rest.iter().any(|(plain, _)| differ_in_case(&first.0, plain)) => "differs in case only",
                () => "differs in its Unicode form only",
            };
            let path = dir.path().join(os_str(&first.1));
            let plain = self.plain_below(check, &first.0);
            check.found(Finding {
                what: format!("{how} from {}", others.join(", ")),
                ..Finding::new(Severity::Warning, Kind::Collision, path, plain)
            });
        }
    }

    fn plain(&self, check: &Check<'_>) -> Option<OsString> {
        Some(self.node.plain_path(check.volume)?.to_path().into_os_string())
    }

    fn plain_below(&self, check: &Check<'_>, name: &[u8]) -> Option<OsString> {
        plain_below(check, &self.node, name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain_below(check: &Check<'_>, node: &Node, name: &[u8]) -> Option<OsString> {
    Some(node.plain_path(check.volume)?.join(os_str(name)).to_path().into_os_string())
}

/// The names of an entry, for whoever may have to tell of it later.
pub(super) struct Whereabouts {
    node: Arc<Node>,
    cipher_name: Vec<u8>,
    shown: Vec<u8>,
}

impl Whereabouts {
    pub(super) fn cipher_path(&self) -> PathBuf {
        self.node.cipher_path().join(os_str(&self.cipher_name))
    }

    pub(super) fn finding(&self, check: &Check<'_>, severity: Severity, kind: Kind, what: String) -> Finding {
        let plain = plain_below(check, &self.node, &self.shown);
        Finding { what, ..Finding::new(severity, kind, self.cipher_path(), plain) }
    }
}

/// An entry whose name decodes.
pub(super) struct At<'a> {
    folder: &'a Folder,
    pub(super) dir: &'a RawDir,
    pub(super) cipher_name: &'a [u8],
    pub(super) name: &'a EntryName,
}

impl At<'_> {
    pub(super) fn cipher_path(&self) -> PathBuf {
        self.dir.path().join(os_str(self.cipher_name))
    }

    pub(super) fn finding(&self, check: &Check<'_>, severity: Severity, kind: Kind, what: String) -> Finding {
        let plain = self.folder.plain_below(check, self.name.shown());
        Finding { what, ..Finding::new(severity, kind, self.cipher_path(), plain) }
    }

    pub(super) fn whereabouts(&self) -> Whereabouts {
        let (cipher_name, shown) = (self.cipher_name.to_vec(), self.name.shown().to_vec());
        Whereabouts { node: Arc::clone(&self.folder.node), cipher_name, shown }
    }

    fn look_at_name(&self, check: &Check<'_>) {
        if let Some(of) = self.name.copy_of() {
            let what =
                format!("another version of {}, set beside it by a sync client", String::from_utf8_lossy(of));
            check.found(self.finding(check, Severity::Warning, Kind::ConflictedCopy, what));
        } else if self.name.shown().starts_with(PARTIAL_PREFIX.as_bytes()) {
            let what = "left by an import that was interrupted; it may be deleted".into();
            check.found(self.finding(check, Severity::Note, Kind::Foreign, what));
        }
    }

    fn look_at_link(&self, check: &Check<'_>) {
        let target = match self.dir.read_link(self.cipher_name) {
            Ok(target) => target,
            Err(error) if is_gone(&error) => return,
            Err(error) => return check.unreadable(self.cipher_path(), None, &error),
        };
        if let Err(error) = check.volume.name_codec().decode_link(&target) {
            let what = format!("where the link leads does not decode: {error}");
            check.found(self.finding(check, Severity::Damage, Kind::LinkTarget, what));
        }
    }
}

/// Configs beside the one that counts.
fn other_configs(check: &Check<'_>, names: Vec<Vec<u8>>) {
    let rank = |name: &Vec<u8>| {
        CONFIG_FILES.iter().position(|file| file.name.as_bytes() == *name).unwrap_or(CONFIG_FILES.len())
    };
    let mut names = names;
    names.sort_by_key(rank);
    for name in names.iter().skip(1) {
        check.found(Finding {
            what: "another config, or the rest of one, beside the one that counts".into(),
            ..Finding::new(Severity::Warning, Kind::ConfigCopy, os_str(name).into(), None)
        });
    }
}

/// Whether something was removed or moved while the check went on, which is no fault.
pub(super) fn is_gone(error: &volume::Error) -> bool {
    matches!(error.fault, volume::Fault::Sys(rustix::io::Errno::NOENT))
}

fn os_str(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
