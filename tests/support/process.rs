//! Running other programs, encbox among them, and saying loudly when one is missing.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::process::Output;
use std::sync::Mutex;

/// The encbox that cargo built for this test.
pub(crate) fn encbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_encbox"));
    command.env("ENCBOX_STATE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
    command
}

/// Runs to the end; the caller judges the exit status.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

/// Runs to the end, which must be a good one, and returns what was printed to standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = output(command);
    if !output.status.success() {
        let mut report = format!("{:.1000}\nended with {}", format!("{command:?}"), output.status);
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            report += &format!("\n--- {stream}\n{}", String::from_utf8_lossy(bytes));
        }
        panic!("{report}");
    }
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{command:?} printed no UTF-8: {error}"))
}

pub(crate) fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// What keeps a test that needs these programs (and the right to mount) from running. Says so once, past
/// the capture of the test harness, since such a test passes.
pub(crate) fn something_is_missing(programs: &[&str]) -> bool {
    let mut missing: Vec<String> = programs
        .iter()
        .filter(|program| !is_installed(program))
        .map(|program| format!("{program} is not installed"))
        .collect();
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        missing.push(format!("/dev/fuse cannot be opened ({error})"));
    }
    for reason in &missing {
        say_loudly(&format!("NOT TESTED: {reason}; tests that need it pass without testing anything"));
    }
    !missing.is_empty()
}

/// Prints a line to the real standard error, each text once.
pub(crate) fn say_loudly(text: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().expect("no thread panics while it holds this lock");
    if said.insert(text.to_owned()) {
        writeln!(std::io::stderr(), "\n*** {text} ***").ok();
    }
}
