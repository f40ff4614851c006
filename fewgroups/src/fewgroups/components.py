"""What a mixed model says of variation: SDs, correlations, their profile-likelihood intervals, shares of variance.

A profile holds one parameter (the SD of a random-effect column, a correlation, the SD of a variance component, or σ) at
a value while everything else is at its best; the interval holds the values whose deviance is no further above the
lowest than χ²₁ allows (Bates, Mächler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 5.1)."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.stats import chi2
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import confidence_level
from fewgroups.checks import check_result
from fewgroups.ddf import SHORTFALL, examine, scaled_inverse
from fewgroups.fitting import boundary
from fewgroups.formulas import nesting_notes
from fewgroups.likelihood import ROUNDS, Information, Optimum, by_coordinates, minimise, optimum
from fewgroups.structure import (
    Structure,
    level_of_rows,
    sds_and_correlations,
    square_derivatives,
    symmetric,
)
from fewgroups.wording import NotedTable, noted_table, say, useful_decimals

Array = np.ndarray
ZERO = 1e-7  # an SD relative to σ (per column of unit size) below which it is zero but for rounding
ONE = 1 - 1e-6  # a correlation from which on it is 1 but for rounding
AWAY = 0.05  # a start beside zero variances: at zero the deviance is flat, whether or not it is a minimum
PRECISE = 1e-7  # of the ends of an interval, relative
MOST = 6  # sources of variation up to which kinds of pairs are counted


def variances(result: Any, level: float = 0.95) -> NotedTable:
    """The variance parameters of a mixed model: SDs first, with profile intervals, and what each explains.

    result: a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit), any re_formula and vc_formula, REML or ML.
    level: coverage of the intervals, between 0 and 1.

    Returns a DataFrame, one row per parameter (index `component`: the random-effect columns, their correlations
    "a × b", the variance components, "residual"), columns
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

    Errors and warnings as in `coefficients`. Where a fit ended below the optimum (NotAtOptimumWarning), the estimates
    are those of the fit, the intervals those of the model.

    Sources: R²: Nakagawa, Johnson & Schielzeth 2017 (J. R. Soc. Interface 14:20170213); with random slopes, the mean of
    zᵀΨz over rows: Johnson 2014 (Methods Ecol. Evol. 5:944), both as R's `performance` has them."""
    level = confidence_level(level)
    plain = check_result(result)
    model, s, reml = plain.model, plain.structure, bool(plain.reml)
    seen, best = examine(plain, "wald"), optimum(s, reml)
    at = plain if seen.facts["shortfall"] > SHORTFALL else best
    cov_re, vcomp = np.reshape(at.cov_re, (s.q, s.q)), np.ravel(at.vcomp)
    scale = float(at.scale)
    # Variances that are zero but for rounding are zero, and correlations that are 1 but for rounding are 1.
    kept = np.append(np.diag(cov_re), vcomp) * s.mean_squares >= ZERO**2 * scale
    cov_re, vcomp = cov_re * np.outer(kept[: s.q], kept[: s.q]), vcomp * kept[s.q :]
    values = sds_and_correlations(cov_re, vcomp, np.array(scale))
    j, i = np.tril_indices(s.q, -1)
    pair = np.repeat([False, True, False], [s.q, len(i), s.v + 1])  # the rows of correlations
    values = np.where(pair & (np.abs(values) > ONE), np.sign(values), values)
    sd, r = np.where(pair, np.nan, values), np.where(pair, values, np.nan)
    low, high = Profiles(best).intervals(level).T
    se = _standard_errors(s, cov_re, vcomp, scale, values, pair, reml)
    squares = cov_re * (s.R_re.T @ s.R_re)  # tr(Ψ ZᵀZ)/n, by entries of Ψ
    parts = np.array([*np.diag(squares), *2 * squares[i, j], *vcomp * s.unit_vc**2, scale])
    shares = parts / parts.sum()
    columns: dict[str, Any] = {"sd": sd, "correlation": r, "variance": sd**2, "se": se}
    columns |= {"low": low, "high": high, "share": shares}
    del columns["share" if len(i) else "correlation"]

    labels = list(map(str, model.data.exog_re_names))
    components = [*map(str, model.exog_vc.names), "residual"]
    pairs = [f"{labels[a]} × {labels[b]}" for a, b in zip(i, j, strict=True)]
    index = pd.Index([*labels, *pairs, *components], name="component")
    places = max(useful_decimals(float(sd[sd > 0].min())), 2 if len(i) else 0)
    decimals = dict.fromkeys(["sd", "low", "high"], places) | {"correlation": 3, "share": 3}
    decimals |= dict.fromkeys(["variance", "se"], useful_decimals(float(sd[sd > 0].min() ** 2)))
    table = noted_table(columns, index, [], decimals)
    fixed = np.var(model.exog @ seen.found.coefficients, ddof=1) / parts.sum()
    by_source = {" and ".join(labels): float(shares[: len(labels + pairs)].sum())} if labels else {}
    by_source |= dict(zip(components, shares[len(labels + pairs) :].tolist(), strict=True))
    table.attrs |= {
        "icc": _pair_correlations(model, [*labels, *components[:-1]], cov_re, vcomp, scale),
        "shares": by_source,
        "r2_marginal": float(fixed / (fixed + 1)),
        "r2_conditional": float(1 - shares[-1] / (fixed + 1)),
        "method": "REML" if reml else "ML",
        "level": level,
        **{name: seen.facts[name] for name in ("singular", "shortfall")},
    }
    table.attrs["notes"] = (*_notes(table, boundary(model, best)), *nesting_notes(model))
    return table


