"""The columns of a variance component: evaluated once over all rows, as lme4 does, and cut into groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import patsy
from patsy.categorical import _CategoricalBox, guess_categorical
from scipy import sparse

from fewgroups.columns import group_column
from fewgroups.structure import dense

Array = np.ndarray
LARGE = 2**22  # numbers in the columns of one group from which on they are sparse: 32 MB


@dataclass(frozen=True)
class ComponentColumns:
    """One term, such as C(cask), dose or C(cask):dose.

    codes (n,): each row's combination of labels; values (n, k): its numeric columns (of labels alone one, of ones);
    names: of the columns that a combination has, [combination][k].
    """

    codes: Array
    values: Array
    names: list[list[str]]

    @classmethod
    def of(
        cls,
        factors: Sequence[Any],
        table: pd.DataFrame,
        env: patsy.EvalEnvironment,
        fitted: int | None = None,
    ) -> ComponentColumns:
        """Evaluate patsy's `factors`; transforms such as center learn from the first `fitted` rows, or from all.

        Errors are patsy's own, or ValueError for what is no column of a component.
        """
        codes, values = np.zeros(len(table), dtype=int), np.ones((len(table), 1))
        pieces: list[tuple[bool, int, list[str]]] = []  # labels?, unit in codes or columns, names
        combinations = 1
        for factor in factors:
            name, found = factor.name(), _evaluated(factor, table, env, fitted)
            if guess_categorical(found):
                levels, code = _levels(name, found)
                codes = codes + combinations * code
                pieces.append((True, combinations, [f"{name}[{level}]" for level in levels]))
                combinations *= len(levels)
            else:
                numbers = np.asarray(found, dtype=float).reshape(len(table), -1)
                k, unit = numbers.shape[1], values.shape[1]
                values = (numbers[:, :, None] * values[:, None, :]).reshape(len(table), -1)
                parts = [f"{name}[{j}]" for j in range(k)] if k > 1 else [name]
                pieces.append((False, unit, parts))
        used, codes = np.unique(codes, return_inverse=True)
        names = [
            [
                ":".join(
                    part[(code if labels else j) // unit % len(part)]
                    for labels, unit, part in pieces
                )
                or "Intercept"
                for j in range(values.shape[1])
            ]
            for code in used.tolist()
        ]
        return cls(codes, values, names)

    def blocks(self, number: Array) -> tuple[list[list[str]], list[Any]]:
        """Names (m,) and columns (rows, m) of each group, whose combinations of labels alone have columns; number (n,)
        is that of each row's group, 0, 1, …; rows beyond n are left out. Large matrices are sparse."""
        n, combinations = len(number), len(self.names)
        pairs, place = np.unique(number * combinations + self.codes[:n], return_inverse=True)
        widths = np.bincount(pairs // combinations)  # how many combinations occur in each group
        ends = np.cumsum(widths)
        place -= (ends - widths)[number]
        used = np.split(pairs % combinations, ends[:-1])
        rows = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
        matrices = [
            _columns(place[at], self.values[at], width)
            for at, width in zip(rows, widths, strict=True)
        ]
        return [[name for code in one for name in self.names[code]] for one in used], matrices


def _columns(place: Array, values: Array, width: int) -> Any:
    """(n, width·k): each row has its values (n, k) in the k columns of its place (n,). Sparse if large."""
    n, k = values.shape
    if n * width * k > LARGE:
        where = (place[:, None] * k + np.arange(k)).ravel(), np.arange(0, k * n + 1, k)
        return sparse.csr_array((values.ravel(), *where), shape=(n, width * k))
    made = np.zeros((n, width, k))
    made[np.arange(n), place] = values
    return made.reshape(n, -1)


def _evaluated(
    factor: Any, table: pd.DataFrame, env: patsy.EvalEnvironment, fitted: int | None
) -> Any:
    state: dict[str, Any] = {}
    for number in range(factor.memorize_passes_needed(state, env)):
        factor.memorize_chunk(state, number, table.iloc[:fitted])
        factor.memorize_finish(state, number)
    found = factor.eval(state, table)
    if isinstance(found, pd.Series | pd.DataFrame) and not found.index.equals(table.index):
        raise ValueError(f"{factor.name()} has another index than data")
    return found


def _levels(name: str, found: Any) -> tuple[tuple[Any, ...], Array]:
    """The levels of a factor, and the number of each row's (n,)."""
    box = found if isinstance(found, _CategoricalBox) else _CategoricalBox(found, None, None)
    if box.contrast is not None:
        raise ValueError(
            f"{name} has a contrast, but a component has one effect per level: leave it out"
        )
    values = pd.Categorical(box.data, categories=box.levels)
    if np.any(values.codes < 0):
        raise ValueError(f"{name} has no level for {np.sum(values.codes < 0)} rows")
    return tuple(values.categories), np.asarray(values.codes, dtype=int)


def labels_in_several_groups(model: Any) -> dict[str, str]:
    """Component of a MixedLM → the first of its labels that occurs in several groups; none of the others.

    In each group such a label has an effect of its own: the component is nested. A slope has no labels.
    """
    found, parts = {}, model.exog_vc
    for name, columns, matrices in zip(parts.names, parts.colnames, parts.mats, strict=True):
        if max(Counter(chain.from_iterable(columns)).values()) == 1:
            continue
        filled = [dense(matrix) != 0 for matrix in matrices]
        used = [np.array(c)[f.any(axis=0)] for c, f in zip(columns, filled, strict=True)]
        labels, often = np.unique(np.concatenate(used), return_counts=True)
        of_labels = len(labels) > 1 and all(np.all(f.sum(axis=1) <= 1) for f in filled)
        if of_labels and often.max() > 1:
            found[str(name)] = str(labels[often > 1][0])
    return found


def component_of_groups(model: Any) -> str:
    """The entry of vc_formula that a crossed model needs for the groups; "" if they are no column of the data."""
    group = group_column(model)
    if group is None:
        return ""
    variable = group if group.isidentifier() else f"Q({group!r})"
    return f"{group!r}: {f'0 + C({variable})'!r}"


def nesting_notes(model: Any) -> list[str]:
    """A note for each component whose labels occur in several groups: what was fitted, and how to write the other."""
    more = component_of_groups(model) or "a component for the groups"
    return [
        f"{name}: {label} occurs in several groups, and has an effect of its own in each of them (nested), as have all "
        "labels. If a label means the same in all groups (crossed), write groups=np.ones(len(data)), "
        f"re_formula=None, and add {more} to vc_formula."
        for name, label in labels_in_several_groups(model).items()
    ]
