#!/usr/bin/env python3
"""A file is open for writing; another machine's version is renamed into its place; then what is written through the
handle, synced and closed without an error, is nowhere."""

import os

from stage import Stage, play


def scene(program):
    with Stage(program) as stage:
        stage.here.write("report.md", b"the version before\n")
        arriving = stage.write_there("report.md", b"the other machine's version\n")
        handle = os.open(stage.here.path("report.md"), os.O_RDWR)
        stage.arrive(arriving)
        errors = []
        try:
            os.pwrite(handle, b"our edit of an hour\n", 0)
            os.fsync(handle)
        except OSError as error:
            errors.append(os.strerror(error.errno))
        try:
            os.close(handle)
        except OSError as error:
            errors.append(os.strerror(error.errno))
        stage.here.remount()
        kept = []
        for name in os.listdir(stage.here.point):
            if b"our edit of an hour" in stage.here.read(name):
                kept.append(name)
        if kept:
            return False, f"the edit is in {', '.join(kept)!r}"
        if errors:
            return False, f"the program is told: {', '.join(errors)}"
        return True, "write, fsync and close succeed, and the edit is gone"


play("An edit through a handle whose file was replaced by sync", scene)
