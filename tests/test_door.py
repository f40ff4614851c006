"""What `course.py` promises, in a folder whose path has spaces and accents."""

from __future__ import annotations

import ast
import errno
import functools
import json
import os
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from door import ROOT as COURSE
from door import Stop, commands, environment
from door.environment import Environment, ensure
from door.execution import WIDGET, execute
from door.lessons import Copies, chosen, fresh

Said = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def notebook(*sources: str) -> nbformat.NotebookNode:
    """A lesson with a title and code cells that have run."""
    cells = [nbformat.v4.new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(sources)]
    for n, cell in enumerate(cells, start=1):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="the author's\n")]
        cell.execution_count = n
    title = nbformat.v4.new_markdown_cell("# Title", id="title")
    return nbformat.v4.new_notebook(cells=[title, *cells])


def edit(path: Path, source: str) -> None:
    """Do what a learner does: change the first code cell and save."""
    content = nbformat.read(path, as_version=4)
    content.cells[1].source = source
    nbformat.write(content, path)


def opened(path: Path) -> nbformat.NotebookNode:
    """A notebook as JupyterLab keeps it once it was opened: with what it knows of the kernel."""
    content = nbformat.read(path, as_version=4)
    content.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    return content


def source(path: Path) -> str:
    """What the first code cell says."""
    return str(nbformat.read(path, as_version=4).cells[1].source)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two small lessons that needs no package, at a path with spaces and accents."""
    root = tmp_path / "a b é"
    for folder in ("notebooks", "fewgroups", "tests"):
        (root / folder).mkdir(parents=True)
    for name in ("course.py", "pyproject.toml", "fewgroups/pyproject.toml"):
        shutil.copy(COURSE / name, root / name)
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("-r requirements.txt\n")
    for name in ("03_first", "04_second"):
        nbformat.write(notebook("print('é')", "1 + 1"), root / "notebooks" / f"{name}.ipynb")
    return root


@pytest.fixture
def copy(course: Path) -> Path:
    """The learner's copy of lesson 03."""
    Copies(course).hand_out()
    return course / "my_lessons" / "03_first.ipynb"


# --- Pythons


def test_course_py_is_read_by_every_python_and_refuses_old_ones_in_one_sentence(
    monkeypatch: Patch,
) -> None:
    text = (COURSE / "course.py").read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 4))
    assert text.isascii()  # Python 2 reads nothing else without being told
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]
    for version in [(2, 7, 18), (3, 10, 13)]:
        monkeypatch.setattr(sys, "version_info", version)
        words = rf"3.11 or newer, and this is Python {version[0]}\."
        with pytest.raises(SystemExit, match=words) as one:
            runpy.run_path(str(COURSE / "course.py"))
        assert "\n" not in str(one.value)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    runpy.run_path(str(COURSE / "course.py"))


# --- the learner's copies


def test_copies_have_no_outputs_and_the_lessons_keep_theirs(course: Path, copy: Path) -> None:
    content = nbformat.read(copy, as_version=4)
    nbformat.validate(content)
    assert [cell.source for cell in content.cells] == ["# Title", "print('é')", "1 + 1"]
    assert [(cell.outputs, cell.execution_count) for cell in content.cells[1:]] == [([], None)] * 2
    stored = nbformat.read(course / "notebooks" / copy.name, as_version=4)
    assert all(cell.outputs for cell in stored.cells[1:])


