//! Errors to exit codes and hints. The numbers are a promise to scripts: none changes its meaning or comes back.

use super::text;
use super::{Error, keyring, password, remedy};
use crate::config;
use crate::content;
use crate::names;
use crate::transfer;
use crate::volume;
use crate::volume::{Fault, OpenError};
use rustix::io::Errno;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Code {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NoVolume = 3,
    BadConfig = 4,
    Unsupported = 5,
    WrongPassword = 6,
    NoPassword = 7,
    NotFound = 8,
    Damaged = 9,
    WrongKind = 10,
    Full = 11,
    Refused = 12,
    Mount = 13,
    BadName = 14,
    Incomplete = 15,
    OtherConfig = 16,
    Findings = 17,
    Interrupted = 130,
}

/// What each code means, as `--help`, the manual and docs/cli.md print it.
pub(super) const TABLE: &[(Code, &str)] = &[
    (Code::Done, "done"),
    (Code::Failed, "the system failed: input or output, or anything without a number of its own"),
    (Code::Usage, "the command line makes no sense"),
    (Code::NoVolume, "no volume in this folder, or its config file has not arrived yet"),
    (Code::BadConfig, "the config file is damaged, or holds absurd values"),
    (Code::Unsupported, "the volume needs something that encbox does not have"),
    (Code::WrongPassword, "wrong password, or a damaged key (the format cannot tell which)"),
    (Code::NoPassword, "no password could be had"),
    (Code::NotFound, "no such file, or a path that leads outside the volume"),
    (
        Code::Damaged,
        "damaged data: a wrong MAC, a damaged header, a file cut short, a name that does not decode",
    ),
    (Code::WrongKind, "of the wrong kind, there already, or not empty"),
    (Code::Full, "no space left, or too large"),
    (Code::Refused, "permission denied, or read-only"),
    (Code::Mount, "mounting or unmounting failed or was refused"),
    (Code::BadName, "a name that is impossible or too long"),
    (Code::Incomplete, "finished, but some items failed"),
    (Code::OtherConfig, "the config file is not the one with which the volume was opened before"),
    (Code::Findings, "nothing is known to be damaged, but something is odd, or not as it should be"),
    (Code::Interrupted, "interrupted"),
];

/// The table as text.
pub(super) fn table() -> String {
    let rows: Vec<_> =
        TABLE.iter().map(|(code, meaning)| format!("  {:>3}  {meaning}", *code as u8)).collect();
    format!("Exit codes:\n{}", rows.join("\n"))
}

/// Says what happened and what to do about it; returns the exit code.
pub(super) fn report(error: &Error) -> ExitCode {
    if is_closed_pipe(error) {
        // `encbox cat … | head` has had enough: nothing is wrong.
        return ExitCode::SUCCESS;
    }
    let (code, hint) = verdict(error);
    match error {
        #[cfg(feature = "mount")]
        Error::Background(status) => return ExitCode::from(*status),
        _ => complain(error),
    }
    if !hint.is_empty() {
        tell(&format!("hint: {hint}"));
    }
    ExitCode::from(code as u8)
}

/// Says what happened.
pub(super) fn complain(error: &dyn std::error::Error) {
    tell(&format!("encbox: {error}"));
}

/// One line for the person at the terminal.
pub(super) fn tell(line: &str) {
    // With standard error closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{}", text::escape_str(line));
}

fn is_closed_pipe(error: &Error) -> bool {
    match error {
        Error::Output(source) | Error::Transfer(transfer::Error::Stream(source)) => {
            source.kind() == io::ErrorKind::BrokenPipe
        }
        _ => false,
    }
}

