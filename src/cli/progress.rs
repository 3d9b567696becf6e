//! How a transfer shows itself: a bar on a terminal once it takes a second, or JSON lines.

use super::out::{Out, put_name};
use super::{Error, Global, exit, text};
use crate::transfer::{self, Loss, Progress, Summary, Survey};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is quick shows no bar, and JSON lines are this far apart.
pub(super) const PERIOD: Duration = Duration::from_secs(1);

/// Watches a transfer for somebody at a command line, who may also press Ctrl-C.
pub(super) struct Watch {
    style: Style,
    last: Instant,
    /// What was before the transfer when it began, where somebody counted.
    survey: Option<Survey>,
    items: u64,
    bytes: u64,
    /// Bytes that were there already.
    skipped: u64,
    stop: Arc<AtomicBool>,
}

enum Style {
    Silent,
    Waiting,
    Bar(ProgressBar),
    Json,
}

impl Watch {
    /// `survey` counts what lies ahead; it is asked only if a bar may be drawn.
    pub(super) fn new(global: &Global, json: bool, survey: impl FnOnce() -> Option<Survey>) -> Watch {
        let (style, survey) = match json {
            true => (Style::Json, None),
            false if global.quiet || !io::stderr().is_terminal() => (Style::Silent, None),
            false => (Style::Waiting, survey()),
        };
        Watch { style, last: Instant::now(), survey, items: 0, bytes: 0, skipped: 0, stop: interrupts() }
    }

    /// Says how the transfer ended: in JSON on standard output, in words on a terminal.
    pub(super) fn end(self, global: &Global, verb: &str, summary: Summary) -> Result<(), Error> {
        let Summary { files, folders, links, bytes, copies, skipped, failed, lost } = summary;
        match &self.style {
            Style::Json => {
                line(&json!({ "done": {
                    "files": files, "folders": folders, "links": links, "bytes": bytes,
                    "copies": copies, "skipped": skipped, "failed": failed, "lost_blocks": lost,
                } }))?;
            }
            Style::Silent => {}
            Style::Waiting | Style::Bar(_) => {
                self.clear();
                let counts = [(files, "file"), (folders, "folder"), (links, "link")];
                let counts = counts.into_iter().filter(|(number, _)| *number > 0).chain([(bytes, "byte")]);
                let counts: Vec<_> = counts.map(|(number, one)| text::count(number, one)).collect();
                let whole = match skipped {
                    0 => String::new(),
                    _ => format!("; {skipped} were there already"),
                };
                global.note(&format!("{verb} {}{whole}", counts.join(", ")));
            }
        }
        match (failed, lost) {
            (0, 0) => Ok(()),
            (0, _) => Err(Error::Lost(lost)),
            _ => Err(Error::Incomplete(failed)),
        }
    }

    /// Says something else meanwhile, past the bar if there is one.
    pub(super) fn aside<T>(&self, say: impl FnOnce() -> T) -> T {
        match &self.style {
            Style::Bar(bar) => bar.suspend(say),
            Style::Silent | Style::Waiting | Style::Json => say(),
        }
    }

    fn tick(&mut self) {
        if let Style::Bar(bar) = &self.style {
            if let Some(survey) = self.survey {
                bar.set_length(survey.bytes.saturating_sub(self.skipped));
            }
            bar.set_position(self.bytes);
            bar.set_message(match self.survey {
                Some(survey) => format!("{} of {}", self.items, text::count(survey.items, "item")),
                None => text::count(self.items, "item"),
            });
            return;
        }
        if self.last.elapsed() < PERIOD {
            return;
        }
        self.last = Instant::now();
        match &self.style {
            Style::Json => {
                // A reader who has gone shows when the end is written.
                let _ = line(&json!({ "progress": { "items": self.items, "bytes": self.bytes } }));
            }
            Style::Waiting => self.style = Style::Bar(bar(self.survey)),
            Style::Silent | Style::Bar(_) => {}
        }
    }

    fn clear(&self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Watch {
    fn bytes(&mut self, count: u64) {
        self.bytes += count;
        self.tick();
    }

    fn item(&mut self) {
        self.items += 1;
        self.tick();
    }

    fn skipped(&mut self, bytes: u64) {
        self.skipped += bytes;
    }

    fn failed(&mut self, error: &transfer::Error) {
        match &self.style {
            Style::Json => {
                let _ = line(&json!({ "failed": error.to_string() }));
            }
            Style::Bar(bar) => bar.suspend(|| exit::complain(error)),
            Style::Silent | Style::Waiting => exit::complain(error),
        }
    }

    fn lost(&mut self, loss: &Loss) {
        let Loss { path, blocks, bytes, reason } = loss;
        match &self.style {
            Style::Json => {
                let mut lost = json!({
                    "first_block": blocks.start, "last_block": blocks.end - 1,
                    "start": bytes.start, "end": bytes.end, "reason": reason,
                });
                put_name(&mut lost, "path", path.to_path().as_os_str());
                let _ = line(&json!({ "lost": lost }));
            }
            Style::Bar(bar) => bar.suspend(|| tell_loss(loss)),
            Style::Silent | Style::Waiting => tell_loss(loss),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.clear();
    }
}

fn tell_loss(loss: &Loss) {
    let Loss { path, blocks, bytes, reason } = loss;
    let blocks = match blocks.end - blocks.start {
        1 => format!("block {}", blocks.start),
        _ => format!("blocks {} to {}", blocks.start, blocks.end - 1),
    };
    let bytes = match bytes.end - bytes.start {
        0 => "no bytes".to_string(),
        _ => format!("bytes {} to {}", bytes.start, bytes.end - 1),
    };
    exit::tell(&format!("encbox: {}: lost {blocks}, {bytes}: {reason}", path.display()));
}

fn bar(survey: Option<Survey>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr();
    let (bar, template) = match survey {
        Some(survey) => (
            ProgressBar::with_draw_target(Some(survey.bytes), target),
            "{bar:30} {percent:>3}%  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}",
        ),
        None => (
            ProgressBar::with_draw_target(None, target),
            "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {msg}",
        ),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}

pub(super) fn line(value: &serde_json::Value) -> Result<(), Error> {
    let mut out = Out::new();
    out.json(value)?;
    out.end()
}

/// Turns Ctrl-C into a request to stop and clean up; the second one ends the program at once.
pub(super) fn interrupts() -> Arc<AtomicBool> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Without a handler the signal ends the program, as signals do.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stop.clone());
        let _ = signal_hook::flag::register(signal, stop.clone());
    }
    stop
}
