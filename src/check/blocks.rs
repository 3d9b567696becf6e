//! The blocks of a file: MACs, zeros on disk, noise in text.

use super::content::Subject;
use super::examine::{Check, Job};
use super::pool::Pool;
use crate::content;
use crate::content::Layout;
use crate::volume::Error;
use std::ops::Range;

/// Bytes on disk that are read and decrypted in one go. With more, what was read has left the cache of the processor before it
/// is decrypted: 1 MiB takes half as much time again.
const RUN_LEN: usize = 1 << 16;

/// What was seen of the blocks of a file.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// All there are.
    pub(super) count: u64,
    /// Those whose MAC does not match, in order; none of zeros that are lost.
    pub(super) bad: Vec<Range<u64>>,
    /// Those that are zeros on disk, and no MAC says that they should not.
    pub(super) holes: u64,
    /// Of these, the ones that take space on disk and lie like a hole.
    pub(super) zeros: u64,
    /// And those that do not lie like a hole.
    pub(super) torn: Vec<Range<u64>>,
    /// There is no doubt about `torn`: the volume has no holes.
    pub(super) certain: bool,
    /// Those that hold noise where text should be.
    pub(super) noise: Vec<Range<u64>>,
    /// What the system said when it would not go on.
    pub(super) error: Option<String>,
}

impl Seen {
    pub(super) fn new(count: u64) -> Seen {
        Seen { count, ..Seen::default() }
    }

    /// Blocks of which there is nothing on disk: holes, or lost.
    pub(super) fn skip(&mut self, blocks: Range<u64>, lost: bool) {
        if lost {
            self.torn.push(blocks);
            self.certain = true;
        } else {
            self.holes += blocks.end - blocks.start;
        }
    }

    pub(super) fn merge(&mut self, other: Seen) {
        for (all, more) in
            [(&mut self.bad, other.bad), (&mut self.torn, other.torn), (&mut self.noise, other.noise)]
        {
            all.extend(more);
            all.sort_by_key(|range| range.start);
            join(all);
        }
        self.holes += other.holes;
        self.zeros += other.zeros;
        self.certain |= other.certain;
        self.error = self.error.take().or(other.error);
    }
}

/// Makes one of ranges that follow each other.
fn join(ranges: &mut Vec<Range<u64>>) {
    ranges.dedup_by(|next, before| {
        let follows = before.end == next.start;
        if follows {
            before.end = next.end;
        }
        follows
    });
}

fn push(ranges: &mut Vec<Range<u64>>, block: u64) {
    match ranges.last_mut() {
        Some(last) if last.end == block => last.end += 1,
        _ => ranges.push(block..block + 1),
    }
}

/// What lies beside a run of zero blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// The end of the file, or something that says nothing.
    Open,
    /// Data that ends, or begins, in zeros, as it does beside a hole.
    Soft,
    /// Data up to the last byte.
    Hard,
}

impl Edge {
    fn of(byte: Option<&u8>) -> Edge {
        match byte {
            None => Edge::Open,
            Some(0) => Edge::Soft,
            Some(_) => Edge::Hard,
        }
    }
}

/// Some blocks of a file on their way through one thread.
pub(super) struct Piece<'a, 'c> {
    check: &'a Check<'c>,
    subject: &'a Subject,
    layout: Layout,
    seen: Seen,
    /// The zero blocks just behind, and what is before them.
    zeros: Option<(Range<u64>, Edge)>,
    edge: Edge,
}

impl<'a, 'c> Piece<'a, 'c> {
    pub(super) fn new(check: &'a Check<'c>, subject: &'a Subject) -> Piece<'a, 'c> {
        let layout = *check.volume.layout();
        Piece { check, subject, layout, seen: Seen::default(), zeros: None, edge: Edge::Open }
    }

    pub(super) fn look_at(mut self, pool: &Pool<Job>, blocks: Range<u64>, buffer: &mut Vec<u8>) -> Seen {
        let block_len = self.layout.block_len();
        let at_once = (RUN_LEN / block_len).max(1) as u64;
        if buffer.len() < at_once as usize * block_len {
            buffer.resize(at_once as usize * block_len, 0);
        }
        let mut next = blocks.start;
        while next < blocks.end && !self.check.stopped(pool) {
            if let Some((data, lost)) = self.subject.behind_gap(self.check, next) {
                let data = data.min(blocks.end);
                self.seen.skip(next..data, lost);
                self.end_zeros(Edge::Open);
                (next, self.edge) = (data, Edge::Open);
                continue;
            }
            let count = at_once.min(blocks.end - next);
            let run = &mut buffer[..count as usize * block_len];
            let read = self.run(next, run);
            match read {
                Ok(0) => break, // somebody made it shorter meanwhile
                Ok(len) => self.check.bytes(len as u64),
                Err(error) => {
                    self.seen.error.get_or_insert(error.fault.to_string());
                    self.edge = Edge::Open;
                }
            }
            next += count;
        }
        self.end_zeros(Edge::Open);
        self.seen
    }