def _standard_errors(
    s: Structure, cov_re: Array, vcomp: Array, scale: float, values: Array, pair: Array, reml: bool
) -> Array:
    """Of the variances and correlations in the table's rows, whose SDs and correlations are `values`: expected
    information, and the delta method for correlations, the rows `pair`. nan on the boundary."""
    found = Information.of(s, s.from_data_units(cov_re / scale, vcomp / scale), reml, scale)
    spread = 2 * scaled_inverse(found.expected)
    slopes = scale * (s.random @ symmetric(np.eye(s.size - s.v), s.q) @ s.random.T)  # of Ψ by γ
    own, j, i = np.diagonal(slopes, axis1=1, axis2=2), *np.tril_indices(s.q, -1)
    a, r = np.diag(cov_re), values[pair]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_r = slopes[:, i, j] / np.sqrt(a[i] * a[j]) - r / 2 * (own / a)[:, [i, j]].sum(axis=1)
    by_gamma = block_diag(np.hstack([own, by_r]).T, np.diag(scale / s.unit_vc**2), np.zeros((1, 0)))
    by_scale = np.where(pair, 0.0, values**2)  # variances are in units of σ², correlations not
    by_row = np.column_stack([by_gamma, by_scale])
    by_row[~np.where(pair, np.abs(values) < 1, values > 0)] = np.nan
    return np.sqrt(np.einsum("ra,ab,rb->r", by_row, spread, by_row))


