"""What the sentences need to know of a result, each thing worked out when it is first asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from fewgroups.checks import NotAtOptimumWarning, check_result
from fewgroups.components import variances
from fewgroups.examination import SHORTFALL, Examination, examine
from fewgroups.explanation.left_out import Row, left_out, with_slope
from fewgroups.explanation.numbers import code, signed
from fewgroups.explanation.predictors import Factor, WholeTerm, read_coefficients, read_terms
from fewgroups.explanation.vocabulary import Vocabulary
from fewgroups.fitting import boundary
from fewgroups.fixed_effects import Rows, coefficients, f_tests, term_rows
from fewgroups.likelihood import optimum
from fewgroups.noted_table import NotedTable, joined
from fewgroups.structure import Structure

Array = np.ndarray
FAR = 0.01  # log-likelihood below the optimum from which a stop is no estimate; lesson 04 counts such fits
STRAY = 0.01  # standard errors between printed coefficients and those that the printed variances call for
UNITS_ALARM = 0.01  # variance, in whatever unit, below which statsmodels warns of the boundary
CLEARLY_ABOVE_ZERO = 0.05  # variance over residual variance from which that is a false alarm
TABLES: WeakKeyDictionary[Any, dict[tuple[str, ...], NotedTable]] = WeakKeyDictionary()
"""Result → its tables, worked out once for all that is said of it."""


class FittedModel:
    """A checked result with its printout. header: label → value in the order of the printout; rows: the lower table.

    Both hold the printed strings. model: the MixedLM; formula: nothing for a model of arrays; sizes: rows per group, by
    label; y (n,): the outcome; estimates, printed_errors (p,): coefficients as printed, nan where no error is;
    alarm_seen: whether statsmodels' warnings were shown (fewgroups.fit reports in their place).
    """

    def __init__(self, result: Any, unit: Any = None, names: Any = None) -> None:
        """Raises as `explain` does."""
        self.result = check_result(result, converged=False)
        self.model = self.result.model
        self.coefficients, self.factors = read_coefficients(self.model)
        self.words = Vocabulary(self.model, self.coefficients, self.factors, unit, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header, self.rows = self.result.summary().tables[:2]
        cells = [str(cell).strip() for line in header.to_numpy() for cell in line]
        pairs = zip(cells[::2], cells[1::2], strict=True)
        self.header = {label.removesuffix(":"): value for label, value in pairs if label}
        self.alarm_seen = getattr(result, "report", None) is None
        self.tables = TABLES.setdefault(getattr(result, "_results", result), {})
        self.formula = str(getattr(self.model, "formula", "") or "")
        self.reml = bool(self.result.reml)
        self.groups, self.rows_used = int(self.model.n_groups), int(self.model.n_totobs)
        rows = self.model.row_indices
        self.sizes = pd.Series({str(name): len(rows[name]) for name in self.model.group_labels})
        self.y = np.asarray(self.model.endog, dtype=float)
        self.estimates = np.asarray(self.result.fe_params, dtype=float)
        self.printed_errors = np.asarray(self.result.bse_fe, dtype=float)

    # Is it an estimate at all?

    @cached_property
    def seen(self) -> Examination:
        """The examination of the fit where it stands, for a search that ended."""
        with warnings.catch_warnings():  # the sentences say it
            warnings.simplefilter("ignore", NotAtOptimumWarning)
            return examine(self.result, "wald")

    @property
    def shortfall(self) -> float:
        """Log-likelihood below the optimum; infinite for a search that did not end."""
        return float(self.seen.facts["shortfall"]) if self.result.converged else np.inf

    @property
    def short(self) -> bool:
        """Whether the fit is measurably below its optimum."""
        return self.shortfall > SHORTFALL

    @cached_property
    def right_errors(self) -> Array:
        """Standard errors of the coefficients given the variances (p,), from (XᵀV⁻¹X)⁻¹."""
        return np.sqrt(np.diag(self.seen.phi))

    @cached_property
    def astray(self) -> bool:
        """Whether coefficients are not those that the fit's variances call for, as after statsmodels' lbfgs."""
        return bool(np.any(np.abs(self.estimates - self.seen.beta) > STRAY * self.right_errors))

    @property
    def finished(self) -> bool:
        """Whether the numbers are estimates, so that sentences may be built on them."""
        return bool(np.isfinite(self.result.llf) and self.shortfall <= FAR and not self.astray)

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation ±1, relative to σ."""
        return bool(self.seen.facts["singular"])

    @cached_property
    def boundary(self) -> str:
        """Which variance is zero and which correlation ±1, in words."""
        best = optimum(self.result.structure, self.reml)
        return signed(joined(boundary(self.model, self.result.structure, best, code)))

    @cached_property
    def false_alarm(self) -> bool:
        """Whether statsmodels warned of a boundary on which the fit clearly is not: judged by variance over residual
        variance (both per row), never by the unit."""
        model, scale = self.model, float(self.result.scale)
        spread = np.diag(np.atleast_2d(self.result.cov_re)) if model.k_re else np.zeros(0)
        smallest = np.min(np.abs([*spread, *self.result.vcomp]), initial=np.inf)
        if not self.alarm_seen or self.singular or smallest >= UNITS_ALARM:
            return False
        size = np.mean(np.square(np.asarray(model.exog_re)), axis=0) if model.k_re else np.ones(0)
        ratios = np.append(spread * size, self.result.vcomp) / scale
        lows = [self.spread(k)["low"] for k in range(len(ratios))]
        return bool(np.min(ratios) > CLEARLY_ABOVE_ZERO and min(lows) > 0)

    # Tables

    def _table(self, make: Callable[..., NotedTable], *given: Any) -> NotedTable:
        key, known = (make.__name__, *map(str, given)), self.tables
        if key not in known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotAtOptimumWarning)
                known[key] = make(self.result, *given)
        return known[key]

    def coefficients_by(self, ddf: str = "kenward-roger", level: float = 0.95) -> NotedTable:
        """`coefficients` of the fit."""
        return self._table(coefficients, ddf, level)

    def tests_by(self, ddf: str = "kenward-roger") -> NotedTable:
        """`f_tests` of the terms, each averaged over what it interacts with, in the order of the formula."""
        order = sorted(self.terms, key=lambda term: term.coefficients)
        return self._table(f_tests, ddf, {term.name: term.rows for term in order})

    def spreads(self, level: float = 0.95) -> NotedTable:
        """`variances` of the fit."""
        return self._table(variances, level)

    @cached_property
    def terms(self) -> list[WholeTerm]:
        """The terms of the formula but the intercept, those that are part of no interaction first."""
        terms = read_terms(self.coefficients, self._tests[0])
        return sorted(terms, key=lambda term: bool(term.partners))

    @cached_property
    def _tests(self) -> tuple[Rows, list[str], bool]:
        return term_rows(self.model)

    @property
    def at_means(self) -> bool:
        """Whether terms that interact with numbers are tested at their mean, or at zero."""
        return self._tests[2]

    def spread(self, number: int) -> Any:
        """The row of `variances` of random-effect column or component `number`; −1: the residual's."""
        q = int(self.model.k_re)
        return self.spreads().iloc[number if number < q else number + q * (q - 1) // 2]

    # Design

    @cached_property
    def slopes_left_out(self) -> dict[tuple[int, ...], Structure]:
        """Coefficients (their numbers) of each effect without a random slope → the structure of the model with it."""
        within = {name for name, factor in self.factors.items() if self.varies_within(factor)}
        return left_out(self.model, self.terms, within)

    def with_slopes(self) -> dict[str, Row]:
        """Coefficient → what the random slope makes of it that the model left out."""
        found = (with_slope(model, where) for where, model in self.slopes_left_out.items())
        rows = {k: row for some in found for k, row in some.items()}
        return {self.coefficients[k].name: row for k, row in rows.items()}

    def varies_within(self, factor: Factor) -> bool:
        """Whether a factor of the formula takes several values within some group (or there is one group only).

        A factor without a term of its own counts as one that does."""
        pure = [
            k
            for k, one in enumerate(self.coefficients)
            if one.parts and {part.factor for part in one.parts} == {factor}
        ]
        if self.groups == 1 or not pure:
            return True
        return any(np.ptp(x[:, pure], axis=0).any() for x in self.model.exog_li)