/// The code and the hint of an error; an empty hint where the message says it all.
pub(super) fn verdict(error: &Error) -> (Code, String) {
    let plain = |(code, hint): (Code, &str)| (code, hint.to_string());
    match error {
        Error::Open(error) => open(error),
        Error::Parameters(_) => plain((Code::Usage, "`encbox new --help` lists what goes together")),
        Error::At { source, .. } | Error::Volume(source) => plain(on_volume(source)),
        Error::Outside(_) => plain((Code::NotFound, "paths start at the volume's own root: /folder/file")),
        Error::Exists(_) => plain((Code::WrongKind, "choose another name, or replace it with --force")),
        Error::Directory(_) => plain((Code::WrongKind, "-r removes a directory with everything in it")),
        Error::Foreign(_) => {
            plain((Code::WrongKind, "`encbox encode` tells which encrypted folder they are in"))
        }
        Error::WholeVolume => {
            plain((Code::WrongKind, "name something in it; `encbox ls` shows what there is"))
        }
        Error::Transfer(error) => plain(in_transfer(error)),
        Error::Stopped { source, again } => match in_transfer(source) {
            (Code::Interrupted, _) => {
                (Code::Interrupted, format!("what has its final name is whole; this goes on: {again}"))
            }
            (Code::Full, _) => (Code::Full, format!("make room; then this goes on: {again}")),
            verdict => plain(verdict),
        },
        #[cfg(feature = "index")]
        Error::Index(error) => plain(in_index(error)),
        #[cfg(feature = "index")]
        Error::Travel(error) => plain(in_travel(error)),
        #[cfg(feature = "index")]
        Error::Query(_) => plain((Code::Usage, "`encbox search --help` lists what can be asked")),
        Error::Password(error) => plain(no_password(error)),
        Error::Keyring(error) => plain(no_keyring(error)),
        Error::Output(source) | Error::Local { source, .. } => plain(system(source.raw_os_error())),
        Error::Usage(_) => plain((Code::Usage, "")),
        Error::Incomplete(_) => plain((Code::Incomplete, "each is named above with its reason")),
        Error::Lost(_) => plain((Code::Incomplete, "each is named above with the bytes that it held")),
        Error::Ambiguous { count: 0, .. } => {
            plain((Code::NotFound, "`encbox conflicts` lists what there is"))
        }
        Error::Ambiguous { .. } => {
            plain((Code::WrongKind, "name one of them (`encbox conflicts` lists them), or say --all"))
        }
        Error::SeveralCopies(_) => plain((Code::WrongKind, "")),
        Error::NothingKept(root) => (
            Code::NotFound,
            match remedy::for_config_of(root) {
                Some(remedy) => format!("name the file to restore. {remedy}"),
                None => "look for a copy in a backup or the sync service's history, and name it".to_owned(),
            },
        ),
        Error::Check(crate::check::Error::Volume(error)) => plain(on_volume(error)),
        Error::Check(crate::check::Error::Interrupted) => plain((Code::Interrupted, "")),
        Error::CheckInterrupted => {
            plain((Code::Interrupted, "`encbox check --resume` goes on, and reads no sound file again"))
        }
        Error::Repair(error) => plain(in_repair(error)),
        Error::Words(_) => plain((Code::NoPassword, "four letters of each word are enough, in their order")),
        Error::Recover(error) => in_recovery(error),
        Error::ToMend { damage, .. } => {
            let code = if *damage > 0 { Code::Damaged } else { Code::Findings };
            plain((code, "--apply mends what is sure, --guesses the rest of it"))
        }
        Error::Damaged(_) => plain((Code::Damaged, "`encbox repair` shows what it could mend")),
        Error::Findings(_) => plain((Code::Findings, "")),
        #[cfg(feature = "mount")]
        Error::Mount(error) => plain(on_mount(error)),
        #[cfg(feature = "mount")]
        Error::Background(_) => plain((Code::Mount, "")),
        #[cfg(feature = "mount")]
        Error::ForeignService(_) => plain((Code::WrongKind, "--force replaces or removes it all the same")),
        Error::Step(_) => plain((Code::Failed, "")),
    }
}

