#!/usr/bin/env python3
"""encbox and EncFS 1.9.5 in a mount, in turn: ratios of medians.

Usage: benches/mount/run.py [--profile standard|paranoia|boxcryptor] [--rounds N] [--only PREFIX] [--backing DIR]

Needs root (to drop the kernel's caches), encfs, and `cargo build --release`. Each workload runs on every system
before the next round begins; what is called cold begins with a fresh mount and empty caches. Times are wall
clock; the daemon's processor seconds stand beside them.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time

PASSWORD = "benchmark"
HERE = os.path.dirname(os.path.abspath(__file__))
ENCBOX = os.environ.get("ENCBOX", os.path.join(HERE, "../../target/release/encbox"))
NOISE = os.urandom(1 << 20)
TICK = os.sysconf("SC_CLK_TCK")


class System:
    """A program over a volume of its own; all volumes have the same parameters."""

    def __init__(self, name, command, folder, profile):
        self.name, self.command = name, command
        self.volume, self.root = os.path.join(folder, name), os.path.join(folder, name + ".mount")
        os.mkdir(self.root)
        make = [ENCBOX, "new", "--profile", profile, "--iterations", "1000", "--password-stdin", self.volume]
        subprocess.run(make, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.daemon = None

    def mount(self):
        self.daemon = subprocess.Popen(self.command + [self.volume, self.root], stdin=subprocess.PIPE, text=True,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.daemon.stdin.write(PASSWORD + "\n")
        self.daemon.stdin.close()
        while not os.path.ismount(self.root):
            if self.daemon.poll() is not None:
                raise SystemExit(f"{self.name} does not mount")
            time.sleep(0.001)

    def unmount(self):
        while subprocess.run(["umount", self.root], stderr=subprocess.DEVNULL).returncode:
            time.sleep(0.05)
        self.daemon.wait()

    def processor_seconds(self):
        with open(f"/proc/{self.daemon.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def path(self, name):
        return os.path.join(self.root, name)


def write(path, mib, sync=True):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for _ in range(mib):
        os.write(fd, NOISE)
    if sync:
        os.fsync(fd)
    os.close(fd)


def read(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def at_once(work, paths):
    children = []
    for path in paths:
        child = os.fork()
        if child == 0:
            work(path)
            os._exit(0)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1]:
            raise SystemExit("a child failed")


def pieces(path, count, writing):
    """Random pieces of 4 KiB, the same ones every time."""
    fd = os.open(path, os.O_RDWR)
    blocks, at = os.fstat(fd).st_size // 4096, 1
    for _ in range(count):
        at = (at * 1103515245 + 12345) % (1 << 31)
        if writing:
            os.pwrite(fd, NOISE[:4096], at % blocks * 4096)
        else:
            os.pread(fd, 4096, at % blocks * 4096)
    os.fsync(fd)
    os.close(fd)


def append(path, count):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(count):
        os.write(fd, NOISE[:100])
    os.fsync(fd)
    os.close(fd)


def tree(path, count):
    for number in range(count):
        if number % 100 == 0:
            folder = os.path.join(path, f"folder {number // 100}")
            os.makedirs(folder)
        fd = os.open(os.path.join(folder, f"note {number}.md"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, NOISE[:4096])
        os.close(fd)


def database(path, mode):
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
    base = sqlite3.connect(path, isolation_level=None)
    base.execute(f"pragma journal_mode={mode}")
    base.execute("create table t(id integer primary key, k text, v blob)")
    for row in range(100):
        base.execute("begin")
        base.executemany("insert into t(k, v) values(?, ?)", ((f"{row} {n}", NOISE[n:n + 120]) for n in range(50)))
        base.execute("commit")
    base.close()


def shell(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def workloads(mib, files):
    """Name, whether it begins cold, what is made ready before, what is timed."""
    big = lambda s: os.path.exists(s.path("big")) or write(s.path("big"), mib)
    four = lambda s: [s.path(f"part {n}") for n in range(4)]
    made = lambda s: os.path.exists(s.path("tree")) or tree(s.path("tree"), files)
    parts = lambda s: [os.path.exists(part) or write(part, mib // 4) for part in four(s)]
    gone = lambda s, name: shell("rm", "-rf", s.path(name))
    copied = lambda s: (made(s), os.path.exists(s.path("copy")) or shell("cp", "-r", s.path("tree"), s.path("copy")))
    turn = lambda s: os.rename(s.path("tree"), s.path("moved"))
    back = lambda s: (os.path.exists(s.path("moved")) and os.rename(s.path("moved"), s.path("tree")), made(s))
    return [
        ("sequential write", False, lambda s: gone(s, "big"), lambda s: write(s.path("big"), mib)),
        ("sequential write, 4 at once", False, None, lambda s: at_once(lambda p: write(p, mib // 4), four(s))),
        ("sequential read, cold", True, big, lambda s: read(s.path("big"))),
        ("sequential read, 4 at once, cold", True, parts, lambda s: at_once(read, four(s))),
        ("sequential read, warm", False, lambda s: (big(s), read(s.path("big"))), lambda s: read(s.path("big"))),
        ("random 4 KiB read, cold", True, big, lambda s: pieces(s.path("big"), 4000, False)),
        ("random 4 KiB write", False, big, lambda s: pieces(s.path("big"), 4000, True)),
        ("append 100 bytes", False, lambda s: gone(s, "log"), lambda s: append(s.path("log"), 4000)),
        ("create files of 4 KiB", False, lambda s: gone(s, "tree"), lambda s: tree(s.path("tree"), files)),
        ("stat a tree, cold", True, made, lambda s: shell("find", s.path("tree"), "-printf", "%s\n")),
        ("ls -lR, cold", True, made, lambda s: shell("ls", "-lR", s.path("tree"))),
        ("cp -r", False, lambda s: (made(s), gone(s, "copy")), lambda s: shell("cp", "-r", s.path("tree"), s.path("copy"))),
        ("rm -rf", False, copied, lambda s: gone(s, "copy")),
        ("rename a directory", False, back, turn),
        ("sqlite, WAL", False, None, lambda s: database(s.path("wal.db"), "wal")),
        ("sqlite, rollback journal", False, None, lambda s: database(s.path("rollback.db"), "delete")),
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--profile", default="standard")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--backing", default="/dev/shm")
    arguments.add_argument("--mib", type=int, default=256)
    arguments.add_argument("--files", type=int, default=2000)
    wanted = arguments.parse_args()
    if not shutil.which("encfs"):
        raise SystemExit("encfs is not installed (package encfs)")
    folder = tempfile.mkdtemp(prefix="encbox-bench.", dir=wanted.backing)
    encbox = [ENCBOX, "mount", "--foreground", "--password-stdin", "--"]
    systems = [System("encfs", ["encfs", "-f", "-S"], folder, wanted.profile),
               System("encbox", encbox, folder, wanted.profile)]
    try:
        for system in systems:
            system.mount()
        print("| workload | EncFS 1.9.5 | encbox | times | processor seconds |\n|---|--:|--:|--:|--:|")
        for name, cold, prepare, work in workloads(wanted.mib, wanted.files):
            if not name.startswith(wanted.only):
                continue
            took = {system.name: ([], []) for system in systems}
            for _ in range(wanted.rounds):
                for system in systems:
                    if prepare:
                        prepare(system)
                    if cold:
                        system.unmount()
                        system.mount()
                        with open("/proc/sys/vm/drop_caches", "w") as caches:
                            caches.write("3")
                    os.sync()
                    spent, begin = system.processor_seconds(), time.monotonic()
                    work(system)
                    took[system.name][0].append(time.monotonic() - begin)
                    took[system.name][1].append(system.processor_seconds() - spent)
            (theirs, their_cpu), (ours, our_cpu) = (map(statistics.median, took[s.name]) for s in systems)
            print(f"| {name} | {theirs:.3f} s | {ours:.3f} s | **{theirs / ours:.1f}** | "
                  f"{their_cpu:.2f} : {our_cpu:.2f} |", flush=True)
    finally:
        for system in systems:
            if system.daemon and system.daemon.poll() is None:
                system.unmount()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
