"""How often the null-fit bootstrap of lesson 07 rejects: python -m tests.reference.null_bootstrap (some minutes).

In each simulated study of the course's four athletes the slope model is fitted without an average change (REML); DRAWS
studies are drawn from that fit; p is the share of them, the study itself counted, whose |t| of the session is at least
as large. null_bootstrap.csv holds the counts of p ≤ .05 in STUDIES studies, and in the first FIRST of them, which a
test counts again.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fewgroups import fit_many
from helpers import Design, Truth, simulate_many

STORED = Path(__file__).with_suffix(".csv")
STUDIES, DRAWS, FIRST, SEED = 2_000, 399, 100, 7
STARTS = ((1.0, 0.0, 1.0), (1.0, -0.5, 0.1), (0.3, 0.5, 0.1))
ROWS = Design().rows
HIGH = Design().table()["session_high"].to_numpy(dtype=float)[: ROWS // 4]
Z = np.column_stack([np.ones(len(HIGH)), HIGH])  # the same for each athlete
GRAM = np.linalg.inv(Z.T @ Z)
Array = np.ndarray


def _deviance(theta: Array, b: Array, within: Array) -> tuple[Array, Array, Array]:
    """−2 log-likelihood (REML, without its constant), mean and σ² of n studies at the relative factors θ (3, n).

    b (2, 4, n) are athletes' own levels and changes by least squares, `within` (n,) the sums of squares around them.
    The covariance of b is σ²M, M = (ZᵀZ)⁻¹ + LLᵀ, L = [[θ₀, 0], [θ₁, θ₂]]; its mean is (mean, 0).
    """
    m00, m01 = GRAM[0, 0] + theta[0] ** 2, GRAM[0, 1] + theta[0] * theta[1]
    m11 = GRAM[1, 1] + theta[1] ** 2 + theta[2] ** 2
    det = m00 * m11 - m01**2
    mean = b[0].mean(axis=0) - m01 / m11 * b[1].mean(axis=0)
    level, change = b[0] - mean, b[1]
    squares = (m11 * level**2 - 2 * m01 * level * change + m00 * change**2).sum(axis=0) / det
    scale = (within + squares) / (ROWS - 1)
    return (ROWS - 1) * np.log(scale) + 4 * np.log(det) + np.log(m11 / det), mean, scale


def null_fits(scores: Array) -> tuple[Array, Array, Array]:
    """Mean (n,), θ (3, n) and σ² (n,) of the REML fits without an average change to scores (n, 200).

    Damped Newton steps with numeric derivatives, for all studies at once, from each of STARTS.
    """
    y = scores.reshape(len(scores), 4, -1)
    own = y @ Z @ GRAM
    b, within = own.transpose(2, 1, 0), ((y - own @ Z.T) ** 2).sum(axis=(1, 2))
    small = 1e-4 * np.eye(3)[:, :, None]

    def slope(f: Callable[[Array], Array], theta: Array) -> Array:
        return np.array([(f(theta + h) - f(theta - h)) / 2e-4 for h in small])

    def deviance(theta: Array) -> Array:
        return _deviance(theta, b, within)[0]

    def gradient(theta: Array) -> Array:
        return slope(deviance, theta)

    found, best = np.zeros((3, len(y))), np.full(len(y), np.inf)
    for start in STARTS:
        theta, damping = np.tile(np.array(start)[:, None], len(y)), np.ones(len(y))
        for _ in range(60):
            values, vectors = np.linalg.eigh(slope(gradient, theta).transpose(2, 0, 1))
            along = np.einsum("nia,in->na", vectors, gradient(theta))
            along /= np.abs(values) + damping[:, None]  # downhill even where the curvature is not
            tried = theta - np.einsum("nia,na->in", vectors, along)
            better = deviance(tried) < deviance(theta)
            theta = np.where(better, tried, theta)
            damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-8, 1e8)
        height = deviance(theta)
        found, best = np.where(height < best, theta, found), np.minimum(height, best)
    _, mean, scale = _deviance(found, b, within)
    return mean, found, scale


def size_of_t(scores: Array) -> Array:
    """|t| of the session in the slope model, (n,)."""
    fits = fit_many(scores, Design(), slopes=True)
    return np.abs(fits.estimate[:, 1] / fits.se[:, 1])


def p_values(scores: Array) -> Array:
    """p of the bootstrap for each of n studies (n, 200); that of study k does not depend on n."""
    larger = np.zeros(len(scores))
    fits = null_fits(scores)
    for k, (mean, (a, c, d), scale) in enumerate(zip(fits[0], fits[1].T, fits[2], strict=True)):
        rng = np.random.default_rng([SEED, k])
        u = rng.normal(size=(DRAWS, 4, 2)) @ np.array([[a, c], [0, d]])
        luck = rng.normal(size=(DRAWS, 4, len(HIGH)))
        drawn = mean + np.sqrt(scale) * (u[:, :, :1] + u[:, :, 1:] * HIGH + luck)
        larger[k] = np.sum(size_of_t(drawn.reshape(DRAWS, -1)) >= size_of_t(scores[[k]]))
    return (1 + larger) / (DRAWS + 1)


def rejects(effect: float, slope_sd: float, n: int) -> Array:
    """Whether p ≤ .05 in the first n studies of a world, (n,)."""
    truth = Truth(effect=effect, slope_sd=slope_sd, clip=False)
    return p_values(simulate_many(Design(), truth, n, seed=SEED)) <= 0.05


def make() -> None:
    """Count and store."""
    rows = []
    for effect in (0.0, -0.02):
        for slope_sd in (0.0, 0.02, 0.05):
            found = rejects(effect, slope_sd, STUDIES)
            rows.append((effect, slope_sd, STUDIES, found.sum(), found[:FIRST].sum()))
            print(*rows[-1], flush=True)
    columns = ["effect", "slope_sd", "studies", "rejected", "of_first"]
    pd.DataFrame(rows, columns=columns).to_csv(STORED, index=False)


if __name__ == "__main__":
    make()
