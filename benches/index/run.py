#!/usr/bin/env python3
"""The index: first scan beside EncFS and head(1), rescans, searches, memory and space, at several sizes.

Usage: benches/index/run.py [--files N] [--empty] [--no-encfs] [--searches N] [--folder DIR]

Makes a volume of N files (a mix of notes, source code, tables, JSON, web pages, pictures, PDF-like and unknown bytes; with
--empty only names, for how cost grows with a million), indexes it, changes ten files, indexes it again, asks questions.
Beside the first scan, on the same volume: `encfs` mounts it, and `find -type f -exec head -c 4096` reads it. At last it
is mounted with --index. Needs `cargo build --release`; for the comparison encfs and FUSE.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time

PASSWORD = "benchmark"
HERE = os.path.dirname(os.path.abspath(__file__))
ENCBOX = os.path.abspath(os.environ.get("ENCBOX", os.path.join(HERE, "../../target/release/encbox")))
SAMPLES = os.path.join(HERE, "../../tests/preview/corpus")
PER_FOLDER = 50
# of a hundred files
MIX = [(40, "md"), (15, "txt"), (12, "py"), (6, "csv"), (6, "json"), (5, "html"), (8, "jpg"), (3, "png"), (2, "docx"), (3, "bin")]


class Words:
    """A vocabulary in which some words are frequent, as in any language."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        consonants, vowels = "bdfgklmnprstvz", "aeiou"
        syllables = [c + v for c in consonants for v in vowels]
        self.all = ["".join(self.random.choices(syllables, k=self.random.randint(1, 4))) for _ in range(40000)]
        self.weights = [1 / (rank + 10) for rank in range(len(self.all))]
        self.cumulated = []
        total = 0
        for weight in self.weights:
            total += weight
            self.cumulated.append(total)

    def some(self, count):
        return self.random.choices(self.all, cum_weights=self.cumulated, k=count)


