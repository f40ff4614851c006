"""Drawings of a field record: who was there when, and each athlete's scores over what changed between sessions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.figures.drawings import legend_below, spread
from helpers.figures.style import BLUE, GREY, INK, ORANGE, canvas

MOST_ROWS = 40
MOST_PANELS = 12
LINES = ((BLUE, "-"), (ORANGE, "--"))


def attendance(
    table: pd.DataFrame,
    x: str = "session_label",
    xlabel: str = "session",
    show: str | None = None,
) -> Figure:
    """One row an athlete, one mark a session, with a number beside it; a gap is a session that is not there.

    Parameters
    ----------
    table : DataFrame
        athlete_id, session_label and the columns named here, one row a score.
    x : str
        Where a session is drawn: its day, its order, or its label.
    show : str, optional
        The column whose value stands beside a session; without it, the number of its scores.
    """
    sessions = table.groupby(["athlete_id", "session_label"], observed=True, sort=False)
    marks = sessions.agg(
        scores=("correctness", "size"), **({"shown": (show, "first")} if show else {})
    )
    marks["x"] = (
        sessions[[x]].first()[x] if x != "session_label" else marks.index.get_level_values(1)
    )
    marks = marks.reset_index()
    people = list(pd.unique(marks["athlete_id"]))[:MOST_ROWS]
    marks = marks[marks["athlete_id"].isin(people)]
    places, ticks = _places(marks["x"])
    figure, ax = canvas(xlabel, height=1.4 + 0.28 * max(len(people), 4))
    height = marks["athlete_id"].map({name: -k for k, name in enumerate(people)})
    for name in people:
        own = (marks["athlete_id"] == name).to_numpy()
        ax.plot(np.sort(places[own]), [height[own].iloc[0]] * own.sum(), color=GREY, linewidth=0.8)
    ax.plot(places, height, "o", color=BLUE, markersize=7)
    for place, level, value in zip(
        places, height, marks["shown" if show else "scores"], strict=True
    ):
        ax.annotate(
            _short(value),
            (place, level),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
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
    table: pd.DataFrame,
    x: str,
    xlabel: str,
    ylabel: str,
    lines: Mapping[str, pd.Series] = {},
) -> Figure:
    """One panel an athlete (the first twelve): single scores, session means, and lines of a model.

    Parameters
    ----------
    table : DataFrame
        athlete_id, session_label, correctness, and the column x (numbers or labels).
    lines : mapping of name to values, one a row of the table
        What a model says; at most two lines.
    """
    people = list(pd.unique(table["athlete_id"]))[:MOST_PANELS]
    columns = min(4, len(people))
    places, ticks = _places(table[x])
    rows = -(-len(people) // columns)
    crowded = len(ticks) * max(map(len, ticks), default=0) > 64 / columns
    figure, axes = canvas(
        xlabel,
        ylabel,
        rows=rows,
        columns=columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        height=0.9 + 1.75 * rows + 0.6 * crowded,
    )
    width = (
        0.3 * float(np.min(np.diff(np.unique(places)), initial=np.inf))
        if len(np.unique(places)) > 1
        else 0.3
    )
    for ax, name in zip(axes.flat, people, strict=False):
        own = (table["athlete_id"] == name).to_numpy()
        scores, at = table.loc[own, "correctness"].to_numpy(), places[own]
        ax.plot(
            at + spread(len(at), width), scores, "o", color=GREY, alpha=0.5, markersize=2.6, markeredgewidth=0,
            label="one score",
        )  # fmt: skip
        kept = table.loc[own, ["session_label"]].assign(at=at, score=scores)
        means = kept.groupby("session_label", observed=True)[["at", "score"]].mean()
        ax.plot(
            means["at"], means["score"], "D", color=INK, markersize=4.5, label="mean of a session"
        )
        for (label, values), (colour, dash) in zip(lines.items(), LINES, strict=False):
            line = pd.Series(np.asarray(values)[own]).groupby(at).mean()
            ax.plot(line.index, line, dash, color=colour, linewidth=2, label=label)
        ax.set_title(
            str(name) if len(str(name)) <= 20 else f"{str(name)[:19]}…",
            fontsize=10,
            fontweight="normal",
        )
        if ticks:
            ax.set_xticks(range(len(ticks)), ticks, rotation=45 if crowded else 0)
    for ax in list(axes.flat)[len(people) :]:
        ax.set_visible(False)
    for ax in list(axes.flat)[max(len(people) - columns, 0) : len(people)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(xlabel)
    legend_below(figure, axes[0][0])
    return figure


def _places(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Numbers as they are; labels as 0, 1, 2 … in their own order, with the labels."""
    if pd.api.types.is_numeric_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype):
        return values.to_numpy(dtype=float), []
    whole = values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")
    return whole.cat.codes.to_numpy(dtype=float), [str(label) for label in whole.cat.categories]


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
