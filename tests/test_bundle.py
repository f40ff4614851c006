"""`course.py bundle`: one folder that sets up and runs in a room without network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from door import ROOT, WHEELS, Stop, bundle
from door.installation import pinned

LINES = pinned(ROOT / "requirements.txt")


def names(lines: list[str]) -> set[str]:
    """The packages that pinned lines name."""
    return {line.split("==")[0] for line in lines}


def test_each_kind_of_machine_gets_its_own_packages_pinned() -> None:
    here = {system: names(bundle.wanted(LINES, system, "3.13")) for system in bundle.SYSTEMS}
    assert "appnope" in here["macos-arm"] and "appnope" not in here["linux"] | here["windows"]
    assert "colorama" in here["windows"] and "colorama" not in here["linux"] | here["macos-intel"]
    assert (
        "pywinpty" in here["windows"]
        and "pexpect" in here["linux"]
        and "numpy" in here["linux-arm"]
    )
    assert all("==" in line and ";" not in line for line in bundle.wanted(LINES, "windows", "3.11"))
    assert not any(line.startswith("-e") for line in bundle.wanted(LINES, "linux", "3.12"))


def test_a_folder_that_is_there_or_cannot_be_had_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    assert bundle.main([str(tmp_path / "mine")]) == 1 and bundle.main([str(ROOT)]) == 1
    assert (
        "is there already" in (said := capsys.readouterr().err) and "cannot be the folder" in said
    )

    def no_network(*_: object) -> None:
        raise Stop("no package server answers")

    monkeypatch.setattr(bundle, "fetch", no_network)
    assert bundle.main([str(tmp_path / "new")]) == 1
    assert "no package server answers" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


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


def has_namespaces() -> bool:
    try:
        return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.full
@pytest.mark.skipif(
    not has_namespaces(), reason="only Linux can take the network away from one program"
)
def test_a_bundle_sets_up_and_runs_a_lesson_with_the_network_off(tmp_path: Path) -> None:
    place = tmp_path / "a b é"
    made = subprocess.run(
        [sys.executable, "-m", "door.bundle", str(place)], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0 and list((place / WHEELS).glob("numpy-*.whl")), (
        made.stdout + made.stderr
    )
    assert not (place / ".venv").exists() and not (place / ".git").exists()
    command = ["course.py", "test", "-n", "0", "notebooks/03_simulating_data.ipynb"]
    ran = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", OFF, *command],
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0 and "Setting up" in ran.stdout and " passed" in ran.stdout, (
        ran.stdout + ran.stderr
    )
