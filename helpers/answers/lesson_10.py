"""Answer keys of lesson 10, checking the model."""

from __future__ import annotations

import math
from functools import cache

import pandas as pd
from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


def _machine_b(table: pd.DataFrame) -> float:
    """How far machine B is ahead of A, random intercepts."""
    return float(fit("score ~ Machine", table, groups="Worker").fe_params["Machine[T.B]"])


@cache
def _without() -> dict[str, float]:
    """The same with each worker left out; "" leaves out nobody."""
    table = load("machines")
    return {
        name: _machine_b(table[table["Worker"] != name]) for name in ["", *table["Worker"].unique()]
    }


def _by_change(place: int) -> float:
    """The coefficient without a worker: 0 for the one who changes it least, −1 for the one who changes it most."""
    found = dict(_without())
    everybody = found.pop("")
    return sorted(found.values(), key=lambda one: abs(one - everybody))[place]


def _true_over_printed(rho: float) -> float:
    """True over printed standard error where neighbours correlate by rho and the fit takes them as independent.

    The variance of a mean of many such repeats is larger by (1 + rho)/(1 − rho). With the lesson's 10 and 15 kept
    repeats, whose variance within athletes comes out too small as well, the exact ratio is 1.28 where this gives 1.29.
    """
    return math.sqrt((1 + rho) / (1 - rho))


EXERCISES = {
    "10.1": Exercise(
        key=lambda: 0.002 * (20.5 - 5.5),
        places=3,
        right="{key}: the mean repeat number is 20.5 in one session and 5.5 in the other, fifteen repeats apart.",
        hints=(
            "What is the mean repeat number of a session of 10? And of one of 40?",
            "0.002 times the difference of the two mean repeat numbers.",
        ),
        slips=(
            Slip(
                lambda: 0.002 * 30,
                "That is what the last repeats differ by. The means lie half as far apart: each session starts fresh.",
            ),
            Slip(
                lambda: -0.002 * 15,
                "The right size. The question is by how much it is lower, so the sign is in the words.",
            ),
            Slip(
                lambda: 0.0,
                "The session itself does nothing, and its mean is lower all the same: more of its repeats come late.",
            ),
        ),
    ),
    "10.2": Exercise(
        key=lambda: _by_change(-1),
        places=2,
        right="{key} points without worker 6, who did badly on machine B alone.",
        hints=(
            'For each worker: fit("score ~ Machine", rows of the others, "Worker").fe_params["Machine[T.B]"].',
            "Compare the six with the estimate from everybody, and take the one furthest from it.",
        ),
        slips=(
            Slip(lambda: _without()[""], "That is the coefficient with everybody."),
            Slip(lambda: _by_change(-2), "Somebody else changes it more, in the other direction."),
            Slip(lambda: _by_change(0), "That is the worker who changes it least."),
            Slip(
                lambda: _by_change(-1) - _without()[""],
                "That is the change; the coefficient itself was asked.",
            ),
        ),
    ),
    "10.3": Exercise(
        key=lambda: _true_over_printed(0.25),
        places=1,
        right="About {key} times (1.7 with all scores). But the true one did not shrink, and half the data are lost.",
        hints=(
            "linked(0.5)[:, kept] holds every second repeat of each study.",
            "fits = fit_many(linked(0.5)[:, kept], design); fits.estimate[:, 1].std() over the mean of fits.se[:, 1].",
        ),
        slips=(
            Slip(
                lambda: 1.0,
                "So it would be if every second repeat were independent. They still correlate, by 0.25.",
            ),
            Slip(lambda: _true_over_printed(0.5), "That is with all the scores."),
            Slip(
                lambda: 1 / _true_over_printed(0.25),
                "That is the printed one over the true one. Turn it over.",
            ),
        ),
    ),
}
