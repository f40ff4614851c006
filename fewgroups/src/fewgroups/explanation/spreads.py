"""The rows of variances and covariances in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from fewgroups.explanation import row_cautions
from fewgroups.explanation.cautions import NO_ESTIMATE
from fewgroups.explanation.documents import Line
from fewgroups.explanation.facts import Facts, rounded, signed, three
from fewgroups.explanation.markup import code
from fewgroups.explanation.randomness import Varying, varying
from fewgroups.resampling import FEW


def spread_lines(facts: Facts) -> list[Line]:
    """One Line per variance, covariance and variance component, in the order of the printout."""
    at, q = len(facts.columns), facts.model.k_re  # at: row of the printout
    lines: list[Line] = []
    things = varying(facts)
    rows = [row for row, _ in facts.rows_of_spreads(things)]  # of `variances`
    for i in range(q):
        for j in range(i):
            lines.append(
                _covariance(facts, at + len(lines), things[j], things[i], q + i * (i - 1) // 2 + j)
            )
        lines.append(_variance(facts, at + len(lines), things[i], rows[i]))
    for thing, row in zip(things[q:], rows[q:], strict=True):
        lines.append(_variance(facts, at + len(lines), thing, row))
    return lines


def _printed(facts: Facts, at: int) -> tuple[tuple[str, str], ...]:
    return tuple((str(c), str(v)) for c, v in facts.rows.iloc[at].items() if str(v).strip())


def _variance(facts: Facts, at: int, thing: Varying, row_of: int) -> Line:
    what = f"How much {thing.many} differ in their own {thing.what}, as a variance: the square of a standard deviation."
    if thing.kind == "set":
        what = f"How much {thing.many} differ, as a variance: the square of a standard deviation."
    how = (
        "Found by the search: the variance that, together with the others, makes the data most likely. It is not the "
        f"variance of the averages (or slopes) that you would work out for each of the {thing.many} alone: those also "
        "hold the scatter of single rows."
    )
    isnt = (
        f"Not a standard deviation: take its root before you speak of it. Not about the {thing.number} "
        f"{thing.many} that "
        f"you have, but an estimate for all of whom they are a sample; it rests on {thing.number}."
    )
    if thing.at:
        isnt += f" And it is the variance {thing.at}: choose another zero for the predictors, and it is another one."
    label, printed = str(facts.rows.index[at]), _printed(facts, at)
    if not facts.finished:
        return Line("differences", label, printed, what, how, (), NO_ESTIMATE)
    row = facts.spreads.iloc[row_of]
    shown = float(facts.plain.bse[at]) * np.sqrt(facts.plain.scale)
    here = [("Coef.", _sd_sentence(facts, thing, row))]
    if len(printed) > 1:
        here.append(("Std.Err.", _error_sentence(row, shown)))
    if thing.band and row["low"] > 0:
        here.append(("", _band(facts, thing, row)))
    earned = row_cautions.about_error(facts, shown, row)
    if facts.groups == 1 and thing.number < FEW:
        earned += row_cautions.about_levels(thing.number, thing.many)
    if row["sd"] == 0:
        earned = row_cautions.about_boundary(
            f"A standard deviation of 0{thing.per and ' ' + thing.per}"
        )
    return Line("differences", label, printed, what, how, tuple(here), isnt, earned)


def _sd_sentence(facts: Facts, thing: Varying, row: Any) -> str:
    unit = facts.words.with_unit
    sd, low, high = (unit(three(row[name])) for name in ("sd", "low", "high"))
    per = f" {thing.per}" if thing.per else ""
    share = (
        f"; {100 * row['share']:.0f} % of the variance that the coefficients leave"
        if row["sd"] > 0
        else ""
    )
    return (
        f"the square of a standard deviation of {sd}{per}; the data are compatible with {low} to {high}{per} (95 % "
        f"profile interval){share}"
    )


def _error_sentence(row: Any, shown: float) -> str:
    if not np.isfinite(row["se"]):
        return "no standard error belongs to a variance that is estimated as zero"
    if not np.isfinite(shown) or abs(shown / row["se"] - 1) > row_cautions.OFF:
        return f"not the standard error of the variance beside it, which is {three(row['se'])}"
    return "the standard error of the variance; the interval says more, since such estimates are skewed"


def _band(facts: Facts, thing: Varying, row: Any) -> str:
    """Where most of the levels or changes lie, both estimates taken at their word."""
    b, sd, unit = (
        float(np.asarray(facts.plain.fe_params)[thing.band[0]]),
        float(row["sd"]),
        facts.words.with_unit,
    )
    per = f" {thing.per}" if thing.per else ""
    reach = stats.norm.ppf(0.975) * sd
    return (
        f"If the estimates were exact and the differences normal, 95 of 100 {thing.many} would have a {thing.noun} "
        f"between {unit(rounded(b - reach, sd))} and {unit(rounded(b + reach, sd))}{per}"
        f"{thing.at and ' ' + thing.at}, around the {code(facts.columns[thing.band[0]].name)} of "
        f"{unit(rounded(b, sd))}."
    )


def _covariance(facts: Facts, at: int, one: Varying, other: Varying, row_of: int) -> Line:
    what = (
        f"Whether {facts.words.many} with a high {one.what} tend to have a high {other.what}, as a covariance. Read it "
        "as a correlation, which has no units."
    )
    how = "Found by the search, with the two variances. Divided by both standard deviations it is a correlation."
    isnt = (
        "Not a correlation between columns of the data. It depends on where the predictors have their zero: centre "
        "them elsewhere and it changes, though the model does not."
    )
    label, printed = str(facts.rows.index[at]), _printed(facts, at)
    if not facts.finished:
        return Line("differences", label, printed, what, how, (), NO_ESTIMATE)
    row = facts.spreads.iloc[row_of]
    r, low, high = (signed(f"{row[k]:.2f}") for k in ("correlation", "low", "high"))
    known = bool(np.isfinite(row["correlation"]))
    said = (
        f"a correlation of {r}" if known else "no correlation, since one of the two does not vary"
    )
    here = [
        ("Coef.", f"{said}; the data are compatible with {low} to {high} (95 % profile interval)")
    ]
    if len(printed) > 1:
        here.append(("Std.Err.", "of no use, as for the variances: use the interval"))
    earned = (
        row_cautions.about_boundary(f"A correlation of {r}") if abs(row["correlation"]) == 1 else ()
    )
    return Line("differences", label, printed, what, how, tuple(here), isnt, earned)
