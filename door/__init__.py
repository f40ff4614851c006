"""What `course.py` does: make the environment, hand out lessons, run them. Standard library only, but for
`door.execution`, which runs inside the environment."""
from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Stop(Exception):
    """The door cannot go on; the message is the one sentence that says why and what would do."""


def say(message: str) -> None:
    """Tell the reader at once, also when the output is a file."""
    print(message, flush=True)
