#!/usr/bin/env python3
"""A sync client sets a second version of a file beside the first, with a mark behind its encrypted name: in the mount there
is no sign of it."""

import os
import shutil

from stage import Stage, changed, play

MARK = " (pc's conflicted copy 2026-11-22)"


def scene(program):
    with Stage(program) as stage:
        empty = os.path.join(stage.folder, "empty")
        shutil.copytree(stage.here.cipher, empty)
        stage.here.write("report.md", b"one version\n")
        stage.here.unmount()  # so that everything is on disk
        (name,) = changed(empty, stage.here.cipher)
        path = os.path.join(stage.here.cipher, name)
        shutil.copy2(path, path + MARK)
        stage.here.mount()
        shown = [name for name in os.listdir(stage.here.point) if name != "report.md"]
        readable = [name for name in shown if stage.here.read(name) == b"one version\n"]
        if readable:
            return False, f"shown as {readable[0]!r}"
        return True, "the conflicted copy is hidden" if not shown else f"shown as {shown}, and cannot be read"


play("Conflicted copies", scene)
