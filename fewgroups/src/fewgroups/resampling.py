"""New data from a fit, refits of them, and the parametric bootstrap: what estimates would do in studies that repeat
this one. All are fitted at once: by the batch engine where it knows the model, else by `likelihood.optima`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import confidence_level, whole_number
from fewgroups.batch import fit_many
from fewgroups.checks import NotAtOptimumWarning, check_result
from fewgroups.examination import SHORTFALL
from fewgroups.likelihood import Optimum, evaluate, optima, optimum
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.progress import progress_bar
from fewgroups.simulation import BLOCK, room_for
from fewgroups.structure import Structure, dense, random_design, sds_and_correlations, sqrt_factor
from fewgroups.templates import say

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
    beta, cov_re = np.asarray(plain.fe_params), np.asarray(plain.cov_re)
    return draw(plain.model, beta, cov_re, plain.vcomp, plain.scale, n, seed)


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
        ends = (1 - level) / 2, (1 + level) / 2
        known = [draws.dropna() for _, draws in self.draws.items()]
        low, high = np.transpose(
            [np.quantile(x, ends, method="weibull") if len(x) else (np.nan, np.nan) for x in known]
        )
        se, bias = self.draws.std(ddof=1), self.draws.mean() - self.estimates
        columns = {"estimate": self.estimates, "bias": bias, "se": se, "low": low, "high": high}
        decimals = dict.fromkeys(columns, useful_decimals(float(se.min())))
        return noted_table(columns, self.draws.columns.rename("term"), self.notes, decimals)

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()

    def _shown(self) -> NotedTable:
        if len(self.draws) >= 39:
            return self.intervals()
        columns = {"estimate": self.estimates}
        return noted_table(columns, self.estimates.index, self.notes, {"estimate": 4})


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
    best, notes = optimum(plain.structure, reml), []
    shortfall = float(best.loglik - plain.llf)
    if shortfall > SHORTFALL:
        notes.append(say("bootstrap.short", shortfall=f"{shortfall:.2g}"))
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=2)
    scores = draw(model, best.beta, best.cov_re, best.vcomp, best.scale, n, seed)
    found, loglik, singular = refit(model, scores, reml)
    kept = np.isfinite(loglik)
    if kept.sum() < 2:
        raise ValueError("the drawn data sets could not be fitted; simplify the random effects")
    if not kept.all():
        notes.append(say("bootstrap.failed", failed=str(np.sum(~kept)), n=str(n)))
    if singular[kept].any():
        notes.append(say("bootstrap.singular", share=f"{singular[kept].mean():.1%}"))
    if (groups := fewest_groups(model)) < FEW:
        notes.append(say("bootstrap.few_groups", groups=str(groups)))
    q, names = model.k_re, random_names(model)
    labels = [str(name) for name in model.exog_names] + [f"sd({name})" for name in names[:q]]
    pairs = zip(*np.tril_indices(q, -1), strict=True)
    labels += [f"cor({names[j]}, {names[i]})" for i, j in pairs]
    labels += [f"sd({name})" for name in [*names[q:], "residual"]]
    own = pd.Series(_estimates(best.beta, best.cov_re, best.vcomp, best.scale), labels)
    draws = pd.DataFrame(found[kept], columns=labels)
    return Bootstrap(own, draws, singular[kept], tuple(notes))


# ---- draws and refits, shared with `compare` ---------------------------------------------------------------


def groups_in_order(model: MixedLM) -> list[tuple[int, Array]]:
    """The model's number of each group, and its rows; in order of first appearance, whatever the labels are."""
    rows = [np.asarray(model.row_indices[name]) for name in model.group_labels]
    return sorted(enumerate(rows), key=lambda pair: int(pair[1].min()))


def random_names(model: MixedLM) -> list[str]:
    """Names of the columns of re_formula, "Intercept" for the constant, which statsmodels calls by the group; then of
    the components."""
    columns = np.asarray(model.exog_re, dtype=float).T if model.k_re else ()
    names = zip(model.data.exog_re_names[: len(columns)], columns, strict=True)
    own = ["Intercept" if np.ptp(column) == 0 else str(name) for name, column in names]
    return own + [str(name) for name in model.exog_vc.names]


