//! Four threads at work in one real mount, each doing the same in a plain folder: whatever they are told must be the
//! same, errors included, and in the end `encfs` must show the same tree.
//!
//! Each thread has a folder of its own, where names collide and folders are renamed over one another; and all write
//! into the same files, every one its own bytes, so that they meet in blocks and pages. The mount is as a user has it:
//! the kernel collects writes, and the folder is watched.
//!
//! `ENCBOX_MODEL_SEED` repeats a run, `ENCBOX_MODEL_STEPS` makes it longer.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(clippy::print_stdout)] // shown for a test that fails

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::thread;

use encbox::config::FileIvMode;
use encbox::config::Parameters;
use encbox::config::Profile;
use encbox::crypto::AlgorithmId;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::FallocateFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use support::process;
use support::rng::Rng;
use support::scratch::ScratchVolume;
use support::tree;

const THREADS: u64 = 4;
const STEPS: u64 = 6000;
/// Files kept open by one thread.
const HELD: u64 = 4;
/// Files that all threads write to, and their size.
const SHARED: [&str; 3] = ["one", "two", "three"];
const SHARED_LEN: u64 = 40_000;
/// Bytes in a row that belong to one thread: neither blocks nor pages are multiples of it.
const STRIPE: u64 = 100;
/// Offsets and sizes in own files stay below this: several blocks, several pages.
const OWN_LEN: u64 = 20_000;

