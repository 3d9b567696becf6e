//! The threads of a transfer. One walks and hands out tasks, a bounded number ahead; the others carry them out, and
//! share the pieces of what is too large for one.
//!
//! Whoever finds nothing to do first helps with the pieces of a file that is under way, so that a large file is done
//! with soon and by all. Pieces and turns are taken in order, and the one that comes first is always in somebody's
//! hands: nobody waits for ever.

use super::{Error, Loss, Progress, Summary};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// More workers than this gain nothing, for they wait for memory; and each has buffers of its own.
const JOBS_MAX: usize = 16;

/// Tasks waiting for each worker, at the most.
const TASKS_AHEAD: usize = 2;

/// Something for a worker to do. The buffer is the worker's, with whatever was left in it.
pub(super) type Task<'env> = Box<dyn FnOnce(&Crew<'env>, &mut Vec<u8>) + Send + 'env>;

/// What is done with one of the pieces that are shared, counted from 0.
type Work<'env> = dyn Fn(&Crew<'env>, u64, &mut Vec<u8>) -> Result<(), Error> + Send + Sync + 'env;

/// The workers, what lies before them, and what they have to report.
pub(super) struct Crew<'env> {
    todo: Mutex<Todo<'env>>,
    /// There may be something to do, or it may be somebody's turn.
    work: Condvar,
    /// There may be room for another task, or all may be done.
    room: Condvar,
    report: Mutex<Report<'env>>,
    stop: AtomicBool,
    workers: usize,
    fail_fast: bool,
}

struct Todo<'env> {
    tasks: VecDeque<Task<'env>>,
    shared: Vec<Arc<Share<'env>>>,
    running: usize,
    /// No more tasks will come.
    closed: bool,
    /// Whose turn it is, where order matters.
    turn: u64,
}

struct Report<'env> {
    progress: &'env mut dyn Progress,
    summary: Summary,
    fatal: Option<Error>,
}

/// How many threads: as many as the machine runs at once if nobody said.
pub(super) fn job_count(jobs: Option<NonZeroUsize>) -> usize {
    let wanted = jobs.or_else(|| thread::available_parallelism().ok());
    wanted.map_or(1, NonZeroUsize::get).min(JOBS_MAX)
}

/// Runs a transfer: `walk` hands out tasks on this thread, workers carry them out. The first error that is fatal (or
/// the first of all, if `fail_fast`) ends everything.
pub(super) fn run<'env>(
    jobs: Option<NonZeroUsize>,
    fail_fast: bool,
    progress: &'env mut dyn Progress,
    walk: impl FnOnce(&Crew<'env>) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let workers = job_count(jobs);
    let todo = Todo { tasks: VecDeque::new(), shared: Vec::new(), running: 0, closed: false, turn: 0 };
    let crew = Crew {
        todo: Mutex::new(todo),
        work: Condvar::new(),
        room: Condvar::new(),
        report: Mutex::new(Report { progress, summary: Summary::default(), fatal: None }),
        stop: AtomicBool::new(false),
        workers,
        fail_fast,
    };
    thread::scope(|scope| {
        let _closing = Closing(&crew);
        for _ in 0..workers {
            scope.spawn(|| crew.work());
        }
        if let Err(error) = walk(&crew) {
            crew.end(error);
        }
    });
    let report = crew.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    match report.fatal {
        None => Ok(report.summary),
        Some(error) => Err(error),
    }
}

/// Lets the workers go when the walk is over, however it ended.
struct Closing<'c, 'env>(&'c Crew<'env>);

impl Drop for Closing<'_, '_> {
    fn drop(&mut self) {
        lock(&self.0.todo).closed = true;
        self.0.work.notify_all();
    }
}

impl<'env> Crew<'env> {
    /// Hands out a task; waits while there are many.
    pub(super) fn submit(&self, task: Task<'env>) -> Result<(), Error> {
        let mut todo = lock(&self.todo);
        while todo.tasks.len() >= TASKS_AHEAD * self.workers && !self.stop.load(Ordering::Relaxed) {
            todo = wait(&self.room, todo);
        }
        todo.tasks.push_back(task);
        drop(todo);
        self.work.notify_all();
        self.check()
    }

