//! Both machines publish an index over and over while all else goes on.

use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use encbox::volume::Follow;
use encbox::volume::PlainPath;
use serde_json::Value;

use crate::support::process;
use crate::support::scratch::ScratchVolume;

const PAUSE: Duration = Duration::from_millis(200);

/// Publishes until all else has ended; says how often.
pub(crate) fn publish_until(machine: &ScratchVolume, ended: &AtomicBool) -> u64 {
    let mut times = 0;
    while !ended.load(Ordering::Relaxed) {
        // a folder may go while it is being looked at, which is told of by the exit code
        let status = encbox(machine, &["--publish", "--quiet"]).output().unwrap().status;
        times += u64::from(matches!(status.code(), Some(0 | 15)));
        thread::sleep(PAUSE);
    }
    times
}

/// Publishes what there is now.
pub(crate) fn publish(machine: &ScratchVolume) {
    process::run(&mut encbox(machine, &["--publish", "--quiet"]));
}

/// No sync client has met two versions of an object, and what both machines published says what there is on each.
pub(crate) fn complaints(machines: &[ScratchVolume; 2]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (at, machine) in machines.iter().enumerate() {
        let place = machine.cipher().join(".encbox/index");
        let mut devices = 0;
        for device in std::fs::read_dir(&place).unwrap().map(Result::unwrap) {
            devices += 1;
            for object in std::fs::read_dir(device.path()).unwrap().map(Result::unwrap) {
                let name = object.file_name().into_string().unwrap();
                if name != "root" && !(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
                {
                    complaints.push(format!("machine {at}: {}", object.path().display()));
                }
            }
        }
        let told = process::run(&mut encbox(machine, &["--published", "--json"]));
        let told: Value = serde_json::from_str(&told).unwrap();
        if devices != 2
            || told["devices"].as_array().unwrap().len() != 2
            || told["ignored"] != serde_json::json!([])
        {
            complaints
                .push(format!("machine {at}: {devices} devices, {} {}", told["devices"], told["ignored"]));
        }
        let volume = machine.open();
        let is_there = |entry: &Value| {
            let path = PlainPath::parse(entry["path"].as_str().unwrap().as_ref()).unwrap();
            volume.walk(&path, Follow::No).and_then(|place| volume.stat(place.target())).is_ok()
        };
        for entry in told["entries"].as_array().unwrap() {
            // each told last what was there when all had come to rest, so nothing is only changed
            let expected = if is_there(entry) { "current" } else { "gone" };
            if entry["state"] != expected {
                complaints
                    .push(format!("machine {at}: {} is {}, not {expected}", entry["path"], entry["state"]));
            }
        }
    }
    complaints
}

fn encbox(machine: &ScratchVolume, options: &[&str]) -> Command {
    let mut command = process::encbox();
    command.env("ENCBOX_STATE_DIR", machine.beside("index-state"));
    command.env("ENCBOX_CACHE_DIR", machine.beside("index-cache"));
    command.arg("index").args(options).arg("--password-file").arg(machine.beside("password"));
    command.arg(machine.cipher());
    command
}
