#!/usr/bin/env python3
"""How soon a mount shows what arrives, and what it costs to watch: medians, absolute.

Usage: benches/sync/run.py [--profile sync|standard|boxcryptor] [--arrivals N] [--files N] [--backing DIR]

Needs root and `cargo build --release`. A version of a file is renamed into the ciphertext folder, as a sync client does;
the clock runs until a program that watches the folder in the mount (inotify) has heard of it, and until reading the file
gives the new contents. Then every folder of a tree is looked into, so that all are watched, and nothing happens for ten
seconds.
"""

import argparse
import ctypes
import os
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ENCBOX = os.path.abspath(os.environ.get("ENCBOX", os.path.join(HERE, "../../target/release/encbox")))
PASSWORD = "benchmark"
IN_MOVED_TO = 0x80
LIBC = ctypes.CDLL(None, use_errno=True)


class Mount:
    def __init__(self, folder, profile):
        self.volume, self.root, self.log = (os.path.join(folder, name) for name in ("volume", "mount", "log"))
        os.mkdir(self.root)
        self.encbox("new", "--profile", profile, "--iterations", "1000", "--password-stdin", self.volume)
        argv = [ENCBOX, "mount", "--foreground", "--password-stdin", self.volume, self.root]
        self.daemon = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=open(self.log, "w"), text=True)
        self.daemon.stdin.write(PASSWORD + "\n")
        self.daemon.stdin.close()
        while not os.path.ismount(self.root):
            time.sleep(0.01)

    def encbox(self, *words):
        run = subprocess.run([ENCBOX, *words], input=PASSWORD + "\n", text=True, check=True, capture_output=True)
        return run.stdout.strip()

    def path(self, name):
        return os.path.join(self.root, name)

    def ciphertext(self, name):
        return os.path.join(self.volume, self.encbox("encode", "--password-stdin", self.volume, "/" + name))

    def announcements(self):
        """How many requests were made to announce something, as the daemon says when it is asked."""
        self.daemon.send_signal(signal.SIGUSR1)
        time.sleep(0.2)
        with open(self.log) as log:
            counted = [word for word in log.read().replace(",", "\n").splitlines() if "announcement to watchers" in word]
        return int(counted[-1].split()[-1]) if counted else 0

    def processor_seconds(self):
        with open(f"/proc/{self.daemon.pid}/stat") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        with open(f"/proc/{self.daemon.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def end(self):
        subprocess.run([ENCBOX, "unmount", self.root], check=True)
        self.daemon.wait()


def arrivals(mount, count):
    """Milliseconds until an arrival is heard of, and until it is read."""
    os.mkdir(mount.path("notes"))
    versions, place = [], None
    for number in range(2):
        contents = f"version {number}\n".encode() * 500
        with open(mount.path("notes/note.md"), "wb") as file:
            file.write(contents)
        os.sync()
        place = place or mount.ciphertext("notes/note.md")
        shutil.copy(place, f"{mount.volume}.{number}")
        versions.append(contents)
    ears = LIBC.inotify_init1(os.O_NONBLOCK)
    LIBC.inotify_add_watch(ears, mount.path("notes").encode(), IN_MOVED_TO)
    heard, seen = [], []
    for number in range(count):
        version = number % 2
        shutil.copy(f"{mount.volume}.{version}", f"{mount.volume}.arriving")
        with open(mount.path("notes/note.md"), "rb") as file:
            file.read()  # the kernel has the old one
        time.sleep(0.03)
        start = time.perf_counter()
        os.rename(f"{mount.volume}.arriving", place)
        if not select.select([ears], [], [], 5)[0]:
            raise SystemExit("nobody heard of an arrival within five seconds")
        heard.append((time.perf_counter() - start) * 1000)
        os.read(ears, 4096)
        while True:
            with open(mount.path("notes/note.md"), "rb") as file:
                if file.read() == versions[version]:
                    break
        seen.append((time.perf_counter() - start) * 1000)
    return heard, seen


def watched_tree(mount, count):
    """Looks into every folder of a tree; gives the number of folders."""
    for number in range(count):
        if number % 50 == 0:
            folder = mount.path(f"tree/{number // 2500}/{number // 50}")
            os.makedirs(folder)
        with open(f"{folder}/{number}", "wb"):
            pass
    return sum(1 for _ in os.walk(mount.path("tree")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="sync")
    parser.add_argument("--arrivals", type=int, default=200)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--backing", default=None)
    wanted = parser.parse_args()
    folder = tempfile.mkdtemp(dir=wanted.backing)
    os.environ["ENCBOX_STATE_DIR"] = os.path.join(folder, "state")
    mount = Mount(folder, wanted.profile)
    try:
        heard, seen = arrivals(mount, wanted.arrivals)
        for what, times in [("a watcher hears", heard), ("the contents show", seen)]:
            print(f"{what}: median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms")
        print(f"requests for an arrival: {mount.announcements() / wanted.arrivals:.1f}")
        folders = watched_tree(mount, wanted.files)
        before = mount.processor_seconds()
        time.sleep(10)
        idle = mount.processor_seconds() - before
        print(f"{wanted.files} files in {folders} folders, all watched: {mount.memory():.0f} MiB, "
              f"{idle * 1000:.0f} ms of processor time in 10 s")
    finally:
        mount.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
