"""A fit, examined: is it at its optimum, is it singular, and by which method are its fixed effects judged."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLMResults

from fewgroups.checks import NotAtOptimumWarning
from fewgroups.ddf import KenwardRoger, Satterthwaite, Test
from fewgroups.identification import check_identified
from fewgroups.information import Information, information
from fewgroups.likelihood import is_singular, optimum
from fewgroups.standardised import Parameters, Standardised, is_far
from fewgroups.structure import Structure

Array = np.ndarray
METHODS = ("kenward-roger", "satterthwaite", "wald")
SHORTFALL = 1e-4  # log-likelihood below the optimum from which a fit is told to be short of it

_PRICE = {
    "kenward-roger": "Singular fit: a variance is estimated as zero or a correlation as ±1. "
    "Kenward–Roger still "
    "counts it as uncertain and errs to the safe side: with few groups, true effects are easily missed.",
    "satterthwaite": "Singular fit: a variance is estimated as zero or a correlation as ±1. "
    "Satterthwaite takes "
    "that at face value, so df can be far too large and p far too small; compare Kenward–Roger.",
    "wald": "Singular fit: a variance is estimated as zero or a correlation as ±1. z takes that, and all "
    "other "
    "variances, as known, so p can be far too small; compare Kenward–Roger.",
}


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


@dataclass(frozen=True)
class Turned:
    """A method worked out for standardised columns, asked about rows (p,) or (q, p) of coefficients in the data's
    units; turn (p, p) with β = turn β̃."""

    method: Wald | Satterthwaite | KenwardRoger
    turn: Array

    @property
    def covariance(self) -> Array:
        """(p, p), that of the coefficients."""
        return self.turn @ self.method.covariance @ self.turn.T

    def df(self, row: Array) -> float:
        """Degrees of freedom of one contrast (p,)."""
        return self.method.df(row @ self.turn)

    def test(self, rows: Array, difference: Array) -> Test:
        """The test of rows (q, p); `difference` (q,) is Lβ̂ less its null value."""
        return self.method.test(rows @ self.turn, difference)


Method = (
    Wald | Satterthwaite | KenwardRoger | Turned
)  # each has covariance (p, p), df(row), test(rows, difference)


@dataclass(frozen=True)
class Examination:
    """Estimates at a fit, the method that judges it, notes to tell, and facts for `attrs` of a table.

    phi (p, p), beta (p,) of the fixed effects before any adjustment; at: Ψ (q, q), τ² (v,), σ² on which all of it
    rests, those of the fit or of its REML refit.
    """

    beta: Array
    phi: Array
    at: Parameters
    method: Method
    notes: list[str]
    facts: dict[str, Any]


def examine(result: MixedLMResults, ddf: str) -> Examination:
    """Examine a checked `result` for the method `ddf` (one of METHODS).

    Everything rests on the parameters of the fit itself, also where it is short of the optimum
    (NotAtOptimumWarning); only Kenward–Roger of an ML fit rests on the REML optimum, as in pbkrtest.
    """
    model, reml = result.model, bool(result.reml)
    structure = Structure.of(model)
    check_identified(model, structure)
    best, singular = _best(result, structure)
    at = np.asarray(result.cov_re), np.asarray(result.vcomp), float(result.scale)
    found = information(model, *at, reml)
    shortfall = max(best - found.loglik, 0.0)
    # statsmodels cannot stand exactly on the boundary: a fit beside a singular optimum is singular too
    here = structure.from_data_units(at[0] / at[2], at[1] / at[2])
    singular = is_singular(structure, here) or (singular and shortfall <= SHORTFALL)
    notes = []
    if shortfall > SHORTFALL:
        notes.append(
            f"This fit is not at its optimum: its log-likelihood is {shortfall:.2g} below what the model "
            "reaches. The numbers are those of this fit, not of the model; fewgroups.fit finds the optimum."
        )
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=3)
    refitted = ddf == "kenward-roger" and not reml
    if refitted:
        refit = optimum(structure, True)
        at, singular = (refit.cov_re, refit.vcomp, refit.scale), refit.singular
        notes.append(
            "Kenward–Roger is defined for REML: this ML fit was refitted by REML, and all numbers are of "
            "that refit."
        )
    if singular:
        notes.append(_PRICE[ddf])
    facts = {"method": ddf, "singular": singular, "refitted": refitted, "shortfall": shortfall}
    if is_far(structure):
        plain = Standardised.of(model, structure, at)
        found, turn = information(plain.model, *plain.at, reml or refitted), plain.fixed
        method: Method = Turned(_method(ddf, found, plain.at), turn)
        return Examination(turn @ found.beta, turn @ found.phi @ turn.T, at, method, notes, facts)
    if refitted:
        found = information(model, *at, True)
    return Examination(found.beta, found.phi, at, _method(ddf, found, at), notes, facts)


def _best(result: MixedLMResults, structure: Structure) -> tuple[float, bool]:
    """The best log-likelihood of the model, and whether it is reached on the boundary."""
    report = getattr(result, "report", None)
    if report is not None:  # fewgroups.fit has looked already
        return float(report.best), bool(report.singular)
    best = optimum(structure, bool(result.reml))
    return best.loglik, best.singular


def _method(ddf: str, found: Information, at: Parameters) -> Wald | Satterthwaite | KenwardRoger:
    if ddf == "wald":
        return Wald(found.phi)
    return Satterthwaite.of(found, *at) if ddf == "satterthwaite" else KenwardRoger.of(found)
