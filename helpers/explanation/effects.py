"""The rows of the coefficients in words, and the columns that they share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from helpers.inference.noted_table import show_p

from . import row_cautions
from .cautions import NO_ESTIMATE
from .documents import Line
from .facts import Facts, rounded, two
from .markup import code, joined
from .predictors import Column, Part
from .vocabulary import comparison


def column_lines(facts: Facts) -> list[Line]:
    """One Line per column of the lower table: what it holds in every row of a coefficient."""
    low, high = str(facts.rows.columns[4]), str(facts.rows.columns[5])
    level = "95 %"
    said: dict[str, tuple[str, str, str]] = {
        "Coef.": (
            "The estimate: of an average in the rows of the coefficients, of a variance or covariance in the rows that "
            "end in Var or Cov.",
            "Coefficients by generalised least squares: every row counts by what it adds, given the variances. "
            "Variances "
            "by the search that the header's last line is about.",
            "Not the truth, and in the rows of the variances not a standard deviation.",
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
            "Not the size of an effect: it grows with the number of rows. And it is t under another name, read "
            "as if the "
            "variances were known.",
        ),
        "P>|z|": (
            "How often a study like this would give a z at least as far from zero, either way, if the true coefficient "
            "were zero and the model right.",
            "The area of the standard normal curve beyond ±z.",
            "Not the probability that there is no effect, not the size of an effect, and never zero: 0.000 is a small "
            "number cut off after three decimals.",
        ),
        low: (
            f"The lower end of the {level} interval: the smallest coefficient that this method does not exclude.",
            "Coef. − 1.96 × Std.Err.",
            f"Not the range in which {facts.words.many} or rows lie, and the truth is not in it with {level} "
            "probability: of many such intervals, that share catches the truth, if the model is right and 1.96 is the "
            "right factor.",
        ),
        high: (
            f"The upper end of the {level} interval: the largest coefficient that this method does not exclude.",
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
    printed = tuple((str(c), str(v)) for c, v in facts.rows.iloc[k].items())
    what, how = _what(facts, column), _how(column)
    if not facts.finished:
        return Line("average", label, printed, what, how, (), NO_ESTIMATE)
    name = column.name
    earned = row_cautions.about_z(facts, name) + row_cautions.about_slope(facts, name)
    earned += row_cautions.about_occasions(facts, name) + row_cautions.about_zero(facts, name)
    return Line(
        "average", label, printed, what, how, tuple(_cells(facts, k, column).items()), _isnt(facts, column), earned
    )


def _cells(facts: Facts, k: int, column: Column) -> dict[str, str]:
    """Each printed number of a coefficient's row in words."""
    words, plain = facts.words, facts.plain
    b, se = float(np.asarray(plain.fe_params)[k]), float(np.asarray(plain.bse_fe)[k])
    names = [str(name) for name in facts.rows.columns]
    if not np.isfinite(se):
        return {names[0]: meaning(facts, column, b, float(facts.honest["se"].iloc[k]))}
    z = b / se
    low, high = b - 1.959964 * se, b + 1.959964 * se
    p = float(np.asarray(plain.pvalues)[k])
    unit = words.with_unit
    ends = f"{unit(rounded(low, se))} to {unit(rounded(high, se))}"
    catches = "zero is among them" if low <= 0 <= high else "zero is not among them"
    return {
        names[0]: meaning(facts, column, b, se),
        names[1]: f"give or take {unit(rounded(se, se))}, if the model is right",
        names[2]: f"the estimate lies {two(abs(z))} standard errors {'above' if z > 0 else 'below'} zero",
        names[
            3
        ]: f"if the truth were zero, an estimate this far from it would come up with probability {show_p(p)}, by z",
        names[4]: f"the interval: {ends}; {catches}",
        names[5]: "its upper end",
    }


def _what(facts: Facts, column: Column) -> str:
    said = facts.words.said.get(column.name)
    own = f"{said[0].upper()}{said[1:]}: " if said else ""
    if column.is_intercept:
        return f"{own}The intercept: the mean of {facts.words.outcome} {_where(facts, column) or 'over everything'}."
    if len(column.parts) > 1:
        return f"{own}An interaction: how much one effect depends on the other."
    part = column.parts[0]
    if part.columns > 1:
        return f"{own}One of the {part.columns} columns into which {code(part.factor)} turns its variable."
    if part.levels:
        return f"{own}A comparison of levels of {code(part.factor)}."
    return f"{own}A slope: the change per {facts.words.unit_of(part.factor)}."


def _how(column: Column) -> str:
    if column.is_intercept:
        return "The part of the estimate that is there when every other column of the formula is zero."
    if len(column.parts) > 1:
        return (
            "The product of the columns " + " and ".join(code(p.factor) for p in column.parts) + ", one more predictor."
        )
    part = column.parts[0]
    if part.columns > 1:
        return f"Column {part.column + 1} of its basis, one more predictor."
    if part.levels and part.pair is None and len(part.weights) > 1:
        sums = " ".join(f"{'−' if w < 0 else '+'} {abs(w):.3g} × {level}" for level, w in part.weights)
        return f"By the coding of the factor it is a weighted sum of the means of its levels: {sums}."
    return "Estimated together with all other rows, so that each is what is left when the others have had their share."


