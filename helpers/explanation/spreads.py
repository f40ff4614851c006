"""The rows of variances and covariances in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import row_cautions
from .cautions import NO_ESTIMATE
from .documents import Caution, Line
from .facts import Facts, rounded, signed
from .markup import code
from .randomness import Varying, varying


def spread_lines(facts: Facts) -> list[Line]:
    """One Line per variance, covariance and variance component, in the order of the printout."""
    first, lines = len(facts.columns), []
    things, q = varying(facts), facts.model.k_re
    keys: list[tuple[int, int]] = [(i, j) for i in range(q) for j in range(i + 1)]
    for number, (i, j) in enumerate(keys):
        at = first + number
        lines.append(_variance(facts, at, things[i], i) if i == j else _covariance(facts, at, things[j], things[i]))
    for c in range(facts.model.k_vc):
        lines.append(_variance(facts, first + len(keys) + c, things[q + c], q + c))
    return lines


def _printed(facts: Facts, at: int) -> tuple[tuple[str, str], ...]:
    return tuple((str(c), str(v)) for c, v in facts.rows.iloc[at].items() if str(v).strip())


def _variance(facts: Facts, at: int, thing: Varying, number: int) -> Line:
    what = f"How much {thing.many} differ in their own {thing.what}, as a variance: the square of a standard deviation."
    how = (
        f"Found by the search: the variance that, together with the others, makes the data most likely. It is not the "
        f"variance of the {facts.words.many}' raw means, which also hold the scatter of single rows."
    )
    isnt = (
        f"Not a standard deviation: take its root before you speak of it. Not a list of how your {thing.many} did, but "
        f"an estimate for all {thing.many} of whom yours are a sample; it rests on {thing.number} of them."
    )
    label, printed = str(facts.rows.index[at]), _printed(facts, at)
    if not facts.finished:
        return Line("differences", label, printed, what, how, (), NO_ESTIMATE)
    row = _row(facts, thing.name)
    here = [("Coef.", _sd_sentence(facts, thing, row))]
    shown = float(facts.plain.bse[at]) * np.sqrt(facts.plain.scale)
    if len(printed) > 1:
        here.append(("Std.Err.", _error_sentence(row, shown)))
    band = _band(facts, thing, row)
    if band:
        here.append(("", band))
    earned: tuple[Caution, ...] = ()
    if row["sd"] == 0:
        earned = row_cautions.about_zero_variance(f"A standard deviation of 0 {thing.per}".strip())
    else:
        earned = row_cautions.about_error(facts, shown, float(row["se"]))
    return Line("differences", label, printed, what, how, tuple(here), isnt, earned)


def _row(facts: Facts, name: str) -> Any:
    return facts.spreads.loc[name]


def _sd_sentence(facts: Facts, thing: Varying, row: Any) -> str:
    unit = facts.words.with_unit
    sd, low, high = (rounded(row[k], row["sd"] or row["high"], 3) for k in ("sd", "low", "high"))
    per = f" {thing.per}" if thing.per else ""
    share = f"; {100 * row['share']:.0f} % of the variance that the coefficients leave" if row["share"] > 0 else ""
    return (
        f"the square of a standard deviation of {unit(sd)}{per}; the data are compatible with {unit(low)} to "
        f"{unit(high)}{per} (95 % profile interval){share}"
    )


def _error_sentence(row: Any, shown: float) -> str:
    if not np.isfinite(row["se"]):
        return "no standard error belongs to a variance that is estimated as zero"
    if not np.isfinite(shown):
        return "not given"
    if abs(shown / row["se"] - 1) <= row_cautions.OFF:
        return "the standard error of the variance; the interval says more, since such estimates are skewed"
    return f"not the standard error of the variance beside it, which is {row['se']:.3g}"


def _band(facts: Facts, thing: Varying, row: Any) -> str:
    """Where most of the levels or changes lie, both estimates taken at their word; "" where there is no average."""
    if row["sd"] == 0 or thing.kind == "set" and facts.model.k_re + facts.model.k_vc > 1 and facts.groups > 1:
        return ""
    k = _average(facts, thing)
    if k is None:
        return ""
    b, sd, unit = float(np.asarray(facts.plain.fe_params)[k]), float(row["sd"]), facts.words.with_unit
    per = f" {thing.per}" if thing.per else ""
    return (
        f"Taken at its word, with normal variation: about 95 of 100 {thing.many} have a {thing.what.split(' per ')[0]} "
        f"between {unit(rounded(b - 1.96 * sd, sd))} and {unit(rounded(b + 1.96 * sd, sd))}{per}, around the "
        f"{code(facts.columns[k].name)} of {unit(rounded(b, sd))}."
    )


def _average(facts: Facts, thing: Varying) -> int | None:
    """The coefficient around which the thing varies: the intercept for levels, the same column for changes."""
    for k, column in enumerate(facts.columns):
        if (
            thing.kind in ("level", "set")
            and column.is_intercept
            or thing.kind == "change"
            and column.name == thing.name
        ):
            return k
    return None


def _covariance(facts: Facts, at: int, one: Varying, other: Varying) -> Line:
    words = facts.words
    what = (
        f"Whether {words.many} with a high {one.what} tend to have a high {other.what}, as a covariance. Read it as a "
        "correlation, which has no units."
    )
    how = (
        "Found by the search, together with the two variances; divided by both standard deviations it is a correlation."
    )
    isnt = (
        "Not a correlation between columns of the data. It depends on where the predictors have their zero: centre "
        "them elsewhere and it changes, though the model does not."
    )
    label, printed = str(facts.rows.index[at]), _printed(facts, at)
    if not facts.finished:
        return Line("differences", label, printed, what, how, (), NO_ESTIMATE)
    row = _row(facts, f"{one.name} × {other.name}")
    r, low, high = (signed(f"{row[k]:.2f}") for k in ("correlation", "low", "high"))
    here = [("Coef.", f"a correlation of {r}; the data are compatible with {low} to {high} (95 % profile interval)")]
    if not np.isfinite(row["correlation"]):
        here = [("Coef.", "no correlation: one of the two does not vary")]
    if len(printed) > 1:
        here.append(("Std.Err.", "of no use, as for the variances: use the interval"))
    earned = row_cautions.about_zero_variance(f"A correlation of {r}") if abs(row["correlation"]) == 1 else ()
    return Line("differences", label, printed, what, how, tuple(here), isnt, earned)
