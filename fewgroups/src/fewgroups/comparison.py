"""What other studies like this one would find: new data from a fit, the parametric bootstrap of its estimates, and the
likelihood ratio of two nested models, against the null distribution that what is added calls for."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats
from statsmodels.regression.linear_model import OLS, RegressionResults, RegressionResultsWrapper
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import check_choice, confidence_level, whole_number
from fewgroups.batch import fit_many
from fewgroups.checks import check_result
from fewgroups.ddf import SHORTFALL
from fewgroups.designs import normal_outcomes, progress_bar
from fewgroups.likelihood import NotAtOptimumWarning, Optimum, optima, optimum
from fewgroups.structure import (
    Structure,
    derivatives,
    random_design,
    sds_and_correlations,
    sqrt_factor,
)
from fewgroups.wording import NotedTable, joined, noted_table, p_is, say, useful_decimals

Array = np.ndarray
FEW = 20  # groups below which a nominal 5 % of large-sample theory means 6 % or more
ROUNDING = 1e-6  # deviance
ALIKE = 1e-8  # share of a column, or of a covariance matrix, that is rounding
VALUES = 2**20  # numbers that a block of drawn data sets may hold: 8 MB


def simulate_from(result: Any, n: int, seed: int) -> Array:
    """New data from a fit: scores (n, rows), rows in the order of the data that were fitted, in their units.

    Random effects and residuals are drawn anew from the fit's variances, for the same predictors: what the same study
    would find with other groups. The outcome is not clipped: a fit knows of no bounds. Data set k does not depend on n.

    result: a fitted MixedLM, any formulas; n: how many data sets, 1 or more; seed: 0 or more. TypeError or ValueError
    names the one that is wrong."""
    plain = check_result(result)
    n, seed = whole_number("n", n, 1, "data sets"), whole_number("seed", seed, 0)
    return draw(plain.model, np.asarray(plain.fe_params), plain, n, seed)


@dataclass(frozen=True)
class Bootstrap:
    """Estimates of a model from n data sets that were drawn from its fit.

    draws: DataFrame (n, parameters): fixed effects by their names, then sd(...), cor(..., ...) and sd(residual), in the
    units of the data; a correlation with a zero SD is missing. estimates: Series, the same of the fit itself. singular:
    (n,) whether the refit has a zero variance or a correlation of ±1. notes: what must be known besides."""

    estimates: pd.Series
    draws: pd.DataFrame
    singular: Array
    notes: tuple[str, ...]

    def intervals(self, level: float = 0.95) -> NotedTable:
        """Percentile intervals: DataFrame by term, with estimate, bias (mean of the draws less the estimate), se (their
        SD), low, high. The k-th of n draws stands for the quantile k/(n + 1) (Davison & Hinkley 1997, section 5.2).
        ValueError for a level outside (0, 1), or for which there are too few draws: at least one must lie beyond each
        end."""
        level = confidence_level(level)
        needed = int(np.ceil(round(2 / (1 - level), 6))) - 1
        if len(self.draws) < needed:
            raise ValueError(
                f"level {level:g} needs {needed} draws, one beyond each end, not {len(self.draws)}: give a larger n"
            )
        ends = np.array([[1 - level], [1 + level]]) / 2
        low, high = stats.quantile(self.draws, ends, axis=0, method="weibull", nan_policy="omit")
        se, bias = self.draws.std(ddof=1), self.draws.mean() - self.estimates
        columns = {"estimate": self.estimates, "bias": bias, "se": se, "low": low, "high": high}
        decimals = dict.fromkeys(columns, useful_decimals(float(se.min())))
        return noted_table(columns, self.draws.columns.rename("term"), self.notes, decimals)

    def _shown(self) -> NotedTable:
        if len(self.draws) >= 39:
            return self.intervals()
        columns = {"estimate": self.estimates}
        return noted_table(columns, self.estimates.index, self.notes, {"estimate": 4})

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()


def bootstrap(result: Any, n: int = 1000, *, seed: int) -> Bootstrap:
    """Parametric bootstrap of a mixed model: n data sets drawn from the fit, the model fitted to each (Davison &
    Hinkley 1997, Bootstrap Methods and Their Application).

    result: a fitted MixedLM, any formulas, REML or ML; the refits are of the same kind. n: 2 or more. All are refitted
    at once: of models with random intercepts, or with a random intercept and slope of the only predictor, 10 000 in a
    second or two, of others some thousands a second where groups are few, with a progress bar. seed: 0 or more.
    TypeError or ValueError names what is wrong with them; NotAtOptimumWarning when the fit ended below its optimum."""
    plain = check_result(result)
    n, seed = whole_number("n", n, 2, "data sets"), whole_number("seed", seed, 0)
    model, reml = plain.model, bool(plain.reml)
    best, notes = optimum(plain.structure, reml), []
    shortfall = float(best.loglik - plain.llf)
    if shortfall > SHORTFALL:
        notes.append(say("bootstrap.short", shortfall=f"{shortfall:.2g}"))
        warnings.warn(notes[-1], NotAtOptimumWarning, stacklevel=2)
    scores = draw(model, best.coefficients, best, n, seed)
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
    labels = [str(name) for name in model.exog_names]
    columns, components = random_names(model)
    labels += [f"sd({name})" for name in columns]
    labels += [f"cor({columns[j]}, {columns[i]})" for i in range(len(columns)) for j in range(i)]
    labels += [f"sd({name})" for name in (*components, "residual")]
    draws = pd.DataFrame(found[kept], columns=labels)
    return Bootstrap(pd.Series(_estimates(best), labels), draws, singular[kept], tuple(notes))


def random_names(model: MixedLM) -> tuple[list[str], list[str]]:
    """Names of the columns of re_formula, "Intercept" for the constant; and of the components."""
    columns = [str(name) for name in model.data.exog_re_names[: model.k_re]]
    for k in range(model.k_re):
        if np.ptp(model.exog_re[:, k]) == 0:
            columns[k] = "Intercept"  # statsmodels calls it by the group
    return columns, [str(name) for name in model.exog_vc.names]


def fewest_groups(model: MixedLM) -> int:
    """The smallest number of groups, or of levels of a component, that a random effect of the model has."""
    counts = [model.n_groups] if model.k_re else []
    for matrices in model.exog_vc.mats:  # columns of zeros: levels that a group has not
        counts.append(sum(np.count_nonzero(abs(m).sum(axis=0)) for m in matrices))
    return min(counts)


def draw(model: MixedLM | OLS, beta: Array, at: Any, n: int, seed: int) -> Array:
    """New scores (n, rows) of a model with coefficients `beta`, rows in its order; random effects and residuals both
    drawn anew, with the cov_re, vcomp and scale of `at`."""
    mean = np.asarray(model.exog, dtype=float) @ beta
    effects = sparse.csr_array((len(mean), 0))  # what the rows get from standard normals
    if isinstance(model, MixedLM):
        q, root, sds = model.k_re, sqrt_factor(np.asarray(at.cov_re)), np.sqrt(at.vcomp)
        # groups in their order in the data, whatever their labels are
        order = np.argsort([model.row_indices[name][0] for name in model.group_labels])
        rows = np.concatenate([model.row_indices[model.group_labels[group]] for group in order])
        designs = [random_design(model, group) for group in order]
        parts = [np.hstack([Z[:, :q] @ root, Z[:, q:] * sds[labels[q:]]]) for Z, labels in designs]
        effects = sparse.block_diag(parts, format="csr")[np.argsort(rows)]
    shape, k = (n, len(mean)), effects.shape[1]
    return normal_outcomes(shape, np.sqrt(at.scale), k, lambda u: mean + u @ effects.T, seed)


def refit(model: MixedLM | OLS, scores: Array, reml: bool) -> tuple[Array, Array, Array]:
    """A model fitted to each row of scores (n, rows), by REML or ML: fixed effects, SDs and correlations (n, k), as in
    `Bootstrap.draws`; log-likelihoods (n,), nan where no optimum was found; whether a fit is singular (n,)."""
    if isinstance(model, OLS):
        best = least_squares(model, scores, reml)
        return _estimates(best), best.loglik, best.singular
    X, n = np.asarray(model.exog, dtype=float), len(scores)
    slopes = model.k_re == 2 and np.array_equal(model.exog_re, X)
    levels = model.k_re == 1 and np.all(np.asarray(model.exog_re) == 1)
    if not model.k_vc and (slopes or levels):  # hundreds of times faster
        fits = fit_many(scores, X, pd.factorize(np.asarray(model.groups))[0], slopes, reml)
        spread = sds_and_correlations(fits.cov_re, np.zeros((n, 0)), fits.scale)
        return np.hstack([fits.estimate, spread]), fits.loglik, fits.singular
    own = Structure.of(model)
    near, step = optimum(own, reml).theta, max(1, VALUES // own.values)
    parts = []
    for start in progress_bar(range(0, n, step), unit=f" × {step} fits"):
        structure = Structure.of(model, scores[start : start + step])
        best, failed = optima(structure, reml, near)
        parts.append((_estimates(best), np.where(failed, np.nan, best.loglik), best.singular))
    found, loglik, singular = map(np.concatenate, zip(*parts, strict=True))
    return found, loglik, singular


def least_squares(model: OLS, y: Array, reml: bool) -> Optimum:
    """Ordinary regression of y (rows,), or of many, (n, rows): the mixed model whose variance is held at zero, whatever
    its groups; with lme4's constants in the log-likelihood."""
    X = pd.DataFrame(model.exog, columns=model.exog_names)
    structure = Structure.of(MixedLM(model.endog, X, np.zeros(len(X))), y)
    return Optimum.at(structure, np.zeros((*y.shape[:-1], 1)), reml)


