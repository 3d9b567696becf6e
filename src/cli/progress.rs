//! How a transfer shows itself.

use super::out::put_name;
use super::show::{Show, bar};
use super::{Error, Global, exit, text};
use crate::transfer::{self, Loss, Progress, Summary, Survey};
use indicatif::ProgressBar;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches a transfer for somebody at a command line, who may also press Ctrl-C.
pub(super) struct Watch {
    show: Show,
    /// What was before the transfer when it began, where somebody counted.
    survey: Option<Survey>,
    items: u64,
    bytes: u64,
    /// Bytes that were there already.
    skipped: u64,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// `survey` counts what lies ahead; it is asked only if a bar may be drawn.
    pub(super) fn new(global: &Global, json: bool, survey: impl FnOnce() -> Option<Survey>) -> Watch {
        let show = Show::new(global, json);
        let survey = show.may_draw().then(survey).flatten();
        Watch { show, survey, items: 0, bytes: 0, skipped: 0, stop: interrupts() }
    }

    /// Says how the transfer ended: in JSON on standard output, in words on a terminal.
    pub(super) fn end(self, global: &Global, verb: &str, summary: Summary) -> Result<(), Error> {
        let Summary { files, folders, links, bytes, copies, skipped, failed, lost } = summary;
        let done = || {
            json!({
                "files": files, "folders": folders, "links": links, "bytes": bytes,
                "copies": copies, "skipped": skipped, "failed": failed, "lost_blocks": lost,
            })
        };
        let words = || {
            let counts = [(files, "file"), (folders, "folder"), (links, "link")];
            let counts = counts.into_iter().filter(|(number, _)| *number > 0).chain([(bytes, "byte")]);
            let counts: Vec<_> = counts.map(|(number, one)| text::count(number, one)).collect();
            let whole = match skipped {
                0 => String::new(),
                _ => format!("; {skipped} were there already"),
            };
            format!("{verb} {}{whole}", counts.join(", "))
        };
        self.show.end(global, done, words)?;
        match (failed, lost) {
            (0, 0) => Ok(()),
            (0, _) => Err(Error::Lost(lost)),
            _ => Err(Error::Incomplete(failed)),
        }
    }

    /// Says something else meanwhile, past the bar if there is one.
    pub(super) fn aside<T>(&self, say: impl FnOnce() -> T) -> T {
        self.show.aside(say)
    }

    fn tick(&mut self) {
        let Watch { show, survey, items, bytes, skipped, .. } = self;
        let (survey, items, bytes, skipped) = (*survey, *items, *bytes, *skipped);
        let template = match survey {
            Some(_) => {
                "{bar:30} {percent:>3}%  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}"
            }
            None => "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {msg}",
        };
        let draw = |bar: &ProgressBar| {
            if let Some(survey) = survey {
                bar.set_length(survey.bytes.saturating_sub(skipped));
            }
            bar.set_position(bytes);
            bar.set_message(match survey {
                Some(survey) => format!("{items} of {}", text::count(survey.items, "item")),
                None => text::count(items, "item"),
            });
        };
        show.tick(items, bytes, || bar(survey.map(|survey| survey.bytes), template), draw);
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
        self.show.failed(error);
    }

    fn lost(&mut self, loss: &Loss) {
        let Loss { path, blocks, bytes, reason } = loss;
        let record = || {
            let mut lost = json!({
                "first_block": blocks.start, "last_block": blocks.end - 1,
                "start": bytes.start, "end": bytes.end, "reason": reason,
            });
            put_name(&mut lost, "path", path.to_path().as_os_str());
            json!({ "lost": lost })
        };
        self.show.aside_or_line(record, || tell_loss(loss));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
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
