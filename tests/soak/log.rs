//! What programs and clients did, to be shown where something was lost.

use std::sync::Mutex;
use std::time::Instant;

/// Lines about paths: those of programs as they see them, those of clients as they are on disk.
#[derive(Debug)]
pub(crate) struct Log {
    start: Instant,
    lines: Mutex<Vec<(String, String)>>,
}

impl Default for Log {
    fn default() -> Log {
        Log { start: Instant::now(), lines: Mutex::default() }
    }
}

impl Log {
    pub(crate) fn say(&self, path: &str, who: &str, what: &str) {
        let at = self.start.elapsed().as_micros();
        self.lines.lock().unwrap().push((path.to_owned(), format!("{at:>9} {who}: {path}: {what}")));
    }

    /// All that was said of these paths, and of marked ones that begin so.
    pub(crate) fn of(&self, paths: &[String]) -> String {
        let lines = self.lines.lock().unwrap();
        let is_asked = |path: &String| paths.iter().any(|asked| path.starts_with(asked.as_str()));
        let asked = lines.iter().filter(|(path, _)| is_asked(path)).map(|(_, line)| line.as_str());
        asked.collect::<Vec<_>>().join("\n")
    }
}