#[derive(Debug)]
enum Op {
    Create(PathBuf),
    Replace(PathBuf, Vec<u8>),
    Write(PathBuf, u64, Vec<u8>),
    Append(PathBuf, Vec<u8>),
    Truncate(PathBuf, u64),
    Read(PathBuf),
    Stat(PathBuf),
    Mode(PathBuf, u32),
    List(PathBuf),
    Mkdir(PathBuf),
    Rmdir(PathBuf),
    Unlink(PathBuf),
    Symlink(String, PathBuf),
    Readlink(PathBuf),
    Link(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf, RenameFlags),
    Sync(PathBuf),
    Hold(usize, PathBuf),
    Release(usize),
    HeldWrite(usize, u64, Vec<u8>),
    HeldRead(usize, u64, u64),
    HeldTruncate(usize, u64),
    HeldZero(usize, u64, u64),
    HeldStat(usize),
    SharedWrite(&'static str, u64, Vec<u8>),
    SharedRead(&'static str, u64, u64),
}

/// A mount or a plain folder, seen by one thread.
struct Side {
    root: PathBuf,
    own: PathBuf,
    held: Vec<Option<File>>,
    shared: Vec<File>,
}

impl Side {
    fn new(root: &Path, thread: u64) -> Side {
        let own = root.join(thread.to_string());
        fs::create_dir(&own).unwrap();
        let open = |name| File::options().read(true).write(true).open(root.join(name)).unwrap();
        let held = (0..HELD).map(|_| None).collect();
        Side { root: root.to_owned(), own, held, shared: SHARED.iter().map(open).collect() }
    }

    /// What a program that does this is told.
    fn apply(&mut self, op: &Op) -> Result<Vec<u8>, Errno> {
        const NOTHING: Vec<u8> = Vec::new();
        let at = |path: &Path| self.own.join(path);
        let bits = Mode::from_raw_mode(0o644);
        let open =
            |path: &Path, flags| rustix::fs::open(at(path), flags | OFlags::NOFOLLOW, bits).map(File::from);
        let done = |result: std::io::Result<()>| result.map(|()| NOTHING).map_err(errno);
        match op {
            Op::Create(path) => open(path, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR).map(|_| NOTHING),
            Op::Replace(path, data) => {
                let file = open(path, OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY)?;
                done(file.write_all_at(data, 0))
            }
            Op::Write(path, offset, data) => done(open(path, OFlags::RDWR)?.write_all_at(data, *offset)),
            Op::Append(path, data) => {
                done(std::io::Write::write_all(&mut open(path, OFlags::WRONLY | OFlags::APPEND)?, data))
            }
            Op::Truncate(path, len) => done(open(path, OFlags::WRONLY)?.set_len(*len)),
            Op::Read(path) => {
                let mut contents = Vec::new();
                std::io::Read::read_to_end(&mut open(path, OFlags::RDONLY)?, &mut contents).map_err(errno)?;
                Ok(contents)
            }
            Op::Stat(path) => fs::symlink_metadata(at(path)).map(|metadata| state(&metadata)).map_err(errno),
            Op::Mode(path, mode) => rustix::fs::chmod(at(path), Mode::from_raw_mode(*mode)).map(|()| NOTHING),
            Op::List(path) => {
                let entries = fs::read_dir(at(path)).map_err(errno)?;
                let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
                names.sort();
                Ok(names.iter().flat_map(|name| [name.as_bytes(), b"/"].concat()).collect())
            }
            Op::Mkdir(path) => done(fs::create_dir(at(path))),
            Op::Rmdir(path) => done(fs::remove_dir(at(path))),
            Op::Unlink(path) => rustix::fs::unlink(at(path)).map(|()| NOTHING),
            Op::Symlink(target, path) => done(std::os::unix::fs::symlink(target, at(path))),
            Op::Readlink(path) => {
                fs::read_link(at(path)).map(|target| target.as_os_str().as_bytes().to_vec()).map_err(errno)
            }
            Op::Link(old, new) => {
                rustix::fs::linkat(CWD, at(old), CWD, at(new), AtFlags::empty()).map(|()| NOTHING)
            }
            Op::Rename(old, new, flags) => {
                rustix::fs::renameat_with(CWD, at(old), CWD, at(new), *flags).map(|()| NOTHING)
            }
            Op::Sync(path) => done(open(path, OFlags::RDONLY)?.sync_all()),
            Op::Hold(slot, path) => {
                self.held[*slot] = None;
                self.held[*slot] = Some(open(path, OFlags::RDWR)?);
                Ok(NOTHING)
            }
            Op::Release(slot) => {
                self.held[*slot] = None;
                Ok(NOTHING)
            }
            Op::HeldWrite(slot, offset, data) => {
                self.held[*slot].as_ref().map_or(Ok(NOTHING), |file| done(file.write_all_at(data, *offset)))
            }
            Op::HeldRead(slot, offset, len) => {
                self.held[*slot].as_ref().map_or(Ok(NOTHING), |file| read(file, *offset, *len))
            }
            Op::HeldTruncate(slot, len) => {
                self.held[*slot].as_ref().map_or(Ok(NOTHING), |file| done(file.set_len(*len)))
            }
            Op::HeldZero(slot, offset, len) => {
                let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                let zero = |file| rustix::fs::fallocate(file, mode, *offset, *len);
                self.held[*slot].as_ref().map_or(Ok(NOTHING), |file| zero(file).map(|()| NOTHING))
            }
            Op::HeldStat(slot) => self.held[*slot]
                .as_ref()
                .map_or(Ok(NOTHING), |file| file.metadata().map(|metadata| state(&metadata)).map_err(errno)),
            Op::SharedWrite(name, offset, data) => done(self.shared(name).write_all_at(data, *offset)),
            Op::SharedRead(name, offset, len) => read(self.shared(name), *offset, *len),
        }
    }

    fn shared(&self, name: &str) -> &File {
        &self.shared[SHARED.iter().position(|known| *known == name).unwrap()]
    }

    /// Everything in the thread's own folder.
    fn tree(&self) -> tree::Tree {
        tree::of_folder(&self.own)
    }
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or_else(|| panic!("{error}"))
}

fn read(file: &File, offset: u64, len: u64) -> Result<Vec<u8>, Errno> {
    let mut data = vec![0; len as usize];
    let mut done = 0;
    while done < data.len() {
        match file.read_at(&mut data[done..], offset + done as u64).map_err(errno)? {
            0 => break,
            read => done += read,
        }
    }
    data.truncate(done);
    Ok(data)
}

/// Kind, mode, size and number of names; of folders kind and mode.
fn state(metadata: &fs::Metadata) -> Vec<u8> {
    let of_files = (!metadata.is_dir()).then(|| (metadata.len(), metadata.nlink()));
    format!("{:o} {of_files:?}", metadata.mode()).into_bytes()
}

/// Chooses what to do next.
struct Chooser {
    rng: Rng,
    thread: u64,
    hard_links: bool,
}

impl Chooser {
    fn path(&mut self) -> PathBuf {
        (0..=self.rng.below(3)).map(|_| *self.rng.pick(&["a", "b", "c"])).collect()
    }

    /// Links have names of their own, so that nobody walks through one.
    fn link_path(&mut self) -> PathBuf {
        let name = *self.rng.pick(&["x", "y"]);
        if self.rng.below(2) == 0 { PathBuf::from(name) } else { self.path().join(name) }
    }

    fn any_path(&mut self) -> PathBuf {
        if self.rng.below(6) == 0 { self.link_path() } else { self.path() }
    }

    fn data(&mut self) -> Vec<u8> {
        let longest = *self.rng.pick(&[1, 10, 100, 5000]);
        let len = 1 + self.rng.below(longest);
        self.rng.bytes(len)
    }

    fn offset(&mut self) -> u64 {
        let bound = *self.rng.pick(&[1, 100, 5000, OWN_LEN]);
        self.rng.below(bound)
    }

    fn op(&mut self) -> Op {
        let slot = self.rng.below(HELD) as usize;
        match self.rng.below(100) {
            0..10 => Op::Create(self.path()),
            10..14 => Op::Replace(self.path(), self.data()),
            14..20 => Op::Write(self.path(), self.offset(), self.data()),
            20..23 => Op::Append(self.path(), self.data()),
            23..26 => Op::Truncate(self.path(), self.offset()),
            26..32 => Op::Read(self.path()),
            32..37 => Op::Stat(self.any_path()),
            37..39 => Op::Mode(self.path(), *self.rng.pick(&[0o600, 0o644, 0o755, 0o700])),
            39..42 => Op::List(self.path()),
            42..50 => Op::Mkdir(self.path()),
            50..52 => Op::Rmdir(self.path()),
            52..55 => Op::Unlink(self.any_path()),
            55..57 => Op::Symlink(self.path().to_str().unwrap().to_owned(), self.link_path()),
            57..59 => Op::Readlink(self.link_path()),
            59..62 if self.hard_links => Op::Link(self.path(), self.path()),
            59..70 => {
                let flags = [RenameFlags::empty(), RenameFlags::NOREPLACE, RenameFlags::EXCHANGE];
                Op::Rename(self.any_path(), self.any_path(), *self.rng.pick(&flags))
            }
            70..72 => Op::Sync(self.path()),
            72..76 => Op::Hold(slot, self.path()),
            76..77 => Op::Release(slot),
            77..82 => Op::HeldWrite(slot, self.offset(), self.data()),
            82..86 => Op::HeldRead(slot, self.offset(), 1 + self.offset()),
            86..88 => Op::HeldTruncate(slot, self.offset()),
            88..90 => Op::HeldZero(slot, self.offset(), 1 + self.offset()),
            90..92 => Op::HeldStat(slot),
            choice => {
                let name = *self.rng.pick(&SHARED);
                let stripe = self.rng.below(SHARED_LEN / STRIPE / THREADS) * THREADS + self.thread;
                let start = self.rng.below(STRIPE);
                let len = 1 + self.rng.below(STRIPE - start);
                match choice {
                    92..97 => Op::SharedWrite(name, stripe * STRIPE + start, self.rng.bytes(len)),
                    _ => Op::SharedRead(name, stripe * STRIPE + start, len),
                }
            }
        }
    }
}

fn work(mut mount: Side, mut plain: Side, mut chooser: Chooser, steps: u64) {
    for step in 0..steps {
        let op = chooser.op();
        let (told, expected) = (mount.apply(&op), plain.apply(&op));
        if told != expected {
            let brief = |result: Result<Vec<u8>, Errno>| {
                result.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            };
            panic!(
                "thread {} step {step}: {:.300}\nthe mount says {:.600}\ninstead of {:.600}",
                chooser.thread,
                format!("{op:?}"),
                format!("{:?}", brief(told)),
                format!("{:?}", brief(expected))
            );
        }
    }
    tree::assert_same(&format!("thread {}", chooser.thread), &plain.tree(), &mount.tree());
    drop((mount.root, plain.root));
}

fn number_from(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

fn threads_agree_with_a_plain_folder(name: &str, parameters: &Parameters) {
    if process::something_is_missing(&["encfs", "fusermount"]) {
        return;
    }
    let (seed, steps) = (number_from("ENCBOX_MODEL_SEED", 1), number_from("ENCBOX_MODEL_STEPS", STEPS));
    println!("{name}: seed {seed}, {steps} steps");
    let volume = ScratchVolume::create(parameters);
    let mount = volume.mount_with_encbox();
    let plain = volume.beside("plain");
    fs::create_dir(&plain).unwrap();
    for root in [mount.path(), &plain] {
        for name in SHARED {
            File::create_new(root.join(name)).unwrap().set_len(SHARED_LEN).unwrap();
        }
    }
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let sides = (Side::new(mount.path(), thread), Side::new(&plain, thread));
            let rng = Rng::new(seed * 1000 + thread);
            let hard_links = parameters.file_iv != FileIvMode::External;
            scope.spawn(move || work(sides.0, sides.1, Chooser { rng, thread, hard_links }, steps));
        }
    });
    tree::assert_same("in the mount", &tree::of_folder(&plain), &tree::of_folder(mount.path()));
    mount.unmount();
    let mount = volume.mount_with_encfs();
    tree::assert_same("read by encfs", &tree::of_folder(&plain), &tree::of_folder(mount.path()));
    mount.unmount();
}

macro_rules! volumes {
    ($($name:ident = $parameters:expr;)+) => {
        $(
            #[test]
            fn $name() {
                threads_agree_with_a_plain_folder(stringify!($name), &$parameters);
            }
        )+
    };
}

volumes! {
    sync = Profile::Sync.parameters();
    boxcryptor = Profile::Boxcryptor.parameters();
    standard = Profile::Standard.parameters();
    paranoia = Profile::Paranoia.parameters();
    authenticated_4096 = Parameters { key_bits: 256, block_len: 4096, mac_len: 8, ..Profile::Standard.parameters() };
    small_blocks = Parameters { block_len: 64, ..Profile::Standard.parameters() };
    small_blocks_external = Parameters { block_len: 128, ..Profile::Paranoia.parameters() };
    random_bytes = Parameters { mac_len: 8, rand_len: 8, block_len: 512, allow_holes: false, ..Profile::Standard.parameters() };
    case_insensitive_names = Parameters { name_coding: AlgorithmId::new("nameio/block32", 4, 0), ..Profile::Standard.parameters() };
    stream_names_external = Parameters { name_coding: AlgorithmId::new("nameio/stream", 2, 1), ..Profile::Paranoia.parameters() };
}
