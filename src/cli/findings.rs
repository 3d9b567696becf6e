//! How findings show on a command line: one finding, one line, or one JSON object.

use super::out::{Out, put_name};
use super::progress::Watch;
use super::{Error, Global, text};
use crate::check::{Finding, Progress, Severity, Summary};
use crate::transfer::Progress as _;
use serde_json::{Value, json};

/// Shows findings as they are made.
pub(super) struct Listener {
    watch: Watch,
    /// Notes are shown, too.
    notes: bool,
    json: bool,
    /// Findings are counted only: they are to be shown as something else.
    silent: bool,
    failed: Option<Error>,
}

impl Listener {
    pub(super) fn new(global: &Global, json: bool, notes: bool) -> Listener {
        Listener { watch: Watch::new(global, json, || None), notes, json, silent: false, failed: None }
    }

    /// The same for who shows findings in another way.
    pub(super) fn silent(global: &Global, json: bool) -> Listener {
        Listener { silent: true, ..Listener::new(global, json, false) }
    }

    /// Ends the show. Fails if nobody read it.
    pub(super) fn end(self) -> Result<(), Error> {
        drop(self.watch);
        self.failed.map_or(Ok(()), Err)
    }
}

impl Progress for Listener {
    fn bytes(&mut self, count: u64) {
        self.watch.bytes(count);
    }

    fn item(&mut self) {
        self.watch.item();
    }

    fn found(&mut self, finding: &Finding) {
        if self.silent || finding.severity == Severity::Note && !self.notes {
            return;
        }
        let json = self.json;
        if let Err(error) = self.watch.aside(|| show(finding, json)) {
            self.failed.get_or_insert(error);
        }
    }

    fn stopped(&self) -> bool {
        self.failed.is_some() || self.watch.stopped()
    }
}

/// Prints a finding.
pub(super) fn show(finding: &Finding, json: bool) -> Result<(), Error> {
    let mut out = Out::new();
    match json {
        true => out.json(&json!({ "finding": facts(finding) }))?,
        false => out.line(&line(finding))?,
    }
    out.end()
}

/// Says what was looked at, and how it ended.
pub(super) fn end(global: &Global, json: bool, notes_shown: bool, summary: Summary) -> Result<(), Error> {
    let Summary { files, folders, links, bytes, passed_before, notes, warnings, damage } = summary;
    if json {
        let mut out = Out::new();
        out.json(&json!({ "done": {
            "files": files, "folders": folders, "links": links, "bytes": bytes,
            "passed_before": passed_before, "notes": notes, "warnings": warnings, "damage": damage,
        } }))?;
        out.end()?;
    } else {
        let counts = [(files, "file"), (folders, "folder"), (links, "link"), (bytes, "byte")];
        let counts: Vec<_> = counts.into_iter().map(|(number, one)| text::count(number, one)).collect();
        let hidden = match notes {
            0 => String::new(),
            _ if notes_shown => String::new(),
            _ => format!("; {} of no consequence, which --notes shows", text::count(notes, "finding")),
        };
        let before = match passed_before {
            0 => String::new(),
            _ => {
                format!("; of {} it was known before that they are sound", text::count(passed_before, "file"))
            }
        };
        global.note_on_terminal(&format!("checked {}{before}{hidden}", counts.join(", ")));
    }
    match (damage, warnings) {
        (0, 0) => Ok(()),
        (0, _) => Err(Error::Findings(warnings)),
        _ => Err(Error::Damaged(damage)),
    }
}

pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Damage => "damage",
    }
}

fn line(finding: &Finding) -> String {
    let guess = if finding.guess { " (a guess)" } else { "" };
    format!(
        "{} {}: {}: {}{guess}; {}",
        word(finding.severity),
        finding.kind.word(),
        place(&finding.path, finding.plain.as_deref()),
        text::escape_str(&finding.what),
        finding.kind.advice()
    )
}

/// The path in the volume, and the encrypted one in brackets.
pub(super) fn place(cipher: &std::path::Path, plain: Option<&std::ffi::OsStr>) -> String {
    let cipher = match cipher.as_os_str().is_empty() {
        true => "the root".into(),
        false => text::escape(cipher.as_os_str()),
    };
    match plain {
        Some(plain) if !plain.is_empty() => format!("{} [{cipher}]", text::escape(plain)),
        _ => format!("[{cipher}]"),
    }
}

fn facts(finding: &Finding) -> Value {
    let mut facts = json!({
        "severity": word(finding.severity),
        "kind": finding.kind.word(),
        "what": finding.what,
        "advice": finding.kind.advice(),
        "guess": finding.guess,
    });
    put_name(&mut facts, "cipher_path", finding.path.as_os_str());
    if let Some(plain) = &finding.plain {
        put_name(&mut facts, "path", plain);
    }
    if !finding.blocks.is_empty() {
        facts["blocks"] = finding.blocks.iter().map(|blocks| json!([blocks.start, blocks.end])).collect();
    }
    facts
}
