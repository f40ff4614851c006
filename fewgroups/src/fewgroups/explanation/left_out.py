"""What changes when an effect may differ between groups: the test with a random slope that the model left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.ddf import KenwardRoger, information
from fewgroups.explanation.predictors import Column
from fewgroups.identification import check_identified
from fewgroups.likelihood import optimum
from fewgroups.structure import Structure, random_design

Array = np.ndarray
MOST = 8  # random-effect columns: more would take long and teach nothing


@dataclass(frozen=True)
class Slope:
    """A coefficient in the model with a random slope for its term, by REML and Kenward–Roger; interval 95 %."""

    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float
    singular: bool


def left_out(model: MixedLM, columns: list[Column]) -> dict[str, Slope]:
    """Coefficient → what a random slope makes of it, where one is missing: the predictor varies within groups, no
    random effect lets its effect differ, and the data could tell. Columns of a spline are left alone."""
    if model.n_groups < 3:
        return {}
    answers: dict[str, Slope] = {}
    terms = dict.fromkeys(
        column.term
        for column in columns
        if column.parts and all(p.columns == 1 for p in column.parts)
    )
    for term in terms:
        where = [k for k, column in enumerate(columns) if column.term == term]
        if _varies(model, where) and not _covered(model, where):
            found = _with_slope(model, where)
            answers |= {columns[k].name: slope for k, slope in found.items()}
    return answers


def _varies(model: MixedLM, where: list[int]) -> bool:
    return any(np.ptp(x[:, k]) > 0 for x in model.exog_li for k in where)


def _covered(model: MixedLM, where: list[int]) -> bool:
    """Whether random effects (with the group's own level) already reproduce the columns within every group."""
    for g, x in enumerate(model.exog_li):
        Z = np.column_stack([np.ones(len(x)), random_design(model, g)[0]])
        wanted = x[:, where]
        rest = wanted - Z @ np.linalg.lstsq(Z, wanted, rcond=None)[0]
        if np.max(np.abs(rest)) > 1e-8 * max(1.0, float(np.max(np.abs(wanted)))):
            return False
    return True


def _with_slope(old: MixedLM, where: list[int]) -> dict[int, Slope]:
    """Column number → its coefficient; empty where the data cannot tell."""
    base = np.asarray(old.exog_re, dtype=float) if old.k_re else np.ones((len(old.endog), 1))
    slopes = np.asarray(old.exog, dtype=float)[:, where]
    if max(int(np.sum(np.ptp(x[:, where], axis=0) > 0)) for x in old.exog_li) == 1:
        slopes = slopes.sum(
            axis=1, keepdims=True
        )  # in every group only one of them varies: one slope for each group
    if base.shape[1] + slopes.shape[1] > MOST:
        return {}
    try:
        model = MixedLM(
            old.endog,
            old.exog,
            old.groups,
            exog_re=np.column_stack([base, slopes]),
            exog_vc=old.exog_vc,
        )
        structure = Structure.of(model)
        check_identified(model, structure)
        best = optimum(structure, True)
        found = information(structure, best.cov_re, best.vcomp, best.scale, True)
        method = KenwardRoger.of(found)
    except (ValueError, np.linalg.LinAlgError):
        return {}
    answers = {}
    for k in where:
        row = found.rows(np.eye(old.exog.shape[1])[k])
        estimate, se, df = (
            float(row @ found.beta),
            float(np.sqrt(row @ method.covariance @ row)),
            float(method.df(row)),
        )
        t, reach = estimate / se, float(stats.t.ppf(0.975, df)) * se
        p = float(2 * stats.t.sf(abs(t), df))
        answers[k] = Slope(
            estimate, se, df, t, p, estimate - reach, estimate + reach, best.singular
        )
    return answers
