"""What the caller asks `fit` for, checked, as a statsmodels model; nothing is dropped or converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import patsy
from statsmodels.regression.mixed_linear_model import MixedLM

SHOWN = 5  # rows or columns named in an error
MEND = (
    "Nothing is dropped silently: mend them, or leave them out yourself with data.dropna(subset=[...]), "
    "and say so where you report"
)


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
    caller: patsy.EvalEnvironment,
) -> MixedLM:
    """The MixedLM of a request, all of whose rows are used; arguments and errors as in `fit`.

    caller: what the formulas may use besides the columns, the caller's variables and functions.
    """
    _check_kinds(formula, data, re_formula, vc_formula)
    labels = _labels(groups, data)
    formulas = [("formula", formula)]
    if re_formula is not None:
        formulas.append(("re_formula", re_formula))
    formulas += [(f"vc_formula[{key!r}]", value) for key, value in (vc_formula or {}).items()]
    plain = data.astype(
        {
            name: object
            for name in data.columns[data.dtypes.map(lambda d: isinstance(d, pd.StringDtype))]
        }
    )
    used: dict[str, Any] = {}
    missing = pd.isna(labels)
    for argument, text in formulas:
        columns, others = _names_used(argument, text, data, caller)
        missing = missing | data[columns].isna().any(axis=1).to_numpy()
        used |= others
    _refuse(missing, data, "have missing values", MEND)
    for name in {
        name
        for argument, text in formulas
        for name in _factors(argument, text)
        if name in data.columns
    }:
        _check_kind(name, data[name])
    matrices = [_Columns.of(argument, text, plain, used) for argument, text in formulas]
    for columns_made, (_, text) in zip(matrices, formulas, strict=True):
        _refuse(columns_made.missing, data, f"have no value of {text!r}", MEND)
        _refuse(
            columns_made.infinite,
            data,
            f"have an infinite value of {text!r}",
            "Mend them, or leave them out.",
        )
    if not any(columns_made.count for columns_made in matrices[1:]):
        if re_formula is not None or vc_formula:  # without either, statsmodels means intercepts
            raise ValueError(
                "re_formula leaves no random effect at all; '~1' lets the groups differ in their mean"
            )
    if not data.index.is_unique:  # statsmodels looks rows up by label
        data = data.reset_index(drop=True)
    model = MixedLM.from_formula(
        formula,
        data,
        groups=groups if isinstance(groups, str) else labels,
        re_formula=re_formula,
        vc_formula=dict(vc_formula) if vc_formula else None,
        eval_env=used,
    )
    _check_model(model, data)
    return model


def _check_kinds(formula: Any, data: Any, re_formula: Any, vc_formula: Any) -> None:
    if not isinstance(formula, str):
        raise TypeError(
            f"formula must be text such as 'score ~ treatment'; given {type(formula).__name__}"
        )
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"data must be a pandas DataFrame, one row per observation; given {type(data).__name__}"
        )
    if len(data) < 3:
        raise ValueError(
            f"data has {len(data) or 'no'} rows, too few to tell groups from residuals: three at least"
        )
    if not data.columns.is_unique:
        raise ValueError(
            f"data has columns of the same name: {_some(data.columns[data.columns.duplicated()])}; rename "
            "them"
        )
    if re_formula is not None and not isinstance(re_formula, str):
        raise TypeError(
            f"re_formula must be text such as '~treatment', or None; given {type(re_formula).__name__}"
        )
    if vc_formula is not None and (
        not isinstance(vc_formula, Mapping)
        or not vc_formula
        or not all(
            isinstance(key, str) and isinstance(value, str) for key, value in vc_formula.items()
        )
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
    elif (
        isinstance(groups, pd.Series)
        and len(groups) == len(data)
        and not groups.index.equals(data.index)
    ):
        raise ValueError(
            "groups is a Series with another index than data, so it is unclear which label belongs to "
            "which row: give the column's name, or groups.to_numpy() if the order is the same"
        )
    # A list of text would turn a missing value in it into the text "nan".
    labels = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
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


def _names_used(
    argument: str, formula: str, data: pd.DataFrame, caller: patsy.EvalEnvironment
) -> tuple[list[str], dict[str, Any]]:
    """The columns that the formula names, and the caller's variables and functions that it uses besides."""
    codes = list(_factors(argument, formula))
    try:
        found = {name for code in codes for name in patsy.eval.ast_names(code)}
    except SyntaxError as error:
        raise ValueError(
            f"{argument} {formula!r} cannot be read: {error.msg} in {str(error.text).strip()!r}"
        ) from None
    columns = [name for name in data.columns if name in found]
    return columns, {
        name: caller.namespace[name]
        for name in found
        if name not in data.columns and name in caller.namespace
    }


