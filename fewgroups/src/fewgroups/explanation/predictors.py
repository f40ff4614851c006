"""What each coefficient of a formula compares: levels with levels, or one unit more of a number.

Whatever the coding of a factor (treatment, sum, Helmert, own matrices), the coefficient of a column is a weighted sum
of the means of its levels; the weights are a row of the inverse of the coding matrix. So nothing has to be guessed
from names such as `C(x)[T.b]:z`.

Terms of one variable, such as x and I(x ** 2), or the columns of a spline, are one curve, and tested together. The
tests are those of `f_tests`: a term that takes part in an interaction is tested on average.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from patsy import DesignInfo, EvalFactor, Term

from fewgroups.fixed_effects import Rows
from fewgroups.formulas import Names, column_of

Array = np.ndarray
NEAR = 0.05  # of the range of a number: zero is as good as within it
Coding = dict[str, Any]  # factor → patsy's coding matrix, none for a number


@dataclass(frozen=True)
class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`.

    variables: the columns of data it is made of; variable: the one that it is, or is the levels of: of
    `C(Machine, Sum)` it is Machine; else None.
    levels: of a category, or the values of a number with two; low, high: of a number; columns: how many it has;
    reaches_zero: whether zero lies within or near its values, or within its variables'.
    """

    name: str
    variables: frozenset[str]
    variable: str | None
    levels: tuple[Any, ...]
    low: float = np.nan
    high: float = np.nan
    columns: int = 1
    reaches_zero: bool = True

    @property
    def is_number(self) -> bool:
        """Whether it is a number, of two values or many."""
        return not np.isnan(self.low)


@dataclass(frozen=True)
class Part:
    """One factor's share in a coefficient, or the point at which others are read.

    weights: level → weight, of what is compared or mixed; none for a number. kind: "slope" (a number), "pair"
    (`levels`: the first minus the second), "within" (one level), "average" (one level minus that of all), "coded" (no
    sentence can say it). gap: how far the two values of a number with two values lie apart; 1 for everything else.
    """

    factor: Factor
    weights: tuple[tuple[Any, float], ...]
    kind: str
    levels: tuple[Any, ...]
    gap: float

    @classmethod
    def of(cls, factor: Factor, matrix: Any, column: int | None) -> Part:
        """What a column of a factor's coding compares; no column: where all of them are zero."""
        levels, row = factor.levels, np.zeros(0)
        gap = factor.high - factor.low if levels and factor.is_number else 1.0
        if matrix is not None:
            coding = np.asarray(matrix.matrix, dtype=float)
            n, k = coding.shape
            if k < n:
                coding = np.column_stack([np.ones(n), coding])
            row = np.linalg.pinv(coding)[0 if column is None else column - k]
        elif levels and column is None:  # two numbers: which mixture of them is at zero
            row = np.array([factor.high, -factor.low]) / gap
        elif levels:  # (mean at high − mean at low) / (high − low)
            row = np.array([-1, 1]) / gap
        pairs = zip(levels, row, strict=True)
        weights = tuple((level, float(weight)) for level, weight in pairs if abs(weight) > 1e-9)
        return cls(factor, weights, *_comparison(factor, dict(weights), gap), gap)


def _comparison(
    factor: Factor, weights: dict[Any, float], gap: float
) -> tuple[str, tuple[Any, ...]]:
    """The kind of a part, and the levels that a sentence on it names."""
    n, named = len(factor.levels), tuple(sorted(weights, key=lambda level: -weights[level]))
    sizes = np.array([weights[level] for level in named])
    if not n:
        return ("slope" if factor.columns == 1 else "coded"), ()
    if len(named) == 1:
        return "within", named
    if len(named) == 2 and np.allclose(sizes * gap, [1, -1], rtol=0, atol=1e-9):
        return "pair", named
    if len(named) == n and np.allclose(sizes + 1 / n, [1, *[0] * (n - 1)], rtol=0, atol=1e-9):
        return "average", named[:1]
    return "coded", ()


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
        return all(part.kind == "within" for part in self.parts)

    @property
    def is_plain(self) -> bool:
        """Whether a sentence can say it."""
        return all(part.kind != "coded" for part in self.parts)

    @property
    def gap(self) -> float:
        """What the coefficient is multiplied by to be a difference between values that occur."""
        return float(np.prod([part.gap for part in self.parts])) if self.is_plain else 1.0


