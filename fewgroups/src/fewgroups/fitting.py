"""`fit`: statsmodels' own MixedLMResults, at the optimum of the likelihood."""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import patsy
from scipy import sparse
from scipy.sparse.linalg import cg
from statsmodels.regression.mixed_linear_model import (
    MixedLM,
    MixedLMParams,
    MixedLMResults,
    MixedLMResultsWrapper,
)

from fewgroups.arguments import true_or_false
from fewgroups.checks import NO_RESIDUAL, check_identified
from fewgroups.formulas import build
from fewgroups.likelihood import Information, Optimum, optimum
from fewgroups.structure import RANK, SINGULAR, Structure, sds_and_correlations, symmetric
from fewgroups.wording import say

Array = np.ndarray
OFF = 0.05  # statsmodels' standard errors of coefficients differ by .01-3 % as a rule: a convention
ADDED = 1e-9  # of σ², to the variances of a singular fit
AGREE = 1e-5  # log-likelihood: two searches ended on the same optimum
ALARM = 0.01  # squared units of the outcome: of a variance below, statsmodels warns (a boundary)


class _NotGiven(str):
    """A formula that the caller did not write."""


@dataclass(frozen=True)
class FitReport:
    """What `fit` did, and what its result is worth; `print(result.report)` says it in words.

    singular: a variance is estimated as zero, relative to the residual SD, or a correlation as ±1; `boundary` says
    which. loglik: of the optimum, which a singular result misses by less than 1e-9 per row. tried: the log-likelihoods
    reached from each start. alarm: whether statsmodels would warn of a boundary. se_ratios: per fixed effect, the
    standard error that statsmodels prints over the one from (XᵀV⁻¹X)⁻¹; nan where it prints none. notes: how the
    formulas were read, where they could have been meant in another way."""

    singular: bool
    boundary: tuple[str, ...]
    loglik: float
    tried: tuple[float, ...]
    alarm: bool
    se_ratios: Mapping[str, float]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [say("fit.converged", loglik=f"{self.loglik:.4f}"), say("fit.interior")]
        if self.singular:
            lines[-1] = say("fit.singular", boundary="; ".join(self.boundary))
        if self.alarm:
            lines.append(say("fit.alarm", alarm=str(ALARM)))
        if wrong := [term for term, ratio in self.se_ratios.items() if not abs(ratio - 1) < OFF]:
            lines.append(say("fit.errors", terms=", ".join(wrong)))
        starts = say("fit.one")
        if len(self.tried) > 1:
            found = "agree" if np.ptp(self.tried) < AGREE else "differ"
            starts = say(f"fit.{found}", count=str(len(self.tried)))
        searched = say("fit.searched", starts=starts)
        if self.singular:
            searched = say("fit.searched_singular", starts=starts, added=f"{ADDED:.0e}")
        lines += [*self.notes, searched]
        return "\n".join(textwrap.fill(line, 95, subsequent_indent="    ") for line in lines)


def fit(
    formula: str,
    data: pd.DataFrame,
    groups: Any,
    re_formula: str | None = _NotGiven("~1"),
    vc_formula: Mapping[str, str] | None = None,
    reml: bool = True,
) -> Any:
    """Fit a linear mixed model: an ordinary statsmodels MixedLMResults, at the optimum of the likelihood.

    formula: as in `smf.mixedlm`, "score ~ treatment".
    data: DataFrame, one row per observation. Rows with missing values are refused, not dropped.
    groups: what was measured repeatedly: a column of `data`, or a list, array or Series (with the index of `data`)
        of one label per row.
    re_formula: what varies between groups, with all covariances: "~1" intercepts, "~treatment" slopes too. None:
        nothing but the variance components (without any: intercepts).
    vc_formula: independent variance components, a mapping from names to formulas of one term: "0 + C(cask)", an effect
        of each cask within each group; "0 + x", a slope that is not correlated with the intercept. Crossed factors:
        `groups` one constant, re_formula None, a component for each factor.
    reml: REML (True) or maximum likelihood.

    The optimum is found by `fewgroups.likelihood`; the result is the one that statsmodels makes of that point, with the
    standard errors that it prints. `result.report` (FitReport) tells what was found.

    TypeError or ValueError when the fit cannot be had, with what would do: formula errors, R's syntax, missing or
    infinite values (with their rows), one group, columns that say the same, empty cells, an outcome without residual
    variation, random effects that the data cannot tell apart.

    Formulas are patsy's, evaluated once over all rows, also those of components: center(x) is about the overall mean.
    Whole numbers are computed with as floats; categories without rows are dropped, as lme4 does.

    In a singular fit statsmodels cannot hold a variance of exactly zero, as its methods invert the matrix: 1e-9 σ² is
    added to the variances of the random-effect columns (made orthonormal, of length √n), and to a component that is
    zero. The coefficients are those of the optimum. Standard errors come from the curvature of the likelihood by all
    parameters, which need not exist on a boundary: those of variances may print as nan, and in unbalanced designs those
    of coefficients can be far off; the report then says so."""
    caller = patsy.EvalEnvironment.capture(1)
    reml = true_or_false("reml", reml)
    if re_formula is None and not vc_formula:
        re_formula = "~1"  # as in statsmodels
    model, notes = build(formula, data, groups, re_formula, vc_formula, caller)
    if isinstance(re_formula, _NotGiven) and vc_formula:
        notes = [say("fit.own_intercept"), *notes]
    structure = Structure.of(model)
    check_identified(model, structure)
    best = optimum(structure, reml)
    if best.scale < RANK * structure.unit**2:
        raise ValueError(NO_RESIDUAL)
    made = _result(model, best)
    result = MixedLMResultsWrapper(made)
    with np.errstate(invalid="ignore"):  # the root of a negative variance
        ratios = made.bse_fe / np.sqrt(np.diag(best.covariance))
    result.structure = structure  # what is asked of this result need not build it again
    result.report = FitReport(
        singular=best.singular,
        boundary=boundary(model, best),
        loglik=best.loglik,
        tried=best.tried,
        alarm=bool(min(*np.diag(made.cov_re), *made.vcomp, np.inf) < ALARM),
        se_ratios=dict(zip(model.exog_names, map(float, ratios), strict=True)),
        notes=tuple(notes),
    )
    return result


