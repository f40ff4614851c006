"""The rows of the coefficients in words, and the columns that they share."""

from __future__ import annotations

import numpy as np
from scipy import stats

from fewgroups.explanation import row_cautions
from fewgroups.explanation.cautions import NO_ESTIMATE
from fewgroups.explanation.documents import Line
from fewgroups.explanation.facts import Facts, chance, rounded, two
from fewgroups.explanation.predictors import Column
from fewgroups.explanation.sentences import describe, limits, meaning, origin


def column_lines(facts: Facts) -> list[Line]:
    """One Line per column of the lower table: what it holds in every row of a coefficient."""
    low, high = str(facts.rows.columns[4]), str(facts.rows.columns[5])
    said: dict[str, tuple[str, str, str]] = {
        "Coef.": (
            "The estimate: of a mean, difference or change in the rows of the coefficients; of a variance or "
            "covariance "
            "in the rows that end in Var or Cov.",
            "Coefficients by generalised least squares: each row of data counts by what it adds, given the variances. "
            "The variances by a search.",
            "Not the truth; and in the rows of the variances not a standard deviation.",
        ),
        "Std.Err.": (
            "How far the coefficient would typically stray from the truth if the study were done again, if the "
            "model is "
            "right.",
            "From the curvature of the log-likelihood at its top: the flatter, the larger.",
            f"Not how much {facts.words.many} or rows differ. And only as right as the random part: what the "
            "model takes "
            "to be the same for all adds nothing to it.",
        ),
        "z": (
            "The coefficient in units of its standard error.",
            "Coef. divided by Std.Err.",
            "Not the size of an effect: it grows with the number of rows. And it is a t, read as if the variances were "
            "known.",
        ),
        "P>|z|": (
            "How often a study like this would give a z at least as far from zero, either way, if the true coefficient "
            "were zero and the model right.",
            "The area of the standard normal curve beyond ±z.",
            "Not the probability that there is no effect, not the size of an effect, and never zero: 0.000 is a small "
            "number cut off after three decimals.",
        ),
        low: (
            "The lower end of the 95 % interval: the smallest coefficient that this method does not exclude.",
            "Coef. − 1.96 × Std.Err.",
            f"Not the range in which {facts.words.many} or rows lie; and the truth is not in this one with 95 % "
            "probability: of many such intervals, 95 % catch the truth, if the model is right and 1.96 the right "
            "factor.",
        ),
        high: (
            "The upper end of the 95 % interval: the largest coefficient that this method does not exclude.",
            "Coef. + 1.96 × Std.Err.",
            "As for the lower end.",
        ),
    }
    return [Line("columns", name, (), *texts[:2], (), texts[2]) for name, texts in said.items()]


def effect_lines(facts: Facts) -> list[Line]:
    """One Line per coefficient."""
    return [_line(facts, k, column) for k, column in enumerate(facts.columns)]


def _line(facts: Facts, k: int, column: Column) -> Line:
    label = str(facts.rows.index[k])
    printed = tuple((str(c), str(v)) for c, v in facts.rows.iloc[k].items() if str(v).strip())
    what, how = describe(facts, column), origin(facts, column)
    if not facts.finished:
        return Line("average", label, printed, what, how, (), NO_ESTIMATE)
    cells = tuple(_cells(facts, k, column).items())
    return Line(
        "average",
        label,
        printed,
        what,
        how,
        cells,
        limits(facts, column),
        row_cautions.about_effect(facts, k),
    )


def _cells(facts: Facts, k: int, column: Column) -> dict[str, str]:
    """Each printed number of a coefficient's row in words."""
    unit = facts.words.with_unit
    b, se = float(np.asarray(facts.plain.fe_params)[k]), float(np.asarray(facts.plain.bse_fe)[k])
    names = [str(name) for name in facts.rows.columns]
    if not np.isfinite(se):
        return {names[0]: meaning(facts, column, b, float(facts.honest["se"].iloc[k]))}
    z = b / se
    low, high = b - stats.norm.ppf(0.975) * se, b + stats.norm.ppf(0.975) * se
    zero = "zero is among these values" if low <= 0 <= high else "zero is not among these values"
    return {
        names[0]: meaning(facts, column, b, se),
        names[1]: f"give or take {unit(rounded(se, se))}, if the model is right",
        names[
            2
        ]: f"the estimate lies {two(abs(z))} standard errors {'above' if z > 0 else 'below'} zero",
        names[
            3
        ]: "the probability of an estimate at least this far from zero, if the truth were zero and the model right, is "
        f"{chance(2 * stats.norm.sf(abs(z)))} by z",
        names[4]: f"from {unit(rounded(low, se))} …",
        names[5]: f"… to {unit(rounded(high, se))}: {zero}",
    }
