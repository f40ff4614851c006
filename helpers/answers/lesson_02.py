"""Answer keys of lesson 02, the model equation."""

from __future__ import annotations

import math
from functools import cache

from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


@cache
def _pushups() -> tuple[float, float]:
    """σ_u² and σ² of the push-up scores."""
    result = fit("correctness ~ session_high", load("pushups"), groups="athlete_id")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


def _needed(share: float) -> float:
    """Scores at which the shrinkage factor is `share`: n = share/(1−share) · σ²/σ_u²."""
    var_u, var_e = _pushups()
    return share / (1 - share) * var_e / var_u


@cache
def _sleep(first: int = 2) -> tuple[float, float]:
    """σ_u² and σ² of the drivers' reaction times from a day on; day 2 is the last one after normal sleep."""
    sleep = load("sleepstudy").query("Days >= @first")
    result = fit("Reaction ~ Days", sleep, groups="Subject")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


def _icc(var_u: float, var_e: float) -> float:
    return var_u / (var_u + var_e)


ROUNDED = 'Did you use the SDs, or the rounded printout? Take variances(fitted)["variance"].'

EXERCISES = {
    "2.1": Exercise(
        key=lambda: _icc(0.06**2, 0.08**2),
        places=2,
        right="{key} of the variance lies between athletes.",
        hints=(
            "The ICC is a share of *variance*. What are the two variances?",
            "0.06**2 between athletes; 0.06**2 + 0.08**2 in all.",
        ),
        slips=(
            Slip(
                lambda: _icc(0.06, 0.08),
                "That is the share of the SDs. Square them first: variances add, SDs do not.",
            ),
            Slip(
                lambda: (0.06 / 0.08) ** 2,
                "That is between over within. The ICC is between over the whole.",
            ),
            Slip(lambda: _icc(0.08**2, 0.06**2), "That is the share within athletes."),
        ),
    ),
    "2.2": Exercise(
        key=lambda: math.ceil(_needed(0.9)),
        places=0,
        right="{key} scores: nine times σ²/σ_u², rounded up.",
        hints=(
            "Set λ = 0.9 in the formula and solve for n.",
            "n is at least 9 σ²/σ_u², or try kept(n, fitted) for several n.",
        ),
        slips=(
            Slip(
                lambda: math.floor(_needed(0.9)),
                "With so many scores λ is still slightly below 0.9: round up.",
            ),
            Slip(
                lambda: 9,
                "In the true world σ_u² = σ² and nine would do. The question is about the fitted values.",
            ),
            Slip(lambda: 9 * 0.0019 / 0.001, ROUNDED),  # 17 with the SDs, too
            Slip(lambda: math.ceil(9 * 0.0019 / 0.001), ROUNDED),
            Slip(lambda: _needed(0.9), "Right so far: now round up, because scores are whole."),
            Slip(lambda: math.ceil(_needed(0.9)) + 1, "One fewer is already enough."),
        ),
    ),
    "2.3": Exercise(
        key=lambda: _icc(*_sleep()),
        places=2,
        right="{key}: two days of one driver are alike to that degree, once the change with the days is taken out.",
        hints=(
            "It is the intraclass correlation. Fit the model with fit(...); variances(...) holds both variances.",
            "The variance of Subject, divided by the sum of both variances.",
        ),
        slips=(
            Slip(
                lambda: _icc(*(math.sqrt(v) for v in _sleep())),
                "That is the share of the SDs: use the variances.",
            ),
            Slip(
                lambda: _icc(*_sleep(0)),
                "That is all ten days: fit the rows of `sleep`, days 2 to 9.",
            ),
            Slip(lambda: 1 - _icc(*_sleep()), "That is the share within people."),
            Slip(
                lambda: _sleep()[0] / _sleep()[1],
                "That is between over within. The ICC is between over the whole.",
            ),
        ),
    ),
}
