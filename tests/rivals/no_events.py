#!/usr/bin/env python3
"""A program watches a file in the mount, as editors and builds do (inotify): when another machine's version arrives, no
event tells it."""

import ctypes
import os
import select
import time

from stage import Stage, play

WAIT = 5  # seconds
ALL_BUT_ACCESS = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
NAMES = {0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE"}
NAMES |= {0x200: "DELETE", 0x400: "DELETE_SELF", 0x800: "MOVE_SELF"}


def scene(program):
    with Stage(program) as stage:
        stage.here.write("report.md", b"the version before\n")
        arriving = stage.write_there("report.md", b"the other machine's version\n")
        libc = ctypes.CDLL(None, use_errno=True)
        inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for path in (stage.here.point, stage.here.path("report.md")):
            if libc.inotify_add_watch(inotify, path.encode(), ALL_BUT_ACCESS) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch")
        stage.here.read("report.md")
        time.sleep(0.5)
        drain(inotify)
        start = time.monotonic()
        stage.arrive(arriving)
        ready, _, _ = select.select([inotify], [], [], WAIT)
        took = time.monotonic() - start
        events = drain(inotify) if ready else []
        os.close(inotify)
        if events:
            return False, f"{', '.join(sorted(set(events)))} after {1000 * took:.0f} ms"
        return True, f"no event in {WAIT} seconds"


def drain(inotify):
    events = []
    try:
        while data := os.read(inotify, 1 << 16):
            while data:
                mask, length = int.from_bytes(data[4:8], "little"), int.from_bytes(data[12:16], "little")
                events += [name for bit, name in NAMES.items() if mask & bit]
                data = data[16 + length :]
    except BlockingIOError:
        pass
    return events


play("Events when a version arrives", scene)
