"""A fit, examined: is it at its optimum, is it singular, and by which method are its fixed effects judged."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLMResults

from fewgroups.checks import NotAtOptimumWarning
from fewgroups.ddf import METHODS, Information, Wald, information
from fewgroups.likelihood import is_singular, optimum
from fewgroups.templates import say

Array = np.ndarray
SHORTFALL = 1e-4  # log-likelihood below the optimum from which on a fit counts as short of it


@dataclass(frozen=True)
class Examination:
    """found: the information at the parameters of the fit, or of its REML refit; method: what judges the fixed effects;
    notes; facts for `attrs` of a table."""

    found: Information
    method: Wald
    notes: list[str]
    facts: dict[str, Any]

    @property
    def beta(self) -> Array:
        """(p,) the coefficients."""
        return self.found.fixed @ self.found.beta

    @property
    def phi(self) -> Array:
        """(p, p) their covariance (XᵀV⁻¹X)⁻¹, before any adjustment."""
        return self.found.fixed @ self.found.phi @ self.found.fixed.T


def examine(result: MixedLMResults, ddf: str) -> Examination:
    """Examine a checked `result` for the method `ddf` (one of METHODS).

    Everything rests on the parameters of the fit itself, also where it is short of the optimum
    (NotAtOptimumWarning). Two exceptions rest on the optimum: Kenward–Roger of an ML fit, on that of REML, as in
    pbkrtest; and a fit beside a singular optimum, which statsmodels can come near to but not reach.
    """
    structure, reml = result.structure, bool(result.reml)
    best = optimum(structure, reml)  # of a result of fewgroups.fit, found already
    at = np.asarray(result.cov_re), np.asarray(result.vcomp), float(result.scale)
    found = information(structure, *at, reml)
    shortfall = max(best.loglik - found.loglik, 0.0)
    singular = is_singular(structure, structure.from_data_units(at[0] / at[2], at[1] / at[2]))
    if best.singular and shortfall <= SHORTFALL:
        at, singular = (best.cov_re, best.vcomp, best.scale), True
        found = information(structure, *at, reml)
    notes = []
    if shortfall > SHORTFALL:
        notes.append(say("examined.short", shortfall=f"{shortfall:.2g}"))
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=3)
    refitted = ddf == "kenward-roger" and not reml
    if refitted:
        refit = optimum(structure, True)
        at, singular = (refit.cov_re, refit.vcomp, refit.scale), refit.singular
        found = information(structure, *at, True)
        notes.append(say("examined.refitted"))
    if singular:
        notes.append(say(f"examined.{ddf}"))
    facts = {"method": ddf, "singular": singular, "refitted": refitted, "shortfall": shortfall}
    return Examination(found, METHODS[ddf].of(found), notes, facts)
