"""Learners' copies in JupyterLab, in a real browser: what can be read before anything runs, and after "Run All"."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from door import ROOT
from handouts import editions, source
from tests.notebooks import LESSONS, read
from tests.test_bundle import fetch

pytestmark = pytest.mark.full

SETTINGS = {
    # The whole notebook is drawn, not only what is in the window.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
STILL_RUNNING = """[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
    .some(prompt => /\\[[ *]\\]/.test(prompt.textContent))"""
SHOWN = "document.querySelector('.jp-Notebook').innerText"  # leaves out what closed folds hold


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab, and the folder that it serves, with every learner's copy."""
    folder = tmp_path_factory.mktemp("learner") / "my_lessons"
    shutil.copytree(ROOT / "data", folder.parent / "data")
    folder.mkdir()
    for path in LESSONS:
        text = editions.notebook(source.read(path), editions.SELF_STUDY)
        (folder / path.name).write_text(text, encoding="utf-8")
    state = tmp_path_factory.mktemp("state")
    (state / "labconfig").mkdir()
    overrides = state / "labconfig" / "default_setting_overrides.json"
    overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    env = os.environ | {place: str(state) for place in places}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = "--no-browser --allow-root --IdentityProvider.token= --log-level=ERROR"
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", *options.split()]
    command += ["--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}"]
    process = subprocess.Popen(command, env=env)
    address = f"http://127.0.0.1:{port}"
    try:
        fetch(f"{address}/api")
        yield address, folder
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def page(browser: Any, server: tuple[str, Path]) -> Iterator[Any]:
    """An empty page, which may ask this machine; the kernel that it starts ends with it."""
    address, _ = server
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    yield context.new_page()
    context.close()
    with urllib.request.urlopen(f"{address}/api/kernels") as answer:
        kernels = json.load(answer)
    for kernel in kernels:
        url = f"{address}/api/kernels/{kernel['id']}"
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()


def opened(page: Any, address: str, name: str) -> None:
    page.goto(f"{address}/lab/workspaces/{name[:2]}/tree/{name}")  # no other lesson is open
    page.wait_for_selector(".jp-Notebook .jp-MarkdownOutput h2", timeout=120_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=120_000)
    page.wait_for_timeout(1000)


def squeezed(text: str) -> str:
    """Letters and digits only: layout and markup make no difference."""
    return re.sub(r"[\W_]+", "", text).lower()


def secrets(path: Path) -> dict[str, list[str]]:
    """Long lines of a lesson's solutions, and the sentences that say what happened, if they stand nowhere else."""
    lesson = read(path)
    hidden = {"solution", "teacher", "happened", "deeper"}
    rest = squeezed(" ".join(cell.source for cell in lesson.cells if not hidden & set(cell.tags)))
    solutions = [c for c in lesson.code if "solution" in c.tags]
    found = {
        "solution": [line for cell in solutions for line in cell.code_lines],
        "what happened": [
            sentence
            for cell in lesson.markdown
            if "happened" in cell.tags
            for sentence in re.split(
                r"(?<=[.?!])\s", re.sub(r"(?s)<!--.*?-->|\$[^$]*\$", "", cell.source)
            )
        ],
    }
    return {
        kind: [line for line in lines if len(squeezed(line)) > 25 and squeezed(line) not in rest]
        for kind, lines in found.items()
    }


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_nothing_is_given_away_before_and_no_solution_after_run_all(
    page: Any, server: tuple[str, Path], path: Path
) -> None:
    address, _ = server
    opened(page, address, path.name)
    before = page.evaluate(SHOWN)
    hidden = secrets(path)
    assert page.locator(".jp-OutputArea-output").count() == 0
    for kind, lines in hidden.items():
        shown = [line for line in lines if squeezed(line) in squeezed(before)]
        assert shown == [], f"{kind} can be read before anything ran"

    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    page.wait_for_timeout(2000)
    for _ in range(240):
        if not page.evaluate(STILL_RUNNING):
            break
        page.wait_for_timeout(500)
    waiting = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    assert not page.evaluate(STILL_RUNNING), waiting
    after = page.evaluate(SHOWN)
    shown = [line for line in hidden["solution"] if squeezed(line) in squeezed(after)]
    assert shown == [], "a solution can be read after Run All"
    assert not re.search(r"\d+\.\d+: right", after), "a stub that nobody answered says right"
    bands = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    assert bands.count() == 0, bands.first.inner_text() if bands.count() else ""
    assert "Traceback" not in after
    labels = "[...document.querySelectorAll('.widget-label')]"
    assert page.evaluate(f"{labels}.filter(e => e.scrollWidth > e.clientWidth).length") == 0
