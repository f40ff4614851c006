"""Every line of a printout in words: what it is, how it came, what it says here, what it does not mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
    Varying,
    intraclass,
    nesting,
    random_part,
    sd_words,
    spread_rows,
    spread_sentence,
)
from fewgroups.explanation.render import Passage, ScreenRow
from fewgroups.explanation.templates import say, sentences
from fewgroups.noted_table import joined

HEADER = {
    "Model": "model",
    "Dependent Variable": "outcome",
    "No. Observations": "observations",
    "No. Groups": "groups",
    "Min. group size": "smallest",
    "Max. group size": "largest",
    "Mean group size": "mean_size",
    "Method": "method",
    "Scale": "scale",
    "Log-Likelihood": "likelihood",
    "Converged": "converged",
}
"""Labels of the header, in the order in which they are read → their section of the sentences."""
COLUMNS = ("coef", "error", "z", "p", "low", "high")
LEADS = ("what", "how", "here", "isnt")


def all_lines(facts: FittedModel, earned: tuple[Caution, ...]) -> list[Passage]:
    """The header, the columns of the lower table, its coefficients, its variances, with their cautions."""
    columns = []
    for label, key in zip(map(str, facts.rows.columns), COLUMNS, strict=True):
        remarks = tuple(_remarks(f"column_{key}", facts.words.shared))
        columns.append(Passage(label, "columns", remarks=remarks))
    lines = [*_header(facts), *columns, *_coefficients(facts), *_variances(facts)]
    found = []
    for line in lines:
        mine = [caution for caution in earned if caution.label == line.label]
        warned = [(say("lead.caution", kind=caution.kind), caution.text) for caution in mine]
        found.append(replace(line, remarks=(*line.remarks, *warned)))
    return found


def _remarks(section: str, words: dict[str, str], variants: tuple[str, ...] = ()) -> list[Any]:
    """(lead, text) of the sentences of a section, each in the first of the variants in which it exists."""
    found = []
    for lead in LEADS:
        keys = [f"{section}.{lead}_{variant}" for variant in variants] + [f"{section}.{lead}"]
        key = next((key for key in keys if key in sentences()), None)
        if key is not None:
            found.append((say(f"lead.{lead}"), say(key, words)))
    return found


# The header and the columns of the lower table


def _header(facts: FittedModel) -> Iterator[Passage]:
    words, order = _header_words(facts), list(HEADER)
    variants = (
        *(["unfinished"] if not facts.finished else []),
        *(["block"] if facts.groups == 1 else ["known"] if facts.words.group != "Group" else []),
        *(["equal"] if facts.sizes.min() == facts.sizes.max() else []),
        *(["false_alarm"] if facts.finished and facts.false_alarm else []),
        *(["short"] if facts.short else []),
        *(["intercept"] if facts.model.k_vc and facts.model.k_re and facts.groups > 1 else []),
        "reml" if facts.reml else "ml",
    )
    for label in sorted(facts.header, key=lambda x: order.index(x) if x in order else len(order)):
        remarks = _remarks(HEADER.get(label, "unknown"), words, variants)
        yield Passage(label, "header", facts.header[label], (), tuple(remarks))


def _header_words(facts: FittedModel) -> dict[str, str]:
    """The facts that the sentences of the header have places for."""
    y, words, sizes = facts.y, facts.words, facts.sizes
    p, low, high = len(facts.coefficients), int(sizes.min()), int(sizes.max())
    found = words.shared | {
        "formula": code(facts.formula) if facts.formula else words.outcome,
        "random": random_part(facts),
        "average_rows": counted(p, "row", "rows"),
        "random_rows": counted(len(facts.rows) - p, "row", "rows"),
        "name": code(facts.model.endog_names),
        "y_low": three(y.min()),
        "y_mean": three(y.mean()),
        "y_high": words.with_unit(three(y.max())),
        "unit": words.unit.strip() or say("outcome.its_unit"),
        "rows": counted(facts.rows_used, "row", "rows"),
        "group": code(words.group),
        "number": str(facts.groups),
        "groups": listed(sizes.index, 6),
        "smallest": counted(low, "row", "rows"),
        "smallest_of": listed(sizes.index[sizes == low], 3),
        "largest": counted(high, "row", "rows"),
        "largest_of": listed(sizes.index[sizes == high], 3),
        "mean_size": f"{sizes.mean():.1f}",
        "loglik": signed(f"{float(facts.result.llf):.4f}"),
    }
    if not facts.reml:
        found |= {"aic": two(facts.result.aic), "bic": two(facts.result.bic)}
    return found | sd_words(facts, facts.spread(-1)) if facts.finished else found


# The rows of the lower table


def _passage(
    facts: FittedModel, at: int, section: str, cells: dict[str, str], remarks: list[Any]
) -> Passage:
    printed = {str(c): str(v) for c, v in facts.rows.iloc[at].items() if str(v).strip()}
    if not facts.finished:
        cells, remarks = {}, [r for r in remarks if r[0] == say("lead.what")]
        remarks.append((say("lead.isnt"), say("lead.no_estimate")))
    rows = [ScreenRow(name, f"{v:>8}", cells.get(name, "")) for name, v in printed.items()]
    return Passage(str(facts.rows.index[at]), section, None, tuple(rows), tuple(remarks))


def _coefficients(facts: FittedModel) -> Iterator[Passage]:
    for k, one in enumerate(facts.coefficients):
        named = facts.words.rows.get(one.name)
        remarks = [(say("lead.what"), f"{named[0].upper()}{named[1:]}.")] if named else []
        if not facts.finished:
            yield _passage(facts, k, "average", {}, remarks)
            continue
        row = facts.coefficients_by().iloc[k]
        longer = (row["high"] - row["low"]) / (2 * 1.96 * facts.printed_errors[k])
        key = "row.longer" if longer > 1 + OFF else "row.report"
        times = {"times": f"{longer:.2g}"} if longer > 1 + OFF else {}
        here = [say(key, sentence=effect_sentence(facts, k, row), **times)]
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
        yield _passage(facts, k, "average", _cells(facts, k, one), remarks)


def _cells(facts: FittedModel, k: int, one: Coefficient) -> dict[str, str]:
    """Each printed number of a coefficient's row in words."""
    unit, names = facts.words.with_unit, [str(name) for name in facts.rows.columns]
    b, se = float(facts.estimates[k]), float(facts.printed_errors[k])
    if not np.isfinite(se):
        return {names[0]: meaning(facts, one, b, float(facts.right_errors[k]))}
    z, half_width = b / se, float(stats.norm.ppf(0.975)) * se
    low, high = b - half_width, b + half_width
    texts = [
        meaning(facts, one, b, se),
        say("cell.error", se=unit(rounded(se, se))),
        say("cell.z", z=two(abs(z)), side="above" if z > 0 else "below"),
        say("cell.p", p=p_value(2 * stats.norm.sf(abs(z)), exact=True)),
        say("cell.low", low=unit(rounded(low, se))),
        say("cell.high_over" if low <= 0 <= high else "cell.high", high=unit(rounded(high, se))),
    ]
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


def _variances(facts: FittedModel) -> Iterator[Passage]:
    for at, row in enumerate(spread_rows(facts), start=len(facts.coefficients)):
        sentence = {"Coef.": spread_sentence(facts, row)} if facts.finished else {}
        if row.other is not None:
            words = {"many": row.thing.many, "first": row.thing.noun, "second": row.other.noun}
            cells = sentence | {"Std.Err.": say("covariance.error")}
            yield _passage(facts, at, "differences", cells, _remarks("covariance", words))
            continue
        thing = row.thing
        words = {"many": thing.many, "number": str(thing.number), "noun": thing.what}
        remarks = _remarks("variance", words, (thing.kind, "reml" if facts.reml else "ml"))
        if facts.finished:
            sentence["Std.Err."] = _error_words(facts, at, facts.spreads().iloc[row.at]["se"])
            band = _band(facts, thing, facts.spreads().iloc[row.at])
            here = [band, nesting(facts).get(thing.name, ""), intraclass(facts)]
            shown = [(say("lead.here"), " ".join(filter(None, here)))] if any(here) else []
            remarks = remarks[:-1] + shown + remarks[-1:]
        yield _passage(facts, at, "differences", sentence, remarks)


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
