"""Two nested models compared: the likelihood ratio, against the null distribution that what is added calls for.

Nested, fixed effects: every column of the smaller model must be a combination of the larger one's. Random effects: each
model is a family of covariance matrices, an unstructured one (the columns of re_formula with all covariances) and
components with one variance each; the smaller family must lie within the larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.linear_model import OLS, RegressionResults, RegressionResultsWrapper
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults

from fewgroups.arguments import check_choice, whole_number
from fewgroups.blocks import derivatives
from fewgroups.checks import check_result
from fewgroups.noted_table import NotedTable, joined, noted_table, p_is
from fewgroups.resampling import (
    FEW,
    best_fit,
    draw,
    fewest_groups,
    group_labels,
    groups_in_order,
    random_names,
    refit,
)
from fewgroups.structure import random_design

Array = np.ndarray
METHODS = ("lrt", "boundary", "bootstrap")
ROUNDING = 1e-6  # deviance
NOT_NESTED = (
    "smaller is not nested in larger: {}; compare models of which one has all that the other has"
)
ALIKE = 1e-8  # share of a column, or of a covariance matrix, that is rounding


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
    n = whole_number("n", n, 1, "data sets")
    seed = whole_number("seed", 0 if seed is None and method != "bootstrap" else seed, 0)
    checked = _checked("larger", larger)
    large, large_reml = checked.model, bool(checked.reml)
    small, small_reml = _smaller_model(smaller)
    _check_same_data(small, large)
    extra = added(small, large)
    if method == "boundary" and extra.mixture is None:
        raise ValueError(
            f"method 'boundary' has no simple mixture for this: larger adds {joined(extra.random)}, so {extra.bounds} "
            "variances are at their bound; use method='bootstrap', or add one at a time"
        )
    same_fixed = not extra.fixed
    reml = same_fixed and large_reml and small_reml is not False
    if same_fixed:  # the same columns, so that REML's own constant is the same
        if isinstance(small, MixedLM):
            Z = np.asarray(small.exog_re) if small.k_re else None
            small = MixedLM(small.endog, large.exog, small.groups, Z, exog_vc=small.exog_vc)
        else:
            small = OLS(small.endog, large.exog)
    fits = best_fit(small, reml), best_fit(large, reml)
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
    notes = _refit_notes(extra, large_reml, small_reml, reml)
    if method == "bootstrap":
        scores = draw(small, fits[0], n, seed)
        pair = refit(small, scores, reml), refit(large, scores, reml)
        failed = pair[0].failed | pair[1].failed
        if failed.all():
            raise ValueError(
                "none of the drawn data sets could be fitted by both models; simplify the random effects"
            )
        if failed.any():
            notes.append(
                f"{failed.sum()} of {n} drawn data sets could not be fitted by both models: left out of p."
            )
        ratio = 2 * (pair[1].loglik - pair[0].loglik)[~failed]
        mixture, null = None, np.where(ratio > ROUNDING, ratio, 0.0)
        # Davison & Hinkley 1997, eq. 4.11
        p = (1 + int(np.sum(null >= statistic - ROUNDING))) / (len(null) + 1)
        error = float(np.sqrt(p * (1 - p) / (len(null) + 1)))
        against = f"{len(null)} data sets drawn from the smaller model"
    else:
        p = mixture_p(statistic, mixture or ())
        against = " + ".join(f"½χ²({df})" for _, df in mixture or ())
        if method == "lrt" or not extra.bounds:
            against = f"χ² with {extra.parameters} df"
    notes += _null_notes(method, extra, statistic, bool(fits[0].singular[0]))
    notes += _few_notes(method, extra, fewest_groups(large))
    fixed = f"the fixed effect{'s' * (len(extra.fixed) > 1)} {joined(extra.fixed)}"
    sentence = (
        f"The larger model adds {joined([fixed] * bool(extra.fixed) + [*extra.random])}. Twice its gain in "
        f"{'restricted log-likelihood' if reml else 'log-likelihood'} is {statistic:.3f}; against {against}, "
        f"{p_is(p)}{f' (Monte-Carlo error {error:.2g})' if null is not None else ''}."
    )
    count = large.exog.shape[1] + len(Family.of(large).places) + 1
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
        sentence=sentence,
        notes=tuple(notes),
        null=null,
    )


def mixture_p(statistic: float, mixture: Sequence[tuple[float, int]]) -> float:
    """P(T ≥ statistic) for a mixture of χ² distributions (weight, df); χ² with no df is always zero."""
    tails = [
        float(stats.chi2.sf(statistic, df)) if df else float(statistic <= 0) for _, df in mixture
    ]
    return float(sum(weight * tail for (weight, _), tail in zip(mixture, tails, strict=True)))


# ---- what may be compared ----------------------------------------------------------------------------------


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


def _smaller_model(result: Any) -> tuple[Any, bool | None]:
    """The smaller model, and whether it was fitted by REML (None for least squares, which stands for both)."""
    regression = isinstance(result, RegressionResults | RegressionResultsWrapper)
    if regression and type(result.model) is OLS:
        return result.model, None
    plain = _checked("smaller", result)
    return plain.model, bool(plain.reml)


def _check_same_data(small: Any, large: MixedLM) -> None:
    if len(small.endog) != len(large.endog):
        raise ValueError(
            f"smaller has {len(small.endog)} rows and larger {len(large.endog)}; fit both to the same rows: missing "
            "values in a predictor of one may have cost it rows, so drop them first, data.dropna(subset=[...])"
        )
    if not np.array_equal(small.endog, large.endog):
        raise ValueError(
            "smaller and larger have different outcomes, or the same in another order: fit both to the same outcome "
            "of the same data frame"
        )
    if not isinstance(small, MixedLM):
        return
    if not np.array_equal(group_labels(small), group_labels(large)):
        raise ValueError(
            f"smaller and larger put the rows into different groups ({small.n_groups} and {large.n_groups}): fit "
            "both with the same groups; further factors, nested or crossed, belong into vc_formula"
        )


# ---- what the larger model adds ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """What the larger model has and the smaller has not.

    fixed: names of fixed-effect columns; random: phrases; parameters: how many in all; bounds: in how many directions
    a variance is added, which the smaller model holds at zero, the bound of what a variance can be.
    """

    fixed: tuple[str, ...]
    random: tuple[str, ...]
    parameters: int
    bounds: int

    @property
    def mixture(self) -> tuple[tuple[float, int], ...] | None:
        """Weights and df of the χ² distributions of which the null is a mixture; None where no simple one holds.

        One bound: ½χ²(d−1) + ½χ²(d) for d parameters (Self & Liang 1987, J. Am. Stat. Assoc. 82:605, cases 5 and 6;
        Stram & Lee 1994, Biometrics 50:1171, cases 1 and 2).
        """
        d = self.parameters
        if self.bounds > 1:
            return None
        return ((0.5, d - 1), (0.5, d)) if self.bounds else ((1.0, d),)


@dataclass(frozen=True)
class Family:
    """The covariances that a model's random effects can have: sums of constant ZSZᵀ, each with a parameter.

    names: of the q random-effect columns, then of the components; designs: of each group, Z (rows, m) with columns of
    unit size, and S (parameters, m, m) by entry of the lower triangle of Ψ, row by row, then by component.
    """

    names: tuple[str, ...]
    q: int
    designs: list[tuple[Array, Array]]

    @classmethod
    def of(cls, model: Any) -> Family:
        """Of least squares: no random effects."""
        if not isinstance(model, MixedLM):
            return cls((), 0, [])
        q, v, found, squares = model.k_re, model.k_vc, [], np.zeros(model.k_re + model.k_vc)
        for number, _ in groups_in_order(model):
            Z, labels = random_design(model, number)
            source = np.where(labels < 0, -1 - labels, q + labels)
            np.add.at(squares, source, np.sum(Z**2, axis=0))
            found.append((Z, source, derivatives(labels, q, v)))
        designs = [(Z / np.sqrt(squares[source]), S) for Z, source, S in found]
        return cls((*random_names(model), *map(str, model.exog_vc.names)), q, designs)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Of which names each parameter is the covariance, or the variance."""
        triangle = [(a, b) for a in range(self.q) for b in range(a + 1)]
        return triangle + [(c, c) for c in range(self.q, len(self.names))]

    def inner(self, other: Family) -> Array:
        """The sums over groups of tr(ZSZᵀ ZSZᵀ), (parameters, those of `other`)."""
        answer = np.zeros((len(self.places), len(other.places)))
        for (Z, S), (Y, R) in zip(self.designs, other.designs, strict=True):
            C = Z.T @ Y
            answer += np.tensordot(S @ C, C @ R, axes=([1, 2], [1, 2]))
        return answer


