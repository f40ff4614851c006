"""`fit_many`: (RE)ML fits of many data sets of one layout at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fewgroups.arguments import true_or_false
from fewgroups.batch.cells import cell_statistics, outcomes_of
from fewgroups.batch.intercepts import intercept_model
from fewgroups.batch.layouts import layout_of
from fewgroups.batch.slopes import slope_model

BLOCK_VALUES = {True: 2**15, False: 2**17}
"""Cell means handled at a time. With a closed form a block stays in the processor's cache; without one, a large block
lets the few data sets that take many steps take them together."""


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits of n data sets, p fixed effects, q random effects (1, or 2 with slopes), by REML (`reml`) or ML.

    estimate, se: (n, p) fixed effects and their standard errors, from σ²(XᵀV⁻¹X)⁻¹ as in lme4; cov_re: (n, q, q)
        covariance of the random effects, in units of y squared; scale: (n,) residual variance σ²;
    loglik: (n,) the (restricted) log-likelihood, with the constants of lme4 and statsmodels;
    converged: (n,) False where the outcome has no residual variance (a constant outcome, for example): there is no
        maximum, and the numbers of that data set are NaN;
    singular: (n,) True where the smallest SD of a random effect (in columns made orthonormal and scaled so that the
        average group's information is one; for an intercept alone τ/σ itself) is below 1e-4 of the residual SD: on the
        boundary, whatever the units.
    """

    estimate: np.ndarray
    se: np.ndarray
    cov_re: np.ndarray
    scale: np.ndarray
    loglik: np.ndarray
    converged: np.ndarray
    singular: np.ndarray
    reml: bool


def fit_many(
    y: Any, design_or_X: Any, groups: Any = None, slopes: bool = False, reml: bool = True
) -> Fits:
    """Mixed models with one grouping factor for many data sets at once: only the outcome differs between them.

    Balanced layouts have a closed form; for the others Newton's method is run on sufficient statistics, all data sets
    together. With few, uneven groups the likelihood of a slope model can have several maxima, and the one that is
    reached from the one start is not always the highest: in 58 of 120 000 such data sets of 2 to 6 groups the
    log-likelihood was lower by .0001 to .43, as it is with lmer now and then.

    Parameters
    ----------
    y : (n, rows) or (rows,) outcomes, a data set per row, in the order of the design's table or of the rows of X.
    design_or_X : Design, or array (rows, p)
        A design gives an intercept and a 0/1 column for each condition but the first.
    groups : (rows,) labels of the groups; only with a matrix X.
    slopes : bool
        False: a random intercept. True: also a random slope of the second column; X must have two columns.
    reml : bool
        Restricted (True) or full maximum likelihood.

    TypeError or ValueError for input that is not numeric, of the wrong shape, not finite, rank-deficient, with one
    group, too few rows, or a slope that no group's data can identify. A data set without residual variance is not an
    error: its `converged` is False and its numbers are NaN.
    """
    slopes, reml = true_or_false("slopes", slopes), true_or_false("reml", reml)
    layout = layout_of(design_or_X, groups)
    outcomes = outcomes_of(y, layout.rows)
    model = slope_model(layout, reml) if slopes else intercept_model(layout, reml)
    step = max(128, BLOCK_VALUES[model.closed] // layout.cells)
    blocks = [
        model.fit(cell_statistics(outcomes[start : start + step], layout, start))
        for start in range(0, len(outcomes), step)
    ]
    found = {name: np.concatenate([block[name].T for block in blocks]) for name in blocks[0]}
    solved = found.pop("solved")
    singular = found.pop("singular") & solved
    for values in found.values():
        values[~solved] = np.nan
    cov_re = found["scale"][:, None, None] * found.pop("psi")
    return Fits(cov_re=cov_re, converged=solved, singular=singular, reml=reml, **found)
