//! Putting right what a rename left half done, after a failure or at the next opening.
//!
//! Where the top of a tree is decides: under its old name, everything below gets its old names and headers back; under
//! its new name, its new ones. So no top is ever renamed here, nothing is replaced, and it does not matter in which
//! order the changes reached the disk, nor how often this is done. What is neither here nor there belongs to somebody
//! who came later, and is left alone.

use super::fate;
use super::handles::Handles;
use super::header::HeaderFile;
use super::plan::{Above, Entry, Place, Plan, Tree};
use super::sys::{self, RawStat, Times};
use crate::content::HEADER_LEN;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::HashMap;

/// What there was to put right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mended {
    /// Names and headers.
    pub(super) changed: u64,
    /// Those that the system would not let us change.
    pub(super) failed: u64,
}

/// Which of its two names something has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Puts right what the plans left half done. With `look_only` nothing is changed, but counted as if.
pub(super) fn mend(plans: &[Plan], root: &OwnedFd, look_only: bool) -> Mended {
    let mut mender = Mender { root, headers: Headers::of(plans), look_only, mended: Mended::default() };
    for plan in plans {
        mender.plan(plan);
    }
    mender.mended
}

struct Mender<'a> {
    root: &'a OwnedFd,
    headers: Headers,
    look_only: bool,
    mended: Mended,
}

impl Mender<'_> {
    fn plan(&mut self, plan: &Plan) {
        let mut handles = Handles::default();
        let mut sides = Vec::new();
        for tree in &plan.trees {
            let (side, handle) = self.tree(tree).unwrap_or_else(|errno| {
                self.failed(&tree.before.name, errno);
                (None, None)
            });
            sides.push(side);
            handles.add_top(handle);
        }
        let mut tops = Vec::with_capacity(plan.folder_count());
        for number in 0..plan.folder_count() {
            let top = match plan.folder(number).above {
                Above::Top(tree) => tree,
                Above::Folder(above) => tops[above],
            };
            tops.push(top);
            if let Some(side) = sides[top] {
                self.folder(plan, number, side, &mut handles);
            }
        }
    }

    /// Finds a tree, and gives its top the header that goes with where it is.
    fn tree(&mut self, tree: &Tree) -> Result<(Option<Side>, Option<OwnedFd>), Errno> {
        for (side, place) in [(Side::Before, &tree.before), (Side::After, &tree.after)] {
            let Some(dir) = self.dir(place)? else { continue };
            match sys::stat_if_there(&dir, &place.name)? {
                Some(stat) if tree.identity.is(&stat) => {}
                _ => continue,
            }
            let Some(header) = tree.header else {
                return Ok((Some(side), sys::open_dir_handle(&dir, &place.name).ok()));
            };
            let file = HeaderFile::open(&dir, &place.name, !self.look_only)?;
            if let Some(found) = file.read()?
                && let Some(wanted) = self.headers.wanted(tree.identity.ino, place, found)
            {
                self.replace_header(&file, found, wanted, header.times)?;
            }
            return Ok((Some(side), None));
        }
        Ok((None, None))
    }

    /// The directory of a place, if it is where it was.
    fn dir(&self, place: &Place) -> Result<Option<OwnedFd>, Errno> {
        let mut dir = sys::open_dir_handle(self.root, b".")?;
        for name in place.dir.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            dir = match sys::open_dir_handle(&dir, name) {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                opened => opened?,
            };
        }
        Ok(place.dir_identity.is(&sys::stat_fd(&dir)?).then_some(dir))
    }

    fn folder(&mut self, plan: &Plan, number: usize, side: Side, handles: &mut Handles) {
        let folder = plan.folder(number);
        let dir = match handles.folder(plan, number) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return, // somebody removed it
            Err(errno) => return self.failed(folder.before, errno),
        };
        let changed = self.mended.changed;
        let mut entries: Vec<_> = folder.entries().collect();
        if side == Side::Before {
            entries.reverse(); // where one has the name that another gave up
        }
        for entry in entries {
            if let Err(errno) = self.entry(&dir, &entry, side) {
                self.failed(entry.before, errno);
            }
        }
        if self.mended.changed != changed && !self.look_only {
            sys::restore_handle_times(&*dir, folder.times);
        }
    }

    fn entry(&mut self, dir: &OwnedFd, entry: &Entry<'_>, side: Side) -> Result<(), Errno> {
        let (wanted, other) = match side {
            Side::Before => (entry.before, entry.after),
            Side::After => (entry.after, entry.before),
        };
        let ours = |stat: &Option<RawStat>| stat.as_ref().is_some_and(|stat| stat.id.ino == entry.ino);
        let at_wanted = sys::stat_if_there(dir, wanted)?;
        if ours(&at_wanted) {
            return self.header(dir, wanted, entry, side);
        }
        let at_other = sys::stat_if_there(dir, other)?;
        // a file that somebody put in the place of ours: its name is right to rename, if its header is not ours to know
        let successor = at_other.is_some() && at_wanted.is_none() && entry.header.is_none();
        if !ours(&at_other) && !successor {
            return Ok(());
        }
        self.header(dir, other, entry, side)?;
        self.mended.changed += 1;
        if self.look_only || !fate::happens() {
            return Ok(());
        }
        sys::rename_noreplace(dir, other, dir, wanted)
    }

    fn header(&mut self, dir: &OwnedFd, name: &[u8], entry: &Entry<'_>, side: Side) -> Result<(), Errno> {
        let Some(header) = entry.header else { return Ok(()) };
        let (wanted, other) = match side {
            Side::Before => (header.before, header.after),
            Side::After => (header.after, header.before),
        };
        let file = HeaderFile::open(dir, name, !self.look_only)?;
        if file.read()? == Some(other) {
            self.replace_header(&file, other, wanted, header.times)?;
        }
        Ok(())
    }

    fn replace_header(
        &mut self,
        file: &HeaderFile,
        found: [u8; HEADER_LEN],
        wanted: [u8; HEADER_LEN],
        times: Times,
    ) -> Result<(), Errno> {
        self.mended.changed += 1;
        if self.look_only { Ok(()) } else { file.replace(found, wanted, times) }
    }

    fn failed(&mut self, name: &[u8], errno: Errno) {
        self.mended.failed += 1;
        let name = String::from_utf8_lossy(name);
        tracing::error!(%name, %errno, "what a rename left half done could not be put right");
    }
}

