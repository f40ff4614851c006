"""How often tests are wrong."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import pandas as pd
from fewgroups.designs import Design, Truth
from fewgroups.studies import monte_carlo

from helpers.explorables.controls import Drawing, Explorable, slider, whole
from helpers.figures import BLUE, INK, ORANGE, canvas

TESTS = ("t-test on all scores", "t-test on athlete means", "mixed model without slopes, z")


def false_positives(
    athletes: int = 4,
    athlete_sd: float = 0.05,
    slope_sd: float = 0.03,
    factor: str = "within",
    n: int = 2000,
    seed: int = 1,
) -> Explorable:
    """How often each test finds an effect that is not there.

    Parameters
    ----------
    athletes : int, 2 to 20
    athlete_sd, slope_sd : float
        SDs of the athletes' levels and of their own changes; the residual SD is .05.
    factor : "within" or "between"
        Every athlete in both sessions, or half of them in each.
    n : int
        Data sets drawn for every picture.
    seed : int
    """
    return Explorable(
        "01.false_positives",
        lambda athletes, athlete_sd, slope_sd, factor: _false_positives(
            athletes, athlete_sd, slope_sd, factor, n, seed
        ),
        athletes=whole("athletes", athletes, 4, 20),
        athlete_sd=slider("SD of athletes", athlete_sd, 0, 0.10, 0.01),
        slope_sd=slider("SD of athletes' own changes", slope_sd, 0, 0.10, 0.01),
        factor=widgets.ToggleButtons(
            value=factor, options=["within", "between"], description="session varies"
        ),
    )


def false_positive_rates(
    athletes: int, athlete_sd: float, slope_sd: float, factor: str, n: int, seed: int
) -> pd.DataFrame:
    """What `monte_carlo` finds for the three TESTS, in their order, in a world without an average effect."""
    between = factor == "between"
    return monte_carlo(
        Design(athletes=athletes, between=between),
        Truth(effect=0, athlete_sd=athlete_sd, slope_sd=slope_sd, clip=False),
        methods=["pooled t", "t on means" if between else "paired t", "intercept z"],
        n=n,
        seed=seed,
    )


def _false_positives(
    athletes: int, athlete_sd: float, slope_sd: float, factor: str, n: int, seed: int
) -> Drawing:
    rates = false_positive_rates(athletes, athlete_sd, slope_sd, factor, n, seed)
    shown, errors = rates["rejection"].to_numpy(), rates["rejection_error"].to_numpy()
    figure, ax = canvas(
        "share of studies with p < .05",
        "",
        height=2.6,
    )
    places = np.arange(len(shown))[::-1]
    ax.barh(
        places,
        shown,
        xerr=2 * errors,
        color=[ORANGE if abs(rate - 0.05) > 0.02 else BLUE for rate in shown],
        height=0.6,
        error_kw={"ecolor": INK},
    )
    ax.axvline(0.05, color=INK, linestyle="--")
    for place, rate in zip(places, shown, strict=True):
        ax.annotate(
            f"{rate:.3f}",
            (min(max(rate, 0.05), 0.9), place),
            xytext=(14, -4),
            textcoords="offset points",
        )
    ax.set_yticks(places, TESTS)
    ax.set_xlim(0, 1)
    rate = dict(zip(("pooled", "means", "model"), shown, strict=True))
    return figure, {
        "athletes": athletes,
        "athlete_sd": athlete_sd,
        "slope_sd": slope_sd,
        "factor": factor,
        **rate,
    }
