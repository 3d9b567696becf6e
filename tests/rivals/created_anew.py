#!/usr/bin/env python3
"""The encrypted files are there, the config is not yet: whoever mounts now, with the command of every day, gets a new volume
over the old one."""

import os
import subprocess

from stage import Stage, play


def scene(program):
    if not program.config:
        raise NotImplementedError("it has no config in the folder")
    with Stage(program) as stage:
        stage.here.write("report.md", b"years of work\n")
        stage.here.unmount()
        os.remove(os.path.join(stage.here.cipher, program.config))
        try:
            stage.here.mount()
        except subprocess.CalledProcessError as error:
            words = " ".join((error.output or "").split())
            return False, f"refused: {words[:150]}"
        shown = os.listdir(stage.here.point)
        if os.path.exists(os.path.join(stage.here.cipher, program.config)):
            return True, f"a new volume was made over the old files; the mount shows {shown}"
        return False, f"mounted without a config, showing {shown}"


play("A volume whose config has not arrived", scene)
