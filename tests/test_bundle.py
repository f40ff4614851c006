"""`course.py bundle`: one folder that sets up and runs without a network, whole or for students."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from door import ROOT, WHEELS, Stop, bundle
from door.environment import VERSION, pinned
from door.lessons import lessons
from tests.browsing import TOKEN, fetch

LINES = pinned(ROOT / "requirements.txt")


def names(lines: list[str]) -> set[str]:
    """The packages that pinned lines name."""
    return {line.split("==")[0] for line in lines}


def ran(place: Path, *command: str) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_each_kind_of_machine_gets_its_own_packages_pinned() -> None:
    here = {system: names(bundle.wanted(LINES, system, "3.13")) for system in bundle.SYSTEMS}
    only = {"appnope": "macos", "colorama": "windows", "pywinpty": "windows", "numpy": ""}
    for package, kind in only.items():
        for system, found in here.items():
            assert (package in found) == system.startswith(kind), (package, system)
    assert all("==" in line and ";" not in line for line in bundle.wanted(LINES, "windows", "3.11"))
    assert not any(line.startswith("-e") for line in bundle.wanted(LINES, "linux", "3.12"))


def test_a_folder_that_is_there_or_cannot_be_filled_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle.main([str(tmp_path)]) == 1 and bundle.main([str(ROOT)]) == 1
    assert capsys.readouterr().err.count("is there already") == 2

    def no_network(*_: object) -> None:
        raise Stop("no package server answers")

    monkeypatch.setattr(bundle, "fetch", no_network)
    with pytest.raises(Stop, match="no package server"):
        bundle.bundle(tmp_path / "new", ["linux"], ["3.12"])
    assert not list(tmp_path.iterdir())


def test_a_students_bundle_has_no_solution_no_teachers_note_and_no_tests(tmp_path: Path) -> None:
    place = tmp_path / "a b é"
    bundle.copy(ROOT, place, student=True)
    for lesson in lessons(ROOT).values():
        lesson = place / "notebooks" / lesson.name
        cells = json.loads(lesson.read_text("utf-8"))["cells"]
        tags = {tag for cell in cells for tag in cell["metadata"].get("tags", [])}
        text = "".join("".join(cell["source"]) for cell in cells)
        assert not tags & {"solution", "teacher"} and "For the teacher" not in text, lesson.name
        assert not any(cell.get("outputs") for cell in cells), lesson.name
    assert not [path for path in place.rglob("*") if path.name in ("tests", "editions.py", ".git")]
    offered = ran(place, sys.executable, "course.py", "--help")
    assert "  lab " in offered and "  reset " in offered and "  test " not in offered


# --- the whole way

# Linux can take the network away from one program; its kernels still need the machine's own address.
OFF = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    assert "unreachable" in str(error), error
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def can_do_without_network() -> bool:
    try:
        return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.full
@pytest.mark.skipif(not can_do_without_network(), reason="only Linux takes the network away")
def test_a_bundle_sets_up_tests_itself_and_opens_its_first_lesson_with_the_network_off(
    tmp_path: Path,
) -> None:
    place = tmp_path / "a b é"
    system = "linux-arm" if os.uname().machine == "aarch64" else "linux"
    bundle.bundle(place, [system], [VERSION])
    assert list((place / WHEELS).glob("numpy-*.whl")) and not (place / ".venv").exists()
    off = ["unshare", "-rn", sys.executable, "-c", OFF, "course.py", "test", "-n", "0", "-q"]
    assert "Setting up" in ran(place, *off, "notebooks/03_simulating_data.ipynb")
    with open(place / "requirements.txt", "a") as file:
        file.write("# as if a pin had moved\n")
    # What is there is added to, and the quick tests find all they need in it.
    said = ran(place, *off, "--collect-only")
    assert "Setting up" in said and "anew" not in said

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        lab = [sys.executable, "course.py", "lab", "--no-browser", f"--port={port}"]
        refused = subprocess.run(lab, cwd=place, capture_output=True, text=True)
        assert refused.returncode and f"port {port} is not available" in refused.stderr
    command, pipe = [*lab, f"--IdentityProvider.token={TOKEN}"], subprocess.PIPE
    out = subprocess.STDOUT
    with subprocess.Popen(command, cwd=place, stdout=pipe, stderr=out, text=True) as server:
        try:
            page = fetch(f"http://127.0.0.1:{port}/")[0]
            plugin = "@jupyterlab/apputils-extension:notification"
            settings = fetch(f"http://127.0.0.1:{port}/lab/api/settings/{plugin}")[1]
            servers = fetch(f"http://127.0.0.1:{port}/lsp/status")[1]
        finally:
            server.kill()
        said = server.communicate()[0]
    asked = json.loads(settings)["schema"]["properties"]
    assert [asked[name]["default"] for name in ("fetchNews", "checkForUpdates")] == ["false", False]
    # A broken server of the reader's would print its traceback.
    assert json.loads(servers)["specs"] == {}
    copies = sorted(path.name for path in (place / "my_lessons").glob("*.ipynb"))
    assert copies == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert page.endswith(f"/lab/tree/{copies[0]}")
    assert said.startswith("Starting JupyterLab") and "Traceback" not in said
