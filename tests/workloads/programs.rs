//! Programs with their own ideas of locks, maps and links.

use std::fs;
use std::io::Seek as _;
use std::io::Write as _;
use std::path::Path;
use std::thread;

use crate::Desk;
use crate::Times;
use crate::in_folder;
use crate::run_in;
use crate::source_tree;
use crate::support::process;
use crate::support::scratch;
use crate::support::tree;

pub(crate) fn git_clones_checks_and_collects_garbage(desk: Desk) {
    let origin = desk.volume.beside("origin");
    fs::create_dir(&origin).unwrap();
    source_tree::plant(&origin, 300);
    run_in(&origin, "git", &["init", "-q", "-b", "main"]);
    run_in(&origin, "git", &["add", "."]);
    run_in(&origin, "git", &["commit", "-q", "-m", "first"]);
    let origin = origin.to_str().expect("scratch paths are UTF-8");

    run_in(desk.mounted(), "git", &["clone", "-q", origin, "clone"]);
    let clone = desk.mounted().join("clone");
    for number in 0..5 {
        fs::write(clone.join("dir 000/new.rs"), format!("change {number}\n")).unwrap();
        run_in(&clone, "git", &["add", "."]);
        run_in(&clone, "git", &["commit", "-q", "-m", "next"]);
    }
    run_in(&clone, "git", &["checkout", "-q", "-b", "other", "HEAD~3"]);
    run_in(&clone, "git", &["checkout", "-q", "main"]);
    run_in(&clone, "git", &["gc", "-q", "--prune=now"]);
    run_in(&clone, "git", &["fsck", "--full", "--strict"]);
    assert_eq!(run_in(&clone, "git", &["status", "--porcelain"]), "", "nothing has changed since the commit");

    // Git links objects here where it can, and copies them where the volume has no hard links.
    run_in(desk.mounted(), "git", &["clone", "-q", "clone", "second"]);
    run_in(&desk.mounted().join("second"), "git", &["fsck", "--full", "--strict"]);

    desk.keep_a_plain_copy();
    let plain_clone = desk.plain().join("clone");
    run_in(&plain_clone, "git", &["fsck", "--full", "--strict"]);
    assert_eq!(run_in(&plain_clone, "git", &["log", "--format=%s"]), "next\nnext\nnext\nnext\nnext\nfirst\n");
    desk.encfs_agrees(Times::Equal);
}

pub(crate) fn cargo_builds_once(desk: Desk) {
    let project = desk.mounted().join("project");
    fs::create_dir_all(project.join("src")).unwrap();
    let manifest = "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::write(project.join("src/lib.rs"), "pub fn word() -> &'static str { \"built\" }\n").unwrap();
    fs::write(project.join("src/main.rs"), "fn main() { println!(\"{}\", small::word()) }\n").unwrap();
    let cargo = std::env::var("CARGO").expect("cargo runs its tests with this set");
    let build = ["build", "--offline", "--message-format=json"];

    let first = run_in(&project, &cargo, &build);
    assert!(first.contains("\"fresh\":false"), "the first build compiles: {first}");
    assert_eq!(run_in(&project, "target/debug/small", &[]), "built\n", "a program runs from the mount");
    let second = run_in(&project, &cargo, &build);
    assert!(!second.contains("\"fresh\":false"), "times are kept, so nothing is compiled again: {second}");

    fs::write(project.join("src/lib.rs"), "pub fn word() -> &'static str { \"changed\" }\n").unwrap();
    run_in(&project, &cargo, &build);
    assert_eq!(run_in(&project, "target/debug/small", &[]), "changed\n", "a change is noticed");

    desk.keep_a_plain_copy();
    desk.encfs_agrees(Times::Equal);
}

pub(crate) fn sqlite_keeps_its_databases_whole(desk: Desk) {
    let modes = ["delete", "truncate", "persist", "wal"];
    for mode in modes {
        let name = format!("{mode}.db");
        sqlite(
            desk.mounted(),
            &name,
            &format!("PRAGMA journal_mode={mode}; CREATE TABLE t (id INTEGER PRIMARY KEY, x);"),
        );
        // Two programs at once, each waiting for the other's lock.
        thread::scope(|scope| {
            for part in 0..2 {
                let (folder, name) = (desk.mounted(), name.as_str());
                scope.spawn(move || sqlite(folder, name, &half_of_the_rows(part)));
            }
        });
        let changes = "UPDATE t SET x = x || id WHERE id % 3 = 0; DELETE FROM t WHERE id % 7 = 0; \
                       BEGIN; DELETE FROM t; ROLLBACK; VACUUM;";
        sqlite(desk.mounted(), &name, changes);
        check(desk.mounted(), &name);
    }

    let plain = desk.plain();
    scratch::copy_tree(desk.mounted(), &plain);
    // Opening a database may change its side files, so look into a copy of what `encfs` shows.
    let looked_at = desk.volume.beside("looked at");
    desk.mount.unmount();
    let mount = desk.volume.mount_with_encfs();
    tree::assert_same("read by encfs", &tree::of_folder(&plain), &tree::of_folder(mount.path()));
    scratch::copy_tree(mount.path(), &looked_at);
    mount.unmount();
    modes.iter().for_each(|mode| check(&looked_at, &format!("{mode}.db")));
}

const ROWS: u64 = 2000;

fn half_of_the_rows(part: u64) -> String {
    let insert =
        |id: u64| format!("INSERT INTO t VALUES ({id}, 'row {id} {}');\n", "x".repeat((id % 200) as usize));
    let in_transactions = |ids: &[u64]| {
        let rows: String = ids.iter().map(|id| insert(*id)).collect();
        format!("BEGIN IMMEDIATE;\n{rows}COMMIT;\n")
    };
    let ids: Vec<u64> = (0..ROWS).filter(|id| id % 2 == part).collect();
    ids.chunks(100).map(in_transactions).collect()
}

fn check(folder: &Path, name: &str) {
    assert_eq!(sqlite(folder, name, "PRAGMA integrity_check;"), "ok\n", "{name}");
    let left = (0..ROWS).filter(|id| id % 7 != 0).count();
    assert_eq!(sqlite(folder, name, "SELECT count(*) FROM t;"), format!("{left}\n"), "{name}");
}

fn sqlite(folder: &Path, name: &str, statements: &str) -> String {
    let mut input = tempfile::tempfile().expect("a scratch file");
    input.write_all(statements.as_bytes()).expect("a scratch file");
    input.rewind().expect("a scratch file");
    let mut command = in_folder(folder, "sqlite3");
    process::run(command.args(["-batch", "-bail", "-cmd", ".timeout 60000", name]).stdin(input))
}
