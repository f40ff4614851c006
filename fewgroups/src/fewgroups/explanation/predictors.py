"""What each coefficient of a formula compares: levels with levels, or one unit more of a number.

Whatever the coding of a factor (treatment, sum, Helmert, own matrices), the coefficient of a column is a weighted sum
of the means of its levels; the weights are a row of the inverse of the coding matrix. So nothing has to be guessed
from names such as `C(x)[T.b]:z`.

Terms of one variable, such as x and I(x ** 2), or the columns of a spline, are one curve, and tested together. The
tests are those of `f_tests`: a term that takes part in an interaction is tested on average.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from patsy import DesignInfo, EvalFactor, Term

from fewgroups.fixed_effects import Rows
from fewgroups.formulas import Names, column_of
from fewgroups.noted_table import code, joined
from fewgroups.templates import say

Array = np.ndarray
NEAR = 0.05  # of the range of a number: zero is as good as within it
STEPS = {  # what one unit of a transformed number is
    "np.log2": "doubling",
    "np.log10": "tenfold",
    "np.log": "natural_log",
    "log": "natural_log",
    "standardize": "standardised",
    "scale": "standardised",
    "center": "unit",
}


@dataclass(eq=False)
class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`.

    variables: the columns of data it is made of; variable: the one that it is, or is the levels of: of
    `C(Machine, Sum)` it is Machine; else None.
    levels: of a category, or the values of a number with two → their words, "the session of 30" or `session_high = 1`;
    unit: one unit of a number in words, "day without sleep"; low, high: of a number; columns: how many it has;
    reaches_zero: whether zero lies within or near its values, or within its variables'.
    """

    name: str
    variables: frozenset[str]
    variable: str | None
    levels: dict[Any, str]
    unit: str = ""
    low: float = np.nan
    high: float = np.nan
    columns: int = 1
    reaches_zero: bool = True

    @property
    def called(self) -> str:
        """Its name in a sentence: that of its variable where it is a factor of one."""
        return code(self.variable or self.name)

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
    weights: dict[Any, float]
    kind: str
    levels: list[Any]
    gap: float = 1.0

    @classmethod
    def of(cls, factor: Factor, matrix: Any, column: int | None) -> Part:
        """What a column of a factor's coding compares; no column: where all of them are zero."""
        n = len(factor.levels)
        if not n:
            return cls(factor, {}, "slope" if factor.columns == 1 else "coded", [])
        gap = factor.high - factor.low if factor.is_number else 1.0
        if matrix is None:  # two numbers: their mixture at zero, or the change per unit
            row = np.array([factor.high, -factor.low] if column is None else [-1, 1]) / gap
        else:
            coding = np.asarray(matrix.matrix, dtype=float)
            k = coding.shape[1]
            if k < n:
                coding = np.column_stack([np.ones(n), coding])
            row = np.linalg.pinv(coding)[0 if column is None else column - k]
        every = zip(factor.levels, row.tolist(), strict=True)
        weights = {level: weight for level, weight in every if abs(weight) > 1e-9}
        levels = sorted(weights, key=lambda level: -weights[level])
        sizes = np.array([weights[level] for level in levels])
        if len(levels) == 1:
            return cls(factor, weights, "within", levels, gap)
        if len(levels) == 2 and np.allclose(sizes * gap, [1, -1]):
            return cls(factor, weights, "pair", levels, gap)
        if len(levels) == n and np.allclose(sizes + 1 / n, np.arange(n) == 0):
            return cls(factor, weights, "average", levels[:1], gap)
        return cls(factor, weights, "coded", levels, gap)

    @property
    def words(self) -> dict[str, str]:
        """What sentences may call it."""
        named = [self.factor.levels[level] for level in self.levels] or [""]
        levels = {"high": named[0], "low": named[-1], "level": named[0]}
        return {"factor": self.factor.called, "unit": self.factor.unit, **levels}

    @property
    def place(self) -> str:
        """As the zero of a coding: "for the session of 20", "where `Days` is 0"."""
        factor, sizes, key = self.factor, list(self.weights.values()), "at_zero"
        if self.kind == "within":
            key = "at_level"
        elif sizes and len(sizes) == len(factor.levels) and np.ptp(sizes) < 1e-9:
            if len(sizes) == 2 and factor.is_number:
                low, high = factor.levels.values()
                return say("words.half_way", low=low, high=high)
            key = "at_average"
        elif factor.columns > 1:
            key = "at_zeros"
        return say(f"words.{key}", self.words)


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of the term `term`. parts: what it compares, none for the intercept; places: where, if other
    terms matter.

    is_mean: whether it is a mean and no difference: the intercept, or a level of a factor coded without one; is_plain:
    whether a sentence can say it; gap: what it is multiplied by to be a difference between values that occur.
    """

    name: str
    term: str
    parts: list[Part]
    places: list[Part]
    is_mean: bool
    is_plain: bool
    gap: float

    @property
    def factors(self) -> list[Factor]:
        """Of what it compares."""
        return [part.factor for part in self.parts]

    @property
    def where(self) -> str:
        """Its places: "for the session of 20 and where `Days` is 0"; "" if nowhere in particular."""
        plain = {place.factor.variable for place in self.places}
        shown = [
            place.place
            for place in self.places
            if place.factor.variable or not place.factor.variables & plain  # x ** 2 is 0 where x is
        ]
        return joined(shown)


def read_coefficients(model: Any) -> tuple[list[Coefficient], dict[str, Factor]]:
    """The coefficients of a MixedLM's fixed effects, in order, and the factors that they are made of."""
    design, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    names = [str(name) for name in model.exog_names]
    codings: list[tuple[str, dict[str, Any]]]  # terms, and the coding matrix of each factor, if any
    if isinstance(design, DesignInfo) and isinstance(frame, pd.DataFrame):
        factors = {factor.name(): _factor(design, factor, frame) for factor in design.factor_infos}
        codings = [
            (term.name(), {f.name(): coding.contrast_matrices.get(f) for f in coding.factors})
            for term, several in design.term_codings.items()
            for coding in several
        ]
    else:  # from arrays: a column is a term
        columns = zip(names, np.asarray(model.exog, dtype=float).T, strict=True)
        factors = {k: _number(k, frozenset({k}), k, x, [x]) for k, x in columns if np.ptp(x)}
        codings = [(name, {name: None} if name in factors else {}) for name in names]
    found: list[Coefficient] = []
    for term, coding in codings:
        widths = [
            factors[name].columns if matrix is None else matrix.matrix.shape[1]
            for name, matrix in coding.items()
        ]
        for reverse in product(*map(range, widths[::-1])):  # the first changes fastest
            choice = zip(coding.items(), reverse[::-1], strict=True)
            parts = [Part.of(factors[name], matrix, k) for (name, matrix), k in choice]
            mean = all(part.kind == "within" for part in parts)
            places: dict[str, Part] = {}
            # Read at the zeros of what joins all of its factors in another column; a mean, at those of all others.
            for other in (other for _, other in codings if mean or coding.keys() < other.keys()):
                for name, matrix in other.items():
                    full = matrix is not None and matrix.matrix.shape[0] == matrix.matrix.shape[1]
                    if name not in coding and not full:
                        places.setdefault(name, Part.of(factors[name], matrix, None))
            plain = all(part.kind != "coded" for part in parts)
            gap = math.prod(part.gap for part in parts) if plain else 1.0
            name, where = names[len(found)], list(places.values())
            found.append(Coefficient(name, term, parts, where, mean, plain, gap))
    return found, factors


