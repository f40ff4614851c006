"""Answer keys of lesson 00, the whole story."""

from __future__ import annotations

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

INTERCEPT, CHANGE = 0.846, -0.073  # as the printout of lesson 00 gives them


def _athletes() -> int:
    return int(load("pushups")["athlete_id"].nunique())


EXERCISES = {
    "0.1": Exercise(
        key=_athletes,
        places=0,
        right="{key}. For anything about athletes in general, that is the size of the study.",
        hints=(
            "Which column says who did the repeat? Count its different values.",
            'df["athlete_id"].nunique() counts them.',
        ),
        slips=(
            Slip(
                lambda: len(load("pushups")),
                "That is the number of scores: each athlete gave many. How many people is it?",
            ),
            Slip(
                lambda: 2 * _athletes(),
                "That counts every athlete in every session. It is the same people in both.",
            ),
            Slip(
                lambda: len(load("pushups")) // _athletes(),
                "That is how many scores each athlete gave.",
            ),
        ),
    ),
    "0.2": Exercise(
        key=lambda: INTERCEPT + CHANGE,
        places=3,
        right="{key}: where scores start from, plus the change.",
        hints=(
            "Start from the mean in the short session. What does the long session add to it?",
            "The coefficient of Intercept plus that of session_high (which is negative).",
        ),
        slips=(
            Slip(lambda: INTERCEPT, "That is the mean in the short session."),
            Slip(lambda: CHANGE, "That is the change alone. Where does it start from?"),
            Slip(lambda: INTERCEPT - CHANGE, "Mind the sign: the coefficient is negative."),
        ),
    ),
    "0.3": Exercise(
        key=lambda: INTERCEPT + CHANGE + 0.02,
        places=3,
        right="{key}: the average, the change of the long session, and the athlete's own deviation.",
        hints=(
            "Write the equation without its last term, the luck of a single repeat.",
            "Intercept + session_high × 1 + 0.02.",
        ),
        slips=(
            Slip(lambda: INTERCEPT + 0.02, "That is the short session. Add the change."),
            Slip(lambda: INTERCEPT + CHANGE, "That is the average athlete. Add the deviation."),
            Slip(lambda: INTERCEPT + CHANGE - 0.02, "The athlete lies above the average: add."),
        ),
    ),
}
