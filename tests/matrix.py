"""Does it hold on other machines: every lesson under strict nbval, with several Pythons, thread counts and processors'
routines; then, leniently, with the newest release of every direct dependency.

    python -m tests.matrix                       every Python from 3.11 to 3.13 that is found here
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

from door.commands import NO_BARS

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTINGS: dict[str, dict[str, str]] = {
    "1 thread": dict.fromkeys(THREADS, "1"),
    "2 threads": dict.fromkeys(THREADS, "2"),
    "16 threads": dict.fromkeys(THREADS, "16"),
    "Haswell's routines": {"OPENBLAS_CORETYPE": "Haswell"},
    "Nehalem's routines": {"OPENBLAS_CORETYPE": "Nehalem"},
}


def interpreter(version: str) -> str | None:
    """A Python of this version: on the path, by Windows' launcher, or one that pyenv made."""
    if "{}.{}".format(*sys.version_info[:2]) == version:
        return sys.executable
    candidates = [shutil.which(f"python{version}") or ""]
    candidates += map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    if launcher := shutil.which("py"):
        found = subprocess.run(
            [launcher, f"-{version}", "-c", "import sys; print(sys.executable)"],
            capture_output=True,
            text=True,
        )
        candidates.append(found.stdout.strip())
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
            capture_output=True,
            text=True,
        )
        if asked.stdout.strip() == version:
            return candidate
    return None


def environment(base: str, place: Path, packages: list[str]) -> Path:
    """An environment in `place` with `packages` (pip's arguments); its Python."""
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([base, "-m", "venv", str(place)], check=True)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *packages,
    ]
    subprocess.run(command, check=True, cwd=ROOT)
    return python


def tried(python: Path, settings: dict[str, str], lax: bool) -> tuple[bool, str]:
    """Whether every cell (lax: and every quick test) passes under `settings`, and pytest's last words."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENBLAS", "PYTHON"))
    }
    # pyproject.toml's options, but for the strict plugin where the run is lax.
    options = [
        "--nbval-lax" if lax else "--nbval",
        "--nbval-current-env",
        "-n",
        "2",
        "--dist",
        "loadscope",
    ]
    what = ["tests", "notebooks"] if lax else ["notebooks"]
    command = [str(python), "-m", "pytest", "-q", "-o", "addopts=", *options, *what]
    run = subprocess.run(
        command, cwd=ROOT, env=plain | NO_BARS | settings, capture_output=True, text=True
    )
    lines = [line for line in run.stdout.splitlines() if line.strip()]
    if run.returncode:
        print(
            "\n".join(line for line in lines if line.startswith(("FAILED", "ERROR")))[:4000],
            flush=True,
        )
    return run.returncode == 0, re.sub(r"^=+ | =+$", "", lines[-1]) if lines else run.stderr[-200:]


def direct_dependencies() -> list[str]:
    """The names that pyproject.toml asks for, with no word of their versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[<>=!~ ]", line)[0] for line in project["dependencies"]]


def main() -> int:
    """Run the matrix; 1 when a strict run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.matrix", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--python", action="append", choices=VERSIONS, help="only this Python (may be repeated)"
    )
    parser.add_argument(
        "--newest", action="store_true", help="only the lenient run with the newest releases"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="where environments are kept for the next run"
    )
    given = parser.parse_args()
    rows, held = [], True
    with tempfile.TemporaryDirectory() as temporary:
        for version in given.python or VERSIONS:
            base = interpreter(version)
            if base is None:
                rows.append((version, "", "no such Python here"))
                continue
            place = (given.keep or Path(temporary)).resolve() / version
            if not given.newest:
                python = environment(base, place, ["-r", "requirements.txt"])
                for name, settings in SETTINGS.items():
                    passed, said = tried(python, settings, lax=False)
                    held &= passed
                    rows.append((version, name, said))
                    print(*rows[-1], sep=" · ", flush=True)
        # The last Python found meets the newest releases: what fails there will fail everywhere some day.
        if base is not None:
            python = environment(
                base, place.with_name("newest"), ["--upgrade", *direct_dependencies(), "-e", "."]
            )
            rows.append((version, "newest releases, lax", tried(python, {}, lax=True)[1]))
    print("\n| Python | with | result |\n|---|---|---|")
    for row in rows:
        print("|", " | ".join(row), "|")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
