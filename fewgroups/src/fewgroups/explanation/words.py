"""A coefficient, a term, a random effect in words: what is compared and where, what varies, and between whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fewgroups.columns import component_of_groups, labels_in_several_groups
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.predictors import Coefficient, Part, WholeTerm
from fewgroups.noted_table import (
    code,
    counted,
    degrees,
    estimate,
    joined,
    listed,
    p_value,
    rounded,
    signed,
    three,
    two,
)
from fewgroups.structure import dense, level_of_rows
from fewgroups.templates import say

Array = np.ndarray
LOGS = {"np.log(": np.e, "numpy.log(": np.e, "log(": np.e, "np.log2(": 2.0, "np.log10(": 10.0}
KNOWN = 1.9  # length of the interval of a correlation from which nothing is known of it


# What holds on average


def meaning(facts: FittedModel, one: Coefficient, b: float, se: float) -> str:
    """What an estimate b says, as a sentence without full stop; se gives the decimals."""
    words, place = facts.words, place_words(facts, one)
    b, se = b * one.gap, se * one.gap
    value = words.with_unit(estimate(b if one.is_mean or not one.is_plain else abs(b), se))
    if one.is_mean:
        cells = [words.level(part.factor, part.levels[0]) for part in one.parts]
        where = [say("words.at_level", level=joined(cells))] if cells else []
        where += [place] if place else []
        text = say("effect.mean", words.shared, where=", ".join(where) or "overall", value=value)
    elif not one.is_plain:
        text = say("effect.coded", value=value)
    else:
        # Compared last: what varies within groups, then what tells groups apart, numbers before levels. So groups ×
        # time reads as a difference between groups in a change; what holds within one level comes first.
        def rank(part: Part) -> int:
            varies = facts.varies_within(part.factor)
            return 0 if part.kind == "within" else (1 if varies else 3) + bool(part.factor.levels)

        *rest, last = sorted(one.parts, key=rank)
        quantity = say("quantity.mean", words.shared)
        for part in rest:
            quantity = say(f"quantity.{part.kind}", {**_compared(facts, part), "of": quantity})
        given = {"quantity": quantity, "size": value, "sign": "higher" if b >= 0 else "lower"}
        text = say(f"effect.{last.kind}", {**_compared(facts, last), **given})
        if one.gap != 1:
            text += say("effect.gap", gap=f"{one.gap:g}")
        if place:
            text = f"{place}, {text}"
        elif len(one.parts) == 1 and len({c.term for c in facts.coefficients if c.parts}) > 1:
            text += say("effect.held")
    return text[0].upper() + text[1:]


def _compared(facts: FittedModel, part: Part) -> dict[str, str]:
    """The words that a sentence on a part may need."""
    words, factor = facts.words, part.factor
    if part.kind == "slope":
        return {"unit": words.unit_of(factor)}
    levels = [words.level(factor, level) for level in part.levels]
    named = {"high": levels[0], "low": levels[-1], "level": levels[0]}
    return {"factor": words.factor(factor), **named}


def place_words(facts: FittedModel, one: Coefficient) -> str:
    """Where the coefficient is read: "for the session of 20 and where `Days` is 0"; "" if nowhere in particular."""
    plain = {place.factor.variable for place in one.places}
    shown = [
        place
        for place in one.places
        if place.factor.variable or not place.factor.variables & plain  # x ** 2 is 0 where x is
    ]
    return joined([facts.words.place(place) for place in shown])


def interval_words(facts: FittedModel, one: Coefficient, row: Any) -> str:
    """The interval of a coefficient in the words of its sentence: "0.060 to 0.085 lower"."""
    low, high, se = (row[key] * one.gap for key in ("low", "high", "se"))
    key, sign = "one", "higher" if low >= 0 else "lower"
    if one.is_mean or not one.is_plain:
        key = "plain"
    elif low < 0 < high:
        key, low = "both", -low
    elif low < 0:
        low, high = -high, -low
    ends = {"low": rounded(low, se), "high": facts.words.with_unit(rounded(high, se))}
    if key == "both":
        ends["low"] = facts.words.with_unit(ends["low"])
    return say(f"interval.{key}", {**ends, "sign": sign})


def t_words(row: Any) -> str:
    """ "t(3.0) = −11.39, p = 0.0015", or z where the degrees of freedom are infinite."""
    name = "z" if np.isinf(row["df"]) else f"t({degrees(row['df'])})"
    return f"{name} = {two(row['t'])}, {p_value(row['p'])}"


def effect_sentence(facts: FittedModel, k: int) -> str:
    """Coefficient k with interval and test."""
    one, row = facts.coefficients[k], facts.fixed.iloc[k]
    given = {
        "text": meaning(facts, one, row["estimate"], row["se"]),
        "percent": facts.percent,
        "interval": interval_words(facts, one, row),
        "test": t_words(row),
    }
    sentence = say("effect.sentence_mean" if one.is_mean else "effect.sentence", given)
    outcome = str(facts.model.endog_names)
    base = next((base for start, base in LOGS.items() if outcome.startswith(start)), None)
    if base is None or not one.is_plain or (len(one.parts) > 1 and not one.is_mean):
        return sentence
    key = "mean" if one.is_mean else "factor"
    back = three(base ** (row["estimate"] * one.gap))  # what it is in what was measured
    return f"{sentence} {say(f'effect.back_{key}', value=back)}"


def worded(facts: FittedModel, term: WholeTerm) -> bool:
    """Whether its coefficients, one by one, say what a term is about.

    Not those of a curve or of a coding that no sentence can say; and of a term that interacts only a single one, read
    at a level of one other factor, or at a zero that the data reach: "for the control group, …".
    """
    if term.kind in ("curve", "coded") or not term.partners:
        return term.kind in ("single", "levels")
    at = [place.factor for place in facts.coefficients[term.coefficients[0]].places]
    return term.kind == "single" and len(at) == 1 and at[0].reaches_zero and at[0].columns == 1


def term_sentence(facts: FittedModel, term: WholeTerm) -> str:
    """The test of a whole term: "On average over the levels of `arm`, the test of … gives F(2, 10.0) = 20.58, …"."""
    words, row, factors = facts.words, facts.tests.loc[term.name], term.factors
    df, test = f"{row['num_df']:.0f}", f"{two(row['F'])}, {p_value(row['p'])}"
    if np.isinf(row["den_df"]):
        test = f"χ²({df}) = {two(row['F'] * row['num_df'])}, {p_value(row['p'])}"
    else:
        test = f"F({df}, {degrees(row['den_df'])}) = {test}"
    given = {**words.shared, "test": test, "names": words.factors(factors)}
    parts = [part for k in term.coefficients for part in facts.coefficients[k].parts]
    inside = list(dict.fromkeys(part.factor for part in parts if part.kind == "within"))
    key = "interaction" if len(factors) > 1 else "levels" if factors[0].levels else "slope"
    if term.kind == "curve":
        every = [variable for factor in factors for variable in factor.variables]
        curved = [
            x for x in factors if x.columns > 1 or any(every.count(v) > 1 for v in x.variables)
        ]
        over = dict.fromkeys(v for factor in curved for v in sorted(factor.variables))
        given["over"] = joined([words.curves.get(v, code(v)) for v in over])
        given["columns"] = joined([code(name) for name in term.terms])
        given["others"] = words.factors([factor for factor in factors if factor not in curved])
        key = "curve_depends" if given["others"] else "curve"
    elif inside and len(inside) < len(factors) and not term.partners:
        given["names"] = words.factors([factor for factor in factors if factor not in inside])
        given["inside"] = words.factors(inside)
        key = "within"
    text, averages = say(f"term.{key}", given), []
    levels = [factor for factor in term.partners if not factor.is_number]
    numbers = [factor for factor in term.partners if factor.is_number]
    if levels:
        averages.append(say("term.over_levels", names=words.factors(levels)))
    if numbers:
        key = "at_means" if facts.at_means else "at_zeros"
        averages.append(say(f"term.{key}", names=words.factors(numbers)))
    if averages:
        text = f"{' and '.join(averages)}, {text[0].lower()}{text[1:]}"
    return text[0].upper() + text[1:]


# How much things differ


@dataclass(frozen=True)
class Varying:
    """One random-effect column or variance component. kind: "level", "change", "set" (of levels) or "slopes"
    (of such a set).

    what: a noun phrase for what differs, and noun: its short form; many: who differs, and number: how many of them
    there are; between: "between athletes", "of the change per day, between athletes"; band: the coefficient (its
    number) around which it varies, or none.
    """

    name: str
    kind: str
    what: str
    noun: str
    many: str
    number: int
    between: str
    band: int | None = None


def varying(facts: FittedModel) -> list[Varying]:
    """The random-effect columns in the order of the printout, then the variance components."""
    columns = [_column(facts, j) for j in range(facts.model.k_re)]
    return columns + [_component(facts, c) for c in range(facts.model.k_vc)]


def _column(facts: FittedModel, j: int) -> Varying:
    Z, words = np.asarray(facts.model.exog_re, dtype=float), facts.words
    name, constant = str(facts.model.data.exog_re_names[j]), np.ptp(Z, axis=0) == 0
    if constant[j]:
        means = [k for k, one in enumerate(facts.coefficients) if not one.parts]
        places = [place for k in means for place in facts.coefficients[k].places]
        zeros: dict[
            str, None
        ] = {}  # where the other columns are zero: "for the session of 20", "where `Days` is 0"
        for z in Z[:, ~constant].T:
            for factor in (facts.coefficients[k].parts[0].factor for k in _same(facts, z)):
                here = [words.place(place) for place in places if place.factor == factor]
                zeros[here[0] if here else say("words.at_zero", factor=words.factor(factor))] = None
        at = joined(list(zeros))
        between = say("random.between", many=words.many) + (f", {at}" if at else "")
        what = f"level {at}" if at else "level"
        who, band = (words.many, facts.groups), next(iter(means), None)
        return Varying(name, "level", what, "level", *who, between, band)
    if not constant.any() and set(np.unique(Z[:, j])) == {0.0, 1.0}:
        where = say("random.column", column=code(name))
        for factor in facts.factors.values():
            for level in factor.levels:
                if name in (f"{factor.name}[{level}]", f"{factor.variable}[{level}]"):
                    where = say("words.at_level", level=words.level(factor, level))
        return _change(facts, name, say("random.level", where=where))
    return _slope(facts, name, Z[:, j])


def _same(facts: FittedModel, values: Array) -> list[int]:
    """The number of the coefficient, if any, whose column has these values: one part, not an interaction."""
    X = np.asarray(facts.model.exog, dtype=float)
    same = [k for k in range(X.shape[1]) if np.array_equal(X[:, k], values)][:1]
    return [k for k in same if len(facts.coefficients[k].parts) == 1]


def _change(
    facts: FittedModel, name: str, what: str, noun: str = "", band: int | None = None
) -> Varying:
    many = facts.words.many
    between = say("random.of", what=what, many=many)
    return Varying(name, "change", what, noun or what, many, facts.groups, between, band)


def _slope(facts: FittedModel, name: str, values: Array) -> Varying:
    """A column that is no constant: the change, or difference, of the coefficient with the same values."""
    for k in _same(facts, values):
        part = facts.coefficients[k].parts[0]
        if part.kind == "pair" and part.gap == 1:
            compared = _compared(facts, part)
            noun = say("random.difference_in", factor=compared["factor"])
            return _change(facts, name, say("random.difference", compared), noun, k)
        if part.kind == "slope":
            return _change(facts, name, say("random.change", _compared(facts, part)), band=k)
    return _change(facts, name, say("random.coefficient", column=code(name)))


def _component(facts: FittedModel, c: int) -> Varying:
    model, words = facts.model, facts.words
    name, matrices = str(model.exog_vc.names[c]), model.exog_vc.mats[c]
    one, many = words.components.get(name, ("", say("random.levels", component=code(name))))
    levels = level_of_rows(matrices)
    if levels is not None:
        number, between = len(np.unique(levels)), say("random.between", many=many)
        return Varying(name, "set", "level", "level", many, number, between)
    values, columns = np.full(len(model.endog), np.nan), sum(m.shape[1] for m in matrices)
    for label, m in zip(model.group_labels, map(dense, matrices), strict=True):
        if np.all(np.count_nonzero(m, axis=1) <= 1):
            values[model.row_indices[label]] = m.sum(axis=1)
    if columns > facts.groups and not np.isnan(values).any():  # such as C(person):x, over all rows
        thing = _slope(facts, name, values)
        between = say("random.of", what=thing.what, many=many)
        return replace(thing, kind="slopes", many=many, number=columns, between=between)
    return _change(facts, name, one) if one else _slope(facts, name, values)


def random_part(facts: FittedModel) -> str:
    """The random part in half a sentence: "a random intercept for each athlete"."""
    words, things = facts.words, varying(facts)
    columns, components = things[: facts.model.k_re], things[facts.model.k_re :]
    column = f" ({code(words.group)})" if words.group != "Group" else ""
    group, phrases = say("random.each", one=words.one) + column, []
    if columns:
        slopes = [code(thing.name) for thing in columns if thing.kind != "level"]
        kind = "effects" if len(slopes) == len(columns) else "intercept"
        number = "_several" if len(slopes) > 1 else "_one" if slopes else ""
        given = {"group": group, "names": joined(slopes)}
        phrases.append(say(f"random.{kind}{number}", given))
    for thing in components:
        kind = thing.kind if thing.kind in ("set", "slopes") else "independent"
        given = {"what": thing.what, "number": str(thing.number), "many": thing.many}
        phrases.append(say(f"random.{kind}", {**given, "group": group}))
    return joined(phrases)


@dataclass(frozen=True)
class SpreadRow:
    """A variance (of one thing), or a covariance (of two). label: as printed; at: its row in `variances`."""

    label: str
    things: tuple[Varying, ...]
    at: int


def spread_rows(facts: FittedModel) -> list[SpreadRow]:
    """The variances and covariances in the order of the printout: of the random-effect columns the lower triangle."""
    things, q = varying(facts), int(facts.model.k_re)
    found: list[tuple[tuple[Varying, ...], int]] = []
    for i in range(q):
        found += [((things[j], things[i]), q + i * (i - 1) // 2 + j) for j in range(i)]
        found += [((things[i],), i)]
    found += [((thing,), len(found) + c) for c, thing in enumerate(things[q:])]
    labels = map(str, facts.rows.index[len(facts.coefficients) :])
    return [SpreadRow(label, *row) for label, row in zip(labels, found, strict=True)]


def spread_sentence(facts: FittedModel, row: SpreadRow) -> str:
    """An SD, or a correlation, with its interval: "SD 24.7 ms between people (95 % interval 14.4 to 37.7 ms)"."""
    exact = facts.spreads.iloc[row.at]
    if len(row.things) == 1:
        return sd_sentence(facts, row.things[0].between, exact)
    pair = dict(zip(("one", "other"), (thing.noun for thing in row.things), strict=True))
    if not np.isfinite(exact["correlation"]):
        return say("spread.no_correlation", **pair)
    nothing = exact["high"] - exact["low"] > KNOWN
    key = "spread.unknown_correlation" if nothing else "spread.correlation"
    ends = {"low": two(exact["low"]), "high": two(exact["high"])}
    return say(key, r=two(exact["correlation"]), **ends, **pair)


def sd_words(facts: FittedModel, row: Any) -> dict[str, str]:
    """An SD and the ends of its interval, with unit; row: of `variances`."""
    sd, low, high = (three(row[name]) for name in ("sd", "low", "high"))
    return {"sd": facts.words.with_unit(sd), "low": low, "high": facts.words.with_unit(high)}


def sd_sentence(facts: FittedModel, between: str, row: Any) -> str:
    """ "SD 24.7 ms between people (95 % interval 14.4 to 37.7 ms)"."""
    key = "spread.perhaps_none" if row["low"] == 0 else "spread.sd"
    return say(key, of=between, **sd_words(facts, row))


def nesting(facts: FittedModel) -> dict[str, str]:
    """Component whose labels occur in several groups → that each is a new one in each, and how to write the other."""
    shared, entry = facts.words.shared, component_of_groups(facts.model)
    more = code(entry) if entry else say("spread.component_of_groups", shared)
    return {
        name: say("spread.nested", shared, name=code(name), label=code(label), more=more)
        for name, label in labels_in_several_groups(facts.model).items()
    }


def intraclass(facts: FittedModel) -> str:
    """The intraclass correlation, where one pair of rows has it: with a random intercept for each group alone."""
    correlations = list(facts.spreads.attrs["icc"].values())
    if facts.model.k_vc or not correlations:
        return ""
    return say("spread.alike", facts.words.shared, r=two(correlations[0]))


# What was fitted to what


def fit_words(facts: FittedModel) -> dict[str, str]:
    """For all sentences that have places for it: the model, its rows and groups."""
    y, words, sizes = facts.y, facts.words, facts.sizes
    p, low, high = len(facts.coefficients), int(sizes.min()), int(sizes.max())
    found = words.shared | {
        "model": code(facts.formula) if facts.formula else say("open.arrays", words.shared),
        "formula": code(facts.formula) if facts.formula else words.outcome,
        "random": random_part(facts),
        "average_rows": counted(p, "row"),
        "random_rows": counted(len(facts.rows) - p, "row"),
        "name": code(facts.model.endog_names),
        "y_low": three(y.min()),
        "y_mean": three(y.mean()),
        "y_high": words.with_unit(three(y.max())),
        "unit": words.unit.strip() or say("words.its_unit"),
        "rows": counted(len(y), "row"),
        "group": code(words.group),
        "number": str(facts.groups),
        "groups": listed(sizes.index, 6),
        "smallest": counted(low, "row"),
        "smallest_of": listed(sizes.index[sizes == low], 3),
        "largest": counted(high, "row"),
        "largest_of": listed(sizes.index[sizes == high], 3),
        "mean_size": f"{sizes.mean():.1f}",
        "each": str(low) if low == high else f"{low} to {high}",
        "loglik": signed(f"{float(facts.result.llf):.4f}"),
        "boundary": facts.boundary if facts.singular else "",
        "shortfall": f"{facts.shortfall:.2g}",
    }
    found["sample"] = say("open.groups", found) if facts.groups > 1 else found["rows"]
    if not facts.reml:
        found |= {"aic": two(facts.result.aic), "bic": two(facts.result.bic)}
    return found
