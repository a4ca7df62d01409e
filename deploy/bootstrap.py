# -*- coding: utf-8 -*-
"""Make .venv and install a lock file into it; `python deploy/bootstrap.py local|dev|web|worker|gpu`.

Any Python, however old, can read this file and say which Python is needed. Prints nothing if there is nothing to do.
"""

import os
import subprocess
import sys

NEEDED, NOT_YET = (3, 11), (3, 14)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OWN = ("config", "submissions", "leaderboard", "workers")
CLIENT_WHEELS = os.path.join(VENV, "share", "client-wheels")
# Each lock file contains others: with `dev`, `local` is installed too.
CONTAINS = {"dev": ("dev", "local", "worker", "web"), "local": ("local", "worker", "web"), "worker": ("worker", "web")}


def fail(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def say(sentence):
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def find_python():
    """The path of this Python if it is suitable, else of the first suitable one on the PATH."""
    import shutil

    names = [sys.executable, "python3.13", "python3.12", "python3.11"]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in names:
        path = shutil.which(name) if name else None
        if path:
            try:
                answer = subprocess.check_output([path, "-c", ask], stderr=subprocess.DEVNULL).decode().strip()
                version = tuple(int(part) for part in answer.split("."))
            except (OSError, ValueError, subprocess.CalledProcessError):
                continue
            if NEEDED <= version < NOT_YET:
                return path
    fail(
        "Python 3.11, 3.12 or 3.13 is needed and this is %d.%d: install one (on Debian 12, apt install python3 "
        "python3-venv) or name one: make PYTHON=/path/to/python3.12 …" % sys.version_info[:2]
    )


def make_venv(python):
    if subprocess.call([python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL) != 0:
        fail("This Python (%s) cannot create virtual environments: on Debian, apt install python3-venv." % python)
    say("Creating .venv …")
    if subprocess.call([python, "-m", "venv", "--clear", VENV]) != 0:
        fail("The virtual environment could not be created; see above.")


def usable():
    return os.path.exists(PYTHON) and subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def stamp_of(lock):
    import hashlib

    with open(os.path.join(ROOT, "requirements", lock + ".txt"), "rb") as handle:
        return hashlib.sha256(handle.read()).hexdigest()


def stamp_path(lock):
    return os.path.join(VENV, "installed-" + lock)


def installed(lock):
    try:
        with open(stamp_path(lock)) as handle:
            return handle.read() == stamp_of(lock)
    except EnvironmentError:  # in Python 2 it differs from OSError
        return False


def install(lock):
    say("Installing requirements/%s.txt (a few minutes the first time) …" % lock)
    # --compile works despite PYTHONDONTWRITEBYTECODE. Without bytecode, TensorFlow takes seconds at each start.
    pip(lock, "install", "--compile")
    for contained in CONTAINS.get(lock, (lock,)):
        stamp(contained)


def fetch_client_wheels():
    """Download the wheels that the notebook client needs; the service offers them with its own."""
    import shutil

    shutil.rmtree(CLIENT_WHEELS, ignore_errors=True)  # so that no wheel of an older lock remains
    pip("client", "download", "--no-deps", "--only-binary", ":all:", "--dest", CLIENT_WHEELS)
    stamp("client")


def pip(lock, verb, *options):
    command = [PYTHON, "-m", "pip", verb, "--quiet", "--disable-pip-version-check"]
    command.extend(options)
    command += ["--require-hashes", "-r", os.path.join(ROOT, "requirements", lock + ".txt")]
    log = os.path.join(VENV, "install.log")
    with open(log, "wb") as output:
        code = subprocess.call(command, stdout=output, stderr=subprocess.STDOUT)
    if code != 0:
        with open(log, "rb") as output:
            lines = [line for line in output.read().decode("utf-8", "replace").splitlines() if "WARNING" not in line]
        say("\n".join(lines[-15:]))
        fail("The packages could not be installed; the full log is in %s." % log)


def stamp(lock):
    with open(stamp_path(lock), "w") as handle:
        handle.write(stamp_of(lock))


def main():
    if len(sys.argv) != 2:
        fail(__doc__.strip())
    import fcntl

    with open(os.path.join(ROOT, ".venv.lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # of two `make` at the same time, one installs and the other waits
        if not (installed(sys.argv[1]) and os.path.exists(PYTHON)):
            if not usable():
                make_venv(find_python())
            install(sys.argv[1])
        if not installed("client"):
            fetch_client_wheels()
        # With PYTHONDONTWRITEBYTECODE, each process would compile the project's files again.
        subprocess.call([PYTHON, "-m", "compileall", "-qq"] + [os.path.join(ROOT, name) for name in OWN])


if __name__ == "__main__":
    main()
