//! Making the plan of a rename: a walk that changes nothing.
//!
//! Every name below a directory whose place in the IV chain changes is encoded anew, every file header too where it
//! depends on the path; contents never. Names that do not decode are carried along as they are.

use super::attr::Kind;
use super::core::Core;
use super::error::{Error, Fault};
use super::handles::Handles;
use super::header;
use super::plan::{Above, Entry, Header, Identity, Place, Plan, Tree};
use super::spot::Spot;
use super::sys::{self, RawStat};
use crate::names::IvChain;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

/// What is renamed from one spot to another; two of these where they change places.
pub(super) struct Move<'a> {
    pub(super) from: &'a Spot<'a>,
    pub(super) into: &'a Spot<'a>,
    pub(super) stat: &'a RawStat,
}

/// Plans a rename; the directories that were opened on the way are still at hand.
pub(super) fn survey(core: &Core, moves: &[Move<'_>]) -> Result<(Plan, Handles), Error> {
    let mut survey = Survey { core, plan: Plan::default(), handles: Handles::default() };
    for (number, moved) in moves.iter().enumerate() {
        survey.tree(number, moved).map_err(|fault| moved.from.error(fault))?;
    }
    Ok((survey.plan, survey.handles))
}

struct Survey<'a> {
    core: &'a Core,
    plan: Plan,
    handles: Handles,
}

/// Directories that are gone through together.
const AT_ONCE: usize = 16;
/// Entries from which on a second thread pays.
const WORTH_A_THREAD: usize = 512;

/// A directory that is still to be gone through.
struct Todo {
    above: Above,
    before: Vec<u8>,
    after: Vec<u8>,
    old_chain: IvChain,
    new_chain: IvChain,
}

/// A directory that is being gone through.
struct Opened {
    todo: Todo,
    handle: Arc<OwnedFd>,
    stat: RawStat,
}

/// An entry as the system lists it.
struct Found<'a> {
    folder: &'a Opened,
    name: Vec<u8>,
    ino: u64,
    kind: Option<Kind>,
}

/// What an entry will be.
struct Coded {
    after: Vec<u8>,
    header: Option<Header>,
    /// Of a directory: the old and the new chain below it.
    dir_chains: Option<(IvChain, IvChain)>,
}

