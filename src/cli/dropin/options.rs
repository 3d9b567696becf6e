//! The options of encfs(1) 1.9.5.

use super::getopt::{self, Known, long, short};
use super::passwords::Passwords;
use super::{Ended, say, usage};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

static KNOWN: &[Known] = &[
    long("fuse-debug").or(b'd'),
    long("forcedecode"),
    short(b'f', "foreground"),
    long("fuse-help").or(b'H'),
    long("idle").or(b'i').with_argument(),
    long("anykey"),
    long("no-default-flags"),
    long("ondemand").or(b'm'),
    long("delaymount"),
    long("public"),
    long("extpass").with_argument(),
    short(b's', "single"),
    long("stdinpass").or(b'S'),
    long("syslogtag").or(b't').with_argument(),
    long("annotate"),
    long("nocache"),
    long("nodatacache"),
    long("noattrcache"),
    long("verbose").or(b'v'),
    long("version"),
    long("reverse"),
    long("reversewrite"),
    long("standard"),
    long("paranoia"),
    long("require-macs"),
    long("insecure"),
    long("config").or(b'c').with_argument(),
    long("unmount").or(b'u'),
    short(b'o', "fuse").with_argument(),
    // `-h` and `--help` are unknown to EncFS, which then shows its usage
    long("help").or(b'h'),
];

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    ShowVersion,
    ShowFuseOptions,
    Unmount(PathBuf),
    Mount(Box<Options>),
}

/// How a new volume is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum NewVolume {
    /// Ask.
    #[default]
    Ask,
    Standard,
    Paranoia,
}

/// When a mount ends by itself, and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Idle {
    /// After so long without use; 0 is never.
    pub(super) minutes: u32,
    /// Unlock again when it is used again.
    pub(super) on_demand: bool,
    /// Ask for the password at the first use only.
    pub(super) delayed: bool,
}

/// Everything that a mount is asked to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// With a slash at its end, as EncFS shows it.
    pub(super) root: PathBuf,
    /// The same.
    pub(super) mountpoint: PathBuf,
    pub(super) config: Option<PathBuf>,
    pub(super) foreground: bool,
    pub(super) single_thread: bool,
    pub(super) verbose: u8,
    pub(super) passwords: Passwords,
    pub(super) annotate: bool,
    pub(super) new_volume: NewVolume,
    pub(super) require_macs: bool,
    pub(super) insecure: bool,
    pub(super) any_key: bool,
    pub(super) force_decode: bool,
    pub(super) public: bool,
    pub(super) no_attribute_cache: bool,
    pub(super) no_data_cache: bool,
    pub(super) idle: Idle,
    /// Arguments of `-o`, and what stands behind the two folders.
    pub(super) fuse: Vec<OsString>,
}

impl Action {
    /// Reads a command line; has complained where that fails.
    pub(super) fn parse(arguments: &[OsString]) -> Result<Action, Ended> {
        if arguments.is_empty() {
            return Err(usage::show());
        }
        let parsed = getopt::parse(KNOWN, arguments);
        parsed.complain("encfs");
        let mut options = Options::default();
        let (mut reverse, mut unmount, mut help) = (false, false, false);
        for (name, argument) in parsed.options {
            let argument = argument.unwrap_or_default();
            match name {
                "version" => return Ok(Action::ShowVersion),
                "fuse-help" => return Ok(Action::ShowFuseOptions),
                "help" => help = true,
                "foreground" | "fuse-debug" => options.foreground = true,
                "single" => options.single_thread = true,
                "verbose" => options.verbose = 1,
                "stdinpass" => options.passwords.stdin = true,
                "extpass" => options.passwords.program = Some(argument),
                "annotate" => options.annotate = true,
                "standard" => options.new_volume = NewVolume::Standard,
                "paranoia" => options.new_volume = NewVolume::Paranoia,
                "require-macs" => options.require_macs = true,
                "insecure" => options.insecure = true,
                "anykey" => options.any_key = true,
                "forcedecode" => options.force_decode = true,
                "public" => options.public = true,
                "nocache" => (options.no_attribute_cache, options.no_data_cache) = (true, true),
                "noattrcache" => options.no_attribute_cache = true,
                "nodatacache" => options.no_data_cache = true,
                "idle" => options.idle.minutes = leading_number(&argument),
                "ondemand" => options.idle.on_demand = true,
                "delaymount" => options.idle.delayed = true,
                "config" => options.config = Some(argument.into()),
                "unmount" => unmount = true,
                "reverse" | "reversewrite" => reverse = true,
                "fuse" => options.fuse.extend(["-o".into(), argument]),
                // no system log is written, and permissions are always checked
                _ => {}
            }
        }
        if help {
            return Err(usage::show());
        }
        if reverse {
            return Err(say::fail(
                "encfs: encbox has no reverse mode (--reverse, --reversewrite): the encrypted view of a plain \
                 folder is made by EncFS itself",
            ));
        }
        let mut operands = parsed.operands.into_iter();
        if unmount {
            let (Some(mountpoint), None) = (operands.next(), operands.next()) else {
                say::fail("Expecting one argument, aborting.");
                return Err(usage::show());
            };
            return Ok(Action::Unmount(mountpoint.into()));
        }
        let (Some(root), Some(mountpoint)) = (operands.next(), operands.next()) else {
            say::fail("Missing one or more arguments, aborting.");
            return Err(usage::show());
        };
        (options.root, options.mountpoint) = (with_slash(root), with_slash(mountpoint));
        options.fuse.extend(operands);
        options.check()?;
        Ok(Action::Mount(Box::new(options)))
    }
}

