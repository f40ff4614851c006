"""The upper part of the printout in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fewgroups.explanation import cautions
from fewgroups.explanation.documents import Line
from fewgroups.explanation.facts import Facts, signed, three, two
from fewgroups.explanation.markup import code
from fewgroups.explanation.randomness import random_part

Said = dict[str, Any]  # what, how, isnt: text; here: the sentence on this fit; cautions


def header_lines(facts: Facts) -> list[Line]:
    """One Line per entry of the header: its left column, then its right one; an unknown entry is told as such."""
    order = list(LINES)
    lines = []
    for label, printed in sorted(
        facts.header, key=lambda x: order.index(x[0]) if x[0] in order else len(order)
    ):
        said = LINES.get(label, _unknown)(facts)
        if not facts.finished and label in NUMBERS:
            said |= {"isnt": cautions.NO_ESTIMATE, "here": ""}
        here = (("", str(said["here"])),) if said.get("here") else ()
        earned = tuple(said.get("cautions", ()))
        lines.append(
            Line(
                "header",
                label,
                (("", printed),),
                said["what"],
                said["how"],
                here,
                said["isnt"],
                earned,
            )
        )
    return lines


def _unknown(facts: Facts) -> Said:
    return {
        "what": "This entry is not known here: your statsmodels prints more than this explanation was written for.",
        "how": "",
        "isnt": "",
    }


def _model(facts: Facts) -> Said:
    formula = getattr(facts.model, "formula", None)
    asked = (
        f"the formula {code(formula)}, with {random_part(facts)}" if formula else random_part(facts)
    )
    p, rest = len(facts.columns), len(facts.rows) - len(facts.columns)
    return {
        "what": "The kind of model, a linear mixed model: what holds on average, plus random departures from it, plus "
        "what is left.",
        "how": f"It is what was asked for: {asked}.",
        "here": f"The first {_count(p, 'row')} of the lower table {'is' if p == 1 else 'are'} about what holds on "
        f"average, the last {_count(rest, 'row')} about how much {facts.words.many} differ"
        + (" in the sense of the random part" if facts.groups == 1 else "")
        + f"; {code('Scale')} is what is left.",
        "isnt": "The name says nothing on whether the model suits the data: that is seen in residuals, not here.",
    }


def _outcome(facts: Facts) -> Said:
    y, unit = facts.y, facts.words.with_unit
    return {
        "what": f"The outcome, what the model describes: {facts.words.outcome}.",
        "how": f"It is the left side of the formula: {code(facts.model.endog_names)}.",
        "here": f"In your rows it runs from {unit(three(y.min()))} to {unit(three(y.max()))}, with a mean of "
        f"{unit(three(y.mean()))}. Means, differences and standard deviations below are in "
        + (f"{facts.words.unit.strip()}." if facts.words.unit else "its units."),
        "isnt": "“Dependent” is the name of its place in the formula; it does not say what causes what.",
        "cautions": cautions.about_scores(facts),
    }


def _observations(facts: Facts) -> Said:
    words, n = facts.words, facts.rows_used
    alike = (
        f"rows of one {words.one}"
        if facts.groups > 1
        else "rows that share a level of a random factor"
    )
    counts = (
        f" For anything about {words.many} in general, the number that counts is "
        f"{code('No. Groups')}, {facts.groups}."
    )
    return {
        "what": "How many rows of data the fit used.",
        "how": "Counted. Rows that were left out before do not show.",
        "here": f"{n} rows. Is that the number of rows in your file? If not, find out which are gone, and why.",
        "isnt": f"Not {n} independent pieces of evidence: {alike} resemble each other, which is why there is a mixed "
        "model." + (counts if facts.groups > 1 else ""),
    }


def _groups(facts: Facts) -> Said:
    words = facts.words
    where = f" of {code(words.group)}" if words.group != "Group" else " of groups"
    if facts.groups == 1:
        return {
            "what": "How many independent blocks the rows fall into.",
            "how": f"Counted: the different values{where}.",
            "here": "1: all rows are one block, so that crossed factors can each have a variance. What varies, and how "
            "many levels it has, stands in the rows of the variances.",
            "isnt": "Not that nothing is grouped.",
        }
    return {
        "what": f"How many different {words.many} the rows belong to.",
        "how": f"Counted: the different values{where}. Rows of one {words.one} may resemble each other; rows of "
        f"different {words.many} are taken as independent.",
        "here": f"{facts.groups} {words.many}: {_listed([str(x) for x in facts.sizes.index], 6)}. Are these the ones "
        "that you measured?",
        "isnt": "Not the number of conditions, and not the number of rows. It is the sample size for every statement "
        f"about {words.many} in general.",
        "cautions": cautions.about_groups(facts),
    }


def _smallest(facts: Facts) -> Said:
    return _size(facts, "smallest", int(facts.sizes.min())) | {
        "cautions": cautions.about_sizes(facts)
    }


def _largest(facts: Facts) -> Said:
    return _size(facts, "largest", int(facts.sizes.max()))


def _size(facts: Facts, which: str, value: int) -> Said:
    sizes, words = facts.sizes, facts.words
    here = f"{value} rows: {_listed([str(x) for x in sizes.index[sizes == value]], 3)}."
    if facts.groups == 1:
        here = f"{value}: all rows, as there is one block."
    elif sizes.min() == sizes.max():
        here = f"{value} rows, as for every {words.one}."
    return {
        "what": f"The {which} number of rows that belong to one {words.one}.",
        "how": "Counted.",
        "here": here,
        "isnt": f"It does not say how often one {words.one} was measured in each condition.",
    }


def _mean_size(facts: Facts) -> Said:
    return {
        "what": f"The average number of rows per {facts.words.one}.",
        "how": f"{code('No. Observations')} divided by {code('No. Groups')}.",
        "here": f"{facts.rows_used} / {facts.groups} = {facts.sizes.mean():.1f}.",
        "isnt": "An average hides who has few.",
    }


def _method(facts: Facts) -> Said:
    isnt = "Not a sign of quality, and no protection against a wrong model."
    here = f", and here there are {facts.groups}" if facts.groups > 1 else ""
    few = f"the fewer {facts.words.many} there are{here}"
    if facts.reml:
        return {
            "what": "The way of fitting: restricted maximum likelihood.",
            "how": "It judges the variances by what is left when the coefficients are fitted, and allows for "
            "what these "
            "cost, as the n − 1 of an ordinary variance does for the mean.",
            "here": f"The usual choice for variances and standard errors. It matters more {few}.",
            "isnt": isnt,
        }
    return {
        "what": "The way of fitting: maximum likelihood.",
        "how": "It chooses coefficients and variances together so that the data are most likely.",
        "here": "Right for comparing models whose coefficients differ. Its variances lean towards zero, more so "
        "{few}: "
        "for the numbers that you report, fit with REML (reml=True).",
        "isnt": isnt,
    }


def _scale(facts: Facts) -> Said:
    said: Said = {
        "what": "The residual variance: how much single rows scatter around what the model expects for them, random "
        "departures included. Its square root is the residual standard deviation.",
        "how": "From what is left of the rows, allowing for what the coefficients and random departures cost.",
        "isnt": "Not a standard deviation, though it stands where other programs print one; and not measurement error "
        "alone, since whatever the formula leaves out is in it.",
    }
    if facts.finished:
        row = facts.spreads.iloc[-1]
        sd, low, high = (facts.words.with_unit(three(row[name])) for name in ("sd", "low", "high"))
        said["here"] = (
            f"Its square root is {sd}: about two rows in three lie within that distance of what the model expects, if "
            f"the scatter is normal. The data are compatible with {low} to {high} (95 % profile interval: values that "
            "fit almost as well)."
        )
    return said


def _loglik(facts: Facts) -> Said:
    said: Said = {
        "what": "The logarithm of the probability density that the fitted model gives to the data"
        + (", in the restricted form of REML." if facts.reml else "."),
        "how": "From the multivariate normal density of all rows, at the estimates.",
        "isnt": "Not a measure of how good the fit is: its size depends on the units of the outcome and on the number "
        "of rows. Only differences between models of the same rows mean anything.",
    }
    if facts.finished:
        criteria = f" AIC {two(facts.plain.aic)}, BIC {two(facts.plain.bic)}: lower is better, for the same rows."
        said["here"] = (
            f"{signed(f'{float(facts.plain.llf):.4f}')}: alone it says nothing. {code('fewgroups.compare')} compares "
            "it with that of another model." + ("" if facts.reml else criteria)
        )
        said["cautions"] = cautions.about_likelihood(facts)
    return said


def _converged(facts: Facts) -> Said:
    said: Said = {
        "what": "Whether the search for the best variances met its own stopping rule.",
        "how": "The optimiser reports it. It is a claim, not a proof.",
        "cautions": cautions.about_search(facts),
        "isnt": "Not that the model is right, nor that there are enough data for it.",
    }
    if facts.finished and not facts.short:
        said["here"] = (
            "The claim is true: a search of our own, from other starts, finds no higher log-likelihood."
        )
    return said


def _count(number: int, noun: str) -> str:
    return noun if number == 1 else f"{number} {noun}s"


def _listed(names: list[str], most: int) -> str:
    shown = ", ".join(map(code, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


NUMBERS = {"Scale", "Log-Likelihood"}
LINES: dict[str, Callable[[Facts], Said]] = {
    "Model": _model,
    "Dependent Variable": _outcome,
    "No. Observations": _observations,
    "No. Groups": _groups,
    "Min. group size": _smallest,
    "Max. group size": _largest,
    "Mean group size": _mean_size,
    "Method": _method,
    "Scale": _scale,
    "Log-Likelihood": _loglik,
    "Converged": _converged,
}