fn open(error: &OpenError) -> (Code, String) {
    let plain = |code, hint: &str| (code, hint.to_string());
    match error {
        OpenError::Root { source, .. } => match Errno::from_io_error(source) {
            Some(Errno::NOENT) => plain(Code::NoVolume, "is the path right, and the folder synced?"),
            _ => {
                let (code, hint) = system(source.raw_os_error());
                plain(code, hint)
            }
        },
        OpenError::NotAFolder { .. } => {
            plain(Code::NoVolume, "name the folder that holds the encrypted files")
        }
        OpenError::NoConfig { root, .. } => {
            let hint = match remedy::for_config_of(root) {
                Some(remedy) => format!("has it finished syncing? {remedy}"),
                None => "is this the encrypted folder, and has it finished syncing? `encbox new` makes a new volume"
                    .to_owned(),
            };
            (Code::NoVolume, hint)
        }
        OpenError::EmptyConfig { path } => {
            (Code::NoVolume, with_remedy("most likely it has not finished syncing: wait for it", path))
        }
        OpenError::Config { path, source } => {
            let (code, hint) = in_config(source);
            match source {
                config::Error::Field { .. } | config::Error::Syntax(_) | config::Error::Unfinished(_) => {
                    (code, with_remedy(hint, path))
                }
                config::Error::Unsupported(_) | config::Error::Password => plain(code, hint),
            }
        }
        OpenError::Password => plain(Code::WrongPassword, WRONG_PASSWORD),
        OpenError::OtherPassword { path } => (
            Code::WrongPassword,
            with_remedy("ask whoever changed it for the new one; `encbox config show` compares", path),
        ),
        OpenError::OtherConfig { path, .. } => (
            Code::OtherConfig,
            with_remedy(
                "somebody who can write to the folder may have exchanged it. If you did, `encbox config accept` takes \
                 the new one for good",
                path,
            ),
        ),
        OpenError::Forged { .. } => plain(
            Code::OtherConfig,
            "if the config in the folder is the right one (`encbox info`), `encbox config accept` keeps it anew",
        ),
        OpenError::Exists { .. } => plain(Code::WrongKind, "`encbox info` describes it; nothing was changed"),
        OpenError::NotEmpty { .. } => {
            plain(Code::WrongKind, "make the volume in a new folder, or insist with --force")
        }
    }
}

const WRONG_PASSWORD: &str = "check the keyboard layout and the caps lock; if the password is right, restore the config \
                              file from a backup or the sync service's history";

/// The hint, and where another config could be had.
fn with_remedy(hint: &str, config: &Path) -> String {
    match config.parent().and_then(remedy::for_config_of) {
        Some(remedy) => format!("{hint}. {remedy}"),
        None => hint.to_owned(),
    }
}

fn in_config(error: &config::Error) -> (Code, &'static str) {
    match error {
        config::Error::Field { .. } | config::Error::Syntax(_) => {
            (Code::BadConfig, "restore the config file from a backup or the sync service's history")
        }
        config::Error::Unfinished(_) => {
            (Code::NoVolume, "most likely it has not finished syncing: wait for it")
        }
        config::Error::Unsupported(_) => {
            (Code::Unsupported, "`encbox info` shows what the volume was made with")
        }
        config::Error::Password => (Code::WrongPassword, WRONG_PASSWORD),
    }
}

fn on_volume(error: &volume::Error) -> (Code, &'static str) {
    match &error.fault {
        Fault::Sys(Errno::NOENT) => (Code::NotFound, "`encbox ls` shows what there is"),
        Fault::Sys(errno) => system(Some(errno.raw_os_error())),
        Fault::Name(error) => match error {
            names::Error::TooLong { .. } => {
                (Code::BadName, "shorten the name: encrypted, it grows by a third or more")
            }
            names::Error::Impossible => (Code::BadName, ""),
            names::Error::Undecodable(_) => {
                (Code::Damaged, "it may be a file of another program, or from another volume")
            }
            names::Error::UnknownCoding(_) => (Code::Unsupported, ""),
        },
        Fault::Content(error) => match error {
            content::Error::Mac { .. } | content::Error::HeaderZero => {
                (Code::Damaged, "restore this file from a backup or the sync service's history")
            }
            content::Error::Zeros { .. }
            | content::Error::ShortBlock { .. }
            | content::Error::HeaderShort { .. }
            | content::Error::HeaderZeros => {
                (Code::Damaged, "has the file finished syncing? If so, restore it from the service's history")
            }
        },
        Fault::IsADirectory | Fault::NotADirectory | Fault::NotAFile => (Code::WrongKind, ""),
        Fault::HardLink => (Code::Unsupported, "copy the file instead"),
        Fault::Outside => (Code::NotFound, "encbox follows no link that leads out of the volume"),
        Fault::LinkLoop => (Code::WrongKind, ""),
        Fault::ReadOnly => (Code::Refused, ""),
        Fault::Reserved => (Code::Refused, "choose another name: without this file the volume is lost"),
        Fault::Access => (Code::Refused, ""),
        Fault::TooLarge => (Code::Full, ""),
        Fault::Stale => (Code::NotFound, "something else changes the volume: try again"),
    }
}