def content(words, kind, samples):
    """The bytes of a file; 3 KiB of text on average."""
    pick = words.random
    prose = lambda count: " ".join(words.some(count))
    length = int(pick.lognormvariate(5.6, 0.8))
    if kind == "md":
        parts = [f"# {prose(4)}\n"] + [f"{prose(length // 4 + 1)}.\n\n- [ ] {prose(5)}\n" for _ in range(4)]
        return "\n".join(parts).encode()
    if kind == "txt":
        return "\n".join(prose(12) for _ in range(length // 12 + 1)).encode()
    if kind == "py":
        lines = [f"def {'_'.join(words.some(2))}({', '.join(words.some(2))}):\n    # {prose(8)}\n    return {words.some(1)[0]}\n"
                 for _ in range(length // 20 + 1)]
        return "\n".join(lines).encode()
    if kind == "csv":
        return "\n".join(",".join(words.some(5)) for _ in range(length // 5 + 1)).encode()
    if kind == "json":
        return json.dumps({word: words.some(4) for word in words.some(length // 6 + 1)}).encode()
    if kind == "html":
        return f"<html><title>{prose(4)}</title><body><p>{prose(length)}</p></body></html>".encode()
    if kind in samples:
        # no two alike: what follows the end of a picture or an archive is not looked at
        return samples[kind] + (b"" if kind == "docx" else pick.randbytes(2000))
    return pick.randbytes(pick.randint(500, 20000))


class Bench:
    def __init__(self, folder, wanted):
        self.folder, self.wanted = folder, wanted
        self.volume, self.password = self.path("volume"), self.path("password")
        self.words = Words(wanted.files)
        with open(self.password, "w") as file:
            file.write(PASSWORD + "\n")
        os.environ["ENCBOX_CACHE_DIR"], os.environ["ENCBOX_STATE_DIR"] = self.path("cache"), self.path("state")

    def path(self, name):
        return os.path.join(self.folder, name)

    def encbox(self, command, *words):
        """Runs encbox; gives its output, the time it took in seconds, and the peak of its memory in MiB."""
        argv = [ENCBOX, command, "--password-file", self.password, *words]
        start = time.monotonic()
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, said = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{argv}: {said.decode()}")
        return output, time.monotonic() - start, usage.ru_maxrss // 1024

    def make(self):
        """The volume, by way of a tree in the clear that is removed again."""
        tree, samples = self.path("tree"), {}
        for kind, name in [("jpg", "photo.jpg"), ("png", "picture.png"), ("docx", "letter.docx")]:
            with open(os.path.join(SAMPLES, name), "rb") as file:
                samples[kind] = file.read()
        kinds = [kind for share, kind in MIX for _ in range(share)]
        total = 0
        for number in range(self.wanted.files):
            folder = number // PER_FOLDER
            where = f"{tree}/{self.words.all[folder % 40]}/{self.words.all[folder // 40 % 40]}/{self.words.all[folder % 5000]} {folder}"
            if number % PER_FOLDER == 0:
                os.makedirs(where, exist_ok=True)
            kind = kinds[number * 37 % 100]
            with open(f"{where}/{' '.join(self.words.some(2))} {number}.{kind}", "wb") as file:
                if not self.wanted.empty:
                    total += file.write(content(self.words, kind, samples))
        self.encbox("new", "--profile", "standard", "--iterations", "1000", self.volume)
        self.encbox("import", self.volume, tree, "/")
        shutil.rmtree(tree)
        print(f"{self.wanted.files} files, {total / 2**20:.0f} MiB")
        # so that nothing counts as changed just now
        time.sleep(0.2)

    def scan(self, label):
        output, seconds, memory = self.encbox("index", "--json", self.volume)
        done = json.loads(output.splitlines()[-1])["done"]
        print(f"{label}: {seconds:.2f} s, {memory} MiB of memory; {done['added']} new, {done['changed']} changed, {done['removed']} gone")
        return seconds

    def publish(self, label):
        """A rescan that publishes: what travels, and what it costs on top of the rescan."""
        output, seconds, memory = self.encbox("index", "--publish", "--json", self.volume)
        facts = json.loads(output.splitlines()[-2])["published"]
        print(f"{label}: {seconds:.2f} s with the scan, {memory} MiB; root {facts['root_bytes'] / 1000:.0f} kB, all "
              f"{facts['bytes'] / 1e6:.2f} MB in {facts['packs']} packs; {facts['new_packs']} new, "
              f"{facts['written_bytes'] / 1000:.0f} kB written")

    def beside(self):
        """EncFS mounts the volume, and head reads the beginning of every file."""
        mountpoint = self.path("mountpoint")
        os.mkdir(mountpoint)
        start = time.monotonic()
        subprocess.run(["encfs", "-S", "-o", "ro", self.volume, mountpoint], input=PASSWORD + "\n", text=True, check=True)
        try:
            find = ["find", mountpoint, "-type", "f", "-exec", "head", "-c", "4096", "{}", ";"]
            subprocess.run(find, check=True, stdout=subprocess.DEVNULL)
            return time.monotonic() - start
        finally:
            subprocess.run(["fusermount3", "-u", mountpoint], check=False)
            os.rmdir(mountpoint)

    def change(self, count):
        """New text in some files, as another machine would bring it."""
        found, _, _ = self.encbox("search", "--list", "-n", str(count), self.volume, "type:markdown")
        for path in found.decode().splitlines():
            argv = [ENCBOX, "import", "--force", "--password-file", self.password, self.volume, "-", path]
            subprocess.run(argv, input=f"# changed\n\n{' '.join(self.words.some(50))}\n".encode(), check=True,
                           stdout=subprocess.DEVNULL)
        time.sleep(0.2)

    def search(self):
        """Whole runs of the program, and what of that is not the search: a run with another command."""
        times, hits, memory = [], 0, 0
        for number in range(self.wanted.searches):
            question = [" ".join(self.words.some(1)), " ".join(self.words.some(2)), self.words.some(1)[0][:3],
                        f"type:md {self.words.some(1)[0]}", f'"{" ".join(self.words.some(1))}"'][number % 5]
            output, seconds, peak = self.encbox("search", "--json", self.volume, question)
            hits += json.loads(output)["count"]
            times.append(seconds)
            memory = max(memory, peak)
        opening = statistics.median(self.encbox("ls", self.volume, "/")[1] for _ in range(9))
        middle, slow = statistics.median(times), sorted(times)[len(times) * 95 // 100]
        print(f"search: median {1000 * (middle - opening):.1f} ms, 95th of a hundred {1000 * (slow - opening):.1f} ms, "
              f"with {1000 * opening:.1f} ms to open the volume on top; {hits / len(times):.0f} answers on average, {memory} MiB")

    def mounted(self):
        """From the end of a write in a mount with --index until a search finds the file."""
        mountpoint = self.path("mountpoint")
        os.makedirs(mountpoint, exist_ok=True)
        self.encbox("mount", "--index", self.volume, mountpoint)
        try:
            time.sleep(5)
            times = []
            for number in range(9):
                name = f"zyxomma{number}"
                with open(f"{mountpoint}/{name}.md", "w") as file:
                    file.write(f"# {name}\n")
                start = time.monotonic()
                while not self.encbox("search", "--list", self.volume, name)[0]:
                    pass
                times.append(time.monotonic() - start)
                time.sleep(1.5)
            print(f"mounted, from a write to an answer: median {statistics.median(times):.2f} s, at most {max(times):.2f} s")
        finally:
            subprocess.run(["fusermount3", "-u", mountpoint], check=False)
            time.sleep(3)

    def run(self):
        self.make()
        first = self.scan("first scan")
        status, _, _ = self.encbox("index", "--status", "--json", self.volume)
        print(f"on disk: {json.loads(status)['disk_bytes'] / 2**20:.1f} MiB")
        if not self.wanted.no_encfs:
            theirs = self.beside()
            print(f"encfs, find and head: {theirs:.2f} s, {theirs / first:.1f} times the first scan")
        self.scan("rescan without changes")
        self.publish("publishing")
        if not self.wanted.empty:
            self.change(10)
            self.publish("publishing after 10 changes")
            self.encbox("index", "--no-travel", self.volume)
            self.change(10)
            self.scan("rescan with 10 changes")
        self.search()
        if not self.wanted.no_encfs:
            self.mounted()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--empty", action="store_true", help="names alone")
    parser.add_argument("--no-encfs", action="store_true", help="leave the comparison out")
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--folder", help="where to work; needs some KiB a file")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="encbox-index-", dir=wanted.folder) as folder:
        Bench(folder, wanted).run()


if __name__ == "__main__":
    main()
