"""The explorer in the page of lesson 01: its numbers are those of monte_carlo, and it works without a mouse."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewgroups import monte_carlo
from helpers import Design, Truth, explorables, simulate
from helpers.explorables import STUDIES
from tests.browsing import shown, violations
from tests.handout_sample import need_packages, quiet, soup_of
from tests.notebooks import FOLDER, LESSONS

need_packages()

from handouts import explorer  # noqa: E402
from handouts.build import build  # noqa: E402
from handouts.editions import STUDENT  # noqa: E402

pytestmark = pytest.mark.full
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
    open_page: Any, page_one: Path, embedded: Any, scheme: str
) -> None:
    page = open_page(page_one / "student" / NAME, color_scheme=scheme)
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


def test_without_scripts_the_still_figure_stands_alone(open_page: Any, page_one: Path) -> None:
    page = open_page(page_one / "student" / NAME, java_script_enabled=False)
    assert not page.locator(".explorer").is_visible() and page.locator("img").count() >= 2


def scores(**terms: float) -> Any:
    return simulate(Design(), Truth(**terms, clip=False), 42)["correctness"]


def kept(repeats: int, athlete_sd: float, residual_sd: float) -> Any:
    counts = np.array([50, 50, 50, repeats])
    return counts * athlete_sd**2 / (counts * athlete_sd**2 + residual_sd**2)


def powers(budget: int, effect: float, slope_sd: float) -> Any:
    return explorables.paired_power(effect, slope_sd).T


LIVE: dict[str, Any] = {"equation_terms": scores, "shrinkage": kept, "power_map": powers}
STATES: dict[str, list[dict[str, float]]] = {  # places of the sliders
    "equation_terms": [
        {"intercept": 0.85, "effect": -0.08, "athlete_sd": 0.05, "residual_sd": 0.05},
        {"intercept": 0.6, "effect": 0.1, "athlete_sd": 0.15, "residual_sd": 0.0},
    ],
    "shrinkage": [
        {"repeats": 3, "athlete_sd": 0.05, "residual_sd": 0.05},
        {"repeats": 1, "athlete_sd": 0.0, "residual_sd": 0.15},
    ],
    "power_map": [
        {"budget": 20, "effect": 0.04, "slope_sd": 0.03},
        {"budget": 80, "effect": 0.1, "slope_sd": 0.0},
    ],
}


def test_figures_drawn_in_the_page_hold_the_numbers_of_python(
    open_page: Any, tmp_path: Path
) -> None:
    drawn = re.compile(rf"explorables\.({'|'.join(LIVE)})\(\)")
    names = [path.name[:2] for path in LESSONS if drawn.search(path.read_text("utf-8"))]
    build(FOLDER, tmp_path, [STUDENT], names, say=quiet)
    found = set()
    for path in (tmp_path / "student").glob("*.html"):
        page = open_page(path)
        for box in page.locator(".explorer.live").all():
            name = box.get_attribute("data-live")
            found.add(name)
            data = json.loads(box.locator(".explorer-data").text_content() or "")
            for values in STATES[name]:  # the function in the page is called as the one above
                call = f"(([v, data]) => live.{LIVE[name].__name__}(v, data))"
                ours = page.evaluate(call, [values, data])
                np.testing.assert_allclose(ours, LIVE[name](**values), atol=2e-4)
            before = box.locator("svg").inner_html()
            box.locator("input").first.press("ArrowRight")
            assert box.locator("svg").inner_html() != before and box.locator(".said").inner_text()
        assert violations(page) == []
    assert found == set(explorer.DATA)
