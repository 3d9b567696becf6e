//! One file: its size, its header, its blocks.

use super::blocks::{Piece, Seen};
use super::examine::{Check, Job};
use super::folder::{At, is_gone};
use super::links;
use super::pool::Pool;
use super::report::{Finding, Kind, Severity};
use super::sniff;
use super::sniff::{Encoding, Promise};
use crate::content::{FileIv, Layout};
use crate::volume::{Error, RawFile, Stat};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes on disk from which on a file is shared between threads, and the size of the parts.
const PIECE_LEN: u64 = 32 << 20;

/// Ranges of bad blocks that are told one by one.
const RANGES_TOLD: usize = 8;

/// What a thread keeps from one file to the next.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) run: Vec<u8>,
}

/// A file whose blocks are being checked, perhaps by several threads.
pub(super) struct Subject {
    pub(super) file: RawFile,
    pub(super) file_iv: FileIv,
    pub(super) stat: Stat,
    /// How its text is encoded, if it should be text.
    pub(super) text: Option<Encoding>,
    promise: Option<Promise>,
    /// Where it is, and what is known of it.
    about: Finding,
    seen: Mutex<Seen>,
    pieces_left: AtomicUsize,
    /// Something was found.
    odd: AtomicBool,
}

/// Checks a file: at once if it is small, otherwise its blocks become jobs of their own.
pub(super) fn file(check: &Check<'_>, pool: &Pool<Job>, at: &At<'_>, path_iv: u64, scratch: &mut Scratch) {
    check.count(|summary| summary.files += 1);
    let opened = at.dir.open_file(at.cipher_name, false).and_then(|file| Ok((file.stat()?, file)));
    let (stat, file) = match opened {
        Ok(opened) => opened,
        Err(error) if is_gone(&error) => return,
        Err(error) => return check.found(unreadable(at, check, &error)),
    };
    check.count(|summary| summary.bytes += stat.cipher_size);
    let tell = |severity, kind, what: &str| check.found(at.finding(check, severity, kind, what.into()));
    let layout = check.volume.layout();
    if stat.cipher_size == 0 {
        return tell(
            Severity::Note,
            Kind::Empty,
            "no bytes at all: an empty file, or one that has not arrived",
        );
    }
    match links::target_in(check.volume, &file, stat.cipher_size) {
        Ok(None) => {}
        Ok(Some(_)) => {
            let what =
                "it holds where a link leads: it was one, until a client that knows no links stored it";
            return tell(Severity::Damage, Kind::LinkFile, what);
        }
        Err(error) => return check.found(unreadable(at, check, &error)),
    }
    let file_iv = match file_iv(check, &file, path_iv) {
        Ok(Ok(file_iv)) => file_iv,
        Ok(Err((kind, what))) => return tell(Severity::Damage, kind, &what),
        Err(error) => return check.found(unreadable(at, check, &error)),
    };
    if stat.cipher_size <= layout.header_len() as u64 {
        return tell(Severity::Note, Kind::Empty, "a header and nothing else: an empty file");
    }
    if !check.options.contents {
        return;
    }
    if check.passed.is_some_and(|passed| passed.has(&at.cipher_path(), &stat)) {
        check.count(|summary| summary.passed_before += 1);
        return check.bytes(stat.cipher_size);
    }
    let guessing = check.options.guess && layout.mac_len() == 0;
    let promise = if guessing { sniff::promise(at.name.copy_of().unwrap_or(at.name.shown())) } else { None };
    let blocks = block_count(layout, &stat);
    let pieces = Pieces::of(layout, &stat, blocks);
    let mut subject = Subject {
        about: at.finding(check, Severity::Damage, Kind::Mac, String::new()),
        file,
        file_iv,
        text: None,
        promise,
        seen: Mutex::new(Seen::new(blocks)),
        pieces_left: AtomicUsize::new(pieces.count),
        odd: AtomicBool::new(false),
        stat,
    };
    if promise == Some(Promise::Text) {
        subject.text = subject.head(check).ok().as_deref().and_then(Encoding::of);
    }
    let subject = Arc::new(subject);
    for piece in 1..pieces.count {
        pool.add(Job::Piece(Arc::clone(&subject), pieces.get(piece)));
    }
    piece(check, pool, &subject, pieces.get(0), scratch);
}

/// How the blocks of a file are shared out.
struct Pieces {
    count: usize,
    blocks: u64,
    each: u64,
}

impl Pieces {
    fn of(layout: &Layout, stat: &Stat, blocks: u64) -> Pieces {
        let each = (PIECE_LEN / layout.block_len() as u64).max(1);
        // a file that is not much larger than a piece is one
        let count = if stat.cipher_size < 2 * PIECE_LEN { 1 } else { blocks.div_ceil(each) };
        Pieces { count: count as usize, blocks, each }
    }

