//! Threads that take tasks from a common heap, and add to it while they work.
//!
//! What was added last is taken first, so that a walk goes down before it goes on, and little waits.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// More threads than this gain nothing, for they wait for memory; and each has buffers of its own.
const JOBS_MAX: usize = 16;

/// Tasks for each thread from which on the heap counts as full.
const ENOUGH: usize = 4;

/// A heap of tasks, and the threads that work on it.
pub(super) struct Pool<T> {
    heap: Mutex<Heap<T>>,
    changed: Condvar,
    stop: AtomicBool,
    jobs: usize,
}

struct Heap<T> {
    tasks: Vec<T>,
    /// Threads that have a task in hand, and may add others.
    busy: usize,
}

impl<T: Send> Pool<T> {
    /// Works off `first` and whatever is added meanwhile; each thread has a `B` of its own.
    pub(super) fn run<B: Default>(
        jobs: Option<NonZeroUsize>,
        first: T,
        work: impl Fn(&Pool<T>, T, &mut B) + Sync,
    ) {
        let wanted = jobs.or_else(|| thread::available_parallelism().ok());
        let jobs = wanted.map_or(1, NonZeroUsize::get).min(JOBS_MAX);
        let pool = Pool {
            heap: Mutex::new(Heap { tasks: vec![first], busy: 0 }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            jobs,
        };
        thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(|| pool.work(&work));
            }
            pool.work(&work);
        });
    }

    fn work<B: Default>(&self, work: &impl Fn(&Pool<T>, T, &mut B)) {
        let mut own = B::default();
        while let Some(task) = self.take() {
            let _busy = Busy(self);
            work(self, task, &mut own);
        }
    }

    fn take(&self) -> Option<T> {
        let mut heap = self.lock();
        loop {
            if self.stopped() {
                return None;
            }
            if let Some(task) = heap.tasks.pop() {
                heap.busy += 1;
                return Some(task);
            }
            if heap.busy == 0 {
                return None;
            }
            heap = self.changed.wait(heap).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds a task.
    pub(super) fn add(&self, task: T) {
        self.lock().tasks.push(task);
        self.changed.notify_one();
    }

    /// Whether everybody has enough to do: whoever makes tasks had better do the next one at once.
    pub(super) fn is_full(&self) -> bool {
        self.lock().tasks.len() >= ENOUGH * self.jobs
    }

    /// The threads there are.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Lets everybody go after what they have in hand.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.lock());
        self.changed.notify_all();
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Heap<T>> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task in somebody's hands.
struct Busy<'p, T: Send>(&'p Pool<T>);

impl<T: Send> Drop for Busy<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
        self.0.lock().busy -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn tasks_that_make_tasks_are_all_done() {
        for jobs in [1, 2, 7] {
            let sum = AtomicU64::new(0);
            Pool::run(NonZeroUsize::new(jobs), 10_u64, |pool, task, _: &mut ()| {
                sum.fetch_add(1, Ordering::Relaxed);
                (0..task).for_each(|next| pool.add(next));
            });
            assert_eq!(sum.load(Ordering::Relaxed), 1 << 10, "{jobs} threads");
        }
    }

    #[test]
    fn nobody_goes_on_when_it_is_to_stop() {
        let done = AtomicU64::new(0);
        Pool::run(NonZeroUsize::new(3), 0_u64, |pool, task, _: &mut ()| {
            if done.fetch_add(1, Ordering::Relaxed) == 100 {
                pool.stop();
            }
            pool.add(task + 1);
        });
        assert!(done.load(Ordering::Relaxed) >= 100);
    }

    #[test]
    #[should_panic(expected = "on purpose")]
    fn a_thread_that_panics_lets_the_others_go() {
        Pool::run(NonZeroUsize::new(1), 0_u64, |_, _, _: &mut ()| panic!("on purpose"));
    }
}
