"""A field's own words over `Design` and `Truth`, and the example that many tests share.

Four athletes do 20 and 30 push-ups, each of which gets a correctness score.
"""

from typing import Any

from fewgroups.designs import Repeats, Words

import fewgroups
from fewgroups import simulate, simulate_many

__all__ = ["Design", "Truth", "simulate", "simulate_many"]

COLUMNS = ("athlete_id", "session_label", "session_high", "repeat_id", "correctness")
WORDS = Words("athlete", "athletes", "session", "repeats", COLUMNS)
FOUR = ("susan_01", "alex_02", "maya_03", "david_04")
SESSIONS = {"session_20": 20, "session_30": 30}


class Design(fewgroups.Design):
    """Who is measured, and how often."""

    words = WORDS

    def __init__(
        self,
        athletes: int = 4,
        repeats: Repeats | list[Repeats] = SESSIONS,
        between: bool = False,
    ) -> None:
        super().__init__(FOUR if athletes == 4 else athletes, repeats, between)


class Truth(fewgroups.Truth):
    """What scores are drawn from."""

    words = WORDS

    def __init__(
        self,
        intercept: float = 0.85,
        effect: float = -0.08,
        athlete_sd: float = 0.05,
        **others: Any,
    ) -> None:
        others = {"residual_sd": 0.05, "clip": True} | others
        super().__init__(intercept, effect, athlete_sd, **others)
