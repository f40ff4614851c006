"""What each coefficient of a formula compares: levels with levels, or one unit more of a number.

Whatever the coding of a factor (treatment, sum, Helmert, own matrices), the coefficient of a column is a weighted sum
of the means of its levels; the weights are a row of the inverse of the coding matrix. So nothing has to be guessed
from names such as `C(x)[T.b]:z`.

Terms of one variable, such as x and I(x ** 2), or the columns of a spline, are one curve, and tested together. The
tests are those of `f_tests`: a term that takes part in an interaction is tested on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from patsy import DesignInfo, EvalFactor

from fewgroups.columns import Names, column_of
from fewgroups.fixed_effects import Rows

Array = np.ndarray
NEAR = 0.05  # of the range of a number: zero is as good as within it
Choice = tuple[EvalFactor, Any, int]  # factor, coding matrix or None, column of its coding


@dataclass(frozen=True)
class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`.

    variables: the columns of data it is made of; variable: the one that it is, or is the levels of: of
    `C(Machine, Sum)` it is Machine; else None.
    levels: of a category, or the values of a number with two; low, high: of a number; columns: how many it has;
    reaches_zero: whether zero lies within or near its values, or within its variables'.
    """

    name: str
    levels: tuple[Any, ...]
    variables: frozenset[str]
    variable: str | None
    low: float = np.nan
    high: float = np.nan
    columns: int = 1
    reaches_zero: bool = True

    @property
    def is_number(self) -> bool:
        """Whether it is a number, of two values or many."""
        return not self.levels or not np.isnan(self.low)


@dataclass(frozen=True)
class Part:
    """One factor's share in a coefficient, or the point at which others are read. weights: level → weight, of what is
    compared (or mixed); none for a number."""

    factor: Factor
    weights: tuple[tuple[Any, float], ...] = ()

    @property
    def gap(self) -> float:
        """How far the two values of a number with two values lie apart; 1 for everything else."""
        return self.factor.high - self.factor.low if self.weights and self.factor.is_number else 1.0

    @property
    def pair(self) -> tuple[Any, Any] | None:
        """(higher, lower) if the part, times its gap, is one level minus another."""
        at = {round(weight * self.gap, 9): level for level, weight in self.weights}
        return (at[1], at[-1]) if len(self.weights) == 2 and set(at) == {1, -1} else None

    @property
    def level(self) -> Any:
        """The one level that it holds within, if there is one (an intercept that is left out, a nested effect)."""
        return self.weights[0][0] if len(self.weights) == 1 else None

    @property
    def against_average(self) -> Any:
        """The level that is compared with the unweighted average of all levels (sum coding), else None."""
        n = len(self.factor.levels)
        for level, weight in self.weights if len(self.weights) == n else ():
            others = [w for other, w in self.weights if other != level]
            if abs(weight - (1 - 1 / n)) < 1e-9 and np.allclose(others, -1 / n):
                return level
        return None

    @property
    def is_plain(self) -> bool:
        """Whether a sentence can say it: a number, one level, one against another or against the average of all."""
        if not self.factor.levels:
            return self.factor.columns == 1
        return len(self.weights) == 1 or self.pair is not None or self.against_average is not None


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of the term `term`. parts: what it compares, none for the intercept; places: where, if other
    terms matter."""

    name: str
    term: str
    parts: tuple[Part, ...]
    places: tuple[Part, ...]

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean and no difference: the intercept, or a level of a factor coded without one."""
        return all(len(part.weights) == 1 for part in self.parts)

    @property
    def is_plain(self) -> bool:
        """Whether a sentence can say it."""
        return all(part.is_plain for part in self.parts)

    @property
    def gap(self) -> float:
        """What the coefficient is multiplied by to be a difference between values that occur."""
        return float(np.prod([part.gap for part in self.parts])) if self.is_plain else 1.0