def _result(model: MixedLM, best: Optimum) -> MixedLMResults:
    """What `MixedLM.fit` makes of an optimum, as the end of that function does it."""
    s, reml, at = best.structure, best.reml, cast(Information, best)
    psi, vcomp = best.cov_re / best.scale, best.vcomp / best.scale
    if best.singular:
        psi, vcomp = psi + ADDED * s.random @ s.random.T, np.maximum(vcomp, ADDED / s.unit_vc**2)
        at = Information.of(s, s.from_data_units(psi, vcomp), reml)
    beta = at.coefficients
    vars(model).update(reml=reml, fe_pen=None, cov_pen=None, _freepat=None, _cov_sing=0)
    params = MixedLMParams.from_components(beta, cov_re=psi, vcomp=vcomp)
    made = MixedLMResults(model, params.get_packed(False, True), _covariance(at) / at.scale)
    vars(made).update(
        params_object=params,
        fe_params=beta,
        cov_re=at.scale * psi,
        vcomp=at.scale * vcomp,
        scale=np.float64(at.scale),
        cov_re_unscaled=psi,
        method="REML" if reml else "ML",
        converged=True,
        hist=None,
        reml=reml,
        cov_pen=None,
        freepat=None,
        _cache={"llf": float(at.loglik)},  # its own needs a pass over the groups
        **{name: getattr(model, name) for name in ("k_fe", "k_re", "k_re2", "k_vc", "use_sqrt")},
    )
    if any(map(sparse.issparse, model._aex_r)):
        made._cache["fittedvalues"] = _fitted_values(model, beta, psi, vcomp)
    return made


def _fitted_values(model: MixedLM, beta: Array, psi: Array, vcomp: Array) -> Array:
    """Those that statsmodels has for dense columns only; by conjugate gradients, as a factor would fill up."""
    fitted, factor = model.exog @ beta, np.linalg.cholesky(psi)
    for g, name in enumerate(model.group_labels):
        rows, roots = model.row_indices[name], np.sqrt(model._expand_vcomp(vcomp, g))
        parts = [factor] * bool(model.k_re) + [sparse.diags_array(roots)]
        Z = sparse.csr_array(model._aex_r[g]) @ sparse.block_diag(parts, format="csr")
        A, right = sparse.eye_array(Z.shape[1]) + Z.T @ Z, Z.T @ (model.endog - fitted)[rows]
        fitted[rows] += Z @ cg(A, right, rtol=1e-12)[0]
    return np.asarray(fitted)


def _covariance(at: Information) -> Array:
    """(p + size, p + size) the covariance of β̂ and the estimates of Ψ/σ² (rows of its lower triangle) and τ²/σ²: the
    inverse of minus the Hessian of the log-likelihood with the best σ² everywhere, as statsmodels has it.

    As β̂ is the best for every γ, that inverse has the blocks Φ + DCDᵀ and DC, of C by γ alone and D = dβ̂/dγ."""
    s, triangle, one = at.structure, at.structure.size - at.structure.v, np.eye(at.structure.size)
    slopes = s.from_data_units(symmetric(one[:, :triangle], s.q), one[:, triangle:]).T
    covariance = 2 * np.linalg.inv(slopes.T @ at.profiled @ slopes)
    along = (at.P @ at.residual)[:, :-1] @ at.inverse
    moved = -np.sqrt(at.scale) * s.R_inverse @ along.T @ slopes
    by_both = moved @ covariance
    return np.block([[at.covariance + by_both @ moved.T, by_both], [by_both.T, covariance]])


def boundary(
    model: MixedLM, best: Optimum, shown: Callable[[object], str] = str
) -> tuple[str, ...]:
    """In words: each variance that is zero and each correlation that is ±1; empty for interior fits. `shown` writes
    names of random effects."""
    if not best.singular:
        return ()
    q = best.structure.q
    i, j = np.tril_indices(q, -1)
    names = [shown(name) for name in (*model.data.exog_re_names[:q], *model.exog_vc.names)]
    values = sds_and_correlations(best.cov_re, best.vcomp, best.scale)
    sds, r = np.append(values[:q], values[q + len(i) : -1]), values[q : q + len(i)]
    sds *= np.sqrt(best.structure.mean_squares) / values[-1]  # per row, over σ
    zero = [name for name, sd in zip(names, sds, strict=True) if sd < SINGULAR]
    found = [f"the variance of {name} is zero" for name in zero]
    for one, other, value in zip(i, j, r, strict=True):
        if min(sds[one], sds[other]) >= SINGULAR and abs(value) > 1 - 1e-6:
            found.append(f"the correlation of {names[other]} and {names[one]} is {round(value):d}")
    return tuple(found) or ("one combination of the random effects has no variance",)
