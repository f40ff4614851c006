"""Explorables: live where there is a kernel, a still figure with the same message everywhere else."""

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fewgroups import Design, Truth, design_grid, monte_carlo, power
from helpers import explorables
from helpers.explorables.plans import ATHLETES, REPEATS, Luck

EVERY = [
    explorables.false_positives,
    explorables.equation_terms,
    explorables.shrinkage,
    explorables.own_slopes,
    explorables.power_map,
]
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("make", EVERY)
def test_an_explorable_is_a_widget_a_picture_and_a_sentence_at_once(make: Any) -> None:
    data, metadata = make()._repr_mimebundle_()
    assert {WIDGET, "image/png", "text/plain"} == set(data)
    alt = metadata["image/png"]["alt"]
    assert len(alt) > 40 and data["text/plain"].startswith(alt)


@pytest.mark.parametrize("make", EVERY)
def test_moving_any_control_redraws_the_live_picture_with_its_alt_text(make: Any) -> None:
    explorable = make()
    explorable.view()
    for control in explorable.controls.values():
        before = explorable.picture.value
        if hasattr(control, "options"):
            control.value = next(option for option in control.options if option != control.value)
        else:
            control.value = control.max if control.value != control.max else control.min
        assert explorable.picture.value != before
        assert re.search(
            r'<img alt="[^"]{40,}" width="\d+" height="\d+" src="data:image/png;base64,', before
        )


def test_a_view_shown_twice_listens_once() -> None:
    explorable = explorables.shrinkage()
    drawn = []
    draw = explorable.draw
    explorable.draw = lambda **values: drawn.append(values) or draw(**values)  # type: ignore[func-returns-value]
    explorable.view()
    explorable.view()
    explorable.controls["repeats"].value = 10
    assert [values["repeats"] for values in drawn] == [3, 10]


@pytest.mark.parametrize(
    ("factor", "means_test"), [("within", "paired t"), ("between", "t on means")]
)
def test_the_false_positive_bars_are_the_rates_that_monte_carlo_counts(
    factor: str, means_test: str
) -> None:
    explorable = explorables.false_positives(
        athletes=6, slope_sd=0.02, factor=factor, n=500, seed=3
    )
    alt = explorable._repr_mimebundle_()[1]["image/png"]["alt"]
    rates = monte_carlo(
        Design(athletes=6, between=factor == "between"),
        Truth(effect=0, slope_sd=0.02, clip=False),
        methods=["pooled t", means_test, "intercept z"],
        n=500,
        seed=3,
    )["rejection"]
    assert [float(found) for found in re.findall(r" (0\.\d{3})(?=[;.])", alt)] == [
        round(rate, 3) for rate in rates
    ]


def test_the_shrinkage_picture_states_the_factor_of_the_formula() -> None:
    alt = explorables.shrinkage(repeats=4, athlete_sd=0.1, residual_sd=0.1)._repr_mimebundle_()[1][
        "image/png"
    ]["alt"]
    assert f"keeps {4 / 5:.2f}" in alt and f"is {50 / 51:.2f}" in alt


def _standard_errors(**values: float) -> tuple[float, float]:
    """With own levels only and with own slopes, as the alt text has them."""
    alt = explorables.own_slopes(**values)._repr_mimebundle_()[1]["image/png"]["alt"]
    found = re.search(r"with own levels only (0\.\d{4}) and with own slopes (0\.\d{4})\.", alt)
    assert found
    return float(found[1]), float(found[2])


def test_own_slopes_come_out_near_the_standard_errors_of_the_formula() -> None:
    for slope_sd, athletes, repeats in [(0.03, 30, 20), (0.1, 30, 100), (0.06, 30, 40)]:
        found = _standard_errors(slope_sd=slope_sd, athletes=athletes, repeats=repeats)[1]
        expected = np.sqrt((slope_sd**2 + 0.05**2 * (1 / repeats + 1 / (1.5 * repeats))) / athletes)
        spread = expected / np.sqrt(2 * (athletes - 1))
        assert abs(found - expected) < 3.5 * spread


def test_more_repeats_hardly_help_where_own_slopes_differ_and_help_a_model_that_leaves_them_out() -> (
    None
):
    few, many = (_standard_errors(slope_sd=0.06, repeats=repeats) for repeats in (10, 100))
    assert many[0] < 0.5 * few[0] and many[1] > 0.8 * few[1]


