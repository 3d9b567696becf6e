#!/usr/bin/env python3
"""Transfers without a mount, beside encfsctl and cp, in turn: ratios of medians.

Usage: benches/transfer/run.py [--profile standard|paranoia|boxcryptor] [--rounds N] [--mib N] [--files N] [--backing DIR]

Needs root (a mount of EncFS's), encfs, and `cargo build --release`. Every program works once on each row before the
next round begins. Behind each row stands the peak of memory that encbox took in it.
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
BUFFER_LEN = 256 * 1024


class Bench:
    def __init__(self, folder, wanted):
        self.folder, self.rounds = folder, wanted.rounds
        self.volume, self.tree_volume = self.path("volume"), self.path("trees")
        self.password = self.path("password")
        with open(self.password, "w") as file:
            file.write(PASSWORD + "\n")
        for volume in (self.volume, self.tree_volume, self.path("tiny")):
            self.encbox("new", "--profile", wanted.profile, "--iterations", "1000", volume)
        big, tree = self.path("big"), self.path("tree")
        with open(big, "wb") as file:
            for _ in range(wanted.mib):
                file.write(os.urandom(1 << 20))
        for number in range(wanted.files):
            if number % 100 == 0:
                os.makedirs(f"{tree}/folder {number // 100}")
            with open(f"{tree}/folder {number // 100}/note {number}.md", "wb") as file:
                file.write(os.urandom(1 << 10))
        with open(self.path("note"), "wb") as file:
            file.write(os.urandom(1 << 20))
        self.encbox("import", self.volume, big, "/big")
        self.encbox("import", self.path("tiny"), self.path("note"), "/note")
        self.encbox("import", self.tree_volume, tree, "/tree")
        self.big = self.ciphertext(self.volume, "/big")

    def path(self, name):
        return os.path.join(self.folder, name)

    def ciphertext(self, volume, path):
        encode = [ENCBOX, "encode", "--password-file", self.password, volume, path]
        return os.path.join(volume, subprocess.run(encode, check=True, capture_output=True, text=True).stdout.strip())

    def encbox(self, command, *words):
        """Runs encbox; gives the peak of its memory in MiB."""
        argv = [ENCBOX, command, "--password-file", self.password, *words]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{argv}: {said.decode()}")
        return usage.ru_maxrss // 1024

    def encfsctl(self, command, *words):
        argv = ["encfsctl", command]
        if command == "cat":
            argv.append(f"--extpass=cat {self.password}")
        subprocess.run(argv + list(words), input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def read_plainly(self):
        """The ciphertext of the large file, read by two threads as encbox reads it."""
        script = ("import os, sys, threading\n"
                  "fd = os.open(sys.argv[1], os.O_RDONLY); size = os.fstat(fd).st_size; step = int(sys.argv[2])\n"
                  "def read(start):\n"
                  "    room = bytearray(step)\n"
                  "    for at in range(start * step, size, 2 * step): os.preadv(fd, [room], at)\n"
                  "threads = [threading.Thread(target=read, args=(n,)) for n in range(2)]\n"
                  "[t.start() for t in threads]; [t.join() for t in threads]\n")
        subprocess.run(["python3", "-c", script, self.big, str(BUFFER_LEN)], check=True)

    def into(self, work):
        """Does something with a folder that is not there yet."""
        folder = self.path("out")
        done = work(folder)
        return done, lambda: shutil.rmtree(folder) if os.path.isdir(folder) else os.unlink(folder)

    def row(self, name, ours, *theirs):
        """`ours` gives its memory; each of `theirs` is a name and what to time. Each may give what to do afterwards."""
        took = {who: [] for who, _ in theirs}
        mine, peak = [], 0
        for _ in range(self.rounds):
            for who, work in (("encbox", ours), *theirs):
                begin = time.monotonic()
                done = work()
                spent = time.monotonic() - begin
                if isinstance(done, tuple):
                    done, tidy = done
                    tidy()
                if who == "encbox":
                    mine.append(spent)
                    peak = max(peak, done)
                else:
                    took[who].append(spent)
        mine = statistics.median(mine)
        for who, spent in took.items():
            theirs = statistics.median(spent)
            print(f"| {name} | {who} {theirs:.3f} s | {mine:.3f} s | **{theirs / mine:.2f}** | {peak} MiB |", flush=True)

    def through_a_mount(self, folder):
        """An empty volume of the same parameters, mounted by EncFS, takes the tree."""
        volume, mount = folder + ".volume", folder + ".mount"
        os.makedirs(mount)
        subprocess.run([ENCBOX, "new", "--profile", self.profile, "--iterations", "1000", "--password-file",
                        self.password, volume], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["encfs", "-S", volume, mount], input=PASSWORD + "\n", text=True, check=True)
        return volume, mount

    def run(self, profile):
        self.profile = profile
        print("| work | beside | encbox | times | memory |\n|---|--:|--:|--:|--:|")
        cat = lambda volume, path: lambda: self.encbox("cat", volume, path)
        theirs = lambda volume, path: lambda: self.encfsctl("cat", volume, path)
        self.row("unlock, and `cat` of 1 MiB", cat(self.path("tiny"), "/note"),
                 ("encfsctl", theirs(self.path("tiny"), "/note")))
        self.row("`cat` of a large file", cat(self.volume, "/big"), ("encfsctl", theirs(self.volume, "/big")),
                 ("reading the ciphertext", self.read_plainly))
        self.row("`export` of a large file",
                 lambda: self.into(lambda to: self.encbox("export", self.volume, "/big", to)),
                 ("cp of the ciphertext", lambda: self.into(lambda to: shell("cp", self.big, to))))
        self.row("`export` of small files",
                 lambda: self.into(lambda to: self.encbox("export", self.tree_volume, to)),
                 ("encfsctl export", lambda: self.into(lambda to: (os.mkdir(to), self.encfsctl("export", self.tree_volume, to)))),
                 ("cp -r of the ciphertext", lambda: self.into(lambda to: shell("cp", "-r", self.tree_volume, to))))
        self.imports()

    def imports(self):
        ours, theirs = [], []
        peak = 0
        for number in range(self.rounds):
            volume, mount = self.through_a_mount(self.path(f"import {number}"))
            begin = time.monotonic()
            shell("cp", "-r", self.path("tree"), mount)
            theirs.append(time.monotonic() - begin)
            while subprocess.run(["umount", mount], stderr=subprocess.DEVNULL).returncode:
                time.sleep(0.05)
            shutil.rmtree(f"{mount}")
            for left in os.listdir(volume):
                if not left.startswith("."):
                    shutil.rmtree(os.path.join(volume, left))
            begin = time.monotonic()
            peak = max(peak, self.encbox("import", volume, self.path("tree"), "/"))
            ours.append(time.monotonic() - begin)
            shutil.rmtree(volume)
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        print(f"| `import` of small files | cp -r into a mount of EncFS {theirs:.3f} s | {ours:.3f} s | "
              f"**{theirs / ours:.2f}** | {peak} MiB |", flush=True)


def shell(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--profile", default="standard")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--files", type=int, default=20000)
    arguments.add_argument("--backing", default="/dev/shm")
    wanted = arguments.parse_args()
    if not shutil.which("encfs"):
        raise SystemExit("encfs is not installed (package encfs)")
    folder = tempfile.mkdtemp(prefix="encbox-bench.", dir=wanted.backing)
    try:
        Bench(folder, wanted).run(wanted.profile)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
