"""Answer keys of lesson 05, reading the output."""

from __future__ import annotations

from functools import cache

import numpy as np
from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


@cache
def _pushups() -> tuple[float, float]:
    """τ² and σ² of the push-up scores, by REML."""
    result = fit("correctness ~ session_high", load("pushups"), groups="athlete_id")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


@cache
def _sleep() -> tuple[float, float]:
    """Between-person variance and residual variance of the reaction times, by REML, random intercepts."""
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject")
    return float(result.cov_re.iloc[0, 0]), float(result.scale)


def _effect_se(athletes: int) -> float:
    return float(np.sqrt(_pushups()[1] * (1 / (20 * athletes) + 1 / (30 * athletes))))


EXERCISES = {
    "5.1": Exercise(
        key=lambda: 100 * np.sqrt(_pushups()[1]),
        places=2,
        right="{key} percentage points: the root of a variance, in the unit of the scores.",
        hints=(
            "Scale is a variance, in squared percentage points.",
            "Take its root: np.sqrt(19.4302).",
        ),
        slips=(
            Slip(
                lambda: 1e4 * _pushups()[1],
                "That is the variance itself, in squared percentage points.",
            ),
            Slip(
                lambda: np.sqrt(_pushups()[1]),
                "That is the same SD on the scale from 0 to 1; she counts in percent.",
            ),
            Slip(lambda: 1e4 * _pushups()[1] / 2, "Half the variance is not its root."),
        ),
    ),
    "5.2": Exercise(
        key=lambda: _effect_se(8),
        places=4,
        right="{key}. Both standard errors shrink by √2: athletes help the intercept and the effect alike.",
        hints=(
            "How many scores has each session with eight athletes?",
            "160 and 240: the root of ms_repeats / 160 + ms_repeats / 240.",
        ),
        slips=(
            Slip(lambda: _effect_se(4), "That is the standard error with four athletes."),
            Slip(
                lambda: _effect_se(4) / 2,
                "Twice the athletes halves the variance, not the standard error.",
            ),
            Slip(
                lambda: np.sqrt(_pushups()[0] / 8 + _pushups()[1] / 160),
                "That is the intercept's standard error.",
            ),
        ),
    ),
    "5.3": Exercise(
        key=lambda: "b",
        right="Same rows, same scores, and ML, which does not change with the units of a predictor.",
        hints=(
            "Three of them break one of: same scores, same rows, ML when fixed effects differ.",
            "REML's allowance depends on the fixed effects, so (a) is out.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "The two models have different fixed effects, and REML's allowance differs between them.",
            ),
            Slip(
                lambda: "c",
                "Changing the unit of the scores moves the log-likelihood without changing the model.",
            ),
            Slip(
                lambda: "d",
                "Other rows are other data: log-likelihoods of different data do not compare.",
            ),
        ),
    ),
    "5.4": Exercise(
        key=lambda: np.sqrt(_sleep()[0]),
        places=1,
        right="{key} ms between people. The printed Group Var is its square.",
        hints=(
            "Which row of the lower table is about how people differ?",
            "Group Var is a variance: take the root.",
        ),
        slips=(
            Slip(lambda: _sleep()[0], "That is the variance, in squared milliseconds."),
            Slip(
                lambda: np.sqrt(_sleep()[1]),
                "That is the SD of single reaction times, the root of Scale.",
            ),
            Slip(lambda: _sleep()[1], "That is Scale, the variance of single reaction times."),
        ),
    ),
}
