//! A volume to test with.

use crate::config::Config;
use crate::config::Profile;
use crate::crypto::Password;
use crate::volume;
use crate::volume::OpenOptions;
use crate::volume::Volume;
use tempfile::TempDir;

/// A fresh volume and the folder that holds it.
pub(super) fn volume() -> (TempDir, Volume) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let password = Password::new(b"secret".to_vec()).expect("not empty");
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("random bytes");
    let config =
        Config::create(&Profile::Sync.parameters(), &password, 1000, random).expect("a profile is legal");
    let key = config.unlock(&password).expect("the password it was made with");
    volume::create(folder.path(), &config, false).expect("an empty folder");
    let volume = Volume::with_key(folder.path(), &config, &key, OpenOptions::default()).expect("a volume");
    (folder, volume)
}