impl Survey<'_> {
    fn tree(&mut self, number: usize, moved: &Move<'_>) -> Result<(), Fault> {
        let Move { from, into, stat } = moved;
        let (old_chain, new_chain) = (from.chain, into.chain);
        let header = match stat.kind {
            Kind::File if self.core.external_ivs() && old_chain != new_chain => {
                let (old_iv, new_iv) = (old_chain.path_iv(), new_chain.path_iv());
                header::planned(self.core, &from.handle, &from.cipher_name, old_iv, new_iv)?
            }
            _ => None,
        };
        self.plan.trees.push(Tree {
            identity: Identity::of(stat),
            before: place(from)?,
            after: place(into)?,
            header,
        });
        if stat.kind != Kind::Dir || old_chain == new_chain {
            self.handles.add_top(None); // nothing hangs below, or names that stand for themselves
            return Ok(());
        }
        self.handles.add_top(Some(sys::open_dir_handle(&from.handle, &from.cipher_name)?));
        let (before, after) = (from.cipher_name.clone(), into.cipher_name.clone());
        let mut todo = vec![Todo { above: Above::Top(number), before, after, old_chain, new_chain }];
        while !todo.is_empty() {
            let next = todo.split_off(todo.len().saturating_sub(AT_ONCE));
            self.folders(next, &mut todo)?;
        }
        Ok(())
    }

    /// Plans for the entries of some directories; the directories among them are added to `todo`.
    fn folders(&mut self, next: Vec<Todo>, todo: &mut Vec<Todo>) -> Result<(), Fault> {
        let opened = next.into_iter().map(|next| self.open(next)).collect::<Result<Vec<_>, _>>()?;
        let mut found = Vec::new();
        for folder in &opened {
            list(self.core, folder, &mut found)?;
        }
        let mut coded = code(self.core, &found)?.into_iter();
        let mut found = found.iter().peekable();
        for folder in &opened {
            let Todo { above, before, after, .. } = &folder.todo;
            let number = self.plan.add_folder(*above, before, after, &folder.stat);
            self.handles.keep(number, Arc::clone(&folder.handle));
            while let Some(entry) = found.next_if(|entry| std::ptr::eq(entry.folder, folder)) {
                let Some(Coded { after, header, dir_chains }) = coded.next().flatten() else { continue };
                self.plan.add_entry(Entry { ino: entry.ino, before: &entry.name, after: &after, header });
                if let Some((old_chain, new_chain)) = dir_chains {
                    let (above, before) = (Above::Folder(number), entry.name.clone());
                    todo.push(Todo { above, before, after, old_chain, new_chain });
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, todo: Todo) -> Result<Opened, Fault> {
        let handle = match todo.above {
            Above::Top(tree) => self.handles.top(tree)?,
            Above::Folder(above) => {
                let above = self.handles.folder(&self.plan, above)?;
                Arc::new(sys::open_dir_handle(&*above, &todo.before)?)
            }
        };
        let stat = sys::stat_fd(&*handle)?;
        Ok(Opened { todo, handle, stat })
    }
}

/// Adds the entries of a directory that may have to be renamed.
fn list<'a>(core: &Core, folder: &'a Opened, found: &mut Vec<Found<'a>>) -> Result<(), Fault> {
    let first = found.len();
    for entry in sys::read_dir(&*folder.handle)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            let kind = sys::kind_of(entry.file_type());
            found.push(Found { folder, name: name.to_vec(), ino: entry.ino(), kind });
        }
    }
    if core.names.ignores_case() {
        // another spelling of a name that is there, too, is as good as foreign
        let names: HashSet<Vec<u8>> = found[first..].iter().map(|entry| entry.name.clone()).collect();
        let chain = folder.todo.old_chain;
        let mut others = found.split_off(first);
        others.retain(|entry| {
            let name = core.names.decode_entry(&entry.name, chain);
            let canonical = name.and_then(|(name, _)| core.names.encode_entry(&name, chain));
            canonical.is_ok_and(|(canonical, _)| canonical == entry.name || !names.contains(&canonical))
        });
        found.append(&mut others);
    }
    Ok(())
}

/// Codes all names, on two threads if there are many; `None` for what is not ours, or gone.
fn code(core: &Core, found: &[Found<'_>]) -> Result<Vec<Option<Coded>>, Fault> {
    let code_all = |found: &[Found<'_>]| found.iter().map(|entry| code_one(core, entry)).collect();
    if found.len() < WORTH_A_THREAD {
        return code_all(found);
    }
    let (mine, others) = found.split_at(found.len() / 2);
    thread::scope(|scope| {
        let helper = scope.spawn(|| code_all(others));
        let mut coded: Vec<_> = code_all(mine)?;
        coded.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        Ok(coded)
    })
}

fn code_one(core: &Core, entry: &Found<'_>) -> Result<Option<Coded>, Fault> {
    let Opened { todo, handle, .. } = entry.folder;
    let Ok((name, below_old)) = core.names.decode_entry(&entry.name, todo.old_chain) else { return Ok(None) };
    let (after, below_new) = core.names.encode_entry(&name, todo.new_chain)?;
    let kind = match entry.kind {
        Some(kind) => kind,
        None => match sys::stat_if_there(&**handle, &entry.name)? {
            Some(stat) => stat.kind,
            None => return Ok(None),
        },
    };
    let header = match kind {
        Kind::File if core.external_ivs() => {
            let (old_iv, new_iv) = (below_old.path_iv(), below_new.path_iv());
            header::planned(core, &**handle, &entry.name, old_iv, new_iv)?
        }
        _ => None,
    };
    let is_dir = kind == Kind::Dir;
    Ok(Some(Coded { after, header, dir_chains: is_dir.then_some((below_old, below_new)) }))
}

fn place(spot: &Spot<'_>) -> Result<Place, Errno> {
    Ok(Place {
        dir: spot.dir.cipher_path().into_os_string().as_bytes().to_vec(),
        dir_identity: Identity::of(&sys::stat_fd(&spot.handle)?),
        name: spot.cipher_name.clone(),
    })
}
