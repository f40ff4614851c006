"""What a coefficient says, as a sentence: levels compared, changes per unit, and how one depends on the other."""

from __future__ import annotations

import numpy as np

from fewgroups.explanation.facts import Facts, three, visible
from fewgroups.explanation.markup import code, joined
from fewgroups.explanation.predictors import Column, Part
from fewgroups.explanation.vocabulary import Vocabulary

LOGS = {"np.log(": np.e, "numpy.log(": np.e, "log(": np.e, "np.log2(": 2.0, "np.log10(": 10.0}


def meaning(facts: Facts, column: Column, b: float, se: float) -> str:
    """What an estimate b says, as a sentence without capital and full stop; se gives the decimals."""
    words, mean = facts.words, f"the mean {facts.words.outcome}"
    where = place_words(facts, column)
    b, se = b * column.gap, se * column.gap
    value = words.with_unit(visible(b, se))
    size, sign = words.with_unit(visible(abs(b), se)), "higher" if b >= 0 else "lower"
    if column.is_mean:
        cells = joined(
            [f"for {words.level(part.factor, part.weights[0][0])}" for part in column.parts]
        )
        first = ", ".join(filter(None, (cells, where))) or "overall"
        return f"{first}, {mean} is {value}{_back(facts, b, True)}"
    if not column.is_plain:
        return f"{value} for one unit of this column; alone it says little"
    *rest, last = column.parts
    quantity = _quantity(words, rest)
    if len(last.weights) == 1:  # the effect within one level: the other parts carry it
        *rest, last = [last, *rest]
        quantity = _quantity(words, rest)
    if not last.levels:
        said = f"with each further {words.unit_of(last.factor)}, {quantity} is {size} {sign}"
    elif last.pair:
        high, low = (words.level(last.factor, level) for level in last.pair)
        said = f"{quantity} is {size} {sign} for {high} than for {low}"
    else:
        level = words.level(last.factor, last.against_average)
        said = f"{quantity} is {size} {sign} for {level} than on average over {words.levels_of(last.factor)}"
    if column.gap != 1:
        said += f" ({column.gap:g} times the coefficient, since the codes lie {column.gap:g} apart)"
    others = {c.term for c in facts.columns if c.parts and c.term != column.term}
    held = (
        f", {where}"
        if where
        else ", all else in the formula equal"
        if others and len(column.parts) == 1
        else ""
    )
    return said + held + (_back(facts, b, False) if len(column.parts) == 1 else "")


def place_words(facts: Facts, column: Column) -> str:
    """Where the coefficient is read: "for the session of 20 and where `Days` is 0"; "" if nowhere in particular."""
    return joined([facts.words.place(place) for place in column.places])


def weighted_sum(words: Vocabulary, part: Part) -> str:
    """A part as a weighted sum of the means of its levels: "+ 0.5 × B − 0.5 × A"."""
    return " ".join(
        f"{'−' if weight < 0 else '+'} {abs(weight):.3g} × {words.level(part.factor, level)}"
        for level, weight in part.weights
    )


def _quantity(words: Vocabulary, parts: list[Part]) -> str:
    """What is compared: the mean, a difference in it, a change in that difference …"""
    if not parts:
        return f"the mean {words.outcome}"
    first, rest = parts[0], _quantity(words, parts[1:])
    if not first.levels:
        return f"the change per {words.unit_of(first.factor)} in {rest}"
    if first.pair:
        high, low = (words.level(first.factor, level) for level in first.pair)
        return f"the difference “{high} minus {low}” in {rest}"
    if len(first.weights) == 1:
        return f"{rest} for {words.level(first.factor, first.weights[0][0])}"
    level = words.level(first.factor, first.against_average)
    return (
        f"the difference “{level} minus the average over {words.levels_of(first.factor)}” in {rest}"
    )


def _back(facts: Facts, b: float, is_mean: bool) -> str:
    """For an outcome on a log scale: what an estimate is in what was measured."""
    name = str(facts.model.endog_names)
    base = next((base for start, base in LOGS.items() if name.startswith(start)), None)
    if base is None:
        return ""
    what = (
        "the outcome itself has a geometric mean of"
        if is_mean
        else "the outcome itself is multiplied by"
    )
    return (
        f"; undoing the logarithm, {what} {three(float(base**b)) if is_mean else f'{base**b:.3f}'}"
    )


def describe(facts: Facts, column: Column) -> str:
    """What kind of thing a coefficient is."""
    words = facts.words
    said = words.said.get(column.name)
    own = f"{said[0].upper()}{said[1:]}. " if said else ""
    if column.is_intercept:
        return f"{own}The intercept: the mean {words.outcome} {place_words(facts, column) or 'over everything'}."
    if column.is_mean:
        return f"{own}A mean, with no intercept to compare it with: a level of its own."
    inside = [words.level(p.factor, p.weights[0][0]) for p in column.parts if len(p.weights) == 1]
    if inside:
        rest = [part for part in column.parts if len(part.weights) != 1]
        kind = (
            "an interaction" if len(rest) > 1 else "a comparison" if rest[0].levels else "a slope"
        )
        return f"{own}What holds within one level, for {joined(inside)}: {kind}."
    if len(column.parts) > 1:
        return f"{own}An interaction: by how much one effect depends on the other."
    part = column.parts[0]
    if part.columns > 1:
        return f"{own}One of the {part.columns} columns into which {code(part.factor)} turns its variable."
    if part.levels:
        return f"{own}A comparison of {words.levels_of(part.factor)}."
    return f"{own}A slope: the change per {words.unit_of(part.factor)}."


def origin(facts: Facts, column: Column) -> str:
    """How a coefficient came about."""
    if column.is_intercept:
        return "What the model expects when every other column of the formula is zero."
    odd = [part for part in column.parts if part.levels and not part.is_plain]
    if odd:
        sums = "; ".join(f"{code(part.factor)}: {weighted_sum(facts.words, part)}" for part in odd)
        return (
            f"By the coding of the factor it is a weighted sum of the means of its levels, {sums}."
        )
    if len(column.parts) > 1:
        return f"The product of the columns of {joined([code(p.factor) for p in column.parts])} is one more predictor."
    if column.parts[0].columns > 1:
        return f"Column {column.parts[0].column + 1} of its basis is one more predictor."
    if sum(bool(c.parts) for c in facts.columns) == 1:
        return "Estimated together with the intercept, by generalised least squares."
    return "Estimated together with all other coefficients: it is what this column adds when the others are in."


def limits(facts: Facts, column: Column) -> str:
    """What a coefficient does not mean."""
    words = facts.words
    if column.is_mean:
        one = f", and not the level of any one {words.one}" if facts.groups > 1 else ""
        return (
            "Not the mean of all rows, unless the predictors are coded so that zero is their average"
            f"{one}. Its z and p ask whether that mean is zero, which is hardly ever a question."
        )
    text = f"A statement about the average {words.one}, not about each; and not, by itself, about what causes what."
    if facts.groups == 1:
        text = "A statement about averages; and not, by itself, about what causes what."
    own = joined([words.factor(part.factor) for part in column.parts])
    if column.places:
        others = joined([words.factor(place.factor) for place in column.places])
        text += f" It is not the effect of {own} as such, since that depends on {others}: this row is read "
        text += f"{place_words(facts, column)}."
    for name, others_of in column.shared:
        text += (
            f" {code(name)} and {joined([code(other) for other in others_of])} are made of the same variable, so none "
            "can change while the others stay: read them together, in a drawing of what the model predicts."
        )
    return text
