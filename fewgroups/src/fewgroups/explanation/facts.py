"""What the sentences need to know of a result, what is slow when it is first asked for; and the reader's words."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.checks import NotAtOptimumWarning, check_identified, check_result
from fewgroups.components import variances
from fewgroups.ddf import SHORTFALL, examine
from fewgroups.explanation.predictors import Factor, WholeTerm, read_coefficients, read_terms, short
from fewgroups.fitting import boundary
from fewgroups.fixed_effects import coefficients, f_tests, term_rows
from fewgroups.formulas import group_column
from fewgroups.likelihood import optimum
from fewgroups.noted_table import NotedTable, clean, code, joined, signed
from fewgroups.structure import Structure, random_design

Array = np.ndarray
FAR = 0.01  # log-likelihood below the optimum from which a stop is no estimate; lesson 04 counts such fits
STRAY = 0.01  # standard errors between printed coefficients and those that the printed variances call for
UNITS_ALARM = 0.01  # variance, in whatever unit, below which statsmodels warns of the boundary
CLEARLY_ABOVE_ZERO = 0.05  # variance over residual variance from which that is a false alarm
MOST = 8  # random-effect columns: more would take long and teach nothing
TABLES: WeakKeyDictionary[Any, dict[tuple[Any, ...], NotedTable]] = WeakKeyDictionary()
"""Result → its tables, worked out once for all that is said of it."""


class FittedModel:
    """A checked result with its printout: header, label → value, left column first; rows, the lower table (strings).

    model: the MixedLM; formula: nothing for a model of arrays; sizes: rows per group, by label; y (n,): the outcome;
    estimates, printed_errors (p,): coefficients as printed, nan where no error is; right_errors (p,): given the
    variances, from (XᵀV⁻¹X)⁻¹; shortfall: log-likelihood below the optimum, infinite for a search that did not end;
    short: measurably so; astray: coefficients are not those that the fit's variances call for, as after statsmodels'
    lbfgs; finished: sentences may be built on the numbers; singular: a variance is zero or a correlation ±1, relative
    to σ, and boundary: which, in words; ddf, level: of tests and intervals.

    outcome: "reaction time"; unit: " ms" or ""; one, many: ("person", "people"), and group: their column; levels_of:
    variance component → (one, many); called: coefficient, or variable that stands only inside functions (a spline) →
    words; shared: the words that many sentences need.
    """

    def __init__(
        self,
        result: Any,
        unit: Any = None,
        names: Any = None,
        ddf: str = "kenward-roger",
        level: float = 0.95,
    ) -> None:
        """Raises as `explain` does."""
        self.result = check_result(result, converged=False)
        self.model, self.structure = self.result.model, self.result.structure
        self.coefficients, self.factors = read_coefficients(self.model)
        self._read_words(unit, names)
        self.ddf, self.level, self.percent = ddf, level, f"{100 * level:g} %"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header, self.rows = self.result.summary().tables[:2]
        pairs = np.vstack(np.hsplit(header.to_numpy().astype(str), 2)).tolist()
        self.header = {k.strip().removesuffix(":"): v.strip() for k, v in pairs if k.strip()}
        self.alarmed = getattr(result, "report", None) is None  # fewgroups.fit holds alarms back
        self.tables = TABLES.setdefault(getattr(result, "_results", result), {})
        self.formula = str(getattr(self.model, "formula", "") or "")
        self.reml, self.groups = bool(self.result.reml), int(self.model.n_groups)
        rows = self.model.row_indices
        self.sizes = pd.Series({str(name): len(rows[name]) for name in self.model.group_labels})
        self.y = np.asarray(self.model.endog, dtype=float)
        self.estimates = np.asarray(self.result.fe_params, dtype=float)
        self.printed_errors = np.asarray(self.result.bse_fe, dtype=float)
        self.shortfall, self.astray, self.singular, self.boundary = np.inf, False, False, ""
        if self.result.converged and np.isfinite(self.result.llf):
            with warnings.catch_warnings():  # the sentences say it
                warnings.simplefilter("ignore", NotAtOptimumWarning)
                seen = examine(self.result, "wald")
            self.shortfall, self.singular = seen.facts["shortfall"], seen.facts["singular"]
            self.right_errors = np.sqrt(np.diag(seen.phi))
            off = np.abs(self.estimates - seen.beta)
            self.astray = bool(np.any(off > STRAY * self.right_errors))
            best = optimum(self.structure, self.reml)
            self.boundary = signed(joined(boundary(self.model, self.structure, best, code)))
        self.short = self.shortfall > SHORTFALL
        self.finished = self.shortfall <= FAR and not self.astray

    def _read_words(self, unit: Any, names: Any) -> None:
        """Take in the reader's words; what has none keeps its name in the printout.

        TypeError for values of the wrong kind, ValueError for names that the model does not have.
        """
        if unit is not None and not isinstance(unit, str):
            raise TypeError(
                f'unit must be the unit of the outcome as text, such as "ms"; given {unit!r}'
            )
        if names is not None and not isinstance(names, Mapping):
            raise TypeError(
                'names must be a mapping from names in the printout to your words, such as {"Days": "day without '
                f'sleep"}}; given {type(names).__name__}'
            )
        outcome, self.group = str(self.model.endog_names), group_column(self.model) or "Group"
        self.outcome, self.one, self.many = code(outcome), "group", "groups"
        self.unit = f" {clean(unit)}" if clean(unit or "") else ""
        self.levels_of: dict[str, tuple[str, str]] = {}
        self.called: dict[str, str] = {}
        factors: dict[str, list[Factor]] = {}
        for factor in self.factors.values():
            for alias in dict.fromkeys((factor.name, factor.variable or factor.name)):
                factors.setdefault(alias, []).append(factor)
        components = [str(name) for name in self.model.exog_vc.names]
        others = sorted({v for factor in self.factors.values() for v in factor.variables})
        others += [one.name for one in self.coefficients]
        for name, value in (names or {}).items():
            if name == outcome:
                self.outcome = _text(name, value)
            elif name in (self.group, "Group"):
                self.one, self.many = _both(name, value)
            elif name in components:
                self.levels_of[name] = _both(name, value)
            elif name in factors:
                _name_levels(factors[name], name, value)
            elif name in others:
                self.called[name] = _text(name, value)
            else:
                known = dict.fromkeys(
                    [outcome, self.group, "Group", *factors, *components, *others]
                )
                raise ValueError(
                    f"names has no place for {str(name)!r}: the names that this model has are "
                    f"{', '.join(map(repr, known))}"
                )
        self.shared = {"outcome": self.outcome, "one": self.one, "many": self.many}

    def with_unit(self, number: str) -> str:
        """A formatted number with the unit of the outcome."""
        return f"{number}{self.unit}"

    @cached_property
    def false_alarm(self) -> bool:
        """Whether statsmodels warned of a boundary on which the fit clearly is not: judged by variance over residual
        variance (both per row), never by the unit."""
        if self.singular or not self.alarmed:
            return False
        s, spreads = self.structure, self.spreads[self.spreads["sd"].notna()].iloc[:-1]
        sizes = np.append(np.sum(s.R_re**2, axis=0), s.unit_vc**2)  # mean squares of the columns
        ratios = spreads["variance"] * sizes / float(self.result.scale)
        small = spreads["variance"].min() < UNITS_ALARM
        return bool(small and ratios.min() > CLEARLY_ABOVE_ZERO and spreads["low"].min() > 0)

    # Tables

    def _table(self, make: Callable[..., NotedTable], *key: Any, **more: Any) -> NotedTable:
        if (make, *key) not in self.tables:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotAtOptimumWarning)
                self.tables[make, *key] = make(self.result, *key, **more)
        return self.tables[make, *key]

    @property
    def fixed(self) -> NotedTable:
        """`coefficients` of the fit."""
        return self._table(coefficients, self.ddf, self.level)

    @property
    def tests(self) -> NotedTable:
        """`f_tests` of the terms, each averaged over what it interacts with, in the order of the formula."""
        order = sorted(self.terms, key=lambda term: term.coefficients)
        return self._table(f_tests, self.ddf, contrasts={term.name: term.rows for term in order})

    @property
    def spreads(self) -> NotedTable:
        """`variances` of the fit."""
        return self._table(variances, self.level)

    @cached_property
    def terms(self) -> list[WholeTerm]:
        """The terms of the formula but the intercept, those that are part of no interaction first."""
        terms = read_terms(self.coefficients, *term_rows(self.model)[::2])
        return sorted(terms, key=lambda term: bool(term.partners))

    # Design

    @cached_property
    def varying(self) -> Array:
        """Whether each column of X takes several values within each group (groups, p)."""
        return np.array([np.ptp(x, axis=0) > 0 for x in self.model.exog_li])

    def varies_within(self, factor: Factor) -> bool:
        """Whether a factor of the formula takes several values within some group (or there is one group only).

        A factor without a term of its own counts as one that does."""
        alone = [set(one.factors) == {factor} for one in self.coefficients]
        return bool(self.groups == 1 or not any(alone) or self.varying[:, alone].any())

    @cached_property
    def slopes_left_out(self) -> dict[tuple[int, ...], Structure]:
        """Coefficients (their numbers) of each effect that lacks a random slope → the structure of the model with it.

        It lacks one if its predictor varies within groups, no random effect lets it differ, and the data could tell.
        Curves are left alone. Where an effect within groups differs between kinds of groups, its slope is that of the
        effect itself.
        """
        model, found, alone = self.model, {}, [set(term.factors) for term in self.terms]
        for term in self.terms if self.groups > 2 else ():
            inside = {factor for factor in term.factors if self.varies_within(factor)}
            if term.kind == "curve" or (inside != set(term.factors) and inside in alone):
                continue
            varying = self.varying[:, term.coefficients].sum(axis=1)
            slopes = np.asarray(model.exog, dtype=float)[:, term.coefficients]
            if varying.max() == 1:  # nested: only one of them varies in a group
                slopes = slopes.sum(axis=1, keepdims=True)
            base = np.asarray(model.exog_re) if model.k_re else np.ones((len(slopes), 1))
            Z = np.column_stack([base, slopes])
            if Z.shape[1] > MOST or not varying.any() or _covered(model, term.coefficients):
                continue
            with suppress(ValueError, np.linalg.LinAlgError):  # where the data cannot tell
                made = MixedLM(model.endog, model.exog, model.groups, Z, exog_vc=model.exog_vc)
                structure = Structure.of(made)
                check_identified(made, structure)
                found[term.coefficients] = structure
        return found


def _covered(model: MixedLM, where: tuple[int, ...]) -> bool:
    """Whether random effects (with the group's level) already reproduce the columns within every group."""
    columns = np.asarray(model.exog_re).T if model.k_re else ()
    left = [k for k in where if not any(np.array_equal(model.exog[:, k], z) for z in columns)]
    for g, x in enumerate(model.exog_li if left else ()):
        wanted, Z = x[:, left], np.column_stack([np.ones(len(x)), random_design(model, g)[0]])
        rest = wanted - Z @ np.linalg.lstsq(Z, wanted, rcond=None)[0]
        if np.max(np.abs(rest)) > 1e-8 * max(1.0, float(np.max(np.abs(wanted)))):
            return False
    return True


def _name_levels(factors: list[Factor], name: str, value: Any) -> None:
    """Words for the levels of the factors that have levels, or for one unit of those that have none."""
    with_levels = isinstance(value, Mapping)
    fitting = [factor for factor in factors if bool(factor.levels) == with_levels]
    known = [short(level) for level in factors[0].levels]
    if not fitting:
        levels = ", ".join(f"{level!r}: ..." for level in known)
        needed = f"say what its values are, as a mapping: {{{levels}}}"
        if with_levels:
            needed = "be text: what one unit of it is (a number with many values)"
        raise TypeError(f"names[{name!r}] must {needed}; given {value!r}")
    for factor in fitting:
        if not with_levels:
            factor.unit = re.sub(r"^(a|an|one|each)\s+", "", _text(name, value))
        for given, text in value.items() if with_levels else ():
            same = [x for x in factor.levels if x == given or str(x) == str(given)]
            if not same:
                shown = ", ".join(map(repr, known))
                raise ValueError(f"names[{name!r}] has no level {given!r}: its levels are {shown}")
            factor.levels[same[0]] = _text(f"{name}, {given}", text)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not clean(value):
        raise TypeError(f"names[{name!r}] must be a few words of text; given {value!r}")
    return clean(value)


def _both(name: str, value: Any) -> tuple[str, str]:
    """("person", "people"); one word alone gets an s."""
    if isinstance(value, str):
        return _text(name, value), _text(name, value) + "s"
    if isinstance(value, tuple | list) and len(value) == 2:
        return _text(name, value[0]), _text(name, value[1])
    raise TypeError(
        f'names[{name!r}] must be a word, or one and many of them, such as ("person", "people"); given {value!r}'
    )