def _estimates(best: Optimum) -> Array:
    spread = sds_and_correlations(best.cov_re, best.vcomp, best.scale)
    return np.concatenate([best.coefficients, spread], axis=-1)


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; printed, it says so in words.

    statistic: twice the gain in (restricted) log-likelihood. df: how many parameters are added. mixture: weight and
    df of each χ² that the null distribution is made of; None for the bootstrap. p, and p_error, its Monte-Carlo
    error (0 but for the bootstrap). method: as asked for. reml: whether log-likelihoods are REML. loglik, parameters:
    of the smaller and of the larger model, residual variance included. sentence: the result in words. notes: what
    was done besides, and cautions. null: (n,) statistics of the bootstrap, or None."""

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
        columns: dict[str, object] = {"parameters": self.parameters, "loglik": self.loglik}
        test = {"statistic": self.statistic, "df": self.df, "p": self.p}
        columns |= {name: (np.nan, value) for name, value in test.items()}
        decimals = {"loglik": 4, "statistic": 4, "df": 0, "p": -1}
        notes = [self.sentence, *self.notes]
        return noted_table(columns, pd.Index(["smaller", "larger"]), notes, decimals)

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def compare(
    smaller: Any, larger: Any, method: str = "lrt", n: int = 1000, seed: int | None = None
) -> Comparison:
    """Compare two nested models of the same scores by their likelihood ratio.

    smaller, larger: fitted MixedLMs (smf.mixedlm(...).fit() or fewgroups.fit). `smaller` may also be an ordinary
        regression (smf.ols(...).fit()): then the question is whether groups vary at all.
    method: "lrt": χ² with a df for each added parameter. "boundary": the mixture of χ² that holds when one variance is
        added, which cannot be less than zero: ½χ²₀ + ½χ²₁ for one variance alone, ½χ²_q + ½χ²_(q+1) for a slope with
        covariances to q other random effects. "bootstrap": n data sets are drawn from the smaller model and both models
        are fitted to each; p = (1 + how many have a ratio as large) / (n + 1).
    n, seed: of the bootstrap; the seed must be given for it.

    Returns a Comparison, of both models at the optimum of their likelihood, wherever the fits stopped. REML
    log-likelihoods are comparable between models with the same fixed effects only: where these differ, both models are
    refitted by ML, and a note says so; where they do not, REML is kept.

    TypeError for anything but fitted models; ValueError for fits from which nothing can be concluded, another outcome,
    other rows or in another order, other groups, models that are the same or not nested, an unknown method, several
    added variances with "boundary" (their mixture has no simple weights: use the bootstrap).

    Sources: Self & Liang 1987 (J. Am. Stat. Assoc. 82:605); Stram & Lee 1994 (Biometrics 50:1171); Davison & Hinkley
    1997 (Bootstrap Methods and Their Application, ch. 4); Halekoh & Højsgaard 2014 (pbkrtest, J. Stat. Softw. 59(9)).
    """
    check_choice("method", method, ("lrt", "boundary", "bootstrap"))
    n = whole_number("n", n, 1, "data sets")
    seed = whole_number("seed", 0 if seed is None and method != "bootstrap" else seed, 0)
    first, second = _comparable(smaller, larger)
    small, large = first.model, second.model
    extra = added(small, large)

    by_reml = getattr(first, "reml", second.reml), second.reml  # least squares stand for both
    reml = all(by_reml) and not extra.fixed
    notes = []
    if any(by_reml) and not reml:
        notes.append(say("compare.fixed_differ" if extra.fixed else "compare.one_by_reml"))
    ordinary = isinstance(small, OLS)
    if reml and ordinary:  # with the same columns REML's own constant is the same
        small = OLS(small.endog, large.exog)
    elif reml:
        Z = small.exog_re if small.k_re else None
        small = MixedLM(small.endog, large.exog, small.groups, Z, exog_vc=small.exog_vc)
    best = least_squares(small, small.endog, reml) if ordinary else optimum(small, reml)
    loglik = float(best.loglik), float(optimum(second.structure, reml).loglik)
    statistic = 2 * (loglik[1] - loglik[0])
    if statistic < -1e-4:
        raise ValueError(
            f"the best fit found of larger is {-statistic / 2:.2g} below that of smaller in log-likelihood, which "
            "cannot be: its likelihood has several peaks; simplify its random effects"
        )
    statistic = statistic if statistic > ROUNDING else 0.0

    mixture, null, p_error = None, None, 0.0
    if method == "bootstrap":
        scores = draw(small, best.coefficients, best, n, seed)
        null = 2 * (refit(large, scores, reml)[1] - refit(small, scores, reml)[1])
        null = np.where(null > ROUNDING, null, 0.0)[np.isfinite(null)]
        drawn = len(null)
        if not drawn:
            raise ValueError("the drawn data sets could not be fitted; simplify the random effects")
        if drawn < n:
            notes.append(say("compare.failed", failed=str(n - drawn), n=str(n)))
        # Davison & Hinkley 1997, eq. 4.11
        p = (1 + int(np.sum(null >= statistic - ROUNDING))) / (drawn + 1)
        p_error = float(np.sqrt(p * (1 - p) / (drawn + 1)))
        against = say("compare.drawn", n=str(drawn))
        shown = say("compare.p_drawn", p=p_is(p), error=f"{p_error:.2g}")
    else:
        mixture = extra.mixture if method == "boundary" else ((1.0, extra.df),)
        if mixture is None:
            raise ValueError(
                f"method 'boundary' has no simple mixture for this: larger adds {joined(extra.phrases)}, so "
                f"{extra.bounds} variances are at their bound; use method='bootstrap', or add one at a time"
            )
        p = mixture_p(statistic, mixture)
        words = {"df": str(extra.df), "less": str(extra.df - 1)}
        against = say("compare.chi2" if len(mixture) == 1 else "compare.mixture", words)
        shown = p_is(p)

    singular = not ordinary and bool(best.singular)
    notes += _notes(method, extra, statistic, singular, fewest_groups(large))
    words = {"added": joined(extra.phrases), "statistic": f"{statistic:.3f}", "p": shown}
    parameters = large.exog.shape[1] + second.structure.size + 1
    return Comparison(
        statistic=statistic,
        df=extra.df,
        mixture=mixture,
        p=p,
        p_error=p_error,
        method=method,
        reml=reml,
        loglik=loglik,
        parameters=(parameters - extra.df, parameters),
        sentence=say("compare.reml" if reml else "compare.ml", words, against=against),
        notes=tuple(notes),
        null=null,
    )


def _comparable(smaller: Any, larger: Any) -> list[Any]:
    """Both results, checked: regressions as they are, of mixed models plain copies with their `structure`."""
    if isinstance(getattr(larger, "model", None), OLS):
        raise TypeError(
            "larger is an ordinary regression, which can only be the smaller one: compare(regression, mixed_model)"
        )
    found = []
    for name, result in (("smaller", smaller), ("larger", larger)):
        regression = isinstance(result, RegressionResults | RegressionResultsWrapper)
        ordinary = regression and type(result.model) is OLS
        try:
            found.append(result if ordinary else check_result(result))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
    small, large = (result.model for result in found)
    if len(small.endog) != len(large.endog):
        raise ValueError(
            f"smaller has {len(small.endog)} rows and larger {len(large.endog)}; fit both to the same rows: missing "
            "values in a predictor of one may have cost it rows, so drop them first, data.dropna(subset=[...])"
        )
    if not np.array_equal(small.endog, large.endog):
        raise ValueError(
            "smaller and larger have different outcomes, or the same in another order: fit both to the same column"
        )
    if isinstance(small, MixedLM):
        codes = [pd.factorize(np.asarray(model.groups))[0] for model in (small, large)]
        if not np.array_equal(*codes):
            raise ValueError(
                f"smaller and larger put the rows into different groups ({small.n_groups} and {large.n_groups}): fit "
                "both with the same groups; further factors, nested or crossed, belong into vc_formula"
            )
    return found


class Added(NamedTuple):
    """What the larger model has and the smaller has not. fixed: whether fixed effects; phrases: what, in words; df: how
    many parameters; bounds: in how many directions a variance is added, which the smaller model holds at zero, the
    bound of what a variance can be; mixture: that of the null distribution, as in `Comparison`, None where no simple
    one holds."""

    fixed: bool
    phrases: list[str]
    df: int
    bounds: int
    mixture: tuple[tuple[float, int], ...] | None


def added(smaller: MixedLM | OLS, larger: MixedLM) -> Added:
    """What `larger` adds; both models have the same rows and, where `smaller` has random effects, the same groups.
    ValueError, saying which column or random effect stands in the way, when `smaller` is not nested in `larger`, or
    when they are the same model."""
    X_s, X_l = np.asarray(smaller.exog, dtype=float), np.asarray(larger.exog, dtype=float)
    outside = [smaller.exog_names[k] for k in _new_columns(X_l, X_s)]
    if outside:
        raise _not_nested(smaller, larger, f"its fixed effects {joined(outside)} are not in larger")
    variances, tied = _variances_added(smaller, larger)
    fixed = [str(larger.exog_names[k]) for k in _new_columns(X_s, X_l)]
    random = len(_places(larger)) - len(_places(smaller))
    df = len(fixed) + random
    if not df:
        raise ValueError("smaller and larger are the same model; there is nothing to compare")
    phrases = [f"the variance of {name}" for name in variances]
    if fixed:
        phrases.insert(0, f"the fixed effect{'s' * (len(fixed) > 1)} {joined(fixed)}")
    rest = random - len(variances)
    if rest == 1:
        phrases.append("a variance or covariance" if tied else "a covariance")
    elif rest:
        phrases.append(f"{rest} variances and covariances" if tied else f"{rest} covariances")
    # Self & Liang 1987, cases 5 and 6; Stram & Lee 1994, cases 1 and 2
    mixtures = {0: ((1.0, df),), 1: ((0.5, df - 1), (0.5, df))}
    return Added(bool(fixed), phrases, df, len(variances), mixtures.get(len(variances)))


def _not_nested(smaller: MixedLM | OLS, larger: MixedLM, why: str) -> ValueError:
    before, after = (model.exog.shape[1] + len(_places(model)) + 1 for model in (smaller, larger))
    hint = f". Are they swapped? smaller has {before} parameters, larger {after}" * (before > after)
    return ValueError(f"smaller is not nested in larger: {why}; larger must have all it has{hint}")


def _new_columns(known: Array, columns: Array) -> list[int]:
    """Which of `columns` (rows, k) follow neither from `known` (rows, j) nor from the ones before them."""
    both = np.column_stack([known, columns])
    size = np.linalg.norm(both, axis=0)
    both = both / np.where(size > 0, size, 1.0)
    first = known.shape[1]
    ranks = [np.linalg.matrix_rank(both[:, :k], tol=ALIKE) for k in range(first, both.shape[1] + 1)]
    return np.flatnonzero(np.diff(ranks)).tolist()


def _variances_added(smaller: MixedLM | OLS, larger: MixedLM) -> tuple[list[str], bool]:
    """Names of the variances that the smaller model holds at zero; whether it holds some equal to each other. The
    covariances that random effects can have are sums of constant matrices ZSZᵀ, each with a parameter (`_places`). Each
    one of the smaller model must be a combination of those of the larger; and that of a variance must be a covariance
    there: a positive semi-definite Ψ, variances of components not below zero."""
    columns, components = random_names(larger)
    if isinstance(smaller, OLS):
        return components + columns, False
    a, b = _places(larger).T
    # With a few random vectors: a linear relation holds between matrices where it holds between these products.
    probes = np.random.default_rng(0).standard_normal((len(larger.endog), 10))
    ours, theirs = _constants(smaller, probes), _constants(larger, probes)
    # In units in which each random effect of the larger model is of size one.
    units = np.sqrt(np.linalg.norm(theirs[:, a == b], axis=0))
    theirs = theirs / (units[a] * units[b])
    weights = np.linalg.lstsq(theirs, ours)[0]
    outside = np.sum((ours - theirs @ weights) ** 2, axis=0) > ALIKE * np.sum(ours**2, axis=0)
    varying, tied = np.zeros((len(units), 0)), False  # in which directions the smaller one varies
    for k, (one, other) in enumerate(_places(smaller)):
        covariance = np.zeros((len(units), len(units)))
        covariance[a, b] = weights[:, k]
        values, vectors = np.linalg.eigh(covariance)  # of its lower triangle
        if outside[k] or (one == other and values[0] < -ALIKE * values[-1]):
            some, singly = random_names(smaller)
            some = some if one < len(some) else [singly[one - len(some)]]
            what = "random effect" if len(some) == 1 else "correlated random effects of"
            what = f"the {what} {', '.join(some)} of smaller cannot be seen as a special case of"
            raise _not_nested(smaller, larger, f"{what} larger's random effects")
        if one == other:
            kept = values > ALIKE * values[-1]
            varying = np.hstack([varying, vectors[:, kept]])
            tied |= one >= smaller.k_re and kept.sum() > 1
    new = _new_columns(varying, np.eye(len(units)))
    return [(columns + components)[k] for k in sorted(new, key=lambda k: k < len(columns))], tied


def _places(model: MixedLM | OLS) -> Array:
    """(k, 2) of which two random effects (columns of re_formula, then components) each parameter is the covariance, or
    twice the one of which it is the variance: of the lower triangle of Ψ, row by row, then of the components."""
    q, v = (0, 0) if isinstance(model, OLS) else (model.k_re, model.k_vc)
    triangle, components = np.transpose(np.tril_indices(q)), np.arange(q, q + v)
    return np.vstack([triangle, np.column_stack([components, components])])


def _constants(model: MixedLM, vectors: Array) -> Array:
    """The model's constant matrices times `vectors` (rows, k), as columns (entries, parameters)."""
    found = np.zeros((len(_places(model)), *vectors.shape))
    for group, name in enumerate(model.group_labels):
        rows, (Z, labels) = model.row_indices[name], random_design(model, group)
        S = derivatives(labels, model.k_re, model.k_vc)
        found[:, rows] = Z @ (S @ (Z.T @ vectors[rows]))
    return found.reshape(len(found), -1).T


