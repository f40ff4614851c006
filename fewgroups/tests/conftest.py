"""Long tests run with `--full`; the course's tests, when they run as well, know the option already."""

from contextlib import suppress

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    with suppress(ValueError):
        parser.addoption("--full", action="store_true", help="run the tests marked `full` as well")


def pytest_configure(config: pytest.Config) -> None:
    """A short run deselects, and does not skip: a skip always means that something is wrong."""
    config.addinivalue_line("markers", "full: long; deselected unless pytest gets --full")
    if not config.option.full:
        config.option.markexpr = config.option.markexpr or "not full"