def _pair_correlations(
    model: MixedLM, names: list[str], cov_re: Array, vcomp: Array, scale: float
) -> dict[str, float]:
    """Which levels two rows share → their correlation beyond the fixed effects, for each kind of pair in the data.

    Only where every random effect is a level that a row has or has not. Pairs that share at least some levels are
    counted by their labels; those that share no more follow by inclusion and exclusion."""
    if model.k_re > 1 or len(names) > MOST:
        return {}
    sources = [model.exog_re_li] * model.k_re + list(model.exog_vc.mats)
    levels = [level_of_rows(matrices) for matrices in sources]
    if any(level is None for level in levels):
        return {}
    variance = np.append(np.diag(cov_re), vcomp)
    sets = [c for size in range(1, len(names) + 1) for c in combinations(range(len(names)), size)]
    pairs: dict[tuple[int, ...], int] = {}
    for shared in reversed(sets):
        counts = np.unique(np.array([levels[k] for k in shared]), axis=1, return_counts=True)[1]
        also = sum(n for more, n in pairs.items() if set(shared) < set(more))
        pairs[shared] = np.sum(counts * (counts - 1) // 2) - also
    total, kinds = variance.sum() + scale, [shared for shared in sets if pairs[shared]]
    labels = [" and ".join(names[k] for k in shared) for shared in kinds]
    return {x: float(variance[[*k]].sum() / total) for x, k in zip(labels, kinds, strict=True)}


def _notes(table: NotedTable, at_bounds: tuple[str, ...]) -> list[str]:
    """What must be known besides the numbers; at_bounds: the variances and correlations on the boundary, in words."""
    facts, correlated = table.attrs, "correlation" in table
    both, percent = " and correlations" * correlated, f"{100 * facts['level']:g}"
    notes = [say("variances.intervals", percent=percent, kind=facts["method"], both=both)]
    if facts["method"] == "REML":
        notes[0] += " " + say("variances.confint")
    r2 = {key: f"{facts[f'r2_{key}']:.3f}" for key in ("marginal", "conditional")}
    if facts["icc"]:
        pairs = [say("variances.pair", value=f"{r:.3f}", levels=x) for x, r in facts["icc"].items()]
        notes += [say("variances.icc", pairs="; ".join(pairs)), say("variances.r2", **r2)]
    else:
        notes.append(say("variances.no_icc", **r2))
    if correlated:
        shares = ", ".join(f"{share:.3f} {name}" for name, share in facts["shares"].items())
        notes.append(say("variances.shares", shares=shares))
    if facts["singular"]:
        sds = table[["sd", "low", "high"]].iloc[:-1].dropna().itertuples()
        intervals = "; ".join(f"{name} {sd:.3g} ({a:.3g} to {b:.3g})" for name, sd, a, b in sds)
        what = "; ".join(at_bounds) or say("variances.some")
        notes.append(say("variances.singular", boundary=what, intervals=intervals))
    if facts["shortfall"] > SHORTFALL:
        notes.append(say("variances.short", shortfall=f"{facts['shortfall']:.2g}"))
    return notes


class Profiles:
    """The deviance with one parameter held and everything else at its best, for both ends of all intervals at once.

    Coordinates (size + 1,) are, in units of the optimum's σ, the rows of the lower triangle of a factor of Ψ in a basis
    of the random-effect columns where the held ones come first, the SDs of components, and the logarithm of σ. Of k
    ends, squares (k, size, size, size): how γ depends on the factor; held (k,): index of the held coordinate; pair
    (k,): whether that is the correlation of the first two columns, which then stands, with the length of the second
    one's row after it, for the two entries of that row; best (k, size + 1): the optimum."""

    def __init__(self, optimum: Optimum) -> None:
        """Low and high end of every parameter, in the order of the table's rows: SDs of random-effect columns,
        correlations, SDs of components, σ."""
        self.optimum, s = optimum, optimum.structure
        j, i = np.tril_indices(s.q, -1)
        bases = []
        for columns in (*np.arange(s.q)[:, None], *np.column_stack([i, j])):
            rows = s.random[columns]
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            full = np.linalg.qr(rows.T, mode="complete")[0].T
            bases.append(np.vstack([rows, full[len(rows) :]]))  # and what they leave
        basis = np.repeat([*bases, *[np.eye(s.q)] * (s.v + 1)], 2, axis=0)
        held = [0] * s.q + [1] * len(i) + [*range(s.size - s.v, s.size + 1)]
        self.held, self.squares = np.repeat(held, 2), square_derivatives(np.linalg.inv(basis), s.v)
        self.pair = np.repeat([False] * s.q + [True] * len(i) + [False] * (s.v + 1), 2)
        L, sds = s.unpack(optimum.theta)
        root = basis @ L
        best = s.pack(root @ root.swapaxes(-1, -2), np.tile(sds**2, (len(basis), 1)))
        self.best = np.column_stack([best, np.zeros(len(basis))])
        if len(i):
            row = self.best[self.pair, 1:3]
            length = np.maximum(np.linalg.norm(row, axis=1), 1e-300)
            self.best[self.pair, 1], self.best[self.pair, 2] = row[:, 0] / length, length

    def at(self, which: Array, x: Array) -> tuple[Array, Array, Array]:
        """Deviances (j,) of the ends `which` (j,) at coordinates x (j, size + 1), gradients and Hessians (those by a
        held correlation only at the optimum)."""
        entries, by_x = x.copy(), np.tile(np.eye(x.shape[1]), (len(x), 1, 1))
        pair = self.pair[which]
        if pair.any():  # the signs of the rows must not change that of their correlation
            r, length = x[pair, 1], x[pair, 2]
            sign = np.where(x[pair, 0] * length < 0, -1.0, 1.0)
            rest = np.sqrt(np.clip(1 - r**2, 0, None))
            entries[pair, 1], entries[pair, 2] = sign * r * length, rest * length
            by_x[pair, 1, 1], by_x[pair, 1, 2] = sign * length, sign * r
            by_x[pair, 2, 1], by_x[pair, 2, 2] = -r * length / np.maximum(rest, 1e-6), rest
        # γ is a quadratic form in the entries, over σ²
        constant = self.squares[which] * np.exp(-2 * x[:, -1])[:, None, None, None]
        slopes = np.zeros((len(x), x.shape[1], x.shape[1]))
        second = np.zeros((*slopes.shape, x.shape[1]))
        by_entries = slopes[:, :-1, :-1] = (constant @ entries[:, None, :-1, None])[..., 0]
        gamma = (by_entries @ entries[:, :-1, None])[..., 0] / 2
        slopes[:, :-1, -1], slopes[:, -1, -1] = -2 * gamma, 2
        second[:, :-1, :-1, :-1], second[:, :-1, -1, -1] = constant, 4 * gamma
        second[:, :-1, :-1, -1] = second[:, :-1, -1, :-1] = -2 * by_entries
        scale = self.optimum.scale * np.exp(2 * x[:, -1])
        found = Information.of(self.optimum.structure, gamma, self.optimum.reml, scale)
        gradient, hessian = by_coordinates(found.gradient, found.hessian, slopes, second)
        across = by_x.swapaxes(-1, -2)
        return found.deviance, (across @ gradient[..., None])[..., 0], across @ hessian @ by_x

    def intervals(self, level: float) -> Array:
        """(parameters, 2) the values whose deviance is within χ²₁ of the lowest; SDs end at 0 and correlations at ±1
        where it never rises that far. Where one of its SDs may be zero, a correlation may be anything."""
        s, held = self.optimum.structure, self.held
        every, rise = np.arange(len(held)), float(chi2.ppf(level, 1))
        best, up = self.best[every, held], np.where(every % 2, 1.0, -1.0)
        bound = np.where(self.pair, up, np.where((up < 0) & (held < s.size), 0.0, up * np.inf))
        reach = up * (bound - best)  # an end is sought by its distance from the best value
        # The first guess is where the deviance would have risen that far if it were a parabola.
        inverse = np.linalg.pinv(self.at(every, self.best)[2], hermitian=True)[every, held]
        bend = inverse[every, held]
        step = np.sqrt(np.divide(2 * rise, bend, out=np.zeros_like(bend), where=bend > 0))
        distance = np.minimum(np.where(bend > 0, step * bend, AWAY), reach)
        near = self.best + (up * step)[:, None] * inverse
        last, large = near.copy(), np.append(s.pack(np.eye(s.q), np.ones(s.v)), 0.0)

        def excess(which: Array, at: Array) -> Array:
            """Root of the rise in deviance where the ends `which` (j,) are at `at` (j,) and the other coordinates at
            their best, less what it is at an end."""
            starts = [last[which]]
            if not np.array_equal(near[which], last[which]):
                starts.append(near[which])
            # From zero variances a search may not find those that are not.
            if self.optimum.singular:
                starts.append(np.tile(large, (len(which), 1)))
            both, x = np.tile(which, len(starts)), np.concatenate(starts)
            x = np.where((large > 0) & (np.abs(x) < AWAY), np.copysign(AWAY, x), x)
            fixed = np.arange(len(both)), held[both]
            x[fixed] = np.tile(at, len(starts))

            def objective(left: Array, y: Array) -> tuple[Array, Array, Array]:
                deviance, gradient, hessian = self.at(both[left], y)
                still = np.arange(len(left)), held[both[left]]
                gradient[still] = hessian[still] = hessian.swapaxes(1, 2)[still] = 0.0
                return deviance, gradient, hessian

            ends, deviance, _ = minimise(objective, x, s.n, 1e-8)
            ends[fixed] = x[fixed]
            lower = deviance.reshape(len(starts), -1).argmin(axis=0) * len(which)
            lower += np.arange(len(which))
            last[which] = ends[lower]
            rises = np.maximum(deviance[lower] + 2 * self.optimum.loglik, 0)
            over = np.sqrt(rises) - np.sqrt(rise)
            # Beyond an end another valley may be lowest, such as that of an SD of zero: not the only start, then.
            near[which] = np.where(over[:, None] < 0, last[which], near[which])
            return over

        def value() -> Array:
            return np.where(distance == reach, bound, best + up * distance)

        # Distances known to be in the interval, and beyond it; the last one tried, and its excess.
        inside, outside = np.zeros_like(best), np.full_like(best, np.inf)
        before, shorter = np.zeros_like(best), np.full_like(best, -np.sqrt(rise))
        (j, i), anything = np.tril_indices(s.q, -1), reach == 0
        for group in (~self.pair, self.pair):
            distance[anything] = reach[anything]
            left = np.flatnonzero(group & ~anything)
            for _ in range(ROUNDS):
                if not len(left):
                    break
                now, limit, at = distance[left], reach[left], value()[left]
                over = excess(left, at)
                start = inside[left] = np.where(over < 0, now, inside[left])
                far = outside[left] = np.where(over < 0, outside[left], now)
                # The root rises almost in a line: the secant. Where it would leave the bracket: half-way; or while
                # that has no outer end, to the bound; or as far again.
                half = np.where(np.isfinite(limit), limit, 2 * start + AWAY)
                half = np.where(np.isfinite(far), (start + far) / 2, half)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ahead = now - over * (now - before[left]) / (over - shorter[left])
                between = (start < ahead) & (ahead < np.minimum(far, limit)) & (now != limit)
                ahead = np.where(between, ahead, half)
                distance[left] = np.where((now == limit) & (over <= 0), now, ahead)
                before[left], shorter[left] = now, over
                left = left[np.abs(distance[left] - now) > PRECISE * (np.abs(at) + AWAY)]
            zero = value()[: 2 * s.q : 2] == 0
            anything[self.pair] |= np.repeat(zero[i] | zero[j], 2)
        ends = value().reshape(-1, 2)
        ends[-1] = np.exp(ends[-1])
        sizes = np.array([*np.linalg.norm(s.random, axis=1), *1 / s.unit_vc, 1.0])
        sizes = np.insert(sizes * np.sqrt(self.optimum.scale), [s.q] * len(i), 1.0)
        return np.asarray(ends * sizes[:, None])
