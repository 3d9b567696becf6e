//! `encbox verify`: what other programs make of a volume, and whether it holds what it should.

use super::findings::{self, Listener};
use super::open::{VolumeArgs, find};
use super::out::{Out, put_name};
use super::{Error, Global, text};
use crate::check::{
    self, Hidden, Manifest, PARAMETERS, PROGRAMS, Parameter, Program, Summary, Truth, Verdict,
};
use crate::config::Config;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Show which programs open a volume, or compare it with what it should hold
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
For every program: whether it opens the volume and writes to it, parameter by parameter, and which entries it would not \
show, as far as that is known. With --config-only no password is needed, and names are not looked at.\n\n\
--against FOLDER compares every name, size, link and byte with a folder that holds the same in the clear, --manifest \
FILE with a list of digests: what `sha256sum` prints, or JSON, {PATH: {\"type\": \"file\", \"size\": N, \"sha256\": HEX}}, \
with the types \"dir\" and \"symlink\" (with \"target\") besides.\n\n\
The exit code is 0 if every program that was asked for opens the volume and shows all of it, and all is as it should \
be; 17 if not; 9 if something is missing, unreadable or other than it should be.\n\n\
Examples:\n  \
encbox verify ~/Dropbox/Private\n  \
encbox verify --profile boxcryptor ~/Dropbox/Private\n  \
encbox verify --against ~/everything ~/Dropbox/Private\n  \
(cd ~/everything && find . -type f -exec sha256sum {} +) > sums; encbox verify --manifest sums ~/Dropbox/Private")]
pub(super) struct Verify {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The program in question
    #[arg(long, value_name = "PROGRAM", default_value = "all")]
    profile: ProgramArg,
    /// Look at the config only; needs no password
    #[arg(long, conflicts_with_all = ["against", "manifest"])]
    config_only: bool,
    /// Compare with what this folder holds
    #[arg(long, value_name = "FOLDER", conflicts_with = "manifest")]
    against: Option<PathBuf>,
    /// Compare with this list
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Work with N threads (default: as many as the machine runs at once, 16 at the most)
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print JSON, a line each
    #[arg(long)]
    json: bool,
}

/// A program, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ProgramArg {
    All,
    Boxcryptor,
    #[value(name = "encfs-1.9")]
    Encfs19,
    #[value(name = "encfs-1.4")]
    Encfs14,
    EncfsJava,
    Encfsy,
    Encfs2,
}

impl ProgramArg {
    fn programs(self) -> Vec<Program> {
        match self {
            ProgramArg::All => PROGRAMS.to_vec(),
            ProgramArg::Boxcryptor => vec![Program::Boxcryptor],
            ProgramArg::Encfs19 => vec![Program::Encfs19],
            ProgramArg::Encfs14 => vec![Program::Encfs14],
            ProgramArg::EncfsJava => vec![Program::EncfsJava],
            ProgramArg::Encfsy => vec![Program::Encfsy],
            ProgramArg::Encfs2 => vec![Program::Encfs2],
        }
    }
}

