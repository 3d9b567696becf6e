"""The stage for every script here: a volume of each program, mounted, and a second machine that syncs into it.

The second machine is a copy of the ciphertext folder, mounted elsewhere. What it writes travels as a sync client brings
it: each file that changed is written beside the first machine's folder and renamed into place.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

PASSWORD = "correct horse battery staple"
PATIENCE = 20  # seconds


class Program:
    """A program that mounts ciphertext folders."""

    name = ""
    config = None  # the file in the ciphertext folder without which nothing opens
    needs = ()

    def __init__(self):
        self.command = self.name

    def missing(self):
        """What is not installed."""
        return [need for need in (self.command, *self.needs) if not shutil.which(need)]

    def create(self, cipher):
        """Makes a volume in an empty folder, where that is a step of its own."""

    def mount(self, cipher, point):
        """Mounts; fails if the program does."""
        raise NotImplementedError

    def unmount(self, point):
        run(["fusermount3" if shutil.which("fusermount3") else "fusermount", "-u", point])


class EncFS(Program):
    name, config = "encfs", ".encfs6.xml"

    def mount(self, cipher, point):
        run(["encfs", "--standard", "--stdinpass", cipher, point], PASSWORD + "\n")


class Gocryptfs(Program):
    name, config = "gocryptfs", "gocryptfs.conf"

    def create(self, cipher):
        run(["gocryptfs", "-q", "-init", "-scryptn", "10", "-extpass", f"echo {PASSWORD}", cipher])

    def mount(self, cipher, point):
        run(["gocryptfs", "-q", "-extpass", f"echo {PASSWORD}", cipher, point])


class Securefs(Program):
    name, config = "securefs", ".securefs.json"

    def create(self, cipher):
        run(["securefs", "create", "--pass", PASSWORD, "-r", "1", cipher])

    def mount(self, cipher, point):
        run(["securefs", "mount", "-b", "--pass", PASSWORD, cipher, point])


class Rclone(Program):
    name = "rclone"

    def mount(self, cipher, point):
        password = run(["rclone", "obscure", PASSWORD]).stdout.strip()
        setting = {"TYPE": "crypt", "REMOTE": cipher, "PASSWORD": password}
        environment = {f"RCLONE_CONFIG_RIVAL_{key}": value for key, value in setting.items()}
        words = ["rclone", "mount", "--daemon", "--vfs-cache-mode", "writes", "--dir-cache-time", "1s"]
        run([*words, "rival:", point], environment=environment)


class Encbox(Program):
    """For comparison: what the tests of this repository hold it to."""

    name, config = "encbox", ".encfs6.xml"

    def __init__(self):
        self.command = os.environ.get("ENCBOX", "encbox")

    def encbox(self, *words):
        # the state of the two machines is two folders; a word at the end is the folder that they are about
        machine = os.path.dirname(words[-2] if words[0] == "mount" else words[-1])
        environment = {"ENCBOX_STATE_DIR": os.path.join(machine, "state")}
        return run([self.command, *words], PASSWORD + "\n", environment)

    def create(self, cipher):
        self.encbox("new", "-q", "--password-stdin", "--iterations", "1000", cipher)

    def mount(self, cipher, point):
        self.encbox("mount", "--password-stdin", cipher, point)

    def unmount(self, point):
        self.encbox("unmount", "--wait", "10", point)


RIVALS = [EncFS, Gocryptfs, Securefs, Rclone]


def run(command, text=None, environment=None):
    """Runs a program to its end, which must be a good one."""
    environment = {**os.environ, **(environment or {})}
    # a daemon that keeps our pipes open must not keep us: output goes to a file
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(
            command, input=text, text=True, stdout=out, stderr=subprocess.STDOUT, env=environment, timeout=PATIENCE
        )
        out.seek(0)
        done.stdout = out.read()
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done


class Machine:
    """A ciphertext folder and a mount of it."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.cipher, self.point = os.path.join(folder, "cipher"), os.path.join(folder, "clear")
        os.makedirs(self.point)

    def path(self, name):
        return os.path.join(self.point, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def mount(self):
        self.program.mount(self.cipher, self.point)
        wait_for(lambda: os.path.ismount(self.point), "the mount")

    def unmount(self):
        for _ in range(100):
            if not os.path.ismount(self.point):
                return
            try:
                self.program.unmount(self.point)
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        subprocess.run(["umount", "-l", self.point], check=False)

    def remount(self):
        self.unmount()
        self.mount()


class Stage:
    """Two machines that use one volume. `with Stage(program) as stage:`"""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix=f"rivals-{self.program.name}-")
        self.here = Machine(self.program, os.path.join(self.folder, "here"))
        self.there = Machine(self.program, os.path.join(self.folder, "there"))
        os.makedirs(self.here.cipher)
        self.program.create(self.here.cipher)
        self.here.mount()
        return self

    def __exit__(self, *_):
        for machine in (self.here, self.there):
            machine.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_there(self, name, data):
        """Writes a file on the other machine; gives the ciphertext files that have to travel."""
        sync_files()
        shutil.rmtree(self.there.cipher, ignore_errors=True)
        shutil.copytree(self.here.cipher, self.there.cipher, symlinks=True)
        self.there.mount()
        # as editors do: a file with this name that is new
        self.there.write(name + ".new", data)
        os.rename(self.there.path(name + ".new"), self.there.path(name))
        self.there.unmount()
        return changed(self.here.cipher, self.there.cipher)

    def arrive(self, names, cut=None):
        """Brings ciphertext files here, whole or cut after so many bytes."""
        for name in names:
            beside = os.path.join(self.folder, "arriving")
            shutil.copy2(os.path.join(self.there.cipher, name), beside)
            if cut is not None:
                os.truncate(beside, cut(os.path.getsize(beside)))
            target = os.path.join(self.here.cipher, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(beside, target)


def changed(old, new):
    """The paths of files that are new or other in the second of two folders."""
    found = []
    for top, _, names in os.walk(new):
        for name in names:
            path = os.path.relpath(os.path.join(top, name), new)
            before, now = os.path.join(old, path), os.path.join(new, path)
            if not os.path.exists(before) or read(before) != read(now):
                found.append(path)
    return sorted(found)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sync_files():
    os.sync()


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def play(title, scene):
    """Plays a scene with every rival that is installed, and with encbox. A scene returns whether the failure was seen, and
    what was seen in words. Ends with 1 if encbox failed."""
    print(f"\n{title}")
    status = 0
    for kind in [*RIVALS, Encbox]:
        program = kind()
        missing = program.missing()
        if missing:
            print(f"  {program.name:<10} *** NOT SHOWN: {', '.join(missing)} is not installed ***")
            continue
        try:
            failed, words = scene(program)
        except NotImplementedError as error:
            print(f"  {program.name:<10} does not apply: {error}")
            continue
        except Exception as error:  # pylint: disable=broad-except
            output = getattr(error, "output", None)
            print(f"  {program.name:<10} *** NOT SHOWN: {error} {output or ''} ***")
            status |= program.name == "encbox"
            continue
        print(f"  {program.name:<10} {'FAILS' if failed else 'holds'}: {words}")
        status |= failed and program.name == "encbox"
    sys.exit(status)
