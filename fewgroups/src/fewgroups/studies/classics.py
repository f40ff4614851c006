"""Tests that need no mixed model: t tests of scores or of athlete means, cluster-robust tests, sign flips.

Each takes the reduced data and answers for all data sets at once.
"""

from __future__ import annotations

import numpy as np

from fewgroups.studies.answers import Answer, FlipAnswer
from fewgroups.studies.reduction import Cells

Array = np.ndarray


def _answer(cells: Cells, estimate: Array, variance: Array, df: float | Array) -> Answer:
    se = np.sqrt(variance)
    return Answer(estimate, se, df, se > cells.rounding)


def _spread(cells: Cells) -> tuple[Array, Array, Array]:
    """Numbers of scores (2, 1), means (2, n) and sums of squares about them (2, n), low and high."""
    counts = cells.layout.counts[:, :, None]
    about = (counts * (cells.means - cells.session_means) ** 2).sum(axis=0)
    return counts.sum(axis=0), cells.session_means, cells.squares + about


def pooled_t(cells: Cells) -> Answer:
    """Student's t test of all scores, as if every repeat were another athlete."""
    size, means, squares = _spread(cells)
    df = cells.layout.rows - 2
    return _answer(cells, means[1] - means[0], squares.sum(axis=0) / df * (1 / size).sum(), df)


def welch_t(cells: Cells) -> Answer:
    """Welch's t test of all scores, sessions with variances of their own (Welch 1947, Biometrika 34:28)."""
    size, means, squares = _spread(cells)
    parts = squares / (size - 1) / size
    total = parts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        df = total**2 / (parts**2 / (size - 1)).sum(axis=0)
    return _answer(cells, means[1] - means[0], total, df)


def paired_t(cells: Cells) -> Answer:
    """One-sample t test of the athletes' differences of means; athletes who missed a session take no part."""
    differences = cells.differences
    m = len(differences)
    return _answer(cells, differences.mean(axis=0), differences.var(axis=0, ddof=1) / m, m - 1)


def t_on_means(cells: Cells) -> Answer:
    """Student's t test of the athlete means of two groups of athletes."""
    groups = [cells.means[cells.layout.counts[:, session] > 0, session] for session in (0, 1)]
    df = sum(len(group) for group in groups) - 2
    variance = sum(((group - group.mean(axis=0)) ** 2).sum(axis=0) for group in groups) / df
    return _answer(
        cells,
        groups[1].mean(axis=0) - groups[0].mean(axis=0),
        variance * sum(1 / len(group) for group in groups),
        df,
    )


def cluster_robust(cells: Cells) -> tuple[Array, Array, Array]:
    """Least-squares difference of all scores, its sandwich standard error clustered by athlete, and where it
    is usable.

    The correction for few clusters is the usual m/(m−1)·(N−1)/(N−2) ("CR1": Stata's, and statsmodels'
    cov_type="cluster"; Cameron & Miller 2015, J. Human Resources 50:317).
    """
    counts = cells.layout.counts[:, :, None]
    residual_sums = counts * (cells.means - cells.session_means)
    size = counts.sum(axis=0)
    influence = residual_sums[:, 1] / size[1] - residual_sums[:, 0] / size[0]
    m, rows = cells.layout.athletes, cells.layout.rows
    se = np.sqrt((influence**2).sum(axis=0) * m / (m - 1) * (rows - 1) / (rows - 2))
    return cells.session_means[1] - cells.session_means[0], se, se > cells.rounding


def cluster_robust_z(cells: Cells) -> Answer:
    """The cluster-robust test against the normal distribution, which statsmodels prints."""
    estimate, se, usable = cluster_robust(cells)
    return Answer(estimate, se, np.inf, usable)


def cluster_robust_t(cells: Cells) -> Answer:
    """The cluster-robust test against t with athletes − 1 degrees of freedom."""
    estimate, se, usable = cluster_robust(cells)
    return Answer(estimate, se, cells.layout.athletes - 1, usable)


def sign_flips(cells: Cells) -> FlipAnswer:
    """The exact sign-flip test of the athletes' differences of means."""
    differences = cells.differences
    return FlipAnswer(differences, np.ptp(differences, axis=0) > cells.rounding)
