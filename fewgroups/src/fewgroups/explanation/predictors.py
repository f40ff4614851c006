"""What each coefficient of a formula compares: levels with levels, or one unit more of a number.

Whatever the coding of a factor (treatment, sum, Helmert, own matrices), the coefficient of a column is a weighted sum
of the means of its levels; the weights are a row of the inverse of the coding matrix. So nothing has to be guessed
from names such as `C(x)[T.b]:z`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from patsy import DesignInfo, EvalFactor

Array = np.ndarray
Weights = tuple[tuple[Any, float], ...]  # level → weight, levels without weight left out


@dataclass(frozen=True)
class Part:
    """One factor's share in a column. levels: all of them, none for a number; weights: what is compared.

    column, columns: which column of a numeric factor with several (a spline), and how many it has; span: smallest
    and largest value of a number in the data.
    """

    factor: str
    levels: tuple[Any, ...] = ()
    weights: Weights = ()
    column: int = 0
    columns: int = 1
    span: tuple[float, float] = (np.nan, np.nan)

    @property
    def gap(self) -> float:
        """How far the two values of a number with two values lie apart; 1 for everything else."""
        return (
            float(self.span[1] - self.span[0])
            if len(self.levels) == 2 and not np.isnan(self.span[0])
            else 1.0
        )

    @property
    def pair(self) -> tuple[Any, Any] | None:
        """(higher, lower) if the part, times its gap, is one level minus another."""
        at = {round(weight * self.gap, 9): level for level, weight in self.weights}
        return (at[1], at[-1]) if len(self.weights) == 2 and set(at) == {1, -1} else None

    @property
    def against_average(self) -> Any:
        """The level that is compared with the unweighted average of all levels (sum coding), else None."""
        n = len(self.levels)
        if len(self.weights) != n:
            return None
        for level, weight in self.weights:
            others = [w for other, w in self.weights if other != level]
            if abs(weight - (1 - 1 / n)) < 1e-9 and np.allclose(others, -1 / n):
                return level
        return None

    @property
    def is_plain(self) -> bool:
        """Whether a sentence can say it: a number, one level, one against another or against the average of all."""
        if not self.levels:
            return self.columns == 1
        return len(self.weights) == 1 or self.pair is not None or self.against_average is not None


@dataclass(frozen=True)
class Place:
    """Where a coefficient is read when its factor takes part elsewhere: the zero of another factor's coding."""

    factor: str
    levels: tuple[Any, ...]
    weights: Weights
    span: tuple[float, float]


@dataclass(frozen=True)
class Column:
    """One coefficient. parts: what it compares, none for the intercept; places: where, if other terms matter.

    term: the term of the formula. shared: own factor → other factors made of the same variable, which cannot stay
    still when it changes.
    """

    name: str
    term: str
    parts: tuple[Part, ...]
    places: tuple[Place, ...]
    shared: tuple[tuple[str, tuple[str, ...]], ...] = ()

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


