"""What a fit gives reason to beware of: only what is earned, with the numbers that earn it, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fewgroups.comparison import FEW
from fewgroups.ddf import KenwardRoger
from fewgroups.explanation import words
from fewgroups.explanation.facts import FittedModel
from fewgroups.fixed_effects import judged
from fewgroups.likelihood import Information, optimum
from fewgroups.noted_table import code, joined, listed, signed
from fewgroups.structure import random_design
from fewgroups.templates import say

PILED = 0.05  # share of the rows at one end of the scale from which a ceiling or floor is said,
LEAST = 5  # if they are at least so many, and more than at the value next to it
DISTINCT = 7  # values of an outcome up to which it is a count or a rating rather than a measurement
UNEQUAL = 5  # largest group over smallest
LONGER = 1.1  # interval with a random slope over the one without
OFF = 0.05  # relative error of a printed standard error


GRAVEST = (
    *("not converged", "not at its optimum", "few different values", "zero is outside the data"),
    *("no random intercept", "random slope left out", "singular", "no interaction asked"),
    *("few groups", "few levels", "scores at the ceiling", "scores at the floor"),
    *("one occasion per condition", "unequal groups", "printed standard error"),
)


@dataclass(frozen=True)
class Caution:
    """Something that this fit gives reason to beware of; kind: a few words by which it can be found; label: the line
    of the printout where it belongs."""

    kind: str
    text: str
    label: str


def cautions(facts: FittedModel, slopes: bool = True) -> tuple[Caution, ...]:
    """The cautions that a fit earns, the gravest first; slopes: whether those that were left out are tried, which is
    slow."""
    found = [*_search(facts)]
    if facts.finished:
        tried = _slopes_left_out(facts) if slopes else ()
        found += [*_outcome(facts), *_coefficients(facts), *_random_part(facts), *tried]
    return tuple(sorted(found, key=lambda caution: GRAVEST.index(caution.kind)))


def _earned(
    facts: FittedModel, kind: str, label: str, key: str = "", /, **given: object
) -> Caution:
    """The caution of sentence `key` (by default that of its kind)."""
    text = say(f"caution.{key or kind.replace(' ', '_')}", facts.shared, **given)
    return Caution(kind, text, label)


def _search(facts: FittedModel) -> Iterator[Caution]:
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


def _outcome(facts: FittedModel) -> Iterator[Caution]:
    """Of an outcome that is no measurement, or whose scores pile up at one end, more than at the value next to it."""
    label, rows = "Dependent Variable", len(facts.y)
    values, counts = np.unique(facts.y, return_counts=True)
    if len(values) <= DISTINCT and rows >= 3 * len(values):
        key = "two_values" if len(values) == 2 else "few_values"
        shown = signed(joined([f"{value:g}" for value in values]))
        yield _earned(facts, "few different values", label, key, values=shown)
    for end, beside, word, name in ((-1, -2, "ceiling", "highest"), (0, 1, "floor", "lowest")):
        count = int(counts[end])
        if len(values) > DISTINCT and count >= max(LEAST, PILED * rows) and count > counts[beside]:
            given = {"count": count, "rows": rows, "percent": f"{100 * count / rows:.0f}"}
            given |= {"name": name, "value": signed(f"{values[end]:g}")}
            yield _earned(facts, f"scores at the {word}", label, "pile", **given)


def _coefficients(facts: FittedModel) -> Iterator[Caution]:
    for k, one in enumerate(facts.coefficients):
        # An effect that is read where there are no data, because what it interacts with has its zero there.
        for factor in (place.factor for place in one.places if not one.is_mean):
            if not factor.reaches_zero and factor.columns == 1:
                given = {"low": signed(f"{factor.low:g}"), "high": signed(f"{factor.high:g}")}
                given |= {"name": code(one.name), "factor": code(factor.name)}
                yield _earned(facts, "zero is outside the data", one.name, **given)
        # A printed standard error that the boundary or an unbalanced design has distorted.
        printed, right = facts.printed_errors[k], facts.right_errors[k]
        if not abs(printed / right - 1) <= OFF:
            shown = f"{printed:.3g}" if np.isfinite(printed) else say("caution.none_printed")
            given = {"name": code(one.name), "printed": shown, "right": f"{right:.3g}"}
            yield _earned(facts, "printed standard error", one.name, **given)
        # Conditions that may have been measured on one occasion each, judged by most of the groups that have several.
        # Variance components speak of occasions, or of items, themselves.
        levels = len(one.parts) == 1 and one.parts[0].factor.levels
        if levels and facts.groups > 1 and not facts.model.k_vc:
            x, groups = pd.Series(facts.model.exog[:, k]), np.asarray(facts.model.groups)
            by_group = x.groupby(groups)
            counts = by_group.value_counts().groupby(level=0)
            runs = by_group.shift().ne(x).groupby(groups).sum()
            blocked = (counts.min() > 1) & (runs == counts.size())  # each value's rows, 2 or more
            blocked = blocked[counts.size() > 1]
            if 2 * sum(blocked) > len(blocked):
                who = "each" if sum(blocked) == facts.groups else "most"
                rows = say(f"caution.{who}_in_blocks", facts.shared)
                yield _earned(facts, "one occasion per condition", one.name, rows=rows)
    # A condition within groups and a kind of group in one formula, without their interaction.
    used = [one.factors for one in facts.coefficients]
    alone = dict.fromkeys(parts[0] for parts in used if len(parts) == 1 and parts[0].levels)
    within = [factor for factor in alone if facts.varies_within(factor)]
    between = [factor for factor in alone if factor not in within]
    interact = any({*within, *between} <= {*factors} for factors in used)
    if len(within) == 1 and len(between) == 1 and not interact:
        given = {"within": words.names_of(within), "between": words.names_of(between)}
        given["term"] = code(f"{within[0].name}:{between[0].name}")
        label = facts.coefficients[used.index(within)].name
        yield _earned(facts, "no interaction asked", label, **given)


def _random_part(facts: FittedModel) -> Iterator[Caution]:
    model, groups = facts.model, facts.groups
    rows = [row for row in words.spread_rows(facts) if len(row.things) == 1]
    if not model.k_re and groups > 1:  # statsmodels then drops the groups' level
        designs = [random_design(model, g)[0] for g in range(groups)]
        if not all(np.any((np.ptp(Z, axis=0) == 0) & (Z[0] != 0)) for Z in designs if len(Z) > 1):
            yield _earned(facts, "no random intercept", "Model")
    if facts.singular:
        zero = [row for row in rows if facts.spreads["sd"].iloc[row.at] == 0]
        sds = []
        for row in zero or [row for row in rows if row.things[0].kind == "change"] or rows:
            given = words.sd_words(facts, facts.spreads.iloc[row.at])
            sds.append(say("caution.sd", given, name=code(row.things[0].name)))
        yield _earned(facts, "singular", "Converged", boundary=facts.boundary, sds=joined(sds))
    if 1 < groups < FEW:
        percent = f"{100 * 2 * stats.t.sf(1.96, groups - 1):.0f}"
        given = {"number": str(groups), "df": str(groups - 1), "percent": percent}
        yield _earned(facts, "few groups", "No. Groups", **given)
    for row in rows if groups == 1 else ():  # crossed factors
        (thing,) = row.things
        if thing.number < FEW:
            yield _earned(facts, "few levels", row.label, number=thing.number, levels=thing.many)
    low, high = int(facts.sizes.min()), int(facts.sizes.max())
    if high >= UNEQUAL * low:
        yield _earned(facts, "unequal groups", "Min. group size", low=low, high=high)


def _slopes_left_out(facts: FittedModel) -> Iterator[Caution]:
    """Of random slopes that were left out although the predictor varies within groups, and what they would change."""
    slopes, longer = dict[int, Any](), dict[int, float]()
    for where, structure in facts.slopes_left_out.items():
        with suppress(ValueError, np.linalg.LinAlgError):  # where the data cannot tell
            best = optimum(structure, True)
            found = Information.of(structure, structure.gamma(best.theta), True)
            weights, nulls = np.eye(structure.p)[list(where)], np.zeros(len(where))
            rows = pd.DataFrame(judged(found, KenwardRoger.of(found), weights, nulls, 0.95))
            slopes |= dict(zip(where, rows.to_dict("records"), strict=True))
    for k, slope in slopes.items():
        before = facts.fixed.iloc[k]
        longer[k] = (slope["high"] - slope["low"]) / (before["high"] - before["low"])
    earned = [k for k in longer if longer[k] >= LONGER]
    if not earned:
        return
    worst = max(earned, key=lambda k: longer[k])
    one = facts.coefficients[worst]
    terms = list(dict.fromkeys(facts.coefficients[k].term for k in sorted(earned)))
    given = {
        "names": listed(terms, 3),
        "verb": "varies" if len(terms) == 1 else "vary",
        "name": code(one.name),
        "interval": words.interval_words(facts, one, slopes[worst]),
        "before": words.interval_words(facts, one, facts.fixed.iloc[worst]),
        "test": words.t_words(slopes[worst]),
    }
    for k in earned:
        yield _earned(facts, "random slope left out", facts.coefficients[k].name, **given)
