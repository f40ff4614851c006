"""What changes when an effect may differ between groups: the test with a random slope that the model left out."""

from __future__ import annotations

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.checks import check_identified
from fewgroups.ddf import KenwardRoger, information
from fewgroups.explanation.predictors import WholeTerm
from fewgroups.fixed_effects import judged
from fewgroups.likelihood import optimum
from fewgroups.structure import Structure, random_design

Row = dict[str, float]  # estimate, se, df, t, p, low, high, as in `coefficients`
MOST = 8  # random-effect columns: more would take long and teach nothing


def left_out(
    model: MixedLM, terms: list[WholeTerm], within: set[str]
) -> dict[tuple[int, ...], Structure]:
    """The columns of each effect that lacks a random slope → the structure of the model that has it.

    It lacks one if its predictor varies within groups, no random effect lets it differ, and the data could tell. Curves
    are left alone. Where an effect within groups (`within`: the factors that vary there) differs between kinds of
    groups, its slope is that of the effect itself.
    """
    found = {}
    alone = [set(term.factors) for term in terms]
    for term in terms if model.n_groups > 2 else ():
        inside = within & set(term.factors)
        if inside != set(term.factors) and inside in alone:
            continue
        where = list(term.coefficients)
        varies = any(np.ptp(x[:, k]) > 0 for x in model.exog_li for k in where)
        if term.kind != "curve" and varies and not _covered(model, where):
            structure = _structure(model, where)
            if structure is not None:
                found[term.coefficients] = structure
    return found


def _covered(model: MixedLM, where: list[int]) -> bool:
    """Whether random effects (with the group's level) already reproduce the columns within every group."""
    columns = np.asarray(model.exog_re).T if model.k_re else ()
    where = [k for k in where if not any(np.array_equal(model.exog[:, k], z) for z in columns)]
    for g, x in enumerate(model.exog_li if where else ()):
        Z = np.column_stack([np.ones(len(x)), random_design(model, g)[0]])
        wanted = x[:, where]
        rest = wanted - Z @ np.linalg.lstsq(Z, wanted, rcond=None)[0]
        if np.max(np.abs(rest)) > 1e-8 * max(1.0, float(np.max(np.abs(wanted)))):
            return False
    return True


def _structure(old: MixedLM, where: list[int]) -> Structure | None:
    """Of the model in which the columns `where` have slopes; None where the data cannot tell them apart."""
    base = np.asarray(old.exog_re, dtype=float) if old.k_re else np.ones((len(old.endog), 1))
    slopes = np.asarray(old.exog, dtype=float)[:, where]
    if max(int(np.sum(np.ptp(x[:, where], axis=0) > 0)) for x in old.exog_li) == 1:
        slopes = slopes.sum(axis=1, keepdims=True)  # nested: only one of them varies in a group
    if base.shape[1] + slopes.shape[1] > MOST:
        return None
    Z = np.column_stack([base, slopes])
    try:
        model = MixedLM(old.endog, old.exog, old.groups, exog_re=Z, exog_vc=old.exog_vc)
        structure = Structure.of(model)
        check_identified(model, structure)
    except (ValueError, np.linalg.LinAlgError):
        return None
    return structure


def with_slope(structure: Structure, where: tuple[int, ...]) -> dict[int, Row]:
    """Column number → its coefficient in a model with slopes (REML, Kenward–Roger, 95 % interval); empty where the data
    cannot tell."""
    try:
        best = optimum(structure, True)
        found = information(structure, best.cov_re, best.vcomp, best.scale, True)
        method = KenwardRoger.of(found)
    except (ValueError, np.linalg.LinAlgError):
        return {}
    rows = np.eye(structure.p)[list(where)]
    columns = judged(found, method, rows, np.zeros(len(where)), 0.95)
    return {k: {name: float(x[at]) for name, x in columns.items()} for at, k in enumerate(where)}
