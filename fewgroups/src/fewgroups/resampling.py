"""New data from a fit, refits of them, and the parametric bootstrap: what estimates would do in studies that repeat
this one. All are fitted at once: by the batch engine where it knows the model, else by `likelihood.optima`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults

from fewgroups.arguments import confidence_level, whole_number
from fewgroups.batch import fit_many
from fewgroups.checks import NotAtOptimumWarning, check_result
from fewgroups.examination import SHORTFALL
from fewgroups.likelihood import Optimum, optima, optimum
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.progress import progress_bar
from fewgroups.simulation import BLOCK, room_for
from fewgroups.structure import (
    Structure,
    dense,
    orthonormal,
    random_design,
    sds_and_correlations,
    sqrt_factor,
)

Array = np.ndarray
VALUES = 2**20  # numbers that a block of drawn data sets may hold: 8 MB
FEW = 20  # groups below which a nominal 5 % of large-sample theory means 6 % or more


def simulate_from(result: Any, n: int, seed: int) -> Array:
    """New data from a fit: scores (n, rows), rows in the order of the data that were fitted, in their units.

    Random effects and residuals are drawn anew from the fit's variances, for the same predictors: what the same study
    would find with other groups. The outcome is not clipped: a fit knows of no bounds. Data set k is the same whatever
    n is.

    result: a fitted MixedLM, any formulas; n: how many data sets, 1 or more; seed: 0 or more. TypeError or ValueError
    names the one that is wrong.
    """
    plain = check_result(result)
    n, seed = whole_number("n", n, 1, "data sets"), whole_number("seed", seed, 0)
    return draw(plain.model, plain, n, seed)


@dataclass(frozen=True)
class Bootstrap:
    """Estimates of a model from n data sets that were drawn from its fit.

    draws: DataFrame (n, parameters): fixed effects by their names, then sd(...), cor(..., ...) and sd(residual), in the
    units of the data; a correlation with a zero SD is missing. estimates: Series, the same of the fit itself. singular:
    (n,) whether the refit has a zero variance or a correlation of ±1. notes: what must be known besides.
    """

    estimates: pd.Series
    draws: pd.DataFrame
    singular: Array
    notes: tuple[str, ...]

    def intervals(self, level: float = 0.95) -> NotedTable:
        """Percentile intervals: DataFrame by term, with estimate, bias (mean of the draws less the estimate), se (their
        SD), low, high.

        The k-th of n draws stands for the quantile k/(n + 1) (Davison & Hinkley 1997, section 5.2). ValueError for a
        level outside (0, 1), or for which there are too few draws: at least one must lie beyond each end.
        """
        level = confidence_level(level)
        needed = int(np.ceil(round(2 / (1 - level), 6))) - 1
        if len(self.draws) < needed:
            raise ValueError(
                f"level {level:g} needs {needed} draws or more, so that one lies beyond each end; there are "
                f"{len(self.draws)}: give bootstrap a larger n"
            )
        ends = [
            np.quantile(draws.dropna(), [(1 - level) / 2, (1 + level) / 2], method="weibull")
            if draws.notna().any()
            else (np.nan, np.nan)
            for _, draws in self.draws.items()
        ]
        se, bias = self.draws.std(ddof=1), self.draws.mean() - self.estimates
        columns = {"estimate": self.estimates, "bias": bias, "se": se}
        columns |= dict(zip(("low", "high"), np.transpose(ends), strict=True))
        places = useful_decimals(float(se.min()))
        index = pd.Index(self.draws.columns, name="term")
        return noted_table(columns, index, self.notes, dict.fromkeys(columns, places))

    def __str__(self) -> str:
        return repr(self._shown())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()

    def _shown(self) -> NotedTable:
        if len(self.draws) >= 39:
            return self.intervals()
        return noted_table(
            {"estimate": self.estimates}, self.estimates.index, self.notes, {"estimate": 4}
        )


def bootstrap(result: Any, n: int = 1000, *, seed: int) -> Bootstrap:
    """Parametric bootstrap of a mixed model: n data sets drawn from the fit, the model fitted to each.

    result: a fitted MixedLM, any formulas, REML or ML; the refits are of the same kind. n: 2 or more. All are refitted
    at once: of models with random intercepts, or with a random intercept and slope of the only predictor, 10 000 in a
    second or two, of others some thousands a second where groups are few, with a progress bar.

    TypeError or ValueError names what is wrong with result, n or seed; NotAtOptimumWarning when the fit ended below its
    optimum. Davison & Hinkley 1997, Bootstrap Methods and Their Application.
    """
    plain = check_result(result)
    n, seed = whole_number("n", n, 2, "data sets"), whole_number("seed", seed, 0)
    model, reml = plain.model, bool(plain.reml)
    best = best_fit(model, reml)
    notes = []
    shortfall = float(best.loglik[0] - plain.llf)
    if shortfall > SHORTFALL:
        notes.append(
            f"This fit is not at its optimum: its log-likelihood is {shortfall:.2g} below what the model reaches. Data "
            "were drawn from the optimum; fewgroups.fit finds it."
        )
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=2)
    fits = refit(model, draw(model, best, n, seed), reml)
    kept = ~fits.failed
    if kept.sum() < 2:
        raise ValueError("the drawn data sets could not be fitted; simplify the random effects")
    singular, groups = fits.singular[kept], fewest_groups(model)
    if not kept.all():
        notes.append(
            f"{np.sum(~kept)} of {n} drawn data sets could not be fitted and are left out."
        )
    if singular.any():
        notes.append(
            f"{singular.mean():.1%} of the refits are singular: a variance is estimated as zero or a correlation as ±1."
        )
    if groups < FEW:
        notes.append(
            f"Few groups ({groups}): the draws take the estimated variances for the true ones, so these intervals are "
            "too short, for SDs most of all; coefficients() has intervals of fixed effects that allow for it."
        )
    draws = _parameters(model, fits)[kept].reset_index(drop=True)
    return Bootstrap(_parameters(model, best).iloc[0], draws, singular, tuple(notes))


def _parameters(model: MixedLM, fits: Refits) -> pd.DataFrame:
    """Fixed effects, SDs and correlations of each of n fits, DataFrame (n, parameters)."""
    names = random_names(model)
    labels = [str(name) for name in model.exog_names] + [f"sd({name})" for name in names]
    for i, j in zip(*np.tril_indices(len(names), -1), strict=True):
        labels.append(f"cor({names[j]}, {names[i]})")
    labels += [f"sd({name})" for name in (*model.exog_vc.names, "residual")]
    spreads = sds_and_correlations(fits.cov_re, fits.vcomp, fits.scale)
    return pd.DataFrame(np.hstack([fits.beta, spreads]), columns=labels)


# ---- draws and refits, shared with `compare` ---------------------------------------------------------------


@dataclass(frozen=True)
class Refits:
    """Estimates from n data sets, in the units of the data; NaN where `failed`.

    beta (n, p), cov_re (n, q, q), vcomp (n, v), scale (n,), loglik (n,), singular (n,), failed (n,).
    """

    beta: Array
    cov_re: Array
    vcomp: Array
    scale: Array
    loglik: Array
    singular: Array
    failed: Array


def groups_in_order(model: MixedLM) -> list[tuple[int, Array]]:
    """The model's number of each group, and its rows; in order of first appearance, whatever the labels are."""
    rows = [np.asarray(model.row_indices[name]) for name in model.group_labels]
    return sorted(enumerate(rows), key=lambda pair: int(pair[1].min()))


