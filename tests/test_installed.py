"""Both packages as others install them: into an empty environment, used from a folder outside the course."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from door import ROOT, bundle
from door.environment import Environment, pinned

JUPYTER = re.compile(
    "jupyter|ipython|ipykernel|ipywidgets|notebook|nbformat|nbval|tornado|traitlets"
)
THEIR_OWN_TABLE = """
import numpy as np, pandas as pd
rng = np.random.default_rng(3)
pen = np.repeat(np.arange(12), 12)
feed = np.tile(np.repeat(["old", "new"], 6), 12)
gain = rng.normal(0, 2, 12)[pen] + (feed == "new") * rng.normal(3, 1, 12)[pen]
weight = 80 + gain + rng.normal(0, 3, 144)
data = pd.DataFrame({"pen": pen, "feed": feed, "weight": weight})
"""
LESSON = """
import helpers
from helpers import check, load
print(len(load("pushups")), "site-packages" in helpers.__file__)
check("1.1", 20)
"""


@pytest.mark.full
def test_the_library_runs_alone_and_the_course_beside_it_with_its_data(tmp_path: Path) -> None:
    bundle.copy(ROOT, tmp_path / "course", student=False)  # building leaves traces where it happens
    readme = (tmp_path / "course" / "fewgroups" / "README.md").read_text("utf-8")
    six_lines = re.search(r"(?s)```python\n(.*?)```", readme)
    assert six_lines
    pins = [line for line in pinned(ROOT / "requirements.txt") if not line.startswith("-e")]
    (tmp_path / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    there = Environment(tmp_path)
    there.create()

    def python(*arguments: str) -> str:
        command, env = [str(there.python), *arguments], there.variables()
        done = subprocess.run(command, cwd=os.sep, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
        return done.stdout

    install = [
        "-m",
        "pip",
        "install",
        "-c",
        str(tmp_path / "pins.txt"),
        str(tmp_path / "course" / "fewgroups"),
    ]
    python(*install)
    names = [
        package["name"] for package in json.loads(python("-m", "pip", "list", "--format=json"))
    ]
    assert "fewgroups" in names and not [name for name in names if JUPYTER.search(name.lower())]
    assert "feed[T.old]" in python("-I", "-c", THEIR_OWN_TABLE + six_lines[1])
    python(*install, str(tmp_path / "course"))
    said = python("-I", "-c", LESSON)
    assert said.startswith("200 True\n") and "1.1" in said
