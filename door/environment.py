"""The course's own Python environment, `.venv`: made, checked at every start, mended when it is broken.

A stamp, written when everything is in place, says what was installed, for which Python and where. A start
that finds it true goes straight on; any other state is brought up to date, or made anew when it cannot be
trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from door import ROOT, Stop, say
from door.installation import install

ROOM_NEEDED = 1.5e9  # bytes: what .venv comes to, and what pip unpacks on its way there
# What would let a reader's other Pythons, Jupyters or Matplotlibs change what the lessons do.
FOREIGN = (
    "PYTHON",
    "JUPYTERLAB_",
    "JUPYTER_PATH",
    "JUPYTER_CONFIG",
    "JUPYTER_DATA",
    "MPLBACKEND",
    "MATPLOTLIBRC",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
)


def folder(root: Path = ROOT) -> Path:
    """The environment's folder."""
    return root / ".venv"


def interpreter(root: Path = ROOT) -> Path:
    """The environment's Python."""
    return folder(root) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def packages(root: Path = ROOT) -> Path:
    """Where the environment keeps its packages."""
    version = "python{}.{}".format(*sys.version_info[:2])
    return folder(root) / (
        "Lib/site-packages" if os.name == "nt" else f"lib/{version}/site-packages"
    )


def child_environment(root: Path = ROOT, config: Path | None = None) -> dict[str, str]:
    """Environment variables for what the door starts: UTF-8, the course's packages first, and nothing read
    from or written to the reader's own Jupyter, IPython or Matplotlib settings.

    `config` is the folder of Jupyter's settings; without it one in the environment.
    """
    state = folder(root) / "state"
    env = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)
    }
    env.update(
        PYTHONUTF8="1",
        PYTHONNOUSERSITE="1",
        PIP_USER="0",
        VIRTUAL_ENV=str(folder(root)),
        PATH=os.pathsep.join([str(interpreter(root).parent), env.get("PATH", os.defpath)]),
        JUPYTER_PREFER_ENV_PATH="1",
        JUPYTER_CONFIG_DIR=str(config or state / "config"),
        JUPYTER_DATA_DIR=str(state / "data"),
        IPYTHONDIR=str(state / "ipython"),
        MPLCONFIGDIR=str(state / "matplotlib"),
    )
    return env


def wanted(root: Path, full: bool) -> dict[str, str]:
    """What the stamp must say: `full` adds what only `test --full` needs."""

    def digest(name: str) -> str:
        return hashlib.sha256((root / name).read_bytes()).hexdigest()

    stamp = {
        "learner": digest("requirements.txt") + digest("pyproject.toml"),
        "python": "{}.{}".format(*sys.version_info[:2]),
        "platform": f"{platform.system()} {platform.machine()}",
        # Scripts and the link to `helpers` hold the path, so an environment does not survive a move.
        "folder": str(root),
    }
    return stamp | {"full": digest("requirements-dev.txt")} if full else stamp


def contents(root: Path) -> list[str]:
    """All that is installed, by name, to notice when some of it has gone."""
    places = packages(root), interpreter(root).parent
    return sorted(
        f"{place.name}/{entry.name}"
        for place in places
        for entry in place.iterdir()
        if entry.name != "__pycache__"
    )


def stamp_file(root: Path) -> Path:
    return folder(root) / "course.json"


def read_stamp(root: Path) -> dict:
    """The stamp, or an empty one where none can be read."""
    try:
        stamp = json.loads(stamp_file(root).read_text("utf-8"))
        return stamp if isinstance(stamp, dict) else {}
    except (OSError, ValueError):
        return {}


