//! Somebody who looks now and then whether a mount is used.
//!
//! The time is that of a clock that goes on while the machine sleeps: a mount that was left alone over night is
//! idle in the morning.

use super::front::Front;
use rustix::time::ClockId;
use rustix::time::clock_gettime;
use std::io;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

/// Looks within the time after which a mount is idle; so it is noticed that much too late at the most.
const LOOKS: u32 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A watch that is kept. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Watch {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Calls `rest` whenever nobody has used the mount for as long as `after`, and nothing is open.
pub(super) fn watch(after: Duration, front: Front, rest: impl Fn() + Send + 'static) -> io::Result<Watch> {
    let (end, ended) = mpsc::channel::<()>();
    let pause = (after / LOOKS).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    let thread = thread::Builder::new().name("idle".to_owned()).spawn(move || {
        let mut since = now();
        let mut activity = front.counters.activity();
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let seen = front.counters.activity();
            if seen != activity || front.vault.in_use() {
                (since, activity) = (now(), seen);
            } else if now().saturating_sub(since) >= after {
                rest();
                since = now();
            }
        }
    })?;
    Ok(Watch { end: Some(end), thread: Some(thread) })
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
/// On macOS it is this one that counts sleep.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

fn now() -> Duration {
    let time = clock_gettime(CLOCK);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
