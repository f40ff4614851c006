"""Tests that need no mixed model: t tests of outcomes, of group means and of differences, and cluster-robust tests.

Each takes the cell means and answers for all data sets at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.studies.cell_means import CellMeans

Array = np.ndarray


@dataclass(frozen=True)
class Answer:
    """Estimates of the effect and their t tests, one for each of n data sets.

    estimate, se: (n,); df: a number or (n,), ∞ for a z test; usable: (n,) False where the method has no answer, such as
    outcomes that do not vary; singular: (n,) of the fit behind the test, if there is one.
    """

    estimate: Array
    se: Array
    df: float | Array
    usable: Array
    singular: Array | None = None


def _answer(cells: CellMeans, estimate: Array, variance: Array, df: float) -> Answer:
    se = np.sqrt(variance)
    return Answer(estimate, se, df, se > cells.rounding)


def pooled_t(cells: CellMeans) -> Answer:
    """Student's t test of all outcomes, as if every repeat were a group of its own."""
    about = (cells.residual_sums * (cells.means - cells.condition_means)).sum(axis=(0, 1))
    df = cells.rows - 2
    variance = (cells.statistics.within + about) / df * (1 / cells.counts.sum(axis=0)).sum()
    return _answer(cells, np.diff(cells.condition_means, axis=0)[0], variance, df)


def paired_t(cells: CellMeans) -> Answer:
    """One-sample t test of the groups' differences; groups that missed a condition take no part."""
    differences = cells.differences
    m = len(differences)
    return _answer(cells, differences.mean(axis=0), differences.var(axis=0, ddof=1) / m, m - 1)


def t_on_means(cells: CellMeans) -> Answer:
    """Student's t test of the means of the groups, each in one condition."""
    first, other = (cells.means[cells.counts[:, k] > 0, k] for k in (0, 1))
    df = len(first) + len(other) - 2
    squares = len(first) * first.var(axis=0) + len(other) * other.var(axis=0)
    variance = squares / df * (1 / len(first) + 1 / len(other))
    return _answer(cells, other.mean(axis=0) - first.mean(axis=0), variance, df)


def cluster_robust(cells: CellMeans, z: bool) -> Answer:
    """Least squares on all outcomes, standard error clustered by group; against z, or t with groups − 1 df.

    The factor for few clusters is the usual m/(m−1)·(N−1)/(N−2), "CR1": Stata's, and that of statsmodels'
    cov_type="cluster" (Cameron & Miller 2015, J. Human Resources 50:317).
    """
    totals = cells.counts.sum(axis=0)
    influence = cells.residual_sums[:, 1] / totals[1] - cells.residual_sums[:, 0] / totals[0]
    m, rows = len(cells.counts), cells.rows
    variance = (influence**2).sum(axis=0) * m / (m - 1) * (rows - 1) / (rows - 2)
    estimate = np.diff(cells.condition_means, axis=0)[0]
    return _answer(cells, estimate, variance, np.inf if z else m - 1)


def cluster_robust_cr2(cells: CellMeans) -> Answer:
    """The same with residuals adjusted for their leverage, "CR2", against t with Satterthwaite's df.

    The residuals of group i are multiplied by (I − Hᵢ)^(−1/2), Hᵢ = Xᵢ(XᵀX)⁻¹Xᵢᵀ, which makes the variance unbiased if
    outcomes are independent; the df are those that it has then (Bell & McCaffrey 2002, Survey Methodology 28:169;
    Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36:672, with generalised inverses). With every group measured alike
    in both conditions it is the paired t test.
    """
    X, effect = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0])
    grams = np.einsum("mc,ca,cb->mab", cells.counts, X, X)  # XᵢᵀXᵢ
    root = np.linalg.cholesky(np.linalg.inv(grams.sum(axis=0)))  # LLᵀ = (XᵀX)⁻¹
    leverages, vectors = np.linalg.eigh(root.T @ grams @ root)  # those of Hᵢ that are not 0
    left = np.maximum(1 - leverages, 0)
    adjust = np.divide(1, np.sqrt(left), out=np.zeros_like(left), where=left > 1e-9)
    # (I − Hᵢ)^(−1/2) Xᵢ(XᵀX)⁻¹c = Xᵢwᵢ with wᵢ = Lf(LᵀXᵢᵀXᵢL)Lᵀc
    turned = root @ vectors
    w = np.einsum("mab,mb,mcb,c->ma", turned, adjust, turned, effect)
    influence = np.einsum("ma,ca,mcn->mn", w, X, cells.residual_sums)
    # The variance is Σᵢ(pᵢᵀy)²; the pᵢᵀpⱼ are diag(wᵢᵀXᵢᵀXᵢwᵢ) − UᵀU with Uᵢ = LᵀXᵢᵀXᵢwᵢ
    gw = np.einsum("mab,mb->ma", grams, w)
    products = np.diag((w * gw).sum(axis=1)) - gw @ root @ root.T @ gw.T
    df = np.trace(products) ** 2 / (products**2).sum()
    estimate = np.diff(cells.condition_means, axis=0)[0]
    return _answer(cells, estimate, (influence**2).sum(axis=0), float(df))