def read_coefficients(model: Any) -> tuple[list[Coefficient], dict[str, Factor]]:
    """The coefficients of a MixedLM's fixed effects, in order, and the factors that they are made of."""
    design, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    X = np.asarray(model.exog, dtype=float)
    names = [str(name) for name in model.exog_names]
    if not isinstance(design, DesignInfo) or not isinstance(frame, pd.DataFrame):
        return _from_arrays(X, names)
    factors = {factor.name(): _factor(design, factor, frame) for factor in design.factor_infos}
    found: list[Coefficient] = []
    for term, subterms in design.term_codings.items():
        for subterm in subterms:
            for choice in _choices(design, subterm):
                parts = tuple(_part(factors[f.name()], matrix, k) for f, matrix, k in choice)
                mean = all(len(part.weights) == 1 for part in parts)
                places = _places(design, factors, set(subterm.factors), mean)
                found.append(Coefficient(names[len(found)], term.name(), parts, places))
    return found, factors


def _from_arrays(X: Array, names: list[str]) -> tuple[list[Coefficient], dict[str, Factor]]:
    varying = [(name, x) for name, x in zip(names, X.T, strict=True) if np.ptp(x)]
    factors = {k: _number(Factor(k, (), frozenset({k}), k), x, [x]) for k, x in varying}
    places = tuple(_point(factor) for factor in factors.values())
    found = []
    for name in names:
        parts = (_part(factors[name], None, 0),) if name in factors else ()
        found.append(Coefficient(name, name, parts, () if parts else places))
    return found, factors


def _factor(design: DesignInfo, factor: EvalFactor, frame: pd.DataFrame) -> Factor:
    info, name = design.factor_infos[factor], factor.name()
    variables = Names.of([factor.code]).variables & set(map(str, frame.columns))
    plain = Factor(name, (), variables or frozenset({factor.code}), column_of(factor.code))
    if info.type == "categorical":
        return replace(plain, levels=tuple(info.categories))
    values = np.asarray(factor.eval(info.state, frame), dtype=float)
    read = [frame[v].to_numpy() for v in variables if v in frame and frame[v].dtype.kind in "iuf"]
    return _number(plain, values, [values, *read])


def _number(factor: Factor, values: Array, ranges: list[Array]) -> Factor:
    """The numeric factor; values (n,) or (n, k); ranges: its values and those of its variables, any of which may reach
    zero."""
    seen, columns = np.unique(values), values.shape[1] if values.ndim == 2 else 1
    levels = tuple(float(v) for v in seen) if columns == 1 and len(seen) == 2 else ()
    low, high = float(seen[0]), float(seen[-1])
    reaches = any(v.min() <= NEAR * np.ptp(v) and v.max() >= -NEAR * np.ptp(v) for v in ranges)
    return replace(factor, levels=levels, low=low, high=high, columns=columns, reaches_zero=reaches)


def _choices(design: DesignInfo, subterm: Any) -> list[list[Choice]]:
    """For each column of a subterm, in patsy's order, the columns of its factors' codings."""
    columns: list[list[Choice]] = []
    for factor in subterm.factors:
        matrix = subterm.contrast_matrices.get(factor)
        count = design.factor_infos[factor].num_columns
        count = count if matrix is None else matrix.matrix.shape[1]
        columns.append([(factor, matrix, k) for k in range(count)])
    return [list(choice[::-1]) for choice in product(*columns[::-1])]  # the first changes fastest


def _part(factor: Factor, matrix: Any, column: int) -> Part:
    if matrix is not None:
        return _weighted(factor, _inverse(matrix)[column - matrix.matrix.shape[1]])
    if factor.levels:  # a number with two values: (mean at high − mean at low) / (high − low)
        gap = factor.high - factor.low
        return _weighted(factor, np.array([-1 / gap, 1 / gap]))
    return Part(factor)


def _inverse(matrix: Any) -> Array:
    """Rows: what each column of a coding says of the means of the levels; before them, if it is of reduced rank, what
    the constant says."""
    coding = np.asarray(matrix.matrix, dtype=float)
    if coding.shape[0] != coding.shape[1]:
        coding = np.column_stack([np.ones(len(coding)), coding])
    return np.linalg.pinv(coding)