    fn get(&self, number: usize) -> Range<u64> {
        if self.count == 1 {
            return 0..self.blocks;
        }
        let start = number as u64 * self.each;
        start..(start + self.each).min(self.blocks)
    }
}

fn block_count(layout: &Layout, stat: &Stat) -> u64 {
    (stat.cipher_size - layout.header_len() as u64).div_ceil(layout.block_len() as u64)
}

/// The file IV; or what is wrong with the header.
fn file_iv(check: &Check<'_>, file: &RawFile, path_iv: u64) -> Result<Result<FileIv, (Kind, String)>, Error> {
    if check.volume.layout().header_len() == 0 {
        return Ok(Ok(FileIv::NONE));
    }
    Ok(match file.header()? {
        None => Err((Kind::Truncated, "cut within its header".into())),
        Some(header) => {
            check.volume.decode_header(header, path_iv).map_err(|error| (Kind::Header, error.to_string()))
        }
    })
}

fn unreadable(at: &At<'_>, check: &Check<'_>, error: &Error) -> Finding {
    at.finding(check, Severity::Damage, Kind::Unreadable, error.fault.to_string())
}

/// Checks some blocks of a file; who does the last ones tells what came of all.
pub(super) fn piece(
    check: &Check<'_>,
    pool: &Pool<Job>,
    subject: &Subject,
    blocks: Range<u64>,
    scratch: &mut Scratch,
) {
    let seen = Piece::new(check, subject).look_at(pool, blocks, &mut scratch.run);
    subject.seen().merge(seen);
    if subject.pieces_left.fetch_sub(1, Ordering::AcqRel) == 1 && !check.stopped(pool) {
        subject.conclude(check);
        if !subject.odd.load(Ordering::Relaxed)
            && let Some(passed) = check.passed
        {
            passed.add(&subject.about.path, &subject.stat);
        }
    }
}

