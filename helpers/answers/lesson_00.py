"""Answer key of lesson 00, start here."""

from __future__ import annotations

from helpers.datasets import load
from helpers.feedback import Exercise, Slip


def _athletes() -> int:
    return int(load("pushups")["athlete_id"].nunique())


EXERCISES = {
    "0.1": Exercise(
        key=_athletes,
        places=0,
        right="{key}. For anything about athletes in general that is the size of the study.",
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
}
