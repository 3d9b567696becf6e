//! A file that comes out of a stream, piece after piece. Workers put the pieces in; the last one to let go of the file
//! names it.

use super::Error;
use super::crew::{self, Crew};
use super::incoming::{Incoming, Into, Spot};
use crate::volume::{Draft, RenameMode, SetAttr};
use std::ffi::OsString;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A stream, and whether anybody still wants it.
pub(super) struct Watched<'a, 'env> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) crew: &'a Crew<'env>,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        // Asked before the end is believed: Ctrl-C ends the program that writes the stream, too.
        match self.crew.check() {
            Ok(()) => read,
            Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

impl Watched<'_, '_> {
    /// What a failed read means.
    pub(super) fn error(&self, error: io::Error) -> Error {
        self.crew.check_stop().err().unwrap_or(Error::Stream(error))
    }
}

/// Reads until the buffer is full or the stream ends.
pub(super) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match reader.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// A file whose pieces are on their way.
pub(super) struct Arriving<'env> {
    into: Arc<Into<'env>>,
    name: OsString,
    draft: Draft,
    mode: RenameMode,
    attr: SetAttr,
    bytes: AtomicU64,
    /// The last piece was handed out.
    all: AtomicBool,
    error: Mutex<Option<Error>>,
}

impl<'env> Arriving<'env> {
    pub(super) fn begin(
        incoming: &Incoming<'env>,
        into: Arc<Into<'env>>,
        name: OsString,
        mode: RenameMode,
        attr: SetAttr,
    ) -> Result<Arc<Arriving<'env>>, Error> {
        let spot = Spot { into: &into, name: &name };
        let draft = incoming.volume.draft(&into.own.dir, &name, mode).map_err(|error| spot.fail(error))?;
        let (bytes, all, error) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
        Ok(Arc::new(Arriving { into, name, draft, mode, attr, bytes, all, error }))
    }

    /// Has a piece put in that begins with block `first`.
    pub(super) fn put(self: &Arc<Self>, crew: &Crew<'env>, first: u64, data: Vec<u8>) -> Result<(), Error> {
        let arriving = Arc::clone(self);
        crew.submit(Box::new(move |crew, _| {
            match arriving.draft.write(first, &data) {
                Ok(()) => {
                    arriving.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                    crew.bytes(data.len() as u64);
                }
                Err(error) => {
                    crew::lock(&arriving.error).get_or_insert(arriving.spot().fail(error));
                }
            }
            arriving.release(crew);
        }))
    }

    /// Nothing more comes.
    pub(super) fn end(self: Arc<Self>, crew: &Crew<'env>) {
        self.all.store(true, Ordering::Release);
        self.release(crew);
    }

    fn release(self: Arc<Self>, crew: &Crew<'env>) {
        let Some(mut arriving) = Arc::into_inner(self) else { return };
        if *arriving.all.get_mut() && crew.check_stop().is_ok() {
            let error = crew::lock(&arriving.error).take();
            let done = error.map_or_else(|| arriving.publish(), Err);
            if crew.attempt(done).is_some() {
                crew.done(|summary| {
                    summary.files += 1;
                    summary.bytes += *arriving.bytes.get_mut();
                });
            }
        }
        arriving.into.release(crew);
    }

    fn publish(&self) -> Result<(), Error> {
        self.draft.publish(&self.attr, self.mode).map_err(|error| self.spot().fail(error))
    }

    fn spot(&self) -> Spot<'_, 'env> {
        Spot { into: &self.into, name: &self.name }
    }
}
