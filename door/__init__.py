"""What `course.py` does: make the environment, hand out lessons, run them. Standard library only, but for
`door.execution` and `door.bundle`, which run inside the environment."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = (
    "wheels"  # a folder of packages beside the requirements; where it stands, no network is asked
)


class Stop(Exception):
    """The door cannot go on; the message is the one sentence that says why and what would do."""


def say(message: str) -> None:
    """Tell the reader at once, also when the output is a file."""
    print(message, flush=True)
