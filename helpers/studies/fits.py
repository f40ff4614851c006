"""The engine's REML fits, from data that are reduced already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.engine.intercepts import fit_intercepts
from helpers.engine.statistics import CellStatistics

from .reduction import Cells

Array = np.ndarray


@dataclass(frozen=True)
class Fit:
    """n fits. gamma: (k, n) covariance parameters over σ² (lower triangle of the athletes' covariance row by row, then 1);
    scale: (n,) σ²; solved, singular: (n,)."""

    gamma: Array
    scale: Array
    solved: Array
    singular: Array


def reml_fit(cells: Cells, slopes: bool) -> Fit:
    """Fit all data sets; `slopes` gives the athletes changes of their own, correlated with their baselines."""
    statistics = CellStatistics(cells.means.reshape(-1, cells.n)[cells.layout.counts.ravel() > 0],
                                cells.squares.sum(axis=0), cells.total_squares)
    if not slopes:
        found = fit_intercepts(cells.layout.intercept_model, statistics)
        gamma = np.stack([found["psi"][0], np.ones(cells.n)])
    else:
        found = balanced_slopes(cells)
        gamma = found["gamma"]
    return Fit(gamma, found["scale"], found["solved"], found["singular"])


def balanced_slopes(cells: Cells) -> dict[str, Array]:
    m, _, n = cells.means.shape
    counts = cells.layout.counts
    assert np.all(counts == counts[0]), "unbalanced"
    root = np.sqrt(counts[0])[:, None]
    white = cells.means * root
    white = white - white.mean(axis=0)
    A = np.einsum("ian,ibn->abn", white, white)
    mid, dif = (A[0, 0] + A[1, 1]) / 2, (A[0, 0] - A[1, 1]) / 2
    r = np.hypot(dif, A[0, 1])
    big, small = mid + r, np.maximum(mid - r, 0)
    rss, nu = cells.squares.sum(axis=0), cells.layout.within_df
    s = rss / nu
    l2 = small / (m - 1)
    one = l2 <= s
    s = np.where(one, (rss + small) / (nu + m - 1), s)
    l1 = big / (m - 1)
    none = l1 <= s
    s = np.where(none, (rss + small + big) / (nu + 2 * (m - 1)), s)
    e1, e2 = np.where(none, 0, l1 / s - 1), np.where(one, 0, l2 / s - 1)
    angle = np.arctan2(A[0, 1], dif) / 2
    c, d = np.cos(angle), np.sin(angle)
    O = np.array([[e1 * c * c + e2 * d * d, (e1 - e2) * c * d], [(e1 - e2) * c * d, e1 * d * d + e2 * c * c]])
    O /= (root * root.T)[:, :, None]
    # cells (low, high) = X b, X = [[1,0],[1,1]]
    p00, p10, p11 = O[0, 0], O[0, 1] - O[0, 0], O[1, 1] - 2 * O[0, 1] + O[0, 0]
    return {"gamma": np.stack([p00, p10, p11, np.ones(n)]), "scale": s, "solved": s > 0, "singular": one}