def added(smaller: Any, larger: MixedLM) -> Added:
    """What `larger` adds; both models have the same rows and, where `smaller` has random effects, the same groups.

    Raises ValueError, saying which column or random effect stands in the way, when `smaller` is not nested in
    `larger`, or when they are the same model.
    """
    try:
        return _added(smaller, larger)
    except ValueError as error:
        try:
            _added(larger, smaller)
        except ValueError:
            raise error from None
        raise ValueError(
            f"{error}. They seem to be swapped: the smaller model comes first"
        ) from None


def _added(smaller: Any, larger: Any) -> Added:
    X_s, X_l = np.asarray(smaller.exog, dtype=float), np.asarray(larger.exog, dtype=float)
    outside = _new_columns(X_l, X_s)
    if outside:
        names = ", ".join(smaller.exog_names[k] for k in outside)
        raise ValueError(NOT_NESTED.format(f"its fixed effects {names} are not in larger"))
    before, after = Family.of(smaller), Family.of(larger)
    phrases, bounds = _random_added(before, after)
    fixed = tuple(str(larger.exog_names[k]) for k in _new_columns(X_s, X_l))
    parameters = len(fixed) + len(after.places) - len(before.places)
    if not parameters:
        raise ValueError("smaller and larger are the same model; there is nothing to compare")
    return Added(fixed, phrases, parameters, bounds)


