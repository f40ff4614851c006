"""A model drawn from and fitted again: on the batch engine where the model allows, else one data set at a time."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults, VCSpec
from tqdm import tqdm

from fewgroups.batch import fit_many
from fewgroups.batch.layouts import combine, orthonormal, solve_upper
from fewgroups.information import random_design
from fewgroups.likelihood import optimum
from fewgroups.simulation import BLOCK, room_for
from fewgroups.structure import sqrt_factor

Array = np.ndarray
FEW = 20  # groups below which a nominal 5 % of large-sample theory means 6 % or more


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


def changed(model: MixedLM, **attributes: Any) -> MixedLM:
    """A copy of a statsmodels model with other scores (endog) or fixed-effect columns (exog)."""
    other = copy.copy(model)
    other.__dict__.update(attributes)
    return other


def without_random_effects(model: MixedLM, exog: Array) -> MixedLM:
    """The model with fixed effects exog (rows, p) and independent residuals alone, as a MixedLM."""
    return changed(model, exog=exog, k_re=0, k_vc=0, exog_re=None, exog_vc=VCSpec([], [], []))


def groups_in_order(model: MixedLM) -> list[tuple[int, Array]]:
    """The model's number of each group, and its rows; in order of first appearance, whatever the labels are."""
    numbered = (
        (number, np.asarray(model.row_indices[name]))
        for number, name in enumerate(model.group_labels)
    )
    return sorted(numbered, key=lambda pair: int(pair[1].min()))


def check_draws(n: Any, seed: Any) -> tuple[int, int]:
    """A number of data sets and a seed; TypeError or ValueError, naming the one that is wrong."""
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
            raise TypeError(f"{name} must be a whole number, {least} or more; given {value!r}")
        if value < least:
            raise ValueError(f"{name} must be a whole number, {least} or more; given {value}")
    return int(n), int(seed)


def group_labels(model: MixedLM) -> Array:
    """The group of each row, as whole numbers in order of first appearance, (rows,)."""
    labels = np.empty(len(model.endog), dtype=int)
    for number, (_, rows) in enumerate(groups_in_order(model)):
        labels[rows] = number
    return labels


def fewest_groups(model: MixedLM) -> int:
    """The smallest number of groups, or of levels of a component, that a random effect of the model has."""
    levels = [sum(Z.shape[1] for Z in blocks) for blocks in model.exog_vc.mats]
    return min([model.n_groups] * bool(model.k_re) + levels)


