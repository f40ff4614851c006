"""What may be said about the fixed effects: coefficients, contrasts, F tests, with degrees of freedom that fit the design."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLMResults

from helpers.engine.likelihood import Structure, is_singular, optimum

from .checks import NotAtOptimumWarning, check_choice, check_level, check_result
from .contrasts import Rows, read_contrasts, term_rows
from .degrees_of_freedom import KenwardRoger, Satterthwaite, Test
from .information import Information, information
from .noted_table import NotedTable, noted_table, show_p, useful_decimals

Array = np.ndarray
METHODS = ("kenward-roger", "satterthwaite", "wald")
SHORTFALL = 1e-3  # log-likelihood below the optimum from which a fit is told to be short of it


class _Method(Protocol):
    """How a contrast is judged: Wald, Satterthwaite or Kenward–Roger."""

    @property
    def covariance(self) -> Array: ...
    def df(self, row: Array) -> float: ...
    def test(self, rows: Array, difference: Array) -> Test: ...


@dataclass(frozen=True)
class Wald:
    """z and χ²/q: the variances are taken as known; `covariance` (p, p)."""

    covariance: Array

    def df(self, row: Array) -> float:
        """Infinitely many, for any row (p,)."""
        return np.inf

    def test(self, rows: Array, difference: Array) -> Test:
        """χ²/q of rows (q, p), whose estimates are `difference` (q,) from their null values."""
        wald = difference @ np.linalg.solve(rows @ self.covariance @ rows.T, difference)
        return Test(float(wald / len(rows)), len(rows), np.inf)


def coefficients(
    result: Any, ddf: str = "kenward-roger", level: float = 0.95, contrasts: Any = None
) -> NotedTable:
    """Coefficients of a mixed model with degrees of freedom that fit the design.

    Parameters
    ----------
    result: a fitted MixedLM (smf.mixedlm(...).fit() or helpers.fit), any re_formula and vc_formula; REML or ML.
    ddf: "kenward-roger" (the default: the one that keeps its promise with few athletes), "satterthwaite" or "wald"
        (z, as statsmodels prints: the variances taken as known).
    level: coverage of the interval, between 0 and 1.
    contrasts: None for every coefficient; or weighted sums of them: {"C against B": {"Machine[T.C]": 1,
        "Machine[T.B]": -1}}, name → p weights, a string ("Machine[T.C] = Machine[T.B]"), an array (q, p), a DataFrame.

    Returns
    -------
    A DataFrame, one row per term or contrast (index `term`): estimate, se, df, t, p, low, high, in the units of the
    outcome per unit of the predictor; t and p against zero (or the value that the contrast's string names). Standard errors
    are roots of (XᵀV⁻¹X)⁻¹, for Kenward–Roger with its adjustment. `.notes` holds what must be known besides: a REML refit,
    a singular fit and its price, the paired t-test where the design is balanced. attrs: `method`, `singular`, `refitted`,
    `shortfall` (log-likelihood below the optimum), `paired` (term → t, df, p).

    Errors and warnings
    -------------------
    TypeError for anything but a fitted MixedLM; ValueError for fits from which nothing can be concluded (not converged,
    one group, groups that are rows, ...), an unknown method, a level outside (0, 1), contrasts that do not fit the model.
    NotAtOptimumWarning when the fit ended below the optimum: the numbers are then those of that fit, not of the model.

    Sources: Satterthwaite 1946 (Biometrics Bulletin 2:110); Kenward & Roger 1997 (Biometrics 53:983); Kuznetsova et al. 2017
    (J. Stat. Softw. 82(13), lmerTest); Halekoh & Højsgaard 2014 (J. Stat. Softw. 59(9), pbkrtest), whose numbers these are.
    """
    check_choice("ddf", ddf, METHODS)
    check_level(level)
    plain = check_result(result)
    names = list(plain.model.exog_names)
    rows = _single_rows(read_contrasts(np.eye(len(names)) if contrasts is None else contrasts, names))
    if contrasts is None:
        rows = dict(zip(names, rows.values(), strict=True))
    fit = _examine(plain, ddf)
    L = np.array([row for row, _ in rows.values()])
    estimate = L @ fit.found.beta
    se = np.sqrt(np.einsum("ia,ab,ib->i", L, fit.method.covariance, L))
    df = np.array([fit.method.df(row) for row in L])
    t = (estimate - np.array([null for _, null in rows.values()])) / se
    p = 2 * stats.t.sf(np.abs(t), df)
    reach = stats.t.ppf((1 + level) / 2, df) * se
    columns = {"estimate": estimate, "se": se, "df": df, "t": t, "p": p, "low": estimate - reach, "high": estimate + reach}
    paired = paired_tests(plain, fit.found) if contrasts is None else {}
    places = useful_decimals(float(se.min()))
    table = noted_table(
        columns,
        pd.Index(rows, name="term"),
        [*fit.notes, *(_paired_note(term, *test) for term, test in paired.items())],
        {"estimate": places, "se": places, "df": 2, "t": 3, "p": -1, "low": places, "high": places},
    )
    table.attrs |= fit.attrs | {"level": level, "paired": paired}
    return table


def f_tests(result: Any, ddf: str = "kenward-roger", contrasts: Any = None) -> NotedTable:
    """F tests of the terms of a mixed model, or of contrasts with one or several rows.

    Parameters
    ----------
    result, ddf: as in `coefficients`.
    contrasts: None for every term of the formula but the intercept, each tested by "all its coefficients are zero" given
        the other terms; or name → (q, p) array, a string with commas ("Machine[T.B] = 0, Machine[T.C] = 0"), ...

    Returns
    -------
    A DataFrame (index `term`): F, num_df, den_df, p. Satterthwaite: Fai & Cornelius 1996 (J. Stat. Comput. Simul. 54:363).
    Kenward–Roger 1997: F is scaled as there. Wald: χ²/q, infinite denominator.

    With interactions, what a main effect's row says depends on the coding: with the default (treatment) coding it is about
    the reference level of the other factor, with C(factor, Sum) about the average over its levels (R's "type III").
    Errors and warnings as in `coefficients`.
    """
    check_choice("ddf", ddf, METHODS)
    plain = check_result(result)
    rows = term_rows(plain.model) if contrasts is None else read_contrasts(contrasts, plain.model.exog_names)
    fit = _examine(plain, ddf)
    tests = [fit.method.test(row, row @ fit.found.beta - null) for row, null in rows.values()]
    statistic = np.array([test.statistic for test in tests])
    num, den = np.array([test.numerator for test in tests]), np.array([test.denominator for test in tests])
    p = np.where(np.isinf(den), stats.chi2.sf(statistic * num, num), stats.f.sf(statistic, num, den))
    notes = list(fit.notes)
    if contrasts is None and _treatment_coded_interaction(rows):
        notes.append(
            "With an interaction, a main effect's row is about the reference level of the other term, unless factors are "
            "coded C(factor, Sum): then it is about the average over the levels."
        )
    table = noted_table(
        {"F": statistic, "num_df": num, "den_df": den, "p": p},
        pd.Index(rows, name="term"),
        notes,
        {"F": 3, "den_df": 2, "p": -1},
    )
    table.attrs |= fit.attrs
    return table


@dataclass(frozen=True)
class _Examined:
    found: Information
    method: _Method
    notes: list[str]
    attrs: dict[str, Any]


def _examine(result: MixedLMResults, ddf: str) -> _Examined:
    """The information at the fit (for Kenward–Roger of an ML fit: at the REML fit), the method, and what must be told."""
    model, reml = result.model, result.reml
    structure = Structure.of(model)
    best = optimum(structure, reml)
    at = np.asarray(result.cov_re), np.asarray(result.vcomp), float(result.scale)
    found = information(model, *at, reml)
    shortfall = max(best.loglik - found.loglik, 0.0)
    notes = []
    if shortfall > SHORTFALL:
        notes.append(
            f"This fit is not at its optimum: its log-likelihood is {shortfall:.3g} below what the model reaches. "
            "The numbers here are those of this fit; helpers.fit finds the optimum."
        )
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=3)
    refitted = ddf == "kenward-roger" and not reml
    if refitted:
        best = optimum(structure, True)
        at = best.cov_re, best.vcomp, best.scale
        found = information(model, *at, True)
        notes.append(
            "Kenward–Roger is defined for REML: this ML fit was refitted by REML, and all numbers here are of that refit."
        )
    method: _Method
    if ddf == "wald":
        method = Wald(found.phi)
    elif ddf == "satterthwaite":
        method = Satterthwaite.of(found, *at)
    else:
        method = KenwardRoger.of(found)
    here = structure.from_data_units(at[0] / at[2], at[1] / at[2])
    # statsmodels cannot always stand exactly on the boundary: a fit beside a singular optimum is singular too
    singular = is_singular(structure, here) or (best.singular and best.loglik - found.loglik <= SHORTFALL)
    if singular:
        notes.append(_PRICE[ddf])
    return _Examined(
        found, method, notes, {"method": ddf, "singular": singular, "refitted": refitted, "shortfall": shortfall}
    )


_PRICE = {
    "kenward-roger": "Singular fit: a variance is estimated as zero or a correlation as ±1. Kenward–Roger still counts "
    "that variance as uncertain, so it errs to the safe side: with few groups true effects are easily missed.",
    "satterthwaite": "Singular fit: a variance is estimated as zero or a correlation as ±1. Satterthwaite takes the "
    "boundary value at face value, so the df can be far too large and p far too small; compare Kenward–Roger.",
    "wald": "Singular fit: a variance is estimated as zero or a correlation as ±1. z takes that, and all variances, as "
    "known, so p can be far too small; compare Kenward–Roger.",
}


def _single_rows(rows: Rows) -> dict[str, tuple[Array, float]]:
    """Each contrast as one row and one null value; several rows belong to f_tests."""
    for label, (row, _) in rows.items():
        if len(row) != 1:
            raise ValueError(
                f"contrast {label!r} has {len(row)} rows: f_tests(result, contrasts=...) tests them together; "
                "coefficients takes one row per name"
            )
    return {label: (row[0], float(null[0])) for label, (row, null) in rows.items()}


def _treatment_coded_interaction(rows: Rows) -> bool:
    """Whether a term of the formula is an interaction of which one part is a term as well."""
    parts = {term: set(term.split(":")) for term in rows}
    return any(parts[a] < parts[b] for a in rows for b in rows)


def paired_tests(result: MixedLMResults, found: Information) -> dict[str, tuple[float, int, float]]:
    """Term → (t, df, p) of the paired t-test on group means, for each two-level predictor of a balanced design.

    Balanced: both levels within every group, each equally often in all groups, and the mean difference of the groups'
    means is the model's estimate. Then t has G − 1 degrees of freedom exactly, whether or not the effect varies.
    """
    model, tests = result.model, {}
    for column, term in enumerate(model.exog_names):
        levels = np.unique(model.exog[:, column])
        if len(levels) != 2 or model.n_groups < 2:
            continue
        high = [x[:, column] == levels[1] for x in model.exog_li]
        counts = {(int(h.sum()), int((~h).sum())) for h in high}
        if len(counts) != 1 or 0 in next(iter(counts)):
            continue
        y = model.endog_li
        differences = np.array([v[h].mean() - v[~h].mean() for v, h in zip(y, high, strict=True)]) / np.ptp(levels)
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        if error > 0 and abs(differences.mean() - found.beta[column]) < 1e-6 * np.sqrt(found.phi[column, column]):
            t, df = differences.mean() / error, len(differences) - 1
            tests[term] = (float(t), df, float(2 * stats.t.sf(abs(t), df)))
    return tests


def _paired_note(term: str, t: float, df: int, p: float) -> str:
    return f"{term}: the design is balanced; the paired t-test on group means gives t({df}) = {t:.3f}, p = {show_p(p)}."