def _new_columns(known: Array, columns: Array) -> list[int]:
    """Which of `columns` (rows, k) follow neither from `known` (rows, j) nor from the ones before them."""
    both = np.column_stack([known, columns])
    size = np.linalg.norm(both, axis=0)
    both = both / np.where(size > 0, size, 1.0)
    first = known.shape[1]
    ranks = [np.linalg.matrix_rank(both[:, :k], tol=ALIKE) for k in range(first, both.shape[1] + 1)]
    return np.flatnonzero(np.diff(ranks)).tolist()


def _random_added(before: Family, after: Family) -> tuple[tuple[str, ...], int]:
    """What is added, in words, and how many variances are added that the smaller model holds at zero.

    Each constant matrix of the smaller family must be a combination of those of the larger; and that of a variance must
    be a covariance there: a positive semi-definite Ψ, variances of components not below zero.
    """
    q = after.q
    if before.names and not after.names:
        raise _not_nested(before.names)
    varying = np.zeros((q, 0))  # directions in which the smaller model's groups vary already
    used, tied = np.zeros(len(after.names) - q, dtype=bool), False
    if before.names:
        cross, size = after.inner(before), np.diag(before.inner(before))
        weights = np.linalg.lstsq(after.inner(after), cross, rcond=1e-12)[0]
        outside = size - np.sum(weights * cross, axis=0) > ALIKE * size
        for number, (a, b) in enumerate(before.places):
            psi, rows = np.zeros((q, q)), np.tril_indices(q)
            psi[rows] = psi.T[rows] = weights[: len(rows[0]), number]
            values, vectors = np.linalg.eigh(psi)
            own = weights[len(rows[0]) :, number]
            together = np.append(values, own)
            if outside[number] or (a == b and together.min() < -ALIKE * together.max()):
                raise _not_nested(before.names[: before.q] if a < before.q else [before.names[a]])
            if a == b:
                kept = values > ALIKE * together.max()
                varying = np.hstack([varying, vectors[:, kept] * np.sqrt(values[kept])])
                used |= own > ALIKE * together.max()
                tied |= a >= before.q and kept.sum() > 1
    new = [after.names[k] for k in _new_columns(varying, np.eye(q))]
    new = [*np.array(after.names[q:], dtype=object)[~used], *new]
    rest = len(after.places) - len(before.places) - len(new)
    phrases = [f"the variance of {name}" for name in new]
    if rest:
        one, many = "a covariance", f"{rest} covariances"
        if tied:
            one, many = "a variance or covariance", f"{rest} variances and covariances"
        phrases.append(one if rest == 1 else many)
    return tuple(phrases), len(new)


