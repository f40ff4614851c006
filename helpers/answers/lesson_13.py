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

from helpers.datasets import DATA
from helpers.feedback import Exercise, Slip
from helpers.score_sheet import read_scores, session_predictors

SESSION = {"session": "0 + C(session_label)"}


@cache
def _coach() -> pd.DataFrame:
    """The scores of the coach's file with dose, day and order; what the readers print is the lesson's matter."""
    with contextlib.redirect_stdout(io.StringIO()):
        table = read_scores(
            DATA / "coach_file.csv",
            score="Score",
            athlete="Athlete",
            session="Session",
            repeat="Repeat",
        )
        return session_predictors(table, dose="Planned", step=10, date="Date")


def _not_done() -> int:
    """Planned repeats that have no score, in the sessions that took place."""
    sessions = _coach().groupby(["athlete_id", "session_label"], observed=True)["Planned"]
    return int((sessions.first() - sessions.size()).sum())


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


def _dose_se(athletes: int, times: int) -> float:
    """Standard error of the dose, five sessions `times` over, nothing missing: the formula of exercise 11.4."""
    sd = _sds()
    of_sessions = (sd["session"] ** 2 + sd["residual"] ** 2 / 20) / (2.5 * times)
    return float(np.sqrt((sd["dose"] ** 2 + of_sessions) / athletes))


WITH_SLEEP = "correctness ~ dose + order + Sleep"

EXERCISES = {
    "13.1": Exercise(
        key=_not_done,
        places=0,
        right="{key} repeats. How many an athlete manages is a result, so the dose is what was planned.",
        hints=(
            "Planned is the same in all rows of a session: take its first value in each, as per_session counts rows.",
            "df.groupby([athlete_id, session_label])['Planned'].first() minus per_session, added up.",
        ),
        slips=(
            Slip(
                lambda: 30 - _not_done(),
                "That is how many were done in that session, not how many were not.",
            ),
            Slip(lambda: 30, "That is what was planned in that session."),
            Slip(
                lambda: 65,
                "65 planned repeats belong to sessions that did not take place; the question is about one that did.",
            ),
        ),
    ),
    "13.2": Exercise(
        key=lambda: _sleep(WITH_SLEEP).loc["Sleep", "estimate"],
        places=3,
        right="{key} for an hour more, less than its own standard error: the file has no say on sleep.",
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
            Slip(lambda: _sleep(WITH_SLEEP).loc["Sleep", "se"], "That is its standard error."),
            Slip(
                lambda: _sleep(WITH_SLEEP).loc["dose", "estimate"], "That is the row of the dose."
            ),
        ),
    ),
    "13.3": Exercise(
        key=lambda: "c",
        right="Own level and own change of athletes, and one effect for each session of each athlete.",
        hints=(
            "Look for three things: athletes' levels, athletes' changes, and sessions within athletes.",
            "Is session 1 of Ana the same session as session 1 of Bo?",
        ),
        slips=(
            Slip(
                lambda: "a",
                "The sessions' own luck is missing: the order would get far too many df.",
            ),
            Slip(
                lambda: "b",
                "(1 | session) has five sessions in all, shared by everybody: session 1 of Ana and session 1 of Bo "
                "would have the same luck.",
            ),
            Slip(
                lambda: "d",
                "Athletes' own changes are missing: this model says that the dose does the same to all.",
            ),
        ),
    ),
    "13.4": Exercise(
        key=lambda: _dose_se(8, 2),
        places=4,
        right="{key}: hardly less than now, since own changes do not shrink with sessions.",
        hints=(
            "Twice the sessions: the sum of squared doses doubles, to 5. The athletes stay eight.",
            "np.sqrt((sd_dose**2 + (sd_session**2 + sd_residual**2 / 20) / 5) / 8).",
        ),
        slips=(
            Slip(
                lambda: _dose_se(8, 1) / np.sqrt(2),
                "That divides all of it by two. Sessions divide only their own part; athletes divide all.",
            ),
            Slip(
                lambda: _dose_se(8, 1), "That is the standard error with the sessions as they are."
            ),
            Slip(lambda: _dose_se(8, 2) ** 2, "That is the squared standard error: take the root."),
            Slip(
                lambda: _dose_se(8, 1) / 2,
                "Twice the data does not halve a standard error, not even at its best.",
            ),
        ),
    ),
}