def _check_kind(name: str, column: pd.Series) -> None:
    """ValueError if patsy would take the values for something else than they are: numbers for labels, for example."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    held = {type(value).__name__ for value in column} if kind == "O" else set()
    if kind in ("c", "m", "M") or held - {"str"} and held - {"bool"}:
        raise ValueError(
            f"data[{name!r}] holds {', '.join(sorted(held)) or 'values'} as {column.dtype}, which a formula would take "
            "for something else: make it all numbers, with .astype(float), or all text, with .astype(str)"
        )


@dataclass(frozen=True)
class _Columns:
    """What a formula makes of the data: how many columns, and which rows (n,) are missing or infinite."""

    count: int
    missing: np.ndarray
    infinite: np.ndarray

    @classmethod
    def of(cls, argument: str, formula: str, data: pd.DataFrame, used: dict[str, Any]) -> _Columns:
        """ValueError in one sentence if patsy refuses it, or the outcome is no column of numbers."""
        noting = _Missing()
        make = patsy.dmatrices if argument == "formula" else patsy.dmatrix
        try:
            with np.errstate(all="ignore"):
                made = make(formula, data, eval_env=patsy.EvalEnvironment([used]), NA_action=noting)
        except Exception as error:  # a formula may call anything
            raise ValueError(
                f"{argument} {formula!r} does not work with these data: {_first_line(error)} (columns: "
                f"{_some(data.columns)})"
            ) from error
        if argument != "formula":
            made = (made,)
        elif made[0].shape[1] != 1:
            raise ValueError(
                f"formula {formula!r}: the outcome must be one column of numbers; this one is text, "
                f"true/false or several columns ({_some(made[0].design_info.column_names)})"
            )
        elif made[1].shape[1] == 0:
            raise ValueError(
                f"formula {formula!r} has no fixed effect at all; '~ 1' is the overall mean"
            )
        none = np.zeros(len(data), dtype=bool)
        infinite = np.logical_or.reduce(
            [none, *(np.isinf(m).any(axis=1) for m in made if len(m) == len(data))]
        )
        return cls(
            made[-1].shape[1], noting.rows if noting.rows.size == len(data) else none, infinite
        )


def _refuse(rows: np.ndarray, data: pd.DataFrame, what: str, remedy: str) -> None:
    """ValueError naming the rows (n,) by their index label, if there are any."""
    if rows.any():
        raise ValueError(
            f"{rows.sum()} of {len(data)} rows {what}: rows {_some(data.index[rows])}. {remedy}"
        )


def _check_model(model: MixedLM, data: pd.DataFrame) -> None:
    """There is something to learn about groups from."""
    groups, n = model.n_groups, len(data)
    if groups == 1 and model.k_re:
        raise ValueError(
            f"groups has one value only ({model.group_labels[0]!r}), so nothing says how groups vary: name "
            "the column that tells the groups apart; for crossed factors give re_formula=None and a "
            "vc_formula"
        )
    if groups * model.k_re >= n:
        raise ValueError(
            f"{groups} groups with {model.k_re} random effect(s) each are {groups * model.k_re} random "
            f"effects for {n} rows, so they cannot be told from the residuals: groups should be what "
            "repeats, and each group needs more rows than random effects"
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
