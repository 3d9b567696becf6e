//! Options as getopt_long(3) reads them, since scripts are written for it: short ones in bundles, long ones cut short as
//! far as they stay clear, options behind operands, `--`, and an unknown option complained about and passed over.

use crate::cli::exit::tell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// An option there is.
#[derive(Debug)]
pub(super) struct Known {
    /// What it is called here, and on the command line if `long`.
    pub(super) name: &'static str,
    pub(super) long: bool,
    pub(super) short: Option<u8>,
    /// Whether an argument belongs to it.
    pub(super) argument: bool,
}

/// `--name`.
pub(super) const fn long(name: &'static str) -> Known {
    Known { name, long: true, short: None, argument: false }
}

/// `-s`, known here as `name`.
pub(super) const fn short(letter: u8, name: &'static str) -> Known {
    Known { name, long: false, short: Some(letter), argument: false }
}

impl Known {
    /// And by this letter, too.
    pub(super) const fn or(self, letter: u8) -> Known {
        Known { short: Some(letter), ..self }
    }

    /// With an argument.
    pub(super) const fn with_argument(self) -> Known {
        Known { argument: true, ..self }
    }
}

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Names of options in their order, each with its argument.
    pub(super) options: Vec<(&'static str, Option<OsString>)>,
    /// What is no option, in its order.
    pub(super) operands: Vec<OsString>,
    /// What is wrong with the rest.
    pub(super) complaints: Vec<String>,
}

impl Parsed {
    /// Complains as `program`.
    pub(super) fn complain(&self, program: &str) {
        self.complaints.iter().for_each(|complaint| tell(&format!("{program}: {complaint}")));
    }
}

/// Takes `arguments` apart, which do not begin with the program's name.
pub(super) fn parse(known: &'static [Known], arguments: &[OsString]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_bytes() {
            b"--" => parsed.operands.extend(rest.by_ref().cloned()),
            [b'-', b'-', text @ ..] => take_long(known, text, &mut rest, &mut parsed),
            [b'-', bundle @ ..] if !bundle.is_empty() => take_bundle(known, bundle, &mut rest, &mut parsed),
            _ => parsed.operands.push(argument.clone()),
        }
    }
    parsed
}

type Rest<'a> = std::slice::Iter<'a, OsString>;

fn take_long(known: &'static [Known], text: &[u8], rest: &mut Rest<'_>, parsed: &mut Parsed) {
    let (name, value) = match text.iter().position(|&byte| byte == b'=') {
        Some(at) => (&text[..at], Some(OsString::from_vec(text[at + 1..].to_vec()))),
        None => (text, None),
    };
    let shown = String::from_utf8_lossy(name).into_owned();
    let longs = || known.iter().filter(|option| option.long);
    let found: Vec<&Known> = match longs().find(|option| option.name.as_bytes() == name) {
        Some(exact) => vec![exact],
        None => longs().filter(|option| option.name.as_bytes().starts_with(name)).collect(),
    };
    let [option] = found.as_slice() else {
        parsed.complaints.push(if found.is_empty() {
            format!("unrecognized option '--{shown}'")
        } else {
            let names: Vec<_> = found.iter().map(|option| format!("'--{}'", option.name)).collect();
            format!("option '--{shown}' is ambiguous; possibilities: {}", names.join(" "))
        });
        return;
    };
    match (option.argument, value) {
        (false, Some(_)) => {
            parsed.complaints.push(format!("option '--{}' doesn't allow an argument", option.name));
        }
        (false, None) => parsed.options.push((option.name, None)),
        (true, value) => match value.or_else(|| rest.next().cloned()) {
            Some(value) => parsed.options.push((option.name, Some(value))),
            None => parsed.complaints.push(format!("option '--{}' requires an argument", option.name)),
        },
    }
}

fn take_bundle(known: &'static [Known], bundle: &[u8], rest: &mut Rest<'_>, parsed: &mut Parsed) {
    for (at, letter) in bundle.iter().enumerate() {
        let Some(option) = known.iter().find(|option| option.short == Some(*letter)) else {
            parsed.complaints.push(format!("invalid option -- '{}'", char::from(*letter)));
            continue;
        };
        if !option.argument {
            parsed.options.push((option.name, None));
            continue;
        }
        let glued = &bundle[at + 1..];
        let value = if glued.is_empty() {
            rest.next().cloned()
        } else {
            Some(OsStr::from_bytes(glued).to_os_string())
        };
        match value {
            Some(value) => parsed.options.push((option.name, Some(value))),
            None => {
                parsed.complaints.push(format!("option requires an argument -- '{}'", char::from(*letter)));
            }
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: &[Known] = &[
        long("standard"),
        long("stdinpass").or(b'S'),
        long("idle").or(b'i').with_argument(),
        short(b'o', "fuse").with_argument(),
        short(b'f', "foreground"),
    ];

    fn options(words: &[&str]) -> (Vec<String>, Vec<OsString>, Vec<String>) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let parsed = parse(KNOWN, &words);
        let shown = parsed.options.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={}", value.to_string_lossy()),
            None => (*name).to_owned(),
        });
        (shown.collect(), parsed.operands, parsed.complaints)
    }

    #[test]
    fn bundles_arguments_and_operands_in_any_order() {
        let (options, operands, complaints) =
            options(&["a", "-Sfi5", "b", "-o", "ro", "--idle=7", "--idle", "8", "-", "--", "-S", "--foo"]);
        assert_eq!(options, ["stdinpass", "foreground", "idle=5", "fuse=ro", "idle=7", "idle=8"]);
        assert_eq!(operands, ["a", "b", "-", "-S", "--foo"]);
        assert!(complaints.is_empty());
    }

    #[test]
    fn long_options_may_be_cut_short_where_that_is_clear() {
        assert_eq!(options(&["--stdi", "--sta"]).0, ["stdinpass", "standard"]);
        assert_eq!(
            options(&["--st"]).2,
            ["option '--st' is ambiguous; possibilities: '--standard' '--stdinpass'"]
        );
    }

    #[test]
    fn mistakes_are_named_and_passed_over() {
        let (options, operands, complaints) = options(&["--foo", "-xf", "--standard=1", "a", "-o"]);
        assert_eq!(
            (options.as_slice(), operands.as_slice()),
            (&["foreground".into()][..], &["a".into()][..])
        );
        assert_eq!(
            complaints,
            [
                "unrecognized option '--foo'",
                "invalid option -- 'x'",
                "option '--standard' doesn't allow an argument",
                "option requires an argument -- 'o'",
            ]
        );
    }
}