def runs(root: Path) -> bool:
    """Whether the environment's Python starts and is the version that started the door."""
    command = [
        str(interpreter(root)),
        "-IS",
        "-c",
        "import sys; print(*sys.version_info[:2], sep='.')",
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == wanted(root, False)["python"]


def ready(root: Path, full: bool) -> bool:
    """Whether everything that is wanted stands."""
    stamp = read_stamp(root)
    if any(stamp.get(name) != value for name, value in wanted(root, full).items()):
        return False
    try:
        return set(stamp.get("contents", ["?"])) <= set(contents(root)) and runs(root)
    except (OSError, TypeError):
        return False


def sound(root: Path) -> bool:
    """Whether the environment can be brought up to date as it stands: made here, for this Python, with all
    that its stamp (if it was ever finished) lists. One that `python3 -m venv .venv` made is sound too."""
    try:
        made_here = str(folder(root)) in (folder(root) / "pyvenv.cfg").read_text(
            "utf-8", errors="replace"
        )
        whole = set(read_stamp(root).get("contents", [])) <= set(contents(root))
    except OSError:
        return False
    return made_here and whole and runs(root) and complete(root)


def complete(root: Path) -> bool:
    """Whether pip and every file that the installed packages list are there: broken ones have holes."""
    check = (
        "import pip\n"
        "import importlib.metadata, sys\n"
        "for package in importlib.metadata.distributions():\n"
        "    files = [file for file in package.files or [] if file.suffix != '.pyc']\n"
        "    if not files or not all(file.locate().exists() for file in files):\n"
        "        sys.exit(1)"
    )
    command = [str(interpreter(root)), "-I", "-c", check]
    return subprocess.run(command, capture_output=True, env=child_environment(root)).returncode == 0


def create(root: Path) -> None:
    """A new, empty environment in place of whatever stands there."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Stop(
            "This Python cannot make an environment, because its `venv` is missing: install it "
            "(Debian and Ubuntu: `sudo apt install python3-venv`) and start again."
        )
    place = folder(root)
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        say(
            "The environment in .venv is not usable (moved, broken or from another Python): making it anew."
        )
        shutil.rmtree(place)
    free = shutil.disk_usage(root).free
    if free < ROOM_NEEDED:
        raise Stop(
            f"The disk is nearly full: the course needs {ROOM_NEEDED / 1e9:.1f} GB in {root}, and "
            f"{free / 1e9:.1f} GB are free; make room and start again."
        )
    place.mkdir()  # here, so that a folder that cannot be written is told apart
    # Started from inside an environment, sys.executable may be the very file that was removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    command = [python, "-m", "venv", str(place)]
    env = child_environment(root)
    made = subprocess.run(command, capture_output=True, text=True, errors="replace", env=env)
    if made.returncode != 0:
        lines = (made.stdout + made.stderr).strip().splitlines()
        raise Stop(
            "Python could not make the environment .venv; its last word was: "
            f"{lines[-1].strip() if lines else 'nothing'}"
        )


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold off a second start while this one installs. The lock is on a byte far beyond the end of course.py,
    so it leaves nothing behind, and it goes when the process does."""
    with open(root / "course.py", "rb") as file:
        told = False
        while not _locked(file.fileno()):
            if not told:
                say("Another start is setting up the course: waiting for it.")
                told = True
            time.sleep(0.5)
        yield


def _locked(descriptor: int) -> bool:
    """Try for the lock; a file system that knows no locks gives it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return sys.platform != "win32"
    return True


def ensure(full: bool = False, root: Path = ROOT) -> Path:
    """Make the environment ready, whatever state it is in.

    Parameters
    ----------
    full: also what only `test --full` needs
    root: the course's folder

    Returns
    -------
    the environment's Python

    Raises
    ------
    Stop: with the sentence that says what is missing
    """
    if ready(root, full):
        return interpreter(root)
    with alone(root):
        if ready(root, full):
            return interpreter(root)
        if not sound(root):
            create(root)
        stamp_file(root).unlink(missing_ok=True)
        requirements = root / ("requirements-dev.txt" if full else "requirements.txt")
        log = folder(root) / "install.log"
        install(interpreter(root), requirements, packages(root), log, child_environment(root))
        stamp = wanted(root, full) | {"contents": contents(root)}
        stamp_file(root).write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    return interpreter(root)
