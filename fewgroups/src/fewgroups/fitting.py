"""`fit`: statsmodels' own MixedLMResults, from a start that already is the optimum."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import patsy
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams
from statsmodels.tools.sm_exceptions import ConvergenceWarning, SingularMatrixWarning

from fewgroups.arguments import true_or_false
from fewgroups.formulas import build
from fewgroups.identification import NO_RESIDUAL, RANK, check_identified
from fewgroups.likelihood import SINGULAR, Optimum, optimum
from fewgroups.structure import Structure

SAME = 1e-5  # log-likelihood: statsmodels' result and the optimum are the same point
OFF = 0.05  # statsmodels' standard errors of coefficients differ by .01-3 % as a rule: a convention
ROUTES = ((1e-9, "bfgs"), (1e-8, "bfgs"), (1e-10, "bfgs"), (1e-6, "powell"))
"""Starts of a singular fit: relative variance added (statsmodels inverts the matrix), and method."""
HELD_BACK = (ConvergenceWarning, SingularMatrixWarning, RuntimeWarning)  # the report answers them
OWN_INTERCEPT = (
    "Each group has an intercept of its own beside the components: re_formula='~1' is the default of fit. "
    "smf.mixedlm leaves it out beside vc_formula unless re_formula='~1' is written, so write it in both."
)


class _NotGiven(str):
    """A formula that the caller did not write."""


@dataclass(frozen=True)
class FitReport:
    """What `fit` did, and what its result is worth; `print(result.report)` says it in words.

    converged: the derivatives vanish at the optimum and statsmodels' result stands on it. singular: a
    variance is estimated as zero, relative to the residual SD, or a correlation as ±1; `boundary` says which.
    loglik, best: of the result, and of the best point found. gradient: largest derivative of −2
    log-likelihood by the relative standard deviations. tried: what was tried. warnings: what statsmodels
    warned of and `fit` held back, since `converged` and `singular` answer it. se_ratios: per fixed effect,
    the standard error that statsmodels prints over the one from (XᵀV⁻¹X)⁻¹; nan where it prints none.
    notes: how the formulas were read, where they could have been meant in another way.
    """

    converged: bool
    singular: bool
    boundary: tuple[str, ...]
    loglik: float
    best: float
    gradient: float
    tried: tuple[str, ...]
    warnings: tuple[str, ...]
    se_ratios: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def shortfall(self) -> float:
        """How far the result's log-likelihood is below the best one found."""
        return max(self.best - self.loglik, 0.0)

    def __str__(self) -> str:
        done = "Converged" if self.converged else "Not converged"
        short = f"{self.shortfall:.2g} below the best found."
        short = "the best found." if self.shortfall < SAME else short
        lines = [f"{done}: log-likelihood {self.loglik:.4f}, {short}"]
        if self.singular:
            lines.append(
                f"Singular: {'; '.join(self.boundary)}. The data do not show all the variation that "
                "the model allows for. The other estimates stand; be careful with tests that use this variance."
            )
        else:
            lines.append("Not singular: no variance is zero and no correlation is 1 or -1.")
        if any("boundary" in text for text in self.warnings):
            lines.append(
                "statsmodels' boundary warning was held back: it asks whether a variance is below 0.01 in "
                "squared units of the outcome; the line above asks it relative to the residual SD."
            )
        wrong = [term for term, ratio in self.se_ratios.items() if not abs(ratio - 1) < OFF]
        if wrong:
            lines.append(
                f"The printed standard errors of {', '.join(wrong)} are more than 5 % off those of (XᵀV⁻¹X)⁻¹: "
                "statsmodels takes them from the curvature of the whole likelihood, which a boundary or an "
                "unbalanced design can distort. Use fewgroups.coefficients(result)."
            )
        lines += [*self.notes, f"Tried: {'; '.join(self.tried)}."]
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

    The optimum is found by `fewgroups.likelihood`; statsmodels then starts on it, finds nothing to
    improve, and makes its own result, in which nothing is changed. `result.report` (FitReport) tells what was
    found.

    Parameters
    ----------
    formula : str
        As in `smf.mixedlm`: "score ~ treatment".
    data : DataFrame
        One row per observation. Rows with missing values are refused, not dropped.
    groups : str, or Series, array or list of one label per row
        What was measured repeatedly: a column of `data` or the labels themselves
        (a Series must have the index of `data`).
    re_formula : str or None
        What varies between groups, with all covariances: "~1" intercepts, "~treatment" slopes too. None:
        nothing but the variance components (without any: intercepts).
    vc_formula : mapping of str to str
        Independent variance components, name → formula of one term: "0 + C(cask)", an effect of each cask within
        each group; "0 + x", a slope that is not correlated with the intercept. Crossed factors: `groups` one
        constant, re_formula None, a component for each factor.
    reml : bool
        REML (True) or maximum likelihood.

    Raises
    ------
    TypeError, ValueError
        When the fit cannot be had, with what would do: formula errors, R's syntax, missing or infinite values (with
        their rows), one group, columns that say the same, empty cells, an outcome without residual variation, random
        effects that the data cannot tell apart, predictors in units for which statsmodels' own arithmetic fails.

    Notes
    -----
    Formulas are patsy's, evaluated once over all rows, also those of components: center(x) is about the overall mean.
    Whole numbers are computed with as floats; categories without rows are dropped, as lme4 does.

    In a singular fit statsmodels cannot hold a variance of exactly zero: 1e-9 σ² (seldom 1e-8) is added to
    the variances of all random-effect columns, and to a component that is zero. The log-likelihood of the
    result is within 1e-5 of the optimum, its coefficients are right. Its standard errors come from the
    curvature of the likelihood by all parameters, which need not exist on a boundary: those of variances may
    print as nan, and in unbalanced designs those of coefficients can be far off; the report then says so.
    """
    caller = patsy.EvalEnvironment.capture(1)
    reml = true_or_false("reml", reml)
    if re_formula is None and not vc_formula:
        re_formula = "~1"  # as in statsmodels
    model, notes = build(formula, data, groups, re_formula, vc_formula, caller)
    if isinstance(re_formula, _NotGiven) and vc_formula:
        notes = [OWN_INTERCEPT, *notes]
    structure = Structure.of(model)
    check_identified(model, structure)
    best = optimum(structure, reml)
    if best.scale < RANK * structure.unit**2:
        raise ValueError(NO_RESIDUAL)
    result, held_back, tried = _statsmodels_fit(model, best, reml)
    agree = "agree" if np.ptp(best.tried) < SAME else "differ: the best one counts"
    with np.errstate(invalid="ignore"):  # the root of a negative variance
        ratios = np.asarray(result.bse_fe) / np.sqrt(np.diag(best.phi))
    result.structure = structure  # what is asked of this result need not build it again
    result.report = FitReport(
        converged=bool(result.converged) and abs(best.loglik - result.llf) < SAME,
        singular=best.singular,
        boundary=boundary(model, best),
        loglik=float(result.llf),
        best=max(best.loglik, float(result.llf)),
        gradient=best.gradient,
        tried=(f"our own search from {len(best.tried)} starts, which {agree}", *tried),
        warnings=held_back,
        se_ratios=dict(zip(model.exog_names, map(float, ratios), strict=True)),
        notes=tuple(notes),
    )
    return result


def _statsmodels_fit(
    model: MixedLM, best: Optimum, reml: bool
) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """statsmodels' result on the optimum, what it warned of, what was tried; ValueError if it cannot be."""
    tried, shortest = [], np.inf
    for added, method in ROUTES if best.singular else ((0.0, "bfgs"), *ROUTES):
        psi, variances = best.cov_re / best.scale, best.vcomp / best.scale
        start = MixedLMParams.from_components(
            best.beta, cov_re=psi + added * np.eye(len(psi)), vcomp=np.maximum(variances, added)
        )
        diagonal = (
            f" ({added:.0e} of the residual variance added to each variance)" if added else ""
        )
        tried.append(f"statsmodels' {method} from the optimum{diagonal}")
        try:
            result, held_back = _quietly(model, start, reml, method)
        except np.linalg.LinAlgError:
            continue
        shortest = min(shortest, abs(best.loglik - result.llf))
        if result.converged and abs(best.loglik - result.llf) < SAME:
            return result, held_back, tuple(tried)
    sizes = np.abs(model.exog).max(axis=0)
    largest = model.exog_names[int(sizes.argmax())]
    raise ValueError(
        f"statsmodels cannot reproduce this optimum: its log-likelihood there is {shortest:.2g} off. Bring the "
        f"predictors to a size of about 1: {largest!r} reaches {sizes.max():.3g}; subtract its mean and divide by its "
        "standard deviation, and fit again"
    )