def _factor(design: DesignInfo, factor: EvalFactor, frame: pd.DataFrame) -> Factor:
    info, name = design.factor_infos[factor], factor.name()
    read = Names.of([Term([factor])]).variables & set(map(str, frame.columns))
    variables, variable = read or frozenset({factor.code}), column_of(factor.code)
    if info.type == "categorical":
        return Factor(name, variables, variable, _levels(variable or name, info.categories))
    values = np.asarray(factor.eval(info.state, frame), dtype=float)
    inside = [frame[v].to_numpy() for v in variables if v in frame and frame[v].dtype.kind in "iuf"]
    return _number(name, variables, variable, values, [values, *inside])


def _number(
    name: str, variables: frozenset[str], variable: str | None, values: Array, ranges: list[Array]
) -> Factor:
    """The numeric factor; values (n,) or (n, k); ranges: its values and those of its variables, any of which may reach
    zero."""
    seen, columns = np.unique(values), values.shape[1] if values.ndim == 2 else 1
    levels = _levels(variable or name, seen.tolist() if columns == 1 and len(seen) == 2 else [])
    reaches = any(v.min() <= NEAR * np.ptp(v) and v.max() >= -NEAR * np.ptp(v) for v in ranges)
    unit = say("words.unit", variable=code(variable or name))
    transformed = re.fullmatch(r"([\w.]+)\((\w+)\)", name)
    if transformed and transformed[1] in STEPS:
        unit = say(f"words.{STEPS[transformed[1]]}", variable=code(transformed[2]))
    ends = float(seen[0]), float(seen[-1])
    return Factor(name, variables, variable, levels, unit, *ends, columns, reaches)


def _levels(name: str, levels: Any) -> dict[Any, str]:
    return {level: code(f"{name} = {short(level)}") for level in levels}


def short(level: Any) -> Any:
    """A level as people write it: 1 for 1.0."""
    return int(level) if isinstance(level, float) and level == int(level) else level


@dataclass(frozen=True)
class WholeTerm:
    """Terms that are read together. kind: "single" (one coefficient), "levels" (several, each a comparison), "coded"
    (several that no sentence can say one by one), "curve" (a spline, a polynomial).

    coefficients: their numbers; factors: its own, without repeats; partners: those that it is averaged over, none for a
    term that is part of no interaction, and at_means: whether at the mean of numbers, or at zero; rows (q, p): what is
    tested against zero.
    """

    name: str
    terms: list[str]
    kind: str
    coefficients: tuple[int, ...]
    factors: list[Factor]
    partners: list[Factor]
    at_means: bool
    rows: Array


def read_terms(coefficients: list[Coefficient], tests: Rows, at_means: bool) -> list[WholeTerm]:
    """The terms of a model but the intercept, those of one set of variables joined, in the order of the formula;
    tests, at_means: of `term_rows`."""
    members: dict[str, list[Factor]] = {}
    families: dict[frozenset[frozenset[str]], list[str]] = {}
    for one in coefficients:
        if one.parts and one.term not in members:
            members[one.term] = one.factors
            variables = frozenset(factor.variables for factor in one.factors)
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
        name = " and ".join(terms)
        found.append(WholeTerm(name, terms, kind, where, factors, partners, at_means, rows))
    return found
