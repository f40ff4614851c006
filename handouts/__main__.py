"""`python -m handouts`: see `--help`."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

try:
    from handouts.build import build
    from handouts.editions import EDITIONS
    from handouts.package import needs
    from handouts.source import LessonError
except ModuleNotFoundError as missing:
    sys.exit(
        f"Handouts need the packages of requirements-dev.txt, and {missing.name} is not installed: "
        "`python3 course.py handouts` brings them, or `pip install -r requirements-dev.txt`."
    )

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line asks for; 0 when all went well, 1 after a sentence on what did not."""
    parser = argparse.ArgumentParser(
        prog="course.py handouts", description="Turn the lessons into pages."
    )
    parser.add_argument(
        "--edition",
        action="append",
        choices=[*EDITIONS, "all"],
        help="which edition (default: all)",
    )
    parser.add_argument(
        "--lesson",
        action="append",
        default=[],
        metavar="NN",
        help="only this lesson (may be repeated)",
    )
    parser.add_argument("--open", action="store_true", help="open the first page in the browser")
    parser.add_argument(
        "--notebooks", type=Path, default=ROOT / "notebooks", help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "handouts" / "build", help=argparse.SUPPRESS
    )
    given = parser.parse_args(arguments)
    names = given.edition or ["all"]
    chosen = [edition for name, edition in EDITIONS.items() if name in names or "all" in names]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="replace"
            )  # a console that lacks a letter is no reason to stop
    try:
        pages = build(
            given.notebooks,
            given.out,
            chosen,
            given.lesson,
            say=lambda line: print(line, flush=True),
            needs={} if given.lesson else needs(ROOT),
        )
    except (LessonError, RuntimeError) as error:
        print(f"No pages were written: {error}", file=sys.stderr)
        return 1
    first = pages[0] if given.lesson else given.out / chosen[0].name / "index.html"
    print(f"{len(pages)} pages are in {given.out}; begin with {first}")
    if given.open:
        webbrowser.open(first.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
