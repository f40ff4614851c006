"""What a mixed model says of variation: SDs, correlations, their profile-likelihood intervals, shares of variance.

A profile holds one parameter (the SD of a random-effect column, a correlation, the SD of a variance component, or σ) at
a value while everything else is at its best; the interval holds the values whose deviance is no further above the
lowest than χ²₁ allows (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 5.1). R's confint profiles
ML whatever the fit; here REML fits profile the REML likelihood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize
from scipy.stats import chi2
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import confidence_level
from fewgroups.blocks import derivatives
from fewgroups.checks import check_result
from fewgroups.component_columns import nesting_notes
from fewgroups.ddf import information, scaled_inverse
from fewgroups.examination import SHORTFALL, examine
from fewgroups.fitting import boundary
from fewgroups.likelihood import Optimum, evaluate, optimum
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.structure import Structure, level_of_rows, sds_and_correlations, sqrt_factor

Array = np.ndarray
ZERO = 1e-7  # an SD relative to σ (per column of unit size) below which it is zero but for rounding
ONE = 1 - 1e-6  # a correlation from which on it is 1 but for rounding
AWAY = 0.05  # a start beside zero variances: at zero the deviance is flat, whether or not it is a minimum
PRECISE = 1e-9  # relative, of the ends of an interval
Lowest = tuple[float, Array, Array | None]
MOST = 6  # sources of variation up to which kinds of pairs are counted


def variances(result: Any, level: float = 0.95) -> NotedTable:
    """The variance parameters of a mixed model: SDs first, with profile intervals, and what each explains.

    Parameters
    ----------
    result:
        a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit), any re_formula and vc_formula, REML or ML.
    level:
        coverage of the intervals, between 0 and 1.

    Returns
    -------
    A DataFrame, one row per parameter (index `component`: the random-effect columns, their correlations "a × b", the
    variance components, "residual"), columns

    sd, variance: in units of the outcome (per unit of the column for slopes) and in those units squared.
    correlation: only in models that have one; rows of correlations have no sd and no variance.
    se: standard error *of the variance* (of the correlation in its rows), from the expected REML or ML information at
        the estimates; missing on the boundary, where none exists. A variance estimated from few groups is skewed: the
        interval says more.
    low, high: profile-likelihood interval *of the SD* (of the correlation in its rows); squared, that of the variance.
        REML fits profile the REML likelihood, where R's confint profiles ML whatever the fit. low is 0 where zero
        cannot be excluded; a correlation may reach ±1.
    share: of the variance beyond the fixed effects, averaged over the rows of the data; the shares add up to 1. Not in
        models with correlated random effects, whose variances do not add up: a note gives the share of all together.

    Values are exact, only the display is rounded. `.notes` says the rest in words; `.attrs` holds

    icc: which levels two rows share → their correlation beyond the fixed effects, for each kind of pair that the data
        have, such as {"plate": 0.15, "sample": 0.79}; empty with random slopes, where it depends on the predictors.
    shares: source of variation → share, correlated columns together; they add up to 1.
    r2_marginal, r2_conditional: of fixed, of fixed and random effects; with method, level, singular, shortfall.

    Errors and warnings
    -------------------
    As in `coefficients`. Where a fit ended below the optimum (NotAtOptimumWarning), the estimates are those of the fit,
    the intervals those of the model.

    Sources: R²: Nakagawa, Johnson & Schielzeth 2017 (J. R. Soc. Interface 14:20170213); with random slopes, the mean of
    zᵀΨz over rows: Johnson 2014 (Methods Ecol. Evol. 5:944), both as R's `performance` has them.
    """
    level = confidence_level(level)
    plain = check_result(result)
    model, reml = plain.model, bool(plain.reml)
    seen = examine(plain, "wald")
    s = plain.structure
    best = optimum(s, reml)
    there = here = Estimates.of(s, best.cov_re, best.vcomp, best.scale)
    if seen.facts["shortfall"] > SHORTFALL:
        here = Estimates.of(s, plain.cov_re, plain.vcomp, float(plain.scale))

    labels = [str(name) for name in model.data.exog_re_names] if s.q else []
    components = [str(name) for name in model.exog_vc.names]
    correlations = [f"{labels[i]} × {labels[j]}" for i, j in there.pairs]
    ends: list[tuple[float, float]] = []
    for profile, estimate in zip(Profile.of_all(s, reml), there.values(), strict=True):
        # Where one of its SDs may be zero, a correlation may be anything.
        unknown = any(ends[column][0] == 0 for column in profile.pair)
        ends.append((-1.0, 1.0) if unknown else profile.interval(best, estimate, level))
    low, high = np.array(ends).T
    columns: dict[str, Any] = here.columns(s, reml) | {"low": low, "high": high}
    parts = here.parts(s)
    shares = parts / parts.sum()
    if not there.pairs:
        columns["share"] = shares
    index = pd.Index([*labels, *correlations, *components, "residual"], name="component")
    table = noted_table(columns, index, [], _decimals(columns))
    fixed = float(np.var(np.asarray(model.exog) @ seen.beta, ddof=1)) / float(parts.sum())
    together = [" and ".join(labels)] * bool(labels)
    random = [float(shares[: len(labels) + len(correlations)].sum())] * bool(labels)
    random += shares[len(labels) + len(correlations) :].tolist()
    table.attrs |= {
        "icc": _pair_correlations(model, here),
        "shares": dict(zip([*together, *components, "residual"], random, strict=True)),
        "r2_marginal": fixed / (fixed + 1),
        "r2_conditional": 1 - float(shares[-1]) / (fixed + 1),
        "method": "REML" if reml else "ML",
        "level": level,
        "singular": seen.facts["singular"],
        "shortfall": seen.facts["shortfall"],
    }
    table.attrs["notes"] = (*_notes(table, boundary(model, s, best)), *nesting_notes(model))
    return table


@dataclass(frozen=True)
class Estimates:
    """Ψ (q, q), τ² (v,), σ² with rounding removed; pairs: the random-effect columns of each correlation.

    In the order of the table's rows: the q SDs, the correlations, the v components, σ.
    """

    cov_re: Array
    vcomp: Array
    scale: float
    pairs: list[tuple[int, int]]

    @classmethod
    def of(cls, s: Structure, cov_re: Any, vcomp: Any, scale: float) -> Estimates:
        """From the values of a fit."""
        cov_re = np.array(cov_re, dtype=float).reshape(s.q, s.q)
        vcomp = np.array(vcomp, dtype=float).reshape(s.v)
        sizes = np.append(np.sum(s.R_re**2, axis=0), s.unit_vc**2)  # mean squares of the columns
        zero = np.append(np.diag(cov_re), vcomp) * sizes < ZERO**2 * scale
        cov_re[zero[: s.q], :] = cov_re[:, zero[: s.q]] = 0.0
        vcomp[zero[s.q :]] = 0.0
        return cls(cov_re, vcomp, scale, [(i, j) for j in range(s.q) for i in range(j)])

    def values(self) -> Array:
        """SDs and correlations, one per row."""
        values = sds_and_correlations(self.cov_re, self.vcomp, np.array(self.scale))
        q, pairs = len(self.cov_re), len(self.pairs)
        r = values[q : q + pairs]
        values[q : q + pairs] = np.where(np.abs(r) > ONE, np.sign(r), r)
        return values

    def parts(self, s: Structure) -> Array:
        """What each row gives to the variance of an observation, averaged over observations: tr(Ψ ZᵀZ)/n, …"""
        squares = s.R_re.T @ s.R_re
        covariances = [2 * self.cov_re[i, j] * squares[i, j] for i, j in self.pairs]
        own = np.diag(self.cov_re * squares)
        return np.array([*own, *covariances, *(self.vcomp * s.unit_vc**2), self.scale])

    def columns(self, s: Structure, reml: bool) -> dict[str, Array]:
        """sd, correlation if there is one, variance and se, a value per row."""
        values, q, pairs = self.values(), s.q, len(self.pairs)
        among = np.isin(np.arange(len(values)), np.arange(q, q + pairs))
        sd, correlation = np.where(among, np.nan, values), np.where(among, values, np.nan)
        columns = {"sd": sd} | ({"correlation": correlation} if pairs else {}) | {"variance": sd**2}
        triangle = [(i, j) for j in range(q) for i in range(j + 1)]
        where = {pair: k for k, pair in enumerate(triangle)}  # the parameters: Ψ's lower triangle
        spread = self._spread(s, reml)
        slopes = np.zeros((len(values), len(spread)))  # of variances and correlations by these
        slopes[range(q), [where[i, i] for i in range(q)]] = 1.0
        for row, (i, j) in enumerate(self.pairs, start=q):
            r, a, b = values[row], self.cov_re[i, i], self.cov_re[j, j]
            if abs(r) < 1:
                by = [1 / np.sqrt(a * b), -r / (2 * a), -r / (2 * b)]
                slopes[row, [where[i, j], where[i, i], where[j, j]]] = by
        slopes[q + pairs :, len(where) :] = np.eye(s.v + 1)
        inside = np.where(among, np.abs(values) < 1, values > 0)
        error = np.sqrt(np.einsum("ra,ab,rb->r", slopes, spread, slopes))
        return columns | {"se": np.where(inside, error, np.nan)}

    def _spread(self, s: Structure, reml: bool) -> Array:
        """Covariance (k, k) of the estimates of Ψ (rows of its lower triangle), τ² and σ²: expected information."""
        found = information(s, self.cov_re, self.vcomp, self.scale, reml)
        spread = 2 * scaled_inverse(found.expected if reml else found.traces)
        rows, columns = np.tril_indices(s.q)
        units = found.random @ derivatives(np.arange(s.q), s.q, 0) @ found.random.T
        back = np.eye(len(spread))  # from covariances of orthonormal columns to those of the data's
        back[: len(rows), : len(rows)] = units[:, rows, columns].T
        return np.asarray(back @ spread @ back.T)


def _pair_correlations(model: MixedLM, at: Estimates) -> dict[str, float]:
    """Which levels two rows share → their correlation beyond the fixed effects, for each kind of pair in the data.

    Only where every random effect is a level that a row has or has not. Pairs that share at least some levels are
    counted by their labels; those that share no more follow by inclusion and exclusion.
    """
    sources = [model.exog_re_li] * (model.k_re == 1) + list(model.exog_vc.mats)
    names = [str(name) for name in [*model.data.exog_re_names[: model.k_re], *model.exog_vc.names]]
    if model.k_re > 1 or len(names) > MOST:
        return {}
    levels = [level_of_rows(matrices) for matrices in sources]
    if any(level is None for level in levels):
        return {}
    variance = np.append(np.diag(at.cov_re), at.vcomp)
    sets = [c for size in range(1, len(names) + 1) for c in combinations(range(len(names)), size)]
    pairs: dict[tuple[int, ...], int] = {}
    for shared in reversed(sets):
        counts = np.unique(np.array([levels[k] for k in shared]), axis=1, return_counts=True)[1]
        at_least = sum(int(count) * (int(count) - 1) // 2 for count in counts)
        pairs[shared] = at_least - sum(n for more, n in pairs.items() if set(shared) < set(more))
    total = variance.sum() + at.scale
    return {
        " and ".join(names[k] for k in shared): float(variance[list(shared)].sum() / total)
        for shared in sets
        if pairs[shared]
    }


def _decimals(columns: dict[str, Array]) -> dict[str, int]:
    sds, squares = columns["sd"][columns["sd"] > 0], columns["variance"][columns["variance"] > 0]
    places = max(useful_decimals(float(sds.min())), 2 if "correlation" in columns else 0)
    squared = useful_decimals(float(squares.min()))
    decimals = {"correlation": 3, "share": 3} | dict.fromkeys(["sd", "low", "high"], places)
    return decimals | dict.fromkeys(["variance", "se"], squared)


def _notes(table: NotedTable, at_bounds: tuple[str, ...]) -> list[str]:
    """What must be known besides the numbers; at_bounds: the variances and correlations on the boundary, in words."""
    facts, correlated = table.attrs, "correlation" in table
    both = " and correlations" * correlated
    notes = [
        f"low, high: {100 * facts['level']:g} % profile {facts['method']} intervals of the SDs{both}; se: of the "
        f"variances{both}."
    ]
    if facts["method"] == "REML":
        notes[0] += " R's confint() profiles ML for REML fits too, so its intervals differ."
    r2 = f"R² marginal {facts['r2_marginal']:.3f}, conditional {facts['r2_conditional']:.3f}."
    if facts["icc"]:
        pairs = "; ".join(f"{value:.3f} of the same {same}" for same, value in facts["icc"].items())
        notes += [f"ICC, the correlation of two rows beyond the fixed effects: {pairs}.", r2]
    else:
        notes.append(f"{r2} How alike two rows are depends on their predictors: no single ICC.")
    if correlated:
        shares = ", ".join(f"{share:.3f} {name}" for name, share in facts["shares"].items())
        notes.append(f"Shares of the variance beyond the fixed effects, mean over rows: {shares}.")
    if facts["singular"]:
        sds = table[["sd", "low", "high"]].iloc[:-1].dropna()
        intervals = "; ".join(
            f"{name} {sd:.3g} ({low:.3g} to {high:.3g})" for name, sd, low, high in sds.itertuples()
        )
        notes.append(
            f"Singular fit: {'; '.join(at_bounds) or 'a variance is zero or a correlation ±1'}. Such an estimate has "
            f"no standard error; the SDs with their intervals say what the data do not exclude: {intervals}."
        )
    if facts["shortfall"] > SHORTFALL:
        notes.append(
            f"This fit is not at its optimum: its log-likelihood is {facts['shortfall']:.2g} below what the model "
            "reaches. The estimates are those of this fit, the intervals those of the model; fewgroups.fit finds the "
            "optimum."
        )
    return notes


# ---- profile likelihoods of single parameters ---------------------------------------------------------------


@dataclass(frozen=True)
class Profile:
    """Deviance with one parameter held; `free` coordinates are what is left of Λ (and log σ) to be best.

    basis: (q, q) a basis of the standardised random-effect columns, the held ones first; held: index of the
    held entry of (rows of the lower triangle, components, log σ); unit: the entry at value 1 and σ = 1;
    pair: for a correlation, the two random-effect columns, which come first in `basis`; else empty.
    """

    structure: Structure
    reml: bool
    basis: Array
    held: int
    unit: float
    pair: tuple[int, ...] = ()

    @classmethod
    def of_all(cls, s: Structure, reml: bool) -> list[Profile]:
        """Of every parameter, in the order of the table's rows: SDs, correlations, SDs of components, σ."""
        rows = np.linalg.inv(s.R_re)[:, None]
        found = [cls(s, reml, _basis(row), 0, 1 / float(np.linalg.norm(row))) for row in rows]
        for pair in [(i, j) for j in range(s.q) for i in range(j)]:
            found.append(cls(s, reml, _basis(rows[list(pair), 0]), 1, 1.0, pair))
        units = [*s.unit_vc.tolist(), 1.0]
        held = range(s.size - s.v, s.size + 1)
        return found + [cls(s, reml, np.eye(s.q), *one) for one in zip(held, units, strict=True)]

    def start(self, theta: Array, scale: float) -> Array:
        """All coordinates (size + 1,) of a point θ, σ²."""
        L, sds = self.structure.unpack(theta)
        root = sqrt_factor(self.basis @ L @ L.T @ self.basis.T)
        return np.concatenate([root[np.tri(len(root), dtype=bool)], sds, [np.log(scale) / 2]])

    def at(self, value: float, near: Array, curvature: Array | None) -> Lowest:
        """The lowest deviance with the parameter at `value`, its coordinates (size + 1,), and the inverse Hessian
        (size, size), or None if the search got stuck. It starts `near`, with the `curvature` of an earlier one."""
        s, start, free = self.structure, near.copy(), np.delete(np.arange(len(near)), self.held)
        if self.held == s.size:
            start[-1] = np.log(value)
        flat = np.append(np.eye(s.q)[np.tri(s.q, dtype=bool)] > 0, [True] * s.v + [False])
        flat &= np.abs(start) < AWAY
        start[flat] = np.copysign(AWAY, start[flat])

        def both(x: Array) -> tuple[float, Array]:
            start[free] = x
            deviance, slope = self._deviance(value, start)
            return deviance, slope[free]

        options = {"gtol": 1e-5 * np.sqrt(s.n), "hess_inv0": curvature}
        found = minimize(both, start[free], jac=True, method="BFGS", options=options)
        start[free] = found.x
        inverse = (found.hess_inv + found.hess_inv.T) / 2
        useful = found.success and np.linalg.eigvalsh(inverse)[0] > 1e-10
        return float(found.fun), start, inverse if useful else None

    def _deviance(self, value: float, point: Array) -> tuple[float, Array]:
        """Deviance and its slopes (size + 1,) by the coordinates; those of the held one mean nothing."""
        s = self.structure
        entries, log_sigma = point[:-1].copy(), point[-1]
        if self.held < s.size and not self.pair:
            entries[self.held] = value * self.unit * np.exp(-log_sigma)
        L, sds = s.unpack(entries)
        root = L.copy()
        if self.pair:  # free are both rows' lengths, whose signs must not change the correlation's
            along = np.array([value, np.sqrt(max(1 - value**2, 0.0))])
            signs = np.where(np.diag(L)[:2] < 0, -1.0, 1.0)
            root[0, 0], root[1, :2] = abs(L[0, 0]), abs(L[1, 1]) * along
        back = np.linalg.solve(self.basis, root) if s.q else root
        scale = float(np.exp(2 * log_sigma))
        found = evaluate(s, s.pack(back @ back.T, sds**2), self.reml, scale)
        by_root = 2 * np.linalg.solve(self.basis.T, found.score_re @ back) if s.q else root
        if self.pair:
            by_root[0, 0], by_root[1, 1] = signs * [by_root[0, 0], by_root[1, :2] @ along]
        df = s.n - s.p if self.reml else s.n
        slope = np.concatenate([by_root[np.tri(s.q, dtype=bool)], 2 * found.score_vc * sds, [0.0]])
        slope[-1] = 2 * df * (1 - found.scale / scale)
        if self.held < s.size and not self.pair:
            slope[-1] -= slope[self.held] * entries[self.held]
        return found.deviance, slope

    def interval(self, best: Optimum, estimate: float, level: float) -> tuple[float, float]:
        """The values whose deviance is within χ²₁ of the lowest, that of the optimum `best`; SDs end at 0 and
        correlations at ±1 where it never rises that far."""
        root, lowest = np.sqrt(chi2.ppf(level, 1)), -2 * best.loglik
        known: dict[float, Lowest] = {estimate: (lowest, self.start(best.theta, best.scale), None)}

        def excess(value: float) -> float:
            if value not in known:
                ended = [x for x in known if x == estimate or known[x][2] is not None]
                nearest = min(ended, key=lambda other: abs(other - value))
                known[value] = self.at(value, *known[nearest][1:])
                if known[value][2] is None and nearest != estimate:  # stuck: from the optimum, then
                    known[value] = self.at(value, *known[estimate][1:])
            return float(np.sqrt(max(known[value][0] - lowest, 0.0)) - root)

        if self.pair:
            middle = estimate if np.isfinite(estimate) else 0.0
            return _end(excess, middle, -1.0), _end(excess, middle, 1.0)
        low = estimate if self.held == self.structure.size else 0.0  # σ has no zero to end at
        while low > 0 and excess(low) < 0:
            low /= 2
        high = estimate if estimate > 0 else AWAY * np.sqrt(best.scale) / self.unit
        while excess(high) < 0:
            high *= 2
        return _end(excess, estimate, low), _end(excess, estimate, high)


def _end(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Where excess crosses zero between `inside` (below) and `outside`; `outside` if it never does."""
    if inside == outside or excess(outside) <= 0:
        return outside
    return float(brentq(excess, inside, outside, xtol=PRECISE * abs(outside - inside), rtol=1e-8))


def _basis(rows: Array) -> Array:
    """(q, q): `rows` (k, q) brought to length 1, and below them an orthonormal basis of what they leave."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    full = np.linalg.qr(rows.T, mode="complete")[0].T
    return np.vstack([rows, full[len(rows) :]])
