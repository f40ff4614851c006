"""The explorer in the page of lesson 01: its numbers are those of monte_carlo, and it works without a mouse."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewgroups import monte_carlo
from helpers import Design, Truth
from helpers.explorables import STUDIES
from tests.browsing import opened, shown, violations
from tests.handout_sample import need_packages, quiet, soup_of
from tests.notebooks import FOLDER

need_packages()

from handouts import explorer  # noqa: E402
from handouts.build import build  # noqa: E402
from handouts.editions import STUDENT  # noqa: E402

NAME = "01_why_t_tests_fail.html"


@pytest.fixture(scope="module")
def page_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the student edition of lesson 01."""
    build(FOLDER, folder := tmp_path_factory.mktemp("explorer"), [STUDENT], ["01"], say=quiet)
    return folder


@pytest.fixture(scope="module")
def embedded(page_one: Path) -> Any:
    """What the script in the page reads."""
    return json.loads(soup_of(page_one, "student", NAME).select_one(".explorer-data").string)


def test_the_page_has_a_rate_for_every_place_and_starts_at_its_still_figure(
    page_one: Path, embedded: Any
) -> None:
    places = product(explorer.FACTORS, *(range(len(values)) for values in embedded["values"]))
    assert set(embedded["rates"]) == {" ".join(map(str, place)) for place in places}
    page = soup_of(page_one, "student", NAME)
    start = [str(stop[2]) for stop in explorer.STOPS.values()]
    alt = page.select_one(".explorer").find_previous("img")["alt"]
    still = [float(rate) for rate in re.findall(r" (0\.\d{3})(?=[;.])", alt)]
    assert [rate / 1000 for rate in embedded["rates"][" ".join(["within", *start])]] == still
    assert [slider["value"] for slider in page.select(".explorer input[type=range]")] == start


@pytest.mark.parametrize("place", ["within 0 1 0", "within 3 2 5", "between 1 3 0"])
def test_the_rates_in_the_page_are_those_of_monte_carlo_within_the_luck_of_both(
    embedded: Any, place: str
) -> None:
    factor, *at = place.split()
    athletes, *sds = (values[int(k)] for values, k in zip(embedded["values"], at, strict=True))
    design = Design(athletes=athletes, between=factor == "between")
    truth = Truth(effect=0, athlete_sd=sds[0], slope_sd=sds[1], clip=False)
    tests = ["pooled t", "t on means" if factor == "between" else "paired t"]
    expected = monte_carlo(design, truth, methods=tests, n=20_000, seed=77)["rejection"]
    luck = 4 * np.sqrt(expected * (1 - expected) * (1 / 20_000 + 1 / STUDIES))
    assert np.all(abs(np.array(embedded["rates"][place]) / 1000 - expected) < luck + 0.0006)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_keyboard_moves_the_sliders_and_the_result_is_said(
    browser: Any, page_one: Path, embedded: Any, scheme: str
) -> None:
    page = opened(browser, page_one / "student" / NAME, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    slider = page.get_by_label("SD of athletes’ own changes")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("between athletes").check()
    rates = [f"{rate / 1000:.3f}".removeprefix("0") for rate in embedded["rates"]["between 0 2 4"]]
    said = page.locator(".explorer [role=status]").inner_text()
    assert re.findall(r"\.\d{3}", said) == rates
    assert slider.get_attribute("aria-valuetext") == "0.05"
    assert page.locator(".explorer b").all_inner_texts() == rates
    assert violations(page) == []
    page.emulate_media(media="print")
    assert not shown(page, ".explorer")
    page.context.close()


def test_without_scripts_the_still_figure_stands_alone(browser: Any, page_one: Path) -> None:
    page = opened(browser, page_one / "student" / NAME, java_script_enabled=False)
    assert not page.locator(".explorer").is_visible() and page.locator("img").count() >= 2
