"""Learners' copies in JupyterLab, in a real browser: what can be read before anything runs, and after "Run All"."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from door import ROOT
from door.lessons import fresh
from tests.browsing import fetch, free_port
from tests.notebooks import LESSONS, hidden, read, squeezed

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
        (folder / path.name).write_text(fresh(path), encoding="utf-8")
    state = tmp_path_factory.mktemp("state")
    (state / "labconfig").mkdir()
    overrides = state / "labconfig" / "default_setting_overrides.json"
    overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    env = os.environ | {place: str(state) for place in places}
    address = f"http://127.0.0.1:{(port := free_port())}"
    options = "--no-browser --allow-root --IdentityProvider.token= --log-level=ERROR"
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", *options.split()]
    command += ["--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}"]
    process = subprocess.Popen(command, env=env)
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


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_nothing_is_given_away_before_and_no_solution_after_run_all(
    page: Any, server: tuple[str, Path], path: Path
) -> None:
    address, _ = server
    opened(page, address, path.name)
    before, lesson = squeezed(page.evaluate(SHOWN)), read(path)
    assert page.locator(".jp-OutputArea-output").count() == 0
    answers = hidden(lesson, "solution", "teacher", "happened", "deeper")
    assert [piece for piece in answers if piece in before] == []

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
    solutions = hidden(lesson, "solution", "teacher")
    assert [piece for piece in solutions if piece in squeezed(after)] == []
    assert not re.search(r"\d+\.\d+: right", after), "a stub that nobody answered says right"
    bands = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    assert bands.count() == 0, bands.first.inner_text() if bands.count() else ""
    assert "Traceback" not in after
    labels = "[...document.querySelectorAll('.widget-label')]"
    assert page.evaluate(f"{labels}.filter(e => e.scrollWidth > e.clientWidth).length") == 0
