"""Both packages as others install them: into an empty environment, used from a folder outside the course."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from door import ROOT, bundle
from door.environment import Environment, pinned
from tests import handout_sample

JUPYTER = re.compile(
    "jupyter|ipython|ipykernel|ipywidgets|notebook|nbformat|nbval|tornado|traitlets"
)
LESSON = """
import helpers
from helpers import check, load
print(len(load("pushups")), "site-packages" in helpers.__file__)
check("1.1", 20)
"""


@pytest.mark.full
def test_the_library_runs_alone_and_the_course_beside_it_with_its_data(tmp_path: Path) -> None:
    bundle.copy(ROOT, tmp_path / "course", student=False)  # building leaves traces where it happens
    pins = [line for line in pinned(ROOT / "requirements.txt") if not line.startswith("-e")]
    (tmp_path / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    there = Environment(tmp_path)
    there.create()

    def python(*arguments: str) -> str:
        command, env = [str(there.python), *arguments], there.variables()
        done = subprocess.run(command, cwd=os.sep, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
        return done.stdout

    install = ["-m", "pip", "install", "-c", str(tmp_path / "pins.txt")]
    python(*install, str(tmp_path / "course" / "fewgroups"))
    installed = json.loads(python("-m", "pip", "list", "--format=json"))
    names = [package["name"] for package in installed]
    assert "fewgroups" in names and not [name for name in names if JUPYTER.search(name.lower())]
    python(*install, "pytest")
    readme = tmp_path / "course" / "fewgroups" / "tests" / "test_readme.py"
    assert "1 passed" in python("-I", "-m", "pytest", "-q", "-o", "addopts=", str(readme))
    student = unzipped_edition(tmp_path)
    python(*install, *map(str, student.glob("wheels/*.whl")))
    said = python("-I", "-c", LESSON)
    assert said.startswith("200 True\n") and "1.1" in said
    lesson = student / "notebooks" / "00_start_here.ipynb"
    python("-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(lesson))
    ran = lesson.read_text(encoding="utf-8")
    assert "0.1: nothing answered yet" in ran and "0.1: right" not in ran


def unzipped_edition(folder: Path) -> Path:
    """What a class gets: the student edition of one lesson, out of its zip."""
    handout_sample.need_packages()
    from handouts.build import build
    from handouts.editions import STUDENT
    from handouts.package import needs

    (folder / "one").mkdir()
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", folder / "one")
    build(folder / "one", folder / "build", [STUDENT], say=handout_sample.quiet, needs=needs(ROOT))
    with zipfile.ZipFile(folder / "build" / "student.zip") as archive:
        archive.extractall(folder / "out")
    how = (folder / "out" / "student" / "READ ME.txt").read_text("utf-8")
    assert "python -m pip install wheels/" in how
    return folder / "out" / "student"