def group_labels(model: MixedLM) -> Array:
    """The group of each row, as whole numbers in order of first appearance, (rows,)."""
    return np.asarray(pd.factorize(np.asarray(model.groups))[0])


def random_names(model: MixedLM) -> tuple[str, ...]:
    """Names of the columns of re_formula (q,): "Intercept" for the constant, which statsmodels calls by the group."""
    if not model.k_re:
        return ()
    columns = np.asarray(model.exog_re, dtype=float)
    return tuple(
        "Intercept" if np.ptp(column) == 0 else str(name)
        for name, column in zip(model.data.exog_re_names, columns.T, strict=True)
    )


def fewest_groups(model: MixedLM) -> int:
    """The smallest number of groups, or of levels of a component, that a random effect of the model has."""
    components = model.exog_vc.mats
    levels = [sum(int(np.any(dense(m), axis=0).sum()) for m in mats) for mats in components]
    return min([model.n_groups] * bool(model.k_re) + levels)


def draw(model: Any, at: Refits | MixedLMResults, n: int, seed: int) -> Array:
    """New scores (n, rows), rows in the order of the model's; random effects and residuals both drawn anew.

    at: the parameters (of Refits, the first data set's). Each block of 512 data sets has its own child of the seed, so
    that data set k is the same whatever n is.
    """
    if isinstance(at, Refits):
        beta, cov_re, vcomp, scale = at.beta[0], at.cov_re[0], at.vcomp[0], at.scale[0]
    else:
        beta, cov_re, vcomp, scale = at.fe_params, at.cov_re, at.vcomp, at.scale
    mean = np.asarray(model.exog, dtype=float) @ np.asarray(beta)
    effects: list[tuple[Array, Array]] = []
    if isinstance(model, MixedLM):
        root, sds = sqrt_factor(np.asarray(cov_re)), np.sqrt(np.clip(vcomp, 0, None))
        for group, rows in groups_in_order(model):
            Z, labels = random_design(model, group)
            scaled = [Z[:, : model.k_re] @ root, Z[:, model.k_re :] * sds[labels[model.k_re :]]]
            effects.append((rows, np.hstack(scaled).T))
    columns = sum(len(scaled) for _, scaled in effects)
    scores = room_for(n, len(model.endog))
    for start in range(0, n, BLOCK):
        part = scores[start : start + BLOCK]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(start // BLOCK,)))
        normal = rng.standard_normal((BLOCK, columns))[: len(part)]
        rng.standard_normal(out=part)
        part *= np.sqrt(scale)
        part += mean
        used = 0
        for where, from_normal in effects:
            part[:, where] += normal[:, used : used + len(from_normal)] @ from_normal
            used += len(from_normal)
    return scores


def batch_slopes(model: MixedLM) -> bool | None:
    """How the batch engine fits this model: False with random intercepts, True with slopes too, None not at all."""
    if model.k_vc == 0 and model.k_re == 1 and np.all(np.asarray(model.exog_re) == 1):
        return False
    if model.k_vc == 0 and model.k_re == 2 and np.array_equal(model.exog, model.exog_re):
        return True
    return None


def refit(model: Any, scores: Array, reml: bool) -> Refits:
    """The model fitted to each row of scores (n, rows), by REML or ML.

    Data sets in which no optimum was found are marked `failed`. A bar shows the progress of what takes longer than two
    seconds.
    """
    X, n = np.asarray(model.exog, dtype=float), len(scores)
    if not isinstance(model, MixedLM):
        return _least_squares(X, scores, reml)
    slopes = batch_slopes(model)
    if slopes is not None:
        fits = fit_many(scores, X, group_labels(model), slopes, reml)
        none, failed = np.zeros((n, 0)), ~fits.converged
        return Refits(
            fits.estimate, fits.cov_re, none, fits.scale, fits.loglik, fits.singular, failed
        )
    own = Structure.of(model)
    near, step = optimum(own, reml).theta, max(1, VALUES // own.values)
    blocks = []
    for start in progress_bar(range(0, n, step), unit=f" × {step} fits"):
        blocks.append(
            _estimates(*optima(Structure.of(model, scores[start : start + step]), reml, near))
        )
    found = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    for values in found[:5]:
        values[found[-1]] = np.nan
    return Refits(*found)


def best_fit(model: Any, reml: bool) -> Refits:
    """The optimum for the model's own scores; ValueError where there is none."""
    if not isinstance(model, MixedLM):
        return _least_squares(np.asarray(model.exog, dtype=float), model.endog[None], reml)
    found = _estimates(optimum(model, reml), np.zeros((), dtype=bool))
    return Refits(*(values[None] for values in found))


def _estimates(best: Optimum, failed: Array) -> tuple[Array, ...]:
    """In the order of `Refits`."""
    numbers = best.beta, best.cov_re, best.vcomp, best.scale, best.loglik, best.singular
    return (*map(np.asarray, numbers), failed)


def _least_squares(X: Array, scores: Array, reml: bool) -> Refits:
    """No random effects: residual variance and log-likelihood in closed form, with lme4's constants."""
    (rows, p), n = X.shape, len(scores)
    Q, R, dependent = orthonormal(X)
    if dependent is not None:
        raise ValueError(
            "the ordinary regression has fixed-effect columns that say the same; leave one of them out"
        )
    inside = scores @ Q
    rss = np.sum((scores - inside @ Q.T) ** 2, axis=1)
    failed = ~(rss > 1e-28 * np.sum(scores**2, axis=1))
    df = rows - p if reml else rows
    scale = np.where(failed, np.nan, rss / df)
    deviance = df * (1 + np.log(2 * np.pi * scale))
    if reml:
        deviance += 2 * np.log(np.abs(np.diag(R))).sum()
    beta, never = np.linalg.solve(R, inside.T).T, np.zeros(n, dtype=bool)
    return Refits(beta, np.zeros((n, 0, 0)), np.zeros((n, 0)), scale, -deviance / 2, never, failed)
