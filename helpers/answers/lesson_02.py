"""Answer keys of lesson 02, the model equation."""

from __future__ import annotations

import math
from functools import cache

from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


@cache
def _pushups() -> tuple[float, float]:
    """τ² and σ² of the push-up scores."""
    result = fit("correctness ~ session_high", load("pushups"), groups="athlete_id")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


def _needed(share: float) -> float:
    """Scores at which the shrinkage factor is `share`: n = share/(1−share) · σ²/τ²."""
    tau2, sigma2 = _pushups()
    return share / (1 - share) * sigma2 / tau2


@cache
def _sleep() -> tuple[float, float]:
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


def _icc(tau2: float, sigma2: float) -> float:
    return tau2 / (tau2 + sigma2)


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
        right="{key} scores: nine times σ²/τ², rounded up.",
        hints=(
            "Set λ = 0.9 in the formula and solve for n.",
            "n = 9 σ²/τ², with fitted.scale and fitted.cov_re.",
        ),
        slips=(
            Slip(
                lambda: math.floor(_needed(0.9)),
                "With so many scores λ is still a hair below 0.9: round up.",
            ),
            Slip(
                lambda: 9,
                "In the true world τ² = σ² and nine would do. The question is about the fitted values.",
            ),
            Slip(
                lambda: math.ceil(9 * math.sqrt(_pushups()[1] / _pushups()[0])),
                "That uses the SDs. The formula has variances.",
            ),
        ),
    ),
    "2.3": Exercise(
        key=lambda: "b",
        right="Session and age are fixed effects, athletes are the groups, and without re_formula all tire alike.",
        hints=(
            "What differs between athletes by chance? That column goes into groups.",
            "All tire alike: no re_formula.",
        ),
        slips=(
            Slip(lambda: "a", "groups names those who have their own levels: athletes, not ages."),
            Slip(
                lambda: "c",
                "re_formula lets athletes tire differently; the sentence says that all tire alike.",
            ),
            Slip(lambda: "d", "Here sessions are the groups. The athletes have their own levels."),
        ),
    ),
    "2.4": Exercise(
        key=lambda: _icc(*_sleep()),
        places=2,
        right="{key}: more than half of the variance lies between people.",
        hints=(
            "Fit it with fit(...); cov_re and scale hold the two variances.",
            "cov_re / (cov_re + scale)",
        ),
        slips=(
            Slip(
                lambda: _icc(*(math.sqrt(v) for v in _sleep())),
                "That is the share of the SDs: use the variances.",
            ),
            Slip(lambda: 1 - _icc(*_sleep()), "That is the share within people."),
            Slip(
                lambda: _sleep()[0] / _sleep()[1],
                "That is between over within. The ICC is between over the whole.",
            ),
        ),
    ),
}
