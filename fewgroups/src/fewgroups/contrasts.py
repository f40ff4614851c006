"""Contrasts: weighted sums of the coefficients, from names, numbers or a line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from patsy import DesignInfo, PatsyError

Array = np.ndarray
Rows = dict[str, tuple[Array, Array]]


def read_contrasts(contrasts: Any, terms: Sequence[str]) -> Rows:
    """Name → (rows (q, p), null values (q,)), one entry per contrast, for `terms` (p names of coefficients).

    Accepts a mapping from names to any of: p weights, a (q, p) array, a mapping term → weight, a string
    such as "Machine[T.B] - Machine[T.C] = 0"; or one such string; or an array (p,) or (q, p), each row a
    contrast; or a DataFrame with a row per contrast and a column per term (terms that are left out weigh
    nothing).
    """
    names = list(terms)
    if isinstance(contrasts, pd.DataFrame):
        contrasts = {str(label): row.to_dict() for label, row in contrasts.iterrows()}
    if isinstance(contrasts, str):
        contrasts = {contrasts: contrasts}
    if isinstance(contrasts, Mapping):
        if not contrasts:
            raise ValueError(
                "contrasts is empty: give name → weights, or None for every coefficient"
            )
        return {
            str(label): _read_one(str(label), value, names) for label, value in contrasts.items()
        }
    rows, nulls = _read_one("contrasts", contrasts, names)
    if np.ndim(contrasts) == 1:
        return {"contrast": (rows, nulls)}
    return {f"contrast {i + 1}": (rows[[i]], nulls[[i]]) for i in range(len(rows))}


def _read_one(label: str, value: Any, terms: list[str]) -> tuple[Array, Array]:
    if isinstance(value, str):
        try:
            with np.errstate(all="ignore"):
                constraint = DesignInfo(terms).linear_constraint(value)
        except (PatsyError, IndexError) as error:  # IndexError: nothing but spaces
            raise ValueError(
                f"contrast {label!r}: {value!r} cannot be read ({getattr(error, 'message', 'it is empty')}); "
                f"the terms are {', '.join(terms)}"
            ) from None
        rows, nulls = constraint.coefs, constraint.constants[:, 0]
    elif isinstance(value, Mapping):
        unknown = [str(name) for name in value if name not in terms]
        if unknown:
            raise ValueError(
                f"contrast {label!r} names {', '.join(unknown)}, but the terms are {', '.join(terms)}"
            )
        rows = _as_array([[value.get(name, 0.0) for name in terms]])
        nulls = np.zeros(1)
    else:
        rows = _as_array(value)
        nulls = np.zeros(len(np.atleast_2d(rows)))
    if rows.dtype.kind not in "iuf":  # text, true/false, ragged lists
        raise TypeError(f"contrast {label!r}: weights must be numbers, not {value!r}")
    rows = np.atleast_2d(rows).astype(float)
    if rows.ndim != 2 or rows.shape[1] != len(terms):
        raise ValueError(
            f"contrast {label!r} has {rows.shape[-1]} weights, but the model has {len(terms)} coefficients: "
            f"{', '.join(terms)}; give one weight for each, or a mapping from terms to weights"
        )
    if not np.all(np.isfinite(rows)) or not np.all(np.isfinite(nulls)):
        raise ValueError(
            f"contrast {label!r} has a number that is missing or infinite: {rows.tolist()} = {nulls.tolist()}"
        )
    if np.linalg.matrix_rank(rows) < len(rows):
        raise ValueError(
            f"contrast {label!r}: its rows are zero or repeat one another; give rows of which none "
            "follows from the others"
        )
    return rows, np.asarray(nulls, dtype=float)


def _as_array(value: Any) -> Array:
    try:
        return np.asarray(value)
    except ValueError:  # rows of different lengths
        return np.asarray(None)


def term_rows(model: Any) -> Rows:
    """Name of each term → the rows that pick its coefficients, the intercept left out, for a MixedLM
    `model`."""
    names = list(model.exog_names)
    unit = np.eye(len(names))
    design = getattr(model.data, "model_spec", None)
    slices = getattr(design, "term_name_slices", None) or {
        name: slice(i, i + 1) for i, name in enumerate(names)
    }
    rows = {term: unit[where] for term, where in slices.items()}
    constant = [
        term for term, row in rows.items() if len(row) == 1 and np.ptp(model.exog @ row[0]) == 0
    ]
    return {
        term: (row, np.zeros(len(row)))
        for term, row in rows.items()
        if term not in constant and len(row)
    }
