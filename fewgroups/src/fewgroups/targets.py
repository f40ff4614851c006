"""How uncertain a prediction is: its mean squared error at the fit, and how well that error is itself known.

A target is w = xᵀβ + zᵀu: u of a group that was measured, predicted from its scores, or of one that was not. Its best
linear unbiased predictor is aᵀy, with weights a that depend on the covariance parameters γ. Two things are needed of
it, and both come from the group's own rows and the `Information` of the whole fit (x and z in its orthonormal columns):

    error       Henderson's (1975, Biometrics 31:423) mean squared error M: of u and of β̂, γ taken as it is
    gradient    dM/dγ. As a minimises M, only V moves, not a.

They give the degrees of freedom 2 M² / (dM/dγ)ᵀ W (dM/dγ), W the covariance of γ̂: Satterthwaite (1946) for any
estimated variance. With z = 0 they are those of Kenward & Roger (1997) for one contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.blocks import derivatives
from fewgroups.ddf import Information
from fewgroups.structure import random_design

Array = np.ndarray


@dataclass(frozen=True)
class Target:
    """One row's estimate of w, its mean squared error, and the gradient (k,) of that by γ."""

    estimate: float
    error: float
    gradient: Array

    def with_variance(self, variance: float, gradient: Array) -> Target:
        """The target and something independent on top, such as a residual."""
        return Target(self.estimate, self.error + variance, self.gradient + gradient)

    def df(self, spread: Array) -> float:
        """Satterthwaite's degrees of freedom of the error; spread (k, k) the covariance of γ̂."""
        scatter = self.gradient @ spread @ self.gradient
        return float(2 * self.error**2 / scatter) if scatter > 0 else np.inf


def average(found: Information, x: Array) -> Target:
    """xᵀβ, x (p,)."""
    f = found.phi @ x
    return Target(float(x @ found.beta), float(x @ f), -np.einsum("a,iab,b->i", f, found.P, f))


def prior(z: Array, squares: Array, found: Information) -> tuple[float, Array]:
    """Variance of zᵀu for a u that nothing is known of, and its gradient (k,) by γ.

    z (q,): values of the random-effect columns; squares (v,): sums of squares of the columns of each component.
    """
    pairs = [z[a] * z[b] * (1 if a == b else 2) for a in range(len(z)) for b in range(a + 1)]
    return float(z @ found.cov_re @ z + squares @ found.vcomp), np.array([*pairs, *squares, 0.0])


@dataclass(frozen=True)
class Group:
    """A measured group: Z (n, m), the component of each column, X (n, p), y (n,); covariance (m, m) of its u."""

    Z: Array
    labels: Array
    X: Array
    y: Array
    covariance: Array
    scale: float
    H: Array  # with V⁻¹ = (I − Z H Zᵀ)/σ², also where the covariance is singular

    @classmethod
    def of(cls, model: MixedLM, number: int, found: Information) -> Group:
        """Group `number` of the model, in the orthonormal columns and at the parameters of `found`."""
        Z, labels = random_design(model, number)
        Z[:, : model.k_re] = Z[:, : model.k_re] @ found.random
        gamma = np.append(found.cov_re[np.tril_indices(model.k_re)], found.vcomp)
        covariance = np.tensordot(gamma, derivatives(labels, model.k_re, model.k_vc), axes=1)
        relative = covariance / found.scale
        H = np.linalg.solve(np.eye(len(labels)) + relative @ Z.T @ Z, relative)
        X = np.asarray(model.exog_li[number], dtype=float) @ found.fixed
        y = np.asarray(model.endog_li[number], dtype=float)
        return cls(Z, labels, X, y, covariance, float(found.scale), H)

    def solve(self, b: Array) -> Array:
        """V⁻¹b for b (n,)."""
        return (b - self.Z @ (self.H @ (self.Z.T @ b))) / self.scale

    def target(self, found: Information, x: Array, z: Array) -> Target:
        """xᵀβ + zᵀu of this group, x (p,), z (m,)."""
        k_re = int(np.sum(self.labels < 0))
        units = derivatives(self.labels, k_re, len(found.P) - 1 - k_re * (k_re + 1) // 2)
        h = self.covariance @ z
        a = self.solve(self.Z @ h)  # what the group's residuals weigh in zᵀû
        d = x - self.X.T @ a
        f = found.phi @ d
        b = self.solve(self.X @ f)  # what its scores weigh in dᵀβ̂
        before, after = self.Z.T @ b, self.Z.T @ (a + b)
        # dM/dγ_i = Σ aᵀG_ia over all groups, less what links the target to its own group: there a is a + b
        within = [
            after @ S @ after - before @ S @ before - 2 * after @ S @ z + z @ S @ z for S in units
        ]
        within.append((a + b) @ (a + b) - b @ b)
        gradient = np.array(within) - np.einsum("a,iab,b->i", f, found.P, f)
        estimate = x @ found.beta + a @ (self.y - self.X @ found.beta)
        return Target(float(estimate), float(z @ h - h @ (self.Z.T @ a) + d @ f), gradient)
