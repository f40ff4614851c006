"""What a row of the lower table gives reason to beware of: only what is earned, with the numbers that earn it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from fewgroups.explanation.documents import Caution
from fewgroups.explanation.facts import Facts, probability, rounded, two
from fewgroups.explanation.markup import code, joined
from fewgroups.explanation.predictors import Column
from fewgroups.structure import random_design

WIDER = 1.05  # honest interval over printed interval
OFF = 0.05  # relative error of the printed standard error of a variance


def about_effect(facts: Facts, k: int) -> tuple[Caution, ...]:
    """All that is earned by coefficient number k."""
    column = facts.columns[k]
    found = [
        _error(facts, k),
        _z(facts, k),
        _slope(facts, column),
        _occasions(facts, k),
        _zero(facts, column),
    ]
    return tuple(caution for caution in found if caution is not None)


def _error(facts: Facts, k: int) -> Caution | None:
    """Of a printed standard error that the boundary or an unbalanced design has distorted."""
    printed = float(np.asarray(facts.plain.bse_fe)[k])
    right = float(facts.wald["se"].iloc[k])
    if np.isfinite(printed) and abs(printed / right - 1) <= OFF:
        return None
    shown = (
        f"The printed standard error is {printed:.3g}"
        if np.isfinite(printed)
        else "No standard error is printed"
    )
    return Caution(
        "printed standard error",
        f"{shown}; the usual one, given the estimated variances, is {right:.3g}. statsmodels takes it from the "
        "curvature of the whole likelihood, which a boundary or an unbalanced design can distort.",
    )


def _z(facts: Facts, k: int) -> Caution | None:
    """Of z where t is due: the honest interval is clearly longer than the printed one."""
    name, printed = facts.columns[k].name, float(np.asarray(facts.plain.bse_fe)[k])
    row = facts.honest.loc[name]
    longer = (row["high"] - row["low"]) / (2 * stats.norm.ppf(0.975) * printed)
    if longer < WIDER:
        return None
    other = (
        ""
        if facts.singular
        else f" (Satterthwaite: {degrees(facts.satterthwaite.loc[name, 'df'])})"
    )
    refit = " after a refit by REML," if facts.honest.attrs["refitted"] else ""
    much = (
        f"the interval is {longer:.2g} times as long as the printed one"
        if np.isfinite(printed)
        else "the printout has no standard error to compare with"
    )
    return Caution(
        "z for t",
        "z and its p take the variances as known. The method of Kenward and Roger, which allows for their being "
        f"estimated,{refit} gives this coefficient {degrees(row['df'])} "
        f"degrees of freedom{other}: t = {two(row['t'])}, p = {probability(row['p'])}, 95 % interval "
        f"{_ends(facts, row['low'], row['high'], row['se'])}; {much}. These are the ones to report, if the random part "
        f"is right.{'' if name in facts.slopes_left_out else _paired(facts, name)}",
    )


def _slope(facts: Facts, column: Column) -> Caution | None:
    """Of a random slope that was left out although the predictor varies within groups and the data could tell."""
    slope, words = facts.slopes_left_out.get(column.name), facts.words
    if slope is None:
        return None
    text = (
        f"The predictor varies within {words.many}, yet the model takes its effect as the same for all of them, "
        "and the "
        f"standard error rests on that. With a random slope the estimate is "
        f"{words.with_unit(rounded(slope.estimate, slope.se))}, its standard error {rounded(slope.se, slope.se)}, "
        f"Kenward–Roger t({degrees(slope.df)}) = {two(slope.t)}, p = {probability(slope.p)}, 95 % interval "
        f"{_ends(facts, slope.low, slope.high, slope.se)}"
        + (" (a singular fit)." if slope.singular else ".")
    )
    return Caution("random slope left out", text + _paired(facts, column.name))


def _paired(facts: Facts, name: str) -> str:
    """The paired t-test, where the design is balanced."""
    if name not in facts.honest.attrs["paired"]:
        return ""
    t, df, p = facts.honest.attrs["paired"][name]
    return (
        f" The paired t-test on the means of the {facts.words.many}, in which effects may differ as well: t({df}) = "
        f"{two(t)}, p = {probability(p)}."
    )


def _occasions(facts: Facts, k: int) -> Caution | None:
    """Of conditions that may have been measured on one occasion each."""
    column, words = facts.columns[k], facts.words
    if (
        len(column.parts) != 1
        or not column.parts[0].levels
        or facts.groups == 1
        or not _repeated(facts, k)
    ):
        return None
    return Caution(
        "one occasion per condition",
        f"Each {words.one} has several rows in each condition, and they stand together in your data. If they come from "
        "one occasion each (one session, one day), then whatever was special about an occasion is part of the "
        f"difference, for each {words.one}, and the "
        "model takes it for the effect of the condition. No term can take it out; repeated occasions can.",
    )


def _repeated(facts: Facts, k: int) -> bool:
    """Whether a column varies within groups, with two rows or more together in each condition of each group.

    A condition is a combination of all predictors that compare levels; a variance component whose sets part the rows
    of a condition speaks of occasions, or of items.
    """
    model = facts.model
    levels = [
        i for i, column in enumerate(facts.columns) if any(part.levels for part in column.parts)
    ]
    if not any(np.ptp(x[:, k]) > 0 for x in model.exog_li):
        return False
    for g, x in enumerate(model.exog_li):
        runs = 1 + int(np.any(np.diff(x[:, levels], axis=0) != 0, axis=1).sum())
        _, cell, counts = np.unique(x[:, levels], axis=0, return_inverse=True, return_counts=True)
        sets = [random_design(model, g)[0][:, model.k_re :]] if model.k_vc else []
        marks = [z for z in sets if np.isin(z, (0, 1)).all()]
        if (
            runs > len(counts)
            or counts.min() < 2
            or any(
                np.ptp(z[cell.ravel() == c], axis=0).any()
                for z in marks
                for c in range(len(counts))
            )
        ):
            return False
    return True


def _zero(facts: Facts, column: Column) -> Caution | None:
    """Of a coefficient that is read where there are no data."""
    outside = [
        f"{code(p.factor)} runs from {p.span[0]:g} to {p.span[1]:g}"
        for p in column.places
        if not np.isnan(p.span[0]) and not p.span[0] <= 0 <= p.span[1]
    ]
    if not outside:
        return None
    what = "mean" if column.is_mean else "effect"
    return Caution(
        "zero is outside the data",
        f"{joined(outside)}: this is the {what} at zero, where you have no data. Subtract a value in the middle of the "
        f"data from the predictor, and this row becomes the {what} there.",
    )


def about_error(facts: Facts, printed: float, row: Any) -> tuple[Caution, ...]:
    """Of the standard error printed beside a variance, which is on another scale; row: of `variances`."""
    right = float(row["se"])
    if not np.isfinite(right) or not np.isfinite(printed) or abs(printed / right - 1) <= OFF:
        return ()
    times = max(printed / right, right / printed)
    return (
        Caution(
            "standard error of a variance",
            f"The printed {printed:.3f} is on no usable scale: it is the root of {code('Scale')} times the standard "
            f"error of a ratio of variances. On the scale of the variance beside it, it would be {right:.3g}; the "
            f"printed one is {times:.2g} times too {'large' if printed > right else 'small'}. The interval says more "
            "than either.",
        ),
    )


def about_levels(number: int, many: str) -> tuple[Caution, ...]:
    """Of a variance between few levels of a crossed factor."""
    return (
        Caution(
            "few groups",
            f"{number} {many} are few: how much they differ is known roughly, see the interval.",
        ),
    )


def about_boundary(what: str) -> tuple[Caution, ...]:
    """Of a variance of zero or a correlation of ±1."""
    return (
        Caution(
            "singular",
            f"{what} is on the boundary of what is possible. Such an estimate has no standard error; its interval says "
            "which values the data do not exclude.",
        ),
    )


def degrees(df: float) -> str:
    """Degrees of freedom as they are told."""
    return f"{df:.1f}" if df < 1000 else f"{df:.0f}"


def _ends(facts: Facts, low: float, high: float, se: float) -> str:
    return (
        f"{facts.words.with_unit(rounded(low, se))} to {facts.words.with_unit(rounded(high, se))}"
    )