def _notes(method: str, extra: Added, statistic: float, singular: bool, groups: int) -> list[str]:
    """Where the null distribution asked for is not the right one (singular: the smaller model is), and what few groups
    do to the test."""
    # The true size of a 5 % likelihood-ratio test (ML, χ²₁) that the mean of J normal values of groups is zero, exact:
    # the ratio is J log(1 + t²/(J − 1)), t with J − 1 df.
    t = np.sqrt((groups - 1) * np.expm1(stats.chi2.ppf(0.95, 1) / groups))
    size = 2 * stats.t.sf(t, groups - 1)
    keys, words = [], {"groups": str(groups), "size": f"{100 * size:.0f}"}
    words |= {"df": str(extra.df), "less": str(extra.df - 1), "variances": str(extra.bounds)}
    if method == "lrt" and extra.bounds and extra.mixture:
        words["p"] = p_is(mixture_p(statistic, extra.mixture))
        keys.append("half" if extra.df == 1 else "average")
    elif method == "lrt" and extra.bounds:
        keys.append("bounds")
    elif method == "boundary" and not extra.bounds:
        keys.append("no_bound")
    if method != "bootstrap" and singular:
        keys.append("singular")
    if statistic == 0:
        keys.append("no_better")
    if groups < FEW and extra.fixed:
        keys.append("few_bootstrap" if method == "bootstrap" else "few_fixed")
    elif groups < FEW and extra.bounds and method != "bootstrap":
        keys.append("few_random")
    return [say(f"compare.{key}", words) for key in keys]


def mixture_p(statistic: float, mixture: Sequence[tuple[float, int]]) -> float:
    """P(T ≥ statistic) for a mixture of χ² distributions (weight, df); χ² with no df is always zero."""
    tails = [stats.chi2.sf(statistic, df) if df else statistic <= 0 for _, df in mixture]
    return float(np.dot([weight for weight, _ in mixture], tails))