@pytest.mark.parametrize(
    "learner, kept",
    [
        (lambda copy: None, False),
        (lambda copy: nbformat.write(opened(copy), copy), False),
        (lambda copy: edit(copy, "my own work"), True),
        (lambda copy: shutil.copy(copy.parents[1] / "notebooks" / copy.name, copy), True),
        (lambda copy: copy.write_bytes(b"\xff half a file"), True),
    ],
    ids=["nothing", "opened", "edited", "has outputs", "no notebook"],
)
def test_a_copy_follows_its_lesson_unless_the_learner_changed_it(
    learner: Callable[[Path], object], kept: bool, course: Path, copy: Path, capsys: Said
) -> None:
    learner(copy)
    Copies(course).hand_out()
    assert capsys.readouterr().out == ""  # nothing new, nothing to tell
    before = copy.read_bytes()
    edit(course / "notebooks" / copy.name, "print('better')")
    Copies(course).hand_out()
    assert (copy.read_bytes() == before) == kept
    word = "`course.py reset 03` brings" if kept else "Revised, and renewed"
    assert word in capsys.readouterr().out


def test_without_the_record_nothing_is_overwritten(course: Path, copy: Path) -> None:
    edit(copy, "my own work")
    copy.with_name(".handed_out.json").write_text("{broken")
    Copies(course).hand_out()
    assert source(copy) == "my own work"


def test_reset_brings_a_fresh_copy_and_keeps_the_changed_one_dated(
    course: Path, copy: Path
) -> None:
    for work in ("my own work", "my second try"):
        edit(copy, work)
        Copies(course).reset(chosen(["3"], course))
        assert copy.read_text("utf-8") == fresh(course / "notebooks" / copy.name)
    Copies(course).reset(chosen(["03"], course))  # unchanged: nothing to keep
    kept = sorted(copy.parent.glob("03_first_*.ipynb"))
    assert [source(path) for path in kept] == ["my own work", "my second try"]
    assert re.fullmatch(r"03_first_\d{4}-\d\d-\d\d\.ipynb", kept[0].name)


def test_when_lessons_are_renumbered_unchanged_copies_go_aside_and_changed_ones_stay(
    course: Path, copy: Path, capsys: Said
) -> None:
    edit(copy.with_name("04_second.ipynb"), "my own work")
    copy.with_name("notes.ipynb").write_text("the learner's own")
    for old, new in (("03_first", "05_first"), ("04_second", "06_second")):
        (course / "notebooks" / f"{old}.ipynb").rename(course / "notebooks" / f"{new}.ipynb")
    Copies(course).hand_out()
    moved, stays = capsys.readouterr().out.splitlines()
    assert "my_lessons/old: 03_first.ipynb" in moved and "stays: 04_second.ipynb" in stays
    assert source(copy.with_name("04_second.ipynb")) == "my own work"
    there = {path.relative_to(copy.parent).as_posix() for path in copy.parent.rglob("*.ipynb")}
    new_ones = {"05_first.ipynb", "06_second.ipynb"}
    assert there == new_ones | {"04_second.ipynb", "notes.ipynb", "old/03_first.ipynb"}
    Copies(course).hand_out()
    assert capsys.readouterr().out == ""  # said once


def test_a_students_copies_have_no_solutions_and_a_folder_of_their_own(
    course: Path, copy: Path
) -> None:
    lesson = course / "notebooks" / copy.name
    content = nbformat.read(lesson, as_version=4)
    content.cells[2].metadata["tags"] = ["solution"]
    nbformat.write(content, lesson)
    Copies(course, student=True).hand_out()
    students = copy.parent / "student" / copy.name
    content = opened(students)
    assert [cell.source for cell in content.cells] == ["# Title", "print('é')"]
    nbformat.write(content, students)
    edit(lesson, "print('better')")
    Copies(course, student=True).hand_out()
    assert source(students) == "print('better')" and source(copy) == "print('é')"


def test_a_lesson_that_is_not_whole_is_refused_and_nothing_is_written(
    course: Path, copy: Path
) -> None:
    before = copy.read_bytes()
    (course / "notebooks" / copy.name).write_text("{half a file")
    with pytest.raises(Stop, match="03_first.ipynb is damaged"):
        Copies(course).hand_out()
    assert copy.read_bytes() == before


