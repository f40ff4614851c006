"""Answer keys of lesson 04, fitting the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


@cache
def _athlete_variance() -> float:
    """τ² in squared percentage points."""
    return 1e4 * float(
        fit("correctness ~ session_high", load("pushups"), groups="athlete_id").cov_re.iloc[0, 0]
    )


def _profile() -> Callable[[float], float]:
    """The lesson's profile REML log-likelihood, up to a constant, from the two mean squares of a balanced design.

    Athlete means have variance σ²(θ² + 1/50) and 3 degrees of freedom, repeats σ² and 195.
    """
    df = load("pushups")
    athlete = df.groupby("athlete_id")["correctness"].transform("mean")
    session = df.groupby("session_label")["correctness"].transform("mean")
    within = ((df["correctness"] - athlete - session + df["correctness"].mean()) ** 2).sum()
    between = ((athlete - df["correctness"].mean()) ** 2).sum()

    def height(theta: float) -> float:
        inflation = 1 + 50 * theta**2
        return float(-0.5 * (198 * np.log(within + between / inflation) + 3 * np.log(inflation)))

    return height


@cache
def _end(drop: float, largest: bool = True) -> float:
    """The largest (or smallest) θ whose height is within `drop` of the top."""
    height = _profile()
    thetas = np.linspace(0, 5, 50_001)
    heights = np.array([height(theta) for theta in thetas])
    within = thetas[heights >= heights.max() - drop]
    return float(within[-1] if largest else within[0])


@cache
def _slope_se() -> float:
    """SE of the slope per day, random slopes, at the top."""
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject", re_formula="~Days")
    return float(result.bse_fe["Days"])


EXERCISES = {
    "4.1": Exercise(
        key=lambda: np.sqrt(_athlete_variance()),
        places=2,
        right="{key} percentage points, a hundred times the SD on the scale from 0 to 1.",
        hints=("in_percent.cov_re holds a variance.", "np.sqrt(in_percent.cov_re.iloc[0, 0])"),
        slips=(
            Slip(
                _athlete_variance,
                "That is the variance, in squared percentage points. Take its root.",
            ),
            Slip(
                lambda: np.sqrt(_athlete_variance()) / 100,
                "That is the SD on the scale from 0 to 1.",
            ),
        ),
    ),
    "4.2": Exercise(
        key=lambda: _end(1.92),
        places=1,
        right="{key}: athletes may well differ more than repeats do. Four athletes leave that much open.",
        hints=(
            "Take profile_loglik(theta) away from profile_loglik(theta_hat), and raise theta until 1.92 is reached.",
            "Somewhere between 1 and 2: try 1.5.",
        ),
        slips=(
            Slip(
                lambda: _end(1.92, largest=False),
                "That is the smallest one, on the steep side of the hill.",
            ),
            Slip(
                lambda: _end(3.84),
                "That is a drop of 3.84; half of it, 1.92, is the drop of the log-likelihood itself.",
            ),
            Slip(lambda: _end(0), "That is the top itself."),
        ),
    ),
    "4.3": Exercise(
        key=lambda: "b",
        right="The height decides, not the claim: 312.9 is the highest finite one. It may still not be the top.",
        hints=(
            "The log-likelihood is the height of the place where each one stopped.",
            "An infinite height cannot be: something broke there.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "It says converged, and yet (b) stands higher: (a) cannot be at the top.",
            ),
            Slip(
                lambda: "c",
                "No finite scores have an infinite log-likelihood under a sound fit: the fit is broken.",
            ),
        ),
    ),
    "4.4": Exercise(
        key=_slope_se,
        places=3,
        right="{key} ms a day, as with the days from 0 to 9.",
        hints=(
            "Take the mean of hours away first. What does a step of one mean then?",
            "Divide by 24, so that a step of one is a day: (hours - hours.mean()) / 24.",
        ),
        slips=(
            Slip(
                lambda: _slope_se() / 24,
                "That is the standard error per hour. A day has 24 of them.",
            ),
            Slip(
                lambda: _slope_se() * 24,
                "The predictor was in days already: no need to multiply again.",
            ),
        ),
    ),
}
