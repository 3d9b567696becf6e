#!/usr/bin/env python3
"""A file has arrived in part: what is read of it is not what was written, and nothing says so."""

import os

from stage import Stage, play

WHOLE = b"".join(b"line %06d of a text that is known\n" % number for number in range(2000))


def scene(program):
    with Stage(program) as stage:
        stage.here.write("other.txt", b"")
        arriving = stage.write_there("report.txt", WHOLE)
        stage.arrive(arriving, cut=lambda size: size // 2 + 5)
        stage.here.remount()
        try:
            read = stage.here.read("report.txt")
        except OSError as error:
            return False, f"reading it fails: {os.strerror(error.errno)}"
        if read == WHOLE[: len(read)]:
            words = "empty" if not read else f"{len(read)} right bytes of {len(WHOLE)}"
            return True, f"{words}, and no error"
        right = os.path.commonprefix([read, WHOLE])
        return True, f"garbage from byte {len(right)} of {len(read)} on, and no error"


play("A file that has half arrived", scene)
