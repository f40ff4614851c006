"""The upper part of the printout in words."""

from __future__ import annotations

from collections.abc import Callable

from . import cautions
from .documents import Line
from .facts import Facts, rounded, signed, two
from .markup import code
from .randomness import random_part


def header_lines(facts: Facts) -> list[Line]:
    """One Line per entry of the header: its left column, then its right one; an unknown entry is told as such."""
    order = list(LINES)
    lines = []
    for label, printed in sorted(facts.header, key=lambda x: order.index(x[0]) if x[0] in order else len(order)):
        write = LINES.get(label)
        said = write(facts) if write else {"what": "This entry of the printout is newer than this explanation."}
        if not facts.finished and label in NUMBERS:
            said = {"what": said["what"], "isnt": cautions.NO_ESTIMATE}
        lines.append(Line("header", label, (("", printed),), **said))
    return lines


def _model(facts: Facts) -> dict[str, object]:
    formula = getattr(facts.model, "formula", None)
    asked = f"the formula {code(formula)}, with {random_part(facts)}" if formula else random_part(facts)
    return {
        "what": "The kind of model, a linear mixed model: what holds on average, plus random departures of "
        f"{facts.words.many}, plus what is left.",
        "how": f"It is what was asked for: {asked}.",
        "here": (
            (
                "",
                f"{_count(len(facts.columns), 'row')} of the lower table "
                f"{'is' if len(facts.columns) == 1 else 'are'} about the average; "
                f"{_count(len(facts.rows) - len(facts.columns), 'row')} about how {facts.words.many} differ; "
                f"{code('Scale')} is what is left.",
            ),
        ),
        "isnt": "The name says nothing on whether the model suits the data: that is seen in residuals, not here.",
    }


def _outcome(facts: Facts) -> dict[str, object]:
    y, unit = facts.y, facts.words.with_unit
    return {
        "what": f"The outcome, what the model describes: {facts.words.outcome}.",
        "how": f"It is the left side of the formula: {code(facts.model.endog_names)}.",
        "here": (
            (
                "",
                f"In your rows it runs from {unit(rounded(y.min(), y.std(), 3))} to "
                f"{unit(rounded(y.max(), y.std(), 3))}, with a mean of {unit(rounded(y.mean(), y.std(), 3))}. "
                + (
                    f"All differences below are in{facts.words.unit}."
                    if facts.words.unit
                    else "All differences below are in its units."
                ),
            ),
        ),
        "isnt": "“Dependent” is the name of its place in the formula; it does not say what causes what.",
        "cautions": cautions.about_scores(facts),
    }


def _observations(facts: Facts) -> dict[str, object]:
    return {
        "what": "How many rows of data the fit used.",
        "how": "Counted; rows that were left out before do not show.",
        "here": (
            (
                "",
                f"{facts.rows_used} rows. Is that the number of rows in your file? If not, find out which are gone, "
                "and why.",
            ),
        ),
        "isnt": f"Not {facts.rows_used} independent pieces of evidence: rows of one {facts.words.one} resemble each "
        f"other, which is why the model is here. For anything about {facts.words.many} in general, the number "
        f"that counts is {code('No. Groups')}, {facts.groups}."
        if facts.groups > 1
        else f"Not {facts.rows_used} independent pieces of evidence: rows that share a level of a random factor "
        "resemble each other.",
    }


def _groups(facts: Facts) -> dict[str, object]:
    words = facts.words
    where = f" in {code(words.group)}" if words.group != "Group" else ""
    if facts.groups == 1:
        return {
            "what": "How many independent blocks the rows fall into.",
            "how": "Counted: the different values of groups.",
            "here": (
                (
                    "",
                    "1: all rows are one block, so that factors which cross can each have their variance. What varies "
                    "stands in the rows of the lower table, with the number of its levels.",
                ),
            ),
            "isnt": "Not that nothing is grouped.",
        }
    return {
        "what": f"How many different {words.many} the rows belong to.",
        "how": f"Counted: the different values{where}. Rows of one {words.one} may resemble each other, rows of "
        f"different {words.many} are taken as independent.",
        "here": (("", f"{facts.groups} {words.many}: {_names(facts)}. Are these the ones that you measured?"),),
        "isnt": f"Not the number of conditions, and not the number of rows. It is the sample size for every statement "
        f"about {words.many} in general.",
        "cautions": cautions.about_groups(facts),
    }


