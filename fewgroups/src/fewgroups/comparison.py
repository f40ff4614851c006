"""Two nested models compared: the likelihood ratio, against the null distribution that what is added calls for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS, RegressionResults, RegressionResultsWrapper
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults

from fewgroups.checks import check_choice, check_result
from fewgroups.comparison_notes import failed_note, few_notes, mixture_p, null_notes, refit_notes
from fewgroups.nesting import Added, added
from fewgroups.noted_table import NotedTable, noted_table, show_p
from fewgroups.refits import (
    Refits,
    best_fit,
    changed,
    check_draws,
    draw,
    fewest_groups,
    group_labels,
    refit,
    without_random_effects,
)

Array = np.ndarray
METHODS = ("lrt", "boundary", "bootstrap")
ROUNDING = 1e-6  # deviance


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; printed, it says so in words.

    statistic: twice the gain in (restricted) log-likelihood. df: how many parameters are added. mixture: weight and
    df of each χ² that the null distribution is made of; None for the bootstrap. p, and p_error, its Monte-Carlo
    error (0 but for the bootstrap). method: as asked for. reml: whether log-likelihoods are REML. loglik, parameters:
    of the smaller and of the larger model, residual variance included. sentence: the result in words. notes: what
    was done besides, and cautions. null: (n,) statistics of the bootstrap, or None.
    """

    statistic: float
    df: int
    mixture: tuple[tuple[float, int], ...] | None
    p: float
    p_error: float
    method: str
    reml: bool
    loglik: tuple[float, float]
    parameters: tuple[int, int]
    sentence: str
    notes: tuple[str, ...]
    null: Array | None

    @property
    def table(self) -> NotedTable:
        """Rows smaller and larger; columns parameters, loglik, statistic, df, p."""
        columns = {
            "parameters": list(self.parameters),
            "loglik": list(self.loglik),
            "statistic": [np.nan, self.statistic],
            "df": [np.nan, self.df],
            "p": [np.nan, self.p],
        }
        decimals = {"loglik": 4, "statistic": 4, "df": 0, "p": -1}
        return noted_table(
            columns, pd.Index(["smaller", "larger"]), [self.sentence, *self.notes], decimals
        )

    def __str__(self) -> str:
        return repr(self.table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def compare(
    smaller: Any, larger: Any, method: str = "lrt", n: int = 1000, seed: int | None = None
) -> Comparison:
    """Compare two nested models of the same scores by their likelihood ratio.

    Parameters
    ----------
    smaller, larger:
        fitted MixedLMs (smf.mixedlm(...).fit() or fewgroups.fit). `smaller` may also be an ordinary regression
        (smf.ols(...).fit()): then the question is whether groups vary at all.
    method:
        "lrt": χ² with a df for each added parameter. "boundary": the mixture of χ² that holds when one variance is
        added, which cannot be less than zero: ½χ²₀ + ½χ²₁ for one variance alone, ½χ²_q + ½χ²_(q+1) for a slope
        with covariances to q other random effects. "bootstrap": n data sets are drawn from the smaller model and both
        models are fitted to each; p = (1 + how many have a ratio as large) / (n + 1).
    n, seed:
        of the bootstrap; the seed must be given for it.

    Returns
    -------
    Comparison

    Both models are taken at the optimum of their likelihood, wherever the fits stopped. REML log-likelihoods are
    comparable between models with the same fixed effects only: where these differ, both models are refitted by ML,
    and a note says so; where they do not, REML is kept.

    Errors
    ------
    TypeError for anything but fitted models; ValueError for fits from which nothing can be concluded, another outcome,
    other rows or in another order, other groups, models that are the same or not nested, an unknown method, several
    added variances with "boundary" (their mixture has no simple weights: use the bootstrap).

    Sources: Self & Liang 1987 (J. Am. Stat. Assoc. 82:605); Stram & Lee 1994 (Biometrics 50:1171); Davison & Hinkley
    1997 (Bootstrap Methods and Their Application, ch. 4); Halekoh & Højsgaard 2014 (pbkrtest, J. Stat. Softw. 59(9)).
    """
    check_choice("method", method, METHODS)
    n, seed = check_draws(n, 0 if seed is None and method != "bootstrap" else seed)
    large = _checked("larger", larger)
    small, small_reml = _smaller_model(smaller, large.model)
    _check_same_data(small, large.model)
    extra = added(small, large.model)
    if method == "boundary" and extra.mixture is None:
        raise ValueError(
            f"method 'boundary' has no simple mixture for this: larger adds {_list(extra.random)}, so {extra.bounds} "
            "variances are at their bound; use method='bootstrap', or add one at a time"
        )
    same_fixed = not extra.fixed
    reml = same_fixed and bool(large.reml) and small_reml is not False
    if same_fixed:  # the same columns, so that REML's own constant is the same
        small = changed(small, exog=large.model.exog)
    fits = best_fit(small, reml), best_fit(large.model, reml)
    loglik = float(fits[0].loglik[0]), float(fits[1].loglik[0])
    statistic = 2 * (loglik[1] - loglik[0])
    if statistic < -1e-4:
        raise ValueError(
            f"the best fit found of larger is {-statistic / 2:.2g} below that of smaller in log-likelihood, which "
            "cannot be: its likelihood has several peaks; simplify its random effects"
        )
    statistic = statistic if statistic > ROUNDING else 0.0
    mixture = extra.mixture if method == "boundary" else ((1.0, extra.parameters),)
    null, error = None, 0.0
    notes = refit_notes(extra, bool(large.reml), small_reml, reml)
    if method == "bootstrap":
        mixture = None
        null, failed = _null(small, large.model, fits[0], reml, n, seed)
        p, error = _bootstrap_p(statistic, null)
        notes += failed_note(failed, n)
    else:
        p = mixture_p(statistic, mixture or ())
    groups = fewest_groups(large.model)
    notes += null_notes(method, extra, statistic, bool(fits[0].singular[0])) + few_notes(
        method, extra, groups
    )
    count = large.model.exog.shape[1] + _variances(large.model) + 1
    return Comparison(
        statistic=statistic,
        df=extra.parameters,
        mixture=mixture,
        p=p,
        p_error=error,
        method=method,
        reml=reml,
        loglik=loglik,
        parameters=(count - extra.parameters, count),
        sentence=_sentence(
            extra, statistic, mixture, p, error, reml, 0 if null is None else len(null)
        ),
        notes=tuple(notes),
        null=null,
    )


def _checked(name: str, result: Any) -> MixedLMResults:
    """As `check_result`, with errors that say which of the two results is meant."""
    if isinstance(getattr(result, "model", None), OLS) and name == "larger":
        raise TypeError(
            "larger is an ordinary regression, without random effects; it can only be the smaller one: "
            "compare(regression, mixed_model)"
        )
    try:
        return check_result(result)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def _smaller_model(result: Any, larger: MixedLM) -> tuple[MixedLM, bool | None]:
    """The smaller model, and whether it was fitted by REML (None for least squares, which stands for both)."""
    if (
        isinstance(result, RegressionResults | RegressionResultsWrapper)
        and type(result.model) is OLS
    ):
        model = result.model
        if len(model.endog) != len(larger.endog):
            raise _other_rows(len(model.endog), len(larger.endog))
        bare = without_random_effects(larger, np.asarray(model.exog, dtype=float))
        return changed(bare, endog=model.endog, fixed_names=model.exog_names), None
    plain = _checked("smaller", result)
    return plain.model, bool(plain.reml)


def _other_rows(small: int, large: int) -> ValueError:
    return ValueError(
        f"smaller has {small} rows and larger {large}; fit both to the same rows: missing values in a predictor of one "
        "may have cost it rows, so drop them first, data.dropna(subset=[...])"
    )


def _check_same_data(small: MixedLM, large: MixedLM) -> None:
    if len(small.endog) != len(large.endog):
        raise _other_rows(len(small.endog), len(large.endog))
    if not np.array_equal(small.endog, large.endog):
        raise ValueError(
            "smaller and larger have different scores, or the same in another order: fit both to the same outcome of "
            "the same data frame"
        )
    if (small.k_re or small.k_vc) and not np.array_equal(group_labels(small), group_labels(large)):
        raise ValueError(
            f"smaller and larger put the rows into different groups ({small.n_groups} and {large.n_groups}): fit "
            "both with the same groups; further factors, nested or crossed, belong into vc_formula"
        )


def _null(
    small: MixedLM, large: MixedLM, fitted: Refits, reml: bool, n: int, seed: int
) -> tuple[Array, int]:
    """Likelihood ratios of data sets drawn from the smaller model's fit, and how many could not be had."""
    scores = draw(small, fitted, n, seed)
    pair = refit(small, scores, reml), refit(large, scores, reml)
    failed = pair[0].failed | pair[1].failed
    if failed.all():
        raise ValueError(
            "none of the drawn data sets could be fitted by both models; simplify the random effects"
        )
    ratio = 2 * (pair[1].loglik - pair[0].loglik)[~failed]
    return np.where(ratio > ROUNDING, ratio, 0.0), int(failed.sum())


def _bootstrap_p(statistic: float, null: Array) -> tuple[float, float]:
    """(1 + exceedances) / (n + 1), Davison & Hinkley 1997, eq. 4.11, and its Monte-Carlo error."""
    p = (1 + int(np.sum(null >= statistic - ROUNDING))) / (len(null) + 1)
    return p, float(np.sqrt(p * (1 - p) / (len(null) + 1)))


def _variances(model: MixedLM) -> int:
    return int(model.k_re * (model.k_re + 1) // 2 + model.k_vc)


def _sentence(
    extra: Added, statistic: float, mixture: Any, p: float, error: float, reml: bool, n: int
) -> str:
    fixed = (
        [f"the fixed effect{'s' * (len(extra.fixed) > 1)} {_list(extra.fixed)}"]
        if extra.fixed
        else []
    )
    if mixture is None:
        null = f"{n} data sets drawn from the smaller model"
    elif len(mixture) == 1:
        null = f"χ² with {mixture[0][1]} df"
    else:
        null = " + ".join(f"½χ²({df})" for _, df in mixture)
    spread = f" (Monte-Carlo error {error:.2g})" if mixture is None else ""
    return (
        f"The larger model adds {_list([*fixed, *extra.random])}. Twice its gain in "
        f"{'restricted log-likelihood' if reml else 'log-likelihood'} is {statistic:.3f}; "
        f"against {null}, p = {show_p(p)}{spread}."
    )


def _list(items: Sequence[str]) -> str:
    """One, two and three."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
