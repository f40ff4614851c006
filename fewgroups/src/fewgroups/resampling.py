"""New data from a fit, and the parametric bootstrap: what the estimates would do in studies that repeat this one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.checks import NotAtOptimumWarning, check_choice, check_level, check_result
from fewgroups.examination import SHORTFALL
from fewgroups.nesting import random_names
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.refits import FEW, Refits, best_fit, check_draws, draw, fewest_groups, refit

Array = np.ndarray


def simulate_from(result: Any, n: int, seed: int) -> Array:
    """New data from a fit: scores (n, rows), rows in the order of the data that were fitted, in their units.

    Random effects and residuals are drawn anew from the fit's variances, for the same groups and predictors: what
    the same study would find with other athletes. Scores are not clipped: a fit knows of no bounds. Data set k has the
    same digits whatever n is.

    result: a fitted MixedLM, any formulas; n: how many data sets, 1 or more; seed: 0 or more. TypeError or ValueError
    names the one that is wrong.
    """
    plain = check_result(result)
    n, seed = check_draws(n, seed)
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

    def intervals(self, level: float = 0.95, kind: str = "percentile") -> NotedTable:
        """Bootstrap intervals: DataFrame by term, with estimate, bias (mean of the draws less the estimate), se (their
        SD), low, high.

        kind "percentile": quantiles of the draws; "basic": those reflected at the estimate (for an SD not below zero,
        for a correlation not beyond ±1). Davison & Hinkley 1997, section 5.2. ValueError for a level outside (0, 1), or
        for which there are too few draws: at least one must lie beyond each end.
        """
        level = check_level(level)
        check_choice("kind", kind, ("percentile", "basic"))
        needed = int(np.ceil(round(2 / (1 - level), 6))) - 1
        if len(self.draws) < needed:
            raise ValueError(
                f"level {level:g} needs {needed} draws or more, so that one lies beyond each end; there are "
                f"{len(self.draws)}: give bootstrap a larger n"
            )
        estimate = self.estimates.to_numpy()
        # the k-th of n draws stands for the quantile k/(n + 1)
        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.array(
            [
                np.quantile(column[~np.isnan(column)], tails, method="weibull")
                if np.any(~np.isnan(column))
                else [np.nan, np.nan]
                for column in self.draws.to_numpy().T
            ]
        ).T
        if kind == "basic":
            low, high = 2 * estimate - high, 2 * estimate - low
            names = self.draws.columns
            least = np.select(
                [names.str.startswith("sd("), names.str.startswith("cor(")], [0, -1], -np.inf
            )
            low, high = np.maximum(low, least), np.where(least == -1, np.minimum(high, 1), high)
        se = self.draws.std(ddof=1).to_numpy()
        bias = self.draws.mean().to_numpy() - estimate
        columns = {"estimate": estimate, "bias": bias, "se": se, "low": low, "high": high}
        places = useful_decimals(float(np.nanmin(se)))
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
        table = noted_table(
            {"estimate": self.estimates.to_numpy()},
            self.estimates.index,
            self.notes,
            {"estimate": 4},
        )
        return table


def bootstrap(result: Any, n: int = 1000, *, seed: int) -> Bootstrap:
    """Parametric bootstrap of a mixed model: n data sets drawn from the fit, the model fitted to each.

    result: a fitted MixedLM, any formulas, REML or ML; the refits are of the same kind. n: 2 or more. Models with
    random intercepts, or with a random intercept and slope of the only predictor, are refitted all at once (10 000 in a
    second or two), others one by one with a progress bar (about 30 a second).

    TypeError or ValueError names what is wrong with result, n or seed; NotAtOptimumWarning when the fit ended below its
    optimum. Davison & Hinkley 1997, Bootstrap Methods and Their Application.
    """
    plain = check_result(result)
    n, seed = check_draws(n, seed)
    if n < 2:
        raise ValueError(f"n must be 2 or more, as the spread of one draw says nothing; given {n}")
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
    draws = _parameters(model, fits)[kept].reset_index(drop=True)
    singular = fits.singular[kept]
    return Bootstrap(
        _parameters(model, best).iloc[0], draws, singular, (*notes, *_notes(model, kept, singular))
    )


def _notes(model: MixedLM, kept: Array, singular: Array) -> list[str]:
    notes = []
    if not kept.all():
        notes.append(
            f"{np.sum(~kept)} of {len(kept)} drawn data sets could not be fitted and are left out."
        )
    if singular.any():
        notes.append(
            f"{singular.mean():.1%} of the refits are singular: a variance is estimated as zero or a correlation as ±1."
        )
    groups = fewest_groups(model)
    if groups < FEW:
        notes.append(
            f"Few groups ({groups}): the draws take the estimated variances for the true ones, so these "
            "intervals are too short, for SDs most of all; coefficients() has intervals of fixed effects that allow "
            "for it."
        )
    return notes


def _parameters(model: MixedLM, fits: Refits) -> pd.DataFrame:
    """Fixed effects, SDs and correlations of each of n fits, DataFrame (n, parameters)."""
    columns = {str(name): fits.beta[:, k] for k, name in enumerate(model.exog_names)}
    names = random_names(model)
    sds = np.sqrt(np.clip(np.einsum("nii->ni", fits.cov_re), 0, None))
    columns |= {f"sd({name})": sds[:, k] for k, name in enumerate(names)}
    for i, j in zip(*np.tril_indices(len(names), -1), strict=True):
        size = sds[:, i] * sds[:, j]
        safe = np.where(size > 0, size, 1.0)
        correlation = np.clip(fits.cov_re[:, i, j] / safe, -1, 1)
        columns[f"cor({names[j]}, {names[i]})"] = np.where(size > 0, correlation, np.nan)
    components = np.sqrt(np.clip(fits.vcomp, 0, None))
    columns |= {f"sd({name})": components[:, k] for k, name in enumerate(model.exog_vc.names)}
    columns["sd(residual)"] = np.sqrt(fits.scale)
    return pd.DataFrame(columns)
