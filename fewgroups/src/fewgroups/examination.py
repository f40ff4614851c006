"""A fit, examined: is it at its optimum, is it singular, and by which method are its fixed effects judged."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLMResults

from fewgroups.checks import NotAtOptimumWarning
from fewgroups.ddf import METHODS, Wald
from fewgroups.likelihood import Information, is_singular, optimum
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
        return self.found.structure.R_inverse @ self.found.beta

    @property
    def phi(self) -> Array:
        """(p, p) their covariance (XᵀV⁻¹X)⁻¹, before any adjustment."""
        fixed = self.found.structure.R_inverse
        return fixed @ self.found.phi @ fixed.T


def examine(result: MixedLMResults, ddf: str) -> Examination:
    """Examine a checked `result` for the method `ddf` (one of METHODS).

    Everything rests on the parameters of the fit itself, also where it is short of the optimum
    (NotAtOptimumWarning). Two exceptions rest on the optimum: Kenward–Roger of an ML fit, on that of REML, as in
    pbkrtest; and a fit beside a singular optimum, which statsmodels can come near to but not reach.
    """
    s, reml = result.structure, bool(result.reml)
    best, scale = (
        optimum(s, reml),
        float(result.scale),
    )  # of a result of fewgroups.fit, found already
    gamma = s.from_data_units(result.cov_re / scale, result.vcomp / scale)
    found, singular = Information.of(s, gamma, reml, scale), is_singular(s, s.theta(gamma))
    shortfall = max(best.loglik + found.deviance / 2, 0.0)
    refitted = ddf == "kenward-roger" and not reml
    notes = []
    if shortfall > SHORTFALL:
        notes.append(say("examined.short", shortfall=f"{shortfall:.2g}"))
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=3)
    if refitted:
        best = optimum(s, True)
        notes.append(say("examined.refitted"))
    if refitted or (best.singular and shortfall <= SHORTFALL):
        found = Information.of(s, s.gamma(best.theta), reml or refitted)
        singular = best.singular
    if singular:
        notes.append(say(f"examined.{ddf}"))
    facts = {"method": ddf, "singular": singular, "refitted": refitted, "shortfall": shortfall}
    return Examination(found, METHODS[ddf].of(found), notes, facts)
