"""What is measured (`Design`), the parameters that data are simulated from (`Truth`), and the data drawn from them."""

import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from tqdm import tqdm

from fewgroups.arguments import true_or_false, whole_number

MAX_GROUPS, MAX_ROWS = 10**6, 10**8  # more would fill the memory: taken for a typing error
BLOCK = 512  # data sets drawn from one child seed: fixed, so that digits do not depend on how many are drawn
Repeats = Mapping[str, int]
Means = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Words:
    """How a field calls the parts of a design, in arguments, messages, labels and the columns of tables. `groups` and
    `conditions` are the names of the arguments of `Design`; `group` also begins the name of the argument `group_sd` of
    `Truth`. A field with words of its own subclasses both with another `words`."""

    group: str = "group"
    groups: str = "groups"
    condition: str = "condition"
    conditions: str = "conditions"
    columns: tuple[str, str, str, str, str] = ("group", "condition", "treated", "repeat", "outcome")


@dataclass(frozen=True)
class Design:
    """Which groups are measured in which conditions, and how often.

    groups: how many (two at least), or a list of their names. A group is what the repeats are clustered in: a person, a
        school, a litter.
    conditions: mapping of condition to number of repeats in each group, the first condition being the reference
        (`treated` 0); or a list of such mappings, one per group in order, which gives every group its own numbers, 0
        for a condition that was missed. All of them name the same conditions.
    between: False: every group is measured in every condition. True: the first half of the groups is measured only in
        the first condition, the others only in the second; with an odd number, the second half has one more.

    TypeError or ValueError names the argument, what was given and what would do.
    """

    groups: int | Sequence[str]
    conditions: Repeats | Sequence[Repeats]
    between: bool = False

    words: ClassVar[Words] = Words()

    def __post_init__(self) -> None:
        w = self.words
        object.__setattr__(self, "groups", _checked_groups(self.groups, w))
        object.__setattr__(self, "between", true_or_false("between", self.between))
        checked = _checked_conditions(self.conditions, len(self.group_names), w)
        object.__setattr__(self, "conditions", checked)
        if self.between and len(self.condition_names) != 2:
            raise ValueError(
                f"between=True halves the {w.groups} and needs two {w.condition}s; given {len(self.condition_names)}"
            )
        rows = self.counts.sum(dtype=float)
        if rows > MAX_ROWS:
            raise ValueError(f"{w.conditions} must give {MAX_ROWS:,} rows at most, not {rows:,.0f}")
        parts = ((w.group, self.group_names, 1), (w.condition, self.condition_names, 0))
        for kind, names, axis in parts:
            if empty := [names[k] for k in np.flatnonzero(~self.counts.any(axis=axis))]:
                raise ValueError(
                    f"{w.conditions} must give every {kind} a repeat; leave out {', '.join(empty)}, which has none"
                )

    def __repr__(self) -> str:
        w = self.words
        return f"Design({w.groups}={self.groups!r}, {w.conditions}={self.conditions!r}, between={self.between})"

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """The names of the groups, in row order."""
        if not isinstance(self.groups, int):
            return tuple(self.groups)
        width = max(2, len(str(self.groups)))
        return tuple(f"{self.words.group}_{i:0{width}d}" for i in range(1, self.groups + 1))

    @cached_property
    def condition_names(self) -> tuple[str, ...]:
        """The names of the conditions, the reference first."""
        first = self.conditions if isinstance(self.conditions, Mapping) else self.conditions[0]
        return tuple(first)

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of repeats, a read-only int array (groups, conditions)."""
        m = len(self.group_names)
        rows = [self.conditions] * m if isinstance(self.conditions, Mapping) else self.conditions
        counts = np.array([[row[name] for name in self.condition_names] for row in rows])
        if self.between:
            counts[: m // 2, 1] = 0
            counts[m // 2 :, 0] = 0
        counts.setflags(write=False)
        return counts

    @property
    def rows(self) -> int:
        """Number of outcomes in one data set."""
        return int(self.counts.sum())

    @property
    def label(self) -> str:
        """A short description such as "4 groups, 20 + 30 repeats"."""
        size = f"{len(self.group_names)} {self.words.groups}"
        if not isinstance(self.conditions, Mapping):
            return f"{size}, {self.rows} repeats in all"
        joint = " or " if self.between else " + "
        return f"{size}, {joint.join(map(str, self.conditions.values()))} repeats"

    @cached_property
    def row_index(self) -> tuple[np.ndarray, np.ndarray]:
        """Group (0…) and condition (0…) of every row: two read-only int arrays (rows,)."""
        cell = np.repeat(np.arange(self.counts.size), self.counts.ravel())
        group, condition = np.divmod(cell, len(self.condition_names))
        group.setflags(write=False)
        condition.setflags(write=False)
        return group, condition

    def table(self) -> pd.DataFrame:
        """The rows without their outcomes, in the order group, condition, repeat. Columns, as `words.columns` names
        them: group; condition; treated (0 in the first condition, 1 in any other); repeat (from 1 in each cell)."""
        group, condition = self.row_index
        sizes = self.counts.ravel()
        before = np.repeat(np.cumsum(sizes) - sizes, sizes)  # rows in the cells above
        columns = (
            np.array(self.group_names)[group],
            np.array(self.condition_names)[condition],
            (condition > 0).astype(np.int64),
            np.arange(self.rows) - before + 1,
        )
        return pd.DataFrame(dict(zip(self.words.columns[:4], columns, strict=True)))


def _checked_groups(groups: Any, w: Words) -> int | tuple[str, ...]:
    what = f"{w.groups} must be a whole number (2 or more) or a list of different names"
    if isinstance(groups, Integral) and not isinstance(groups, bool):
        if not 2 <= int(groups) <= MAX_GROUPS:
            raise ValueError(f"{what}, {MAX_GROUPS:,} at most; given {groups}")
        return int(groups)
    listed = np.iterable(groups) and not isinstance(groups, (str, Mapping, Set))
    names = tuple(groups) if listed else (None,)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what}; given {groups!r}")
    # Names that differ in case or spaces only would be one group to a reader, two to a model.
    alike = {name.strip().casefold() for name in names}
    if len(names) < 2 or len(alike) < len(names) or "" in alike:
        raise ValueError(f"{what}, not blank, no two alike but for case or spaces; given {names!r}")
    return tuple(map(str, names))


def _checked_conditions(conditions: Any, groups: int, w: Words) -> Repeats | tuple[Repeats, ...]:
    alike = isinstance(conditions, Mapping)
    rows = [conditions] if alike else conditions
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise TypeError(
            f"{w.conditions} must be a mapping of {w.condition} to repeats, or a list of them; given {conditions!r}"
        )
    if not alike and len(rows) != groups:
        raise ValueError(
            f"{w.conditions} as a list needs one mapping per {w.group}, {groups}; given {len(rows)}"
        )
    checked: list[Repeats] = []
    for i, row in enumerate(rows):
        name = w.conditions if alike else f"{w.conditions}[{i}]"
        named = isinstance(row, Mapping) and all(isinstance(k, str) and k.strip() for k in row)
        if not named or len(row) < 2:
            raise TypeError(
                f"{name} must be a mapping of two {w.condition}s or more, named by text (not blank); given {row!r}"
            )
        if set(row) != set(rows[0]):
            raise ValueError(
                f"{name} names {', '.join(row)}, but {w.conditions}[0] names {', '.join(rows[0])}; name the same "
                f"{w.condition}s everywhere, with 0 for one that was missed"
            )
        checked.append({k: whole_number(f"{name}[{k!r}]", row[k], 0, "repeats") for k in row})
    return checked[0] if alike else tuple(checked)


@dataclass(frozen=True)
class Truth:
    """The parameters that data are simulated from, all in the units of the outcome.

    intercept: mean outcome of the average group in the first condition (β₀); effect: change from it to any other
    condition, for the average group (β₁); group_sd: SD, 0 or more, of the groups' levels in the first condition (τ₀);
    slope_sd: SD of the groups' changes around `effect` (τ₁), 0 makes all groups change alike; correlation: in [−1, 1],
    between the level of a group and its change; residual_sd: SD of one repeat around the mean of its group in that
    condition (σ); clip: whether outcomes are cut to [0, 1], as those of a proportion are. TypeError or ValueError names
    the argument, what was given and what would do.
    """

    intercept: float = 0.0
    effect: float = 0.0
    group_sd: float = 1.0
    slope_sd: float = 0.0
    correlation: float = 0.0
    residual_sd: float = 1.0
    clip: bool = False

    words: ClassVar[Words] = Words()

    def __post_init__(self) -> None:
        for field in ("intercept", "effect", "group_sd", "slope_sd", "correlation", "residual_sd"):
            name, value = self._argument(field), getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{name} must be a number; given {value!r}")
            # Beyond 1e6 the squares that all methods work with begin to lose the digits that are reported.
            if value < -1e6 or not value <= 1e6:
                raise ValueError(f"{name} must be finite and at most 1e6 in size; given {value}")
            if field.endswith("_sd") and value < 0:
                raise ValueError(f"{name} is a standard deviation, 0 or more; given {value}")
            object.__setattr__(self, field, float(value))
        if abs(self.correlation) > 1:
            raise ValueError(f"correlation must lie between −1 and 1; given {self.correlation}")
        object.__setattr__(self, "clip", true_or_false("clip", self.clip))
        if self.clip and not 0 <= self.intercept <= 1:
            raise ValueError(
                f"intercept must lie in [0, 1] with clip=True; given {self.intercept}: use clip=False for other units"
            )

    def __repr__(self) -> str:
        given = [f"{self._argument(field)}={value}" for field, value in vars(self).items()]
        return f"Truth({', '.join(given)})"

    def _argument(self, field: str) -> str:
        return f"{self.words.group}_sd" if field == "group_sd" else field


def simulate(design: Design, truth: Truth, seed: int) -> pd.DataFrame:
    """One data set: `design.table()` with a column of outcomes, DataFrame (design.rows, 5). Its columns are group,
    condition, treated, repeat, outcome, or as the words of the design name them.

    For each group in turn `numpy.random.default_rng(seed)`, seed ≥ 0, gives the level, then its change (only where
    `truth.slope_sd` > 0), then the residuals row by row. TypeError or ValueError names the argument that is wrong.
    """
    check_request(design, truth, seed)
    rows, effects = design.counts.sum(axis=1), 2 if truth.slope_sd > 0 else 1
    # All draws at once: each group's level is at `first`, its change, if there is one, at the place after it.
    draws = np.random.default_rng(seed).standard_normal(design.rows + effects * len(rows))
    first = np.cumsum(rows) - rows + effects * np.arange(len(rows))
    last = first + effects - 1
    outcome = _row_means(design, truth, draws[first], draws[last])
    outcome += truth.residual_sd * np.delete(draws, [first, last])
    if truth.clip:
        outcome = np.clip(outcome, 0, 1)
    return design.table().assign(**{design.words.columns[-1]: outcome})


def simulate_many(design: Design, truth: Truth, n: int, seed: int, block: int = 0) -> np.ndarray:
    """Outcomes of n ≥ 1 data sets from a design and a truth: float64 (n, design.rows), rows as in `design.table()`.

    Data set k has the same digits whatever n is. The stream is not that of `simulate`: every 512 data sets have their
    own child of `numpy.random.SeedSequence(seed)`, seed ≥ 0, so that they can be drawn anywhere, in any order: `block`
    is the number of the 512 to begin with, 0 for the first. TypeError or ValueError names the argument that is wrong,
    also where the memory is too small.
    """
    check_request(design, truth, seed)
    n, block = whole_number("n", n, 1, "data sets"), whole_number("block", block, 0)
    m = len(design.group_names)

    def means(normal: np.ndarray) -> np.ndarray:
        return _row_means(design, truth, normal[:, :m], normal[:, m:])

    outcomes = normal_outcomes((n, design.rows), truth.residual_sd, 2 * m, means, seed, block)
    return np.clip(outcomes, 0, 1, out=outcomes) if truth.clip else outcomes


def normal_outcomes(
    shape: tuple[int, int], sd: float, effects: int, means: Means, seed: int, block: int = 0
) -> np.ndarray:
    """Outcomes (n, rows): the `means` (data sets, rows) of standard normals (data sets, effects), plus residuals; BLOCK
    data sets at a time, each from its own child of the seed. ValueError where the machine has no memory for them."""
    try:
        outcomes = np.empty(shape)
    except (MemoryError, OverflowError, ValueError):
        n, rows = shape
        raise ValueError(
            f"n is too large: {n} data sets of {rows} scores need {n * rows // 125_000_000:,} GB of memory; use fewer"
        ) from None
    for start in range(0, len(outcomes), BLOCK):
        # By its own key, without making all the ones before it.
        child = np.random.SeedSequence(seed, spawn_key=(block + start // BLOCK,))
        part, rng = outcomes[start : start + BLOCK], np.random.default_rng(child)
        # The effects of a whole block are drawn first, so that it may be cut short.
        normal = rng.standard_normal((BLOCK, effects))[: len(part)]
        rng.standard_normal(out=part)
        part *= sd
        part += means(normal)
    return outcomes


def progress_bar(steps: Any = None, **options: Any) -> tqdm:
    """tqdm's bar over `steps`, shown after two seconds and wiped out at the end; `options` go to tqdm. In a notebook it
    stands on standard output: Jupyter shows standard error on a red band, as if something had failed."""
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    return tqdm(steps, **({"delay": 2, "leave": False, "file": stream} | options))


def _row_means(design: Design, truth: Truth, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The mean of each row's group in its condition (..., rows), from independent standard normals (..., groups)."""
    correlated = truth.correlation * first + np.sqrt(1 - truth.correlation**2) * second
    level = truth.intercept + truth.group_sd * first
    change = truth.effect + truth.slope_sd * correlated
    means = np.concatenate([level, level + change], axis=-1)
    group, condition = design.row_index
    return np.take(means, group + (condition > 0) * first.shape[-1], axis=-1)


def check_request(design: Any, truth: Any, seed: Any) -> None:
    """Refuse what is not a design, a truth and a seed."""
    for name, value, kind in (("design", design, Design), ("truth", truth, Truth)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a {kind.__name__}(...); given {type(value).__name__}")
    whole_number("seed", seed, 0)
