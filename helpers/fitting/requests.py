"""What the caller asks `fit` for, checked, as a statsmodels model; nothing is dropped or converted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import patsy
from statsmodels.regression.mixed_linear_model import MixedLM

SHOWN = 5  # rows or columns named in an error


class _Missing(patsy.NAAction):
    """patsy's hook for missing values: notes the rows, drops none."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = np.zeros(0, dtype=bool)

    def handle_NA(self, values: Any, is_NAs: Any, origins: Any) -> Any:  # patsy's name for it
        self.rows = np.logical_or.reduce([np.asarray(mask) for mask in is_NAs])
        return values


def build(
    formula: str,
    data: pd.DataFrame,
    groups: Any,
    re_formula: str | None,
    vc_formula: Mapping[str, str] | None,
    names: Mapping[str, Any],
) -> MixedLM:
    """The MixedLM of a request, all of whose rows are used; arguments and errors as in `fit`.

    names: what the formulas may use besides the columns (the caller's variables and functions).
    """
    _check_kinds(formula, data, re_formula, vc_formula)
    labels = _labels(groups, data)
    formulas = [("formula", formula)]
    if re_formula is not None:
        formulas.append(("re_formula", re_formula))
    formulas += [(f"vc_formula[{key!r}]", value) for key, value in (vc_formula or {}).items()]
    plain = data.astype(
        {name: object for name in data.columns[data.dtypes.map(lambda d: isinstance(d, pd.StringDtype))]}
    )
    used: dict[str, Any] = {}
    for argument, text in formulas:
        used |= _names_used(argument, text, data, names)
    missing = pd.isna(labels)
    for argument, text in formulas:
        missing = missing | _missing_rows(argument, text, plain, used)
    if missing.any():
        raise ValueError(
            f"{missing.sum()} of {len(data)} rows have missing values (or make them in the formula): rows "
            f"{_some(data.index[missing])}. Nothing is dropped silently: mend them, or leave them out "
            "yourself "
            "with data.dropna(subset=[...]), and say so where you report"
        )
    if not data.index.is_unique:  # statsmodels looks rows up by label
        data = data.reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            model = MixedLM.from_formula(
                formula,
                data,
                groups=groups if isinstance(groups, str) else labels,
                re_formula=re_formula,
                vc_formula=dict(vc_formula) if vc_formula else None,
                eval_env=used,
            )
        except RuntimeWarning as warning:
            raise ValueError(f"the formulas cannot be computed for every row: {warning}") from warning
    _check_model(model, data)
    return model


def _check_kinds(formula: Any, data: Any, re_formula: Any, vc_formula: Any) -> None:
    if not isinstance(formula, str):
        raise TypeError(
            f"formula must be text such as 'correctness ~ session_high'; given {type(formula).__name__}"
        )
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"data must be a pandas DataFrame, one row a score; given {type(data).__name__}")
    if len(data) == 0:
        raise ValueError("data has no rows")
    if not data.columns.is_unique:
        raise ValueError(
            f"data has columns of the same name: {_some(data.columns[data.columns.duplicated()])}; "
            "rename them"
        )
    if re_formula is not None and not isinstance(re_formula, str):
        raise TypeError(
            f"re_formula must be text such as '~session_high', or None; given {type(re_formula).__name__}"
        )
    if vc_formula is not None and (
        not isinstance(vc_formula, Mapping)
        or not vc_formula
        or not all(isinstance(key, str) and isinstance(value, str) for key, value in vc_formula.items())
    ):
        raise TypeError(
            "vc_formula must map names to formulas, such as {'cask': '0 + C(cask)'}, or be None; "
            f"given {vc_formula!r}"
        )


def _labels(groups: Any, data: pd.DataFrame) -> np.ndarray:
    """One label per row (n,), of one kind, so that they can be put in order."""
    if isinstance(groups, str):
        if groups not in data.columns:
            raise ValueError(
                f"groups must name a column of data; given {groups!r}, the columns are {_some(data.columns)}"
            )
        groups = data[groups]
    elif isinstance(groups, pd.Series) and len(groups) == len(data) and not groups.index.equals(data.index):
        raise ValueError(
            "groups is a Series with another index than data, so it is unclear which label belongs to which "
            "row: give the column's name, or groups.to_numpy() if the order is the same"
        )
    labels = np.asarray(groups)
    if labels.ndim != 1 or len(labels) != len(data):
        raise ValueError(
            f"groups must be a column's name or one label for each of the {len(data)} rows; given something "
            f"of shape {labels.shape}"
        )
    try:
        sorted(set(labels[~pd.isna(labels)]))
    except TypeError:
        raise ValueError(
            "groups mixes labels of different kinds (numbers and text): make them all text with .astype(str)"
        ) from None
    return labels


