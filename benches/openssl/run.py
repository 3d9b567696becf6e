#!/usr/bin/env python3
"""Sets encbox beside OpenSSL, used as EncFS 1.9.5 uses it (blocks.c), on one core.

    benches/openssl/run.py [--rounds 11]

Compiles blocks.c against the system's libcrypto (Debian: libssl-dev), builds benches/beside.rs, and runs them in turn,
round after round, so that both meet the same disturbances. Prints the medians of the rounds and how many times faster
encbox is; the last rows set decryption in place beside a copy of memory. Fails where a row is below what is wanted
of it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MIB = 1 << 20

# How many times OpenSSL's speed is wanted.
WANTED = {
    "content/encrypt/AES-256 1024 MAC 0/1 MiB": 5.0,
    "content/encrypt/AES-256 4096 MAC 0/1 MiB": 4.5,
    "content/decrypt/AES-256 1024 MAC 0/1 MiB": 5.0,
    "content/decrypt/AES-256 4096 MAC 0/1 MiB": 3.3,
    "content/encrypt/AES-256 1024 MAC 8/1 MiB": 5.0,
    "content/encrypt/AES-256 4096 MAC 8/1 MiB": 4.5,
    "content/decrypt/AES-256 1024 MAC 8/1 MiB": 4.5,
    "content/decrypt/AES-256 4096 MAC 8/1 MiB": 4.0,
    "pbkdf2/AES-256": 2.0,
}
# Percent of a copy's speed that decryption without MAC is to reach.
WANTED_OF_COPY = 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        theirs = compile_theirs(Path(folder))
        ours = build_ours()
        samples = defaultdict(list), defaultdict(list)
        for _ in range(rounds):
            for command, rows in zip(([theirs, "short"], [ours, "--bench"]), samples):
                for row, nanoseconds in figures(command):
                    rows[row].append(nanoseconds)
    theirs, ours = ({row: statistics.median(times) for row, times in rows.items()} for rows in samples)
    print(subprocess.check_output(["openssl", "version"], text=True).strip())
    sys.exit(0 if all([table_beside_openssl(theirs, ours), table_beside_copy(ours)]) else 1)


def compile_theirs(folder):
    program = folder / "blocks"
    flags = ["-O2", "-Wall", "-Wextra", "-Wno-deprecated-declarations"]
    subprocess.run(["cc", *flags, "-o", program, HERE / "blocks.c", "-lcrypto", "-lm"], check=True)
    return program


def build_ours():
    """The path of the program that cargo built."""
    command = ["cargo", "bench", "--quiet", "--bench", "beside", "--no-run", "--message-format", "json"]
    output = subprocess.check_output(command, cwd=REPOSITORY, text=True)
    messages = map(json.loads, output.splitlines())
    return next(m["executable"] for m in messages if m.get("target", {}).get("name") == "beside" and m.get("executable"))


def figures(command):
    """Rows and their nanoseconds."""
    for line in subprocess.check_output(command, text=True).splitlines():
        row, nanoseconds, *_ = line.split("\t")
        yield row, float(nanoseconds.removesuffix(" ns"))


def table_beside_openssl(theirs, ours):
    """Whether every row is as fast as wanted."""
    print(f"\n{'':42} {'OpenSSL':>12} {'encbox':>12} {'times':>6} {'wanted':>7}")
    good = True
    for row, their in theirs.items():
        speed = (lambda ns: f"{1e3 / ns:.2f} M/s") if row.startswith("pbkdf2") else (lambda ns: f"{MIB / ns:.2f} GB/s")
        ratio, wanted = their / ours[row], WANTED.get(row)
        good &= ratio >= (wanted or 0)
        print(f"{row:42} {speed(their):>12} {speed(ours[row]):>12} {ratio:6.2f} {verdict(ratio, wanted)}")
    return good


def table_beside_copy(ours):
    """Whether decryption in place comes as near to a copy as wanted."""
    copy = ours["copy/64 MiB"]
    print(f"\n{'copy/64 MiB':42} {64 * MIB / copy:20.2f} GB/s")
    good = True
    for row in (row for row in ours if row.endswith("/64 MiB") and row.startswith("content")):
        percent, wanted = 100 * copy / ours[row], WANTED_OF_COPY if "MAC 0" in row else None
        good &= percent >= (wanted or 0)
        print(f"{row:42} {64 * MIB / ours[row]:20.2f} GB/s {percent:6.0f} % {verdict(percent, wanted)}")
    return good


def verdict(figure, wanted):
    if wanted is None:
        return ""
    return f"{wanted:>7}" + ("" if figure >= wanted else "  below")


if __name__ == "__main__":
    main()
