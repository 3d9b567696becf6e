//! How a scan shows itself.

use super::progress::interrupts;
use super::show::{Show, bar};
use super::{Error, Global, text};
use crate::index::{self, Progress, Summary};
use indicatif::HumanBytes;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches a scan for somebody at a command line, who may also press Ctrl-C.
pub(super) struct ScanWatch<F> {
    show: Show,
    /// Counts what lies ahead; asked if nothing is known of it.
    survey: Option<F>,
    expected: Option<u64>,
    items: u64,
    bytes: u64,
    stop: Arc<AtomicBool>,
}

impl<F: FnOnce() -> Option<u64> + Send> ScanWatch<F> {
    pub(super) fn new(global: &Global, json: bool, survey: F) -> ScanWatch<F> {
        let (show, survey, stop) = (Show::new(global, json), Some(survey), interrupts());
        ScanWatch { show, survey, expected: None, items: 0, bytes: 0, stop }
    }

    /// Says how the scan ended: in JSON on standard output, in words on a terminal.
    pub(super) fn end(self, global: &Global, summary: Summary) -> Result<(), Error> {
        let Summary { entries, added, changed, removed, bytes, failed, rebuilt } = summary;
        if rebuilt {
            self.show.aside(|| global.note("the index could not be used, and was made anew"));
        }
        let done = || {
            json!({
                "entries": entries, "added": added, "changed": changed, "removed": removed, "bytes": bytes,
                "failed": failed, "rebuilt": rebuilt,
            })
        };
        let words = || {
            let read = HumanBytes(bytes);
            format!("{entries} in the index: {added} new, {changed} changed, {removed} gone; {read} read")
        };
        self.show.end(global, done, words)?;
        if failed == 0 { Ok(()) } else { Err(Error::Incomplete(failed)) }
    }
}

impl<F> ScanWatch<F> {
    fn tick(&mut self) {
        let (items, bytes, expected) = (self.items, self.bytes, self.expected);
        let template = match expected {
            Some(_) => "{bar:30} {percent:>3}%  {human_pos} of {human_len}  {eta} left  {msg}",
            None => "{spinner} {human_pos}  {msg}",
        };
        self.show.tick(
            items,
            bytes,
            || bar(expected, template),
            |bar| {
                bar.set_position(items);
                bar.set_message(format!("{} read", HumanBytes(bytes)));
            },
        );
    }
}

impl<F: FnOnce() -> Option<u64> + Send> Progress for ScanWatch<F> {
    fn begins(&mut self, known: u64) {
        self.expected = match known {
            0 if self.show.may_draw() => self.survey.take().and_then(|survey| survey()),
            _ => Some(known),
        };
    }

    fn item(&mut self) {
        self.items += 1;
        self.tick();
    }

    fn bytes(&mut self, count: u64) {
        self.bytes += count;
        self.tick();
    }

    fn failed(&mut self, error: &index::Error) {
        self.show.failed(error);
    }

    fn settling(&mut self) {
        self.show.message(|| format!("{}; putting in order", text::count(self.items, "item")));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