impl Subject {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, check: &Check<'_>, severity: Severity, kind: Kind, what: String, blocks: &[Range<u64>]) {
        self.odd.store(true, Ordering::Relaxed);
        check.found(Finding { severity, kind, what, blocks: blocks.to_vec(), ..self.about.clone() });
    }

    /// Tells what all the blocks together come to.
    fn conclude(&self, check: &Check<'_>) {
        let seen = std::mem::take(&mut *self.seen());
        if let Some(error) = &seen.error {
            self.found(check, Severity::Damage, Kind::Unreadable, error.clone(), &[]);
        }
        let layout = check.volume.layout();
        let rest = (self.stat.cipher_size - layout.header_len() as u64) % layout.block_len() as u64;
        let hollow = rest > 0 && rest <= layout.block_header_len() as u64;
        if hollow {
            let what = format!("ends in {rest} bytes that hold no data: it was cut there");
            self.found(check, Severity::Damage, Kind::Truncated, what, &[]);
        }
        if !seen.bad.is_empty() {
            self.tell_bad(check, &seen, rest > 0 && !hollow);
        }
        if !seen.torn.is_empty() {
            let (severity, why) = match seen.certain {
                true => (Severity::Damage, "where there are no holes: it has not arrived, or is lost"),
                false => (Severity::Warning, "right beside data, where a hole would end in zeros"),
            };
            let what = format!("zeros on disk in {}, {why}", ranges(&seen.torn));
            self.found(check, severity, Kind::Zeroed, what, &seen.torn);
        }
        if seen.zeros > 0 {
            let what = match seen.zeros == seen.count {
                true => "nothing but zeros on disk: a file of holes, or one that has not arrived".to_owned(),
                false => format!("zeros on disk in {} of {} blocks: holes, or lost", seen.zeros, seen.count),
            };
            self.found(check, Severity::Note, Kind::ZeroBlocks, what, &[]);
        }
        self.guess(check, &seen);
    }

    fn tell_bad(&self, check: &Check<'_>, seen: &Seen, short_end: bool) {
        let count = |ranges: &[Range<u64>]| ranges.iter().map(|range| range.end - range.start).sum::<u64>();
        let lost = if seen.certain { count(&seen.torn) } else { 0 };
        let bad = count(&seen.bad);
        let all = bad == seen.count - seen.holes - lost;
        let has_header = check.volume.layout().header_len() > 0;
        let (kind, what) = if all && has_header && check.external_ivs() {
            let what = "no block fits the header under this path: the file was moved or renamed without encbox, or \
                        the header is damaged";
            (Kind::Moved, what.to_owned())
        } else if all && has_header && seen.count > 1 {
            let what = format!(
                "none of its {} blocks fits the header: it is damaged, or another file's",
                seen.count
            );
            (Kind::Header, what)
        } else {
            let last = seen.count - 1;
            let cut = match seen.bad.as_slice() {
                [one] if short_end && *one == (last..seen.count) => ": perhaps the file was cut there",
                _ => "",
            };
            let what = format!(
                "the MAC of {bad} of {} blocks does not match: {}{cut}",
                seen.count,
                ranges(&seen.bad)
            );
            (Kind::Mac, what)
        };
        self.found(check, Severity::Damage, kind, what, &seen.bad);
    }

    /// What the look of the plaintext says, where no MAC does.
    fn guess(&self, check: &Check<'_>, seen: &Seen) {
        let guess = |what: String, blocks: &[Range<u64>]| {
            self.odd.store(true, Ordering::Relaxed);
            check.found(Finding {
                severity: Severity::Warning,
                kind: Kind::ContentType,
                what,
                guess: true,
                blocks: blocks.to_vec(),
                ..self.about.clone()
            });
        };
        match self.promise {
            Some(Promise::Text) if !seen.noise.is_empty() => {
                guess(
                    format!("by its name it is text, but there is noise in {}", ranges(&seen.noise)),
                    &seen.noise,
                );
            }
            Some(Promise::Magic(end)) => {
                let Ok(head) = self.head(check) else { return };
                if head.iter().all(|&byte| byte == 0) || seen.torn.first().is_some_and(|torn| torn.start == 0)
                {
                    return; // holes, or what is lost, which are told already
                }
                if !sniff::shows_a_format(&head) {
                    guess("it does not begin as its name promises, nor as any other format".into(), &[]);
                } else if let Some(end) = end
                    && let Ok(tail) = self.tail(check)
                    && infer::get(&head).is_some()
                    && !sniff::has_end(&tail, end)
                {
                    guess("its end is missing: it seems to be cut, or damaged there".into(), &[]);
                }
            }
            _ => {}
        }
    }

    fn head(&self, check: &Check<'_>) -> Result<Vec<u8>, Error> {
        self.plaintext(check, 0..sniff::HEAD_LEN as u64)
    }

    fn tail(&self, check: &Check<'_>) -> Result<Vec<u8>, Error> {
        self.plaintext(check, self.stat.size.saturating_sub(sniff::TAIL_LEN as u64)..self.stat.size)
    }

    /// Some plaintext, in whole blocks, whatever is wrong with them; without those that are lost.
    fn plaintext(&self, check: &Check<'_>, bytes: Range<u64>) -> Result<Vec<u8>, Error> {
        let layout = check.volume.layout();
        let end = bytes.end.min(self.stat.size);
        if bytes.start >= end {
            return Ok(Vec::new());
        }
        let (first, last) = (layout.locate(bytes.start).0, layout.locate(end - 1).0);
        let mut run = vec![0; (last - first + 1) as usize * layout.block_len()];
        let len = self.file.read_at(&mut run, layout.cipher_offset(first))?;
        run.truncate(len);
        let codec = check.volume.content_codec();
        let lost: Vec<bool> = run.chunks(layout.block_len()).map(|block| codec.is_lost(block)).collect();
        // a tail that holds no data is no plaintext either
        let _ = codec.clone().lenient().decrypt_run(self.file_iv, first, &mut run);
        let blocks = run.chunks(layout.block_len()).zip(lost).filter(|(_, lost)| !lost);
        let payloads = blocks.map(|(block, _)| block.get(layout.block_header_len()..).unwrap_or(&[]));
        Ok(payloads.flatten().copied().collect())
    }
}

/// Block numbers as people write them.
fn ranges(ranges: &[Range<u64>]) -> String {
    let told: Vec<String> = ranges
        .iter()
        .take(RANGES_TOLD)
        .map(|range| match range.end - range.start {
            1 => range.start.to_string(),
            _ => format!("{}-{}", range.start, range.end - 1),
        })
        .collect();
    let more = if ranges.len() > RANGES_TOLD { ", ..." } else { "" };
    let one = matches!(ranges, [range] if range.end - range.start == 1);
    format!("block{} {}{more}", if one { "" } else { "s" }, told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_numbers_as_people_write_them() {
        assert_eq!(ranges(std::slice::from_ref(&(3..4))), "block 3");
        assert_eq!(ranges(&[0..1, 4..7]), "blocks 0, 4-6");
        let many: Vec<_> = (0..20).map(|at| 2 * at..2 * at + 1).collect();
        assert_eq!(ranges(&many), "blocks 0, 2, 4, 6, 8, 10, 12, 14, ...");
    }
}