/// What headers the renamed files had at which place. A file may have been renamed many times since the journal was
/// last cleared, and its header on disk may be that of any of these places.
struct Headers(HashMap<u64, Vec<[Known; 2]>>);

/// The header that a file with a certain file IV has at a certain place.
#[derive(PartialEq, Eq)]
struct Known {
    dir: u64,
    name: Vec<u8>,
    header: [u8; HEADER_LEN],
}

impl Known {
    fn new(place: &Place, header: [u8; HEADER_LEN]) -> Known {
        Known { dir: place.dir_identity.ino, name: place.name.clone(), header }
    }

    fn is_at(&self, place: &Place) -> bool {
        self.dir == place.dir_identity.ino && self.name == place.name
    }
}

impl Headers {
    fn of(plans: &[Plan]) -> Headers {
        let mut headers: HashMap<u64, Vec<[Known; 2]>> = HashMap::new();
        for tree in plans.iter().flat_map(|plan| &plan.trees) {
            if let Some(header) = tree.header {
                let (before, after) =
                    (Known::new(&tree.before, header.before), Known::new(&tree.after, header.after));
                headers.entry(tree.identity.ino).or_default().push([before, after]);
            }
        }
        Headers(headers)
    }

    /// The header that belongs to a file at `place` where another was found; `None` if that is right, or unknown.
    ///
    /// Two headers are known to hold the same file IV if a plan turned one into the other, at one or more removes.
    fn wanted(&self, ino: u64, place: &Place, found: [u8; HEADER_LEN]) -> Option<[u8; HEADER_LEN]> {
        let pairs = self.0.get(&ino)?;
        let mut same_iv = vec![found];
        let mut next = 0;
        while let Some(&header) = same_iv.get(next) {
            next += 1;
            for [one, other] in pairs {
                for (this, that) in [(one, other), (other, one)] {
                    if this.header != header {
                        continue;
                    }
                    if this.is_at(place) {
                        return (header != found).then_some(header);
                    }
                    if !same_iv.contains(&that.header) {
                        same_iv.push(that.header);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::plan::Identity;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Short names are few, so that a new one may be what another entry was called until now.
    #[test]
    fn a_name_that_another_entry_gave_up() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let top = folder.path().join("top");
        fs::create_dir(&top).expect("a fresh folder");
        for name in ["x", "w"] {
            fs::write(top.join(name), name).expect("a fresh file");
        }
        let ino = |name: &str| fs::metadata(top.join(name)).expect("there").ino();
        let root = sys::open_root_handle(folder.path()).expect("a folder");
        let (root_stat, stat) =
            (sys::stat_fd(&root).expect("open"), sys::stat_at(&root, b"top").expect("there"));
        let place = |name: &[u8]| Place {
            dir: Vec::new(),
            dir_identity: Identity::of(&root_stat),
            name: name.to_vec(),
        };
        let mut plan = Plan::default();
        let (before, after) = (place(b"top"), place(b"new"));
        plan.trees.push(Tree { identity: Identity::of(&stat), before, after, header: None });
        plan.add_folder(Above::Top(0), b"top", b"new", &stat);
        plan.add_entry(Entry { ino: ino("x"), before: b"x", after: b"y", header: None });
        plan.add_entry(Entry { ino: ino("w"), before: b"w", after: b"x", header: None });

        fs::rename(top.join("x"), top.join("y")).expect("there");
        fs::rename(top.join("w"), top.join("x")).expect("there");
        assert_eq!(mend(&[plan.clone()], &root, false), Mended { changed: 2, failed: 0 });
        assert_eq!(
            (fs::read(top.join("x")).expect("there"), fs::read(top.join("w")).expect("there")),
            (b"x".into(), b"w".into())
        );

        let new = folder.path().join("new");
        fs::rename(&top, &new).expect("there");
        assert_eq!(mend(&[plan], &root, false), Mended { changed: 2, failed: 0 });
        assert_eq!(
            (fs::read(new.join("y")).expect("there"), fs::read(new.join("x")).expect("there")),
            (b"x".into(), b"w".into())
        );
    }

    /// A file that was renamed and written anew since: its header is its own, whatever the journal says.
    #[test]
    fn only_headers_of_the_same_file_iv_are_exchanged() {
        let place = |name: &str| Place {
            dir: Vec::new(),
            dir_identity: Identity::of(
                &sys::stat_fd(sys::open_root_handle(Path::new("/")).expect("a folder")).expect("open"),
            ),
            name: name.as_bytes().to_vec(),
        };
        let known = |name: &str, header: u8| Known::new(&place(name), [header; 8]);
        let pairs = vec![
            [known("a", 1), known("b", 2)],
            [known("b", 2), known("c", 3)],
            [known("c", 30), known("a", 10)],
        ];
        let headers = Headers(HashMap::from([(5, pairs)]));
        let wanted = |at: &str, found: u8| headers.wanted(5, &place(at), [found; 8]).map(|header| header[0]);
        assert_eq!([wanted("a", 1), wanted("a", 2), wanted("a", 3)], [None, Some(1), Some(1)]);
        assert_eq!([wanted("c", 1), wanted("c", 30), wanted("c", 10)], [Some(3), None, Some(30)]);
        assert_eq!([wanted("a", 10), wanted("a", 30), wanted("a", 99)], [None, Some(10), None]);
        assert_eq!(headers.wanted(6, &place("a"), [1; 8]), None);
    }
}