    /// Reads, decrypts and looks through a run of blocks; gives the bytes on disk.
    fn run(&mut self, first: u64, run: &mut [u8]) -> Result<usize, Error> {
        let block_len = self.layout.block_len();
        let len = self.subject.file.read_at(run, self.layout.cipher_offset(first))?;
        let run = &mut run[..len];
        let codec = self.check.volume.content_codec();
        let zero: Vec<bool> = run.chunks(block_len).map(is_zero).collect();
        let lost: Vec<bool> = run.chunks(block_len).map(|block| codec.is_lost(block)).collect();
        let has_macs = self.layout.mac_len() > 0;
        let mut bad = Vec::new();
        if has_macs || self.subject.text.is_some() {
            self.decrypt(first, run, &mut bad)?;
        }
        for (index, block) in run.chunks(block_len).enumerate() {
            let number = first + index as u64;
            let full = block.len() == block_len;
            if lost[index] {
                push(&mut self.seen.torn, number);
                self.seen.certain = true;
            } else if bad.binary_search(&number).is_ok() {
                push(&mut self.seen.bad, number);
                self.end_zeros(Edge::Open);
                self.edge = Edge::Open;
            } else if zero[index] && full && self.check.allow_holes() {
                self.seen.holes += 1;
                self.zero(number);
            } else {
                let payload = if has_macs { block.get(self.layout.block_header_len()..) } else { None };
                self.end_zeros(Edge::of(payload.and_then(<[u8]>::first)));
                self.edge = Edge::of(payload.and_then(<[u8]>::last));
                if let Some(encoding) = self.subject.text
                    && block.get(self.layout.block_header_len()..).is_some_and(|text| encoding.is_noise(text))
                {
                    push(&mut self.seen.noise, number);
                }
            }
        }
        Ok(len)
    }

    /// Decrypts a run in place, and tells which blocks do not match, in order. They come out as zeros, as do those that
    /// are lost.
    fn decrypt(&self, first: u64, run: &mut [u8], bad: &mut Vec<u64>) -> Result<(), Error> {
        let (codec, block_len) = (self.check.volume.content_codec(), self.layout.block_len());
        if codec.decrypt_run(self.subject.file_iv, first, run).is_ok() {
            return Ok(());
        }
        // what is behind a bad block was wiped: once more, each by itself
        let len = self.subject.file.read_at(run, self.layout.cipher_offset(first))?;
        for (number, block) in (first..).zip(run[..len].chunks_mut(block_len)) {
            match codec.decrypt_run(self.subject.file_iv, number, block) {
                Ok(()) | Err(content::Error::ShortBlock { .. } | content::Error::Zeros { .. }) => {}
                Err(_) => bad.push(number),
            }
        }
        Ok(())
    }

    fn zero(&mut self, block: u64) {
        match &mut self.zeros {
            Some((run, _)) => run.end = block + 1,
            None => self.zeros = Some((block..block + 1, self.edge)),
        }
    }

    /// The zero blocks just behind end here. A hole has zeros before and behind it, for whoever makes one does not stop
    /// at the edge of a payload, which is no round number where there are MACs. Zeros between hard edges are something
    /// else.
    fn end_zeros(&mut self, after: Edge) {
        let Some((run, before)) = self.zeros.take() else { return };
        let edges = [before, after];
        let encrypted = !self.check.volume.content_codec().is_plain();
        if encrypted && edges.contains(&Edge::Hard) && !edges.contains(&Edge::Soft) {
            self.seen.torn.push(run);
        } else {
            self.seen.zeros += run.end - run.start;
        }
    }
}

fn is_zero(block: &[u8]) -> bool {
    // a cache line at a time: most blocks show in the first that they are none
    block.chunks(64).all(|line| line.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_follow_each_other_are_one() {
        let mut seen = Seen::new(10);
        seen.merge(Seen { bad: vec![4..6, 8..9], ..Seen::default() });
        seen.merge(Seen { bad: vec![0..2, 6..7], ..Seen::default() });
        assert_eq!(seen.bad, [0..2, 4..7, 8..9]);
        let mut ranges = Vec::new();
        [1, 2, 3, 7].iter().for_each(|block| push(&mut ranges, *block));
        assert_eq!(ranges, [1..4, 7..8]);
    }
}
