//! What a mount is asked to be, and the options of `-o` in the words of `fuser`.

use super::caching::Caching;
use super::error::Error;
use super::mounts::ENCFS_SUBTYPE;
use super::mounts::SUBTYPE;
use crate::volume::Watch;
use fuser::Config;
use fuser::MountOption;
use fuser::SessionACL;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a volume is to be mounted.
#[derive(Debug, Clone)]
pub struct MountOptions {
    /// The folder to show the volume in.
    pub mountpoint: PathBuf,
    /// The kernel refuses every change. So it does for a volume that was opened read-only.
    pub read_only: bool,
    /// Other users may look in, as far as permissions let them.
    pub allow_other: bool,
    /// Threads that serve requests; macOS has one.
    pub threads: usize,
    /// What the system's list of mounts calls the source; the volume's path if `None`.
    pub fs_name: Option<String>,
    /// Appear in that list as EncFS does: of type `fuse.encfs`, from `encfs` unless `fs_name` says otherwise.
    pub as_encfs: bool,
    /// Words of `-o`, each alone or several with commas between them.
    pub options: Vec<String>,
    /// What the kernel may keep.
    pub caching: Caching,
    /// Who tells of changes by other programs. Without one they show after [`Caching::unwatched`].
    pub watch: Option<Arc<dyn Watch>>,
    /// How long nobody uses the mount before it ends, or is locked if it can be unlocked on demand. Never if `None`.
    pub idle: Option<Duration>,
    /// Whether this process tells the service manager that started it how it is (systemd, `NOTIFY_SOCKET`).
    pub tell_manager: bool,
}

impl MountOptions {
    /// A mount on `mountpoint` for its owner, read-write.
    pub fn new(mountpoint: impl Into<PathBuf>) -> MountOptions {
        MountOptions {
            mountpoint: mountpoint.into(),
            read_only: false,
            allow_other: false,
            threads: if cfg!(target_os = "linux") { 4 } else { 1 },
            fs_name: None,
            as_encfs: false,
            options: Vec::new(),
            caching: Caching::default(),
            watch: None,
            idle: None,
            tell_manager: false,
        }
    }

    /// Reads every option. `volume` is the absolute path of the ciphertext.
    pub(super) fn plan(&self, volume: &Path) -> Result<Plan, Error> {
        let mut plan = Plan {
            read_only: self.read_only,
            acl: if self.allow_other { SessionACL::All } else { SessionACL::Owner },
            threads: if cfg!(target_os = "linux") { self.threads.max(1) } else { 1 },
            as_encfs: self.as_encfs,
            fs_name: match &self.fs_name {
                Some(name) => name.clone(),
                None if self.as_encfs => ENCFS_SUBTYPE.to_owned(),
                None => volume.to_string_lossy().into_owned(),
            },
            ..Plan::default()
        };
        for word in self.options.iter().flat_map(|words| words.split(',')) {
            plan.take(word)?;
        }
        Ok(plan)
    }
}

/// Options taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) read_only: bool,
    pub(super) nonempty: bool,
    pub(super) even_if_synced: bool,
    acl: SessionACL,
    threads: usize,
    as_encfs: bool,
    fs_name: String,
    flags: Vec<MountOption>,
    /// What only the kernel can judge.
    pub(super) unknown: Vec<String>,
}

impl Plan {
    fn take(&mut self, word: &str) -> Result<(), Error> {
        let refuse = |problem| Err(Error::Option { option: word.to_owned(), problem });
        match word.split_once('=').map_or(word, |(key, _)| key) {
            "ro" => self.read_only = true,
            "allow_other" => self.acl = SessionACL::All,
            "allow_root" => self.acl = SessionACL::RootAndOwner,
            "nonempty" => self.nonempty = true,
            "even_if_synced" => self.even_if_synced = true,
            "dev" => self.flag(MountOption::Dev, &MountOption::NoDev),
            "nodev" => self.flag(MountOption::NoDev, &MountOption::Dev),
            "suid" => self.flag(MountOption::Suid, &MountOption::NoSuid),
            "nosuid" => self.flag(MountOption::NoSuid, &MountOption::Suid),
            "exec" => self.flag(MountOption::Exec, &MountOption::NoExec),
            "noexec" => self.flag(MountOption::NoExec, &MountOption::Exec),
            "atime" => self.flag(MountOption::Atime, &MountOption::NoAtime),
            "noatime" => self.flag(MountOption::NoAtime, &MountOption::Atime),
            "sync" => self.flag(MountOption::Sync, &MountOption::Async),
            "async" => self.flag(MountOption::Async, &MountOption::Sync),
            "dirsync" => self.flag(MountOption::DirSync, &MountOption::DirSync),
            "fsname" => self.fs_name = word.split_once('=').map_or("", |(_, name)| name).to_owned(),
            // how every mount is made anyway
            "" | "rw" | "default_permissions" | "auto_unmount" => {}
            // words of fstab that are meant for mount(8)
            "defaults" | "auto" | "noauto" | "user" | "nouser" | "users" | "owner" | "group" | "nofail"
            | "_netdev" | "comment" => {}
            word if word.starts_with("x-") => {}
            "subtype" => return refuse("mounts are known by their type, so it cannot be another"),
            "fd" | "rootmode" | "user_id" | "group_id" => return refuse("set by encbox itself"),
            _ => self.unknown.push(word.to_owned()),
        }
        Ok(())
    }

