"""What the course stands on, and under which licences: `python -m tests.licences` lists every package of
requirements.txt that is installed here (`--dev`: of requirements-dev.txt too), with its version and licence."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from door.environment import pinned

ROOT = Path(__file__).resolve().parents[1]


def licence(name: str) -> str:
    """What an installed package says of its licence: its SPDX expression, else the classifiers, else the field.

    Raises
    ------
    PackageNotFoundError: when the package is not installed
    """
    about = metadata(name)
    expression, field = (
        str((about.get_all(key) or [""])[0]).strip() for key in ("License-Expression", "License")
    )
    classifiers = [
        line for line in about.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    named = ", ".join(line.split(" :: ")[-1] for line in classifiers)
    return expression or named or (field.splitlines()[0][:60] if field else "not stated")


def main() -> int:
    """Print the list and a count by licence."""
    parser = argparse.ArgumentParser(prog="python -m tests.licences", description=__doc__)
    parser.add_argument(
        "--dev", action="store_true", help="the packages that prove the course as well"
    )
    file = "requirements-dev.txt" if parser.parse_args().dev else "requirements.txt"
    names = [
        re.split(r"[=; ]", line)[0] for line in pinned(ROOT / file) if not line.startswith("-")
    ]
    found: list[tuple[str, str, str]] = []
    for name in sorted(names):
        try:
            found.append((name, metadata(name)["Version"], licence(name)))
        except PackageNotFoundError:
            found.append((name, "", "not for this machine"))
    width = max(len(name) for name, _, _ in found)
    print("\n".join(f"{name:{width}}  {version:12}  {said}" for name, version, said in found))
    print(
        "\n"
        + "\n".join(
            f"{count:4}  {said}" for said, count in Counter(row[2] for row in found).most_common()
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