def fewest_groups(model: MixedLM) -> int:
    """The smallest number of groups, or of levels of a component, that a random effect of the model has."""
    components = model.exog_vc.mats
    levels = [sum(int(np.any(dense(m), axis=0).sum()) for m in mats) for mats in components]
    return min([model.n_groups] * bool(model.k_re) + levels)


def draw(
    model: Any, beta: Array, cov_re: Array, vcomp: Array, scale: float, n: int, seed: int
) -> Array:
    """New scores (n, rows) of a MixedLM or OLS, rows in its order; random effects and residuals both drawn anew.

    Each block of 512 data sets has its own child of the seed, so that data set k is the same whatever n is.
    """
    mean = np.asarray(model.exog, dtype=float) @ beta
    effects: list[tuple[Array, Array]] = []  # rows of a group; what they get from standard normals
    if isinstance(model, MixedLM):
        q, root, sds = model.k_re, sqrt_factor(cov_re), np.sqrt(vcomp)
        for group, rows in groups_in_order(model):
            Z, labels = random_design(model, group)
            effects.append((rows, np.hstack([Z[:, :q] @ root, Z[:, q:] * sds[labels[q:]]]).T))
    columns = sum(len(scaled) for _, scaled in effects)
    scores = room_for(n, len(mean))
    for start in range(0, n, BLOCK):
        part = scores[start : start + BLOCK]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(start // BLOCK,)))
        normal = rng.standard_normal((BLOCK, columns))[: len(part)]
        rng.standard_normal(out=part)
        part *= np.sqrt(scale)
        part += mean
        used = 0
        for rows, scaled in effects:
            part[:, rows] += normal[:, used : used + len(scaled)] @ scaled
            used += len(scaled)
    return scores


def refit(model: Any, scores: Array, reml: bool) -> tuple[Array, Array, Array]:
    """A MixedLM or OLS fitted to each row of scores (n, rows), by REML or ML.

    Gives fixed effects, SDs and correlations (n, k), as in `Bootstrap.draws`; log-likelihoods (n,), nan where no
    optimum was found; whether a fit is singular (n,). A bar shows the progress of what takes longer than two seconds.
    """
    if not isinstance(model, MixedLM):
        best = least_squares(model, scores, reml)
        found = _estimates(best.beta, best.cov_re, best.vcomp, best.scale)
        return found, best.loglik, best.singular
    X, n = np.asarray(model.exog, dtype=float), len(scores)
    slopes = model.k_re == 2 and np.array_equal(model.exog_re, X)
    levels = model.k_re == 1 and np.all(np.asarray(model.exog_re) == 1)
    if not model.k_vc and (slopes or levels):  # hundreds of times faster
        groups = pd.factorize(np.asarray(model.groups))[0]
        fits = fit_many(scores, X, groups, slopes, reml)
        found = _estimates(fits.estimate, fits.cov_re, np.zeros((n, 0)), fits.scale)
        return found, fits.loglik, fits.singular
    own = Structure.of(model)
    near, step = optimum(own, reml).theta, max(1, VALUES // own.values)
    parts = []
    for start in progress_bar(range(0, n, step), unit=f" × {step} fits"):
        structure = Structure.of(model, scores[start : start + step])
        best, failed = optima(structure, reml, near)
        found = _estimates(best.beta, best.cov_re, best.vcomp, best.scale)
        parts.append((found, np.where(failed, np.nan, best.loglik), best.singular))
    found, loglik, singular = map(np.concatenate, zip(*parts, strict=True))
    return found, loglik, singular


def least_squares(model: OLS, y: Array, reml: bool) -> Optimum:
    """Ordinary regression of y (rows,), or of many, (n, rows): the mixed model whose variance is held at zero, whatever
    its groups; with lme4's constants in the log-likelihood."""
    X = pd.DataFrame(model.exog, columns=model.exog_names)
    structure = Structure.of(MixedLM(model.endog, X, np.zeros(len(X))), y)
    shape = y.shape[:-1]
    at = evaluate(structure, np.zeros((*shape, 1)), reml)
    psi, none = np.zeros((*shape, 0, 0)), np.zeros((*shape, 0))
    never = np.zeros(shape, dtype=bool)
    return Optimum(psi, none, at.scale, at.beta, at.phi, -at.deviance / 2, none, never, ())


def _estimates(beta: Array, cov_re: Array, vcomp: Array, scale: Any) -> Array:
    return np.concatenate([beta, sds_and_correlations(cov_re, vcomp, scale)], axis=-1)
