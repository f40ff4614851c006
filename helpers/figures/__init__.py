"""What the reader sees drawn: the drawings of the lessons, in one style, and `show`, which displays a figure.

First athletes (a table of scores has a row a score and the columns athlete_id, session_label and correctness), then
estimates and tests, then checks of a model. `style` holds the look, `display` titles and alt texts, and `show`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from helpers.figures.display import show as show
from helpers.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    PALETTE,
    SCORE,
    canvas,
    dots,
    legend_below,
    note,
    panels_of,
    spread,
)

MOST_PANELS = 12
LINES = ((BLUE, "-"), (ORANGE, "--"))
NOMINAL = 0.05
"""The rate of false positives that a test promises; a line stands there."""


def changes(table: pd.DataFrame) -> Figure:
    """One panel an athlete: every score as a point, and a line from the mean of one session to that of the next."""
    cells = dict(list(table.groupby(["athlete_id", "session_label"])["correctness"]))
    athletes, sessions = pd.unique(table["athlete_id"]), pd.unique(table["session_label"])
    figure, axes = panels_of(athletes, "", SCORE)
    for ax, athlete in zip(axes, athletes, strict=True):
        for k, session in enumerate(sessions):
            cell = cells[athlete, session]
            dots(ax, k + spread(len(cell), 0.42), cell, k, label=session)
        means = [cells[athlete, session].mean() for session in sessions]
        ax.plot(means, "-o", color=INK, linewidth=2.4, markersize=7, label="mean")
        ax.set_xticks(range(len(sessions)), sessions, fontsize=9)
        ax.set_xlim(-0.5, len(sessions) - 0.5)
        ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0])
    return figure


def terms(table: pd.DataFrame, steps: Mapping[str, Any]) -> Figure:
    """The same scores in one panel a step, in row order, with the line that each step of an equation draws.

    `steps` maps a panel's title to what that step explains, (rows,).
    """
    figure, axes = panels_of(list(steps), "", "score", height=3.2)
    place = pd.Series(np.arange(len(table)), index=table.index)
    middles = place.groupby(table["athlete_id"], sort=False).mean()
    for ax, explained in zip(axes, steps.values(), strict=True):
        dots(ax, place, table["correctness"], markersize=2.8, label="scores")
        ax.plot(place, explained, color=ORANGE, linewidth=2, label="what the equation says")
        ax.set_xticks(middles, [name.split("_")[0] for name in middles.index])
        ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0])
    return figure


def pooling(
    table: pd.DataFrame,
    xlabel: str = "deviation from the average athlete (points)",
    unit: str = "scores",
) -> Figure:
    """Own mean and prediction of each athlete, joined by a line, around the average of all.

    `table` has a row an athlete and the columns scores (how many), "no pooling" and partial (deviations from the
    average athlete). `unit` says in the plural what was counted.
    """
    figure, ax = canvas(xlabel, height=max(2.9, 1.4 + 0.24 * len(table)))
    means, predicted = table["no pooling"], table["partial"]
    places = np.arange(len(table))[::-1]
    ax.axvline(0, color=INK, linewidth=1, label="complete pooling")
    ax.hlines(places, means, predicted, color="#999999")
    ax.plot(means, places, "o", color=BLUE, markersize=8, label="no pooling: own mean")
    label = "partial pooling: the model"
    ax.plot(predicted, places, "D", color=ORANGE, markersize=7, label=label)
    counts = [f"{n} {unit.removesuffix('s') if n == 1 else unit}" for n in table["scores"]]
    ax.set_yticks(places, [f"{name} ({n})" for name, n in zip(table.index, counts, strict=True)])
    ax.grid(visible=False, axis="y")
    legend_below(figure, ax)
    return figure


def own_lines(
    panels: Mapping[str, pd.DataFrame],
    xlabel: str,
    ylabel: str,
    points: pd.DataFrame | None = None,
) -> Figure:
    """A thin line a person and a thick one for their average, in one panel a model.

    `panels` maps a panel's title to what a model says, persons (rows) × places on the x axis (columns); `points`, of
    the same shape, holds what was measured.
    """
    figure, axes = panels_of(list(panels), xlabel, ylabel, height=4.4 if len(panels) > 1 else 4.0)
    for ax, table in zip(axes, panels.values(), strict=True):
        places, ticks = _places(table.columns.to_series())
        if ticks:
            ax.set_xticks(range(len(ticks)), ticks)
            ax.margins(x=0.2)
        for k, line in enumerate(table.to_numpy()):
            label = "the model, one person" if k == 0 else None
            ax.plot(places, line, color=BLUE, linewidth=1, alpha=0.75, label=label)
        for k, own in enumerate([] if points is None else points.to_numpy()):
            label = "own means" if k == 0 else None
            ax.plot(places, own, ":o", color=GREY, markersize=4.5, linewidth=1.3, label=label)
        ax.plot(places, table.mean(), color=ORANGE, linewidth=3, label="the model, average")
    legend_below(figure, axes[0])
    return figure


def attendance(table: pd.DataFrame, x: str, xlabel: str, show: str | None = None) -> Figure:
    """One row an athlete, one mark a session, with a number beside it; a gap is a session that is not there.

    `x` names the column of a session's place (day, order or label), `show` that of the number: the count of the
    session's scores, where left out.
    """
    people = list(pd.unique(table["athlete_id"]))
    place, ticks = _places(table[x])
    session = ["athlete_id", "session_label"]
    sessions = table.assign(place=place).groupby(session, observed=True, sort=False)
    numbers = sessions[show].first() if show else sessions.size()
    places = sessions["place"].first()
    heights = -pd.Categorical(places.index.get_level_values(0), people).codes.astype(int)
    figure, ax = canvas(xlabel, height=1.4 + 0.28 * max(len(people), 4))
    for level in range(len(people)):
        own = np.sort(places[heights == -level])
        ax.plot(own, np.full(len(own), -level), color=GREY, linewidth=0.8)
    ax.plot(places, heights, "o", color=BLUE, markersize=7)
    for at, number in zip(zip(places, heights, strict=True), numbers, strict=True):
        note(ax, f"{number:g}", at, (0, 5), ha="center", fontsize=8)
    ax.set_yticks([-k for k in range(len(people))], people)
    ax.set_ylim(-len(people) + 0.4, 0.75)
    if ticks:
        ax.set_xticks(range(len(ticks)), ticks)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.06)
    return figure


def panels(
    table: pd.DataFrame, x: str, xlabel: str, ylabel: str, lines: Mapping[str, pd.Series]
) -> Figure:
    """One panel an athlete (the first twelve) over the column x: single scores, session means, lines of a model.

    `lines` maps the names of at most two lines to what a model says, one value a row of the table.
    """
    people = list(pd.unique(table["athlete_id"]))[:MOST_PANELS]
    columns = min(4, len(people))
    rows = -(-len(people) // columns)
    place, ticks = _places(table[x])
    crowded = len(ticks) * max(map(len, ticks), default=0) > 64 / columns
    height = 0.9 + 1.75 * rows + 0.6 * crowded
    figure, axes = panels_of(people, xlabel, ylabel, columns, sharex=True, height=height)
    width = 0.3 * min(np.diff(np.unique(place)), default=1.0)
    table = table.assign(place=place, **lines)
    for ax, name in zip(axes, people, strict=True):
        own = table[table["athlete_id"] == name]
        at = own["place"] + spread(len(own), width)
        dots(ax, at, own["correctness"], color=GREY, markersize=2.6, label="one score")
        means = own.groupby("session_label", observed=True)[["place", "correctness"]].mean()
        look = {"color": INK, "markersize": 4.5, "label": "mean of a session"}
        ax.plot(means["place"], means["correctness"], "D", **look)
        for label, (colour, dash) in zip(lines, LINES, strict=False):
            line = own.groupby("place")[label].mean()
            ax.plot(line.index, line, dash, color=colour, linewidth=2, label=label)
        if ticks:
            ax.set_xticks(range(len(ticks)), ticks, rotation=45 if crowded else 0)
    for ax in axes[-columns:]:  # the lowest of its column, where the last row is not full
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(xlabel)
    legend_below(figure, axes[0])
    return figure


def _places(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Numbers as they are; labels as 0, 1, 2 … in their own order, with the labels."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=float), []
    labels = values.astype("category").cat
    return labels.codes.to_numpy(dtype=float), [str(label) for label in labels.categories]


def intervals(table: pd.DataFrame, xlabel: str) -> Figure:
    """A point and its interval for each row of the table (columns estimate, low, high), the first on top."""
    figure, ax = canvas(xlabel, height=1.2 + 0.42 * len(table))
    places = np.arange(len(table))[::-1]
    ax.hlines(places, table["low"], table["high"], color=BLUE, linewidth=2.2)
    ax.plot(table["estimate"], places, "o", color=INK, markersize=6)
    ax.set_yticks(places, list(table.index))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.grid(visible=False, axis="y")
    return figure


def histograms(values: Mapping[str, Any], truth: Mapping[str, float], xlabel: str) -> Figure:
    """One histogram a panel, all on one scale, with a line at the true value and a dashed one at the mean.

    Both map a panel's title: `values` to numbers (n,), `truth` to the true value.
    """
    figure, axes = panels_of(list(truth), xlabel, "data sets", sharex=True, height=3.3)
    for ax, name in zip(axes, truth, strict=True):
        mean = np.mean(values[name])
        ax.hist(values[name], bins=40, color=BLUE, alpha=0.75)
        ax.axvline(truth[name], color=ORANGE, linewidth=2.2, label="truth")
        ax.axvline(mean, color=INK, linestyle="--", linewidth=1.4, label="mean of the estimates")
    legend_below(figure, axes[0])
    return figure


def rates(table: pd.DataFrame) -> Figure:
    """False alarms in 100 studies as labelled bars, one per row and column of the table, and the promised 5."""
    figure, ax = canvas("false alarms in 100 studies", height=1.5 + 0.45 * table.size)
    bars = table.stack()
    places = np.arange(len(bars))[::-1]
    for place, ((_, column), rate) in zip(places, bars.items(), strict=True):
        ax.barh(place, rate, color=PALETTE[table.columns.get_loc(column)], height=0.65)
        note(ax, f"{rate:.0f}", (max(rate, 100 * NOMINAL), place), (6, -4))
    ax.axvline(100 * NOMINAL, color=INK, linestyle="--")
    ax.set_yticks(places, [f"{row}: {column}" for row, column in bars.index])
    ax.set_xlim(0, 100)
    ax.grid(visible=False, axis="y")
    return figure


def sizes(table: pd.DataFrame, xlabel: str, top: float = 0.3) -> Figure:
    """Share of false positives by each rule, a line a column, against the numbers of the index.

    Labels stand at the lines' ends; a line that leaves at the `top` of the y axis is labelled there.
    """
    figure, ax = canvas(xlabel, "share of studies with p < 0.05", height=3.9)
    x = table.index.to_numpy(dtype=float)
    ends = table.iloc[-1].sort_values()
    # The labels' heights: moved up until they are a line apart, then all down, so that a crowd keeps its middle.
    gaps = 0.065 * top * np.arange(len(ends))
    apart = np.maximum.accumulate(ends.to_numpy() - gaps) + gaps
    heights = dict(zip(ends.index, apart - (apart - ends).mean(), strict=True))
    for k, (name, column) in enumerate(table.items()):
        colour, y = (BLUE, ORANGE, GREEN, INK)[k], column.to_numpy(dtype=float)
        ax.plot(x, y, marker=MARKERS[k], color=colour, markersize=5)
        place = (np.interp(top, y, x), 0.93 * top) if y[-1] > top else (x[-1], heights[name])
        note(ax, str(name), place, (8, 0), color=colour, va="center")
    ax.plot(x[[0, -1]], [NOMINAL] * 2, color=INK, linestyle="--", linewidth=1.2)
    ax.set_ylim(0, top)
    ax.set_xlim(x[0], x[-1] + 0.25 * (x[-1] - x[0]))
    ax.set_xticks(x[:: max(1, len(x) // 4)])
    return figure


def scatters(panels: Mapping[str, tuple[Any, Any]], xlabel: str, ylabel: str) -> Figure:
    """Residuals, or other points around zero, one panel a data set, all on the same axes.

    `panels` maps a panel's title to (x, y), numbers (rows,) each.
    """
    figure, axes = panels_of(list(panels), xlabel, ylabel, sharex=True, height=3.5)
    for ax, (x, y) in zip(axes, panels.values(), strict=True):
        ax.axhline(0, color=INK, linewidth=1)
        dots(ax, x, y, alpha=0.55, label="residuals")
    return figure


def quantiles(panels: Mapping[str, Any], ylabel: str) -> Figure:
    """QQ plots: sorted values against the quantiles that a normal curve would give them.

    `panels` maps a panel's title to numbers (m,), taken in units of their own SD around their own mean.
    """
    xlabel = "normal quantile (SDs)"
    figure, axes = panels_of(list(panels), xlabel, ylabel, sharex=True, height=3.8)
    for ax, given in zip(axes, panels.values(), strict=True):
        values = np.sort(np.asarray(given, dtype=float))
        x = stats.norm.ppf((np.arange(len(values)) + 0.5) / len(values))
        ax.plot(x, x, color=INK, linewidth=1)
        size = 3.2 if len(values) > 20 else 6
        scaled = (values - values.mean()) / values.std(ddof=1)
        ax.plot(x, scaled, "o", color=BLUE, markersize=size, label="this study")
    return figure
