"""Every line of a printout in words: what it is, how it came, what it says here, what it does not mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from fewgroups.explanation.cautions import OFF, Caution
from fewgroups.explanation.effects import effect_sentence, meaning, place_words, term_sentence
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.numbers import (
    code,
    counted,
    listed,
    p_value,
    rounded,
    signed,
    three,
    two,
)
from fewgroups.explanation.predictors import Coefficient
from fewgroups.explanation.random_effects import (
    SpreadRow,
    Varying,
    intraclass,
    nesting,
    random_part,
    sd_words,
    spread_rows,
    spread_sentence,
)
from fewgroups.explanation.render import Passage, Remark, ScreenRow
from fewgroups.noted_table import joined
from fewgroups.templates import say, sections, sentences

LEADS = ("what", "how", "here", "isnt")


def lines(
    facts: FittedModel, earned: Collection[Caution], wanted: Collection[str] = ()
) -> list[Passage]:
    """The lines with the labels `wanted`, or all: the header, the columns of the lower table, its coefficients, its
    variances, each with its cautions. A line is made when it is wanted."""
    known = [label for label in sections() if label in facts.header]
    header = [*known, *(label for label in facts.header if label not in known)]
    rows = map(str, facts.rows.index)
    makers: list[tuple[str, Callable[[], Passage]]] = [
        *((label, partial(_header, facts, label)) for label in header),
        *((label, partial(_column, facts, label)) for label in map(str, facts.rows.columns)),
        *((next(rows), partial(_coefficient, facts, k)) for k in range(len(facts.coefficients))),
        *((next(rows), partial(_variance, facts, row)) for row in spread_rows(facts)),
    ]
    found = []
    for label, make in makers:
        if not wanted or label in wanted:
            line, mine = make(), [caution for caution in earned if caution.label == label]
            warned = [(say("lead.caution", kind=caution.kind), caution.text) for caution in mine]
            found.append(replace(line, remarks=(*line.remarks, *warned)))
    return found


def _remarks(section: str, words: dict[str, str], variants: Collection[str] = ()) -> list[Remark]:
    """(lead, text) of the sentences of a section, each in the first of the variants in which it exists."""
    found = []
    for lead in LEADS:
        keys = [f"{section}.{lead}_{variant}" for variant in variants] + [f"{section}.{lead}"]
        key = next((key for key in keys if key in sentences()), None)
        if key is not None:
            found.append((say(f"lead.{lead}"), say(key, words)))
    return found


# The header and the columns of the lower table


def _column(facts: FittedModel, label: str) -> Passage:
    return Passage(label, "columns", remarks=tuple(_remarks(label, facts.words.shared)))


def _header(facts: FittedModel, label: str) -> Passage:
    false_alarm = label == "Converged" and facts.finished and facts.false_alarm
    variants = (
        *(["unfinished"] if not facts.finished else []),
        *(["block"] if facts.groups == 1 else ["known"] if facts.words.group != "Group" else []),
        *(["equal"] if facts.sizes.min() == facts.sizes.max() else []),
        *(["false_alarm"] if false_alarm else []),
        *(["short"] if facts.short else []),
        *(["intercept"] if facts.model.k_vc and facts.model.k_re and facts.groups > 1 else []),
        "reml" if facts.reml else "ml",
    )
    words = fit_words(facts)
    if label == "Scale" and facts.finished:
        words |= sd_words(facts, facts.spread(-1))
    remarks = _remarks(label if label in sections() else "unknown", words, variants)
    return Passage(f"{label}: {facts.header[label]}", "header", (), tuple(remarks))


def fit_words(facts: FittedModel) -> dict[str, str]:
    """What was fitted to what, for all sentences that have places for it."""
    y, words, sizes = facts.y, facts.words, facts.sizes
    p, low, high = len(facts.coefficients), int(sizes.min()), int(sizes.max())
    found = words.shared | {
        "model": code(facts.formula) if facts.formula else say("open.arrays", words.shared),
        "formula": code(facts.formula) if facts.formula else words.outcome,
        "random": random_part(facts),
        "average_rows": counted(p, "row", "rows"),
        "random_rows": counted(len(facts.rows) - p, "row", "rows"),
        "name": code(facts.model.endog_names),
        "y_low": three(y.min()),
        "y_mean": three(y.mean()),
        "y_high": words.with_unit(three(y.max())),
        "unit": words.unit.strip() or say("words.its_unit"),
        "rows": counted(facts.rows_used, "row", "rows"),
        "group": code(words.group),
        "number": str(facts.groups),
        "groups": listed(sizes.index, 6),
        "smallest": counted(low, "row", "rows"),
        "smallest_of": listed(sizes.index[sizes == low], 3),
        "largest": counted(high, "row", "rows"),
        "largest_of": listed(sizes.index[sizes == high], 3),
        "mean_size": f"{sizes.mean():.1f}",
        "each": str(low) if low == high else f"{low} to {high}",
        "loglik": signed(f"{float(facts.result.llf):.4f}"),
    }
    found["sample"] = say("open.groups", found) if facts.groups > 1 else found["rows"]
    if not facts.reml:
        found |= {"aic": two(facts.result.aic), "bic": two(facts.result.bic)}
    return found


# The rows of the lower table


def _passage(
    facts: FittedModel, at: int, section: str, cells: dict[str, str], remarks: list[Remark]
) -> Passage:
    printed = {str(c): str(v) for c, v in facts.rows.iloc[at].items() if str(v).strip()}
    if not facts.finished:
        cells, remarks = {}, [r for r in remarks if r[0] == say("lead.what")]
        remarks.append((say("lead.isnt"), say("lead.no_estimate")))
    rows = [ScreenRow(name, f"{v:>8}", cells.get(name, "")) for name, v in printed.items()]
    return Passage(str(facts.rows.index[at]), section, tuple(rows), tuple(remarks))


def _coefficient(facts: FittedModel, k: int) -> Passage:
    one = facts.coefficients[k]
    named = facts.words.rows.get(one.name)
    remarks = [(say("lead.what"), f"{named[0].upper()}{named[1:]}.")] if named else []
    if not facts.finished:
        return _passage(facts, k, "average", {}, remarks)
    row = facts.coefficients_by().iloc[k]
    longer = (row["high"] - row["low"]) / (2 * 1.96 * facts.printed_errors[k])
    sentence = effect_sentence(facts, k, row)
    given = {"sentence": sentence, "times": f"{longer:.2g}"}
    here = [say("row.longer" if longer > 1 + OFF else "row.report", given)]
    here += [say("row.refitted")] if facts.coefficients_by().attrs["refitted"] else []
    term = next((term for term in facts.terms if k in term.coefficients), None)
    if term is not None and (term.kind != "single" or term.partners):
        sentence = term_sentence(facts, term, facts.tests_by().loc[term.name])
        here.append(say("row.term", sentence=sentence))
    paired = facts.coefficients_by().attrs.get("paired", {})
    if one.name in paired:
        t, df, p = paired[one.name]
        test = f"t({df}) = {two(t)}, {p_value(p)}"
        here.append(say("row.paired", facts.words.shared, test=test))
    remarks.append((say("lead.here"), " ".join(here)))
    remarks += [(say("lead.isnt"), text) for text in _limits(facts, one)]
    return _passage(facts, k, "average", _cells(facts, k, one), remarks)


def _cells(facts: FittedModel, k: int, one: Coefficient) -> dict[str, str]:
    """Each printed number of a coefficient's row in words."""
    unit, names = facts.words.with_unit, [str(name) for name in facts.rows.columns]
    b, se = float(facts.estimates[k]), float(facts.printed_errors[k])
    if not np.isfinite(se):
        return {names[0]: meaning(facts, one, b, float(facts.right_errors[k]))}
    z, half_width = b / se, float(stats.norm.ppf(0.975)) * se
    low, high = b - half_width, b + half_width
    given = {
        "se": unit(rounded(se, se)),
        "z": two(abs(z)),
        "side": "above" if z > 0 else "below",
        "p": p_value(2 * stats.norm.sf(abs(z)), exact=True),
        "low": unit(rounded(low, se)),
        "high": unit(rounded(high, se)),
    }
    keys = ("error", "z", "p", "low", "high_over" if low <= 0 <= high else "high")
    texts = [meaning(facts, one, b, se), *(say(f"cell.{key}", given) for key in keys)]
    return dict(zip(names, texts, strict=True))


