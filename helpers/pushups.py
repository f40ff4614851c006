"""The lessons' words over `fewgroups`: athletes do repeats in sessions, and each repeat has a correctness score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from fewgroups.designs import Words

import fewgroups
from fewgroups import simulate, simulate_many

__all__ = ["Design", "Truth", "design_grid", "simulate", "simulate_many"]

WORDS = Words(
    group="athlete",
    groups="athletes",
    condition="session",
    conditions="repeats",
    columns=("athlete_id", "session_label", "session_high", "repeat_id", "correctness"),
)
FOUR = ("susan_01", "alex_02", "maya_03", "david_04")
SESSIONS = {"session_20": 20, "session_30": 30}


class Design(fewgroups.Design):
    """Who is measured, and how often: `fewgroups.Design` in the lessons' words.

    athletes: how many, or a list of names; 4 are the four of the running story. repeats: session → number of repeats,
    the low session first, or a list with one such mapping for each athlete. between: whether the first half of the
    athletes does the first session only and the others the second only.
    """

    words = WORDS

    def __init__(
        self,
        athletes: int | Sequence[str] = 4,
        repeats: Mapping[str, int] | Sequence[Mapping[str, int]] = SESSIONS,
        between: bool = False,
    ) -> None:
        four = isinstance(athletes, Integral) and athletes == 4
        super().__init__(FOUR if four else athletes, repeats, between)


class Truth(fewgroups.Truth):
    """What a simulation draws from: `fewgroups.Truth` with the values of the running story.

    intercept: mean score of the average athlete in the low session (β₀); effect: change from it to any other session
    (β₁); athlete_sd: SD of the athletes' own levels (τ₀); slope_sd: SD of their own changes around the effect (τ₁);
    correlation: between level and change; residual_sd: SD of one repeat (σ); clip: whether scores are cut to [0, 1].
    """

    words = WORDS

    def __init__(
        self,
        intercept: float = 0.85,
        effect: float = -0.08,
        athlete_sd: float = 0.05,
        slope_sd: float = 0.0,
        correlation: float = 0.0,
        residual_sd: float = 0.05,
        clip: bool = True,
    ) -> None:
        super().__init__(intercept, effect, athlete_sd, slope_sd, correlation, residual_sd, clip)

    @property
    def athlete_sd(self) -> float:
        """SD of the athletes' own levels."""
        return self.group_sd


def design_grid(athletes: Any, repeats: Any, between: bool = False) -> dict[str, fewgroups.Design]:
    """`fewgroups.design_grid` of athletes × repeats, with `between` as in `Design`, for `power`."""
    return fewgroups.design_grid(athletes, repeats, between, kind=Design)
