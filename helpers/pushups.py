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
    """Who is measured, and how often. `simulate(Design(), Truth(), 42)` gives `data/pushups.csv`.

    athletes: how many, two or more, or a list of names; 4 are the four of the running story.
    repeats: session → number of repeats, the low session first (`session_high` 0); or a list with such a mapping for
    each athlete, where 0 is a session that the athlete missed.
    between: False when every athlete does every session. True when the first half of the athletes does the first
    session only and the others the second only.

    TypeError or ValueError names the argument, what was given and what would do.
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
    """How the world works: what a simulation draws from, all in the units of the score.

    intercept: mean score of the average athlete in the low session (β₀); effect: change from it to any other session
    (β₁); athlete_sd: SD of the athletes' own levels (τ₀); slope_sd: SD of the athletes' own changes around the effect
    (τ₁), 0 when everyone tires alike; correlation: between an athlete's level and own change; residual_sd: SD of one
    repeat around its athlete's mean in that session (σ); clip: whether scores are cut to [0, 1].

    TypeError or ValueError names the argument, what was given and what would do.
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
    """Designs of every number of athletes with every number of repeats, by label, for `power`.

    athletes: a list of numbers; repeats: a list of numbers of repeats in each of two sessions, or of mappings as in
    `Design`; between: as in `Design`.
    """
    return fewgroups.design_grid(athletes, repeats, between, kind=Design)