def test_lessons_are_named_by_number_or_file(course: Path) -> None:
    names = ["4", "04", "04_second", "notebooks/04_second.ipynb"]
    assert {path.name for path in chosen(names, course)} == {"04_second.ipynb"}
    assert [path.name[:2] for path in chosen([], course)] == ["03", "04"]
    for wrong in ("05", "second", "4x", ""):
        with pytest.raises(Stop, match=f"no lesson {wrong}; the lessons here are: 03, 04"):
            chosen([wrong], course)


# --- running lessons


def test_running_a_lesson_twice_changes_no_byte(course: Path) -> None:
    lesson = course / "notebooks" / "03_first.ipynb"
    widget = f"display({{'{WIDGET}': {{}}, 'text/plain': 'what it shows'}}, raw=True)"
    content = notebook("print('é', end=' ')\nprint('ß')", widget)
    times = {"iopub.status.busy": "2026-01-01"}
    content.cells[1].metadata = {"tags": ["exercise"], "execution": times}
    kernel = {"display_name": "mine", "name": "elsewhere"}
    content.metadata = {"kernelspec": kernel, "widgets": {"state": {}}}
    nbformat.write(content, lesson)
    assert execute(lesson) == "stored"
    once = lesson.read_bytes()
    assert execute(lesson) == "unchanged" and lesson.read_bytes() == once
    assert once.endswith(b"}\n") and "é".encode() in once and b"\r" not in once
    _, first, second = (stored := json.loads(once))["cells"]
    assert [first["execution_count"], second["execution_count"]] == [1, 2]
    assert (first["id"], first["metadata"]) == ("cell-0", {"tags": ["exercise"]})
    assert first["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["é ß\n"]}]
    assert second["outputs"][0]["data"] == {"text/plain": ["what it shows"]}  # not the widget
    assert stored["metadata"].pop("kernelspec")["display_name"] == "Python 3 (ipykernel)"
    assert stored["metadata"] == {"language_info": {"name": "python"}}


def test_a_failing_lesson_is_named_with_its_cell_and_left_as_it_was(course: Path) -> None:
    lesson = course / "notebooks" / "03_first.ipynb"
    nbformat.write(notebook("1", "1 / 0", "2"), lesson)
    before = lesson.read_bytes()
    with pytest.raises(ValueError, match=r"cell 3 \(id cell-1\)[^$]*division by zero"):
        execute(lesson)
    assert lesson.read_bytes() == before


@pytest.mark.full
def test_the_environment_is_made_once_and_added_to_and_made_anew_where_the_course_is_moved(
    course: Path, monkeypatch: Patch, capsys: Said
) -> None:
    monkeypatch.setattr(environment, "TESTED", ("3.9", "3.10"))  # older than any Python here
    there = ensure(root=course)
    assert there.runs("-c", "import pip")
    said = capsys.readouterr().out
    assert "Setting up the course" in said
    assert said.count("the newest that the course was tested with is 3.10") == 1
    assert ensure(root=course).python == there.python
    assert capsys.readouterr().out == ""
    marker = there.folder / "marker"
    marker.touch()
    for name in ("requirements.txt", "fewgroups/pyproject.toml"):
        with open(course / name, "a") as file:
            file.write("# something else\n")
        assert not there.ready(full=False)
        ensure(full=True, root=course)
        assert there.ready(full=True) and there.ready(full=False) and marker.exists()
    moved = course.rename(course.with_name("moved ü"))
    assert not Environment(moved).ready(full=False)
    there = ensure(root=moved)
    activate = next(there.folder.glob("*/activate")).read_text("utf-8")
    assert there.ready(full=False) and "moved ü" in activate


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def stop_halfway(there: Environment) -> None:
    there.stamp.unlink()
    (there.packages / "pip" / "_internal" / "exceptions.py").unlink()


def replace_by_file(there: Environment) -> None:
    shutil.rmtree(there.folder)
    there.folder.write_text("no folder")


DAMAGE: dict[str, Callable[[Environment], object]] = {
    "a broken stamp": lambda there: there.stamp.write_text('{"contents": 3'),
    "no Python": lambda there: there.python.unlink(),
    "another Python": lambda there: there.stamp.write_text(
        there.stamp.read_text().replace('"python": "3', '"python": "2')
    ),
    "a package gone": lambda there: shutil.rmtree(there.packages / "pip"),
    "a package emptied": lambda there: empty(there.packages / "pip"),
    "stopped while it was copied": stop_halfway,
    "stopped at once": lambda there: empty(there.folder),
    "a file": replace_by_file,
}


@pytest.mark.full
def test_a_broken_environment_repairs_itself(course: Path) -> None:
    there = ensure(root=course)
    for name, damage in DAMAGE.items():
        damage(there)
        assert not there.ready(full=False), name
        assert ensure(root=course).ready(full=False), name
        assert there.runs("-m", "pip", "check"), name


def test_the_readers_own_settings_do_not_reach_the_lessons(monkeypatch: Patch) -> None:
    foreign = "PYTHONPATH PYTHONOPTIMIZE JUPYTER_PATH JUPYTERLAB_SETTINGS_DIR MPLBACKEND PIP_TARGET"
    for name in foreign.split():
        monkeypatch.setenv(name, "/somewhere/else")
    env = Environment().variables()
    assert "/somewhere/else" not in env.values() and env["PYTHONUTF8"] == "1"
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        assert Path(env[name]).is_relative_to(COURSE / ".venv")


# --- one sentence for each trouble


def told(capsys: Said, *arguments: str) -> str:
    """The last word, which must be one line, on the error stream, with an exit code that is not 0."""
    assert commands.main(list(arguments)) != 0
    said = capsys.readouterr().err.strip()
    assert said and "\n" not in said and "Traceback" not in said
    return said


@pytest.fixture
def elsewhere(course: Path, monkeypatch: Patch) -> Path:
    """The commands, at work on the small course."""
    for name in ("ensure", "chosen", "Copies"):
        monkeypatch.setattr(commands, name, functools.partial(getattr(commands, name), root=course))
    monkeypatch.setattr(commands, "ROOT", course)
    return course


def test_what_is_missing_is_told_before_the_work_begins(
    elsewhere: Path, monkeypatch: Patch, capsys: Said
) -> None:
    usage = shutil.disk_usage(elsewhere)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200_000_000))
    assert "needs 1.5 GB" in told(capsys, "lab")
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    assert "`sudo apt install python3-venv`" in told(capsys, "lab")
    assert not (elsewhere / ".venv").exists()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_refuses_is_told(
    number: int, elsewhere: Path, monkeypatch: Patch, capsys: Said
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = told(capsys, "test")
    word = "disk is full" if number == errno.ENOSPC else "cannot be written"
    assert word in said and str(elsewhere) in said


@pytest.mark.full
def test_no_network_is_told(elsewhere: Path, monkeypatch: Patch, capsys: Said) -> None:
    (elsewhere / "requirements.txt").write_text("no-such-package-of-the-course==1\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert "check the network" in told(capsys, "run")
    assert not Environment(elsewhere).ready(full=False)


def test_wrong_commands_and_lessons_are_told(elsewhere: Path, capsys: Said) -> None:
    assert "There is no command labb; there are: lab, test, run, reset" in told(capsys, "labb")
    assert "There is no lesson 99" in told(capsys, "run", "99")
    assert "There is no lesson 99" in told(capsys, "reset", "99")
    assert "Which lesson?" in told(capsys, "reset")
    (elsewhere / "tests").rmdir()
    assert "there are: lab, reset." in told(capsys, "test")  # a student's copy
    shutil.rmtree(elsewhere / "notebooks")
    assert "no lesson in notebooks/" in told(capsys, "lab")


def test_control_c_ends_in_a_sentence(elsewhere: Path, monkeypatch: Patch, capsys: Said) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "ensure", stopped)
    assert "the next start goes on" in told(capsys, "run")