impl Verify {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        if let Some(folder) = &self.against {
            std::fs::read_dir(folder).map_err(Error::local("read", folder))?;
            return self.compare(global, &Truth::Folder(folder));
        }
        if let Some(file) = &self.manifest {
            let bytes = std::fs::read(file).map_err(Error::local("read", file))?;
            let manifest = Manifest::parse(&bytes)
                .map_err(|error| Error::Usage(format!("{}: {error}", file.display())))?;
            return self.compare(global, &Truth::Manifest(&manifest));
        }
        self.judge(global)
    }

    fn compare(&self, global: &Global, truth: &Truth<'_>) -> Result<(), Error> {
        let volume = self.volume.read_only(global)?;
        let mut listener = Listener::new(global, self.json, true);
        let compared = check::compare(&volume, truth, self.jobs, &mut listener);
        listener.end()?;
        findings::end(global, self.json, true, compared?)
    }

    fn judge(&self, global: &Global) -> Result<(), Error> {
        let found = find(global, &self.volume.volume)?;
        let programs = self.profile.programs();
        // before the password: the config says most of it
        let mut out = Out::new();
        match self.json {
            true => programs.iter().try_for_each(|program| out.json(&facts(*program, &found.config)))?,
            false => table(&programs, &found.config).iter().try_for_each(|line| out.line(line))?,
        }
        out.end()?;
        let opening: Vec<Program> = programs
            .iter()
            .copied()
            .filter(|program| program.verdict(&found.config) <= Verdict::Reads)
            .collect();
        let mut odd = (programs.len() - opening.len()) as u64;
        if !self.config_only && !opening.is_empty() {
            let volume = self.volume.read_only(global)?;
            let mut failed = Ok(());
            let mut tell = |hidden: &Hidden| {
                odd += 1;
                if failed.is_ok() {
                    failed = self.show(hidden);
                }
            };
            check::hidden(&volume, &opening, &mut tell).map_err(Error::Volume)?;
            failed?;
        }
        if self.profile == ProgramArg::All {
            return Ok(()); // a table to look at: no program was asked for
        }
        let summary = Summary { warnings: odd, ..Summary::default() };
        if summary.warnings == 0 { Ok(()) } else { Err(Error::Findings(summary.warnings)) }
    }

    fn show(&self, hidden: &Hidden) -> Result<(), Error> {
        let mut out = Out::new();
        let plain = hidden.path.to_path();
        if self.json {
            let mut facts = json!({ "program": hidden.program.word(), "reason": hidden.reason });
            put_name(&mut facts, "path", plain.as_os_str());
            put_name(&mut facts, "cipher_path", hidden.cipher_path.as_os_str());
            out.json(&json!({ "hidden": facts }))?;
        } else {
            let place = findings::place(&hidden.cipher_path, Some(plain.as_os_str()));
            out.line(&format!("{} does not show {place}: {}", hidden.program.title(), hidden.reason))?;
        }
        out.end()
    }
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Writes => "opens and writes",
        Verdict::Reads => "opens",
        Verdict::Unknown => "not known",
        Verdict::No => "does not open",
    }
}

fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Writes => "writes",
        Verdict::Reads => "reads",
        Verdict::Unknown => "?",
        Verdict::No => "no",
    }
}

fn facts(program: Program, config: &Config) -> Value {
    let parameters: serde_json::Map<String, Value> = PARAMETERS
        .iter()
        .map(|parameter| {
            let judgement = program.judge(config, *parameter);
            let facts = json!({
                "value": parameter.value(config), "verdict": short(judgement.verdict), "reason": judgement.reason,
            });
            (parameter.word().to_owned(), facts)
        })
        .collect();
    json!({ "program": program.word(), "verdict": words(program.verdict(config)), "parameters": parameters })
}

/// A line for each parameter with a column for each program, then the reasons.
fn table(programs: &[Program], config: &Config) -> Vec<String> {
    let mut rows = vec![row("", "", programs.iter().map(|program| program.word()))];
    for parameter in PARAMETERS {
        let verdicts = programs.iter().map(|program| short(program.judge(config, parameter).verdict));
        rows.push(row(parameter.word(), &parameter.value(config), verdicts));
    }
    rows.push(String::new());
    for program in programs {
        rows.push(format!("{}: {}", program.title(), words(program.verdict(config))));
        rows.extend(PARAMETERS.iter().filter_map(|parameter| reason(*program, config, *parameter)));
    }
    rows
}

fn row<'a>(parameter: &str, value: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let cells: String = cells.map(|cell| format!("  {cell:<10}")).collect();
    format!("{parameter:<14}{:<18}{}", text::escape_str(value), cells.trim_end())
}

fn reason(program: Program, config: &Config, parameter: Parameter) -> Option<String> {
    let judgement = program.judge(config, parameter);
    let beware = if judgement.verdict <= Verdict::Reads { "beware: " } else { "" };
    let line = format!("  {} {}: {beware}{}", parameter.word(), parameter.value(config), judgement.reason);
    (!judgement.reason.is_empty()).then(|| text::escape_str(&line))
}
