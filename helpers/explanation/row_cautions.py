"""What a row of the lower table gives reason to beware of: only what is earned, with the numbers that earn it."""

from __future__ import annotations

import numpy as np

from helpers.inference.noted_table import show_p

from .documents import Caution
from .facts import Facts, rounded, two
from .markup import code

WIDER = 1.05  # honest interval over printed interval
OFF = 0.05  # relative error of the printed standard error of a variance


def about_z(facts: Facts, name: str) -> tuple[Caution, ...]:
    """Of z where t is due: the honest interval is clearly wider than the printed one."""
    k = [column.name for column in facts.columns].index(name)
    row, printed = facts.honest.loc[name], float(np.asarray(facts.plain.bse_fe)[k])
    wider = (row["high"] - row["low"]) / (2 * 1.959964 * printed)
    if not wider >= WIDER and np.isfinite(printed):
        return ()
    satterthwaite = "" if facts.singular else f" (Satterthwaite: {_df(facts.satterthwaite.loc[name, 'df'])})"
    unit = facts.words.with_unit
    refit = ", after a refit by REML" if facts.honest.attrs["refitted"] else ""
    much = (
        f"the interval is {wider:.2g} times as long as the printed one"
        if np.isfinite(printed)
        else "the printout has no standard error"
    )
    return (
        Caution(
            "z for t",
            f"z and its p claim that the variances are known. Kenward–Roger{refit} gives this coefficient "
            f"{_df(row['df'])} degrees of freedom{satterthwaite}: t = {two(row['t'])}, p = "
            f"{show_p(row['p'])}, from {unit(rounded(row['low'], row['se']))} to "
            f"{unit(rounded(row['high'], row['se']))}; "
            f"{much}. Report these.",
        ),
    )


def _df(df: float) -> str:
    return f"{df:.1f}" if df < 1000 else f"{df:.0f}"


def about_slope(facts: Facts, name: str) -> tuple[Caution, ...]:
    """Of a random slope that was left out although the predictor varies within groups and the data could tell."""
    if name not in facts.slopes_left_out:
        return ()
    slope, words = facts.slopes_left_out[name], facts.words
    text = (
        f"The predictor varies within {words.many}, yet the model says that its effect is the same for all of them; "
        "the standard error rests on that. "
        f"If it may differ (a random slope), the estimate is {words.with_unit(rounded(slope.estimate, slope.se))} "
        "with a "
        f"standard error of {rounded(slope.se, slope.se)}, Kenward–Roger t({_df(slope.df)}) = {two(slope.t)}, "
        f"p = {show_p(slope.p)}, from {words.with_unit(rounded(slope.low, slope.se))} to "
        f"{words.with_unit(rounded(slope.high, slope.se))}" + (" (a singular fit)." if slope.singular else ".")
    )
    paired = facts.honest.attrs["paired"].get(name)
    if paired:
        t, df, p = paired
        text += (
            f" The paired t-test on the means of the {words.many}, which needs no such assumption: t({df}) = "
            f"{two(t)}, p = {show_p(p)}."
        )
    return (Caution("random slope left out", text),)


def about_occasions(facts: Facts, name: str) -> tuple[Caution, ...]:
    """Of conditions that were perhaps measured on one occasion each."""
    column = next(column for column in facts.columns if column.name == name)
    if len(column.parts) != 1 or not column.parts[0].levels or facts.groups == 1 or not _blocks(facts, column.name):
        return ()
    words = facts.words
    return (
        Caution(
            "one occasion per condition",
            f"Each {words.one} has several rows in each condition. If they come from one occasion (one session, one "
            "day, one order), whatever was special about that occasion is part of the difference, for each "
            f"{words.one} and for all of them, and no term of a model can take it out: only repeated occasions can.",
        ),
    )


def _blocks(facts: Facts, name: str) -> bool:
    """Whether every group has two rows or more at each of several values of a column, with the same predictors."""
    k = [column.name for column in facts.columns].index(name)
    varies = False
    for x in facts.model.exog_li:
        varies |= bool(np.ptp(x[:, k]) > 0)
        if np.unique(x, axis=0, return_counts=True)[1].min() < 2:
            return False
    return varies


def about_zero(facts: Facts, name: str) -> tuple[Caution, ...]:
    """Of an intercept that lies outside the data."""
    column = next(column for column in facts.columns if column.name == name)
    if column.parts:
        return ()
    outside = [
        f"{code(p.factor)} runs from {p.span[0]:g} to {p.span[1]:g}"
        for p in column.places
        if not np.isnan(p.span[0]) and not p.span[0] <= 0 <= p.span[1]
    ]
    if not outside:
        return ()
    return (
        Caution(
            "zero is outside the data",
            f"{'; '.join(outside)}, so the intercept is an extrapolation, and its test answers no question. Centre the "
            "predictor and it becomes the mean in the middle of your data.",
        ),
    )


def about_error(facts: Facts, printed: float, right: float) -> tuple[Caution, ...]:
    """Of the standard error printed beside a variance, which is on another scale; right: the one from `variances`."""
    if not np.isfinite(right) or np.isfinite(printed) and abs(printed / right - 1) <= OFF:
        return ()
    if not np.isfinite(printed):
        return (
            Caution(
                "standard error of a variance",
                f"The printout has none; it is {right:.3g} (from {code('variances')}).",
            ),
        )
    times = max(printed / right, right / printed)
    return (
        Caution(
            "standard error of a variance",
            f"The printed {printed:.3f} is on no usable scale (the root of {code('Scale')} times the standard "
            "error of a "
            f"ratio of variances). On the scale of the variance beside it, it is {right:.3g}: the printed one is "
            f"{times:.2g} times too {'large' if printed > right else 'small'}. Better than either is the interval.",
        ),
    )


def about_zero_variance(name: str) -> tuple[Caution, ...]:
    """Of a variance of zero or a correlation of ±1."""
    return (
        Caution(
            "singular",
            f"{name} is on the boundary of what is possible. Such an estimate has no standard error; its interval says "
            "which values the data do not exclude.",
        ),
    )
