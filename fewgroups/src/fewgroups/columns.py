"""Columns of a table as formulas can take them, and which of them a formula's code reads."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

SHOWN = 5  # rows, columns or labels named in an error


class _Unquoted(ast.NodeTransformer):
    """Q("a b") as if "a b" were a name of Python's."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """ast's name for what is done with a call."""
        if _calls(node, "Q") and isinstance(node.args[0], ast.Constant):
            return ast.Name(str(node.args[0].value))
        return self.generic_visit(node)


def parsed(code: str) -> ast.AST:
    """The syntax tree of a factor's code, columns that are quoted by Q(...) as names; SyntaxError if it is none."""
    return _Unquoted().visit(ast.parse(code, mode="eval").body)


def column_of(code: str) -> str | None:
    """The column that a factor's code is, bare, quoted or as labels: x, Q("x"), C(x, Sum); None if it is none."""
    tree = parsed(code)
    inside = tree.args[0] if isinstance(tree, ast.Call) and _calls(tree, "C") else tree
    return inside.id if isinstance(inside, ast.Name) else None


def _calls(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == name and bool(node.args)


@dataclass(frozen=True)
class Names:
    """Names in the code of factors: variables; functions that are called; labels, which stand in C(...) or [...]."""

    variables: frozenset[str]
    functions: frozenset[str]
    labels: frozenset[str]

    @classmethod
    def of(cls, codes: Iterable[str]) -> Names:
        """Of Python expressions; SyntaxError for one that is none."""
        nodes = [node for code in codes for node in ast.walk(parsed(code))]
        heads = {id(node.func) for node in nodes if isinstance(node, ast.Call)}

        def names(found: Iterable[ast.AST], called: bool) -> frozenset[str]:
            named = (node for node in found if isinstance(node, ast.Name))
            return frozenset(node.id for node in named if (id(node) in heads) == called)

        calls = [node for node in nodes if isinstance(node, ast.Call) and _calls(node, "C")]
        labels = [*calls, *(node.slice for node in nodes if isinstance(node, ast.Subscript))]
        inside = (part for node in labels for part in ast.walk(node))
        return cls(names(nodes, False), names(nodes, True), names(inside, False))

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The variables among the columns of `frame` (of kinds that `plain` gives), as patsy is to see them.

        Whole numbers become float, so that no power of them overflows, except labels, which would be renamed.
        """
        made = {name: frame[name] for name in frame.columns if name in self.variables}
        for name, column in made.items():
            if not isinstance(column.dtype, np.dtype | pd.CategoricalDtype):
                made[name] = column.astype(object)  # text in pandas' own types: patsy knows none
            elif column.dtype.kind == "i" and name not in self.labels:
                made[name] = column.astype(float)
        return pd.DataFrame(made, frame.index)


def plain(name: str, column: pd.Series) -> pd.Series:
    """The column as int64, float64, bool, text, or categories that occur, whatever kind of these it is.

    ValueError where a formula would take the values for something else than they are.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    if isinstance(column.dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    if pd.api.types.is_object_dtype(column):
        column = column.infer_objects()
    if pd.api.types.is_bool_dtype(column):
        return column.astype(bool)
    if pd.api.types.is_integer_dtype(column):
        return column.astype("int64" if column.max() < 2**63 else "float64")
    if pd.api.types.is_float_dtype(column):
        return column.astype("float64")
    if pd.api.types.is_string_dtype(column):
        return column
    if all(isinstance(value, str) for value in column):
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


def numbers_as_text(name: str, column: pd.Series) -> str:
    """A note if the texts of a column are whole numbers, which may be labels; ValueError if half or more are numbers
    otherwise: a formula takes every text for a label."""
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_string_dtype(column):
        return ""
    texts = column.drop_duplicates()
    numbers = _numbers(texts)
    if (numbers % 1 == 0).all():
        return (
            f"{name} holds whole numbers as text, which are taken for {len(texts)} labels; if they are numbers, "
            f"{_as_numbers(name, column)}."
        )
    if numbers.notna().mean() >= 0.5:
        raise ValueError(
            f"data[{name!r}] holds numbers as text: {_as_numbers(name, column)}, or write C({name})"
        )
    return ""


def _numbers(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.astype(str).str.replace(",", "."), errors="coerce")


def _as_numbers(name: str, column: pd.Series) -> str:
    comma = ".str.replace(',', '.')" if column.astype(str).str.contains(",").any() else ""
    others = column[_numbers(column).isna()]
    wrong = f"repair {others.iloc[0]!r} in row {others.index[0]!r}, and " if len(others) else ""
    return f"{wrong}make it numbers with data[{name!r}]{comma}.astype(float)"


def label_array(groups: Any, rows: int) -> np.ndarray:
    """Labels of groups (rows,); ValueError if their number is another."""
    # As text, a list's missing values would become the text "nan".
    labels = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if labels.shape != (rows,):
        raise ValueError(
            f"groups must hold one label per row, for {rows} rows; given something of shape {labels.shape}"
        )
    return labels


def group_column(model: Any) -> str | None:
    """The column of a fitted MixedLM's data that holds the groups, if there is one."""
    frame, labels = getattr(model.data, "frame", None), np.asarray(model.groups)
    if not isinstance(frame, pd.DataFrame):
        return None
    found = [str(name) for name in frame if np.array_equal(frame[name].to_numpy(), labels)]
    named = str(model.data.exog_re_names[0]) if model.k_re else ""
    return named if named in found else next(iter(found), None)


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


def some(items: Iterable[Any]) -> str:
    """The first few, and how many more."""
    listed = [i.item() if isinstance(i, np.generic) else i for i in items]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(map(repr, listed[:SHOWN])) + more