@dataclass(frozen=True)
class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`; variables: the columns of data it is made of."""

    name: str
    levels: tuple[Any, ...]
    variables: frozenset[str]
    span: tuple[float, float]
    columns: int = 1

    @property
    def variable(self) -> str | None:
        """The variable that the factor is, or is the levels of: of `C(Machine, Sum)` it is Machine; else None."""
        if len(self.variables) != 1:
            return None
        (variable,) = self.variables
        plain = rf"""(C\(\s*)?(Q\(["'])?{re.escape(variable)}(["']\))?(\s*[,)].*)?"""
        return variable if re.fullmatch(plain, self.name) else None


def read_columns(model: Any) -> tuple[list[Column], dict[str, Factor]]:
    """The columns of a MixedLM's fixed effects, in order, and the factors that they are made of."""
    design = getattr(model.data, "model_spec", None) or getattr(model.data, "design_info", None)
    X = np.asarray(model.exog, dtype=float)
    names = [str(name) for name in model.exog_names]
    if (
        isinstance(design, DesignInfo)
        and design.term_codings is not None
        and len(design.column_names) == len(names)
    ):
        return _from_formula(design, X, names, getattr(model.data, "frame", None))
    return _from_arrays(X, names)


def _from_arrays(X: Array, names: list[str]) -> tuple[list[Column], dict[str, Factor]]:
    factors = {
        name: _number(name, X[:, k], frozenset({name}))
        for k, name in enumerate(names)
        if np.ptp(X[:, k])
    }
    places = tuple(_place(factor) for factor in factors.values())
    columns = []
    for name in names:
        parts = (_numeric_part(factors[name], 0),) if name in factors else ()
        columns.append(Column(name, name, parts, () if parts else places))
    return columns, factors


def _from_formula(
    design: DesignInfo, X: Array, names: list[str], frame: Any
) -> tuple[list[Column], dict[str, Factor]]:
    known = {str(name) for name in getattr(frame, "columns", ())}
    factors: dict[str, Factor] = {}
    for evaluated, info in design.factor_infos.items():
        name = evaluated.name()
        variables = _variables(evaluated, known)
        if info.type == "categorical":
            factors[name] = Factor(name, tuple(info.categories), variables, (np.nan, np.nan))
        else:
            factors[name] = _number(name, _values(design, evaluated, X, frame), variables)
    columns: list[Column] = []
    for term, subterms in design.term_codings.items():
        for subterm in subterms:
            for choice in _choices(design, subterm):
                parts = tuple(_part(factors[f.name()], m, k) for f, m, k in choice)
                mean = all(len(part.weights) == 1 for part in parts)
                places = _places(design, factors, set(subterm.factors), mean)
                columns.append(Column(names[len(columns)], term.name(), parts, places, ()))
    return [_with_shared(column, factors) for column in columns], factors


def _values(design: DesignInfo, factor: EvalFactor, X: Array, frame: Any) -> Array:
    """The values of a numeric factor (n,) or (n, k): its own columns of X, else worked out from the data."""
    for term in design.term_codings:
        if term.factors == (factor,):
            values = X[:, design.term_name_slices[term.name()]]
            return values[:, 0] if values.shape[1] == 1 else values
    try:
        return np.asarray(factor.eval(design.factor_infos[factor].state, frame), dtype=float)
    except Exception:  # its functions may need names that are gone by now
        return np.zeros((0, design.factor_infos[factor].num_columns))


def _choices(design: DesignInfo, subterm: Any) -> list[list[tuple[EvalFactor, Any, int]]]:
    """For each column of a subterm, in patsy's order: (factor, coding matrix or None, column of its coding)."""
    answers: list[list[tuple[EvalFactor, Any, int]]] = [[]]
    for factor in subterm.factors:  # the first factor changes fastest
        matrix = subterm.contrast_matrices.get(factor)
        count = (
            matrix.matrix.shape[1]
            if matrix is not None
            else design.factor_infos[factor].num_columns
        )
        answers = [[*answer, (factor, matrix, k)] for k in range(count) for answer in answers]
    return answers


def _part(factor: Factor, matrix: Any, column: int) -> Part:
    if matrix is None:
        return _numeric_part(factor, column)
    return Part(
        factor.name,
        factor.levels,
        _weights(factor.levels, _inverse(matrix)[column - matrix.matrix.shape[1]]),
    )


def _inverse(matrix: Any) -> Array:
    """Rows: what each column of a coding says of the means of the levels; before them, if it is of reduced rank, 1/…"""
    coding = np.asarray(matrix.matrix, dtype=float)
    if coding.shape[0] != coding.shape[1]:
        coding = np.column_stack([np.ones(len(coding)), coding])
    return np.linalg.pinv(coding)


def _weights(levels: tuple[Any, ...], row: Array) -> Weights:
    return tuple((level, float(w)) for level, w in zip(levels, row, strict=True) if abs(w) > 1e-9)


def _number(name: str, values: Array, variables: frozenset[str]) -> Factor:
    columns = values.shape[1] if values.ndim == 2 else 1
    seen = np.unique(values) if values.size else np.array([np.nan])
    two = tuple(float(v) for v in seen) if columns == 1 and len(seen) == 2 else ()
    return Factor(name, two, variables, (float(seen[0]), float(seen[-1])), columns)


def _numeric_part(factor: Factor, column: int) -> Part:
    """A number with two values is a comparison of them: (mean at b − mean at a) / (b − a)."""
    weights: Weights = ()
    if factor.levels:
        low, high = factor.levels
        weights = ((low, -1 / (high - low)), (high, 1 / (high - low)))
    return Part(factor.name, factor.levels, weights, column, factor.columns, factor.span)


def _place(factor: Factor, matrix: Any = None) -> Place:
    weights: Weights = ()
    if matrix is not None:
        weights = _weights(factor.levels, _inverse(matrix)[0])
    elif factor.levels:  # two numbers: which mixture of them is at zero
        low, high = factor.levels
        share = -low / (high - low)
        weights = _weights(factor.levels, np.array([1 - share, share]))
    return Place(factor.name, factor.levels, weights, factor.span)


def _places(
    design: DesignInfo, factors: dict[str, Factor], own: set[EvalFactor], mean: bool
) -> tuple[Place, ...]:
    """The zeros at which a column of the factors `own` is read: of those that join all of them in other columns; or,
    for a mean, of all other factors."""
    found: dict[str, Place] = {}
    for subterm in (subterm for subterms in design.term_codings.values() for subterm in subterms):
        if not (mean or own < set(subterm.factors)):
            continue
        for factor in subterm.factors:
            matrix = subterm.contrast_matrices.get(factor)
            full = matrix is not None and matrix.matrix.shape[0] == matrix.matrix.shape[1]
            if factor not in own and not full:
                found.setdefault(factor.name(), _place(factors[factor.name()], matrix))
    return tuple(found.values())


def _variables(factor: EvalFactor, known: set[str]) -> frozenset[str]:
    """Columns of data in a factor's code; patsy's Q("…") names them as text."""
    try:
        tree = ast.parse(factor.code, mode="eval")
    except SyntaxError:
        return frozenset({factor.code})
    said = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    said |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(said & known) or frozenset({factor.code})


def _with_shared(column: Column, factors: dict[str, Factor]) -> Column:
    own = [part.factor for part in column.parts]
    shared = []
    for name in own:
        others = tuple(
            o for o, f in factors.items() if o not in own and f.variables & factors[name].variables
        )
        shared += [(name, others)] if others else []
    return Column(column.name, column.term, column.parts, column.places, tuple(shared))