impl Options {
    fn check(&self) -> Result<(), Ended> {
        let absolute = self.root.is_absolute() && self.mountpoint.is_absolute();
        let problem = if !(self.foreground || absolute) {
            "When specifying daemon mode, you must use absolute paths (beginning with '/')"
        } else if self.root.starts_with(&self.mountpoint) {
            "The raw directory may not be a subdirectory of the mount point."
        } else if self.idle.delayed && !self.idle.on_demand {
            "You must use mount-on-demand with delay-mount"
        } else if self.idle.on_demand && self.passwords.program.is_none() {
            "Must set password program when using mount-on-demand"
        } else {
            return Ok(());
        };
        say::fail(problem);
        Err(usage::show())
    }
}

fn with_slash(path: OsString) -> PathBuf {
    // what is joined to a path gets a slash in front
    Path::new(&path).join("")
}

/// As strtol(3) has it: the digits at the beginning, 0 if there are none.
pub(super) fn leading_number(text: &OsString) -> u32 {
    let text = text.to_string_lossy();
    let digits = text.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(if digits.is_empty() { 0 } else { u32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Action, Ended> {
        Action::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn mount(words: &[&str]) -> Options {
        match parse(words) {
            Ok(Action::Mount(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_front_ends_ask_for() {
        let options = mount(&["-S", "--standard", "/c", "/m"]);
        assert_eq!(
            (options.root.as_path(), options.mountpoint.as_path()),
            (Path::new("/c/"), Path::new("/m/"))
        );
        assert_eq!(options.root.as_os_str(), "/c/");
        assert!(options.passwords.stdin && options.new_volume == NewVolume::Standard);

        let options = mount(&["/c", "/m", "-o", "ro,uid=3", "--", "-o", "allow_other", "-s"]);
        assert_eq!(options.fuse, ["-o", "ro,uid=3", "-o", "allow_other", "-s"]);

        let options = mount(&["-c", "/cfg", "-i30", "--extpass=ask", "-mf", "c", "m"]);
        assert_eq!(options.config.as_deref(), Some(Path::new("/cfg")));
        assert_eq!(options.idle, Idle { minutes: 30, on_demand: true, delayed: false });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["/c"][..],
            &["c", "m"],
            &["/m/c", "/m"],
            &["--delaymount", "/c", "/m"],
            &["-m", "/c", "/m"],
            &["--reverse", "/c", "/m"],
            &["-u"],
            &["-u", "/a", "/b"],
            &["--help"],
            &[],
        ] {
            assert_eq!(parse(words), Err(Ended(1)), "{words:?}");
        }
        assert!(parse(&["/m1", "/m"]).is_ok(), "names are not folders");
    }

    #[test]
    fn unmounting_and_questions_about_the_program() {
        assert_eq!(parse(&["-u", "m"]), Ok(Action::Unmount("m".into())));
        assert_eq!(parse(&["--unmount", "/m"]), Ok(Action::Unmount("/m".into())));
        assert_eq!(parse(&["--version"]), Ok(Action::ShowVersion));
        assert_eq!(parse(&["-H"]), Ok(Action::ShowFuseOptions));
    }

    #[test]
    fn numbers_as_strtol_reads_them() {
        for (text, number) in [("10", 10), ("10min", 10), ("", 0), ("x", 0), ("99999999999", u32::MAX)] {
            assert_eq!(leading_number(&text.into()), number, "{text}");
        }
    }
}
