#!/usr/bin/env python3
"""The mount point lies inside the encrypted folder, which a sync client keeps in step: it uploads the clear text."""

import os
import subprocess

from stage import Stage, play


def scene(program):
    with Stage(program) as stage:
        stage.here.unmount()
        inside = os.path.join(stage.here.cipher, "clear")
        os.makedirs(inside)
        stage.here.point = inside
        try:
            stage.here.mount()
        except (subprocess.CalledProcessError, TimeoutError) as error:
            words = " ".join((getattr(error, "output", None) or str(error)).split())
            return False, f"refused: {words[:150]}"
        return True, "mounted without a warning"


play("A mount point inside the encrypted folder", scene)
