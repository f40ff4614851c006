"""What a coefficient or a term says, as a sentence: levels compared, changes per unit, how one depends on another."""

from __future__ import annotations

from typing import Any

import numpy as np

from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.numbers import code, degrees, estimate, p_value, rounded, three, two
from fewgroups.explanation.predictors import Coefficient, Factor, Part, WholeTerm
from fewgroups.explanation.vocabulary import Vocabulary
from fewgroups.noted_table import joined
from fewgroups.templates import say

LOGS = {"np.log(": np.e, "numpy.log(": np.e, "log(": np.e, "np.log2(": 2.0, "np.log10(": 10.0}


def meaning(facts: FittedModel, one: Coefficient, b: float, se: float) -> str:
    """What an estimate b says, as a sentence without full stop; se gives the decimals."""
    words, place = facts.words, place_words(facts, one)
    b, se = b * one.gap, se * one.gap
    if one.is_mean:
        cells = [words.level(part.factor, part.level) for part in one.parts]
        where = [say("words.at_level", level=joined(cells))] if cells else []
        where += [place] if place else []
        value = words.with_unit(estimate(b, se))
        text = say("effect.mean", words.shared, where=", ".join(where) or "overall", value=value)
    elif not one.is_plain:
        text = say("effect.coded", value=words.with_unit(estimate(b, se)))
    else:
        *rest, last = _in_reading_order(facts, one.parts)
        key, compared = _compared(words, last)
        size, sign = words.with_unit(estimate(abs(b), se)), "higher" if b >= 0 else "lower"
        quantity = _quantity(words, rest)
        text = say(f"effect.{key}", quantity=quantity, size=size, sign=sign, **compared)
        if one.gap != 1:
            text += say("effect.gap", gap=f"{one.gap:g}")
        if place:
            text = f"{place}, {text}"
        elif len(one.parts) == 1 and len({c.term for c in facts.coefficients if c.parts}) > 1:
            text += say("effect.held")
    return text[0].upper() + text[1:]


def _compared(words: Vocabulary, part: Part) -> tuple[str, dict[str, str]]:
    """How a part compares, and the words that its sentence needs."""
    factor = part.factor
    if not factor.levels:
        return "slope", {"unit": words.unit_of(factor)}
    if part.pair:
        high, low = (words.level(factor, level) for level in part.pair)
        return "pair", {"high": high, "low": low}
    if part.level is not None:
        return "within", {"level": words.level(factor, part.level)}
    level = words.level(factor, part.against_average)
    return "average", {"level": level, "factor": words.factor(factor)}


def _quantity(words: Vocabulary, parts: list[Part]) -> str:
    """What is compared: the mean, a difference in it, a change in that difference …"""
    if not parts:
        return say("quantity.mean", words.shared)
    key, compared = _compared(words, parts[-1])
    return say(f"quantity.{key}", of=_quantity(words, parts[:-1]), **compared)


def _in_reading_order(facts: FittedModel, parts: tuple[Part, ...]) -> list[Part]:
    """The parts with the one that is compared last: what holds within one level first, then slopes and what varies
    within groups, then what tells groups apart. So groups × time reads as a difference between groups in a change."""

    def rank(part: Part) -> int:
        if part.level is not None:
            return 0
        return (1 if facts.varies_within(part.factor) else 3) + bool(part.factor.levels)

    return sorted(parts, key=rank)


def place_words(facts: FittedModel, one: Coefficient) -> str:
    """Where the coefficient is read: "for the session of 20 and where `Days` is 0"; "" if nowhere in particular."""
    plain = {place.factor.variable for place in one.places}
    shown = [
        place
        for place in one.places
        if place.factor.variable or not place.factor.variables & plain  # x ** 2 is 0 where x is
    ]
    return joined([facts.words.place(place) for place in shown])


def _without_logarithm(facts: FittedModel, one: Coefficient, b: float) -> str:
    """For an outcome on a log scale: what an estimate is in what was measured, as a sentence with a space before it."""
    name, b = str(facts.model.endog_names), b * one.gap
    base = next((base for start, base in LOGS.items() if name.startswith(start)), None)
    if base is None or not one.is_plain or (len(one.parts) > 1 and not one.is_mean):
        return ""
    return " " + say(f"effect.back_{'mean' if one.is_mean else 'factor'}", value=three(base**b))


