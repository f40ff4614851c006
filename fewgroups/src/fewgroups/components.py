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
from fewgroups.likelihood import ROUNDS, Evaluation, Optimum, evaluate, minimise, optimum
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
    low, high = Profiles.of(s, best, reml).intervals(best, there.values(), level).T
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

    Coordinates are the rows of the lower triangle of Λ, in a basis of the random-effect columns where the held ones
    come first; the relative SDs of components; and log σ: (size + 1,). Of k ends, squares (k, size, size, size): how γ
    depends on them, as in `evaluate`; held (k,): index of the held coordinate; unit (k,): its value for an SD of 1 and
    σ = 1; pair (k,): whether the correlation of the first two columns is held, with the length of the second one's row
    as the coordinate after it; best (k, size + 1): the optimum.
    """

    structure: Structure
    reml: bool
    squares: Array
    held: Array
    unit: Array
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
        unit = [*1 / np.linalg.norm(rows, axis=1), *np.ones(len(pairs)), *s.unit_vc, 1.0]
        pair = np.repeat([False] * s.q + [True] * len(pairs) + [False] * (s.v + 1), 2)
        basis = np.repeat(bases, 2, axis=0)
        L, sds = s.unpack(optimum.theta)
        root = basis @ L
        theta = s.pack(root @ root.swapaxes(-1, -2), np.tile(sds**2, (len(basis), 1)))
        best = np.column_stack([theta, np.full(len(basis), np.log(optimum.scale) / 2)])
        if pairs:
            best[pair, 2] = np.linalg.norm(best[pair, 1:3], axis=1)
        back = np.linalg.inv(basis)[:, None]
        i, j = np.tril_indices(s.q)
        changes = (back @ derivatives(np.arange(s.q), s.q, 0) @ back.swapaxes(-1, -2))[..., i, j]
        turned = np.tile(np.eye(s.size), (len(basis), 1, 1))
        turned[:, : len(i), : len(i)] = changes.swapaxes(-1, -2)
        squares = np.einsum("krs,sij->krij", turned, square_derivatives(s.q, s.v))
        return cls(s, reml, squares, np.repeat(held, 2), np.repeat(unit, 2), pair, best)

    def whole(self, which: Array, x: Array, values: Array) -> tuple[Array, Array, Array]:
        """All coordinates (j, size + 1) of the ends `which` (j,), of the free ones x (j, size) and the values held; and
        their derivatives by the free ones (j, size + 1, size) and by the value (j, size + 1)."""
        s, held, ends = self.structure, self.held[which], np.arange(len(which))
        free = self.free(which)
        full, by_value = np.zeros((2, len(which), s.size + 1))
        slopes = np.zeros((*full.shape, s.size))
        np.put_along_axis(full, free, x, axis=1)
        np.put_along_axis(slopes, free[:, None], 1.0, axis=1)
        pair, sigma = self.pair[which], held == s.size
        full[sigma, -1], by_value[sigma, -1] = np.log(values[sigma]), 1 / values[sigma]
        sd = ends[~sigma & ~pair]
        by_value[sd, held[sd]] = self.unit[which][sd] * np.exp(-full[sd, -1])
        full[sd, held[sd]] = values[sd] * by_value[sd, held[sd]]
        slopes[sd, held[sd], -1] = -full[sd, held[sd]]
        if pair.any():  # the signs of the rows must not change that of their correlation
            signs, r = np.where(full[pair][:, [0, 2]] < 0, -1.0, 1.0), values[pair]
            full[pair, 0] *= signs[:, 0]
            slopes[pair, 0, 0] = signs[:, 0]
            rest = np.sqrt(np.maximum(1 - r**2, 0))
            length = np.abs(full[pair, 2])
            full[pair, 1], full[pair, 2] = length * r, length * rest
            slopes[pair, 1, 1], slopes[pair, 2, 1] = signs[:, 1] * r, signs[:, 1] * rest
            by_value[pair, 1] = length
            by_value[pair, 2] = -length * r / np.maximum(rest, 1e-300)
        return full, slopes, by_value

    def free(self, which: Array) -> Array:
        """Indices (j, size) of the coordinates that are not held."""
        size = self.structure.size
        return np.nonzero(np.arange(size + 1) != self.held[which, None])[1].reshape(-1, size)

    def lowest(self, which: Array, values: Array, near: Array) -> tuple[Array, Array, Array]:
        """The lowest deviances (j,) of the ends `which` (j,) held at `values` (j,), their derivatives by the values,
        and the free coordinates (j, size) there; searched for from `near` (j, size)."""
        s = self.structure
        own = np.append(np.eye(s.q)[np.tri(s.q, dtype=bool)] > 0, [True] * s.v + [False])
        flat = own[self.free(which)] & (np.abs(near) < AWAY)

        def at(left: Array, full: Array, second: bool) -> Evaluation:
            theta, scale, squares = full[:, :-1], np.exp(2 * full[:, -1]), self.squares[which[left]]
            return evaluate(s, theta, self.reml, scale, second, squares)

        def objective(left: Array, x: Array) -> tuple[Array, Array, Array]:
            full, slopes, _ = self.whole(which[left], x, values[left])
            found = at(left, full, True)
            hessian = slopes.swapaxes(-1, -2) @ found.hessian @ slopes
            held = self.held[which[left]]
            sd = np.flatnonzero((held < s.size) & ~self.pair[which[left]])
            hessian[sd, -1, -1] += found.gradient[sd, held[sd]] * full[sd, held[sd]]
            return found.deviance, (found.gradient[:, None] @ slopes)[:, 0], hessian

        start = np.where(flat, np.copysign(AWAY, near), near)
        ends, deviance, _ = minimise(objective, start, s.n, 1e-10)
        full, _, by_value = self.whole(which, ends, values)
        gradient = at(np.arange(len(which)), full, False).gradient
        return deviance, np.sum(gradient * by_value, axis=1), ends

    def intervals(self, optimum: Optimum, estimates: Array, level: float) -> Array:
        """(parameters, 2) the values whose deviance is within χ²₁ of the lowest; SDs end at 0 and correlations at ±1
        where it never rises that far. Where one of its SDs may be zero, a correlation may be anything."""
        s, every, root = self.structure, np.arange(len(self.held)), np.sqrt(chi2.ppf(level, 1))
        # From zero variances a search may not find those that are not: hence a second start, with all as large as σ.
        large = np.tile(s.pack(np.eye(s.q), np.ones(s.v)), (len(every), 1))
        large = np.column_stack([large, self.best[:, -1]])
        best, large = (np.take_along_axis(x, self.free(every), axis=1) for x in (self.best, large))
        near = best.copy()

        def excess(which: Array, values: Array) -> tuple[Array, Array]:
            """Root of the rise in deviance, less that at an end, and its derivative."""
            starts = [near[which], large[which]] if optimum.singular else [near[which]]
            twice = np.tile(which, len(starts)), np.tile(values, len(starts))
            found = self.lowest(*twice, np.concatenate(starts))
            shaped = [x.reshape(len(starts), len(which), -1) for x in found]
            lower = shaped[0].argmin(axis=0)[None]
            deviance, slope, ends = (np.take_along_axis(x, lower, axis=0)[0] for x in shaped)
            deviance, slope = deviance[:, 0], slope[:, 0]
            rise = np.sqrt(np.maximum(deviance + 2 * optimum.loglik, 1e-12))
            # Beyond an end another valley may be lowest, such as that of an SD of zero: no start for what lies inside.
            near[which] = np.where(rise[:, None] < root, ends, near[which])
            return rise - root, slope / (2 * rise)

        high, sigma = every % 2 == 1, self.held == s.size
        inside = np.repeat(np.where(np.isfinite(estimates), estimates, 0.0), 2)
        start = np.where(inside > 0, inside, AWAY * np.sqrt(optimum.scale) / self.unit)
        outside = np.where(high, 2 * start, np.where(sigma, start / 2, 0.0))
        outside[self.pair] = np.where(high, 1.0, -1.0)[self.pair]
        over, _ = excess(every, outside)
        while len(going := np.flatnonzero((over < 0) & ~self.pair & (high | sigma))):
            outside[going] *= np.where(high[going], 2.0, 0.5)
            over[going], _ = excess(going, outside[going])
        open_ended = over <= 0
        pairs = [(i, j) for j in range(s.q) for i in range(j)]
        for number, columns in enumerate(pairs, start=s.q):
            open_ended[2 * number :][:2] |= open_ended[2 * np.array(columns)].any()
        left = np.flatnonzero(~open_ended & (inside != outside))
        near[left] = best[left]
        # The root rises almost in a line: Newton's method, or half-way where that would leave the bracket.
        values = inside + (outside - inside) * root / (root + np.maximum(over, 0))
        for _ in range(ROUNDS):
            if not len(left):
                break
            now = values[left]
            over, slope = excess(left, now)
            inside[left] = np.where(over < 0, now, inside[left])
            outside[left] = np.where(over < 0, outside[left], now)
            guess = now - np.divide(over, slope, out=np.full_like(over, np.inf), where=slope != 0)
            beyond = (guess - inside[left]) * (guess - outside[left]) >= 0
            values[left] = np.where(beyond, (inside[left] + outside[left]) / 2, guess)
            left = left[np.abs(values[left] - now) > PRECISE * np.abs(outside[left])]
        return np.asarray(np.where(open_ended, outside, values).reshape(-1, 2))


def _basis(rows: Array) -> Array:
    """(q, q): `rows` (k, q) brought to length 1, and below them an orthonormal basis of what they leave."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    full = np.linalg.qr(rows.T, mode="complete")[0].T
    return np.vstack([rows, full[len(rows) :]])
