"""Everything that the sentences need to know of a result, computed once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.checks import NotAtOptimumWarning, check_result
from fewgroups.components import variances
from fewgroups.examination import SHORTFALL, examine
from fewgroups.explanation.left_out import Slope, left_out
from fewgroups.explanation.predictors import Column, Factor, read_columns
from fewgroups.explanation.vocabulary import Vocabulary, read_names
from fewgroups.fitting import boundary
from fewgroups.fixed_effects import coefficients
from fewgroups.likelihood import optimum
from fewgroups.noted_table import NotedTable, useful_decimals

Array = np.ndarray
FAR = 0.01
"""Log-likelihood below the optimum from which a stop is no estimate; lesson 04 counts such fits."""
STRAY = 0.01
"""Standard errors between printed coefficients and those that the printed variances call for: more is no estimate."""


@dataclass
class Facts:
    """A checked result with its printout. header: (label, value) in the order of the printout; rows: the lower table.

    Both hold the printed strings. What is slow is worked out when it is first asked for.
    """

    plain: Any
    header: list[tuple[str, str]]
    rows: pd.DataFrame
    columns: list[Column]
    factors: dict[str, Factor]
    words: Vocabulary

    @classmethod
    def of(cls, result: Any, unit: Any = None, names: Any = None) -> Facts:
        """Raises as `explain` does."""
        plain = check_result(result, converged=False)
        columns, factors = read_columns(plain.model)
        words = read_names(plain.model, columns, factors, unit, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = plain.summary().tables
        cells = [str(cell).strip() for line in tables[0].to_numpy() for cell in line]
        header = [
            (a.removesuffix(":"), b) for a, b in zip(cells[::2], cells[1::2], strict=True) if a
        ]
        return cls(plain, header, tables[1], columns, factors, words)

    @property
    def model(self) -> Any:
        """The MixedLM."""
        return self.plain.model

    @property
    def reml(self) -> bool:
        """REML or ML."""
        return bool(self.plain.reml)

    @cached_property
    def sizes(self) -> pd.Series:
        """Rows per group, by label."""
        return pd.Series(
            {str(name): len(self.model.row_indices[name]) for name in self.model.group_labels}
        )

    @property
    def groups(self) -> int:
        """How many groups."""
        return int(self.model.n_groups)

    @property
    def rows_used(self) -> int:
        """How many rows the fit used."""
        return int(self.model.n_totobs)

    @cached_property
    def y(self) -> Array:
        """The outcome (n,)."""
        return np.asarray(self.model.endog, dtype=float)

    @cached_property
    def seen(self) -> Any:
        """fewgroups.examination of the fit where it stands; None for a search that did not finish."""
        if not self.plain.converged:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotAtOptimumWarning)
            return examine(self.plain, "wald")

    @cached_property
    def shortfall(self) -> float:
        """Log-likelihood below the optimum; infinite for a search that did not finish."""
        return float(self.seen.facts["shortfall"]) if self.seen is not None else np.inf

    @property
    def short(self) -> bool:
        """Whether the fit is measurably below its optimum."""
        return self.shortfall > SHORTFALL

    @cached_property
    def astray(self) -> bool:
        """Whether coefficients are not those that the fit's own variances call for, as after statsmodels' lbfgs."""
        if self.seen is None:
            return True
        gap = np.asarray(self.plain.fe_params) - self.seen.beta
        return bool(np.any(np.abs(gap) > STRAY * np.sqrt(np.diag(self.seen.phi))))

    @property
    def finished(self) -> bool:
        """Whether the numbers are estimates, so that sentences may be built on them."""
        return (
            bool(self.plain.converged)
            and np.isfinite(self.plain.llf)
            and self.shortfall <= FAR
            and not self.astray
        )

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation ±1, relative to σ."""
        return bool(self.seen.facts["singular"])

    def table(self, ddf: str, level: float = 0.95) -> NotedTable:
        """`coefficients` without its warning, which is told in the words."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotAtOptimumWarning)
            return coefficients(self.plain, ddf, level)

    @cached_property
    def honest(self) -> NotedTable:
        """Kenward–Roger's coefficients."""
        return self.table("kenward-roger")

    @cached_property
    def wald(self) -> NotedTable:
        """Coefficients with the variances taken as known."""
        return self.table("wald")

    @cached_property
    def satterthwaite(self) -> NotedTable:
        """Satterthwaite's coefficients."""
        return self.table("satterthwaite")

    @cached_property
    def slopes_left_out(self) -> dict[str, Slope]:
        """Coefficient → what the random slope makes of it that the model left out."""
        return left_out(self.plain.model, self.columns)

    @cached_property
    def spreads(self) -> NotedTable:
        """`variances`."""
        return self.variances_at(0.95)

    def variances_at(self, level: float) -> NotedTable:
        """`variances` without its warning, which is told in the words."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotAtOptimumWarning)
            return variances(self.plain, level)

    def rows_of_spreads(self, things: list[Any]) -> list[tuple[int, Any]]:
        """(row of `variances`, thing) for the random-effect columns and components, in the order of the printout."""
        q = self.model.k_re
        return [(at if at < q else at + q * (q - 1) // 2, thing) for at, thing in enumerate(things)]

    @cached_property
    def boundary(self) -> tuple[str, ...]:
        """Which variance is zero and which correlation ±1, in words; empty for interior fits."""
        return boundary(self.model, optimum(self.model, self.reml)) if self.singular else ()

    @cached_property
    def false_alarm(self) -> bool:
        """Whether statsmodels warned of a boundary on which the fit is not."""
        small = [*np.diag(np.atleast_2d(self.plain.cov_re))] if self.model.k_re else []
        return (
            bool(np.min(np.abs([*small, *self.plain.vcomp]), initial=np.inf) < 0.01)
            and not self.singular
        )


def rounded(value: float, beside: float, digits: int = 2) -> str:
    """`value` with the decimals that give `beside` (its standard error, say) so many digits; a true minus sign."""
    return signed(f"{value:.{useful_decimals(abs(beside), digits)}f}")


def visible(value: float, beside: float) -> str:
    """As `rounded`, but with a digit that counts where that would be nothing but zeros."""
    shown = rounded(value, beside)
    return (
        shown
        if value == 0 or any(digit in shown for digit in "123456789")
        else rounded(value, value, 1)
    )


def three(value: float) -> str:
    """Three digits that count; zero is 0."""
    return rounded(value, value, 3) if value else "0"


def two(number: float) -> str:
    """With two decimals, as t and z are told."""
    return signed(f"{number:.2f}")


def probability(p: float) -> str:
    """A p-value with two digits that count, never zero: 0.34, 0.0015, 1.8e-23."""
    return f"{p:.2g}" if p > 0 else "< 1e-300"


def chance(p: float) -> str:
    """A p-value in a sentence: 0.34, "below 0.001 (1.8e-23)"."""
    return probability(p) if p >= 0.001 else f"below 0.001 ({probability(p)})"


def signed(number: str) -> str:
    """A number with a minus sign in place of the hyphen, and no negative zero."""
    return (
        number.replace("-", "−")
        if any(digit in number for digit in "123456789")
        else number.removeprefix("-")
    )
