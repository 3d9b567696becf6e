#!/usr/bin/env python3
"""How fast a volume is checked, beside an export that throws everything away, and how much memory a million files take.

Usage: benches/check/run.py [--rounds N] [--mib N] [--files N] [--names N] [--backing DIR]

Needs `cargo build --release`; ENCBOX names another binary. The folder for `--backing` had better be in memory (/dev/shm,
which is taken by itself): then it is the program that is measured, not a disk. `check` and `export` take turns. What is
in the trees for memory are links to one encrypted file under names of their own.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

PASSWORD = "benchmark"
HERE = os.path.dirname(os.path.abspath(__file__))
ENCBOX = os.path.abspath(os.environ.get("ENCBOX", os.path.join(HERE, "../../target/release/encbox")))
# names in one call of `encode`, and links to one file, of which some file systems have 65,000
NAMES_AT_ONCE, LINKS_MAX = 2000, 60000
PROFILES = ("sync", "standard", "paranoia", "boxcryptor")


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.password = os.path.join(folder, "password")
        with open(self.password, "w") as file:
            file.write(PASSWORD + "\n")
        os.environ["ENCBOX_STATE_DIR"] = os.path.join(folder, "state")

    def encbox(self, command, *words, sink=subprocess.DEVNULL):
        """Runs encbox; gives what it says, seconds, those of a processor, and the peak of its memory in MiB."""
        argv = [ENCBOX, command, "--password-file", self.password, *words]
        start = time.monotonic()
        process = subprocess.Popen(argv, stdout=sink, stderr=subprocess.PIPE)
        said = process.stdout.read() if sink == subprocess.PIPE else b""
        complaints = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        if status:
            raise SystemExit(f"{argv[:8]}: {complaints.decode()}")
        return said.decode(), (seconds, usage.ru_utime + usage.ru_stime), usage.ru_maxrss // 1024

    def new(self, name, profile):
        volume = os.path.join(self.folder, name)
        self.encbox("new", "--profile", profile, "--iterations", "1000", volume)
        return volume


def rates(bench, wanted):
    print(f"{wanted.mib} MiB in one file, and {wanted.files} files of 4 KiB; MiB/s or files/s, the median of {wanted.rounds}")
    source = os.path.join(bench.folder, "source")
    os.makedirs(os.path.join(source, "big"))
    with open(os.path.join(source, "big/file.bin"), "wb") as file:
        for _ in range(wanted.mib):
            file.write(os.urandom(1 << 20))
    for number in range(wanted.files):
        folder = os.path.join(source, f"small/folder {number // 100}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"note {number}.bin"), "wb") as file:
            file.write(os.urandom(4096))
    print(f"{'profile':12} {'what':8} {'check':>9} {'export':>9} {'ratio':>6} {'of processor time':>18}")
    for profile in PROFILES:
        for what, amount in (("big", wanted.mib), ("small", wanted.files)):
            volume = bench.new("volume", profile)
            bench.encbox("import", volume, os.path.join(source, what), "/")
            times = {"check": [], "export": []}
            for _ in range(wanted.rounds):
                times["check"].append(bench.encbox("check", volume)[1])
                # with --fail-fast a stream reads each file once, as a check does
                times["export"].append(bench.encbox("export", "--tar", "--fail-fast", volume, "-")[1])
            median = lambda way, kind: amount / statistics.median(time[kind] for time in times[way])
            check, export = median("check", 0), median("export", 0)
            of_processor = median("check", 1) / median("export", 1)
            print(f"{profile:12} {what:8} {check:9.0f} {export:9.0f} {check / export:6.2f} {of_processor:18.2f}")
            shutil.rmtree(volume)
    shutil.rmtree(source)


def memory(bench, count, folders):
    volume = bench.new("many", "sync")
    note = os.path.join(bench.folder, "note")
    with open(note, "wb") as file:
        file.write(os.urandom(1000))
    bench.encbox("import", volume, note, "/note")
    encode = lambda paths: bench.encbox("encode", volume, *paths, sink=subprocess.PIPE)[0].split()
    original = os.path.join(volume, encode(["/note"])[0])
    for number in range(folders):
        os.mkdir(os.path.join(volume, encode([f"/folder {number}"])[0]))
    path = lambda number: (f"/folder {number % folders}" if folders else "") + f"/a file of some length {number}"
    for start in range(0, count, NAMES_AT_ONCE):
        if start // LINKS_MAX != (start - NAMES_AT_ONCE) // LINKS_MAX and start:
            copy = os.path.join(bench.folder, f"copy {start}")
            shutil.copy(original, copy)
            original = copy
        for name in encode([path(number) for number in range(start, min(start + NAMES_AT_ONCE, count))]):
            os.link(original, os.path.join(volume, name))
    _, (seconds, _), peak = bench.encbox("check", volume)
    where = f"{folders} folders" if folders else "one folder"
    print(f"{count} files in {where}: {peak} MiB at the peak, {count / seconds:.0f} files/s")
    shutil.rmtree(volume)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--mib", type=int, default=512, help="of the large file; 0 for no rates")
    arguments.add_argument("--files", type=int, default=10000, help="small files")
    arguments.add_argument("--names", type=int, default=1000000, help="files for the peak of memory; 0 for none")
    arguments.add_argument("--backing", default="/dev/shm")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="encbox-bench-", dir=wanted.backing) as folder:
        bench = Bench(folder)
        if wanted.mib:
            rates(bench, wanted)
        if wanted.names:
            for folders in (100, 0):
                memory(bench, wanted.names, folders)


main()
