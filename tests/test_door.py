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
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from door import ROOT as COURSE
from door import Stop, commands, environment
from door.environment import child_environment, ensure, ready, stamp_file
from door.execution import WIDGET, clean, execute
from door.installation import TROUBLES, reason
from door.lessons import Desk, chosen, fresh

# What a clone does not have.
MADE_HERE = shutil.ignore_patterns(
    ".git", ".venv", "my_lessons", "*.egg-info", "__pycache__", ".*_cache", "build"
)


def notebook(*sources: str) -> nbformat.NotebookNode:
    """A notebook of code cells that claims to have run."""
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{place}")
        for place, source in enumerate(sources)
    ]
    for cell in cells:
        cell.outputs = [
            nbformat.v4.new_output("stream", name="stdout", text="what the author saw\n")
        ]
        cell.execution_count = 7
    return nbformat.v4.new_notebook(cells=cells)


def edit(path: Path, source: str) -> None:
    """Do what a learner does: change the first cell and save."""
    content = nbformat.read(path, as_version=4)
    content.cells[0].source = source
    nbformat.write(content, path)


def source(path: Path) -> str:
    """What the first cell says."""
    return str(nbformat.read(path, as_version=4).cells[0].source)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two small lessons that needs no package, at a path with spaces and accents."""
    root = tmp_path / "a b é"
    (root / "notebooks").mkdir(parents=True)
    for name in ("course.py", "pyproject.toml"):
        shutil.copy(COURSE / name, root)
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("-r requirements.txt\n")
    for name in ("03_first", "04_second"):
        nbformat.write(notebook("print('é')", "1 + 1"), root / "notebooks" / f"{name}.ipynb")
    return root


# --- Pythons


def old_pythons() -> list[str]:
    """Interpreters on this machine that are too old for the course."""
    versions = ["2.7", *(f"3.{minor}" for minor in range(6, 11))]
    by_name = [shutil.which(f"python{version}") for version in versions]
    by_pyenv = [
        str(path)
        for version in versions
        for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    ]
    return [python for python in by_name if python and "shims" not in python] + by_pyenv


def test_course_py_is_read_by_every_python_and_says_which_one_it_needs() -> None:
    text = (COURSE / "course.py").read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 4))
    assert text.isascii()  # Python 2 reads nothing else without being told
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]
    for python in old_pythons():
        answer = subprocess.run(
            [python, str(COURSE / "course.py"), "lab"], capture_output=True, text=True
        )
        assert answer.returncode == 1, python
        assert answer.stderr.startswith(
            "This course needs Python 3.11, 3.12 or 3.13, and this is Python "
        )
        assert "Traceback" not in answer.stderr and answer.stderr.count("\n") == 1


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_a_python_too_old_or_too_new_is_told_in_one_sentence(
    version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(
        SystemExit, match=rf"this is Python {version[0]}\.{version[1]}: install one"
    ):
        runpy.run_path(str(COURSE / "course.py"))


# --- the learner's copies


def test_copies_have_no_outputs_and_the_lessons_keep_theirs(course: Path) -> None:
    before = (course / "notebooks" / "03_first.ipynb").read_bytes()
    Desk(course).hand_out()
    copy = nbformat.read(course / "my_lessons" / "03_first.ipynb", as_version=4)
    nbformat.validate(copy)
    assert [(cell.outputs, cell.execution_count) for cell in copy.cells] == [([], None)] * 2
    assert [cell.source for cell in copy.cells] == ["print('é')", "1 + 1"]
    assert (course / "notebooks" / "03_first.ipynb").read_bytes() == before


def test_an_unchanged_copy_follows_its_lesson(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Desk(course).hand_out()
    edit(course / "notebooks" / "03_first.ipynb", "print('better')")
    Desk(course).hand_out()
    assert source(course / "my_lessons" / "03_first.ipynb") == "print('better')"
    assert "Lesson 03 was revised" in capsys.readouterr().out


def test_a_copy_that_was_only_opened_counts_as_unchanged(course: Path) -> None:
    Desk(course).hand_out()
    copy = course / "my_lessons" / "03_first.ipynb"
    opened = nbformat.read(copy, as_version=4)
    opened.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    nbformat.write(opened, copy)
    edit(course / "notebooks" / "03_first.ipynb", "print('better')")
    Desk(course).hand_out()
    assert source(copy) == "print('better')"


def test_a_changed_copy_is_kept_and_the_way_to_the_new_one_told(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Desk(course).hand_out()
    copy = course / "my_lessons" / "03_first.ipynb"
    edit(copy, "my own work")
    before = copy.read_bytes()
    Desk(course).hand_out()
    assert capsys.readouterr().out == ""  # nothing new, nothing to tell
    edit(course / "notebooks" / "03_first.ipynb", "print('better')")
    Desk(course).hand_out()
    assert copy.read_bytes() == before
    assert "`course.py reset 03` brings that" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["outputs", "a file that is no notebook", "a lost list"])
def test_nothing_of_the_learners_is_overwritten(what: str, course: Path) -> None:
    Desk(course).hand_out()
    copy = course / "my_lessons" / "03_first.ipynb"
    if what == "outputs":
        shutil.copy(course / "notebooks" / "03_first.ipynb", copy)
    elif what == "a file that is no notebook":
        copy.write_bytes(b"\xff half a file")
    else:
        edit(copy, "my own work")
        (course / "my_lessons" / ".handed_out.json").write_text("{broken")
    before = copy.read_bytes()
    edit(course / "notebooks" / "03_first.ipynb", "print('better')")
    Desk(course).hand_out()
    assert copy.read_bytes() == before


def test_reset_brings_a_fresh_copy_and_keeps_the_changed_one_dated(course: Path) -> None:
    Desk(course).hand_out()
    copy = course / "my_lessons" / "03_first.ipynb"
    for work in ("my own work", "my second try"):
        edit(copy, work)
        Desk(course).reset(chosen(["3"], course))
        assert copy.read_text("utf-8") == fresh(course / "notebooks" / "03_first.ipynb")
    Desk(course).reset(chosen(["03"], course))  # unchanged: nothing to keep
    kept = sorted(copy.parent.glob("03_first_*.ipynb"))
    assert [source(path) for path in kept] == ["my own work", "my second try"]
    assert re.fullmatch(r"03_first_\d{4}-\d\d-\d\d\.ipynb", kept[0].name)


def test_lessons_are_named_by_number_or_file(course: Path) -> None:
    names = ["4", "04", "04_second", "notebooks/04_second.ipynb"]
    assert {path.name for path in chosen(names, course)} == {"04_second.ipynb"}
    for wrong in ("05", "second", "4x", ""):
        with pytest.raises(Stop, match=f"There is no lesson {wrong}; the lessons here are: 03, 04"):
            chosen([wrong], course)


# --- running lessons


def test_running_a_lesson_twice_changes_no_byte(course: Path) -> None:
    lesson = course / "notebooks" / "03_first.ipynb"
    content = notebook(
        "print('é', end=' ')\nprint('ß')", "import os\nos.path.basename(os.getcwd())"
    )
    content.cells[0].metadata = {
        "tags": ["exercise"],
        "execution": {"iopub.status.busy": "2026-01-01"},
    }
    content.metadata = {
        "kernelspec": {"display_name": "mine", "name": "elsewhere"},
        "widgets": {"state": {}},
    }
    nbformat.write(content, lesson)
    assert execute(lesson) == "stored"
    once = lesson.read_bytes()
    assert execute(lesson) == "unchanged"
    assert lesson.read_bytes() == once
    stored = json.loads(once)
    assert [cell["execution_count"] for cell in stored["cells"]] == [1, 2]
    assert [cell["id"] for cell in stored["cells"]] == ["cell-0", "cell-1"]
    assert stored["cells"][0]["metadata"] == {"tags": ["exercise"]}
    assert stored["cells"][0]["outputs"] == [
        {"name": "stdout", "output_type": "stream", "text": ["é ß\n"]}
    ]
    assert stored["cells"][1]["outputs"][0]["data"] == {"text/plain": ["'notebooks'"]}
    assert stored["metadata"]["kernelspec"]["display_name"] == "Python 3 (ipykernel)"
    assert (
        "widgets" not in stored["metadata"] and "version" not in stored["metadata"]["language_info"]
    )
    assert once.endswith(b"}\n") and "é".encode() in once and b"\r" not in once


def test_a_failing_lesson_is_named_with_its_cell_and_left_as_it_was(course: Path) -> None:
    lesson = course / "notebooks" / "03_first.ipynb"
    nbformat.write(notebook("1", "1 / 0", "2"), lesson)
    before = lesson.read_bytes()
    with pytest.raises(
        ValueError, match=r"03_first\.ipynb stopped.*cell 2 \(id cell-1\)"
    ) as caught:
        execute(lesson)
    assert "ZeroDivisionError: division by zero" in str(caught.value)
    assert lesson.read_bytes() == before


def test_a_widget_is_stored_as_its_picture_and_its_text() -> None:
    content = notebook("explore()")
    data = {WIDGET: {"model_id": "1"}, "image/png": "AAAA", "text/plain": "what it shows"}
    content.cells[0].outputs = [
        nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": "x"}})
    ]
    clean(content)
    assert content.cells[0].outputs[0].data == {"image/png": "AAAA", "text/plain": "what it shows"}
    assert content.cells[0].outputs[0].metadata == {"image/png": {"alt": "x"}}


# --- the environment


def test_the_environment_is_made_once_and_found_again_fast(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = ensure(root=course)
    assert subprocess.run([str(python), "-c", "import pip"]).returncode == 0
    assert "Setting up the course" in capsys.readouterr().out
    begun = time.perf_counter()
    assert ensure(root=course) == python
    assert time.perf_counter() - begun < 2
    assert capsys.readouterr().out == ""
    # New requirements, or those of the full tests, are added to what stands.
    marker = course / ".venv" / "marker"
    marker.touch()
    (course / "requirements.txt").write_text("# something else\n")
    assert not ready(course, full=False)
    ensure(full=True, root=course)
    assert ready(course, full=True) and ready(course, full=False) and marker.exists()


def remove_python(venv: Path) -> None:
    environment.interpreter(venv.parent).unlink()


def remove_package(venv: Path) -> None:
    shutil.rmtree(environment.packages(venv.parent) / "pip")


def interrupt(venv: Path) -> None:
    """As if stopped in the middle of copying a package."""
    stamp_file(venv.parent).unlink()
    (environment.packages(venv.parent) / "pip" / "_internal" / "exceptions.py").unlink()


def interrupt_early(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.mkdir()


def replace_by_file(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.write_text("not a folder")


def other_python(venv: Path) -> None:
    stamp = json.loads(stamp_file(venv.parent).read_text())
    stamp["python"] = "3.10"
    stamp_file(venv.parent).write_text(json.dumps(stamp))


def spoil_stamp(venv: Path) -> None:
    stamp_file(venv.parent).write_text('{"contents": 3')


@pytest.mark.full
def test_a_broken_environment_repairs_itself(course: Path) -> None:
    python = ensure(root=course)
    for damage in (
        other_python,
        spoil_stamp,
        remove_python,
        remove_package,
        interrupt,
        interrupt_early,
        replace_by_file,
    ):
        damage(course / ".venv")
        assert not ready(course, full=False), damage.__name__
        assert ensure(root=course) == python
        assert ready(course, full=False), damage.__name__
        pip = subprocess.run([str(python), "-m", "pip", "check"], capture_output=True)
        assert pip.returncode == 0, damage.__name__


@pytest.mark.full
def test_a_moved_course_gets_a_new_environment(course: Path) -> None:
    ensure(root=course)
    moved = course.rename(course.with_name("moved ü"))
    assert not ready(moved, full=False)
    ensure(root=moved)
    activate = next((moved / ".venv").glob("*/activate")).read_text("utf-8")
    assert ready(moved, full=False) and "moved ü" in activate


def test_the_readers_own_settings_do_not_reach_the_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = "PYTHONPATH PYTHONOPTIMIZE JUPYTER_PATH JUPYTERLAB_SETTINGS_DIR MPLBACKEND PIP_TARGET"
    for name in foreign.split():
        monkeypatch.setenv(name, "/somewhere/else")
    env = child_environment()
    assert "/somewhere/else" not in env.values()
    assert env["PYTHONUTF8"] == "1"
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        assert Path(env[name]).is_relative_to(COURSE / ".venv")


# --- one sentence for each trouble


def tell(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The door's last word, which must be one line, on the error stream, with an exit code that is not 0."""
    assert commands.main(list(arguments)) != 0
    said = capsys.readouterr().err.strip()
    assert said and "\n" not in said and "Traceback" not in said
    return said


