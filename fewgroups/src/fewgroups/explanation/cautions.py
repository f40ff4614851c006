"""What a fit gives reason to beware of: only what is earned, with the numbers that earn it, the gravest first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from fewgroups.explanation.effects import interval_words, t_words
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.numbers import code, listed, signed
from fewgroups.explanation.random_effects import sd_words, spread_rows, varying
from fewgroups.noted_table import joined
from fewgroups.resampling import FEW
from fewgroups.structure import random_design
from fewgroups.templates import say

PILED = 0.05  # share of the rows at one end of the scale from which a ceiling or floor is said,
LEAST = 5  # if they are at least so many, and more than at the value next to it
DISTINCT = 7  # values of an outcome up to which it is a count or a rating rather than a measurement
UNEQUAL = 5  # largest group over smallest
LONGER = 1.1  # interval with a random slope over the one without
OFF = 0.05  # relative error of a printed standard error


@dataclass(frozen=True)
class Caution:
    """Something that this fit gives reason to beware of; kind: a few words by which it can be found; label: the line
    of the printout where it belongs."""

    kind: str
    text: str
    label: str


def cautions(facts: FittedModel, labels: Collection[str] = ()) -> tuple[Caution, ...]:
    """The cautions that a fit earns, at the lines with these labels or all, the gravest first."""
    found = list(_search(facts))
    judges = (
        *(_values, _zero, _dropped_intercept, _slopes, _singular, _not_asked, _groups),
        *(_piles, _occasions, _sizes, _printed_errors),
    )
    slow = {_slopes: {one.name for one in facts.coefficients}, _singular: {"Converged"}}
    for judge in judges if facts.finished else ():
        if not labels or judge not in slow or slow[judge] & set(labels):
            found += judge(facts)
    return tuple(caution for caution in found if not labels or caution.label in labels)


def _earned(facts: FittedModel, kind: str, label: str, key: str = "", **words: str) -> Caution:
    """The caution of sentence `key` (by default that of its kind)."""
    text = say(f"caution.{key or kind.replace(' ', '_')}", facts.words.shared, **words)
    return Caution(kind, text, label)


def _search(facts: FittedModel) -> Iterator[Caution]:
    """Of a search that did not finish, or stopped short."""
    kind, label, cure = "not at its optimum", "Converged", say("caution.cure")
    if not facts.result.converged:
        yield _earned(facts, "not converged", label, cure=cure)
    elif not np.isfinite(facts.result.llf):
        yield _earned(facts, kind, label, "infinite", cure=cure)
    elif facts.astray:
        yield _earned(facts, kind, label, "astray", cure=cure)
    elif facts.short:
        rest = say("caution.little") if facts.finished else cure
        yield _earned(facts, kind, label, "short", shortfall=f"{facts.shortfall:.2g}", cure=rest)


def _values(facts: FittedModel) -> Iterator[Caution]:
    """Of an outcome that is no measurement."""
    values = np.unique(facts.y)
    if len(values) <= DISTINCT and len(facts.y) >= 3 * len(values):
        key = "two_values" if len(values) == 2 else "few_values"
        shown = signed(joined([f"{value:g}" for value in values]))
        yield _earned(facts, "few different values", "Dependent Variable", key, values=shown)


def _zero(facts: FittedModel) -> Iterator[Caution]:
    """Of an effect that is read where there are no data, because what it interacts with has its zero there."""
    for one in facts.coefficients:
        for factor in (place.factor for place in one.places if not one.is_mean):
            if not factor.reaches_zero and factor.columns == 1:
                ends = {"low": signed(f"{factor.low:g}"), "high": signed(f"{factor.high:g}")}
                named = {"name": code(one.name), "factor": code(factor.name)}
                yield _earned(facts, "zero is outside the data", one.name, **named, **ends)


def _dropped_intercept(facts: FittedModel) -> Iterator[Caution]:
    """Of variance components without re_formula: statsmodels then drops the groups' level."""
    model = facts.model
    if model.k_re or not model.k_vc or facts.groups == 1:
        return
    designs = [random_design(model, g)[0] for g in range(facts.groups)]
    level_in_all = all(
        any(np.ptp(column) == 0 and column[0] != 0 for column in Z.T) for Z in designs if len(Z) > 1
    )
    if not level_in_all:
        yield _earned(facts, "no random intercept", "Model")


def _slopes(facts: FittedModel) -> Iterator[Caution]:
    """Of random slopes that were left out although the predictor varies within groups, and what they would change."""
    longer, table, slopes = {}, facts.coefficients_by(), facts.with_slopes()
    for name, slope in slopes.items():
        ratio = (slope["high"] - slope["low"]) / (table.loc[name, "high"] - table.loc[name, "low"])
        if ratio >= LONGER:
            longer[name] = ratio
    if not longer:
        return
    worst = max(longer, key=lambda name: longer[name])
    one = next(one for one in facts.coefficients if one.name == worst)
    terms = list(dict.fromkeys(x.term for x in facts.coefficients if x.name in longer))
    words = {
        "names": listed(terms, 3),
        "verb": "varies" if len(terms) == 1 else "vary",
        "name": code(worst),
        "interval": interval_words(facts, one, slopes[worst]),
        "before": interval_words(facts, one, table.loc[worst]),
        "test": t_words(slopes[worst]),
    }
    for name in longer:
        yield _earned(facts, "random slope left out", name, **words)