def _not_nested(names: Sequence[str]) -> ValueError:
    what = f"the random effect {names[0]}"
    if len(names) > 1:
        what = f"the correlated random effects of {', '.join(names)}"
    why = f"{what} of smaller cannot be seen as a special case of larger's random effects"
    return ValueError(NOT_NESTED.format(why))


# ---- what must be said besides p ---------------------------------------------------------------------------


def _refit_notes(extra: Added, large_reml: bool, small_reml: bool | None, reml: bool) -> list[str]:
    """Which models were refitted by ML, and why; small_reml None: least squares."""
    if reml or not (large_reml or small_reml):
        return []
    if extra.fixed:
        return [
            "The fixed effects differ, and REML log-likelihoods are comparable only where they do not: the models "
            "fitted by REML were refitted by ML for this comparison."
        ]
    return ["One of the models was fitted by ML, the other by REML: the latter was refitted by ML."]


def _null_notes(method: str, extra: Added, statistic: float, singular: bool) -> list[str]:
    """Where the null distribution asked for is not the right one; singular: the smaller model is."""
    notes = []
    if method == "lrt" and extra.bounds and extra.mixture:
        d = extra.parameters
        right = "half of this p" if d == 1 else f"the average of the p of χ²({d - 1}) and χ²({d})"
        notes.append(
            f"A variance is added, which cannot be less than zero, so χ² errs to the safe side: {right} is right. "
            f"method='boundary' gives it: {p_is(mixture_p(statistic, extra.mixture))}."
        )
    elif method == "lrt" and extra.bounds:
        notes.append(
            f"{extra.bounds} variances are added, which cannot be less than zero, so χ² errs to the safe side: "
            "p is too large. method='bootstrap' finds the null distribution by simulation."
        )
    if method == "boundary" and not extra.bounds:
        notes.append(
            "Nothing that is added has a bound, so the null distribution is χ², no mixture."
        )
    if method != "bootstrap" and singular:
        notes.append(
            "The smaller model is itself singular (a variance of zero or a correlation of ±1); the χ² distributions "
            "assume that it is not. method='bootstrap' does not."
        )
    if statistic == 0:
        notes.append(
            "The larger model fits no better than the smaller: what is added is estimated as zero."
        )
    return notes


def _few_notes(method: str, extra: Added, groups: int) -> list[str]:
    """What few groups do to this test."""
    if groups >= FEW:
        return []
    if extra.fixed:
        advice = "coefficients(larger) or f_tests(larger), with Kenward–Roger or Satterthwaite df"
        if method == "bootstrap":
            return [
                f"With {groups} groups the bootstrap is better than χ² but still liberal where effects vary between "
                f"groups, as it takes the estimated variances for the true ones; compare {advice}."
            ]
        return [
            f"Few groups ({groups}): the test is liberal. Where an effect is tested against differences between groups "
            "(it has a random slope, or is constant within groups), a test that claims 5 % can reject true "
            f"null hypotheses in {100 * _size(groups):.0f} % of studies, or more. Better: {advice}."
        ]
    if method == "bootstrap" or not extra.bounds:
        return []
    return [
        f"Few groups ({groups}): χ² and its mixtures hold for many; with few, p tends to be too large, so that true "
        "variation is missed. method='bootstrap' does not rest on many groups."
    ]


def _size(groups: int) -> float:
    """True size of a 5 % likelihood-ratio test (ML, χ²₁) that the mean of normal group values is zero: exact.

    The ratio is J log(1 + t²/(J − 1)), t with J − 1 df.
    """
    t = np.sqrt((groups - 1) * np.expm1(stats.chi2.ppf(0.95, 1) / groups))
    return float(2 * stats.t.sf(t, groups - 1))