fn in_transfer(error: &transfer::Error) -> (Code, &'static str) {
    use transfer::Error as E;
    match error {
        E::Volume { source, .. } => on_volume(source),
        E::Local { source, .. } | E::Stream(source) => system(source.raw_os_error()),
        E::StreamCut(source) => in_transfer(source),
        E::LocalExists { .. } => {
            (Code::WrongKind, "choose another destination, or replace files with --force (folders never are)")
        }
        E::Exists { .. } => {
            (Code::WrongKind, "choose another name, or replace files with --force (folders never are)")
        }
        E::Clash { .. } => (Code::WrongKind, "export one of them under another name"),
        E::ClashInside { .. } => (Code::WrongKind, "import one of them under another name"),
        E::InsideVolume { .. } => {
            (Code::WrongKind, "clear text in this folder would be synced: choose a place outside it")
        }
        E::UnsafeName { .. } => (Code::BadName, "rename it in the volume"),
        E::Special { .. } | E::LocalSpecial { .. } => {
            (Code::WrongKind, "only files, folders and links travel")
        }
        E::Changed { .. } | E::LocalChanged { .. } | E::Lost { .. } => {
            (Code::Failed, "try again when nothing else is at work there")
        }
        E::HostileMember { .. } => {
            (Code::BadName, "unpack the stream elsewhere, look at it, and import that")
        }
        E::UnknownMember { .. } => (Code::Unsupported, ""),
        E::TarCut { .. } => {
            (Code::Damaged, "what came whole is in the volume; with --resume it is passed over")
        }
        E::NoTar { .. } => (Code::Damaged, "what came before it is in the volume"),
        E::Nameless { .. } => (Code::Usage, "name the folder by its own name"),
        E::Interrupted => (Code::Interrupted, ""),
    }
}

fn in_repair(error: &crate::check::RepairError) -> (Code, &'static str) {
    use crate::check::RepairError as E;
    match error {
        E::Inside { .. } => (Code::WrongKind, "choose a folder outside the volume"),
        E::Quarantine { source, .. } => system(source.raw_os_error()),
        E::NoLog { .. } => (Code::WrongKind, "name the folder that `encbox repair --apply` told"),
        E::OtherVolume { .. } => {
            (Code::WrongKind, "name the volume that was repaired, or its folder of this repair")
        }
        E::Volume(error) => on_volume(error),
        E::Changed { .. } => (Code::Failed, "something else changes the volume"),
    }
}

fn in_recovery(error: &crate::check::RecoverError) -> (Code, String) {
    use crate::check::RecoverError as E;
    let plain = |(code, hint): (Code, &str)| (code, hint.to_string());
    match error {
        E::KeyLen(_) | E::NothingFits => {
            plain((Code::WrongPassword, "is it the key of this volume, and has the folder finished syncing?"))
        }
        E::Open(error) => open(error),
        E::Volume(error) => plain(on_volume(error)),
        E::Config(error) => plain(in_config(error)),
    }
}

#[cfg(feature = "index")]
fn in_index(error: &crate::index::Error) -> (Code, &'static str) {
    use crate::index::Error as E;
    match error {
        E::Entry { source, .. } => on_volume(source),
        E::Missing => (Code::NotFound, "`encbox index` makes one"),
        E::Damaged => (Code::Damaged, "`encbox index` makes it anew"),
        E::Busy => (Code::Failed, "wait until it is done"),
        E::Folder { source, .. } => system(source.raw_os_error()),
        E::Io(source) => system(source.raw_os_error()),
        E::InsideVolume { .. } => {
            (Code::WrongKind, "it would be synced: let ENCBOX_CACHE_DIR name a folder outside the volume")
        }
        E::Engine(_) => (Code::Failed, "`encbox index --rebuild` makes the index anew"),
        E::Interrupted => (Code::Interrupted, "what was read is kept; the next scan goes on from there"),
    }
}

#[cfg(feature = "index")]
fn in_travel(error: &crate::travel::Error) -> (Code, &'static str) {
    use crate::travel::Error as E;
    match error {
        E::Index(error) => in_index(error),
        E::Busy => (Code::Failed, "wait until it is done"),
        E::Folder { source, .. } => system(source.raw_os_error()),
    }
}

