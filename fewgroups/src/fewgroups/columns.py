"""Columns of a table as formulas can take them, and the columns of a variance component that are made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import patsy
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype, is_string_dtype
from patsy.categorical import _CategoricalBox, guess_categorical
from scipy import sparse

from fewgroups.arguments import some
from fewgroups.structure import dense
from fewgroups.templates import say

Array = np.ndarray
LARGE = 2**22  # numbers in the columns of one group from which on they are sparse: 32 MB


def plain(name: str, column: pd.Series) -> pd.Series:
    """The column as int64, float64, bool, text (object), or categories that occur, whatever kind of these it is.

    ValueError where a formula would take the values for something else than they are.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    column = column.infer_objects()
    if is_bool_dtype(column):
        return column.astype(bool)
    if is_integer_dtype(column):
        return column.astype("int64" if column.max() < 2**63 else "float64")
    if is_float_dtype(column):
        return column.astype("float64")
    if is_string_dtype(column):
        return column.astype(object)
    if all(isinstance(v, Real | Decimal) and not isinstance(v, bool | np.bool_) for v in column):
        return column.astype(float)
    held = ", ".join(sorted({type(value).__name__ for value in column}))
    advice = "make it numbers (of dates, the days since the first) or text, with .astype(str)"
    if all(isinstance(value, str | Real) for value in column):
        advice = _as_numbers(name, column)
    raise ValueError(
        f"data[{name!r}] holds {held} ({column.dtype}), which a formula would take for something else: {advice}"
    )


def numbers_as_text(name: str, column: pd.Series) -> list[str]:
    """A note if the texts of a column are whole numbers, which may be labels; ValueError if half or more are numbers
    otherwise: a formula takes every text for a label."""
    if isinstance(column.dtype, pd.CategoricalDtype) or not is_string_dtype(column):
        return []
    numbers = _numbers(column.drop_duplicates())
    if (numbers % 1 == 0).all():
        repair = _as_numbers(name, column)
        return [say("reading.numbers", name=name, labels=str(len(numbers)), repair=repair)]
    if numbers.notna().mean() >= 0.5:
        raise ValueError(
            f"data[{name!r}] holds numbers as text: {_as_numbers(name, column)}, or write C({name})"
        )
    return []


def _numbers(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.astype(str).str.replace(",", "."), errors="coerce")


def _as_numbers(name: str, column: pd.Series) -> str:
    comma = ".str.replace(',', '.')" if column.astype(str).str.contains(",").any() else ""
    others = column[_numbers(column).isna()]
    wrong = f"repair {others.iloc[0]!r} in row {others.index[0]!r}, and " if len(others) else ""
    return f"{wrong}make it numbers with data[{name!r}]{comma}.astype(float)"


def check_columns(data: pd.DataFrame) -> None:
    """ValueError if a name does not say which column is meant."""
    if data.columns.nlevels > 1:
        raise ValueError(
            "data has columns of several levels: give each one name, with "
            "data.columns = ['_'.join(map(str, names)) for names in data.columns]"
        )
    if not data.columns.is_unique:
        raise ValueError(
            f"data has columns of the same name: {some(data.columns[data.columns.duplicated()])}; rename them"
        )


def refuse_rows(rows: Any, data: pd.DataFrame, what: str, remedy: str) -> None:
    """ValueError naming the rows (n,) by their index label, if there are any."""
    rows = np.asarray(rows)
    if rows.any():
        raise ValueError(
            f"{rows.sum()} of {len(data)} rows {what}: rows {some(data.index[rows])}. {remedy}"
        )


def group_column(model: Any) -> str | None:
    """The column of a fitted MixedLM's data that holds the groups, if there is one."""
    frame, labels = getattr(model.data, "frame", None), np.asarray(model.groups)
    if not isinstance(frame, pd.DataFrame):
        return None
    found = [str(name) for name in frame if np.array_equal(frame[name].to_numpy(), labels)]
    named = str(model.data.exog_re_names[0]) if model.k_re else ""
    return named if named in found else next(iter(found), None)


@dataclass(frozen=True)
class ComponentColumns:
    """One term of a variance component, such as C(cask), dose or C(cask):dose, evaluated once over all rows, as lme4
    does.

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
        """Evaluate patsy's `factors`; transforms such as center learn from the first `fitted` rows, or from all. A row
        that has none of the levels is nan. Errors are patsy's own, or ValueError for what is no column of a component.
        """
        codes, values, names = np.zeros(len(table), dtype=int), np.ones((len(table), 1)), [[""]]
        for factor in factors:
            name = factor.name()
            state: dict[str, Any] = {}
            for number in range(factor.memorize_passes_needed(state, env)):
                factor.memorize_chunk(state, number, table.iloc[:fitted])
                factor.memorize_finish(state, number)
            found = factor.eval(state, table)
            if isinstance(found, pd.Series | pd.DataFrame) and not found.index.equals(table.index):
                raise ValueError(f"{name} has another index than data")
            if guess_categorical(found):
                box = (
                    found
                    if isinstance(found, _CategoricalBox)
                    else _CategoricalBox(found, None, None)
                )
                if box.contrast is not None:
                    raise ValueError(
                        f"{name} has a contrast, but a component has one effect per level: leave it out"
                    )
                labels = pd.Categorical(box.data, categories=box.levels)
                values[labels.codes < 0] = np.nan
                levels, k = labels.categories, len(labels.categories)
                used, codes = np.unique(codes * k + labels.codes, return_inverse=True)
                names = [
                    [f"{before}:{name}[{levels[code % k]}]" for before in names[code // k]]
                    for code in used.tolist()
                ]
            else:
                numbers = np.asarray(found, dtype=float).reshape(len(table), -1)
                values = (values[:, :, None] * numbers[:, None, :]).reshape(len(table), -1)
                k = numbers.shape[1]
                columns = [f"{name}[{j}]" for j in range(k)] if k > 1 else [name]
                names = [
                    [f"{b}:{column}" for b in before for column in columns] for before in names
                ]
        return cls(codes, values, [[name[1:] or "Intercept" for name in one] for one in names])

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


def labels_in_several_groups(model: Any) -> dict[str, str]:
    """Component of a MixedLM → the first of its labels that occurs in several groups; no component else, and no slope.

    In each group such a label has an effect of its own: the component is nested.
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
    entry = component_of_groups(model) or say("reading.groups")
    nested = labels_in_several_groups(model).items()
    return [say("reading.nested", name=name, label=label, entry=entry) for name, label in nested]