def interval_words(facts: FittedModel, one: Coefficient, row: Any) -> str:
    """The interval of a coefficient in the words of its sentence: "0.060 to 0.085 lower"."""
    low, high, se = (row[key] * one.gap for key in ("low", "high", "se"))
    unit = facts.words.with_unit
    if one.is_mean or not one.is_plain:
        return say("interval.plain", low=rounded(low, se), high=unit(rounded(high, se)))
    first, last = rounded(abs(low), se), rounded(abs(high), se)
    if low < 0 < high:
        return say("interval.both", low=unit(first), high=unit(last))
    if low >= 0:
        return say("interval.one", low=first, high=unit(last), sign="higher")
    return say("interval.one", low=last, high=unit(first), sign="lower")


def t_words(row: Any) -> str:
    """ "t(3.0) = −11.39, p = 0.0015", or z where the degrees of freedom are infinite."""
    name = "z" if np.isinf(row["df"]) else f"t({degrees(row['df'])})"
    return f"{name} = {two(row['t'])}, {p_value(row['p'])}"


def f_words(row: Any) -> str:
    """ "F(2, 10.0) = 20.58, p < 0.001"; with infinite denominator χ²."""
    df, f = row["num_df"], row["F"]
    if np.isinf(row["den_df"]):
        return f"χ²({df:.0f}) = {two(f * df)}, {p_value(row['p'])}"
    return f"F({df:.0f}, {degrees(row['den_df'])}) = {two(f)}, {p_value(row['p'])}"


def effect_sentence(facts: FittedModel, k: int, row: Any, percent: str = "95 %") -> str:
    """Coefficient k with interval and test; row: of `coefficients`; percent: of the interval."""
    one, b = facts.coefficients[k], row["estimate"]
    given = {
        "text": meaning(facts, one, b, row["se"]),
        "percent": percent,
        "interval": interval_words(facts, one, row),
        "test": t_words(row),
    }
    sentence = say("effect.sentence_mean" if one.is_mean else "effect.sentence", given)
    return sentence + _without_logarithm(facts, one, b)


def worded(facts: FittedModel, term: WholeTerm) -> bool:
    """Whether its coefficients, one by one, say what a term is about.

    Not those of a curve or of a coding that no sentence can say; and of a term that interacts only a single one, read
    at a level of one other factor, or at a zero that the data reach: "for the control group, …".
    """
    if term.kind in ("curve", "coded") or not term.partners:
        return term.kind in ("single", "levels")
    at = [place.factor for place in facts.coefficients[term.coefficients[0]].places]
    return term.kind == "single" and len(at) == 1 and at[0].reaches_zero and at[0].columns == 1


def term_sentence(facts: FittedModel, term: WholeTerm, row: Any) -> str:
    """The test of a whole term; row: of `f_tests`."""
    words, factors = facts.words, [facts.factors[name] for name in term.factors]
    parts = [part for k in term.coefficients for part in facts.coefficients[k].parts]
    inside = list(dict.fromkeys(part.factor for part in parts if part.level is not None))
    given = {**words.shared, "test": f_words(row), "names": _names(words, factors)}
    key = "interaction" if len(factors) > 1 else "levels" if factors[0].levels else "slope"
    if term.kind == "curve":
        every = [v for factor in factors for v in sorted(factor.variables)]
        curved = [
            x for x in factors if x.columns > 1 or any(every.count(v) > 1 for v in x.variables)
        ]
        over = dict.fromkeys(v for factor in curved for v in sorted(factor.variables))
        given["over"] = joined([words.curves.get(v, code(v)) for v in over])
        given["columns"] = joined([code(name) for name in term.terms])
        given["others"] = _names(words, [factor for factor in factors if factor not in curved])
        key = "curve_depends" if given["others"] else "curve"
    elif inside and len(inside) < len(factors) and not term.partners:
        given["names"] = _names(words, [factor for factor in factors if factor not in inside])
        given["inside"] = _names(words, inside)
        key = "within"
    text = say(f"term.{key}", given)
    average = average_words(facts, term)
    return f"{average}, {text[0].lower()}{text[1:]}" if average else text


def average_words(facts: FittedModel, term: WholeTerm) -> str:
    """What a term's test averages over: "On average over the levels of `arm` and at the mean of `dose`"."""
    partners = [facts.factors[name] for name in term.partners]
    levels = [factor for factor in partners if not factor.is_number]
    numbers = [factor for factor in partners if factor.is_number]
    pieces = [say("term.over_levels", names=_names(facts.words, levels))] if levels else []
    if numbers:
        key = "at_means" if facts.at_means else "at_zeros"
        pieces.append(say(f"term.{key}", names=_names(facts.words, numbers)))
    text = " and ".join(pieces)
    return text[:1].upper() + text[1:]


def _names(words: Vocabulary, factors: list[Factor]) -> str:
    return joined([words.factor(factor) for factor in factors])
