//! Two machines write into one volume, each by way of its own mount and its own sync client, and nothing is lost.
//!
//! Whatever a program saw `fsync` or `close` succeed for has to be found in some visible file on both machines, unless a
//! program threw it away that had seen it. Both folders have to be the same in the end, every name has to decode, and
//! both mounts have to show what a fresh look at the ciphertext shows, sizes and pages included.
//!
//! `ENCBOX_SOAK_SEEDS` is how many runs there are, `ENCBOX_SOAK_EVENTS` how much the clients do in each, at least;
//! `ENCBOX_SOAK_SEED` is the first seed. `make soak` runs a hundred. A seed fixes what programs and clients do,
//! not which of them comes first.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(clippy::print_stdout)] // shown for a test that fails

#[path = "../support/mod.rs"]
mod support;

mod client;
mod indexers;
mod log;
mod server;
mod verdict;
mod writers;

use std::fs;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use client::Client;
use encbox::config::Profile;
use server::Server;
use support::mount::Mount;
use support::process;
use support::scratch::ScratchVolume;
use writers::Desk;
use writers::Ledger;
use writers::Writer;

/// Not `paranoia`: with external IV chaining the header of a file depends on its path, and a sync client that reads, moves
/// or replaces it between the two steps of a rename leaves a file whose header does not fit. `ENCBOX_SOAK_PARANOIA=1`
/// tries it all the same: of sixty runs one lost a record.
const PROFILES: [Profile; 3] = [Profile::Sync, Profile::Boxcryptor, Profile::Standard];

const SEEDS: u64 = 12;
const EVENTS: u64 = 600;
const WRITERS: u64 = 4;
const HOSTS: [&str; 2] = ["desk", "lap"];

/// One run of so many has indexes that are published all the time.
const INDEXED: u64 = 4;

/// What is quiet for so many rounds has settled: files are closed for us a little later than for the program.
const QUIET_ROUNDS: u32 = 4;
const ROUND: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn two_machines_lose_nothing() {
    if process::something_is_missing(&[]) {
        return;
    }
    let first = number_from("ENCBOX_SOAK_SEED", 1);
    for seed in first..first + number_from("ENCBOX_SOAK_SEEDS", SEEDS) {
        let paranoia = std::env::var_os("ENCBOX_SOAK_PARANOIA").map(|_| Profile::Paranoia);
        let profile = paranoia.unwrap_or(PROFILES[(seed % PROFILES.len() as u64) as usize]);
        run(profile, seed, number_from("ENCBOX_SOAK_EVENTS", EVENTS));
    }
}

fn number_from(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

fn run(profile: Profile, seed: u64, events: u64) {
    println!("profile {profile:?}, seed {seed}");
    let start = Instant::now();
    let volume = ScratchVolume::create(&profile.parameters());
    let machines = [volume.twin(), volume.twin()];
    let mounts = [machines[0].mount_with_encbox(), machines[1].mount_with_encbox()];
    let (server, ledger) = (Arc::new(Server::default()), Arc::new(Ledger::default()));
    let mut clients: Vec<Client> = (0..2)
        .map(|at| {
            let (folder, cache) = (machines[at].cipher(), machines[at].beside("cache"));
            Client::new(HOSTS[at], &folder, &cache, &server, &ledger.log, seed * 100 + at as u64)
        })
        .collect();
    let (ended, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let show_logs = LogsIfPanicking(&mounts);
    let (is_indexed, published) = (seed.is_multiple_of(INDEXED), AtomicU64::new(0));
    thread::scope(|scope| {
        for machine in machines.iter().filter(|_| is_indexed) {
            let (ended, published) = (&ended, &published);
            scope.spawn(move || {
                published.fetch_add(indexers::publish_until(machine, ended), Ordering::Relaxed);
            });
        }
        for (at, mount) in mounts.iter().enumerate() {
            let desk = Arc::new(Desk::default());
            for number in 0..WRITERS {
                let name = format!("{} {number}", HOSTS[at]);
                let own_seed = seed * 1000 + at as u64 * 100 + number;
                let mut writer = Writer::new(name, mount.path(), &desk, &ledger, own_seed);
                let ended = &ended;
                scope.spawn(move || {
                    while !ended.load(Ordering::Relaxed) {
                        writer.step();
                    }
                });
            }
        }
        for client in &mut clients {
            let (ended, done) = (&ended, &done);
            scope.spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let before = client.events;
                    client.cycle();
                    let now = done.fetch_add(client.events - before, Ordering::Relaxed);
                    if now >= events || start.elapsed() > PATIENCE.max(Duration::from_millis(events * 20)) {
                        ended.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    settle(&mut clients, &mounts);
    let conflicts = clients.iter().map(|client| client.conflicts).sum::<u64>();
    let rescues =
        mounts.iter().map(|mount| mount.log().matches("is a conflicted copy now").count()).sum::<usize>();
    let said = verdict::of(&machines, &mounts, &ledger);
    if is_indexed {
        machines.iter().for_each(indexers::publish);
        settle(&mut clients, &mounts);
        let complaints = indexers::complaints(&machines);
        println!("published {} times", published.load(Ordering::Relaxed));
        assert!(published.load(Ordering::Relaxed) > 2, "nothing was published meanwhile");
        assert!(complaints.is_empty(), "profile {profile:?}, seed {seed}:\n{}", complaints.join("\n"));
    }
    println!(
        "{} events, {conflicts} conflicts, {rescues} edits rescued, {} records owed, {:.1} s",
        done.load(Ordering::Relaxed),
        ledger.owed().len(),
        start.elapsed().as_secs_f64()
    );
    assert!(conflicts > 0 && !ledger.owed().is_empty(), "nothing happened that could go wrong");
    if let Err(complaints) = said {
        panic!("profile {profile:?}, seed {seed}: {complaints}");
    }
    drop(show_logs);
    for mount in mounts {
        mount.unmount();
    }
}

/// Shows what the daemons said if the test fails.
struct LogsIfPanicking<'a>(&'a [Mount]);

impl Drop for LogsIfPanicking<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            for (host, mount) in HOSTS.iter().zip(self.0) {
                println!("--- {host} said\n{}", mount.log());
            }
        }
    }
}

/// Lets the clients go on until there is nothing to do for either.
fn settle(clients: &mut [Client], mounts: &[Mount]) {
    let (mut quiet, start) = (0, Instant::now());
    while quiet < QUIET_ROUNDS {
        for mount in mounts {
            // it fails for the times of a file that was replaced meanwhile
            rustix::fs::syncfs(File::open(mount.path()).unwrap()).ok();
        }
        let before: u64 = clients.iter().map(|client| client.events).sum();
        clients.iter_mut().for_each(Client::cycle);
        let now: u64 = clients.iter().map(|client| client.events).sum();
        quiet = if now == before { quiet + 1 } else { 0 };
        assert!(start.elapsed() < PATIENCE, "the clients never come to rest");
        thread::sleep(ROUND);
    }
    for mount in mounts {
        assert!(fs::read_dir(mount.path()).is_ok());
    }
}