def _size(which: str) -> Callable[[Facts], dict[str, object]]:
    def write(facts: Facts) -> dict[str, object]:
        sizes, words = facts.sizes, facts.words
        value = {"smallest": sizes.min(), "largest": sizes.max()}.get(which)
        if value is None:
            here = f"{sizes.mean():.1f} rows per {words.one} on average: {facts.rows_used} / {facts.groups}."
        elif sizes.min() == sizes.max():
            here = f"{value} rows, as in every other {words.one}: the groups are equally large."
        else:
            here = f"{value} rows: {_listed([str(x) for x in sizes.index[sizes == value]], 3)}."
        return {
            "what": f"The {which} number of rows that one {words.one} has."
            if value is not None
            else f"The average number of rows per {words.one}.",
            "how": "Counted." if value is not None else f"{code('No. Observations')} divided by {code('No. Groups')}.",
            "here": (("", here),),
            "isnt": f"Equal sizes do not say that each {words.one} was measured equally often in each condition."
            if value is not None
            else "An average hides who has few.",
            "cautions": cautions.about_sizes(facts) if which == "smallest" else (),
        }

    return write


def _method(facts: Facts) -> dict[str, object]:
    if facts.reml:
        return {
            "what": "The way of fitting: restricted maximum likelihood.",
            "how": "It chooses the variances that make the data most likely after the part that the coefficients "
            "explain has been set aside; so it does not count the scatter that they used up.",
            "here": (
                (
                    "",
                    f"The usual choice for variances, and it matters most when there are few {facts.words.many}: here "
                    f"there are {facts.groups}.",
                ),
            ),
            "isnt": "Not a sign of quality, and no protection against a wrong model.",
        }
    return {
        "what": "The way of fitting: maximum likelihood.",
        "how": "It chooses coefficients and variances together so that the data are most likely.",
        "here": (
            (
                "",
                "Right for comparing models whose coefficients differ. Its variances lean towards zero, the more "
                "so the "
                f"fewer {facts.words.many} there are: here there are {facts.groups}. For the numbers that you report, "
                "fit with REML (reml=True).",
            ),
        ),
        "isnt": "Not a sign of quality, and no protection against a wrong model.",
    }


def _scale(facts: Facts) -> dict[str, object]:
    words, scale = facts.words, float(facts.plain.scale)
    said: dict[str, object] = {
        "what": "The residual variance: how much rows scatter around what the model expects for them, "
        f"{words.one} and all. Its square root is the residual standard deviation.",
        "how": "From what is left of each row after the coefficients and the random departures, allowing for what "
        "these used up.",
        "isnt": "Not a standard deviation, though it stands where other programs print one, and not measurement error "
        "alone: whatever the formula leaves out is in it.",
    }
    if facts.finished:
        row = facts.spreads.loc["residual"]
        sd, low, high = (words.with_unit(rounded(row[name], row["sd"], 3)) for name in ("sd", "low", "high"))
        said["here"] = (
            (
                "",
                f"The square root of {scale:.4g} is {sd}: two rows of the same {words.one} under the same conditions "
                f"typically lie that far from what the model expects, each in its own direction. The data are "
                f"compatible with {low} to {high} (95 % profile interval).",
            ),
        )
    return said


def _loglik(facts: Facts) -> dict[str, object]:
    shown = signed(f"{float(facts.plain.llf):.4f}")
    said: dict[str, object] = {
        "what": "The logarithm of the probability density that the fitted model gives to the data"
        + (", in the restricted form of REML." if facts.reml else "."),
        "how": "From the multivariate normal density of all rows, at the estimates.",
        "isnt": "Not a measure of how good the fit is: its size depends on the units of the outcome and on the number "
        "of rows. Only differences between models of the same rows mean anything.",
    }
    if facts.finished:
        more = f" AIC {two(facts.plain.aic)}, BIC {two(facts.plain.bic)}: lower is better." if not facts.reml else ""
        said["here"] = (("", f"{shown}: alone it says nothing. Keep it for comparing models with `compare`.{more}"),)
        said["cautions"] = cautions.about_likelihood(facts)
    return said


def _converged(facts: Facts) -> dict[str, object]:
    said: dict[str, object] = {
        "what": "Whether the search for the best variances met its own stopping rule.",
        "how": "The optimiser reports it. It is a claim, not a proof.",
        "cautions": cautions.about_search(facts),
        "isnt": "Not that the model is right, nor that there are enough data for it.",
    }
    if facts.finished and not facts.short:
        said["here"] = (
            ("", "The claim is true: a search of our own, from several starts, finds no higher log-likelihood."),
        )
    return said


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(names: list[str], most: int) -> str:
    shown = ", ".join(map(code, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _names(facts: Facts) -> str:
    return _listed([str(name) for name in facts.sizes.index], 6)


NUMBERS = {"Scale", "Log-Likelihood"}
LINES: dict[str, Callable[[Facts], dict[str, object]]] = {
    "Model": _model,
    "Dependent Variable": _outcome,
    "No. Observations": _observations,
    "No. Groups": _groups,
    "Min. group size": _size("smallest"),
    "Max. group size": _size("largest"),
    "Mean group size": _size("mean"),
    "Method": _method,
    "Scale": _scale,
    "Log-Likelihood": _loglik,
    "Converged": _converged,
}
