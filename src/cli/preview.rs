//! `encbox preview`: what there is to see of a file, as a phone or a browser would show it.

use super::cat::open_file;
use super::open::{VolumeArgs, plain_path};
use super::out::Out;
use super::{Error, Global};
use crate::preview::{self, Limits, Preview, Source};
use crate::volume::{File, PlainPath};
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Bytes of a file that are read; what is behind them is not previewed.
const READ_LEN: u64 = 32 * 1024 * 1024;
const PIECE_LEN: usize = 1024 * 1024;
/// How long a preview may take. All that goes into one is bounded; this is for what nobody has thought of.
const PATIENCE: Duration = Duration::from_secs(10);
/// As the first thread of a program has it.
const STACK_LEN: usize = 8 * 1024 * 1024;

/// Nothing runs, and nothing is loaded, whatever the sanitiser may have missed.
const HEAD: &str = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
    content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<style>\n\
    body { font: 16px/1.5 sans-serif; margin: 1em auto; max-width: 50em; padding: 0 1em }\n\
    pre { overflow-x: auto } table { border-collapse: collapse } td, th { border: 1px solid #bbb; padding: .1em .4em }\n\
    img { max-width: 100% } dt { float: left; clear: left; min-width: 7em; color: #666 }\n\
    .cc { color: #777 } .cs { color: #183 } .cn { color: #a50 } .ck { color: #818; font-weight: bold } .cf { color: #15a }\n\
    .ct { color: #167 } .cg { color: #15a } .ca { color: #a50 } .cv { color: #167 } .ch { font-weight: bold }\n\
    .ci { color: #183 } .cd { color: #a22 }\n</style>\n";

/// Show what there is to see of a file
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Any file can be previewed: of those that are not understood the first bytes are shown. \
    Nothing in a preview acts or loads.\n\n\
    Examples:\n  \
    encbox preview ~/Dropbox/Private /notes.md\n  \
    encbox preview --html ~/Dropbox/Private /report.docx > report.html\n  \
    encbox preview --json ~/Dropbox/Private /photo.jpg | jq .facts"
)]
pub(super) struct PreviewFile {
    #[command(flatten)]
    volume: VolumeArgs,
    /// A file in the volume
    #[arg(value_name = "PATH")]
    path: OsString,
    /// Print everything as JSON, the thumbnail in base64
    #[arg(long, conflicts_with_all = ["html", "text"])]
    json: bool,
    /// Print a page of HTML
    #[arg(long, conflicts_with = "text")]
    html: bool,
    /// Print only the contents, as text
    #[arg(long)]
    text: bool,
}

impl PreviewFile {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let path = plain_path(&self.path)?;
        let volume = self.volume.read_only(global)?;
        let file = open_file(&volume, &path)?;
        let (bytes, len) = head(&file, &path)?;
        let name = path.display().to_string();
        let bytes = Arc::new(bytes);
        let work = {
            let (name, bytes) = (name.clone(), Arc::clone(&bytes));
            move || preview::preview(&Source::head(&name, &bytes, len), &Limits::default())
        };
        let shown = within(PATIENCE, work).unwrap_or_else(|| {
            global.note("no preview could be made of this file in time; these are its first bytes");
            preview::first_bytes(&Source::head(&name, &bytes, len))
        });
        let mut out = Out::new();
        if self.json {
            out.json(&shown)?;
        } else if self.html {
            out.bytes(page(&shown).as_bytes())?;
        } else {
            if !self.text {
                facts(&shown, &mut out)?;
            }
            let text = shown.to_text();
            out.bytes(text.as_bytes())?;
            if !text.is_empty() && !text.ends_with('\n') {
                out.line("")?;
            }
        }
        out.end()
    }
}

/// What `work` makes, unless it takes longer or fails. Then it is left alone, to end with the program.
fn within(patience: Duration, work: impl FnOnce() -> Preview + Send + 'static) -> Option<Preview> {
    let (sender, receiver) = mpsc::channel();
    // whoever has stopped waiting wants nothing any more
    let work = move || drop(sender.send(work()));
    thread::Builder::new().name("preview".into()).stack_size(STACK_LEN).spawn(work).ok()?;
    receiver.recv_timeout(patience).ok()
}

/// The beginning of a file, and how long it is.
fn head(file: &File, path: &PlainPath) -> Result<(Vec<u8>, u64), Error> {
    let len = file.stat().map_err(Error::at(path))?.size;
    let wanted = usize::try_from(len.min(READ_LEN)).unwrap_or(0);
    let mut bytes = Vec::new();
    while bytes.len() < wanted {
        let at = bytes.len();
        bytes.resize(wanted.min(at + PIECE_LEN), 0);
        let got = file.read_at(&mut bytes[at..], at as u64).map_err(Error::at(path))?;
        bytes.truncate(at + got);
        if got == 0 {
            break;
        }
    }
    Ok((bytes, len))
}

fn facts(shown: &Preview, out: &mut Out) -> Result<(), Error> {
    out.line(&format!("kind: {} ({})", shown.kind.name(), shown.mime))?;
    if let Some(title) = &shown.title {
        out.line(&format!("title: {title}"))?;
    }
    for fact in &shown.facts {
        out.line(&format!("{}: {}", fact.name, fact.value))?;
    }
    if let Some(picture) = &shown.thumbnail {
        out.line(&format!("thumbnail: {} × {} pixels", picture.width, picture.height))?;
    }
    if shown.partial {
        out.line("not all of it:")?;
    }
    out.line("")
}

fn page(shown: &Preview) -> String {
    let mut page = String::from(HEAD);
    if let Some(title) = &shown.title {
        page.push_str(&format!("<title>{}</title>\n", preview::escape_html(title)));
    }
    page.push_str("<dl>");
    for fact in &shown.facts {
        page.push_str(&format!("<dt>{}<dd>{}", fact.name, preview::escape_html(&fact.value)));
    }
    page + "</dl>\n" + &shown.to_html() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_in_code_has_a_style() {
        for (class, _) in preview::CLASSES {
            assert!(HEAD.contains(&format!(".{class} {{")), "{class}");
        }
    }

    #[test]
    fn what_takes_too_long_or_fails_is_given_up() {
        let seen = || preview::first_bytes(&Source::new("a.pdf", b"%PDF"));
        assert_eq!(within(Duration::from_secs(60), seen), Some(seen()));
        let for_ever = || loop {
            thread::park();
        };
        assert_eq!(within(Duration::from_millis(10), for_ever), None);
        assert_eq!(within(Duration::from_secs(60), || panic!("this is part of the test")), None);
        assert!(seen().partial && seen().mime == "application/pdf");
    }
}