@pytest.mark.parametrize(("effect", "slope_sd"), [(0.04, 0.03), (0.02, 0.0), (0.03, 0.06)])
def test_the_power_map_agrees_with_power_within_simulation_luck(
    effect: float, slope_sd: float
) -> None:
    found = Luck.draw(10_000, 1).power(effect, slope_sd)
    for athletes, repeats in [(2, 3), (4, 20), (8, 5), (20, 8)]:
        design = design_grid([athletes], [repeats])
        truth = Truth(effect=-effect, slope_sd=slope_sd, clip=False)
        counted = power(design, truth, ["paired t"], n=4000, seed=2).iloc[0]
        here = found[np.searchsorted(REPEATS, repeats), np.searchsorted(ATHLETES, athletes)]
        # The two are drawn independently, the map's with 10 000 experiments.
        luck = counted["power_error"] * np.sqrt(1 + 0.4)
        assert abs(here - counted["power"]) < 4 * luck


def test_the_power_map_agrees_with_the_noncentral_t_at_every_point() -> None:
    n, slope_sd, effect = 10_000, 0.03, 0.02
    found = Luck.draw(n, 1).power(effect, slope_sd)
    se = np.sqrt((slope_sd**2 + 2 * 0.05**2 / REPEATS[:, None]) / ATHLETES)
    df = ATHLETES - 1
    exact = stats.nct.sf(stats.t.ppf(0.975, df), df, effect / se)
    exact = exact + stats.nct.cdf(stats.t.ppf(0.025, df), df, effect / se)
    misses = (found - exact) / np.sqrt(exact * (1 - exact) / n)
    assert np.abs(misses).max() < 4.5
    assert (
        abs(misses.mean()) < 1
    )  # one draw of luck serves all points: they miss together, but not far


def test_the_power_map_has_no_power_but_the_level_where_there_is_no_effect() -> None:
    found = Luck.draw(10_000, 1).power(0, 0.03)
    assert np.abs(found - 0.05).max() < 4.5 * np.sqrt(0.05 * 0.95 / 10_000)


def _said(alt: str) -> tuple[int, int, float, float, float]:
    """Athletes, repeats, power, and what half the athletes or repeats would leave, as an alt text has them."""
    best = re.search(r"(\d+) athletes with (\d+) repeats have the most power, ([\d.]+), give", alt)
    halves = re.search(r"half the athletes would leave ([\d.]+), half the repeats ([\d.]+)\.", alt)
    assert best and halves
    return int(best[1]), int(best[2]), float(best[3]), float(halves[1]), float(halves[2])


@pytest.mark.parametrize("budget", [5, 20, 80])
@pytest.mark.parametrize("slope_sd", [0.0, 0.03, 0.1])
def test_the_power_map_names_the_design_with_most_power_that_the_budget_buys(
    budget: int, slope_sd: float
) -> None:
    data, metadata = explorables.power_map(
        budget=budget, effect=0.02, slope_sd=slope_sd
    )._repr_mimebundle_()
    athletes, repeats, best, fewer_athletes, fewer_repeats = _said(metadata["image/png"]["alt"])
    found = Luck.draw(10_000, 1).power(0.02, slope_sd)
    hours = [[m * (1.5 + 2 * k / 60) for m in ATHLETES] for k in REPEATS]
    affordable = np.array(hours) <= budget
    assert affordable[repeats - 1, athletes - 2]
    assert best == round(found[affordable].max(), 3) == round(found[repeats - 1, athletes - 2], 3)
    half_athletes, half_repeats = max(2, athletes // 2), max(1, repeats // 2)
    assert fewer_athletes == round(found[repeats - 1, half_athletes - 2], 2)
    assert fewer_repeats == round(found[half_repeats - 1, athletes - 2], 2)
    title = f"{budget} hours buy a power of {best:.3f} ±"
    assert title in data["text/plain"]
    assert "10000 simulated experiments a point, each power ± 0.010 at most" in data["text/plain"]


def test_the_power_map_says_how_large_its_simulation_luck_is() -> None:
    few = explorables.power_map(n=1000)._repr_mimebundle_()[1]["image/png"]["alt"]
    error = re.search(r"give or take ([\d.]+) of simulation luck", few)
    rate = _said(few)[2]
    assert error and float(error[1]) == pytest.approx(
        2 * np.sqrt(rate * (1 - rate) / 1000), abs=6e-4
    )


def test_the_effect_of_the_power_map_may_have_either_sign() -> None:
    there = [
        explorables.power_map(effect=sign * 0.03)._repr_mimebundle_()[0]["text/plain"]
        for sign in (1, -1)
    ]
    assert there[0] == there[1]
