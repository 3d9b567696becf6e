//! One file: its size, its header, its blocks.

use super::blocks::{Piece, Seen};
use super::examine::{Check, Job};
use super::folder::{At, Whereabouts, is_gone};
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
    at: Whereabouts,
    /// The first block that nobody has taken yet, and all there are.
    next: Mutex<u64>,
    count: u64,
    seen: Mutex<Seen>,
    /// Jobs that are not done.
    jobs_left: AtomicUsize,
    /// Something was found.
    odd: AtomicBool,
}

/// Checks a file; if it is large, together with whoever has nothing else to do.
pub(super) fn file(check: &Check<'_>, pool: &Pool<Job>, at: &At<'_>, path_iv: u64, scratch: &mut Scratch) {
    check.count(|summary| summary.files += 1);
    let opened = at.dir.open_file(at.cipher_name, false).and_then(|file| Ok((file.stat()?, file)));
    let (stat, file) = match opened {
        Ok(opened) => opened,
        Err(error) if is_gone(&error) => return,
        Err(error) => return check.found(unreadable(at, check, &error)),
    };
    check.count(|summary| summary.bytes = summary.bytes.saturating_add(stat.cipher_size));
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
    if check.passed.is_some_and(|passed| !passed.is_empty() && passed.has(&at.cipher_path(), &stat)) {
        check.count(|summary| summary.passed_before += 1);
        return check.bytes(stat.cipher_size);
    }
    let guessing = check.options.guess && layout.mac_len() == 0;
    let promise = if guessing { sniff::promise(at.name.copy_of().unwrap_or(at.name.shown())) } else { None };
    let blocks = block_count(layout, &stat);
    let helpers = if is_large(&stat) { pool.jobs() - 1 } else { 0 };
    let mut subject = Subject {
        at: at.whereabouts(),
        file,
        file_iv,
        text: None,
        promise,
        next: Mutex::new(0),
        count: blocks,
        seen: Mutex::new(Seen::new(blocks)),
        jobs_left: AtomicUsize::new(helpers + 1),
        odd: AtomicBool::new(false),
        stat,
    };
    if promise == Some(Promise::Text) {
        subject.text = subject.head(check).ok().as_deref().and_then(Encoding::of);
    }
    let subject = Arc::new(subject);
    for _ in 0..helpers {
        pool.add(Job::Pieces(Arc::clone(&subject)));
    }
    pieces(check, pool, &subject, scratch);
}

/// A file that is not much larger than a piece is one.
fn is_large(stat: &Stat) -> bool {
    stat.cipher_size >= 2 * PIECE_LEN
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

/// Checks what nobody has taken yet of a file; who is done last tells what came of all.
pub(super) fn pieces(check: &Check<'_>, pool: &Pool<Job>, subject: &Subject, scratch: &mut Scratch) {
    let mut seen = Seen::default();
    while !check.stopped(pool)
        && let Some(blocks) = subject.take_piece(check, &mut seen)
    {
        seen.merge(Piece::new(check, subject).look_at(pool, blocks, &mut scratch.run));
    }
    subject.seen().merge(seen);
    if subject.jobs_left.fetch_sub(1, Ordering::AcqRel) == 1 && !check.stopped(pool) {
        subject.conclude(check);
        if !subject.odd.load(Ordering::Relaxed)
            && let Some(passed) = check.passed
        {
            passed.add(&subject.at.cipher_path(), &subject.stat);
        }
    }
}

impl Subject {
    /// The next blocks to be checked; gaps before them are noted as seen.
    fn take_piece(&self, check: &Check<'_>, seen: &mut Seen) -> Option<Range<u64>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((data, lost)) = self.behind_gap(check, *next) {
            seen.skip(*next..data, lost);
            *next = data;
        }
        let start = *next;
        let each = match is_large(&self.stat) {
            true => (PIECE_LEN / check.volume.layout().block_len() as u64).max(1),
            false => self.count,
        };
        *next = start.saturating_add(each).min(self.count);
        (start < *next).then_some(start..*next)
    }

    /// The first block behind a gap in the file on disk that begins at this one, and whether what is in the gap is lost;
    /// `None` if none begins here.
    pub(super) fn behind_gap(&self, check: &Check<'_>, block: u64) -> Option<(u64, bool)> {
        let layout = check.volume.layout();
        let lost = !check.allow_holes();
        let says_nothing = lost && !check.volume.content_codec().zeros_are_lost();
        if says_nothing || self.stat.blocks.saturating_mul(512) >= self.stat.cipher_size {
            return None;
        }
        let data = self.file.seek_data(layout.cipher_offset(block)).ok()?;
        let in_blocks =
            |offset: u64| offset.saturating_sub(layout.header_len() as u64) / layout.block_len() as u64;
        // the last block may be short, and is data, hole or not
        let full = in_blocks(self.stat.cipher_size);
        let behind = in_blocks(data.unwrap_or(self.stat.cipher_size)).min(full);
        (behind > block).then_some((behind, lost))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, check: &Check<'_>, severity: Severity, kind: Kind, what: String, blocks: &[Range<u64>]) {
        self.odd.store(true, Ordering::Relaxed);
        let finding = self.at.finding(check, severity, kind, what);
        check.found(Finding { blocks: blocks.to_vec(), ..finding });
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
            let finding = self.at.finding(check, Severity::Warning, Kind::ContentType, what);
            check.found(Finding { guess: true, blocks: blocks.to_vec(), ..finding });
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
