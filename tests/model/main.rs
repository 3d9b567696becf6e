//! Random operations on a volume and on a plain folder must agree, errors included.
//!
//! The alphabets are tiny, so that names collide, directories are renamed over one another and into
//! themselves, and block edges are hit; the plain folder, on a real file system, is the judge.

#![allow(unreachable_pub)] // what tests share has no other way to be shared

#[path = "../support/volumes.rs"]
mod scratch;

use encbox::config::FileIvMode;
use encbox::volume::{Error, Fault, Follow, Kind, OpenFile, Place, PlainPath, RenameMode, Volume};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use scratch::*;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
enum Op {
    Create(String),
    Write(String, u64, usize),
    Truncate(String, u64),
    Mkdir(String),
    Rmdir(String),
    Unlink(String),
    Symlink(String, String),
    Link(String, String),
    Rename(String, String, RenameMode),
    Reopen,
}

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(vec!["a", "b", "c"]), 1..4)
        .prop_map(|names| names.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    let mode =
        proptest::sample::select(vec![RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange]);
    prop_oneof![
        3 => path().prop_map(Op::Create),
        3 => (path(), 0_u64..300, 1_usize..200).prop_map(|(path, at, len)| Op::Write(path, at, len)),
        2 => (path(), 0_u64..400).prop_map(|(path, len)| Op::Truncate(path, len)),
        5 => path().prop_map(Op::Mkdir),
        1 => path().prop_map(Op::Rmdir),
        1 => path().prop_map(Op::Unlink),
        1 => (path(), path()).prop_map(|(target, path)| Op::Symlink(target, path)),
        1 => (path(), path()).prop_map(|(old, new)| Op::Link(old, new)),
        5 => (path(), path(), mode).prop_map(|(old, new, mode)| Op::Rename(old, new, mode)),
        1 => Just(Op::Reopen),
    ]
}

/// What a failure would be called by the system.
fn errno(error: Error) -> Errno {
    match error.fault {
        Fault::Sys(errno) => errno,
        Fault::NotADirectory => Errno::NOTDIR,
        Fault::IsADirectory => Errno::ISDIR,
        Fault::LinkLoop | Fault::NotAFile => Errno::LOOP,
        Fault::HardLink => Errno::PERM,
        _ => panic!("{error} should not happen here"),
    }
}

fn on_volume(volume: &Volume, op: &Op) -> Result<(), Errno> {
    let at = |path: &str| match volume.walk(&PlainPath::parse(OsStr::new(path)).expect("inside"), Follow::No)
    {
        Ok(Place::Entry(dir, name)) => Ok((dir, name)),
        Ok(Place::Root(_)) => panic!("{path} is not the root"),
        Err(error) => Err(errno(error)),
    };
    let open = |path: &str| {
        let (dir, name) = at(path)?;
        volume.open_file(&dir, &name, OpenFile { read: true, write: true, truncate: false }).map_err(errno)
    };
    match op {
        Op::Create(path) => {
            let (dir, name) = at(path)?;
            volume.create_file(&dir, &name, 0o644, true, READ_WRITE, None).map(drop).map_err(errno)
        }
        Op::Write(path, at, len) => open(path)?.write_at(&vec![*len as u8; *len], *at).map_err(errno),
        Op::Truncate(path, len) => open(path)?.truncate(*len).map_err(errno),
        Op::Mkdir(path) => {
            let (dir, name) = at(path)?;
            volume.mkdir(&dir, &name, 0o755, None).map(drop).map_err(errno)
        }
        Op::Rmdir(path) => at(path).and_then(|(dir, name)| volume.rmdir(&dir, &name).map_err(errno)),
        Op::Unlink(path) => at(path).and_then(|(dir, name)| volume.unlink(&dir, &name).map_err(errno)),
        Op::Symlink(target, path) => {
            let (dir, name) = at(path)?;
            volume.symlink(OsStr::new(target), &dir, &name, None).map(drop).map_err(errno)
        }
        Op::Link(old, new) => {
            let (dir, name) = at(old)?;
            volume.stat((&dir, name.as_os_str())).map_err(errno)?; // the system looks here first
            let (to, new_name) = at(new)?;
            volume.link(&dir, &name, &to, &new_name).map(drop).map_err(errno)
        }
        Op::Rename(old, new, mode) => {
            let ((dir, name), (to, new_name)) = (at(old)?, at(new)?);
            volume.rename(&dir, &name, &to, &new_name, *mode).map_err(errno)
        }
        Op::Reopen => Ok(()),
    }
}

