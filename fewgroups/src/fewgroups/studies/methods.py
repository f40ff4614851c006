"""The methods by name: each answers for all data sets of a design at once, from means and spreads of their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fewgroups.batch.cells import cell_statistics, layout_of
from fewgroups.batch.intercepts import InterceptModel
from fewgroups.batch.slopes import SlopeModel
from fewgroups.ddf import KenwardRoger, Satterthwaite, Wald
from fewgroups.designs import Design
from fewgroups.likelihood import Information
from fewgroups.structure import GroupBlock, Structure, derivatives

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


Fitted = tuple[dict[str, Array], Information]


class DataSets:
    """n data sets of one design, `outcomes` (n, rows) in the order of its table, reduced to what every method needs.

    layout: with the columns intercept and treated (all conditions but the first), so that a group has two cells at
    most; cells: their statistics; coefficients: (2, n) of its orthonormal columns Q, by least squares; residuals:
    (cells, n) of the cells' means; effect: (2,) what the effect weighs these coefficients with, R⁻ᵀ(0, 1)ᵀ with X = QR.
    """

    def __init__(self, design: Design, outcomes: Array) -> None:
        group, condition, _ = design.row_index
        treated = np.column_stack([np.ones(design.rows), condition > 0])
        self.layout = layout = layout_of(treated, group)
        self.cells = cell_statistics(outcomes, layout)
        self.coefficients = (layout.sizes[:, None] * layout.Q).T @ self.cells.means
        self.residuals = self.cells.means - layout.Q @ self.coefficients
        self.effect = np.linalg.inv(layout.R)[1]

    @cached_property
    def intercept(self) -> Fitted:
        """REML fits of the model in which groups differ in level only, and the information there."""
        return self._fitted(InterceptModel(self.layout, reml=True).fit(self.cells))

    @cached_property
    def slope(self) -> Fitted:
        """Those of the model in which groups differ in level and in change."""
        return self._fitted(SlopeModel(self.layout, reml=True).fit(self.cells))

    def _fitted(self, fits: dict[str, Array]) -> Fitted:
        psi = np.moveaxis(fits["psi"], -1, 0)
        structure = self.structure(psi.shape[-1])
        gamma = structure.from_data_units(psi, np.zeros((len(psi), 0)))
        return fits, Information.of(structure, gamma, reml=True, scale=fits["scale"])

    def structure(self, q: int) -> Structure:
        """Of the model in which the first q columns of X are random, from the cells' statistics."""
        layout, R, n = self.layout, self.layout.R, self.layout.rows
        unit = np.sqrt((self.cells.within + layout.sizes @ self.residuals**2) / n)
        unit[unit == 0] = 1.0
        Zr = np.moveaxis(layout.products(self.residuals / unit, layout.Q[:, :q]), -1, 0)
        changes, blocks = derivatives(-1 - np.arange(q), q, 0), []
        alone = np.array([kind[0] for kind in layout.kinds if len(kind) == 1], dtype=int)
        for groups in filter(len, [alone, *(kind for kind in layout.kinds if len(kind) > 1)]):
            count = 1 if groups is alone else len(groups)
            gram = layout.grams[groups if count == 1 else groups[:1]]
            rows = np.insert(Zr[:, groups], 0, 1.0, axis=-1)
            if count > q + 1:
                # Their products with X are the same, and those with r enter only as sums and sums of products.
                rows = np.asarray(np.linalg.qr(rows, mode="r"))
            ZB = np.concatenate([rows[..., :1, None] * gram[:, :q], rows[..., 1:, None]], axis=-1)
            blocks.append(GroupBlock(n * gram[:, :q, :q], np.sqrt(n) * ZB, changes, count))
        BB, R_inverse, R_re = np.diag([1.0, 1.0, n]), np.linalg.inv(R), R[:q, :q] / np.sqrt(n)
        start = self.coefficients.T
        return Structure(n, 2, q, 0, tuple(blocks), BB, R_inverse, start, unit, R_re, np.zeros(0))

    def answer(self, variance: Array, df: float | Array, effect: Array | None = None) -> Answer:
        """The answer of a t test, of the effect by least squares or another one. A standard error as small as rounding
        is none."""
        if effect is None:
            effect = self.effect @ self.coefficients
        se = np.sqrt(variance)
        return Answer(effect, se, df, se > 1e-12 * np.abs(self.cells.means).max(axis=0))


