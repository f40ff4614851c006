"""Whole terms of a formula: which coefficients are read together, and the contrasts that test them.

A term that takes part in an interaction is tested on average: over the levels of the factors that it interacts with,
each level counted equally, and at the mean of the numbers. That does not depend on the coding or on where a predictor
has its zero (R's type III tests with sum coding and centred numbers; emmeans' joint_tests). Terms of one variable, such
as x and I(x ** 2), or the columns of a spline, are one curve, and tested together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from fewgroups.explanation.predictors import Coefficient, Factor

Array = np.ndarray


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


def read_terms(coefficients: list[Coefficient], factors: dict[str, Factor]) -> list[WholeTerm]:
    """The terms of a model but the intercept, those of one set of variables joined, in the order of the formula."""
    families: dict[frozenset[frozenset[str]], list[str]] = {}
    for name in dict.fromkeys(one.term for one in coefficients if one.parts):
        key = frozenset(factors[factor].variables for factor in _factors_of(name, coefficients))
        families.setdefault(key, []).append(name)
    return [_whole(tuple(names), coefficients, factors) for names in families.values()]


def _factors_of(term: str, coefficients: list[Coefficient]) -> list[str]:
    parts = [part for one in coefficients if one.term == term for part in one.parts]
    return list(dict.fromkeys(part.factor.name for part in parts))


def _whole(
    names: tuple[str, ...], coefficients: list[Coefficient], factors: dict[str, Factor]
) -> WholeTerm:
    where = [k for k, one in enumerate(coefficients) if one.term in names]
    mine = [coefficients[k] for k in where]
    if len(names) > 1 or any(part.factor.columns > 1 for one in mine for part in one.parts):
        kind = "curve"
    elif all(one.is_plain for one in mine):
        kind = "single" if len(mine) == 1 else "levels"
    else:
        kind = "coded"
    rows, partners = [], []
    for name in names:
        some, over = _rows(name, coefficients, factors)
        rows.append(some)
        partners += over
    inside = tuple(dict.fromkeys(part.factor.name for one in mine for part in one.parts))
    outside = tuple(partner for partner in dict.fromkeys(partners) if partner not in inside)
    return WholeTerm(
        " and ".join(names), names, kind, tuple(where), inside, outside, np.vstack(rows)
    )


def _rows(
    name: str, coefficients: list[Coefficient], factors: dict[str, Factor]
) -> tuple[Array, list[str]]:
    """What tests one term (q, p), and the factors it averages over."""
    unit = np.eye(len(coefficients))
    where = [k for k, one in enumerate(coefficients) if one.term == name]
    mine = set(_factors_of(name, coefficients))
    within = [k for k, one in enumerate(coefficients) if mine <= {f for f, _, _ in one.codes}]
    partners = [f for k in within for f, _, _ in coefficients[k].codes if f not in mine]
    if not partners:
        if len(mine) == 1 and all(coefficients[k].is_mean for k in where):
            return unit[where[1:]] - unit[where[0]], []  # no intercept: are the means equal?
        return unit[where], []
    steps = []
    for factor in (factors[name] for name in sorted(mine)):
        numbers = range(factor.columns) if factor.is_number else range(1, len(factor.levels))
        steps.append([(factor.name, number) for number in numbers])
    choices = list(product(*steps))
    rows = np.zeros((len(choices), len(coefficients)))
    for row, choice in zip(rows, choices, strict=True):
        at = dict(choice)
        for k in within:
            row[k] = np.prod([_value(code, at, factors) for code in coefficients[k].codes])
    return rows, partners


def _value(code: tuple[str, object, int], at: dict[str, int], factors: dict[str, Factor]) -> float:
    """What one factor's column adds to a contrast: the step from its first level to another (or, for a number, from 0
    to 1) where the factor is among `at`, else its average."""
    factor, matrix, column = code
    if matrix is None:
        if factor in at:
            return float(at[factor] == column)
        return factors[factor].means[column] if factors[factor].means else 0.0
    values = np.asarray(matrix, dtype=float)[:, column]
    return float(values[at[factor]] - values[0]) if factor in at else float(values.mean())
