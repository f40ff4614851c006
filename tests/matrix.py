"""Does it hold on other machines: every lesson under strict nbval, with several Pythons, thread counts and processors'
routines; then, leniently, with the newest release of every direct dependency.

    python -m tests.matrix                       every tested Python that is found here
    python -m tests.matrix --python 3.12 --newest

Each Python gets an environment of its own in a folder that is removed afterwards (`--keep FOLDER` keeps it for the next
run). What fails is printed; the table at the end says what held.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from door import ROOT, TESTED
from door.commands import NO_BARS

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTINGS: dict[str, dict[str, str]] = {
    "1 thread": dict.fromkeys(THREADS, "1"),
    "2 threads": dict.fromkeys(THREADS, "2"),
    "16 threads": dict.fromkeys(THREADS, "16"),
    "Haswell's routines": {"OPENBLAS_CORETYPE": "Haswell"},
    "Nehalem's routines": {"OPENBLAS_CORETYPE": "Nehalem"},
}


def interpreter(version: str) -> list[str] | None:
    """The command of a Python of this version: this one, one by its name, by Windows' launcher, or pyenv's."""
    candidates = [[sys.executable], [f"python{version}"], ["py", f"-{version}"]]
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for command in candidates + [[str(path)] for path in pyenv]:
        if shutil.which(command[0]):
            ask = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
            if subprocess.run([*command, "-c", ask], capture_output=True).returncode == 0:
                return command
    return None


def environment(base: list[str], place: Path, packages: list[str]) -> Path:
    """An environment in `place` with `packages` (pip's arguments); its Python."""
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([*base, "-m", "venv", str(place)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True, cwd=ROOT)
    return python


def tried(python: Path, settings: dict[str, str], lax: bool) -> tuple[bool, str]:
    """Whether every cell (lax: and every quick test) passes under `settings`, and pytest's last words."""
    strange = ("OPENBLAS", "PYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    # pyproject.toml's options, but for the strict plugin where the run is lax.
    command = [str(python), *"-m pytest -q -o addopts= -n 2 --dist loadscope".split()]
    command += ["--nbval-current-env", "--nbval-lax" if lax else "--nbval", "notebooks"]
    command += ["tests", "fewgroups/tests"] if lax else []
    env |= NO_BARS | settings
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if line.strip()]
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            print(line, flush=True)
    return run.returncode == 0, re.sub(r"^=+ | =+$", "", lines[-1]) if lines else run.stderr[-200:]


def direct_dependencies() -> list[str]:
    """The names that pyproject.toml asks for, with no word of their versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=!~ ]", line)[0] for line in project["dependencies"]]


def main() -> int:
    """Run the matrix; 1 when a strict run failed."""
    parser = argparse.ArgumentParser("python -m tests.matrix", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--python", action="append", choices=TESTED, help="only this Python (may be repeated)")
    add("--newest", action="store_true", help="only the lenient run with the newest releases")
    add("--keep", type=Path, metavar="FOLDER", help="keep environments there for the next run")
    given = parser.parse_args()
    rows, held, newest = [], True, [sys.executable]
    with tempfile.TemporaryDirectory() as temporary:
        place = (given.keep or Path(temporary)).resolve()
        for version in given.python or TESTED:
            base = interpreter(version)
            if base is None:
                rows.append((version, "", "no such Python here"))
                continue
            newest = base
            if not given.newest:
                python = environment(base, place / version, ["-r", "requirements.txt"])
                for name, settings in SETTINGS.items():
                    passed, said = tried(python, settings, lax=False)
                    held &= passed
                    rows.append((version, name, said))
                    print(*rows[-1], sep=" · ", flush=True)
        # The newest Python found meets the newest releases: what fails there will fail everywhere some day.
        own = ["--upgrade", *direct_dependencies(), "-e", "./fewgroups", "-e", "."]
        python = environment(newest, place / "newest", own)
        rows.append(("newest", "newest releases, lax", tried(python, {}, lax=True)[1]))
    print("\n| Python | with | result |\n|---|---|---|")
    for row in rows:
        print("|", " | ".join(row), "|")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