def pooled_t(data: DataSets) -> Answer:
    """Student's t test of all outcomes, as if every repeat were a group of its own."""
    df = data.layout.rows - 2
    variance = (data.cells.within + data.layout.sizes @ data.residuals**2) / df
    return data.answer(variance * (data.effect @ data.effect), df)


def paired_t(data: DataSets) -> Answer:
    """One-sample t test of the groups' differences; groups that missed a condition take no part."""
    second = np.flatnonzero(np.diff(data.layout.group, prepend=-1) == 0)
    differences = data.cells.means[second] - data.cells.means[second - 1]
    m = len(second)
    return data.answer(differences.var(axis=0, ddof=1) / m, m - 1, differences.mean(axis=0))


def t_on_means(data: DataSets) -> Answer:
    """Student's t test of the means of the groups, each in one condition."""
    first, other = (data.cells.means[data.layout.X[:, 1] == k] for k in (0, 1))
    df = len(first) + len(other) - 2
    squares = len(first) * first.var(axis=0) + len(other) * other.var(axis=0)
    variance = squares / df * (1 / len(first) + 1 / len(other))
    return data.answer(variance, df, other.mean(axis=0) - first.mean(axis=0))


def cluster_robust(data: DataSets, z: bool) -> Answer:
    """Least squares on all outcomes, standard error clustered by group; against z, or t with groups − 1 df.

    The factor for few clusters is the usual m/(m−1)·(N−1)/(N−2), "CR1": Stata's, and that of statsmodels'
    cov_type="cluster" (Cameron & Miller 2015, J. Human Resources 50:317).
    """
    layout = data.layout
    m, rows = layout.groups, layout.rows
    weights = layout.sizes * (layout.Q @ data.effect)
    influence = layout.members @ (weights[:, None] * data.residuals)
    variance = (influence**2).sum(axis=0) * m / (m - 1) * (rows - 1) / (rows - 2)
    return data.answer(variance, np.inf if z else m - 1)


def cluster_robust_cr2(data: DataSets) -> Answer:
    """The same with residuals adjusted for their leverage, "CR2", against t with Satterthwaite's df.

    With X = QR, the residuals of group i are multiplied by (I − QᵢQᵢᵀ)^(−1/2), which makes the variance unbiased if
    outcomes are independent; the df are those that it has then (Bell & McCaffrey 2002, Survey Methodology 28:169;
    Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36:672, with generalised inverses). With every group measured alike
    in both conditions it is the paired t test.
    """
    layout = data.layout
    Q, grams = layout.Q, layout.grams
    leverages, vectors = np.linalg.eigh(grams)  # those of QᵢQᵢᵀ that are not 0
    left = np.maximum(1 - leverages, 0)
    adjust = np.divide(1, np.sqrt(left), out=np.zeros_like(left), where=left > 1e-9)
    # The estimate is Σᵢ(Qᵢa)ᵀyᵢ with `effect` as a, and (I − QᵢQᵢᵀ)^(−1/2)Qᵢa = Qᵢwᵢ.
    w = np.einsum("mab,mb,mcb,c->ma", vectors, adjust, vectors, data.effect)
    weights = layout.sizes * (Q * w[layout.group]).sum(axis=1)
    influence = layout.members @ (weights[:, None] * data.residuals)
    # The variance is Σᵢ(pᵢᵀy)², and its df are (tr PᵀP)²/tr (PᵀP)², with PᵀP = diag(wᵢᵀuᵢ) − UUᵀ, uᵢ = QᵢᵀQᵢwᵢ.
    U = np.einsum("mab,mb->ma", grams, w)
    diagonal, taken = (w * U).sum(axis=1), (U**2).sum(axis=1)
    squares = (diagonal * (diagonal - 2 * taken)).sum() + ((U.T @ U) ** 2).sum()
    df = (diagonal - taken).sum() ** 2 / squares
    return data.answer((influence**2).sum(axis=0), float(df))


