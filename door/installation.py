"""Installing with pip: signs of life while it works, its account in a log, one sentence when it fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from door import WHEELS, Stop, say

# What pip's account says (in lower case), and what it means. The first that is found counts: without a
# network, pip also claims that "no matching distribution" exists.
TROUBLES = (
    (
        (
            "no space left on device",
            "errno 28",
            "disk quota exceeded",
            "not enough space on the disk",
        ),
        "The disk is full: make room (the course needs about 1.5 GB while it installs) and start again.",
    ),
    (
        (
            "newconnectionerror",
            "name resolution",
            "getaddrinfo failed",
            "connecttimeout",
            "readtimeout",
            "max retries",
            "network is unreachable",
            "proxyerror",
            "connection refused",
            "connection broken",
            "nodename nor servname",
            "remotedisconnected",
            "connectionreseterror",
            "connection reset",
            "(from versions: none)",
        ),
        "The packages cannot be fetched, because no package server answers: check the network (or its proxy) "
        "and start again; what was fetched is kept.",
    ),
    (
        ("permission denied", "errno 13", "access is denied", "read-only file system"),
        "A file in .venv cannot be written: close JupyterLab and whatever else uses it, check that the folder "
        "is yours, and start again.",
    ),
)


def install(
    python: Path, requirements: Path, packages: Path, log: Path, env: dict[str, str]
) -> None:
    """Install `requirements` with pip.

    Parameters
    ----------
    python: the environment's Python
    requirements: the file that pins every package
    packages: the folder that fills while pip works, for counting
    log: where pip's account goes
    env: environment variables for pip

    Raises
    ------
    Stop: with the reason, when pip fails
    """
    total = len(pinned(requirements))
    begun = time.monotonic()
    say(f"Setting up the course in .venv: about {total} packages, once, a few minutes.")
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--no-color",
        "--progress-bar",
        "off",
        "-r",
        str(requirements),
    ]
    if (requirements.parent / WHEELS).is_dir():
        command += ["--no-index", "--find-links", str(requirements.parent / WHEELS)]
    # From the folder of the requirements, because "-e ." in them means that folder.
    with (
        open(log, "w", encoding="utf-8") as account,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=env,
            cwd=requirements.parent,
        ) as pip,
    ):
        progress = Progress(total, packages)
        with progress:
            assert pip.stdout is not None
            for line in pip.stdout:
                account.write(line)
                account.flush()
                progress.hear(line)
    if pip.returncode != 0:
        raise Stop(reason(log.read_text("utf-8", errors="replace"), log))
    say(f"Ready after {time.monotonic() - begun:.0f} s.")


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
    heard = account.lower()
    for signs, sentence in TROUBLES:
        if any(sign in heard for sign in signs):
            return sentence
    lines = [line.strip() for line in account.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    last = (errors or lines or ["nothing"])[-1]
    where = f" (its full account is in {log})" if log else ""
    return f'The packages could not be installed; pip says "{last}"{where}.'


class Progress:
    """A line that says how far pip is: renewed each second on a terminal, else every ten seconds."""

    def __init__(self, total: int, packages: Path) -> None:
        self.total, self.packages = total, packages
        self.live = sys.stdout.isatty()
        self.collected, self.installing = 0, False
        self.begun, self.over = time.monotonic(), threading.Event()
        self.ticker = threading.Thread(target=self.tick, daemon=True)

    def __enter__(self) -> Progress:
        self.ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.ticker.join()
        if self.live:
            print("\r" + " " * 60 + "\r", end="", flush=True)

    def hear(self, line: str) -> None:
        """Take in one line of pip's account."""
        self.collected += line.startswith("Collecting ")
        self.installing = self.installing or line.startswith("Installing collected packages")

    def sentence(self) -> str:
        """How far pip is, now."""
        done = (
            sum(1 for _ in self.packages.glob("*.dist-info")) if self.installing else self.collected
        )
        what = "installed" if self.installing else "found and fetched"
        seconds = time.monotonic() - self.begun
        return f"  {min(done, self.total)} of {self.total} packages {what} ({seconds:.0f} s)"

    def tick(self) -> None:
        """Say how far it is until it is over."""
        while not self.over.wait(1 if self.live else 10):
            if self.live:
                print("\r" + self.sentence().ljust(60), end="", flush=True)
            else:
                say(self.sentence())
