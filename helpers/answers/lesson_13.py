"""Answer keys of lesson 13, your own data: all from the coach's file that comes with the course."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from fewgroups.components import variances
from fewgroups.fitting import fit
from fewgroups.fixed_effects import coefficients

from helpers.datasets import example_file
from helpers.feedback import Exercise, Slip
from helpers.score_sheet import read_scores

SESSION = {"session": "0 + C(session_label)"}


@cache
def _coach() -> pd.DataFrame:
    """The scores of the coach's file with dose and order; what the reader prints is the lesson's matter."""
    with contextlib.redirect_stdout(io.StringIO()):
        table = read_scores(
            example_file("coach_file.csv"), "Score", "Athlete", "Session", date="Date"
        )
    return table.assign(dose=(table["Planned"] - 20) / 10)


@cache
def _sleep(formula: str, re_formula: str = "~dose") -> Any:
    """The coefficients with hours of sleep, from the sessions for which they are known."""
    slept = _coach().dropna(subset=["Sleep"])
    return coefficients(fit(formula, slept, "athlete_id", re_formula, SESSION))


@cache
def _sds() -> dict[str, float]:
    """Estimated SDs of own changes ("dose"), sessions and residuals."""
    result = fit("correctness ~ dose + order", _coach(), "athlete_id", "~dose", SESSION)
    return {str(name): float(value) for name, value in variances(result)["sd"].dropna().items()}


def _dose_se(athletes: int, times: int, repeats: int = 20) -> float:
    """Standard error of the dose, five sessions `times` over, nothing missing: the exercise's formula."""
    sd = _sds()
    of_sessions = (sd["session"] ** 2 + sd["residual"] ** 2 / repeats) / (2.5 * times)
    return float(np.sqrt((sd["dose"] ** 2 + of_sessions) / athletes))


WITH_SLEEP = "correctness ~ dose + order + Sleep"

EXERCISES = {
    "13.1": Exercise(
        key=lambda: "c",
        right="The interaction answers, pianists may change differently, and points go to 100.",
        hints=(
            "Before and after in two groups: which line of the table? And how many scores has each occasion?",
            "Three takes before and after: each pianist needs a change of their own, which is ~session_high.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "With a plus, both groups change alike: nothing in this formula asks whether the metronome helped.",
            ),
            Slip(
                lambda: "b",
                "With several takes on each occasion, pianists' own changes must be in the model; without them, takes "
                "pass for pianists.",
            ),
            Slip(
                lambda: "d", "Each take gets up to 100 points: read_scores would refuse the file."
            ),
        ),
    ),
    "13.2": Exercise(
        key=lambda: _sleep(WITH_SLEEP).loc["Sleep", "estimate"],
        places=3,
        right="{key} for an hour more. Small gains and losses fit the data; an hour worth ten repeats, 0.04, does not.",
        hints=(
            "df.dropna(subset=['Sleep']) leaves the rows whose sleep is known; count what is gone.",
            "Add ' + Sleep' to the formula, keep re_formula and vc_formula; the row Sleep of coefficients.",
        ),
        slips=(
            Slip(
                lambda: -_sleep(WITH_SLEEP).loc["Sleep", "estimate"],
                "The size is right, the sign is not.",
            ),
            Slip(
                lambda: _sleep("correctness ~ Sleep", "~1").loc["Sleep", "estimate"],
                "That is sleep without dose and order in the formula.",
            ),
            Slip(
                lambda: _sleep("correctness ~ Sleep").loc["Sleep", "estimate"],
                "That is sleep without dose and order in the formula.",
            ),
            Slip(lambda: _sleep(WITH_SLEEP).loc["Sleep", "se"], "That is its standard error."),
            Slip(
                lambda: _sleep(WITH_SLEEP).loc["dose", "estimate"], "That is the row of the dose."
            ),
        ),
    ),
    "13.3": Exercise(
        key=lambda: _dose_se(8, 2),
        places=4,
        right="{key}: hardly less than the formula gives now, since own changes do not shrink with sessions.",
        hints=(
            "Twice the sessions: the sum of squared doses doubles, to 5. The athletes stay eight.",
            "np.sqrt((sd_dose**2 + (sd_session**2 + sd_residual**2 / 20) / 5) / 8).",
        ),
        slips=(
            Slip(
                lambda: _dose_se(8, 1) / np.sqrt(2),
                "That is right for sixteen athletes. For eight with twice the sessions, only their part halves.",
            ),
            Slip(
                lambda: _dose_se(8, 1), "That is the standard error with the sessions as they are."
            ),
            Slip(
                lambda: _dose_se(8, 1, 40),
                "That is for twice the repeats. With twice the sessions, the luck of days halves, too.",
            ),
            Slip(lambda: _dose_se(8, 2) ** 2, "That is the squared standard error: take the root."),
            Slip(
                lambda: _dose_se(8, 1) / 2,
                "Twice the data does not halve a standard error, not even at its best.",
            ),
        ),
    ),
}
