//! How a scan shows itself: a bar on a terminal once it takes a second, or JSON lines.

use super::progress::{PERIOD, interrupts, line};
use super::{Error, Global, exit, text};
use crate::index::{self, Progress, Summary};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Watches a scan for somebody at a command line, who may also press Ctrl-C.
pub(super) struct ScanWatch<F> {
    style: Style,
    /// Counts what lies ahead; asked if nothing is known of it.
    survey: Option<F>,
    expected: Option<u64>,
    last: Instant,
    items: u64,
    bytes: u64,
    stop: Arc<AtomicBool>,
}

enum Style {
    Silent,
    Waiting,
    Bar(ProgressBar),
    Json,
}

impl<F: FnOnce() -> Option<u64> + Send> ScanWatch<F> {
    pub(super) fn new(global: &Global, json: bool, survey: F) -> ScanWatch<F> {
        let style = match json {
            true => Style::Json,
            false if global.quiet || !io::stderr().is_terminal() => Style::Silent,
            false => Style::Waiting,
        };
        let (survey, expected, last) = (Some(survey), None, Instant::now());
        ScanWatch { style, survey, expected, last, items: 0, bytes: 0, stop: interrupts() }
    }

    /// Says how the scan ended: in JSON on standard output, in words on a terminal.
    pub(super) fn end(self, global: &Global, summary: Summary) -> Result<(), Error> {
        let Summary { entries, added, changed, removed, bytes, failed, rebuilt } = summary;
        if rebuilt {
            global.note("the index could not be used, and was made anew");
        }
        match &self.style {
            Style::Json => line(&json!({ "done": {
                "entries": entries, "added": added, "changed": changed, "removed": removed, "bytes": bytes,
                "failed": failed, "rebuilt": rebuilt,
            } }))?,
            Style::Silent => {}
            Style::Waiting | Style::Bar(_) => {
                self.clear();
                let read = HumanBytes(bytes);
                global.note(&format!(
                    "{entries} in the index: {added} new, {changed} changed, {removed} gone; {read} read"
                ));
            }
        }
        if failed == 0 { Ok(()) } else { Err(Error::Incomplete(failed)) }
    }
}

impl<F> ScanWatch<F> {
    fn tick(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.set_position(self.items);
            bar.set_message(format!("{} read", HumanBytes(self.bytes)));
            return;
        }
        if self.last.elapsed() < PERIOD {
            return;
        }
        self.last = Instant::now();
        match &self.style {
            Style::Json => {
                // a reader who has gone shows when the end is written
                let _ = line(&json!({ "progress": { "items": self.items, "bytes": self.bytes } }));
            }
            Style::Waiting => self.style = Style::Bar(bar(self.expected)),
            Style::Silent | Style::Bar(_) => {}
        }
    }

    fn clear(&self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }
}

impl<F: FnOnce() -> Option<u64> + Send> Progress for ScanWatch<F> {
    fn begins(&mut self, known: u64) {
        self.expected = match (&self.style, known) {
            (Style::Waiting, 0) => self.survey.take().and_then(|survey| survey()),
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
        match &self.style {
            Style::Json => {
                let _ = line(&json!({ "failed": error.to_string() }));
            }
            Style::Bar(bar) => bar.suspend(|| exit::complain(error)),
            Style::Silent | Style::Waiting => exit::complain(error),
        }
    }

    fn settling(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.set_message(format!("{}; putting in order", text::count(self.items, "item")));
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl<F> Drop for ScanWatch<F> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn bar(expected: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr();
    let template = match expected {
        Some(_) => "{bar:30} {percent:>3}%  {human_pos} of {human_len}  {eta} left  {msg}",
        None => "{spinner} {human_pos}  {msg}",
    };
    let bar = ProgressBar::with_draw_target(expected, target);
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}