def read_coefficients(model: Any) -> tuple[list[Coefficient], dict[str, Factor]]:
    """The coefficients of a MixedLM's fixed effects, in order, and the factors that they are made of."""
    design, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    names = [str(name) for name in model.exog_names]
    codings: list[tuple[str, Coding]]  # with the terms that they belong to
    if isinstance(design, DesignInfo) and isinstance(frame, pd.DataFrame):
        factors = {factor.name(): _factor(design, factor, frame) for factor in design.factor_infos}
        codings = [
            (term.name(), {f.name(): coding.contrast_matrices.get(f) for f in coding.factors})
            for term, several in design.term_codings.items()
            for coding in several
        ]
    else:  # from arrays: a column is a term
        columns = dict(zip(names, np.asarray(model.exog, dtype=float).T, strict=True))
        varying = {name: x for name, x in columns.items() if np.ptp(x)}
        factors = {k: _number(k, frozenset({k}), k, x, [x]) for k, x in varying.items()}
        codings = [(name, {name: None} if name in varying else {}) for name in names]
    found: list[Coefficient] = []
    for term, coding in codings:
        widths = [
            factors[name].columns if matrix is None else matrix.matrix.shape[1]
            for name, matrix in coding.items()
        ]
        for reverse in product(*map(range, widths[::-1])):  # the first changes fastest
            choice = zip(coding.items(), reverse[::-1], strict=True)
            parts = tuple(Part.of(factors[name], matrix, k) for (name, matrix), k in choice)
            mean = all(part.kind == "within" for part in parts)
            places: dict[str, Part] = {}
            # Read at the zeros of what joins all of its factors in another column; a mean, at those of all others.
            for other in (other for _, other in codings if mean or coding.keys() < other.keys()):
                for name, matrix in other.items():
                    full = matrix is not None and matrix.matrix.shape[0] == matrix.matrix.shape[1]
                    if name not in coding and not full:
                        places.setdefault(name, Part.of(factors[name], matrix, None))
            found.append(Coefficient(names[len(found)], term, parts, tuple(places.values())))
    return found, factors


def _factor(design: DesignInfo, factor: EvalFactor, frame: pd.DataFrame) -> Factor:
    info, name = design.factor_infos[factor], factor.name()
    read = Names.of([Term([factor])]).variables & set(map(str, frame.columns))
    variables, variable = read or frozenset({factor.code}), column_of(factor.code)
    if info.type == "categorical":
        return Factor(name, variables, variable, tuple(info.categories))
    values = np.asarray(factor.eval(info.state, frame), dtype=float)
    inside = [frame[v].to_numpy() for v in variables if v in frame and frame[v].dtype.kind in "iuf"]
    return _number(name, variables, variable, values, [values, *inside])


def _number(
    name: str,
    variables: frozenset[str],
    variable: str | None,
    values: Array,
    ranges: Iterable[Array],
) -> Factor:
    """The numeric factor; values (n,) or (n, k); ranges: its values and those of its variables, any of which may reach
    zero."""
    seen, columns = np.unique(values), values.shape[1] if values.ndim == 2 else 1
    levels = tuple(float(v) for v in seen) if columns == 1 and len(seen) == 2 else ()
    reaches = any(v.min() <= NEAR * np.ptp(v) and v.max() >= -NEAR * np.ptp(v) for v in ranges)
    low, high = float(seen[0]), float(seen[-1])
    return Factor(name, variables, variable, levels, low, high, columns, reaches)


@dataclass(frozen=True)
class WholeTerm:
    """Terms that are read together. kind: "single" (one coefficient), "levels" (several, each a comparison), "coded"
    (several that no sentence can say one by one), "curve" (a spline, a polynomial).

    coefficients: their numbers; factors: its own, without repeats; partners: those that it is averaged over, none for a
    term that is part of no interaction; rows (q, p): what is tested against zero.
    """

    name: str
    terms: list[str]
    kind: str
    coefficients: tuple[int, ...]
    factors: list[Factor]
    partners: list[Factor]
    rows: Array


def read_terms(coefficients: list[Coefficient], tests: Rows) -> list[WholeTerm]:
    """The terms of a model but the intercept, those of one set of variables joined, in the order of the formula;
    `tests`: of `term_rows`."""
    members: dict[str, list[Factor]] = {}
    families: dict[frozenset[frozenset[str]], list[str]] = {}
    for one in coefficients:
        if one.parts and one.term not in members:
            members[one.term] = [part.factor for part in one.parts]
            variables = frozenset(factor.variables for factor in members[one.term])
            families.setdefault(variables, []).append(one.term)
    found = []
    for terms in families.values():
        where = tuple(k for k, one in enumerate(coefficients) if one.term in terms)
        mine = [coefficients[k] for k in where]
        factors = list(dict.fromkeys(factor for term in terms for factor in members[term]))
        rows = np.vstack([tests[term][0] for term in terms])
        if len(terms) > 1 or any(factor.columns > 1 for factor in factors):
            kind = "curve"
        elif all(one.is_plain for one in mine):
            kind = "single" if len(mine) == 1 else "levels"
        else:
            kind = "coded"
        if len(factors) == 1 and len(mine) > 1 and all(one.is_mean for one in mine):
            mean = rows[:, where].sum(axis=1)  # no intercept: are the means equal?
            rows = rows[1:] - np.outer(mean[1:] / mean[0], rows[0])
        wider = [
            factor
            for others in members.values()
            if any(set(members[term]) <= set(others) for term in terms)
            for factor in others
        ]
        partners = [factor for factor in dict.fromkeys(wider) if factor not in factors]
        found.append(WholeTerm(" and ".join(terms), terms, kind, where, factors, partners, rows))
    return found