def _singular(facts: FittedModel) -> Iterator[Caution]:
    """Of a singular fit, by the SDs with their intervals."""
    if facts.singular:
        things = list(enumerate(varying(facts)))
        zero = [(number, x) for number, x in things if facts.spread(number)["sd"] == 0]
        shown = zero or [(number, x) for number, x in things if x.kind == "change"] or things
        sds = []
        for number, thing in shown:
            words = sd_words(facts, facts.spread(number))
            sds.append(say("caution.sd", name=code(thing.name), **words))
        yield _earned(facts, "singular", "Converged", boundary=facts.boundary, sds=joined(sds))


def _not_asked(facts: FittedModel) -> Iterator[Caution]:
    """Of a condition within groups and a kind of group in one formula, without their interaction."""
    used = [[part.factor for part in one.parts] for one in facts.coefficients]
    alone = dict.fromkeys(parts[0] for parts in used if len(parts) == 1 and parts[0].levels)
    within = [factor for factor in alone if facts.varies_within(factor)]
    between = [factor for factor in alone if factor not in within]
    if len(within) != 1 or len(between) != 1 or any({*within, *between} <= {*x} for x in used):
        return
    words = {"within": facts.words.factor(within[0]), "between": facts.words.factor(between[0])}
    term = code(f"{within[0].name}:{between[0].name}")
    label = facts.coefficients[used.index([within[0]])].name
    yield _earned(facts, "no interaction asked", label, term=term, **words)


def _groups(facts: FittedModel) -> Iterator[Caution]:
    """Of few groups, or few levels of a crossed factor."""
    if 1 < facts.groups < FEW:
        percent = f"{100 * 2 * stats.t.sf(1.96, facts.groups - 1):.0f}"
        shown = {"number": str(facts.groups), "df": str(facts.groups - 1), "percent": percent}
        yield _earned(facts, "few groups", "No. Groups", **shown)
    for row in spread_rows(facts) if facts.groups == 1 else ():
        if row.other is None and row.thing.number < FEW:
            words = {"number": str(row.thing.number), "levels": row.thing.many}
            yield _earned(facts, "few levels", row.label, **words)


def _piles(facts: FittedModel) -> Iterator[Caution]:
    """Of scores that pile up at one end, more than at the value next to it."""
    values, counts = np.unique(facts.y, return_counts=True)
    rows = len(facts.y)
    for end, beside, word, name in ((-1, -2, "ceiling", "highest"), (0, 1, "floor", "lowest")):
        count = int(counts[end])
        if len(values) > DISTINCT and count >= max(LEAST, PILED * rows) and count > counts[beside]:
            shown = {"count": str(count), "rows": str(rows), "percent": f"{100 * count / rows:.0f}"}
            kind, value = f"scores at the {word}", signed(f"{values[end]:g}")
            label = "Dependent Variable"
            yield _earned(facts, kind, label, "pile", name=name, value=value, **shown)


def _occasions(facts: FittedModel) -> Iterator[Caution]:
    """Of conditions that may have been measured on one occasion each, judged by most of the groups that have several.

    Variance components speak of occasions, or of items, themselves.
    """
    if facts.groups == 1 or facts.model.k_vc:
        return
    for k, one in enumerate(facts.coefficients):
        if len(one.parts) == 1 and one.parts[0].factor.levels:
            blocked = _in_blocks(np.asarray(facts.model.groups), facts.model.exog[:, k])
            if 2 * sum(blocked) > len(blocked):
                who = "each" if sum(blocked) == facts.groups else "most"
                rows = say(f"caution.{who}_in_blocks", facts.words.shared)
                yield _earned(facts, "one occasion per condition", one.name, rows=rows)


def _in_blocks(groups: np.ndarray, x: np.ndarray) -> pd.Series:
    """Of each group with several values: whether the rows of each value, two or more, stand together."""
    within = pd.Series(x).groupby(groups)
    counts = within.value_counts().groupby(level=0)
    runs = within.shift().ne(pd.Series(x)).groupby(groups).sum()
    values = counts.size()
    return ((counts.min() > 1) & (runs == values))[values > 1]


def _sizes(facts: FittedModel) -> Iterator[Caution]:
    """Of groups of very different sizes."""
    low, high = int(facts.sizes.min()), int(facts.sizes.max())
    if high >= UNEQUAL * low:
        yield _earned(facts, "unequal groups", "Min. group size", low=str(low), high=str(high))


def _printed_errors(facts: FittedModel) -> Iterator[Caution]:
    """Of printed standard errors that the boundary or an unbalanced design has distorted."""
    for one, printed, right in zip(
        facts.coefficients, facts.printed_errors, facts.right_errors, strict=True
    ):
        if not abs(printed / right - 1) <= OFF:
            shown = f"{printed:.3g}" if np.isfinite(printed) else say("caution.none_printed")
            words = {"name": code(one.name), "printed": shown, "right": f"{right:.3g}"}
            yield _earned(facts, "printed standard error", one.name, **words)