def _weighted(factor: Factor, row: Array) -> Part:
    pairs = zip(factor.levels, row, strict=True)
    return Part(factor, tuple((level, float(w)) for level, w in pairs if abs(w) > 1e-9))


def _point(factor: Factor, matrix: Any = None) -> Part:
    """The zero of a factor's coding."""
    if matrix is not None:
        return _weighted(factor, _inverse(matrix)[0])
    if factor.levels:  # two numbers: which mixture of them is at zero
        share = -factor.low / (factor.high - factor.low)
        return _weighted(factor, np.array([1 - share, share]))
    return Part(factor)


def _places(
    design: DesignInfo, factors: dict[str, Factor], mine: set[EvalFactor], mean: bool
) -> tuple[Part, ...]:
    """The zeros at which a column of the factors `mine` is read: of those that join all of them in other columns; or,
    for a mean, of all other factors."""
    found: dict[str, Part] = {}
    for subterm in (subterm for subterms in design.term_codings.values() for subterm in subterms):
        if not (mean or mine < set(subterm.factors)):
            continue
        for factor in subterm.factors:
            matrix = subterm.contrast_matrices.get(factor)
            full = matrix is not None and matrix.matrix.shape[0] == matrix.matrix.shape[1]
            if factor not in mine and not full:
                found.setdefault(factor.name(), _point(factors[factor.name()], matrix))
    return tuple(found.values())


# ---- whole terms ----------------------------------------------------------------------------


@dataclass(frozen=True)
class WholeTerm:
    """Terms that are read together. kind: "single" (one coefficient), "levels" (several, each a comparison), "coded"
    (several that no sentence can say one by one), "curve" (a spline, a polynomial).

    coefficients: their numbers; rows (q, p): what is tested against zero; partners: the factors that rows average over,
    none for a term that is part of no interaction; factors: its own, without repeats.
    """

    name: str
    terms: tuple[str, ...]
    kind: str
    coefficients: tuple[int, ...]
    factors: tuple[str, ...]
    partners: tuple[str, ...]
    rows: Array


def read_terms(coefficients: list[Coefficient], tests: Rows) -> list[WholeTerm]:
    """The terms of a model but the intercept, those of one set of variables joined, in the order of the formula;
    `tests`: of `term_rows`."""
    families: dict[frozenset[frozenset[str]], list[str]] = {}
    for name in dict.fromkeys(one.term for one in coefficients if one.parts):
        parts = [part for one in coefficients if one.term == name for part in one.parts]
        families.setdefault(frozenset(part.factor.variables for part in parts), []).append(name)
    return [_whole(tuple(names), coefficients, tests) for names in families.values()]


def _whole(names: tuple[str, ...], coefficients: list[Coefficient], tests: Rows) -> WholeTerm:
    where = [k for k, one in enumerate(coefficients) if one.term in names]
    mine = [coefficients[k] for k in where]
    if len(names) > 1 or any(part.factor.columns > 1 for one in mine for part in one.parts):
        kind = "curve"
    elif all(one.is_plain for one in mine):
        kind = "single" if len(mine) == 1 else "levels"
    else:
        kind = "coded"
    rows = np.vstack([tests[name][0] for name in names])
    inside = tuple(dict.fromkeys(part.factor.name for one in mine for part in one.parts))
    if len(inside) == 1 and len(mine) > 1 and all(one.is_mean for one in mine):
        mean = rows[:, where].sum(axis=1)  # no intercept: are the means equal?
        rows = rows[1:] - np.outer(mean[1:] / mean[0], rows[0])
    own = [{p.factor.name for one in mine if one.term == name for p in one.parts} for name in names]
    used = ([part.factor.name for part in one.parts] for one in coefficients)
    wider = [factor for some in used if any(x <= set(some) for x in own) for factor in some]
    partners = tuple(factor for factor in dict.fromkeys(wider) if factor not in inside)
    return WholeTerm(" and ".join(names), names, kind, tuple(where), inside, partners, rows)
