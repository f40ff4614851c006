"""Drawings of athletes: their scores, who was there when, and what a model makes of each.

A table of scores has one row a score and the columns athlete_id, session_label and correctness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SCORE,
    canvas,
    dots,
    legend_below,
    note,
    panels_of,
    spread,
)

MOST_ROWS = 40  # athletes in an attendance sheet
MOST_PANELS = 12
LINES = ((BLUE, "-"), (ORANGE, "--"))


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


def scores(table: pd.DataFrame) -> Figure:
    """Every score as a point, athletes side by side, sessions by colour and marker, with each cell's mean as a bar."""
    cells = dict(list(table.groupby(["athlete_id", "session_label"])["correctness"]))
    athletes, sessions = pd.unique(table["athlete_id"]), pd.unique(table["session_label"])
    step = 0.8 / len(sessions)
    figure, ax = canvas("", SCORE)
    for j, session in enumerate(sessions):
        for i, athlete in enumerate(athletes):
            cell, first = cells[athlete, session], i == 0
            middle = i + (j - (len(sessions) - 1) / 2) * step
            x = middle + spread(len(cell), step * 0.7)
            dots(ax, x, cell, j, alpha=0.55, label=session if first else None)
            ends = [middle - step * 0.42, middle + step * 0.42]
            label = "mean" if first and j == 0 else None
            ax.plot(ends, [cell.mean()] * 2, color=INK, linewidth=2.2, label=label)
    ax.set_xticks(range(len(athletes)), athletes)
    ax.grid(visible=False, axis="x")
    legend_below(figure, ax)
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
    ticks: Mapping[float, str] | None = None,
    spreads: Mapping[float, float] | None = None,
) -> Figure:
    """A thin line a person and a thick one for their average, in one panel a model.

    `panels` maps a panel's title to what a model says, persons (rows) × places on the x axis (columns); `points`, of
    the same shape, holds what was measured. `ticks` maps places to labels. `spreads` maps places to the SD that a bar
    shows there, up and down from the average.
    """
    figure, axes = panels_of(list(panels), xlabel, ylabel, height=4.4 if len(panels) > 1 else 4.0)
    for ax, table in zip(axes, panels.values(), strict=True):
        places = table.columns.to_numpy(dtype=float)
        for k, line in enumerate(table.to_numpy()):
            label = "the model, one person" if k == 0 else None
            ax.plot(places, line, color=BLUE, linewidth=1, alpha=0.75, label=label)
        for k, own in enumerate([] if points is None else points.to_numpy()):
            label = "own means" if k == 0 else None
            ax.plot(places, own, ":o", color=GREY, markersize=4.5, linewidth=1.3, label=label)
        average = table.mean()
        ax.plot(places, average, color=ORANGE, linewidth=3, label="the model, average")
        for place, sd in (spreads or {}).items():
            middle = float(np.interp(place, places, average))
            bar = {"color": INK, "linewidth": 2.4, "capsize": 6, "capthick": 2.4, "zorder": 5}
            ax.errorbar(place, middle, yerr=sd, **bar)
            left = place >= places.mean()
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}
            look = {"ha": "right" if left else "left", "fontweight": "bold", "bbox": box}
            note(ax, f"SD {sd:.1f}", (place, middle + sd), (-10 if left else 10, 6), **look)
        if ticks:
            ax.set_xticks(list(ticks), list(ticks.values()))
            ax.margins(x=0.22)
            ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0])
    return figure


def within_between(
    table: pd.DataFrame,
    columns: tuple[str, str, str],
    within: float,
    between: float,
    labels: tuple[str, str],
) -> Figure:
    """Each person's scores with the slope within persons through them, and the slope between the persons' means.

    `columns` names those of person, x and y; `labels` are those of the x and the y axis.
    """
    person, x, y = columns
    figure, ax = canvas(*labels)
    dots(ax, table[x], table[y], alpha=0.35, markersize=3.5, label="one score")
    means = table.groupby(person)[[x, y]].mean()
    for k, (name, own) in enumerate(table.groupby(person)[x]):
        ends = np.array([own.min(), own.max()])
        heights = means.loc[name, y] + within * (ends - means.loc[name, x])
        label = "within a person" if k == 0 else None
        ax.plot(ends, heights, color=BLUE, linewidth=1.2, label=label)
    ax.plot(means[x], means[y], "D", color=INK, markersize=5, label="a person's mean")
    ends = np.array([means[x].min(), means[x].max()])
    heights = means[y].mean() + between * (ends - means[x].mean())
    ax.plot(ends, heights, "--", color=ORANGE, linewidth=3, label="between persons")
    legend_below(figure, ax)
    return figure


def attendance(table: pd.DataFrame, x: str, xlabel: str, show: str | None = None) -> Figure:
    """One row an athlete, one mark a session, with a number beside it; a gap is a session that is not there.

    `x` names the column of a session's place: its day, its order, or its label; `show` that of the number, which is
    the count of the session's scores where it is left out.
    """
    people = list(pd.unique(table["athlete_id"]))[:MOST_ROWS]
    kept = table[table["athlete_id"].isin(people)]
    place, ticks = _places(kept[x])
    session = ["athlete_id", "session_label"]
    sessions = kept.assign(place=place).groupby(session, observed=True, sort=False)
    numbers = sessions[show].first() if show else sessions.size()
    places = sessions["place"].first()
    heights = -pd.Categorical(places.index.get_level_values(0), people).codes.astype(int)
    figure, ax = canvas(xlabel, height=1.4 + 0.28 * max(len(people), 4))
    for level in range(len(people)):
        own = np.sort(places[heights == -level])
        ax.plot(own, np.full(len(own), -level), color=GREY, linewidth=0.8)
    ax.plot(places, heights, "o", color=BLUE, markersize=7)
    for at, number in zip(zip(places, heights, strict=True), numbers, strict=True):
        text = f"{number:g}" if isinstance(number, int | float | np.number) else str(number)
        note(ax, text, at, (0, 5), ha="center", fontsize=8)
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
    names = [name if len(name) <= 20 else f"{name[:19]}…" for name in map(str, people)]
    height = 0.9 + 1.75 * rows + 0.6 * crowded
    figure, axes = panels_of(names, xlabel, ylabel, columns, sharex=True, height=height)
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
