"""What `course.py` does: make the environment, hand out lessons, run them. Standard library only, except for
`door.execution` and `door.bundle`, which run inside the environment."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTED = ("3.11", "3.12", "3.13", "3.14")  # the Pythons that the course is tested with
WHEELS = "wheels"  # a folder of packages beside the requirements: with it, no network is needed


class Stop(Exception):
    """The command cannot go on; the message is the one sentence that says why and what would help."""


def say(message: str) -> None:
    """Print at once, also when the output is a file."""
    print(message, flush=True)
