"""What is measured (`Design`) and how the world works (`Truth`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

SEED_ATHLETES = ("susan_01", "alex_02", "maya_03", "david_04")
"""The four athletes of the running story; any other number of athletes gets plain names."""

MOST_ATHLETES, MOST_SCORES = 10**6, 10**8
"""More is a slip of the keyboard, and would fill the memory before anything could be said."""

Repeats = Mapping[str, int]


@dataclass(frozen=True)
class Design:
    """Who is measured, and how often.

    Parameters
    ----------
    athletes : int or sequence of str
        How many athletes (two at least), or their names. A plain 4 is the course's four.
    repeats : mapping, or one mapping per athlete
        Session label → number of repeats; the first label is the low session (`session_high` 0). A sequence of
        mappings, one per athlete in order, gives everybody their own numbers; 0 is a missed session. All of them
        name the same sessions.
    between : bool
        False: every athlete does every session. True: the first half of the athletes does only the first session
        and the others only the second (two groups); with an odd number, the second group has one more.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what would do.
    """

    athletes: int | Sequence[str] = 4
    repeats: Repeats | Sequence[Repeats] = field(
        default_factory=lambda: {"session_20": 20, "session_30": 30}
    )
    between: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "athletes", _checked_athletes(self.athletes))
        if not isinstance(self.between, (bool, np.bool_)):
            raise TypeError(f"between must be True or False; given {self.between!r}")
        object.__setattr__(self, "repeats", _checked_repeats(self.repeats, len(self.names)))
        if self.between and len(self.sessions) != 2:
            raise ValueError(
                f"between=True splits the athletes into two groups and needs two sessions in repeats; "
                f"given {len(self.sessions)}: {', '.join(self.sessions)}"
            )
        if self.rows > MOST_SCORES:
            raise ValueError(
                f"repeats must give {MOST_SCORES:,} scores in all at most; given {self.rows:,}"
            )
        empty = [name for name, row in zip(self.names, self.counts, strict=False) if row.sum() == 0]
        if empty:
            raise ValueError(
                f"repeats leaves {', '.join(empty)} without a single repeat; "
                "leave out an athlete who was never measured"
            )
        unused = [
            label
            for label, total in zip(self.sessions, self.counts.sum(axis=0), strict=False)
            if total == 0
        ]
        if unused:
            raise ValueError(
                f"repeats leaves {', '.join(unused)} without a single repeat; leave the session out"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The athletes' names, in row order."""
        if not isinstance(self.athletes, int):
            return tuple(self.athletes)
        if self.athletes == len(SEED_ATHLETES):
            return SEED_ATHLETES
        width = max(2, len(str(self.athletes)))
        return tuple(f"athlete_{i:0{width}d}" for i in range(1, self.athletes + 1))

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """The session labels, the low one first."""
        first = self.repeats if isinstance(self.repeats, Mapping) else self.repeats[0]
        return tuple(first)

    @cached_property
    def counts(self) -> np.ndarray:
        """Repeats planned, an int array (athletes, sessions) that cannot be written to."""
        per_athlete = (
            [self.repeats] * len(self.names) if isinstance(self.repeats, Mapping) else self.repeats
        )
        counts = np.array(
            [[row[label] for label in self.sessions] for row in per_athlete], dtype=np.int64
        )
        if self.between:
            first_group = len(self.names) // 2
            counts[:first_group, 1] = 0
            counts[first_group:, 0] = 0
        counts.setflags(write=False)
        return counts

    @property
    def rows(self) -> int:
        """Number of scores in the whole study."""
        return int(self.counts.sum())

    @cached_property
    def row_index(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Athlete (0…), session (0…) and repeat (1…) of every row: three int arrays (rows,), athlete by athlete."""
        cells = self.counts.ravel()
        cell = np.repeat(np.arange(cells.size), cells)
        starts = np.concatenate([[0], np.cumsum(cells)[:-1]])
        repeat = np.arange(self.rows) - starts[cell] + 1
        index = (cell // len(self.sessions), cell % len(self.sessions), repeat)
        for array in index:
            array.setflags(write=False)
        return index

    def table(self) -> pd.DataFrame:
        """The empty score sheet: athlete_id, session_label, session_high (0 in the first session, 1 in any other),
        repeat_id (from 1), one row a repeat, in the order athlete, session, repeat."""
        athlete, session, repeat = self.row_index
        return pd.DataFrame(
            {
                "athlete_id": np.array(self.names, dtype=object)[athlete],
                "session_label": np.array(self.sessions, dtype=object)[session],
                "session_high": (session > 0).astype(np.int64),
                "repeat_id": repeat.copy(),
            }
        ).astype({"athlete_id": "str", "session_label": "str"})


def _checked_athletes(athletes: Any) -> int | tuple[str, ...]:
    what = "athletes must be a whole number (2 or more) or a list of different names"
    if isinstance(athletes, (bool, np.bool_)) or isinstance(athletes, (str, bytes)):
        raise TypeError(f"{what}; given {athletes!r}")
    if isinstance(athletes, Integral):
        if athletes < 2:
            raise ValueError(
                f"{what}; given {athletes}: one athlete cannot show how athletes differ"
            )
        if int(athletes) > MOST_ATHLETES:
            raise ValueError(f"{what}, {MOST_ATHLETES:,} at most; given {athletes}")
        return int(athletes)
    listed = isinstance(athletes, Sequence) or isinstance(
        athletes, (np.ndarray, pd.Series, pd.Index)
    )
    if not listed or getattr(athletes, "ndim", 1) == 0:
        raise TypeError(f"{what}; given {athletes!r}")
    names = tuple(athletes)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what}; given {names!r}")
    if (
        len(names) < 2
        or len({name.strip().casefold() for name in names}) < len(names)
        or not all(map(str.strip, names))
    ):
        raise ValueError(
            f"{what}, none blank and no two alike but for case or spaces; given {names!r}"
        )
    return tuple(str(name) for name in names)


def _checked_repeats(repeats: Any, athletes: int) -> Repeats | tuple[Repeats, ...]:
    if isinstance(repeats, Mapping):
        return _checked_mapping(repeats, "repeats")
    if isinstance(repeats, (str, bytes)) or not isinstance(repeats, Sequence):
        raise TypeError(
            'repeats must be a mapping such as {"session_20": 20, "session_30": 30}, '
            f"or a list of them, one per athlete; given {repeats!r}"
        )
    if len(repeats) != athletes:
        raise ValueError(
            f"repeats as a list needs one mapping per athlete: {athletes}; given {len(repeats)}"
        )
    checked = tuple(_checked_mapping(row, f"repeats[{i}]") for i, row in enumerate(repeats))
    for i, row in enumerate(checked):
        if set(row) != set(checked[0]):
            raise ValueError(
                f"repeats[{i}] names the sessions {', '.join(row)}, repeats[0] {', '.join(checked[0])}; "
                "name the same ones for everybody, with 0 for a missed session"
            )
    return checked


def _checked_mapping(repeats: Any, name: str) -> Repeats:
    if not isinstance(repeats, Mapping):
        raise TypeError(
            f"{name} must be a mapping of session label to number of repeats; given {repeats!r}"
        )
    if len(repeats) < 2:
        raise ValueError(f"{name} must name two sessions or more; given {dict(repeats)!r}")
    for label, number in repeats.items():
        if not isinstance(label, str) or not label.strip():
            raise TypeError(
                f"{name}: a session label must be text that is not blank; given {label!r}"
            )
        if isinstance(number, (bool, np.bool_)) or not isinstance(number, Integral):
            raise TypeError(
                f"{name}[{label!r}] must be a whole number of repeats; given {number!r}"
            )
        if number < 0:
            raise ValueError(f"{name}[{label!r}] must be 0 (missed) or more; given {number}")
        if int(number) > MOST_SCORES:
            raise ValueError(f"{name}[{label!r}] must be {MOST_SCORES:,} at most; given {number}")
    return {label: int(number) for label, number in repeats.items()}


@dataclass(frozen=True)
class Truth:
    """How the world works: the parameters that a simulation draws from, all in the units of the score.

    Parameters
    ----------
    intercept : float
        Mean score of the average athlete in the low session (β₀).
    effect : float
        Change from the low session to any other, for the average athlete (β₁).
    athlete_sd : float ≥ 0
        SD of the athletes' baselines (τ₀).
    slope_sd : float ≥ 0
        SD of the athletes' own changes around `effect` (τ₁); 0 is "everyone tires alike".
    correlation : float in [−1, 1]
        Between an athlete's baseline and own change.
    residual_sd : float ≥ 0
        SD of one repeat around its athlete's mean in that session (σ).
    clip : bool
        True: scores are cut to [0, 1], as the course's are.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what would do.
    """

    intercept: float = 0.85
    effect: float = -0.08
    athlete_sd: float = 0.05
    slope_sd: float = 0.0
    correlation: float = 0.0
    residual_sd: float = 0.05
    clip: bool = True

    def __post_init__(self) -> None:
        for name in ("intercept", "effect", "athlete_sd", "slope_sd", "correlation", "residual_sd"):
            value = getattr(self, name)
            if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
                raise TypeError(f"{name} must be a number; given {value!r}")
            # Beyond ±1e6 the squares that every method works with start to lose the digits that it reports.
            # Compared before it is made a float, which a whole number can be too large for.
            if value < -1e6 or not value <= 1e6:
                raise ValueError(f"{name} must be finite and at most 1e6 in size; given {value}")
            object.__setattr__(self, name, float(value))
        for name in ("athlete_sd", "slope_sd", "residual_sd"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"{name} is a standard deviation and must be 0 or more; given {getattr(self, name)}"
                )
        if abs(self.correlation) > 1:
            raise ValueError(f"correlation must lie between −1 and 1; given {self.correlation}")
        if not isinstance(self.clip, (bool, np.bool_)):
            raise TypeError(f"clip must be True or False; given {self.clip!r}")
        if self.clip and not 0 <= self.intercept <= 1:
            raise ValueError(
                f"intercept must lie in [0, 1] when clip=True cuts scores to [0, 1]; "
                f"given {self.intercept}: use clip=False for scores in other units"
            )
