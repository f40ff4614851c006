"""What a mixed model says of variation: SDs, correlations, their profile-likelihood intervals, shares of variance.

A profile holds one parameter (the SD of a random-effect column, a correlation, the SD of a variance component, or σ) at
a value while everything else is at its best; the interval holds the values whose deviance is no further above the
lowest than χ²₁ allows (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 5.1). R's confint profiles
ML whatever the fit; here REML fits profile the REML likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import confidence_level
from fewgroups.blocks import derivatives, square_derivatives
from fewgroups.checks import check_result
from fewgroups.component_columns import nesting_notes
from fewgroups.ddf import information, scaled_inverse
from fewgroups.examination import SHORTFALL, examine
from fewgroups.fitting import boundary
from fewgroups.likelihood import ROUNDS, Optimum, evaluate, minimise, optimum
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.structure import Structure, level_of_rows, sds_and_correlations

Array = np.ndarray
ZERO = 1e-7  # an SD relative to σ (per column of unit size) below which it is zero but for rounding
ONE = 1 - 1e-6  # a correlation from which on it is 1 but for rounding
AWAY = 0.05  # a start beside zero variances: at zero the deviance is flat, whether or not it is a minimum
PRECISE = 1e-9  # of the ends of an interval, relative
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
    low, high = Profiles.of(s, best, reml).intervals(best, level).T
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
class Profiles:
    """The deviance with one parameter held and everything else at its best, for both ends of all intervals at once.

    Coordinates are, in units of the optimum's `sigma`, the rows of the lower triangle of a factor of Ψ, in a basis of
    the random-effect columns where the held ones come first, and the SDs of components; and log σ/`sigma`: (size + 1,).
    Of k ends, squares (k, size, size, size): how γ depends on the factor, as in `evaluate`; held (k,): index of the
    held coordinate; pair (k,): whether that is the correlation of the first two columns, which then stands, with the
    length of the second one's row after it, for the two entries of that row; best (k, size + 1): the optimum.
    """

    structure: Structure
    reml: bool
    sigma: float
    squares: Array
    held: Array
    pair: Array
    best: Array

    @classmethod
    def of(cls, s: Structure, optimum: Optimum, reml: bool) -> Profiles:
        """Low and high end of every parameter, in the order of the table's rows: SDs of random-effect columns,
        correlations, SDs of components, σ."""
        rows = np.linalg.inv(s.R_re)
        pairs = [[i, j] for j in range(s.q) for i in range(j)]
        bases = [_basis(rows[columns]) for columns in [*([c] for c in range(s.q)), *pairs]]
        bases += [np.eye(s.q)] * (s.v + 1)
        held = [0] * s.q + [1] * len(pairs) + [*range(s.size - s.v, s.size + 1)]
        pair = np.repeat([False] * s.q + [True] * len(pairs) + [False] * (s.v + 1), 2)
        basis = np.repeat(bases, 2, axis=0)
        L, sds = s.unpack(optimum.theta)
        root = basis @ L
        best = s.pack(root @ root.swapaxes(-1, -2), np.tile(sds**2, (len(basis), 1)))
        best = np.column_stack([best, np.zeros(len(basis))])
        if pairs:
            row = best[pair, 1:3]
            length = np.maximum(np.linalg.norm(row, axis=1), 1e-300)
            best[pair, 1], best[pair, 2] = row[:, 0] / length, length
        back = np.linalg.inv(basis)[:, None]
        i, j = np.tril_indices(s.q)
        changes = (back @ derivatives(np.arange(s.q), s.q, 0) @ back.swapaxes(-1, -2))[..., i, j]
        turned = np.tile(np.eye(s.size), (len(basis), 1, 1))
        turned[:, : len(i), : len(i)] = changes.swapaxes(-1, -2)
        squares = np.einsum("krs,sij->krij", turned, square_derivatives(s.q, s.v))
        return cls(s, reml, float(np.sqrt(optimum.scale)), squares, np.repeat(held, 2), pair, best)

    def at(self, which: Array, x: Array, second: bool = True) -> tuple[Array, Array, Array]:
        """Deviances (j,) of the ends `which` (j,) at coordinates x (j, size + 1), gradients and, if `second`, Hessians
        (those by a held correlation only at the optimum)."""
        entries, by_x = x.copy(), np.tile(np.eye(x.shape[1]), (len(x), 1, 1))
        pair = self.pair[which]
        if pair.any():  # the signs of the rows must not change that of their correlation
            r, length = x[pair, 1], x[pair, 2]
            sign, rest = np.where(x[pair, 0] * length < 0, -1.0, 1.0), np.sqrt(1 - r**2)
            entries[pair, 1], entries[pair, 2] = sign * r * length, rest * length
            by_x[pair, 1, 1], by_x[pair, 1, 2] = sign * length, sign * r
            by_x[pair, 2, 1], by_x[pair, 2, 2] = -r * length / np.maximum(rest, 1e-6), rest
        ratio = np.exp(-x[:, -1:])
        theta = entries[:, :-1] * ratio
        change = by_x * np.where(np.arange(x.shape[1]) < x.shape[1] - 1, ratio, 1.0)[:, :, None]
        change[:, :-1, -1] -= theta
        scale = (self.sigma / ratio[:, 0]) ** 2
        at = evaluate(self.structure, theta, self.reml, scale, second, self.squares[which])
        gradient = (at.gradient[:, None] @ change)[:, 0]
        if not second:
            return at.deviance, gradient, np.zeros(0)
        hessian = change.swapaxes(-1, -2) @ at.hessian @ change
        by_entries = (at.gradient[:, None, :-1] @ change[:, :-1])[:, 0]
        by_entries[:, -1] = 0  # θ is entries over σ: curved
        hessian[:, -1] -= by_entries
        hessian[:, :, -1] -= by_entries
        hessian[:, -1, -1] += np.sum(at.gradient[:, :-1] * theta, axis=1)
        return at.deviance, gradient, hessian

    def lowest(self, which: Array, x: Array) -> tuple[Array, Array, Array]:
        """The lowest deviances (j,) of the ends `which` (j,) with the held coordinate as in x (j, size + 1), from which
        the others are searched for; their derivatives by the held coordinate; and all coordinates there."""
        s, x, here = self.structure, x.copy(), np.arange(len(which))
        free = np.arange(s.size + 1) != self.held[which, None]
        own = np.append(s.pack(np.eye(s.q), np.ones(s.v)) > 0, False)
        flat = own & free & (np.abs(x) < AWAY)
        x[flat] = np.copysign(AWAY, x[flat])
        both = free[:, :, None] & free[:, None, :]

        def objective(left: Array, y: Array) -> tuple[Array, Array, Array]:
            full, inside = x[left], free[left]
            full[inside] = y.ravel()
            deviance, gradient, hessian = self.at(which[left], full)
            square = hessian[both[left]].reshape(-1, s.size, s.size)
            return deviance, gradient[inside].reshape(y.shape), square

        ends, deviance, _ = minimise(objective, x[free].reshape(-1, s.size), s.n, 1e-8)
        x[free] = ends.ravel()
        return deviance, self.at(which, x, False)[1][here, self.held[which]], x

    def guesses(self, rise: float) -> Array:
        """Coordinates (k, size + 1) where the deviance would be higher by `rise` if it were a parabola; nan where it
        is none."""
        every, size = np.arange(len(self.held)), self.structure.size
        free = np.arange(size + 1) != self.held[:, None]
        hessian = self.at(every, self.best)[2]
        square = hessian[free[:, :, None] & free[:, None, :]].reshape(-1, size, size)
        mixed = hessian[every, self.held][free].reshape(-1, size)
        slopes = np.zeros_like(self.best)
        slopes[free] = -(np.linalg.pinv(square, hermitian=True) @ mixed[:, :, None]).ravel()
        slopes[~free] = 1.0
        bend = np.einsum("ki,kij,kj->k", slopes, hessian, slopes)
        step = np.sqrt(np.divide(2 * rise, bend, out=np.full_like(bend, np.nan), where=bend > 0))
        return self.best + np.where(every % 2, step, -step)[:, None] * slopes

    def intervals(self, optimum: Optimum, level: float) -> Array:
        """(parameters, 2) the values whose deviance is within χ²₁ of the lowest; SDs end at 0 and correlations at ±1
        where it never rises that far. Where one of its SDs may be zero, a correlation may be anything."""
        s, every, rise = self.structure, np.arange(len(self.held)), float(chi2.ppf(level, 1))
        up, sigma = np.where(every % 2, 1.0, -1.0), self.held == s.size
        bound = np.where(self.pair, up, np.where((up < 0) & ~sigma, 0.0, up * np.inf))
        best, near = self.best[every, self.held], self.guesses(rise)
        near = np.where(np.isfinite(near).all(axis=1)[:, None], near, self.best)
        values, last = near[every, self.held], near.copy()
        values = np.where(values == best, best + up * AWAY, values)
        values = np.where(up * (values - bound) > 0, bound, values)
        # From zero variances a search may not find those that are not: hence a second start, with all as large as σ.
        large = np.append(s.pack(np.eye(s.q), np.ones(s.v)), 0.0)

        def excess(which: Array, at: Array) -> tuple[Array, Array]:
            """Root of the rise in deviance, less that at an end, and its derivative."""
            starts = [last[which]] + [near[which]] * (not np.array_equal(near[which], last[which]))
            starts += [np.tile(large, (len(which), 1))] * bool(optimum.singular)
            both, x = np.tile(which, len(starts)), np.concatenate(starts)
            x[np.arange(len(both)), self.held[both]] = np.tile(at, len(starts))
            shaped = [y.reshape(len(starts), len(which), -1) for y in self.lowest(both, x)]
            lower = shaped[0].argmin(axis=0)[None]
            deviance, slope, last[which] = (np.take_along_axis(y, lower, axis=0)[0] for y in shaped)
            root = np.sqrt(np.maximum(deviance[:, 0] + 2 * optimum.loglik, 1e-12))
            over = root - np.sqrt(rise)
            # Beyond an end another valley may be lowest, such as that of an SD of zero: not the only start, then.
            near[which] = np.where(over[:, None] < 0, last[which], near[which])
            return over, slope[:, 0] / (2 * root)

        inside, outside, anything = best.copy(), up * np.inf, best == bound
        for group in (~self.pair, self.pair):
            left = np.flatnonzero(group & ~anything)
            for _ in range(ROUNDS):
                if not len(left):
                    break
                now, side, limit = values[left], up[left], bound[left]
                over, slope = excess(left, now)
                at_bound = now == limit
                ended = at_bound & (over <= 0)
                start = inside[left] = np.where(over < 0, now, inside[left])
                far = outside[left] = np.where(over < 0, outside[left], now)
                # The root rises almost in a line: Newton's method. Where it would leave the bracket: half-way; or
                # while that has no outer end, to the bound; or as far again.
                half = np.where(np.isfinite(far), (start + far) / 2, limit)
                half = np.where(np.isfinite(half), half, 2 * start - best[left] + side * AWAY)
                ahead = now - np.divide(
                    over, slope, out=np.full_like(over, np.nan), where=slope != 0
                )
                far = np.where(np.isfinite(far), far, limit)
                between = (side * ahead > side * start) & (side * ahead < side * far) & ~at_bound
                values[left] = np.where(ended, now, np.where(between, ahead, half))
                moved = np.abs(values[left] - now) > PRECISE * (np.abs(now) + AWAY)
                left = left[moved]
            values[anything] = bound[anything]
            zero = values[: 2 * s.q : 2] == 0
            pairs = [zero[[i, j]].any() for j in range(s.q) for i in range(j)]
            anything[self.pair] |= np.repeat(np.array(pairs, dtype=bool), 2)
        sizes = [*np.linalg.norm(np.linalg.inv(s.R_re), axis=1), *1 / s.unit_vc]
        units = np.ones(len(every))
        units[~self.pair & ~sigma] = self.sigma * np.repeat(sizes, 2)
        values[sigma] = self.sigma * np.exp(values[sigma])
        return np.asarray((values * units).reshape(-1, 2))


def _basis(rows: Array) -> Array:
    """(q, q): `rows` (k, q) brought to length 1, and below them an orthonormal basis of what they leave."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    full = np.linalg.qr(rows.T, mode="complete")[0].T
    return np.vstack([rows, full[len(rows) :]])
