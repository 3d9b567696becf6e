//! Volumes in scratch folders, and the ways in which tests use them.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use encbox::config::Config;
use encbox::config::Parameters;
use encbox::crypto::Password;
use encbox::volume;
use encbox::volume::OpenOptions;
use encbox::volume::Volume;
use tempfile::TempDir;

use super::mount::Mount;
use super::process;

/// Enough for a test, where the password is no secret.
const ITERATIONS: u32 = 1000;

/// A ciphertext folder with its password; both go when this is dropped.
pub(crate) struct ScratchVolume {
    folder: TempDir,
    password: String,
}

impl ScratchVolume {
    /// A new, empty volume.
    pub(crate) fn create(parameters: &Parameters) -> ScratchVolume {
        let volume = ScratchVolume::with_password("interop password");
        let config = Config::create(parameters, &volume.secret(), ITERATIONS, fill_random)
            .unwrap_or_else(|error| panic!("cannot make a config of {parameters:?}: {error}"));
        volume::create(&volume.cipher(), &config, false).unwrap_or_else(|error| panic!("{error}"));
        volume
    }

    /// An empty volume around the config file found in the ciphertext folder `cipher`.
    pub(crate) fn from_config_of(cipher: &Path, password: &str) -> ScratchVolume {
        let volume = ScratchVolume::with_password(password);
        let config = volume::find_config(cipher).unwrap_or_else(|error| panic!("{error}")).path;
        let name = config.file_name().expect("a config file has a name");
        fs::copy(&config, volume.cipher().join(name)).expect("copying a config");
        volume
    }

    /// A copy of the whole ciphertext folder `cipher`, with its links.
    pub(crate) fn copy_of(cipher: &Path, password: &str) -> ScratchVolume {
        let volume = ScratchVolume::with_password(password);
        copy_tree(cipher, &volume.cipher());
        process::run(Command::new("chmod").args(["-R", "u+w"]).arg(volume.cipher()));
        volume
    }

    /// Another empty volume with the same config, hence the same key.
    pub(crate) fn twin(&self) -> ScratchVolume {
        ScratchVolume::from_config_of(&self.cipher(), &self.password)
    }

    fn with_password(password: &str) -> ScratchVolume {
        let folder = tempfile::Builder::new().prefix("encbox-test-").tempdir().expect("a scratch folder");
        fs::create_dir(folder.path().join("cipher")).expect("a scratch folder");
        fs::write(folder.path().join("password"), format!("{password}\n")).expect("a password file");
        ScratchVolume { folder, password: password.to_owned() }
    }

    pub(crate) fn cipher(&self) -> PathBuf {
        self.folder.path().join("cipher")
    }

    /// A name beside the ciphertext folder, for what a test needs.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn secret(&self) -> Password {
        Password::new(self.password.as_bytes().to_vec()).expect("the password is not empty")
    }

    pub(crate) fn config(&self) -> Config {
        volume::find_config(&self.cipher()).unwrap_or_else(|error| panic!("{error}")).config
    }

    pub(crate) fn try_open(&self) -> Result<Volume, volume::OpenError> {
        let found = volume::find_config(&self.cipher())?;
        Volume::open(&self.cipher(), &found, &self.secret(), OpenOptions::default())
    }

    pub(crate) fn open(&self) -> Volume {
        self.try_open().unwrap_or_else(|error| panic!("{error}"))
    }

    /// `encbox VERB --password-file ... CIPHER`, to be completed.
    pub(crate) fn encbox(&self, verb: &str) -> Command {
        let mut command = process::encbox();
        command.arg(verb).arg("--password-file").arg(self.beside("password")).arg("--").arg(self.cipher());
        command
    }

    pub(crate) fn mount_with_encbox(&self) -> Mount {
        let mut command = process::encbox();
        command.args(["mount", "--foreground", "--password-file"]).arg(self.beside("password"));
        command.arg("--").arg(self.cipher());
        Mount::start("encbox", command, None)
    }

    pub(crate) fn mount_with_encfs(&self) -> Mount {
        // One thread (-s): a failure can be repeated. Plain data counts as insecure.
        let mut command = with_old_ciphers("encfs", self.folder.path());
        command.args(["-f", "-s", "-S", "--insecure", "--"]).arg(self.cipher());
        Mount::start("encfs", command, Some(&self.password))
    }

    /// Ciphertext paths of plaintext paths, as `encfsctl encode` has them.
    pub(crate) fn encode_with_encfs(&self, paths: &[&Path]) -> Vec<String> {
        let lines: Vec<&[u8]> = paths.iter().map(|path| path.as_os_str().as_bytes()).collect();
        fs::write(self.beside("paths"), lines.join(&b'\n')).expect("a scratch file");
        let mut command = with_old_ciphers("encfsctl", self.folder.path());
        command.arg("encode").arg(format!("--extpass=cat {}", self.beside("password").display())).arg("--");
        command.arg(self.cipher()).stdin(File::open(self.beside("paths")).expect("a scratch file"));
        process::run(&mut command).lines().map(str::to_owned).collect()
    }
}

/// EncFS asks OpenSSL for Blowfish, which OpenSSL 3 keeps among its legacy ciphers.
fn with_old_ciphers(program: &str, folder: &Path) -> Command {
    const CONFIG: &str = "openssl_conf = start\n[start]\nproviders = both\n[both]\ndefault = on\nlegacy = on\n\
                          [on]\nactivate = 1\n";
    let path = folder.join("openssl.cnf");
    fs::write(&path, CONFIG).expect("a config file for OpenSSL");
    let mut command = Command::new(program);
    command.env("OPENSSL_CONF", path);
    command
}

/// `cp -a`: modes, times, links and holes stay as they are.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    process::run(Command::new("cp").arg("-a").arg(from.join(".")).arg(to));
}

/// Writes the tree `from` into `to` as a program would: every byte of every file, zeros included.
pub(crate) fn write_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let source = entry.expect("a readable folder").path();
        let target = to.join(source.file_name().expect("an entry has a name"));
        let meta = source.symlink_metadata().expect("an entry of a plain folder");
        let written = if meta.is_dir() {
            fs::create_dir(&target).map(|()| write_tree(&source, &target))
        } else if meta.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source).expect("a link"), &target)
        } else {
            fs::write(&target, fs::read(&source).expect("a readable file"))
        };
        written.unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }
}

pub(crate) fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has random bytes");
}