@pytest.fixture
def elsewhere(course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The door, opened on the small course."""
    for name in ("ensure", "lessons", "chosen", "Desk"):
        monkeypatch.setattr(commands, name, functools.partial(getattr(commands, name), root=course))
    monkeypatch.setattr(commands, "ROOT", course)
    return course


def test_a_python_without_venv_is_told_what_to_install(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    assert "`sudo apt install python3-venv`" in tell(capsys, "lab")


def test_a_full_disk_is_told_before_the_work_begins(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(elsewhere)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200_000_000))
    assert "needs 1.5 GB" in tell(capsys, "lab")
    assert not (elsewhere / ".venv").exists()


@pytest.mark.parametrize(
    "number, word",
    [
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
        (errno.ENOSPC, "disk is full"),
    ],
)
def test_a_folder_that_refuses_is_told(
    number: int,
    word: str,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = tell(capsys, "test")
    assert word in said and str(elsewhere) in said


@pytest.mark.full
def test_no_network_is_told(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "requirements.txt").write_text("no-such-package-of-the-course==1\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert "check the network" in tell(capsys, "run")
    assert not ready(elsewhere, full=False)


@pytest.mark.parametrize(
    "line, word",
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        (
            "WARNING: Retrying ... NewConnectionError('...: Failed to establish a new connection')\n"
            "ERROR: No matching distribution found for anyio==4.16.0",
            "check the network",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied",
            "close JupyterLab",
        ),
        ("ERROR: something new\nnot an error", 'pip says "ERROR: something new"'),
    ],
)
def test_what_pip_says_is_told_in_one_sentence(line: str, word: str) -> None:
    said = reason(f"Collecting anyio\n{line}\n", Path("install.log"))
    assert word in said and "\n" not in said


def test_every_trouble_is_found_by_each_of_its_signs() -> None:
    for signs, said in TROUBLES:
        for sign in signs:
            assert (
                sign == sign.lower()
                and reason(f"ERROR: {sign.upper()}", Path("install.log")) == said
            )


@pytest.mark.parametrize("form", ["--port {}", "--port={}", "--ServerApp.port={}"])
def test_a_taken_port_is_told(
    form: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} is taken" in tell(capsys, "lab", *form.format(port).split())
    assert "must be a number" in tell(capsys, "lab", "--port", "http")


def test_wrong_commands_and_lessons_are_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no command labb; there are: lab, test, run, reset" in tell(capsys, "labb")
    assert "There is no lesson 99" in tell(capsys, "run", "99")
    assert "There is no lesson 99" in tell(capsys, "reset", "99")
    assert "Which lesson?" in tell(capsys, "reset")
    shutil.rmtree(elsewhere / "notebooks")
    assert "no lesson in notebooks/" in tell(capsys, "lab")


def test_control_c_ends_in_a_sentence(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "ensure", stopped)
    assert "the next start goes on" in tell(capsys, "run")


def test_help_lists_each_command_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["--help"]) == 0
    said = capsys.readouterr().out
    for name, command in commands.COMMANDS.items():
        assert f"  {name}" in said and str(command.__doc__) in said
    assert commands.main([]) == 2


# --- the whole way, with the network


@pytest.mark.full
@pytest.mark.skipif(os.name == "nt", reason="the server is stopped by a signal that Windows lacks")
def test_a_fresh_copy_of_the_course_tests_itself_and_opens_its_first_lesson(tmp_path: Path) -> None:
    root = tmp_path / "a b é"
    shutil.copytree(COURSE, root, ignore=MADE_HERE)
    # All quick tests must find their packages among the learner's.
    collected = subprocess.run(
        [sys.executable, "course.py", "test", "-n", "0", "-q", "--collect-only"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert collected.returncode == 0 and "collected" in collected.stdout, (
        collected.stdout[-2000:] + collected.stderr
    )
    tiny = [
        sys.executable,
        "course.py",
        "test",
        "tests/test_door.py",
        "-n",
        "0",
        "-k",
        "help_lists",
    ]
    tested = subprocess.run(tiny, cwd=root, capture_output=True, text=True)
    assert tested.returncode == 0 and "1 passed" in tested.stdout, tested.stdout + tested.stderr

    command = [sys.executable, "course.py", "lab", "--no-browser"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=root, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        # A silent server would hold the test, and so would one that loses a signal: it does, while it writes a line.
        patience = threading.Timer(60, server.kill)
        patience.daemon = True
        patience.start()
        try:
            said = ""
            while not (
                address := re.search(r"(http://localhost:\d+)(/lab/tree/.*)\?(token=.*)", said)
            ):
                line = server.stdout.readline()
                assert line, said
                said += line
            base, page, token = address.groups()
            plugin = "@jupyterlab/apputils-extension:notification"
            settings = fetch(f"{base}/lab/api/settings/{plugin}?{token}")["schema"]["properties"]
            files = [file["name"] for file in fetch(f"{base}/api/contents?{token}")["content"]]
        finally:
            server.send_signal(signal.SIGTERM)
    lessons = sorted(path.name for path in (COURSE / "notebooks").glob("[0-9]*.ipynb"))
    assert (
        settings["fetchNews"]["default"] == "false"
        and settings["checkForUpdates"]["default"] is False
    )
    assert sorted(files) == lessons and page == f"/lab/tree/{lessons[0]}"
    assert "Setting up" not in said


def fetch(address: str) -> dict:
    """What a server of this machine answers. JupyterLab tells its address a moment before it listens there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            with opener.open(address, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"nobody listens at {address}")
