"""The course's own Python environment, `.venv`: made, checked at every start, repaired when it is broken.

A stamp, written last, says what was installed, for which Python and where. A start that finds it true goes straight
on; any other state is brought up to date, or made anew when it cannot be trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from door import ROOT, TESTED, WHEELS, Stop, say

SPACE_NEEDED = 1.5e9  # bytes: what .venv comes to, and what pip unpacks on its way there
VERSION = "{}.{}".format(*sys.version_info[:2])
# Variables that would let a reader's other Pythons, Jupyters or Matplotlibs change what the lessons do.
FOREIGN = tuple(
    "PYTHON JUPYTERLAB_ JUPYTER_PATH JUPYTER_CONFIG JUPYTER_DATA MPLBACKEND MATPLOTLIBRC "
    "PIP_TARGET PIP_PREFIX PIP_ROOT CONDA_PREFIX __PYVENV_LAUNCHER__".split()
)
# What to look for in pip's account, and what it means. The first that is found counts: without a network, pip
# also claims that "no matching distribution" exists.
TROUBLES = {
    r"no space left on device|errno 28|disk quota exceeded|not enough space on the disk": (
        "The disk is full: make room (the course needs about 1.5 GB while it installs) and start again."
    ),
    r"newconnectionerror|name resolution|getaddrinfo failed|nodename nor servname|connecttimeout|readtimeout"
    r"|max retries|network is unreachable|proxyerror|connection refused|connection broken|connection reset"
    r"|connectionreseterror|remotedisconnected|from versions: none": (
        "The packages cannot be fetched, because no package server answers: check the network (or its proxy) "
        "and start again; what was fetched is kept."
    ),
    r"permission denied|errno 13|access is denied|read-only file system": (
        "A file in .venv cannot be written: close JupyterLab and whatever else uses it, check that the folder "
        "is yours, and start again."
    ),
}


class Environment:
    """The environment of the course in the folder `root`."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.folder = root, root / ".venv"
        windows = os.name == "nt"
        self.python = self.folder / ("Scripts/python.exe" if windows else "bin/python")
        library = "Lib" if windows else f"lib/python{VERSION}"
        self.packages = self.folder / library / "site-packages"
        self.stamp = self.folder / "course.json"

    def variables(self, config: Path | None = None) -> dict[str, str]:
        """Environment variables for every program that is started: UTF-8, the course's packages first, nothing of the
        reader's own Jupyter, IPython or Matplotlib settings; those of Jupyter are in `config` or the environment."""
        state, ours = self.folder / "state", os.environ.items()
        env = {name: value for name, value in ours if not name.upper().startswith(FOREIGN)}
        path = os.pathsep.join([str(self.python.parent), env.get("PATH", os.defpath)])
        pip = "PIP_NO_INPUT PIP_NO_COLOR PIP_DISABLE_PIP_VERSION_CHECK"
        on = f"PYTHONUTF8 PYTHONNOUSERSITE JUPYTER_PREFER_ENV_PATH {pip}".split()
        env |= dict.fromkeys(on, "1") | {"PIP_USER": "0", "PIP_PROGRESS_BAR": "off"}
        return env | {
            "VIRTUAL_ENV": str(self.folder),
            "PATH": path,
            "JUPYTER_CONFIG_DIR": str(config or state / "config"),
            "JUPYTER_DATA_DIR": str(state / "data"),
            "IPYTHONDIR": str(state / "ipython"),
            "MPLCONFIGDIR": str(state / "matplotlib"),
        }

    def expected(self, full: bool) -> dict[str, str]:
        """What the stamp must say: `full` adds what only `test --full` and the pages need."""

        def digest(*names: str) -> str:
            files = [(self.root / name).read_bytes() for name in names]
            return " ".join(hashlib.sha256(content).hexdigest() for content in files)

        stamp = {
            "learner": digest("requirements.txt", "pyproject.toml", "fewgroups/pyproject.toml"),
            "python": VERSION,
            "platform": f"{platform.system()} {platform.machine()}",
            # Scripts and the links to `helpers` and `fewgroups` hold the path: a move breaks them.
            "folder": str(self.root),
        }
        return stamp | {"full": digest("requirements-dev.txt")} if full else stamp

    def contents(self) -> set[str]:
        """What is installed, by name, two levels deep: enough to notice a package that is gone or was emptied,
        at the cost of a few hundredths of a second."""
        places = self.packages, self.python.parent
        found = [path for place in places for depth in ("*", "*/*") for path in place.glob(depth)]
        names = {path.relative_to(self.folder).as_posix() for path in found}
        return {name for name in names if "__pycache__" not in name}

    def stamped(self) -> dict:
        """What the stamp says: nothing where none can be read."""
        try:
            stamp = json.loads(self.stamp.read_text("utf-8"))
            return stamp if isinstance(stamp.get("contents"), list) else {}
        except (OSError, ValueError, AttributeError):
            return {}

    def runs(self, *arguments: str) -> bool:
        """Whether the environment's Python runs with `arguments` and without an error."""
        command = [str(self.python), *arguments]
        try:
            answer = subprocess.run(command, capture_output=True, timeout=300, env=self.variables())
        except (OSError, subprocess.TimeoutExpired):
            return False
        return answer.returncode == 0

    def intact(self) -> bool:
        """Whether the environment's Python is this one's version, and nothing that its stamp lists has gone."""
        same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        whole = self.contents().issuperset(self.stamped().get("contents", []))
        return whole and self.runs("-IS", "-c", same)

    def ready(self, full: bool) -> bool:
        """Whether all that is expected is there."""
        return self.stamped().items() >= self.expected(full).items() and self.intact()

    def usable(self) -> bool:
        """Whether the environment can be brought up to date as it is: made here, intact, with pip and with every
        file that its packages list. One that `python3 -m venv .venv` made is usable too."""
        check = (
            "import csv, pip, sysconfig\n"
            "from importlib.metadata import distributions\n"
            "for package in distributions(path=[sysconfig.get_path('purelib')]):\n"
            "    names = [row[0] for row in csv.reader(package.read_text('RECORD').splitlines())]\n"
            "    files = [package.locate_file(name) for name in names if not name.endswith('.pyc')]\n"
            "    assert files and all(file.exists() for file in files)"
        )
        try:
            config = (self.folder / "pyvenv.cfg").read_text("utf-8", errors="replace")
        except OSError:
            return False
        return str(self.folder) in config and self.intact() and self.runs("-I", "-c", check)

    def create(self) -> None:
        """A new, empty environment in place of whatever is there. Raises Stop when it cannot be made."""
        if any(importlib.util.find_spec(name) is None for name in ("ensurepip", "venv")):
            raise Stop(
                "This Python cannot make an environment, because its `venv` is missing: install it "
                "(Debian and Ubuntu: `sudo apt install python3-venv`) and start again."
            )
        if self.folder.is_symlink() or self.folder.is_file():
            self.folder.unlink()
        elif self.folder.exists():
            say("Making .venv anew: it was moved, is broken, or is from another Python.")
            shutil.rmtree(self.folder)
        free = shutil.disk_usage(self.root).free
        if free < SPACE_NEEDED:
            raise Stop(
                f"The disk is nearly full: the course needs {SPACE_NEEDED / 1e9:.1f} GB in {self.root}, and "
                f"{free / 1e9:.1f} GB are free; make room and start again."
            )
        self.folder.mkdir()  # here, so that a folder that cannot be written is told apart
        # Started from inside an environment, sys.executable may be the very file that was removed.
        python = getattr(sys, "_base_executable", None) or sys.executable
        command, env = [python, "-m", "venv", str(self.folder)], self.variables()
        made = subprocess.run(command, capture_output=True, text=True, errors="replace", env=env)
        if made.returncode != 0:
            last = (made.stdout + made.stderr).strip().rpartition("\n")[-1] or "nothing"
            raise Stop(f"Python could not make the environment .venv; its last word was: {last}")

    def install(self, full: bool) -> None:
        """Install what is required, its account in a log, and say now and then how far it is. Raises Stop with the
        reason when pip fails."""
        requirements = self.root / ("requirements-dev.txt" if full else "requirements.txt")
        log, total = self.folder / "install.log", len(pinned(requirements))
        say(f"Setting up the course in .venv: about {total} packages, once, a few minutes.")
        begun = time.monotonic()
        command = [str(self.python), "-m", "pip", "install", "-r", str(requirements)]
        if (self.root / WHEELS).is_dir():
            command += ["--no-index", "--find-links", str(self.root / WHEELS)]
        with open(log, "wb") as out:
            # From the folder of the requirements, because "-e ." in them means that folder.
            where, env = self.root, self.variables()
            pip = subprocess.Popen(command, stdout=out, stderr=out, cwd=where, env=env)
            while pip.poll() is None:
                try:
                    pip.wait(10)
                except subprocess.TimeoutExpired:
                    say(f"  {self.progress(log, total)} ({time.monotonic() - begun:.0f} s)")
        if pip.returncode != 0:
            raise Stop(reason(log.read_text("utf-8", errors="replace"), log))
        say(f"Ready after {time.monotonic() - begun:.0f} s.")

    def progress(self, log: Path, total: int) -> str:
        """How far pip is, by its account and by what is there."""
        account = log.read_text("utf-8", errors="replace")
        if "Installing collected packages" in account:
            there = len(list(self.packages.glob("*.dist-info")))
            return f"{min(there, total)} of {total} packages installed"
        return f"{min(account.count('Collecting '), total)} of {total} packages fetched"


