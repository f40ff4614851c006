"""A model in columns that are orthonormal, where predictors far from zero (years, say) cost no digits.

Fixed-effect columns X = X̃ R and random-effect columns Z = Z̃ T span the same spaces, so that likelihood, standard
errors, degrees of freedom and predictions are the same; coefficients and covariances are turned: β = R⁻¹β̃, Ψ̃ = T Ψ Tᵀ.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.structure import Structure

Array = np.ndarray
Parameters = tuple[Array, Array, float]  # Ψ (q, q), τ² (v,), σ²
FAR = 30.0
"""Condition number of the columns (each of length one) above which the products of `information` lose digits."""


@dataclass(frozen=True)
class Standardised:
    """model: the copy; at: its parameters; fixed: R⁻¹ (p, p), for rows x̃ = x R⁻¹; random: T⁻¹ (q, q), z̃ = z T⁻¹."""

    model: MixedLM
    at: Parameters
    fixed: Array
    random: Array

    @classmethod
    def of(cls, model: MixedLM, s: Structure, at: Parameters) -> Standardised:
        """The model at the parameters `at`, both as the data have them."""
        turn = np.linalg.inv(s.R_re)
        plain = copy.copy(model)
        plain.exog = model.exog @ s.R_inverse
        plain.exog_li = [x @ s.R_inverse for x in model.exog_li]
        plain.exog_re_li = [z @ turn for z in model.exog_re_li] if s.q else model.exog_re_li
        cov_re, vcomp, scale = at
        return cls(plain, (s.R_re @ cov_re @ s.R_re.T, vcomp, scale), s.R_inverse, turn)


def is_far(s: Structure) -> bool:
    """Whether the columns of the fixed or of the random effects are nearly the same, mostly for want of centring."""
    for R in (np.linalg.inv(s.R_inverse), s.R_re):
        size = np.linalg.norm(R, axis=0)
        if len(R) and np.linalg.cond(R / size) > FAR:
            return True
    return False
