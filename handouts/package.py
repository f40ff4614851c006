"""What an edition's notebooks need to run elsewhere, for its zip: both packages with the data, three lines of how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HOW = """To run the notebooks you need Python 3.11 or newer and, once, a network. In a terminal, in this folder:

    python -m pip install {wheels}
    python -m jupyterlab notebooks

(On Windows write py for python. The pages, *.html, need nothing but a browser.)
"""


def needs(course: Path) -> dict[str, bytes]:
    """Name in the zip → content, from the folder of the course: wheels of `fewgroups` and of the course's own
    package, which holds the data, and how to install them.

    Raises RuntimeError with pip's last words when a wheel cannot be made.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder, "course")  # building leaves traces where it happens
        made_here = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "tests")
        for name in ("data", "fewgroups", "helpers"):
            shutil.copytree(course / name, copy / name, ignore=made_here)
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(course / file, copy / file)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += [f"--wheel-dir={folder}", str(copy / "fewgroups"), str(copy)]
        env = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}  # the same bytes whenever it is made
        made = subprocess.run(command, capture_output=True, text=True, env=env)
        if made.returncode != 0:
            raise RuntimeError(f"the packages could not be made: {made.stderr.strip()[-300:]}")
        wheels = {f"wheels/{file.name}": file.read_bytes() for file in Path(folder).glob("*.whl")}
    return wheels | {"READ ME.txt": HOW.format(wheels=" ".join(sorted(wheels))).encode()}
