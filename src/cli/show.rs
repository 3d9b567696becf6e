//! How work shows itself at a command line: not at all, by a bar on a terminal once it takes a second, or in JSON lines.

use super::out::Out;
use super::{Error, Global, exit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// What is quick shows no bar, and JSON lines are this far apart.
const PERIOD: Duration = Duration::from_secs(1);
/// A bar is drawn no more often.
const BAR_PERIOD: Duration = Duration::from_millis(50);

/// Shows how something goes on, and what else there is to say past it.
pub(super) struct Show {
    style: Style,
    last: Instant,
}

enum Style {
    Silent,
    Waiting,
    Bar(ProgressBar),
    Json,
}

impl Show {
    pub(super) fn new(global: &Global, json: bool) -> Show {
        let style = match json {
            true => Style::Json,
            false if global.quiet || !io::stderr().is_terminal() => Style::Silent,
            false => Style::Waiting,
        };
        Show { style, last: Instant::now() }
    }

    /// Whether there is a bar, or may be one.
    pub(super) fn may_draw(&self) -> bool {
        matches!(self.style, Style::Waiting | Style::Bar(_))
    }

    /// Tells how far it is, where it is time for that: `begin` makes the bar, `draw` brings it up to date.
    pub(super) fn tick(
        &mut self,
        items: u64,
        bytes: u64,
        begin: impl FnOnce() -> ProgressBar,
        draw: impl FnOnce(&ProgressBar),
    ) {
        let period = if matches!(self.style, Style::Bar(_)) { BAR_PERIOD } else { PERIOD };
        if matches!(self.style, Style::Silent) || self.last.elapsed() < period {
            return;
        }
        self.last = Instant::now();
        if matches!(self.style, Style::Waiting) {
            self.style = Style::Bar(begin());
        }
        match &self.style {
            Style::Json => self.line(&json!({ "progress": { "items": items, "bytes": bytes } })),
            Style::Bar(bar) => draw(bar),
            Style::Silent | Style::Waiting => {}
        }
    }

    /// Changes what stands beside the bar, at once.
    #[cfg(feature = "index")]
    pub(super) fn message(&self, message: impl FnOnce() -> String) {
        if let Style::Bar(bar) = &self.style {
            bar.set_message(message());
        }
    }

    /// Says something else meanwhile, past the bar if there is one.
    pub(super) fn aside<T>(&self, say: impl FnOnce() -> T) -> T {
        match &self.style {
            Style::Bar(bar) => bar.suspend(say),
            Style::Silent | Style::Waiting | Style::Json => say(),
        }
    }

    /// Tells of something that went wrong: as JSON, or in words.
    pub(super) fn aside_or_line(&self, value: impl FnOnce() -> Value, say: impl FnOnce()) {
        match &self.style {
            Style::Json => self.line(&value()),
            Style::Bar(_) | Style::Silent | Style::Waiting => self.aside(say),
        }
    }

    /// Tells of an item that could not be had.
    pub(super) fn failed(&self, error: &dyn std::error::Error) {
        self.aside_or_line(|| json!({ "failed": error.to_string() }), || exit::complain(error));
    }

    /// Ends the show: with a JSON line, or in words on a terminal.
    pub(super) fn end(
        &self,
        global: &Global,
        done: impl FnOnce() -> Value,
        words: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        match &self.style {
            Style::Json => return line(&json!({ "done": done() })),
            Style::Silent => {}
            Style::Waiting | Style::Bar(_) => {
                self.clear();
                global.note(&words());
            }
        }
        Ok(())
    }

    /// A reader who has gone shows when the end is written.
    fn line(&self, value: &Value) {
        let _ = line(value);
    }

    fn clear(&self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A bar up to a length, or of something that nobody has counted.
pub(super) fn bar(len: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::stderr());
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}

/// One line of JSON.
pub(super) fn line(value: &Value) -> Result<(), Error> {
    let mut out = Out::new();
    out.json(value)?;
    out.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_bar_is_not_drawn_for_every_item() {
        let begun = Cell::new(0);
        let drawn = Cell::new(0);
        let begin = || {
            begun.set(begun.get() + 1);
            ProgressBar::hidden()
        };
        let draw = |_: &ProgressBar| drawn.set(drawn.get() + 1);
        let mut show = Show { style: Style::Waiting, last: Instant::now() };
        show.tick(1, 1, begin, draw);
        assert_eq!((begun.get(), drawn.get()), (0, 0), "it may be over in a moment");
        show.last = Instant::now().checked_sub(PERIOD).expect("the machine is up for longer");
        show.tick(2, 2, begin, draw);
        assert_eq!((begun.get(), drawn.get()), (1, 1));
        let start = Instant::now();
        let mut items = 0;
        while start.elapsed() < 4 * BAR_PERIOD || items < 1000 {
            items += 1;
            show.tick(items, items, begin, draw);
        }
        let most = 2 + (start.elapsed().as_millis() / BAR_PERIOD.as_millis()) as usize;
        assert!(begun.get() == 1 && (2..=most).contains(&drawn.get()), "{drawn:?} of {items}");
    }
}