def _factors(argument: str, formula: str) -> Iterator[str]:
    """The Python expressions of a formula."""
    try:
        description = patsy.ModelDesc.from_formula(formula)
    except patsy.PatsyError as error:
        raise ValueError(f"{argument} {formula!r} cannot be read: {_first_line(error)}") from error
    for term in [*description.lhs_termlist, *description.rhs_termlist]:
        for factor in term.factors:
            yield factor.name()


def _names_used(argument: str, formula: str, data: pd.DataFrame, names: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's variables and functions that the formula uses and data does not have."""
    used: dict[str, Any] = {}
    for code in _factors(argument, formula):
        for name in patsy.eval.ast_names(code):
            if name not in data.columns and name in names:
                used[name] = names[name]
    return used


def _missing_rows(argument: str, formula: str, data: pd.DataFrame, used: dict[str, Any]) -> np.ndarray:
    """Rows that the formula has no value for, (n,) bool; ValueError in one sentence if patsy refuses it."""
    noting = _Missing()
    make = patsy.dmatrices if argument == "formula" else patsy.dmatrix
    environment = patsy.EvalEnvironment([used])
    try:
        with np.errstate(all="ignore"):
            made = make(formula, data, eval_env=environment, NA_action=noting)
    except patsy.PatsyError as error:
        raise ValueError(
            f"{argument} {formula!r} does not work with these data: {_first_line(error)} "
            f"(columns: {_some(data.columns)})"
        ) from error
    if argument == "formula":
        outcome, predictors = made
        if outcome.shape[1] != 1:
            raise ValueError(
                f"formula {formula!r}: the outcome must be one column of numbers; this one is text, "
                "true/false "
                f"or several columns ({_some(outcome.design_info.column_names)})"
            )
        if predictors.shape[1] == 0:
            raise ValueError(f"formula {formula!r} has no fixed effect at all; '~ 1' is the overall mean")
    return noting.rows if noting.rows.size == len(data) else np.zeros(len(data), dtype=bool)


def _check_model(model: MixedLM, data: pd.DataFrame) -> None:
    """Numbers are finite, and there is something to learn about groups from."""
    parts = [("the outcome", np.asarray(model.endog)[:, None]), ("the predictors", model.exog)]
    if model.k_re:
        parts.append(("the random-effect columns", np.asarray(model.exog_re)))
    for what, values in parts:
        wrong = ~np.isfinite(values).all(axis=1)
        if wrong.any():
            raise ValueError(f"{what} are infinite in {wrong.sum()} rows: {_some(data.index[wrong])}")
    for name, mats in zip(model.exog_vc.names, model.exog_vc.mats, strict=True):
        if not all(np.isfinite(mat).all() for mat in mats):
            raise ValueError(f"vc_formula[{name!r}] makes infinite values")
    groups, n = model.n_groups, len(data)
    if model.k_re == 0 and model.k_vc == 0:
        raise ValueError(
            "re_formula leaves no random effect at all; '~1' lets the groups differ in their mean"
        )
    if groups == 1 and model.k_re:
        raise ValueError(
            f"groups has one value only ({model.group_labels[0]!r}), so nothing says how groups vary: "
            "name the "
            "column that tells athletes apart; for crossed factors give re_formula=None and a vc_formula"
        )
    if groups * model.k_re >= n:
        raise ValueError(
            f"{groups} groups with {model.k_re} random effect(s) each are {groups * model.k_re} random "
            "effects "
            f"for {n} rows, so they cannot be told from the residuals: groups should be what repeats (the "
            "athlete), and each group needs more rows than random effects"
        )
    for name, mats in zip(model.exog_vc.names, model.exog_vc.mats, strict=True):
        levels = sum(mat.shape[1] for mat in mats)
        if levels >= n:
            raise ValueError(
                f"vc_formula[{name!r}] has {levels} levels for {n} rows, so it cannot be told from the "
                "residuals: leave it out"
            )


def _some(items: Any) -> str:
    """The first few, and how many more."""
    items = list(items)
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(str(item) for item in items[:SHOWN]) + more


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