def _limits(facts: FittedModel, one: Coefficient) -> Iterator[str]:
    """What a coefficient does not mean."""
    words = facts.words
    if one.is_mean:
        yield say("limit.mean")
        return
    yield say("limit.average" if facts.groups == 1 else "limit.one", words.shared)
    mine = [part.factor for part in one.parts]
    if one.places:
        others = joined([words.factor(place.factor) for place in one.places])
        named = {"factor": joined([words.factor(factor) for factor in mine]), "others": others}
        yield say("limit.place", where=place_words(facts, one), **named)
    variables = frozenset[str]().union(*(factor.variables for factor in mine))
    relatives = [f for f in facts.factors.values() if f not in mine and f.variables & variables]
    if relatives:
        yield say("limit.shared", names=joined([code(f.name) for f in mine + relatives]))


def _variance(facts: FittedModel, row: SpreadRow) -> Passage:
    at, thing = len(facts.coefficients) + row.printed, row.thing
    sentence = {"Coef.": spread_sentence(facts, row)} if facts.finished else {}
    if row.other is not None:
        words = {"many": thing.many, "first": thing.noun, "second": row.other.noun}
        cells = sentence | {"Std.Err.": say("covariance.error")}
        return _passage(facts, at, "differences", cells, _remarks("covariance", words))
    words = {"many": thing.many, "number": str(thing.number), "noun": thing.what}
    remarks = _remarks("variance", words, (thing.kind, "reml" if facts.reml else "ml"))
    if facts.finished:
        exact = facts.spreads().iloc[row.at]
        sentence["Std.Err."] = _error_words(facts, at, exact["se"])
        nested = nesting(facts).get(thing.name, "")
        here = " ".join(filter(None, [_band(facts, thing, exact), nested, intraclass(facts)]))
        remarks[-1:-1] = [(say("lead.here"), here)] if here else []
    return _passage(facts, at, "differences", sentence, remarks)


def _error_words(facts: FittedModel, at: int, right: float) -> str:
    """Whether the error printed beside a variance (of a ratio of variances, times √Scale) is its standard error."""
    printed = float(np.asarray(facts.result.bse)[at] * np.sqrt(facts.result.scale))
    if not np.isfinite(right):
        return say("variance.no_error")
    if abs(printed / right - 1) <= OFF:
        return say("variance.error")
    return say("variance.other_error", right=three(right))


def _band(facts: FittedModel, thing: Varying, row: Any) -> str:
    """Where most of the levels or changes lie, both estimates taken at their word."""
    if not thing.band or not row["low"] > 0:
        return ""
    b, sd, unit = float(facts.estimates[thing.band[0]]), float(row["sd"]), facts.words.with_unit
    half_width = stats.norm.ppf(0.975) * sd
    ends = {"low": rounded(b - half_width, sd), "high": unit(rounded(b + half_width, sd))}
    name, centre = code(facts.coefficients[thing.band[0]].name), unit(rounded(b, sd))
    return say("variance.band", many=thing.many, noun=thing.what, name=name, centre=centre, **ends)
