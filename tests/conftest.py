"""Options and fixtures shared by all tests."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from door.commands import NO_BARS
from tests import browsing, handout_sample
from tests.notebooks import LESSONS, Notebook, read


def pytest_addoption(parser: pytest.Parser) -> None:
    with suppress(ValueError):  # the library's tests know it as well
        parser.addoption("--full", action="store_true", help="run the tests marked `full` as well")


def pytest_configure(config: pytest.Config) -> None:
    """A short run deselects, and does not skip: a skip always means that something is wrong."""
    config.addinivalue_line("markers", "full: long; deselected unless pytest gets --full")
    if not config.option.full:
        config.option.markexpr = config.option.markexpr or "not full"
    # A slow machine shows progress bars, which no stored output has; kernels inherit this.
    os.environ.update(NO_BARS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first: at the end one of them would keep a single worker busy."""
    items.sort(key=lambda item: item.get_closest_marker("full") is None)


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Notebook:
    """Each lesson in turn."""
    return read(request.param)


@pytest.fixture(scope="session")
def lessons() -> list[Notebook]:
    """All lessons, in reading order."""
    return [read(path) for path in LESSONS]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of the sample course, in all editions."""
    notebooks = handout_sample.write_course(tmp_path_factory.mktemp("sample") / "notebooks")
    return handout_sample.built(notebooks, notebooks.parent / "build")


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of every lesson, in all editions."""
    return handout_sample.built(LESSONS[0].parent, tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser for pages."""
    with browsing.started() as started:
        yield started


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """`browsing.opened` with this browser; what a test opened is closed after it."""
    yield partial(browsing.opened, browser)
    for context in browser.contexts:
        context.close()
