"""What a fitted model's formulas make of new rows: their fixed-effect and random-effect columns."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import patsy
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.columns import Names, check_columns, group_column, plain, refuse_rows, some
from fewgroups.component_columns import ComponentColumns
from fewgroups.structure import dense

Array = np.ndarray
MEND = "Fill them in, or leave them out."
NUMPY = patsy.EvalEnvironment([{"np": np}])


@dataclass(frozen=True)
class NewRows:
    """Rows to predict: their columns as the reader has them, X (n, p), Z (n, q), and their group numbers (n,) or None.

    components: for each variance component, each row's own columns, name → value.
    """

    shown: pd.DataFrame
    X: Array
    Z: Array
    components: tuple[list[dict[str, float]], ...]
    groups: Array | None

    @classmethod
    def of(cls, model: MixedLM, data: pd.DataFrame | None, who: str) -> NewRows:
        """Read `data`, or the distinct rows of the fitted data for None; of the "average" group X alone is needed, of
        "known" ones who they are.

        The formulas are evaluated over the fitted rows and the new ones together: what gives the fitted columns again
        gives the right ones for new rows. TypeError or ValueError say what `data` lacks, or what cannot be made.
        """
        spec, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
        if not isinstance(spec, patsy.DesignInfo) or not isinstance(frame, pd.DataFrame):
            raise ValueError(
                "result was not fitted by a formula, so nothing says how to read new rows: fit it with "
                "fewgroups.fit(formula, data, groups)"
            )
        average, n = who == "average", len(frame)
        T = np.zeros((model.k_fe, model.k_re)) if average else _from_fixed(model)
        colnames = [] if average else model.exog_vc.colnames
        components = [_terms(itertools.chain(*part)) for part in colnames]
        used = _names([*spec.terms, *itertools.chain(*components)]).variables
        columns = [name for name in frame.columns if name in used]
        group = group_column(model) if who == "known" and model.n_groups > 1 else None
        if group is None and who == "known" and model.n_groups > 1:
            raise ValueError(
                "result was fitted to groups that are no column of its data, so rows cannot say which is theirs: "
                "fit with groups='column'"
            )
        needed = columns if group in (None, *columns) else [group, *columns]
        shown = frame[needed].drop_duplicates(ignore_index=True)
        if data is not None:
            shown = _checked(data, needed, group)
        if shown.empty and not needed:  # a formula without predictors: one row says all
            shown = pd.DataFrame(index=[0] if data is None else data.index)
        both = pd.DataFrame(index=range(n + len(shown)))
        for name in columns:
            fitted = plain(name, frame[name])
            both[name] = pd.concat([fitted, _like(name, shown[name], fitted)], ignore_index=True)
        X = _fixed(spec, _names(spec.terms).table(both))
        if not _same(X[:n], np.asarray(model.exog)):
            raise _not_made("formula", spec.term_names)
        parts = tuple(_component(model, c, terms, both) for c, terms in enumerate(components))
        numbers = np.zeros(len(shown), dtype=int) if who == "known" else None
        if group is not None:
            numbers = _numbers(model, shown[group], group)
        return cls(shown, X[n:], X[n:] @ T, parts, numbers)


def _checked(data: Any, columns: list[str], group: str | None) -> pd.DataFrame:
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"data must be a DataFrame with the columns {', '.join(columns) or '(none)'}, one row per prediction; "
            f"given {type(data).__name__}"
        )
    if not len(data):
        raise ValueError("data has no rows, so there is nothing to predict")
    check_columns(data)
    lacking = [name for name in columns if name not in data.columns]
    if lacking:
        why = f"; {group!r} says which of the groups each row is about" if group in lacking else ""
        raise ValueError(f"data lacks {some(lacking)}, which the model needs{why}")
    refuse_rows(data[columns].isna().any(axis=1), data, "have missing values", MEND)
    return data[columns]


def _like(name: str, given: pd.Series, fitted: pd.Series) -> pd.Series:
    """A new column in the kind of the fitted one (of kinds that `plain` gives)."""
    given, kind = plain(name, given), _kind(fitted)
    if kind == "labels":
        return given.astype(object)
    values = set(given.unique()) if kind == "true or false" else set()
    if _kind(given) == "labels" or not values <= {0, 1}:
        raise ValueError(
            f"data[{name!r}] must hold {kind}, as the data that were fitted do; given {some(given.unique())}"
        )
    whole = fitted.dtype.kind == "i" and (given % 1 == 0).all()
    given = given.astype(fitted.dtype if whole or kind == "true or false" else float)
    refuse_rows(np.isinf(given), given.to_frame(), f"are infinite in {name!r}", MEND)
    return given


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype):
        return "true or false"
    return "numbers" if pd.api.types.is_numeric_dtype(column) else "labels"


def _numbers(model: MixedLM, labels: pd.Series, group: str) -> Array:
    """The model's number of each row's group."""
    known = {label: number for number, label in enumerate(model.group_labels)}
    unknown = list(dict.fromkeys(label for label in labels if label not in known))
    if unknown:
        raise ValueError(
            f"data[{group!r}] has {some(unknown)}, which the model has not seen; it knows "
            f"{some(model.group_labels)}. For a group that was not measured use who='new'"
        )
    return np.array([known[label] for label in labels])


def _fixed(spec: patsy.DesignInfo, table: pd.DataFrame) -> Array:
    try:
        made = patsy.build_design_matrices([spec], table, NA_action="raise")[0]
    except patsy.PatsyError as error:
        raise ValueError(
            f"data does not fit the model's formula: {str(error).strip().splitlines()[0]}"
        ) from None
    return np.asarray(made, dtype=float).reshape(len(table), len(spec.column_names))


def _from_fixed(model: MixedLM) -> Array:
    """T (p, q) with Z = XT; ValueError where the random-effect columns are not made of the fixed-effect ones."""
    X = np.asarray(model.exog, dtype=float)
    Z = np.asarray(model.exog_re, dtype=float) if model.k_re else np.zeros((len(X), 0))
    T = np.linalg.lstsq(X, Z, rcond=None)[0]
    T[np.abs(T) < 1e-10 * np.abs(T).max(initial=0.0)] = 0.0
    if not _same(X @ T, Z):
        raise ValueError(
            f"re_formula: {some(model.data.exog_re_names)} vary between groups, but are no fixed effects, which alone "
            "can be made for new rows: add them to formula, where they belong, and fit again"
        )
    return T


def _terms(names: Iterable[Any]) -> list[patsy.Term]:
    """The formula's terms behind columns' names, C(cask) behind "C(cask)[a]"."""
    codes = dict.fromkeys(re.sub(r"\[[^\]]*\]", "", str(name)) for name in names)
    constant = [patsy.INTERCEPT] if codes.pop("Intercept", "") is None else []
    try:
        return constant + patsy.ModelDesc.from_formula(" + ".join(["0", *codes])).rhs_termlist
    except patsy.PatsyError:
        raise _not_made("vc_formula", codes) from None


def _names(terms: Iterable[patsy.Term]) -> Names:
    return Names.of(factor.name() for term in terms for factor in term.factors)


def _component(
    model: MixedLM, component: int, terms: list[patsy.Term], both: pd.DataFrame
) -> list[dict[str, float]]:
    """The columns of one variance component that each new row has, name → value."""
    refused = _not_made(
        f"vc_formula[{model.exog_vc.names[component]!r}]", [t.name() for t in terms]
    )
    try:
        (term,) = terms
        made = ComponentColumns.of(term.factors, _names(terms).table(both), NUMPY, len(model.endog))
    except Exception:  # a formula may call anything
        raise refused from None
    number = pd.factorize(model.groups, sort=True)[0]
    stored = zip(model.exog_vc.colnames[component], model.exog_vc.mats[component], strict=True)
    for names, block, (colnames, matrix) in zip(*made.blocks(number), stored, strict=True):
        columns = dict(zip(names, dense(block).T, strict=True))
        again = [columns.pop(name, np.zeros(block.shape[0])) for name in colnames]
        if columns or not _same(np.column_stack(again), dense(matrix)):
            raise refused
    new = range(len(model.endog), len(both))
    return [dict(zip(made.names[made.codes[k]], made.values[k], strict=True)) for k in new]


def _same(made: Array, fitted: Array) -> bool:
    return bool(np.abs(made - fitted).max(initial=0.0) <= 1e-8 * np.abs(fitted).max(initial=0.0))


def _not_made(argument: str, names: Iterable[str]) -> ValueError:
    return ValueError(
        f"{argument}: nothing says what {some(names)} is in these rows, as it depends on the other rows, on a function "
        "or on a level that was not fitted; make a column of the data of it, and fit again"
    )
