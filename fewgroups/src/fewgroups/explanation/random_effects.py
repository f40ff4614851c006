"""What the random part of a model lets vary, in words: levels, changes, components."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fewgroups.component_columns import component_of_groups, labels_in_several_groups
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.numbers import code, three, two
from fewgroups.explanation.predictors import Coefficient
from fewgroups.noted_table import joined
from fewgroups.structure import dense, level_of_rows
from fewgroups.templates import say

Array = np.ndarray
KNOWN = 1.9  # length of the interval of a correlation from which nothing is known of it


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
    band: tuple[int, ...] = ()


def varying(facts: FittedModel) -> list[Varying]:
    """The random-effect columns in the order of the printout, then the variance components."""
    columns = [_column(facts, j) for j in range(facts.model.k_re)]
    return columns + [_component(facts, c) for c in range(facts.model.k_vc)]


def _column(facts: FittedModel, j: int) -> Varying:
    Z, words = np.asarray(facts.model.exog_re, dtype=float), facts.words
    name, values = str(facts.model.data.exog_re_names[j]), Z[:, j]
    intercepts = tuple(k for k, one in enumerate(facts.coefficients) if not one.parts)
    if np.ptp(values) == 0:
        slopes = [one for i in range(Z.shape[1]) if i != j for one in _matches(facts, Z[:, i])]
        at = joined(list(dict.fromkeys(_zero(facts, one) for one in slopes)))
        between = say("random.between", many=words.many) + (f", {at}" if at else "")
        what = f"level {at}" if at else "level"
        who = (words.many, facts.groups)
        return Varying(name, "level", what, "level", *who, between, intercepts)
    if not np.any(np.ptp(Z, axis=0) == 0) and set(np.unique(values)) == {0.0, 1.0}:
        return _change(facts, name, say("random.level", where=_level_of(facts, name, values)))
    return _slope(facts, name, values)


def _change(
    facts: FittedModel, name: str, what: str, noun: str = "", band: tuple[int, ...] = ()
) -> Varying:
    many = facts.words.many
    between = say("random.of", what=what, many=many)
    return Varying(name, "change", what, noun or what, many, facts.groups, between, band)


def _slope(facts: FittedModel, name: str, values: Array) -> Varying:
    """A column that is no constant: the change, or difference, of the coefficient with the same values."""
    words = facts.words
    for one in _matches(facts, values):
        part, band = one.parts[0], (facts.coefficients.index(one),)
        if part.pair and part.gap == 1:
            high, low = (words.level(part.factor, level) for level in part.pair)
            what = say("random.difference", high=high, low=low)
            noun = say("random.difference_in", factor=words.factor(part.factor))
            return _change(facts, name, what, noun, band)
        if not part.factor.levels and part.factor.columns == 1:
            what = say("random.change", unit=words.unit_of(part.factor))
            return _change(facts, name, what, band=band)
    return _change(facts, name, say("random.coefficient", column=code(name)))


def _matches(facts: FittedModel, values: Array) -> list[Coefficient]:
    """The coefficient, if any, whose column in the fixed effects has these values: one part, not an interaction."""
    X = np.asarray(facts.model.exog, dtype=float)
    same = [k for k in range(X.shape[1]) if np.array_equal(X[:, k], values)]
    return [facts.coefficients[k] for k in same[:1] if len(facts.coefficients[k].parts) == 1]


def _zero(facts: FittedModel, one: Coefficient) -> str:
    """Where a column is zero, as for the intercept: "for the session of 20", "where `Days` is 0"."""
    factor = one.parts[0].factor
    places = [place for other in facts.coefficients if not other.parts for place in other.places]
    here = [facts.words.place(place) for place in places if place.factor == factor]
    return here[0] if here else say("words.at_zero", factor=facts.words.factor(factor))


def _level_of(facts: FittedModel, name: str, values: Array) -> str:
    """Where a column of zeros and ones is one: at a level of a factor of the formula, or as the column is called."""
    frame = getattr(facts.model.data, "frame", None)
    for factor in facts.factors.values():
        if frame is not None and factor.variable in frame.columns:
            for level in factor.levels:
                if np.array_equal(np.asarray(frame[factor.variable] == level), values == 1):
                    return say("words.at_level", level=facts.words.level(factor, level))
    return say("random.column", column=code(name))


def _component(facts: FittedModel, c: int) -> Varying:
    model, words = facts.model, facts.words
    name = str(model.exog_vc.names[c])
    levels = level_of_rows(model.exog_vc.mats[c])
    many = words.components.get(name, ("", say("random.levels", component=code(name))))[1]
    if levels is not None:
        number = len(np.unique(levels))
        between = say("random.between", many=many)
        return Varying(name, "set", "level", "level", many, number, between)
    mats = [dense(m) for m in model.exog_vc.mats[c]]
    values = np.full(len(model.endog), np.nan)
    columns = 0
    for label, m in zip(model.group_labels, mats, strict=True):
        one_each = np.all(np.count_nonzero(m, axis=1) <= 1)
        values[model.row_indices[label]] = m.sum(axis=1) if one_each else np.nan
        columns += m.shape[1]
    if columns > len(mats) and not np.isnan(values).any():  # such as C(person):x, over all rows
        thing = _slope(facts, name, values)
        between = say("random.of", what=thing.what, many=many)
        return replace(thing, kind="slopes", many=many, number=columns, between=between)
    if name in words.components:
        return _change(facts, name, words.components[name][0])
    return _slope(facts, name, values)


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
    """A variance, or the covariance of `other` and `thing`. label: as printed; printed: its row among those of the
    printout; at: its row in `variances`."""

    label: str
    thing: Varying
    other: Varying | None
    printed: int
    at: int


def spread_rows(facts: FittedModel, read: bool = False) -> list[SpreadRow]:
    """The variances and covariances in the order of the printout; read: each variance before its covariances."""
    things, q = varying(facts), int(facts.model.k_re)
    labels = list(map(str, facts.rows.index[len(facts.coefficients) :]))
    found: list[SpreadRow] = []
    for i, thing in enumerate(things):
        pairs = [(things[j], thing, q + i * (i - 1) // 2 + j) for j in range(i if i < q else 0)]
        own = (thing, None, i if i < q else i + q * (q - 1) // 2)
        first = len(found)
        some = [
            SpreadRow(labels[k], one, other, k, at)
            for k, (one, other, at) in enumerate([*pairs, own], start=first)
        ]
        found += [some[-1], *some[:-1]] if read else some
    return found


def spread_sentence(facts: FittedModel, row: SpreadRow) -> str:
    """An SD, or a correlation, with its interval: "SD 24.7 ms between people (95 % interval 14.4 to 37.7 ms)"."""
    exact = facts.spreads().iloc[row.at]
    if row.other is None:
        return sd_sentence(facts, row.thing.between, exact)
    pair = {"one": row.thing.noun, "other": row.other.noun}
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
    if [thing.kind for thing in varying(facts)] != ["level"]:
        return ""
    variance, residual = facts.spread(0)["variance"], facts.spread(-1)["variance"]
    return say("spread.alike", facts.words.shared, r=two(variance / (variance + residual)))
