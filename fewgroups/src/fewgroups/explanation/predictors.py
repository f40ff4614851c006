"""What each coefficient of a formula compares: levels with levels, or one unit more of a number.

Whatever the coding of a factor (treatment, sum, Helmert, own matrices), the coefficient of a column is a weighted sum
of the means of its levels; the weights are a row of the inverse of the coding matrix. So nothing has to be guessed
from names such as `C(x)[T.b]:z`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from patsy import DesignInfo, EvalFactor, PatsyError

Array = np.ndarray
NEAR = 0.05  # of the range of a number: zero is as good as within it
Choice = tuple[EvalFactor, Any, int]  # factor, coding matrix or None, column of its coding


@dataclass(frozen=True)
class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`; variables: the columns of data it is made of.

    levels: of a category, or the values of a number with two; low, high, means: of a number, means per column, none
    where its values are not known; reaches_zero: whether zero lies within or near its values, or within its variables'.
    """

    name: str
    levels: tuple[Any, ...]
    variables: frozenset[str]
    low: float = np.nan
    high: float = np.nan
    means: tuple[float, ...] = ()
    columns: int = 1
    reaches_zero: bool = True

    @property
    def is_number(self) -> bool:
        """Whether it is a number, of two values or many."""
        return not self.levels or not np.isnan(self.low)

    @property
    def variable(self) -> str | None:
        """The variable that the factor is, or is the levels of: of `C(Machine, Sum)` it is Machine; else None."""
        if len(self.variables) != 1:
            return None
        (variable,) = self.variables
        plain = rf"""(C\(\s*)?(Q\(["'])?{re.escape(variable)}(["']\))?(\s*[,)].*)?"""
        return variable if re.fullmatch(plain, self.name) else None


@dataclass(frozen=True)
class Part:
    """One factor's share in a coefficient, or the point at which others are read. weights: level → weight, of what is
    compared (or mixed); none for a number; column: which of a factor with several (a spline)."""

    factor: Factor
    weights: tuple[tuple[Any, float], ...] = ()
    column: int = 0

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
    terms matter; codes: factor, coding matrix (levels, columns) or None, column: those whose product it belongs to."""

    name: str
    term: str
    parts: tuple[Part, ...]
    places: tuple[Part, ...]
    codes: tuple[tuple[str, Any, int], ...] = field(default=(), compare=False)

    @property
    def is_intercept(self) -> bool:
        """Whether it compares nothing."""
        return not self.parts

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
    design = getattr(model.data, "model_spec", None)
    X = np.asarray(model.exog, dtype=float)
    names = [str(name) for name in model.exog_names]
    if not isinstance(design, DesignInfo) or len(design.column_names) != len(names):
        return _from_arrays(X, names)
    frame = getattr(model.data, "frame", None)
    factors = {factor.name(): _factor(design, factor, X, frame) for factor in design.factor_infos}
    found: list[Coefficient] = []
    for term, subterms in design.term_codings.items():
        for subterm in subterms:
            for choice in _choices(design, subterm):
                parts = tuple(_part(factors[f.name()], matrix, k) for f, matrix, k in choice)
                mean = all(len(part.weights) == 1 for part in parts)
                places = _places(design, factors, set(subterm.factors), mean)
                codes = tuple((f.name(), getattr(m, "matrix", None), k) for f, m, k in choice)
                found.append(Coefficient(names[len(found)], term.name(), parts, places, codes))
    return found, factors


def _from_arrays(X: Array, names: list[str]) -> tuple[list[Coefficient], dict[str, Factor]]:
    factors = {
        name: _number(name, X[:, k], frozenset({name}), None)
        for k, name in enumerate(names)
        if np.ptp(X[:, k])
    }
    places = tuple(_point(factor) for factor in factors.values())
    found = []
    for name in names:
        parts = (_part(factors[name], None, 0),) if name in factors else ()
        codes = ((name, None, 0),) if parts else ()
        found.append(Coefficient(name, name, parts, () if parts else places, codes))
    return found, factors


def _factor(design: DesignInfo, factor: EvalFactor, X: Array, frame: Any) -> Factor:
    known = {str(name) for name in getattr(frame, "columns", ())}
    info, name = design.factor_infos[factor], factor.name()
    if info.type == "categorical":
        return Factor(name, tuple(info.categories), _variables(factor, known))
    return _number(name, _values(design, factor, X, frame), _variables(factor, known), frame)


def _values(design: DesignInfo, factor: EvalFactor, X: Array, frame: Any) -> Array | None:
    """The values of a numeric factor (n,) or (n, k): its own columns of X, else worked out from the data.

    None where that cannot be: the data are gone (remove_data), or a function of the formula is.
    """
    for term in design.term_codings:
        if term.factors == (factor,):
            mine = X[:, design.term_name_slices[term.name()]]
            return mine[:, 0] if mine.shape[1] == 1 else mine
    try:
        values = (
            factor.eval(design.factor_infos[factor].state, frame) if frame is not None else None
        )
    except PatsyError:
        return None
    return None if values is None else np.asarray(values, dtype=float)


def _number(name: str, values: Array | None, variables: frozenset[str], frame: Any) -> Factor:
    """A numeric factor; values (n,) or (n, k), None where they are not known."""
    if values is None:
        return Factor(name, (), variables)
    seen, columns = np.unique(values), values.shape[1] if values.ndim == 2 else 1
    levels = tuple(float(v) for v in seen) if columns == 1 and len(seen) == 2 else ()
    # the two levels of a number count equally, as those of a category do
    means = (sum(levels) / 2,) if levels else tuple(np.atleast_1d(values.mean(axis=0)).tolist())
    ranges = [values]
    for variable in variables if frame is not None else ():
        if variable in frame.columns and frame[variable].dtype.kind in "iuf":
            ranges.append(frame[variable].to_numpy())
    low, high = float(seen[0]), float(seen[-1])
    reaches = any(v.min() <= NEAR * np.ptp(v) and v.max() >= -NEAR * np.ptp(v) for v in ranges)
    return Factor(name, levels, variables, low, high, means, columns, reaches)


def _choices(design: DesignInfo, subterm: Any) -> list[list[Choice]]:
    """For each column of a subterm, in patsy's order, the columns of its factors' codings."""
    answers: list[list[Choice]] = [[]]
    for factor in subterm.factors:  # the first factor changes fastest
        matrix = subterm.contrast_matrices.get(factor)
        count = (
            design.factor_infos[factor].num_columns if matrix is None else matrix.matrix.shape[1]
        )
        answers = [[*answer, (factor, matrix, k)] for k in range(count) for answer in answers]
    return answers


def _part(factor: Factor, matrix: Any, column: int) -> Part:
    if matrix is not None:
        return _weighted(factor, _inverse(matrix)[column - matrix.matrix.shape[1]])
    if factor.levels:  # a number with two values: (mean at high − mean at low) / (high − low)
        gap = factor.high - factor.low
        return _weighted(factor, np.array([-1 / gap, 1 / gap]))
    return Part(factor, column=column)


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


def _variables(factor: EvalFactor, known: set[str]) -> frozenset[str]:
    """Columns of data in a factor's code; patsy's Q("…") names them as text."""
    try:
        nodes = list(ast.walk(ast.parse(factor.code, mode="eval")))
    except SyntaxError:
        return frozenset({factor.code})
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return frozenset(names & known) or frozenset({factor.code})
