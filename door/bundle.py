"""One folder for a class without network: the course, its packages (`wheels/`) and its pages. Runs in the course's
environment, started by `course.py bundle`.

The whole tree of packages is pinned, so that each can be fetched by itself, for this machine or for the others of the
class. Where `wheels/` is beside the requirements, setting up asks no network (`door.environment`).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from door import ROOT, TESTED, WHEELS, Stop, say
from door.environment import VERSION, pinned, reason
from door.lessons import fresh, lessons, write

# For each kind of machine: Python's names for it (sys.platform, machine) and pip's (which knows what a Mac runs).
LINUX = [f"manylinux_2_{minor}" for minor in range(34, 4, -1)] + ["manylinux2014", "manylinux2010"]
SYSTEMS = {
    "windows": ("win32", "AMD64", ["win_amd64"]),
    "macos-arm": ("darwin", "arm64", ["macosx_15_0_arm64"]),
    "macos-intel": ("darwin", "x86_64", ["macosx_15_0_x86_64"]),
    "linux": ("linux", "x86_64", [f"{tag}_x86_64" for tag in LINUX]),
    "linux-arm": ("linux", "aarch64", [f"{tag}_aarch64" for tag in LINUX]),
}
# Made by running the course, or by whoever changes it: no bundle has it.
MADE_HERE = (".*", "my_lessons", "__pycache__", "*.egg-info", "fewgroups/build", WHEELS)
# For those who teach and change the course. Of the pages and the lessons, students get their own edition.
FOR_TEACHERS = ("tests", "CONTRIBUTING.md", "requirements-dev.txt", "handouts/*.*")
OTHER_EDITIONS = ("build/self-study*", "build/teacher*")


def wanted(lines: list[str], system: str, version: str) -> list[str]:
    """The pinned lines that a machine of this kind with this Python needs, without their conditions."""
    kind, machine, _ = SYSTEMS[system]
    there = {
        "sys_platform": kind,
        "os_name": "nt" if kind == "win32" else "posix",
        "platform_machine": machine,
        "python_version": version,
        "python_full_version": f"{version}.0",
    }
    parsed = [Requirement(line) for line in lines if not line.startswith("-")]
    return [
        f"{line.name}{line.specifier}"
        for line in parsed
        if line.marker is None or line.marker.evaluate(there)
    ]


def fetch(lines: list[str], system: str, version: str, wheels: Path) -> None:
    """Fetch the wheels of `lines` for one kind of machine and Python into `wheels`. Raises Stop with the reason when
    pip fails."""
    say(f"Packages for {system}, Python {version}")
    tags = [f"--abi={abi}" for abi in ("cp" + version.replace(".", ""), "abi3", "none")]
    tags += [f"--platform={tag}" for tag in SYSTEMS[system][-1]]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={version}", *tags, f"--dest={wheels}"]
    command += wanted(lines, system, version)
    made = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if made.returncode != 0:
        raise Stop(reason(made.stdout + made.stderr))


def builders(root: Path) -> list[str]:
    """What pip needs to build the two packages of the course itself."""
    files = [root / "pyproject.toml", root / "fewgroups" / "pyproject.toml"]
    projects = [tomllib.loads(file.read_text("utf-8")) for file in files]
    return sorted({line for project in projects for line in project["build-system"]["requires"]})


def copy(root: Path, place: Path, student: bool) -> None:
    """The course as it is, or what of it is for students, without what running it has made; the pages that were
    built go with it."""
    patterns = [f"{root.name}/build", *MADE_HERE]
    if student:
        patterns += FOR_TEACHERS + OTHER_EDITIONS

    def left_out(folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder, name) for name in names}
        unwanted = {name for name in names if any(map(paths[name].match, patterns))}
        return unwanted | {name for name in names if paths[name] == place}

    shutil.copytree(root, place, ignore=left_out)
    if student:
        for lesson in lessons(root).values():
            write(place / "notebooks" / lesson.name, fresh(lesson, student=True))


def bundle(
    place: Path, systems: list[str], versions: list[str], student: bool = False, root: Path = ROOT
) -> None:
    """Make the folder `place`, whole or not at all. Raises Stop when a package cannot be fetched."""
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        copy(root, part, student)
        lines = pinned(root / "requirements.txt") + builders(root)
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
        prog="course.py bundle", description="One folder for a class without network."
    )
    add = parser.add_argument
    add("folder", type=Path, help="where to make it")
    add("--student", action="store_true", help="without solutions and what is for the teacher")
    several = "default: this one; may be repeated"
    add("--for", action="append", choices=SYSTEMS, dest="systems", help=f"the machines ({several})")
    add("--python", action="append", choices=TESTED, help=f"their Python ({several})")
    given = parser.parse_args(arguments)
    place = Path(os.path.abspath(given.folder))
    try:
        here = sys.platform, platform.machine()
        systems = given.systems or [name for name in SYSTEMS if SYSTEMS[name][:2] == here]
        if not systems:
            raise Stop(
                f"This machine is none of {', '.join(SYSTEMS)}: say with --for what to fetch."
            )
        if place.exists():
            raise Stop(f"{place} is there already: name another folder, or remove it first.")
        edition = "student" if given.student else "all"
        pages = [sys.executable, "-m", "handouts", "--edition", edition]
        if subprocess.run(pages, cwd=ROOT).returncode != 0:
            return 1
        bundle(place, systems, given.python or [VERSION], given.student)
    except Stop as stop:
        print(stop, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
