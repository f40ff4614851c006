"""One folder for a room without network: the course, the packages (`wheels/`) and the handouts. Runs in the course's
environment, started by `course.py bundle`.

Every package is pinned, the whole tree, so each line of requirements.txt is fetched by itself: for this machine, or for
the others of the class. Where a folder `wheels/` stands beside the requirements, setting up takes packages from there
and asks no network (`door.installation`).
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from door import ROOT, WHEELS, Stop, say
from door.installation import pinned, reason

VERSIONS = ("3.11", "3.12", "3.13")
# What a wheel may be made for, newest first: pip takes the tags as they are given.
LINUX = [f"manylinux_2_{minor}" for minor in range(34, 4, -1)] + ["manylinux2014", "manylinux2010"]
SYSTEMS = {
    "windows": ("win32", "nt", "Windows", "AMD64", ["win_amd64"]),
    "macos-arm": (
        "darwin",
        "posix",
        "Darwin",
        "arm64",
        [f"macosx_{n}_0_arm64" for n in range(15, 10, -1)],
    ),
    "macos-intel": (
        "darwin",
        "posix",
        "Darwin",
        "x86_64",
        [f"macosx_{n}_0_x86_64" for n in range(15, 10, -1)],
    ),
    "linux": ("linux", "posix", "Linux", "x86_64", [f"{tag}_x86_64" for tag in LINUX]),
    "linux-arm": ("linux", "posix", "Linux", "aarch64", [f"{tag}_aarch64" for tag in LINUX]),
}
# Made by running the course, or by whoever changes it: none of it belongs in the folder.
MADE_HERE = {
    ".git",
    ".venv",
    "my_lessons",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".ipynb_checkpoints",
    WHEELS,
}


def here() -> str:
    """The name of this machine's kind of system.

    Raises
    ------
    Stop: when it is none of SYSTEMS
    """
    for name, (kind, _, _, machine, _) in SYSTEMS.items():
        if sys.platform == kind and platform.machine() == machine:
            return name
    raise Stop(
        f"This machine ({sys.platform}, {platform.machine()}) is none of {', '.join(SYSTEMS)}: "
        "say with --for which machines the folder is for."
    )


def wanted(lines: list[str], system: str, version: str) -> list[str]:
    """The pinned lines that a machine of this kind with this Python needs, without their conditions."""
    kind, name, title, machine, _ = SYSTEMS[system]
    full = f"{version}.0"
    there: dict[str, str] = {
        **{key: str(value) for key, value in default_environment().items()},
        "sys_platform": kind,
        "os_name": name,
        "platform_system": title,
        "platform_machine": machine,
        "python_version": version,
        "python_full_version": full,
        "implementation_version": full,
    }
    parsed = [Requirement(line) for line in lines if not line.startswith("-")]
    return [
        f"{line.name}{line.specifier}"
        for line in parsed
        if line.marker is None or line.marker.evaluate(there)
    ]


def fetch(lines: list[str], system: str, version: str, wheels: Path) -> None:
    """Fetch the wheels of `lines` for one kind of machine and Python into `wheels`.

    Raises
    ------
    Stop: with the reason, when pip fails
    """
    say(f"Packages for {system}, Python {version}")
    abi = "cp" + version.replace(".", "")
    options = [
        "--no-deps",
        "--only-binary",
        ":all:",
        "--implementation",
        "cp",
        "--python-version",
        version,
    ]
    for tag in (abi, "abi3", "none"):
        options += ["--abi", tag]
    for tag in SYSTEMS[system][-1]:
        options += ["--platform", tag]
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("\n".join(wanted(lines, system, version)) + "\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-input",
            "--disable-pip-version-check",
            "--no-color",
            "--progress-bar",
            "off",
            "--dest",
            str(wheels),
            "--requirement",
            str(requirements),
            *options,
        ]
        made = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
        if made.returncode != 0:
            raise Stop(reason(made.stdout + made.stderr))


def builder(root: Path) -> list[str]:
    """What pip needs to build the course's own package."""
    return list(
        tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    )


def copy(root: Path, place: Path) -> None:
    """The course as it stands, without what running it has made; the handouts that were built go with it."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        unwanted = {name for name in names if name in MADE_HERE or name.endswith(".egg-info")}
        return unwanted | {
            name for name in names if (Path(folder) / name).resolve() == place.resolve()
        }

    shutil.copytree(root, place, ignore=left_out)


def bundle(place: Path, systems: list[str], versions: list[str], root: Path = ROOT) -> None:
    """Make the folder `place`, whole or not at all.

    Raises
    ------
    Stop: when `place` exists already, or a package cannot be fetched
    """
    if place.exists():
        raise Stop(f"{place} is there already: name another folder, or remove it first.")
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        copy(root, part)
        lines = pinned(root / "requirements.txt") + builder(root)
        for system in systems:
            for version in versions:
                fetch(lines, system, version, part / WHEELS)
        os.replace(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    say(
        f"{place} is ready ({size / 1e6:.0f} MB). Copy it to each machine; there, `python3 course.py lab` (Windows: "
        "`py course.py lab`) sets up from it without a network, and handouts/build holds the pages."
    )


def main(arguments: list[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(
        prog="course.py bundle", description="One folder for a room without network."
    )
    parser.add_argument("folder", type=Path, help="where to make it")
    parser.add_argument(
        "--for",
        dest="systems",
        action="append",
        choices=SYSTEMS,
        help="kind of machine (may be repeated; default: this one)",
    )
    parser.add_argument(
        "--python",
        dest="versions",
        action="append",
        choices=VERSIONS,
        help="its Python (may be repeated; default: this one)",
    )
    given = parser.parse_args(arguments)
    place = Path(os.path.abspath(given.folder))
    try:
        if re.search(r"[\r\n]", str(place)) or place == ROOT or place in ROOT.parents:
            raise Stop(f"{place} cannot be the folder: name a new one.")
        bundle(
            place,
            given.systems or [here()],
            given.versions or ["{}.{}".format(*sys.version_info[:2])],
        )
    except Stop as stop:
        print(stop, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