def mixed_t(data: DataSets, fitted: Fitted, test: type[Wald]) -> Answer:
    """The effect in a mixed model over its standard error, against t with the degrees of freedom of `test`."""
    fits, known = fitted
    found = test.of(known)
    variance = np.einsum("a,nab,b->n", data.effect, found.covariance, data.effect)
    answer = data.answer(variance, found.df(data.effect), known.beta @ data.effect)
    return replace(answer, usable=answer.usable & fits["solved"], singular=fits["singular"])


METHODS: dict[str, Callable[[DataSets], Answer]] = {
    "pooled t": pooled_t,
    "paired t": paired_t,
    "t on means": t_on_means,
    "cluster-robust z": lambda data: cluster_robust(data, z=True),
    "cluster-robust t": lambda data: cluster_robust(data, z=False),
    "cluster-robust CR2": cluster_robust_cr2,
    "intercept z": lambda data: mixed_t(data, data.intercept, Wald),
    "intercept Satterthwaite": lambda data: mixed_t(data, data.intercept, Satterthwaite),
    "intercept Kenward–Roger": lambda data: mixed_t(data, data.intercept, KenwardRoger),
    "slope z": lambda data: mixed_t(data, data.slope, Wald),
    "slope Satterthwaite": lambda data: mixed_t(data, data.slope, Satterthwaite),
    "slope Kenward–Roger": lambda data: mixed_t(data, data.slope, KenwardRoger),
}


def chosen_methods(methods: Any, design: Design) -> tuple[str, ...]:
    """The names asked for, spelt as in `METHODS`; all that the design allows when `methods` is None.

    TypeError or ValueError for no list of names, unknown or repeated ones, methods that the design does not allow.
    """
    needs = _needs(design)
    lacking = {name: needs.get(name) or needs.get(name.split()[0], "") for name in METHODS}
    if methods is None:
        return tuple(name for name, what in lacking.items() if not what)
    listed = isinstance(methods, Sequence) and not isinstance(methods, str)
    if not listed or not methods or not all(isinstance(name, str) for name in methods):
        raise TypeError(
            f"methods must be a list of one or more names, or left out for all; given {methods!r}"
        )
    plain = [" ".join(name.replace("–", "-").casefold().split()) for name in methods]
    known = {name.replace("–", "-").casefold(): name for name in METHODS}
    if unknown := [name for name, key in zip(methods, plain, strict=True) if key not in known]:
        raise ValueError(
            f"methods does not know {', '.join(map(repr, unknown))}; it knows {', '.join(METHODS)}"
        )
    names = tuple(known[key] for key in plain)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"methods names {name} more than once")
        if lacking[name]:
            raise ValueError(f"method {name!r} needs {lacking[name]}")
    return names


def _needs(design: Design) -> dict[str, str]:
    """What each method, or each that begins with this word, needs and the design does not have, if anything."""
    w, first = design.words, design.counts[:, :1]
    counts = np.hstack([first, design.counts.sum(axis=1, keepdims=True) - first])
    rows, cells, m = counts.sum(), np.sum(counts > 0), len(counts)
    both = int((counts > 0).all(axis=1).sum())
    pairs = f"two {w.groups} or more with outcomes in both {w.condition}s; the design has {both}"
    repeats = "more than one repeat in a cell: slopes and residuals cannot be told apart otherwise"
    residuals = "more repeats: nothing is left to estimate the residual variance from"
    each = f"two {w.groups} or more in each {w.condition}"
    apart = f"every {w.group} in one {w.condition} only, as with between=True"
    three = f"three {w.groups} or more, as between=True splits them"
    lacking = [  # of two for one method the last is told
        ("pooled", rows < 3, f"three outcomes or more; the design has {rows}"),
        ("paired", both < 2, pairs),
        ("slope", both < 2, pairs),
        ("slope", rows == cells, repeats),
        ("cluster-robust", (counts > 0).sum(axis=0).min() < 2, each),
        # An effect that shows within groups takes one of the differences within them.
        ("intercept", rows - m - (both > 0) < 1, residuals),
        ("intercept", not both and m < 3, three),
        ("t on means", not both and m < 3, three),
        ("t on means", both > 0, apart),
    ]
    return {method: what for method, lacks, what in lacking if lacks}
