"""How often tests are wrong."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from fewgroups.studies import monte_carlo
from matplotlib.figure import Figure

from helpers.explorables.controls import Explorable, slider, whole
from helpers.figures import BLUE, INK, ORANGE, canvas
from helpers.figures.style import note
from helpers.pushups import Design, Truth

TESTS = ("t-test on all scores", "t-test on athlete means")
STUDIES = 2000
"""Data sets drawn for every picture."""


def false_positives() -> Explorable:
    """How often each of the TESTS finds an effect that is not there; the residual SD is .05."""
    return Explorable(
        "01.false_positives",
        _bars,
        athletes=whole("athletes", 4, 4, 20),
        athlete_sd=slider("SD of athletes", 0.05, 0, 0.10, 0.01),
        slope_sd=slider("SD of athletes' own changes", 0.03, 0, 0.10, 0.01),
        factor=widgets.ToggleButtons(options=["within", "between"], description="session varies"),
    )


def false_positive_rates(
    athletes: int, athlete_sd: float, slope_sd: float, factor: str
) -> pd.DataFrame:
    """What `monte_carlo` finds for the TESTS, in their order, in a world without an average effect.

    Parameters
    ----------
    athletes : int
    athlete_sd, slope_sd : float
        SDs of the athletes' levels and of their own changes.
    factor : "within" or "between"
        Every athlete in both sessions, or half of them in each.
    """
    between = factor == "between"
    return monte_carlo(
        Design(athletes=athletes, between=between),
        Truth(effect=0, athlete_sd=athlete_sd, slope_sd=slope_sd, clip=False),
        methods=["pooled t", "t on means" if between else "paired t"],
        n=STUDIES,
        seed=1,
    )


def _bars(**world: Any) -> tuple[Figure, dict[str, Any]]:
    rates = false_positive_rates(**world)
    shown, errors = rates["rejection"].to_numpy(), rates["rejection_error"].to_numpy()
    figure, ax = canvas("share of studies with p < .05", height=2.0)
    places = np.arange(len(shown))[::-1]
    colours = [ORANGE if abs(rate - 0.05) > 0.02 else BLUE for rate in shown]
    whiskers = {"xerr": 2 * errors, "error_kw": {"ecolor": INK}}
    ax.barh(places, shown, color=colours, height=0.6, **whiskers)
    ax.axvline(0.05, color=INK, linestyle="--")
    for place, rate in zip(places, shown, strict=True):
        note(ax, f"{rate:.3f}", (min(max(rate, 0.05), 0.9), place), (14, -4))
    ax.set_yticks(places, TESTS)
    ax.set_xlim(0, 1)
    return figure, world | dict(zip(("pooled", "means"), shown, strict=True))
