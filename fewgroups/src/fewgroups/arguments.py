"""Checks of arguments that several public functions share; each error names the argument."""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd


def whole_number(name: str, value: Any, least: int, of: str = "") -> int:
    """`value` as an int; TypeError if it is no whole number, ValueError if it is below `least`."""
    what = f"{name} must be a whole number{of and ' of ' + of}, {least} or more"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{what}; given {value!r}")
    if value < least:
        raise ValueError(f"{what}; given {value}")
    return int(value)


def true_or_false(name: str, value: Any) -> bool:
    """`value` as a bool; TypeError if it is something else."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; given {value!r}")
    return bool(value)


def confidence_level(level: Any) -> float:
    """`level` as a float strictly between 0 and 1; ValueError if it is anything else."""
    if not isinstance(level, Real) or level <= 0 or not level < 1:
        raise ValueError(f"level must be a number between 0 and 1, such as 0.95; given {level!r}")
    return float(level)


def check_choice(name: str, given: Any, allowed: tuple[str, ...]) -> None:
    """ValueError, which lists them, unless `given` is one of `allowed`."""
    if not isinstance(given, str) or given not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; given {given!r}")


def number_array(name: str, value: Any, what: str, kinds: str = "fiu") -> np.ndarray:
    """`value` as an array of numbers; TypeError or ValueError, which says `what` it must be, for anything else."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {what}: {error}") from None
    if np.ma.is_masked(value):
        raise TypeError(f"{name} has masked values: leave their rows out")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must be {what}; given {type(value).__name__} of {array.dtype}")
    return array


def label_array(groups: Any, rows: int) -> np.ndarray:
    """Labels of groups (rows,), some of them missing perhaps; ValueError for another number, or for several kinds."""
    # As text, a list's missing values would become the text "nan".
    labels = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if labels.shape != (rows,):
        raise ValueError(f"groups must hold one label per row ({rows}); given shape {labels.shape}")
    try:
        sorted(pd.unique(labels[~pd.isna(labels)]))
    except TypeError:
        raise ValueError(
            "groups must hold text or numbers, not labels of different kinds: use .astype(str)"
        ) from None
    return labels


def check_columns(data: pd.DataFrame) -> None:
    """ValueError if a name does not say which column is meant."""
    if data.columns.nlevels > 1:
        raise ValueError("data has columns of several levels: use data.columns.map('_'.join)")
    twice = data.columns[data.columns.duplicated()]
    if len(twice):
        raise ValueError(f"data has columns of the same name: {some(twice)}; rename them")


def refuse_rows(rows: Any, data: pd.DataFrame, what: str) -> None:
    """ValueError naming the rows (n,) by their index label, if there are any."""
    rows = np.asarray(rows)
    if rows.any():
        raise ValueError(
            f"{rows.sum()} of {len(data)} rows {what}: rows {some(data.index[rows])}. Nothing is dropped silently: "
            "repair them, or leave them out yourself with data.dropna(subset=[...]), and say so where you report"
        )


def some(items: Iterable[Any]) -> str:
    """The first five, and how many more."""
    listed = [i.item() if isinstance(i, np.generic) else i for i in items]
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(map(repr, listed[:5])) + more