def _isnt(facts: Facts, column: Column) -> str:
    words = facts.words
    if column.is_intercept:
        return (
            "Not the mean of all rows, unless the predictors are coded so that zero is their average; and not "
            "the level "
            f"of any one {words.one}."
        )
    text = f"A statement about the average {words.one}, not about each; and not, by itself, about what causes what."
    if facts.groups == 1:
        text = "A statement about averages; and not, by itself, about what causes what."
    if column.places and len(column.parts) >= 1:
        text += (
            f" It is not “the effect of {_plain_factors(column)}”, since that depends on "
            + " and ".join(code(place.factor) for place in column.places)
            + ": this row holds "
            + _where(facts, column)
            + "."
        )
    if column.shared:
        text += (
            f" {' and '.join(code(p.factor) for p in column.parts)} and {', '.join(map(code, column.shared))} are "
            "made of "
            "the same variable, so none can change while the others stay: read them together, in a drawing of what the "
            "model predicts."
        )
    return text


def _plain_factors(column: Column) -> str:
    return " and ".join(part.factor for part in column.parts)


def _where(facts: Facts, column: Column) -> str:
    return joined([facts.words.place(place) for place in column.places])


def meaning(facts: Facts, column: Column, b: float, se: float) -> str:
    """What an estimate b says, as a sentence without its full stop; se gives the decimals."""
    words = facts.words
    size, sign = words.with_unit(rounded(abs(b), se)), "higher" if b >= 0 else "lower"
    where = _where(facts, column)
    if column.is_intercept:
        return f"{where or 'overall'}, the mean of {words.outcome} is {words.with_unit(rounded(b, se))}"
    *rest, last = column.parts
    if any(p.columns > 1 or (p.levels and p.pair is None and not _is_simple(p)) for p in column.parts):
        return f"{words.with_unit(rounded(b, se))} for one unit of this column; alone it says little"
    quantity = _quantity(facts, rest)
    if last.levels:
        ends = _ends(facts, last)
        said = (
            f"{quantity} is {size} {sign} {ends}"
            if ends
            else f"{quantity} {_cell(facts, last)} is {words.with_unit(rounded(b, se))}"
        )
    else:
        said = f"with each further {words.unit_of(last.factor)}, {quantity} is {size} {sign}"
    ratio = _ratio(facts, b) if not rest else ""
    held = f", {where}" if where else _held(facts, column)
    return said + held + ratio


def _is_simple(part: Part) -> bool:
    """One level alone, or one level against the average of all: what a sentence can say."""
    return len(part.weights) == 1 or _against_average(part) is not None


def _against_average(part: Part) -> Any:
    """The level that is compared with the unweighted average of all levels (sum coding), else None."""
    if len(part.weights) != len(part.levels):
        return None
    n = len(part.levels)
    for level, weight in part.weights:
        others = [w for other, w in part.weights if other != level]
        if abs(weight - (1 - 1 / n)) < 1e-9 and np.allclose(others, -1 / n):
            return level
    return None


def _ends(facts: Facts, part: Part) -> str:
    pair = comparison(facts.words, part)
    if pair:
        return f"for {pair[0]} than for {pair[1]}"
    level = _against_average(part)
    if level is not None:
        return f"for {facts.words.level(part.factor, level)} than on average over the levels of {code(part.factor)}"
    return ""


def _cell(facts: Facts, part: Part) -> str:
    return f"for {facts.words.level(part.factor, part.weights[0][0])}"


def _quantity(facts: Facts, parts: list[Part]) -> str:
    """What is compared: the mean, a difference, a change, or the way in which these differ."""
    words = facts.words
    if not parts:
        return f"the mean of {words.outcome}"
    said = [_one_quantity(facts, part) for part in parts]
    if len(said) == 1:
        return f"the {said[0]}"
    return "the amount by which " + " depends on ".join(f"the {text}" for text in said)


def _one_quantity(facts: Facts, part: Part) -> str:
    words = facts.words
    pair = comparison(words, part)
    if pair:
        return f"difference in {words.outcome} between {pair[0]} and {pair[1]} (the first minus the second)"
    if part.levels and len(part.weights) == 1:
        return f"mean of {words.outcome} {_cell(facts, part)}"
    if part.levels:
        return (
            f"difference in {words.outcome} between {words.level(part.factor, _against_average(part))} and the average"
        )
    return f"change in {words.outcome} per {words.unit_of(part.factor)}"


def _held(facts: Facts, column: Column) -> str:
    """With what held equal, where the formula has other terms."""
    others = {c.term for c in facts.columns if c.parts and c.term != column.term}
    return ", all else in the formula equal" if others and len(column.parts) == 1 else ""


@cache
def _log_base(code_of_outcome: str) -> float | None:
    bases = {"np.log(": np.e, "np.log2(": 2.0, "np.log10(": 10.0, "log(": np.e}
    return next((base for start, base in bases.items() if code_of_outcome.startswith(start)), None)


def _ratio(facts: Facts, b: float) -> str:
    """For an outcome on the log scale: what a difference is as a ratio."""
    base = _log_base(str(facts.model.endog_names))
    if base is None:
        return ""
    return f"; since the outcome is a logarithm, that is a factor of {base**b:.3g} in what was measured"