    /// Of two opposites the later counts, as with mount(8).
    fn flag(&mut self, flag: MountOption, opposite: &MountOption) {
        self.flags.retain(|known| *known != flag && known != opposite);
        self.flags.push(flag);
    }

    /// In the words of `fuser`.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::default();
        config.acl = self.acl;
        config.n_threads = Some(self.threads);
        config.clone_fd = self.threads > 1;
        config.mount_options = vec![
            MountOption::FSName(self.escaped_name()),
            // `MountOption::Subtype` would reach the kernel by way of fusermount only
            MountOption::CUSTOM(format!("subtype={}", if self.as_encfs { ENCFS_SUBTYPE } else { SUBTYPE })),
            MountOption::DefaultPermissions,
            if self.read_only { MountOption::RO } else { MountOption::RW },
        ];
        config.mount_options.extend(self.flags.iter().cloned());
        config.mount_options.extend(self.unknown.iter().cloned().map(MountOption::CUSTOM));
        config
    }

    /// fusermount, which mounts for everybody but root, parts options at commas and takes backslashes away.
    fn escaped_name(&self) -> String {
        if rustix::process::geteuid().is_root() {
            return self.fs_name.clone();
        }
        self.fs_name.replace('\\', "\\\\").replace(',', "\\,")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &[&str]) -> Result<Plan, Error> {
        let mut options = MountOptions::new("/mnt");
        options.options = words.iter().map(|&word| word.to_owned()).collect();
        options.plan(Path::new("/home/ann/Dropbox/vault"))
    }

    #[test]
    fn words_with_commas_and_without() {
        let plan = plan(&["ro,noatime", "nonempty", "noexec,", "even_if_synced"]).expect("known words");
        assert!(plan.read_only && plan.nonempty && plan.even_if_synced);
        assert_eq!(plan.flags, [MountOption::NoAtime, MountOption::NoExec]);
        assert_eq!(plan.unknown, [""; 0]);
    }

    #[test]
    fn of_two_opposites_the_later_counts() {
        assert_eq!(plan(&["dev,exec,nodev"]).expect("known").flags, [MountOption::Exec, MountOption::NoDev]);
    }

    #[test]
    fn every_mount_checks_permissions_and_is_known_by_its_type() {
        let options = plan(&[]).expect("nothing to refuse").config().mount_options;
        assert!(options.contains(&MountOption::DefaultPermissions));
        assert!(options.contains(&MountOption::CUSTOM("subtype=encbox".to_owned())));
        assert!(options.contains(&MountOption::FSName("/home/ann/Dropbox/vault".to_owned())));
        assert!(options.contains(&MountOption::RW));
    }

    #[test]
    fn in_the_place_of_encfs_it_looks_like_encfs() {
        let options = MountOptions { as_encfs: true, ..MountOptions::new("/mnt") };
        let config = options.plan(Path::new("/home/ann/vault")).expect("nothing to refuse").config();
        assert!(config.mount_options.contains(&MountOption::CUSTOM("subtype=encfs".to_owned())));
        assert!(config.mount_options.contains(&MountOption::FSName("encfs".to_owned())));
    }

    #[test]
    fn who_may_look_in() {
        assert_eq!(plan(&[]).expect("known").config().acl, SessionACL::Owner);
        assert_eq!(plan(&["allow_other"]).expect("known").config().acl, SessionACL::All);
        assert_eq!(plan(&["allow_root"]).expect("known").config().acl, SessionACL::RootAndOwner);
    }

    #[test]
    fn unknown_words_are_left_to_the_kernel() {
        let plan = plan(&["max_read=65536,x-systemd.automount,noauto"]).expect("passed on");
        assert_eq!(plan.unknown, ["max_read=65536"]);
        assert!(plan.config().mount_options.contains(&MountOption::CUSTOM("max_read=65536".to_owned())));
    }

    #[test]
    fn what_encbox_sets_itself_is_refused() {
        for word in ["subtype=sshfs", "fd=3", "rootmode=40000", "user_id=0"] {
            assert!(matches!(plan(&[word]), Err(Error::Option { .. })), "{word}");
        }
    }
}