    /// Waits until everything that was handed out is done.
    pub(super) fn drain(&self) {
        let mut todo = lock(&self.todo);
        while !todo.tasks.is_empty() || todo.running > 0 {
            todo = wait(&self.room, todo);
        }
    }

    /// Has `work` done for every number below `count`, by whoever is free, and returns when all of it is. Of several
    /// errors the one with the lowest number counts. Who works on pieces asks [`Crew::check`] on each.
    pub(super) fn share(
        &self,
        count: u64,
        buffer: &mut Vec<u8>,
        work: impl Fn(&Crew<'env>, u64, &mut Vec<u8>) -> Result<(), Error> + Send + Sync + 'env,
    ) -> Result<(), Error> {
        let pieces = Pieces { next: 0, active: 0, error: None };
        let share =
            Arc::new(Share { count, work: Box::new(work), pieces: Mutex::new(pieces), idle: Condvar::new() });
        let alone = count <= 1 || self.workers == 1;
        if !alone {
            lock(&self.todo).shared.push(Arc::clone(&share));
            self.work.notify_all();
        }
        share.help(self, buffer);
        if !alone {
            lock(&self.todo).shared.retain(|other| !Arc::ptr_eq(other, &share));
        }
        let mut pieces = lock(&share.pieces);
        while pieces.active > 0 {
            pieces = wait(&share.idle, pieces);
        }
        match pieces.error.take() {
            None => Ok(()),
            Some((_, error)) => Err(error),
        }
    }

    /// Waits until turn `number` has come, helping others meanwhile.
    pub(super) fn await_turn(&self, number: u64) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let mut todo = lock(&self.todo);
        while todo.turn != number {
            self.check_stop()?;
            let open = todo.shared.iter().find(|share| share.is_open()).map(Arc::clone);
            todo = match open {
                Some(share) => {
                    drop(todo);
                    share.help(self, &mut buffer);
                    lock(&self.todo)
                }
                None => wait(&self.work, todo),
            };
        }
        Ok(())
    }

    /// Ends a turn.
    pub(super) fn next_turn(&self) {
        lock(&self.todo).turn += 1;
        self.work.notify_all();
    }

    /// Fails when the transfer should end: somebody else failed, or the caller wants to stop.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.check_stop()?;
        if lock(&self.report).progress.stopped() {
            self.end(Error::Interrupted);
        }
        self.check_stop()
    }

    pub(super) fn check_stop(&self) -> Result<(), Error> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Turns the failure of one item into a report, where going on makes sense, and otherwise into the end.
    pub(super) fn attempt<T>(&self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(error) if self.fail_fast || error.is_fatal() => self.end(error),
            Err(error) => {
                let mut report = lock(&self.report);
                report.summary.failed += 1;
                report.progress.failed(&error);
            }
        }
        None
    }

    /// Counts what is complete.
    pub(super) fn done(&self, count: impl FnOnce(&mut Summary)) {
        let mut report = lock(&self.report);
        count(&mut report.summary);
        report.progress.item();
    }

    /// Counts what was whole in its place already, with the bytes that it holds.
    pub(super) fn skipped(&self, bytes: u64) {
        let mut report = lock(&self.report);
        report.summary.skipped += 1;
        report.progress.skipped(bytes);
        report.progress.item();
    }

    /// Counts what is no item of its own.
    pub(super) fn count(&self, count: impl FnOnce(&mut Summary)) {
        count(&mut lock(&self.report).summary);
    }

    /// Counts bytes on their way.
    pub(super) fn bytes(&self, count: u64) {
        lock(&self.report).progress.bytes(count);
    }

    /// Reports bytes that could not be read, in a file that is transferred all the same.
    pub(super) fn lost(&self, loss: &Loss) {
        let mut report = lock(&self.report);
        report.summary.lost += loss.blocks.end - loss.blocks.start;
        report.progress.lost(loss);
    }

    /// Ends everything. The first error is the one that counts; those that follow from it are none.
    fn end(&self, error: Error) {
        lock(&self.report).fatal.get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
        // With the lock in between nobody misses it who is about to wait.
        drop(lock(&self.todo));
        self.work.notify_all();
        self.room.notify_all();
    }

    /// The life of a worker.
    fn work(&self) {
        let mut buffer = Vec::new();
        let mut todo = lock(&self.todo);
        loop {
            if let Some(share) = todo.shared.iter().find(|share| share.is_open()).map(Arc::clone) {
                drop(todo);
                share.help(self, &mut buffer);
                todo = lock(&self.todo);
            } else if let Some(task) = todo.tasks.pop_front() {
                todo.running += 1;
                drop(todo);
                self.room.notify_all();
                let running = Running(self);
                if self.check_stop().is_ok() {
                    task(self, &mut buffer);
                }
                drop(running);
                todo = lock(&self.todo);
            } else if todo.closed && todo.running == 0 {
                break;
            } else {
                todo = wait(&self.work, todo);
            }
        }
    }
}

