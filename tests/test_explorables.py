"""Explorables: live where there is a kernel, a still figure with the same message everywhere else."""

import asyncio
import base64
import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fewgroups import monte_carlo, power
from helpers import Design, Truth, design_grid, explorables
from helpers.explorables import ATHLETES, REPEATS, Explorable, paired_power

EVERY = [getattr(explorables, name) for name in explorables.__all__]


def alt(explorable: Explorable, **moved: Any) -> str:
    """The alt text of the picture with some controls moved."""
    for name, value in moved.items():
        explorable.controls[name].value = value
    return explorable._repr_mimebundle_()[1]["image/png"]["alt"]


@pytest.mark.parametrize("make", EVERY)
def test_an_explorable_is_a_widget_a_picture_and_a_sentence_at_once(make: Any) -> None:
    data, metadata = make()._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} == set(data)
    assert data["text/plain"].startswith(metadata["image/png"]["alt"] + "\ndrawn: figure “")


@pytest.mark.parametrize("make", EVERY)
def test_moving_any_control_redraws_the_live_picture_with_its_alt_text(make: Any) -> None:
    explorable = make()
    for control in explorable.controls.values():
        before = explorable.picture.value
        ends = getattr(control, "options", None) or (control.max, control.min)
        control.value = next(value for value in ends if value != control.value)
        after = explorable.picture.value
        assert after != before and re.match(r'<img alt="[^"]{40,}" width="700" height="', after)


def test_while_a_slider_moves_the_picture_is_quick_and_where_it_rests_sharp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explorables, "REST", 0.01)
    widths = []

    def width(picture: str) -> int:
        return Image.open(io.BytesIO(base64.b64decode(picture.split("base64,")[1][:-2]))).width

    async def drag() -> None:
        explorable = explorables.shrinkage()
        explorable.picture.observe(lambda change: widths.append(width(change["new"])), "value")
        for repeats in (10, 20, 30):
            explorable.controls["repeats"].value = repeats
        await asyncio.sleep(0.1)  # long enough for a second sharp picture, which must not come

    # In a thread of its own: a browser that an earlier test opened keeps a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, drag()).result()
    assert widths == [700, 700, 700, 1400]


@pytest.mark.parametrize("factor, means_test", [("within", "paired t"), ("between", "t on means")])
def test_the_false_positive_bars_are_the_rates_that_monte_carlo_counts(
    factor: str, means_test: str
) -> None:
    design = Design(athletes=6, between=factor == "between")
    truth = Truth(effect=0, slope_sd=0.02, clip=False)
    tests = ["pooled t", means_test]
    rates = monte_carlo(design, truth, methods=tests, n=2000, seed=1)["rejection"]
    said = alt(explorables.false_positives(), athletes=6, slope_sd=0.02, factor=factor)
    found = [float(rate) for rate in re.findall(r" (0\.\d{3})(?=[;.])", said)]
    assert found == [round(rate, 3) for rate in rates]


def test_the_shrinkage_picture_states_the_factor_of_the_formula() -> None:
    said = alt(explorables.shrinkage(), repeats=4, athlete_sd=0.1, residual_sd=0.1)
    assert f"keeps {4 / 5:.2f}" in said and f"is {50 / 51:.2f}" in said


def standard_errors(**moved: float) -> tuple[float, float]:
    """For levels only and with slopes, as the alt text has them."""
    said = alt(explorables.own_slopes(), **moved)
    levels, slopes = re.findall(r"(?:levels only|with slopes) (0\.\d{4})", said)
    return float(levels), float(slopes)


@pytest.mark.full
def test_own_slopes_come_out_near_the_standard_errors_of_the_formula() -> None:
    for slope_sd, repeats in [(0.03, 20), (0.1, 100), (0.06, 40)]:
        found = standard_errors(slope_sd=slope_sd, athletes=30, repeats=repeats)[1]
        expected = np.sqrt((slope_sd**2 + 0.05**2 * (1 / repeats + 1 / (1.5 * repeats))) / 30)
        assert abs(found - expected) < 3.5 * expected / np.sqrt(2 * 29)


@pytest.mark.parametrize(("effect", "slope_sd"), [(0.04, 0.03), (0.02, 0.0), (0.03, 0.06)])
def test_the_power_map_agrees_with_power_within_simulation_luck(
    effect: float, slope_sd: float
) -> None:
    found = paired_power(effect, slope_sd)
    for athletes, repeats in [(2, 3), (4, 20), (8, 5), (20, 8)]:
        truth = Truth(effect=-effect, slope_sd=slope_sd, clip=False)
        counted = power(design_grid([athletes], [repeats]), truth, ["paired t"], n=4000, seed=2)
        here = found[np.searchsorted(REPEATS, repeats), np.searchsorted(ATHLETES, athletes)]
        assert abs(here - counted["power"][0]) < 4 * counted["power_error"][0]


@pytest.mark.parametrize(("budget", "slope_sd"), [(5, 0.0), (20, 0.03), (80, 0.1)])
def test_the_power_map_names_the_design_with_most_power_that_the_budget_buys(
    budget: int, slope_sd: float
) -> None:
    said = alt(explorables.power_map(), budget=budget, effect=0.02, slope_sd=slope_sd)
    best = re.search(r"(\d+) athletes with (\d+) repeats have the most power, ([\d.]+);", said)
    halves = re.search(r"half the athletes would leave ([\d.]+), half the repeats ([\d.]+)\.", said)
    assert best and halves
    athletes, repeats = int(best[1]), int(best[2])
    found = paired_power(0.02, slope_sd)
    affordable = (1.5 + REPEATS[:, None] / 30) * ATHLETES <= budget
    assert affordable[repeats - 1, athletes - 2]
    here = found[repeats - 1, athletes - 2]
    assert float(best[3]) == round(found[affordable].max(), 3) == round(here, 3)
    assert float(halves[1]) == round(found[repeats - 1, max(2, athletes // 2) - 2], 2)
    assert float(halves[2]) == round(found[max(1, repeats // 2) - 1, athletes - 2], 2)