def pinned(requirements: Path) -> list[str]:
    """The requirement lines of a file and of the files that it includes."""
    lines = []
    for line in requirements.read_text("utf-8").splitlines():
        if line.startswith("-r "):
            lines += pinned(requirements.parent / line[3:].strip())
        elif line.strip() and not line.startswith("#"):
            lines.append(line.strip())
    return lines


def reason(account: str, log: Path | None = None) -> str:
    """The sentence that pip's account comes to; `log` is the file that keeps it, if one does."""
    for signs, sentence in TROUBLES.items():
        if re.search(signs, account, re.IGNORECASE):
            return sentence
    lines = [line.strip() for line in account.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    last = (errors or lines or ["nothing"])[-1]
    where = f" (its full account is in {log})" if log else ""
    return f'The packages could not be installed; pip says "{last}"{where}.'


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold off a second start while this one installs. The lock is on a byte far beyond the end of course.py,
    so it leaves nothing behind, and it goes when the process does."""
    with open(root / "course.py", "rb") as file:
        if not _locks(file.fileno()):
            say("Another start is setting up the course: waiting for it.")
            while not _locks(file.fileno()):
                time.sleep(0.5)
        yield


def _locks(descriptor: int) -> bool:
    """Try for the lock; on a file system without locks it is always granted."""
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


def ensure(full: bool = False, root: Path = ROOT) -> Environment:
    """The environment of the course in `root`, ready, whatever state it was in.

    `full` adds what only `test --full` and the pages need. Raises Stop with the sentence that says what is missing.
    """
    there = Environment(root)
    if there.ready(full):
        return there
    with locked(root):
        if there.ready(full):
            return there
        if VERSION not in TESTED:
            newest = f"the newest that the course was tested with is {TESTED[-1]}"
            say(f"This is Python {VERSION}, and {newest}: if anything fails, use that one.")
        if not there.usable():
            there.create()
        there.stamp.unlink(missing_ok=True)
        there.install(full)
        stamp = there.expected(full) | {"contents": sorted(there.contents())}
        there.stamp.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    return there