def _quietly(
    model: MixedLM, start: MixedLMParams, reml: bool, method: str
) -> tuple[Any, tuple[str, ...]]:
    """The fit, and its warnings of convergence, boundary and singularity; other warnings pass on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = model.fit(start_params=start, reml=reml, method=method)
    held_back = [str(w.message) for w in caught if issubclass(w.category, HELD_BACK)]
    for other in caught:
        if not issubclass(other.category, HELD_BACK):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return result, tuple(dict.fromkeys(held_back))


def boundary(
    model: MixedLM, best: Optimum, shown: Callable[[object], str] = str
) -> tuple[str, ...]:
    """In words: each variance that is zero and each correlation that is ±1; empty for interior fits. `shown` writes
    names of random effects."""
    if not best.singular:
        return ()
    q, n = model.k_re, len(model.endog)
    names = [shown(name) for name in (*model.data.exog_re_names[:q], *model.exog_vc.names)]
    squares = list(np.square(model.exog_re).sum(axis=0)) if q else []
    squares += [sum(float((m * m).sum()) for m in mats) for mats in model.exog_vc.mats]
    variances = np.array([*np.diag(best.cov_re), *best.vcomp])
    sds = np.sqrt(np.clip(variances, 0, None) * squares / (n * best.scale))  # per row, over σ
    zero = [name for name, sd in zip(names, sds, strict=True) if sd < SINGULAR]
    found = [f"the variance of {name} is zero" for name in zero]
    for i, j in zip(*np.tril_indices(q, -1), strict=True):
        if min(sds[i], sds[j]) >= SINGULAR:
            r = best.cov_re[i, j] / np.sqrt(variances[i] * variances[j])
            if abs(r) > 1 - 1e-6:
                found.append(f"the correlation of {names[j]} and {names[i]} is {round(r):d}")
    return tuple(found) or ("one combination of the random effects has no variance",)
