"""What the random part of a model lets vary, in words: levels, changes, components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .facts import Facts
from .markup import code, joined
from .vocabulary import comparison

Array = np.ndarray


@dataclass(frozen=True)
class Varying:
    """One random-effect column or variance component. kind: "level", "condition", "change" or "set".

    what: a noun phrase for what differs, after "their own"; per: what a change is per ("" for levels); many: who
    differs; number: how many of them there are.
    """

    name: str
    kind: str
    what: str
    per: str
    many: str
    number: int


def varying(facts: Facts) -> list[Varying]:
    """The random-effect columns in the order of the printout, then the variance components."""
    return [*(_column(facts, j) for j in range(facts.model.k_re)), *map(_component(facts), range(facts.model.k_vc))]


def _column(facts: Facts, j: int) -> Varying:
    Z, words = np.asarray(facts.model.exog_re, dtype=float), facts.words
    name, values = str(facts.model.data.exog_re_names[j]), Z[:, j]
    if np.ptp(values) == 0:
        return Varying(name, "level", "level", "", words.many, facts.groups)
    constant = np.any(np.ptp(Z, axis=0) == 0)
    if not constant and set(np.unique(values)) == {0.0, 1.0}:
        return Varying(name, "condition", f"level where {code(name)} is 1", "", words.many, facts.groups)
    what, per = _change(facts, name, values)
    return Varying(name, "change", what, per, words.many, facts.groups)


def _change(facts: Facts, name: str, values: Array) -> tuple[str, str]:
    """("difference between the long session and the short one", "") or ("change per day", "per day")."""
    words, X = facts.words, np.asarray(facts.model.exog, dtype=float)
    for k, column in enumerate(facts.columns):
        if len(column.parts) == 1 and np.array_equal(X[:, k], values):
            pair = comparison(words, column.parts[0])
            if pair:
                return f"difference between {pair[0]} and {pair[1]}", ""
            if not column.parts[0].levels and column.parts[0].columns == 1:
                per = f"per {words.unit_of(column.parts[0].factor)}"
                return f"change {per}", per
    return f"coefficient of {code(name)}", f"per unit of {code(name)}"


def _component(facts: Facts):  # type: ignore[no-untyped-def]
    def write(c: int) -> Varying:
        model, words = facts.model, facts.words
        name = str(model.exog_vc.names[c])
        mats = [m.toarray() if hasattr(m, "toarray") else np.asarray(m) for m in model.exog_vc.mats[c]]
        number = sum(int(np.any(m != 0, axis=0).sum()) for m in mats)
        marks = all(np.isin(m, (0, 1)).all() and np.all(m.sum(axis=1) == 1) for m in mats)
        one, many = words.components.get(name, (f"level of {code(name)}", f"levels of {code(name)}"))
        if marks:
            return Varying(name, "set", "level", "", many, number)
        return Varying(name, "change", f"coefficient of {code(name)}", f"per unit of {code(name)}", words.many, number)

    return write


def random_part(facts: Facts) -> str:
    """The random part in half a sentence: "a random intercept for each athlete"."""
    words = facts.words
    columns = varying(facts)
    own = [v for v in columns[: facts.model.k_re]]
    said = []
    levels = [v for v in own if v.kind == "level"]
    others = [v for v in own if v.kind != "level"]
    group = f"each {words.one}" + (f" ({code(words.group)})" if words.group != "Group" else "")
    if levels:
        said.append(f"a random intercept for {group}")
    if others:
        names = " and ".join(code(v.name) for v in others)
        kind = "random coefficients of" if len(others) > 1 or not levels else "a random slope of"
        said.append(f"{kind} {names} for {group}" if not levels else f"{kind} {names}, correlated with it")
    for v in columns[facts.model.k_re :]:
        said.append(f"a variance component for {v.number} {v.many}" if v.kind == "set" else f"independent {v.what}")
    return joined(said)
