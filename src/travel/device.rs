//! Who publishes.

use super::Error;
use crate::volume::{Volume, fill_random, partial_name};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// 16 random bytes that are made once per user and machine.
const SEED: &str = "device";
const SEED_LEN: usize = 16;

/// One machine and user, as far as one folder with a volume is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// 16 hex digits. Two machines never have the same, nor two copies of a volume on one; who sees several volumes
    /// cannot tell that they belong to one machine.
    pub id: String,
    /// What the machine calls itself.
    pub host: String,
}

impl Device {
    /// This one. `state` is the folder for state, outside every volume; what tells machines apart is made there when it
    /// is not there yet.
    pub fn here(state: &Path, volume: &Volume) -> Result<Device, Error> {
        let path = state.join(SEED);
        let seed = match read_seed(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_seed(state, &path),
            seed => seed,
        };
        Device::of(seed.map_err(Error::at(&path))?, volume)
    }

    /// The same, if it has published anything in any volume; nothing is made.
    pub fn known(state: &Path, volume: &Volume) -> Option<Device> {
        Device::of(read_seed(&state.join(SEED)).ok()?, volume).ok()
    }

    fn of(seed: [u8; SEED_LEN], volume: &Volume) -> Result<Device, Error> {
        let root = volume.root_path();
        let root = root.canonicalize().map_err(Error::at(root))?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let salt = Sha256::new().chain_update(seed).chain_update(root.as_os_str().as_bytes());
        // a machine that is a copy of another has its seed, too
        let salt = salt.chain_update([0]).chain_update(&host).finalize();
        let id = volume.derive_key(&salt, "encbox: device");
        Ok(Device { id: id.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect(), host })
    }
}

/// Whether a folder's name can be that of a device.
pub(super) fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn read_seed(path: &Path) -> io::Result<[u8; SEED_LEN]> {
    let mut seed = [0; SEED_LEN];
    fs::File::open(path)?.read_exact(&mut seed)?;
    Ok(seed)
}

fn make_seed(state: &Path, path: &Path) -> io::Result<[u8; SEED_LEN]> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    let mut seed = [0; SEED_LEN];
    fill_random(&mut seed);
    let draft = path.with_file_name(partial_name());
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&seed)?;
    file.sync_all()?;
    // whoever comes second takes what the first one made
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_seed(path),
        linked => linked.map(|()| seed),
    }
}