/// A task in somebody's hands.
struct Running<'c, 'env>(&'c Crew<'env>);

impl Drop for Running<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // whoever waits for this worker would wait for ever; the panic itself is told when the threads are joined
            self.0.end(Error::Interrupted);
        }
        let mut todo = lock(&self.0.todo);
        todo.running -= 1;
        let last = todo.running == 0 && todo.tasks.is_empty();
        drop(todo);
        if last {
            self.0.work.notify_all();
            self.0.room.notify_all();
        }
    }
}

/// Pieces of one thing, for anybody to take.
struct Share<'env> {
    count: u64,
    work: Box<Work<'env>>,
    pieces: Mutex<Pieces>,
    /// Nobody is at work.
    idle: Condvar,
}

struct Pieces {
    next: u64,
    active: usize,
    error: Option<(u64, Error)>,
}

impl<'env> Share<'env> {
    fn is_open(&self) -> bool {
        let pieces = lock(&self.pieces);
        pieces.next < self.count && pieces.error.is_none()
    }

    /// Takes pieces as long as there are any.
    fn help(&self, crew: &Crew<'env>, buffer: &mut Vec<u8>) {
        while let Some(number) = self.take() {
            let active = Active(self);
            if let Err(error) = (self.work)(crew, number, buffer) {
                let mut pieces = lock(&self.pieces);
                if pieces.error.as_ref().is_none_or(|(other, _)| number < *other) {
                    pieces.error = Some((number, error));
                }
            }
            drop(active);
        }
    }

    fn take(&self) -> Option<u64> {
        let mut pieces = lock(&self.pieces);
        if pieces.next >= self.count || pieces.error.is_some() {
            return None;
        }
        pieces.next += 1;
        pieces.active += 1;
        Some(pieces.next - 1)
    }
}

/// A piece in somebody's hands.
struct Active<'s, 'env>(&'s Share<'env>);

impl Drop for Active<'_, '_> {
    fn drop(&mut self) {
        lock(&self.0.pieces).active -= 1;
        self.0.idle.notify_all();
    }
}

/// Lets several threads write one after the other, in the order of their numbers.
pub(super) struct Order {
    next: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Order {
    pub(super) fn new() -> Order {
        Order { next: Mutex::new(Some(0)), changed: Condvar::new() }
    }

    /// Does `work` when all lower numbers are done with. After the first failure nobody gets a turn.
    pub(super) fn turn(&self, number: u64, work: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let mut next = lock(&self.next);
        while next.is_some_and(|next| next != number) {
            next = wait(&self.changed, next);
        }
        if next.is_none() {
            return Err(Error::Interrupted);
        }
        drop(next);
        let done = work();
        *lock(&self.next) = done.is_ok().then_some(number + 1);
        self.changed.notify_all();
        done
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'m, T>(condvar: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Silent;
    use super::*;

    /// With one worker nobody else would ever make room for the next task.
    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_worker_that_panics_ends_the_transfer() {
        let walk = |crew: &Crew<'_>| {
            for _ in 0..100 {
                crew.submit(Box::new(|_, _| panic!("on purpose")))?;
            }
            Ok(())
        };
        let _ = run(NonZeroUsize::new(1), false, &mut Silent, walk);
    }
}