fn no_password(error: &password::Error) -> (Code, &'static str) {
    use password::Error as E;
    match error {
        E::NoTerminal => (
            Code::NoPassword,
            "use --password-stdin, --password-file, --password-command or --keyring, \
             or set ENCBOX_PASSWORD_FILE or ENCBOX_PASSWORD_COMMAND",
        ),
        E::Empty => (Code::NoPassword, "EncFS knows no empty password"),
        E::TooLong | E::Mismatch | E::Terminal(_) => (Code::NoPassword, ""),
        E::File { .. } | E::Stdin(_) => (Code::NoPassword, "nothing was opened"),
        E::NotInKeyring(_) => {
            (Code::NoPassword, "--keyring-save puts it there, with any command that opens it")
        }
        E::Unattended(_) => (Code::Usage, "give it --password-command, --password-file or --keyring"),
        E::Program { .. } | E::Status { .. } => {
            (Code::NoPassword, "run the command by hand to see what it does")
        }
    }
}

fn no_keyring(error: &keyring::Error) -> (Code, &'static str) {
    match error {
        keyring::Error::Missing(_) => (
            Code::NoPassword,
            "install it (Debian, Ubuntu: libsecret-tools), or give the password another way",
        ),
        keyring::Error::Failed { .. } => (Code::NoPassword, "is a keyring unlocked in this session?"),
    }
}

#[cfg(feature = "mount")]
fn on_mount(error: &crate::mount::Error) -> (Code, &'static str) {
    use crate::mount::Error as E;
    match error {
        E::NoMountPoint { .. } => (Code::Mount, "make the folder first"),
        E::NotAFolder { .. } => (Code::Mount, "mount on an empty folder"),
        E::NotEmpty { .. } => {
            (Code::Mount, "mount on an empty folder, or hide what is in it with --nonempty")
        }
        E::AlreadyMounted { .. } => (Code::Mount, "`encbox mounts` lists what is mounted"),
        E::DeadMount { .. } => (Code::Mount, "fusermount3 -u -z clears it"),
        E::InsideVolume { .. } | E::HidesVolume { .. } => {
            (Code::Mount, "mount on a folder that is not synced, such as one in your home")
        }
        E::InsideSyncedFolder { .. } | E::InsideAnotherVolume { .. } => (
            Code::Mount,
            "mount on a folder that is not synced, such as one in your home; if you know that it is not, \
             --even-if-synced (-o even_if_synced) mounts here",
        ),
        E::Option { .. } | E::MountWithOptions { .. } => (Code::Mount, ""),
        E::NoFuse { .. } => (Code::Mount, "modprobe fuse; in a container, pass the device /dev/fuse in"),
        E::Mount { .. } => (Code::Mount, "`encbox export` and `encbox import` need no mount"),
        E::Serve { .. } | E::Unmount { .. } => (Code::Mount, ""),
        E::NotMounted { .. } | E::NotOurs { .. } => (Code::Mount, "`encbox mounts` lists what is mounted"),
        E::Busy { .. } => {
            (Code::Mount, "`encbox unmount --lazy` waits in the background until nobody is there")
        }
        E::System { source, .. } => system(source.raw_os_error()),
    }
}

/// What an error number of the system means to somebody at a command line.
fn system(errno: Option<i32>) -> (Code, &'static str) {
    match errno.map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => (Code::NotFound, ""),
        Some(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
            (Code::WrongKind, "")
        }
        Some(Errno::NOSPC | Errno::DQUOT) => (Code::Full, "make room, then run the same command again"),
        Some(Errno::FBIG) => (Code::Full, ""),
        Some(Errno::ACCESS | Errno::PERM) => (Code::Refused, "whose file is it, and may you change it?"),
        Some(Errno::ROFS) => (Code::Refused, "the file system is mounted read-only"),
        Some(Errno::NAMETOOLONG) => {
            (Code::BadName, "shorten the name: encrypted, it grows by a third or more")
        }
        Some(Errno::INTR) => (Code::Interrupted, ""),
        _ => (Code::Failed, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_used_twice() {
        let mut numbers: Vec<u8> = TABLE.iter().map(|(code, _)| *code as u8).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), TABLE.len());
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(is_closed_pipe(&Error::Output(io::ErrorKind::BrokenPipe.into())));
        assert!(!is_closed_pipe(&Error::Output(io::ErrorKind::StorageFull.into())));
    }

    #[test]
    fn a_full_disk_is_a_full_disk_wherever_it_shows() {
        let full = || Errno::NOSPC.into();
        let local = Error::Local { verb: "write", path: "x".into(), source: full() };
        let volume = volume::Error { verb: "write", path: "x".into(), fault: Fault::Sys(Errno::NOSPC) };
        for error in [local, Error::Output(full()), Error::Volume(volume)] {
            assert_eq!(verdict(&error).0, Code::Full);
        }
    }
}
