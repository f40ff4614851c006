"""What the random part of a model lets vary, in words: levels, changes, components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.explanation.facts import Facts
from fewgroups.explanation.markup import code, joined
from fewgroups.explanation.predictors import Column, Part

Array = np.ndarray


@dataclass(frozen=True)
class Varying:
    """One random-effect column or variance component. kind: "level", "condition", "change" or "set".

    what: a noun phrase for what differs, after "their own", and noun: its first word or so; per: what a change is per;
    at: where a level is read, if there are slopes; many: who differs, and number: how many of them there are; label:
    for a table; band: the coefficient (its number) around which it varies, or nothing.
    """

    name: str
    kind: str
    what: str
    noun: str
    many: str
    number: int
    label: str
    per: str = ""
    at: str = ""
    band: tuple[int, ...] = ()


def varying(facts: Facts) -> list[Varying]:
    """The random-effect columns in the order of the printout, then the variance components."""
    own = [_column(facts, j) for j in range(facts.model.k_re)]
    return own + [_component(facts, c) for c in range(facts.model.k_vc)]


def _column(facts: Facts, j: int) -> Varying:
    Z, words = np.asarray(facts.model.exog_re, dtype=float), facts.words
    name, values = str(facts.model.data.exog_re_names[j]), Z[:, j]
    who = (words.many, facts.groups)
    if np.ptp(values) == 0:
        slopes = [
            column for i in range(Z.shape[1]) if i != j for column in _matches(facts, Z[:, i])
        ]
        at = joined(list(dict.fromkeys(_zero(facts, column.parts[0]) for column in slopes)))
        mean = tuple(k for k, column in enumerate(facts.columns) if column.is_intercept)
        return Varying(
            name,
            "level",
            f"level{at and ' ' + at}",
            "level",
            *who,
            f"between {words.many}",
            "",
            at,
            mean,
        )
    if not np.any(np.ptp(Z, axis=0) == 0) and set(np.unique(values)) == {0.0, 1.0}:
        what = f"level where {code(name)} is 1"
        return Varying(
            name, "condition", what, "level", *who, f"between {words.many}, {code(name)}"
        )
    return _slope(facts, name, values)


def _slope(facts: Facts, name: str, values: Array) -> Varying:
    """A column that is no constant: the change, or difference, of the coefficient with the same values."""
    words, who = facts.words, (facts.words.many, facts.groups)
    for column in _matches(facts, values):
        k, part = facts.columns.index(column), column.parts[0]
        if part.pair and part.gap == 1:
            high, low = (words.level(part.factor, level) for level in part.pair)
            what = f"difference “{high} minus {low}”"
            return Varying(
                name, "change", what, what, *who, f"of the {what}, between {words.many}", band=(k,)
            )
        if not part.levels and part.columns == 1:
            per = f"per {words.unit_of(part.factor)}"
            return Varying(
                name,
                "change",
                f"change {per}",
                "change",
                *who,
                f"of the change {per}, between {words.many}",
                per,
                band=(k,),
            )
    what = f"coefficient of {code(name)}"
    return Varying(name, "change", what, what, *who, f"of the {what}, between {words.many}")


def _matches(facts: Facts, values: Array) -> list[Column]:
    """The coefficient, if any, whose column in the fixed effects has these values: one part, not an interaction."""
    X = np.asarray(facts.model.exog, dtype=float)
    same = [k for k in range(X.shape[1]) if np.array_equal(X[:, k], values)]
    return [facts.columns[k] for k in same[:1] if len(facts.columns[k].parts) == 1]


def _zero(facts: Facts, part: Part) -> str:
    """Where a column is zero, as for the intercept: "for the session of 20", "where `Days` is 0"."""
    places = [place for column in facts.columns if column.is_intercept for place in column.places]
    here = [facts.words.place(place) for place in places if place.factor == part.factor]
    return here[0] if here else f"where {facts.words.factor(part.factor)} is 0"


def _component(facts: Facts, c: int) -> Varying:
    model, words = facts.model, facts.words
    name = str(model.exog_vc.names[c])
    mats = [m.toarray() if hasattr(m, "toarray") else np.asarray(m) for m in model.exog_vc.mats[c]]
    number = sum(int(np.any(m != 0, axis=0).sum()) for m in mats)
    if all(np.isin(m, (0, 1)).all() and np.all(m.sum(axis=1) == 1) for m in mats):
        _, many = words.components.get(name, ("", f"levels of {code(name)}"))
        crossed = model.n_groups == 1 and model.k_re == 0
        mean = (
            tuple(k for k, column in enumerate(facts.columns) if column.is_intercept)
            if crossed
            else ()
        )
        return Varying(name, "set", "level", "mean", many, number, f"between {many}", band=mean)
    values = np.full(len(model.endog), np.nan)
    for label, m in zip(model.group_labels, mats, strict=True):
        values[model.row_indices[label]] = m[:, 0] if m.shape[1] == 1 else np.nan
    if name in words.components:
        what = words.components[name][0]
        return Varying(
            name,
            "change",
            what,
            what,
            words.many,
            model.n_groups,
            f"of the {what}, between {words.many}",
        )
    return _slope(facts, name, values)


def random_part(facts: Facts) -> str:
    """The random part in half a sentence: "a random intercept for each athlete"."""
    words, things = facts.words, varying(facts)
    own, components = things[: facts.model.k_re], things[facts.model.k_re :]
    group = f"each {words.one}" + (f" ({code(words.group)})" if words.group != "Group" else "")
    names = joined([code(thing.name) for thing in own if thing.kind != "level"])
    several = "s" if sum(thing.kind != "level" for thing in own) > 1 else ""
    said = []
    if any(thing.kind == "level" for thing in own):
        said.append(f"a random intercept for {group}")
        if names:
            said[0] = f"a correlated random intercept and slope{several} ({names}) for {group}"
    elif names:
        said.append(
            f"correlated random effects of {names} for {group}"
            if several
            else f"a random effect of {names} for {group}"
        )
    for thing in components:
        if thing.kind == "set":
            said.append(f"a variance component for {thing.number} {thing.many}")
        else:
            said.append(f"an independent random {thing.what} for {group}")
    return joined(said)
