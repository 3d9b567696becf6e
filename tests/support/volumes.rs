//! Volumes in scratch folders, made with few iterations so that tests are quick.
#![allow(dead_code)] // each test program uses its part

use encbox::config::{Config, FileIvMode, Parameters, Profile};
use encbox::crypto::{AlgorithmId, Password};
use encbox::volume::{self, Dir, File, Follow, OpenFile, OpenOptions, Place, PlainPath, Volume};
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

pub const READ_WRITE: OpenFile = OpenFile { read: true, write: true, truncate: false };
pub const READ: OpenFile = OpenFile { read: true, write: false, truncate: false };

/// A volume and the folder it lives in.
pub struct Scratch {
    pub folder: TempDir,
    pub volume: Volume,
}

impl Scratch {
    pub fn new(parameters: &Parameters) -> Scratch {
        Scratch::new_in(tempfile::tempdir().expect("a scratch folder"), parameters)
    }

    /// In a folder that is empty.
    pub fn new_in(folder: TempDir, parameters: &Parameters) -> Scratch {
        let config = Config::create(parameters, &password(), 10, fill_random).expect("a valid config");
        volume::create(folder.path(), &config, false).expect("an empty folder");
        let volume = open(folder.path(), exact());
        Scratch { folder, volume }
    }

    /// The same volume opened again, without anything that was remembered.
    pub fn reopened(self) -> Scratch {
        let volume = open(self.folder.path(), exact());
        Scratch { folder: self.folder, volume }
    }

    pub fn root(&self) -> Dir {
        self.volume.root()
    }

    pub fn create(&self, path: &str) -> File {
        let (dir, name) = self.entry(path);
        self.volume.create_file(&dir, OsStr::new(&name), 0o644, true, READ_WRITE, None).expect(path)
    }

    pub fn open(&self, path: &str) -> File {
        let (dir, name) = self.entry(path);
        self.volume.open_file(&dir, OsStr::new(&name), READ_WRITE).expect(path)
    }

    pub fn write(&self, path: &str, data: &[u8]) {
        self.create(path).write_at(data, 0).expect(path);
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        read_all(&self.open(path))
    }

    pub fn mkdir(&self, path: &str) -> Dir {
        let (dir, name) = self.entry(path);
        self.volume.mkdir(&dir, OsStr::new(&name), 0o755, None).expect(path);
        self.volume.open_dir(&dir, OsStr::new(&name)).expect(path)
    }

    /// The directory of a path and its last name.
    pub fn entry(&self, path: &str) -> (Dir, String) {
        let path = PlainPath::parse(OsStr::new(path)).expect("within the volume");
        match self.volume.walk(&path, Follow::No).expect("the parent exists") {
            Place::Entry(dir, name) => (dir, name.into_string().expect("UTF-8")),
            Place::Root(_) => panic!("the root has no name"),
        }
    }

    pub fn names(&self, dir: &Dir) -> Vec<String> {
        let entries = self.volume.list(dir).expect("a directory");
        let mut names: Vec<_> = entries.into_iter().map(|e| e.name.into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// Where a plaintext path lies on disk.
    pub fn on_disk(&self, path: &str) -> std::path::PathBuf {
        let path = PlainPath::parse(OsStr::new(path)).expect("within the volume");
        self.folder.path().join(self.volume.encode_path(&path).expect("possible names"))
    }
}

/// Names are made as they are given, whatever there is in another form of Unicode.
fn exact() -> OpenOptions {
    OpenOptions { exact_names: true, ..OpenOptions::default() }
}

pub fn open(folder: &Path, options: OpenOptions) -> Volume {
    let found = volume::find_config(folder).expect("a config");
    Volume::open(folder, &found, &password(), options).expect("the right password")
}

pub fn password() -> Password {
    Password::new(b"a scratch password".to_vec()).expect("not empty")
}

pub fn read_all(file: &File) -> Vec<u8> {
    let size = file.stat().expect("an open file").size;
    let mut data = vec![0; size as usize + 1];
    let len = file.read_at(&mut data, 0).expect("sound contents");
    assert_eq!(len as u64, size, "the size tells the truth");
    data.truncate(len);
    data
}

/// Good enough for scratch volumes, and the same in every run.
pub fn fill_random(bytes: &mut [u8]) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STATE: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    for byte in bytes {
        *byte = (STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) >> 29) as u8;
    }
}

/// Parameter sets that differ in all that the volume has to care for; small blocks, so that edges are hit.
pub fn many_parameters() -> Vec<Parameters> {
    let small = |profile: Profile, block_len| Parameters { block_len, ..profile.parameters() };
    let mut all = vec![
        small(Profile::Sync, 64),
        small(Profile::Boxcryptor, 64),
        small(Profile::Standard, 64),
        small(Profile::Paranoia, 64),
        Profile::Sync.parameters(),
        Profile::Paranoia.parameters(),
    ];
    all.push(Parameters { allow_holes: false, ..small(Profile::Boxcryptor, 80) });
    all.push(Parameters { mac_len: 3, rand_len: 5, ..small(Profile::Boxcryptor, 64) });
    all.push(Parameters { mac_len: 0, rand_len: 8, ..small(Profile::Standard, 64) });
    all.push(Parameters {
        name_coding: AlgorithmId::new("nameio/block32", 4, 0),
        ..small(Profile::Standard, 64)
    });
    all.push(Parameters {
        name_coding: AlgorithmId::new("nameio/null", 1, 0),
        ..small(Profile::Paranoia, 64)
    });
    all.push(Parameters {
        name_coding: AlgorithmId::new("nameio/stream", 1, 0),
        cipher: AlgorithmId::new("ssl/blowfish", 2, 0),
        key_bits: 160,
        ..small(Profile::Paranoia, 72)
    });
    all.push(Parameters {
        cipher: AlgorithmId::new("ssl/camellia", 3, 0),
        file_iv: FileIvMode::None,
        ..small(Profile::Standard, 48)
    });
    all.push(Parameters { plain_data: true, ..small(Profile::Boxcryptor, 64) });
    all.push(Parameters {
        cipher: AlgorithmId::new("nullCipher", 1, 0),
        key_bits: 0,
        ..small(Profile::Boxcryptor, 64)
    });
    all
}