fn on_folder(folder: &Path, op: &Op) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o755);
    let open = |path: &str| rustix::fs::open(folder.join(path), OFlags::RDWR | OFlags::NOFOLLOW, mode);
    match op {
        Op::Create(path) => {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
            rustix::fs::open(folder.join(path), flags, mode).map(drop)
        }
        Op::Write(path, at, len) => rustix::io::pwrite(open(path)?, &vec![*len as u8; *len], *at).map(drop),
        Op::Truncate(path, len) => rustix::fs::ftruncate(open(path)?, *len),
        Op::Mkdir(path) => rustix::fs::mkdir(folder.join(path), mode),
        Op::Rmdir(path) => rustix::fs::unlinkat(CWD, folder.join(path), AtFlags::REMOVEDIR),
        Op::Unlink(path) => rustix::fs::unlinkat(CWD, folder.join(path), AtFlags::empty()),
        Op::Symlink(target, path) => rustix::fs::symlink(target, folder.join(path)),
        Op::Link(old, new) => {
            rustix::fs::linkat(CWD, folder.join(old), CWD, folder.join(new), AtFlags::empty())
        }
        Op::Rename(old, new, mode) => {
            let flags = match mode {
                RenameMode::Replace => RenameFlags::empty(),
                RenameMode::NoReplace => RenameFlags::NOREPLACE,
                RenameMode::Exchange => RenameFlags::EXCHANGE,
            };
            rustix::fs::renameat_with(CWD, folder.join(old), CWD, folder.join(new), flags)
        }
        Op::Reopen => Ok(()),
    }
}

/// A whole tree: contents of files, targets of links, nothing for directories, each with its number of links.
type Tree = BTreeMap<PathBuf, (Kind, Vec<u8>, u64)>;

fn tree_of_volume(volume: &Volume) -> Tree {
    let mut tree = Tree::new();
    let mut todo = vec![(volume.root(), PathBuf::new())];
    while let Some((dir, prefix)) = todo.pop() {
        assert_eq!(volume.list_undecodable(&dir).expect("listed"), Vec::<OsString>::new());
        for entry in volume.list(&dir).expect("listed") {
            let path = prefix.join(&entry.name);
            let stat = volume.stat((&dir, entry.name.as_os_str())).expect("there");
            let content = match entry.kind {
                Kind::Dir => {
                    todo.push((volume.open_dir(&dir, &entry.name).expect("there"), path.clone()));
                    Vec::new()
                }
                Kind::Symlink => volume.readlink(&dir, &entry.name).expect("ours").into_encoded_bytes(),
                _ => read_all(&volume.open_file(&dir, &entry.name, READ).expect("sound")),
            };
            let links = if entry.kind == Kind::File { stat.nlink } else { 1 };
            tree.insert(path, (entry.kind, content, links));
        }
    }
    tree
}

fn tree_of_folder(folder: &Path) -> Tree {
    use std::os::unix::fs::MetadataExt;
    let mut tree = Tree::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(prefix) = todo.pop() {
        for entry in std::fs::read_dir(folder.join(&prefix)).expect("listed").flatten() {
            let path = prefix.join(entry.file_name());
            let metadata = entry.metadata().expect("there");
            let (kind, content) = if metadata.is_dir() {
                todo.push(path.clone());
                (Kind::Dir, Vec::new())
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(entry.path()).expect("a link");
                (Kind::Symlink, target.as_os_str().as_bytes().to_vec())
            } else {
                (Kind::File, std::fs::read(entry.path()).expect("a file"))
            };
            let links = if kind == Kind::File { metadata.nlink() } else { 1 };
            tree.insert(path, (kind, content, links));
        }
    }
    tree
}

#[test]
fn a_volume_behaves_like_a_plain_folder() {
    for parameters in many_parameters().into_iter().filter(|parameters| parameters.block_len < 100) {
        let mut runner = TestRunner::new(Config {
            cases: 25,
            failure_persistence: None,
            max_shrink_iters: 2000,
            ..Config::default()
        });
        let result = runner.run(&proptest::collection::vec(op(), 20..120), |ops| {
            let mut scratch = Scratch::new(&parameters);
            let plain = tempfile::tempdir().expect("a folder");
            for op in &ops {
                if let (Op::Link(..), FileIvMode::External) = (op, parameters.file_iv) {
                    continue; // what the format cannot do
                }
                if matches!(op, Op::Reopen) {
                    scratch = scratch.reopened();
                }
                let (ours, theirs) = (on_volume(&scratch.volume, op), on_folder(plain.path(), op));
                prop_assert_eq!(ours, theirs, "{:?}", op);
            }
            prop_assert_eq!(tree_of_volume(&scratch.volume), tree_of_folder(plain.path()));
            let scratch = scratch.reopened();
            prop_assert_eq!(tree_of_volume(&scratch.volume), tree_of_folder(plain.path()));
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}\n{parameters:?}"));
    }
}
