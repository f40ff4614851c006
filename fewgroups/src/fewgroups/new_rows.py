"""What a fitted model's formulas make of new rows: their fixed-effect and random-effect columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import patsy
from statsmodels.regression.mixed_linear_model import MixedLM

Array = np.ndarray
SHOWN = 5  # rows or labels named in an error
PLAIN = re.compile(r"(C\(\w+\)|\w+)(:(C\(\w+\)|\w+))*")  # codes that mean the same in any data


@dataclass(frozen=True)
class NewRows:
    """Rows to predict: their columns as the reader has them, X (n, p), Z (n, q), and their group numbers (n,) or None.

    components: for each variance component, column name → values (n,).
    """

    shown: pd.DataFrame
    X: Array
    Z: Array
    components: tuple[dict[str, Array], ...]
    groups: Array | None

    @classmethod
    def of(cls, model: MixedLM, data: pd.DataFrame | None, known: bool) -> NewRows:
        """Read `data`, or the distinct rows of the fitted data for None; known: with their groups.

        Raises TypeError or ValueError that say what `data` lacks.
        """
        spec, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
        if spec is None or not hasattr(spec, "factor_infos") or not isinstance(frame, pd.DataFrame):
            raise ValueError(
                "result was not fitted by a formula, so nothing says how to read new rows: fit it with "
                "fewgroups.fit(formula, data, groups)"
            )
        codes = [factor.name() for factor in spec.factor_infos]
        codes += [code for names in component_names(model) for code in _codes(names)]
        from_fixed = _from_fixed(model)
        if from_fixed is None:
            codes += _codes(_random_names(model))
        used = {name for code in codes for name in patsy.eval.ast_names(code)}
        columns = [str(name) for name in frame.columns if name in used]
        group = _group_column(model, frame) if known else None
        if group is not None and group not in columns:
            columns.insert(0, group)
        distinct = frame[columns].drop_duplicates(ignore_index=True)
        shown = distinct if data is None else _checked(data, columns, group, frame)
        if shown.empty and not columns:  # a formula without predictors: one row says all
            shown = pd.DataFrame(index=[0] if data is None else data.index)
        plain = shown.astype(
            {name: object for name in columns if isinstance(shown[name].dtype, pd.StringDtype)}
        )
        X = _fixed(spec, plain)
        Z = X @ from_fixed if from_fixed is not None else _random(model, plain)
        components = tuple(_columns(names, plain, "vc_formula") for names in component_names(model))
        return cls(
            shown, X, Z, components, None if group is None else _numbers(model, shown[group], group)
        )


def component_names(model: MixedLM) -> list[list[str]]:
    """The distinct column names of each variance component, over all groups."""
    return [
        list(dict.fromkeys(str(n) for names in groups for n in names))
        for groups in model.exog_vc.colnames
    ]


def _checked(
    data: Any, columns: list[str], group: str | None, fitted: pd.DataFrame
) -> pd.DataFrame:
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"data must be a DataFrame with the columns {', '.join(columns) or '(none)'}, one row per prediction; "
            f"given {type(data).__name__}"
        )
    if not len(data):
        raise ValueError("data has no rows, so there is nothing to predict")
    lacking = [name for name in columns if name not in data.columns]
    if lacking:
        why = (
            f"; {group!r} says which of the measured groups each row is about"
            if group in lacking
            else ""
        )
        raise ValueError(f"data lacks {', '.join(map(repr, lacking))}, which the model needs{why}")
    twice = [name for name in columns if isinstance(data[name], pd.DataFrame)]
    if twice:
        raise ValueError(
            f"data has more than one column {', '.join(map(repr, twice))}; rename or drop the others"
        )
    gaps = data[columns].isna().any(axis=1)
    if gaps.any():
        raise ValueError(
            f"data has missing values in rows {_some(data.index[gaps])}: there is nothing to predict from"
        )
    for name in columns:
        if name == group or not _is_number(fitted[name]):
            continue
        if not _is_number(data[name]):
            raise ValueError(
                f"data[{name!r}] must hold numbers, as the data that were fitted do; it is of type {data[name].dtype}: "
                "convert it with .astype(float)"
            )
        endless = np.isinf(data[name].to_numpy(dtype=float))
        if endless.any():
            raise ValueError(f"data[{name!r}] is infinite in rows {_some(data.index[endless])}")
    return data[columns]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(
        column.dtype
    )


def _group_column(model: MixedLM, frame: pd.DataFrame) -> str:
    """The column of the fitted data that holds the groups."""
    labels = np.asarray(model.groups)
    named = str(model.data.exog_re_names[0]) if model.k_re else ""
    found = [str(name) for name in frame.columns if np.array_equal(frame[name].to_numpy(), labels)]
    if not found:
        raise ValueError(
            "result was fitted to groups that are no column of its data, so rows cannot say which is theirs: "
            "fit with groups='column'"
        )
    return named if named in found else found[0]


def _numbers(model: MixedLM, labels: pd.Series, group: str) -> Array:
    """The model's number of each row's group."""
    known = {label: number for number, label in enumerate(model.group_labels)}
    unknown = list(dict.fromkeys(label for label in labels if label not in known))
    if unknown:
        raise ValueError(
            f"data[{group!r}] has {_some(unknown)}, which the model has not seen; it knows "
            f"{_some(model.group_labels)}. For a group that was not measured use who='new'"
        )
    return np.array([known[label] for label in labels])


def _fixed(spec: Any, data: pd.DataFrame) -> Array:
    try:
        return np.asarray(
            patsy.build_design_matrices([spec], data, NA_action="raise")[0], dtype=float
        ).reshape(len(data), len(spec.column_names))
    except patsy.PatsyError as error:
        raise ValueError(
            f"data does not fit the model's formula: {str(error).strip().splitlines()[0]}"
        ) from None


def _from_fixed(model: MixedLM) -> Array | None:
    """T (p, q) with Z = XT where the random-effect columns are made of the fixed-effect ones, else None."""
    if not model.k_re:
        return np.zeros((model.exog.shape[1], 0))
    X, Z = np.asarray(model.exog, dtype=float), np.asarray(model.exog_re, dtype=float)
    T = np.linalg.lstsq(X, Z, rcond=None)[0]
    T[np.abs(T) < 1e-10 * np.abs(T).max()] = 0.0
    return T if np.abs(Z - X @ T).max() < 1e-8 * np.abs(Z).max() else None


def _random_names(model: MixedLM) -> list[str]:
    """Names of the random-effect columns that are no constant."""
    constant = np.ptp(np.asarray(model.exog_re, dtype=float), axis=0) == 0
    return [
        str(name) for name, same in zip(model.data.exog_re_names, constant, strict=True) if not same
    ]


def _random(model: MixedLM, data: pd.DataFrame) -> Array:
    """Z (n, q) of random-effect columns that the fixed effects do not have, by their names."""
    names, first = _random_names(model), np.asarray(model.exog_re, dtype=float)[0]
    made = _columns(names, data, "re_formula")
    lacking = [name for name in names if name not in made]
    if lacking:
        raise ValueError(
            f"re_formula: nothing says what {', '.join(lacking)} is in new rows; add it to the fixed effects, where it "
            "belongs anyway, and fit again"
        )
    columns = [
        made.get(str(name), np.full(len(data), first[k]))
        for k, name in enumerate(model.data.exog_re_names)
    ]
    return np.column_stack(columns)


def _codes(names: Iterable[str]) -> list[str]:
    """Formula terms behind column names: "C(cask)" of "C(cask)[a]"."""
    return list(dict.fromkeys(re.sub(r"\[[^\]]*\]", "", name) for name in names))


def _columns(names: list[str], data: pd.DataFrame, argument: str) -> dict[str, Array]:
    """Column name → values (n,) of the terms behind `names`, whatever levels the data have."""
    made: dict[str, Array] = {}
    for code in _codes(names):
        if not PLAIN.fullmatch(code) or code == "Intercept":
            raise ValueError(
                f"{argument}: columns such as {code!r} cannot be made for new rows; make a column of the data of it, "
                "or leave out the intercept ('0 + C(cask)'), and fit again"
            )
        matrix = patsy.dmatrix(f"0 + {code}", data, return_type="dataframe")
        made |= {str(name): matrix[name].to_numpy(dtype=float) for name in matrix.columns}
    return made


def _some(items: Iterable[Any]) -> str:
    listed = list(items)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return (
        ", ".join(repr(i.item() if isinstance(i, np.generic) else i) for i in listed[:SHOWN]) + more
    )