def draw(model: MixedLM, at: Refits | MixedLMResults, n: int, seed: int) -> Array:
    """New scores (n, rows), rows in the order of the model's; random effects and residuals both drawn anew.

    at: the parameters (of Refits, the first data set's). Each block of 512 data sets has its own child of the
    seed, so that data set k has the same digits whatever n is.
    """
    beta, cov_re, vcomp, scale = _parameters(at)
    effects: list[tuple[Array, Array]] = []
    if model.k_re or model.k_vc:
        root, sds = sqrt_factor(cov_re), np.sqrt(np.clip(vcomp, 0, None))
        for group, rows in groups_in_order(model):
            Z, labels = random_design(model, group)
            scaled = np.hstack(
                [Z[:, : model.k_re] @ root, Z[:, model.k_re :] * sds[labels[model.k_re :]]]
            )
            effects.append((rows, scaled.T))
    columns = sum(len(scaled) for _, scaled in effects)
    scores = room_for(n, len(model.endog))
    for start in range(0, n, BLOCK):
        part = scores[start : start + BLOCK]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(start // BLOCK,)))
        normal = rng.standard_normal((BLOCK, columns))[: len(part)]
        rng.standard_normal(out=part)
        part *= np.sqrt(scale)
        part += combine(np.asarray(model.exog, dtype=float), beta[:, None])[:, 0]
        used = 0
        for rows, scaled in effects:
            part[:, rows] += combine(normal[:, used : used + len(scaled)], scaled)
            used += len(scaled)
    return scores


def _parameters(at: Any) -> tuple[Array, Array, Array, float]:
    if isinstance(at, Refits):
        return at.beta[0], at.cov_re[0], at.vcomp[0], float(at.scale[0])
    beta, cov_re, vcomp = (
        np.asarray(value, dtype=float) for value in (at.fe_params, at.cov_re, at.vcomp)
    )
    return beta, cov_re, vcomp, float(at.scale)


def batch_slopes(model: MixedLM) -> bool | None:
    """How the batch engine fits this model: False with random intercepts, True with slopes too, None not at all."""
    if model.k_vc == 0 and model.k_re == 1 and np.all(np.asarray(model.exog_re) == 1):
        return False
    if model.k_vc == 0 and model.k_re == 2 and np.array_equal(model.exog, model.exog_re):
        return True
    return None


def refit(model: MixedLM, scores: Array, reml: bool) -> Refits:
    """The model fitted to each row of scores (n, rows), by REML or ML.

    Data sets in which no optimum was found are marked `failed`. A bar shows the progress of what takes longer
    than two seconds.
    """
    if not model.k_re and not model.k_vc:
        return _least_squares(np.asarray(model.exog, dtype=float), scores, reml)
    slopes = batch_slopes(model)
    if slopes is not None:
        fits = fit_many(
            scores, np.asarray(model.exog, dtype=float), group_labels(model), slopes, reml
        )
        none = np.zeros((len(scores), 0))
        return Refits(
            fits.estimate,
            fits.cov_re,
            none,
            fits.scale,
            fits.loglik,
            fits.singular,
            ~fits.converged,
        )
    n, p, q, v = len(scores), model.exog.shape[1], model.k_re, model.k_vc
    empty = [np.full((n, *shape), np.nan) for shape in ((p,), (q, q), (v,), (), ())]
    found = Refits(*empty, *np.zeros((2, n), dtype=bool))
    for k in tqdm(range(n), unit=" fits", delay=2, leave=False):
        try:
            best = optimum(changed(model, endog=scores[k]), reml)
        except (ValueError, np.linalg.LinAlgError):
            found.failed[k] = True
            continue
        found.beta[k], found.cov_re[k], found.vcomp[k] = best.beta, best.cov_re, best.vcomp
        found.scale[k], found.loglik[k], found.singular[k] = best.scale, best.loglik, best.singular
    return found


def best_fit(model: MixedLM, reml: bool) -> Refits:
    """The optimum for the model's own scores, by the engine that `refit` uses; ValueError where there is none."""
    found = refit(model, np.asarray(model.endog, dtype=float)[None], reml)
    if found.failed[0]:
        raise ValueError(
            f"no {'REML' if reml else 'ML'} optimum was found for this model: the data say too little about its "
            "random effects; leave one of them out"
        )
    return found


def _least_squares(X: Array, scores: Array, reml: bool) -> Refits:
    """No random effects: residual variance and log-likelihood in closed form, with lme4's constants."""
    Q, R, kept = orthonormal(X, np.ones(len(X)))
    if not kept.all():
        raise ValueError(
            "smaller has fixed-effect columns that say the same; leave one of them out"
        )
    (rows, p), n = X.shape, len(scores)
    inside = combine(scores, Q)
    left = scores - combine(inside, Q.T)
    rss = np.einsum("ij,ij->i", left, left)
    failed = ~(rss > 1e-28 * np.einsum("ij,ij->i", scores, scores))
    df = rows - p if reml else rows
    scale = np.where(failed, np.nan, rss / df)
    deviance = df * (1 + np.log(2 * np.pi * scale)) + (
        2 * np.log(np.diag(R)).sum() if reml else 0.0
    )
    beta = solve_upper(R, inside.T).T
    never = np.zeros(n, dtype=bool)
    return Refits(beta, np.zeros((n, 0, 0)), np.zeros((n, 0)), scale, -deviance / 2, never, failed)
