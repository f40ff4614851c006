"""What the upper part of the printout gives reason to beware of: only what is earned, with the numbers that earn it."""

from __future__ import annotations

import numpy as np
from scipy import stats

from fewgroups.explanation.documents import Caution
from fewgroups.explanation.facts import Facts
from fewgroups.explanation.markup import code
from fewgroups.resampling import FEW

NO_ESTIMATE = (
    "The search did not end at the best fit, so this number is not an estimate, and no sentence "
    "is built on it."
)
PILED = 0.05  # share of the rows at one end of the scale from which a ceiling or floor is told
DISTINCT = 7  # values of an outcome below which it is a count or a rating rather than a measurement
OUTSIDE = 0.01  # probability that the model gives to scores that cannot be, from which it is told
UNEQUAL = 2  # largest group over smallest


def about_scores(facts: Facts) -> tuple[Caution, ...]:
    """Of an outcome that piles up at an end of its scale, has few values, or is bounded where the model is not."""
    y, outcome, found = facts.y, facts.words.outcome, []
    values = np.unique(y)
    if len(values) <= DISTINCT:
        found.append(
            Caution(
                "few different values",
                f"There are only {len(values)} different values of {outcome}. The model assumes a continuous outcome "
                "with normal scatter. If these are not rounded measurements but yes or no, counts or ratings, there "
                "are models made for them.",
            )
        )
        return tuple(found)
    for end, name, word in ((values[-1], "highest", "ceiling"), (values[0], "lowest", "floor")):
        share = float(np.mean(y == end))
        if share >= PILED:
            found.append(
                Caution(
                    f"scores at the {word}",
                    f"{int(np.sum(y == end))} of {len(y)} rows ({100 * share:.0f} %) have exactly the {name} value, "
                    f"{end:g}. If that is the end of the scale, scores beyond it were clipped: differences come "
                    "out too "
                    "small near that end, and the residual variance too.",
                )
            )
    if facts.finished:
        found += _bounds(facts)
    return tuple(found)


def _bounds(facts: Facts) -> list[Caution]:
    y = facts.y
    low = 0.0 if y.min() >= 0 else -np.inf
    high = 1.0 if y.max() <= 1 else 100.0 if 50 < y.max() <= 100 else np.inf
    if np.isinf(low):
        return []
    mean = np.asarray(facts.model.exog, dtype=float) @ np.asarray(facts.plain.fe_params)
    residual = facts.spreads.iloc[-1]
    sd = np.sqrt(residual["variance"] / residual["share"])  # of a new row of a new group
    outside = float(np.mean(stats.norm.cdf(low, mean, sd) + stats.norm.sf(high, mean, sd)))
    if outside < OUTSIDE:
        return []
    ends = f"below {low:g}" + (f" or above {high:g}" if np.isfinite(high) else "")
    return [
        Caution(
            "scores have a bound",
            f"The model gives {100 * outside:.0f} % of new scores a place {ends}, where none of yours is. If scores "
            "cannot lie there, normal scatter is only an approximation, and worst near that end.",
        )
    ]


def about_groups(facts: Facts) -> tuple[Caution, ...]:
    """Of few groups."""
    J, words = facts.groups, facts.words
    if J >= FEW or J == 1:
        return ()
    tail = 100 * 2 * stats.t.sf(1.96, J - 1)
    return (
        Caution(
            "few groups",
            f"{J} {words.many} are few. Where an effect differs between {words.many} and has its random slope, z "
            f"rejects a true null hypothesis in up to {tail:.0f} % of studies, not in 5 % (in balanced designs; "
            f"comparisons of different {words.many} fare worse): it takes as known what was estimated from {J}. And "
            f"how much {words.many} differ is known roughly: see the intervals at the variances.",
        ),
    )


def about_sizes(facts: Facts) -> tuple[Caution, ...]:
    """Of groups of very different sizes."""
    low, high = int(facts.sizes.min()), int(facts.sizes.max())
    if high < UNEQUAL * low:
        return ()
    return (
        Caution(
            "unequal groups",
            f"Groups have from {low} to {high} rows. The model copes, if the reason for missing rows has nothing to do "
            f"with the scores that are missing. Predictions for {facts.words.many} with few rows are drawn most "
            "towards the average.",
        ),
    )


def about_likelihood(facts: Facts) -> tuple[Caution, ...]:
    """Of REML log-likelihoods."""
    if not facts.reml:
        return ()
    return (
        Caution(
            "REML comparisons",
            "A REML log-likelihood can compare models that differ in their random part only. It changes when a "
            "predictor changes its units, so it must not compare models whose coefficients differ; AIC and BIC are "
            f"left out for that reason. {code('compare')} fits by ML where it has to.",
        ),
    )


def about_search(facts: Facts) -> tuple[Caution, ...]:
    """Of a search that did not finish, stopped short, or ended on the boundary; and of the warning that cries wolf."""
    if not facts.plain.converged:
        return (Caution("not converged", f"The search gave up. {_cure(facts)}"),)
    found = []
    if not facts.finished and not np.isfinite(facts.plain.llf):
        found.append(
            Caution(
                "not at its optimum",
                f"The log-likelihood is {facts.plain.llf:g}, which no data have. {_cure(facts)}",
            )
        )
    elif facts.astray:
        found.append(
            Caution(
                "not at its optimum",
                "The printed coefficients are not those that the printed variances call for: the search went astray, "
                f"though it says that it converged. {_cure(facts)}",
            )
        )
    elif facts.short:
        found.append(
            Caution(
                "not at its optimum",
                f"The log-likelihood is {facts.shortfall:.2g} below the best that this model reaches, though the "
                "search "
                + (
                    f"says that it converged. {_cure(facts)}"
                    if not facts.finished
                    else f"says that it converged. The difference is small; {code('fewgroups.fit')} finds the best."
                ),
            )
        )
    if facts.finished and facts.singular:
        found.append(
            Caution(
                "singular",
                "A variance is estimated as zero or a correlation as ±1: the data do not show that variation, which is "
                "not the same as showing that there is none. The coefficients stand; tests that lean on that variance "
                "need care, and Kenward–Roger errs to the safe side.",
            )
        )
    if facts.finished and facts.false_alarm:
        found.append(
            Caution(
                "false boundary warning",
                "statsmodels warns of the boundary when a variance is below 0.01 in squared units of "
                f"{facts.words.outcome}. One is, but only because the unit is large: beside the scatter of single rows "
                "it is not zero. You may ignore the warning.",
            )
        )
    return tuple(found)


def _cure(facts: Facts) -> str:
    return (
        "Do not read the numbers. In this order: centre and scale the predictors; fit with "
        f"{code('fewgroups.fit(formula, data, groups)')}, which ends at the best fit or says why there is none; "
        "leave out the random effect that the data cannot support."
    )
