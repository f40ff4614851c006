"""Explorables: live where there is a kernel, a still figure with the same message everywhere else."""

import re
from typing import Any

import pytest

from helpers import Design, Truth, explorables, monte_carlo

EVERY = [explorables.false_positives, explorables.equation_terms, explorables.shrinkage]
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
        assert re.search(r'<img alt="[^"]{40,}" width="\d+" height="\d+" src="data:image/png;base64,', before)


def test_a_view_shown_twice_listens_once() -> None:
    explorable = explorables.shrinkage()
    drawn = []
    draw = explorable.draw
    explorable.draw = lambda **values: drawn.append(values) or draw(**values)  # type: ignore[func-returns-value]
    explorable.view()
    explorable.view()
    explorable.controls["repeats"].value = 10
    assert [values["repeats"] for values in drawn] == [3, 10]


@pytest.mark.parametrize(("factor", "means_test"), [("within", "paired t"), ("between", "t on means")])
def test_the_false_positive_bars_are_the_rates_that_monte_carlo_counts(factor: str, means_test: str) -> None:
    explorable = explorables.false_positives(athletes=6, slope_sd=0.02, factor=factor, n=500, seed=3)
    alt = explorable._repr_mimebundle_()[1]["image/png"]["alt"]
    rates = monte_carlo(
        Design(athletes=6, between=factor == "between"),
        Truth(effect=0, slope_sd=0.02, clip=False),
        methods=["pooled t", means_test, "intercept z"],
        n=500,
        seed=3,
    )["rejection"]
    assert [float(found) for found in re.findall(r" (0\.\d{3})(?=[;.])", alt)] == [round(rate, 3) for rate in rates]


def test_the_shrinkage_picture_states_the_factor_of_the_formula() -> None:
    alt = explorables.shrinkage(repeats=4, athlete_sd=0.1, residual_sd=0.1)._repr_mimebundle_()[1]["image/png"]["alt"]
    assert f"keeps {4 / 5:.2f}" in alt and f"is {50 / 51:.2f}" in alt
