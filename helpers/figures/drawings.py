"""The drawings that several lessons share: each takes data and a title, and gives a Figure for `show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.figures.style import BLUE, INK, MARKERS, ORANGE, PALETTE, canvas


def scores(table: pd.DataFrame, ylabel: str = "correctness score (0 to 1)") -> Figure:
    """Every score as a point, athletes side by side, sessions by colour and marker, with each cell's mean as a bar.

    Parameters
    ----------
    table : DataFrame with the seed's columns (athlete_id, session_label, correctness)
    """
    athletes = list(dict.fromkeys(table["athlete_id"]))
    sessions = list(dict.fromkeys(table["session_label"]))
    figure, ax = canvas("", ylabel)
    step = 0.8 / len(sessions)
    for j, session in enumerate(sessions):
        colour, marker = PALETTE[j % len(PALETTE)], MARKERS[j % len(MARKERS)]
        for i, athlete in enumerate(athletes):
            cell = table.loc[
                (table["athlete_id"] == athlete) & (table["session_label"] == session),
                "correctness",
            ]
            middle = i + (j - (len(sessions) - 1) / 2) * step
            x = middle + spread(len(cell), step * 0.7)
            ax.plot(
                x,
                cell,
                marker,
                color=colour,
                alpha=0.55,
                markersize=4,
                markeredgewidth=0,
                label=session if i == 0 else None,
            )
            ax.plot(
                [middle - step * 0.42, middle + step * 0.42],
                [cell.mean()] * 2,
                color=INK,
                linewidth=2.2,
                label="mean" if i == j == 0 else None,
            )
    ax.set_xticks(range(len(athletes)), athletes)
    ax.grid(visible=False, axis="x")
    legend_below(figure, ax)
    return figure


def histograms(
    values: Mapping[str, Any],
    truth: Mapping[str, float],
    xlabel: str = "",
    bins: int = 40,
    shared: bool = False,
) -> Figure:
    """One histogram a panel, with a line at the true value and a dashed one at the mean.

    Parameters
    ----------
    values : mapping of panel title to numbers (n,)
    truth : mapping of panel title to the true value
    shared : bool
        One scale for all panels, so that their widths compare.
    """
    figure, axes = canvas(
        xlabel,
        "data sets",
        columns=len(truth),
        squeeze=False,
        sharex=shared,
        sharey=shared,
        width=7.0,
        height=3.3,
    )
    for ax, (name, numbers) in zip(axes[0], values.items(), strict=False):
        ax.hist(numbers, bins=bins, color=BLUE, alpha=0.75)
        ax.axvline(truth[name], color=ORANGE, linewidth=2.2, label="truth")
        ax.axvline(
            np.mean(numbers),
            color=INK,
            linestyle="--",
            linewidth=1.4,
            label="mean of the estimates",
        )
        ax.set_title(name, fontsize=10, fontweight="normal")
    legend_below(figure, axes[0][0])
    return figure


def curve(
    x: Any,
    y: Any,
    xlabel: str,
    ylabel: str,
    points: Mapping[str, tuple[float, float]] = {},
) -> Figure:
    """A line, and named points on it.

    Parameters
    ----------
    x, y : numbers (n,)
    points : mapping of label to (x, y)
    """
    figure, ax = canvas(xlabel, ylabel)
    ax.plot(x, y, color=BLUE)
    for k, (name, (px, py)) in enumerate(points.items()):
        ax.plot(px, py, MARKERS[k], color=PALETTE[(k + 1) % len(PALETTE)], markersize=9)
        ax.annotate(name, (px, py), xytext=(8, -18), textcoords="offset points")
    return figure


def intervals(table: pd.DataFrame, xlabel: str) -> Figure:
    """One row an estimate: a point and its interval, the first row on top.

    Parameters
    ----------
    table : DataFrame, index = labels, columns estimate, low, high
    """
    figure, ax = canvas(xlabel, "", height=1.2 + 0.42 * len(table))
    places = np.arange(len(table))[::-1]
    ax.hlines(places, table["low"], table["high"], color=BLUE, linewidth=2.2)
    ax.plot(table["estimate"], places, "o", color=INK, markersize=6)
    ax.set_yticks(places, list(table.index))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.grid(visible=False, axis="y")
    return figure


def spread(n: int, width: float) -> np.ndarray:
    """n side steps within ±width/2 that keep points apart without a random draw (a low-discrepancy sequence)."""
    return (((np.arange(1, n + 1) * 0.6180339887498949) % 1) - 0.5) * width


def legend_below(figure: Figure, ax: Any) -> None:
    """One legend for the figure, under it, in one row."""
    handles, labels = ax.get_legend_handles_labels()
    labels, handles = zip(
        *sorted(zip(labels, handles, strict=True), key=lambda pair: pair[0] == "mean"), strict=True
    )
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)


def terms(table: pd.DataFrame, steps: Mapping[str, Any]) -> Figure:
    """The same scores in one panel a step, in row order, with the line that each step of an equation draws.

    Parameters
    ----------
    table : DataFrame with the seed's columns
    steps : mapping of panel title to what is explained (rows,)
    """
    figure, axes = canvas("", "score", columns=len(steps), sharey=True, squeeze=False, height=3.2)
    place = np.arange(len(table))
    names = list(dict.fromkeys(table["athlete_id"]))
    middles = [place[table["athlete_id"] == name].mean() for name in names]
    for ax, (name, explained) in zip(axes[0], steps.items(), strict=True):
        ax.plot(
            place,
            table["correctness"],
            "o",
            color=BLUE,
            alpha=0.5,
            markersize=2.8,
            markeredgewidth=0,
            label="scores",
        )
        ax.plot(place, explained, color=ORANGE, linewidth=2, label="what the equation says")
        ax.set_title(name, fontsize=10, fontweight="normal")
        ax.set_xticks(middles, [n.split("_")[0] for n in names])
        ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0][0])
    return figure


def pooling(table: pd.DataFrame) -> Figure:
    """Own mean and prediction of each athlete, joined by a line, around the average of all.

    Parameters
    ----------
    table : DataFrame, index = athletes, columns scores, "no pooling", partial (deviations from the average athlete)
    """
    figure, ax = canvas("deviation from the average athlete (points)", "", height=2.9)
    places = np.arange(len(table))[::-1]
    ax.axvline(0, color=INK, linewidth=1, label="complete pooling")
    ax.hlines(places, table["no pooling"], table["partial"], color="#999999")
    ax.plot(
        table["no pooling"], places, "o", color=BLUE, markersize=8, label="no pooling: own mean"
    )
    ax.plot(
        table["partial"],
        places,
        "D",
        color=ORANGE,
        markersize=7,
        label="partial pooling: the model",
    )
    ax.set_yticks(
        places,
        [
            f"{name} ({row.scores} scores)"
            for name, row in zip(table.index, table.itertuples(), strict=True)
        ],
    )
    ax.grid(visible=False, axis="y")
    legend_below(figure, ax)
    return figure


def rates(table: pd.DataFrame, nominal: float = 0.05) -> Figure:
    """Rejection rates as labelled bars, one group a row of the table, one colour a column, and the promised rate.

    Parameters
    ----------
    table : DataFrame of rates from 0 to 1
    nominal : float
        Where the dashed line stands.
    """
    figure, ax = canvas("share of studies with p < .05", "", height=1.5 + 0.45 * table.size)
    rows = [(row, column) for row in table.index for column in table.columns]
    places = np.arange(len(rows))[::-1]
    colours = dict(zip(table.columns, PALETTE, strict=False))
    for place, (row, column) in zip(places, rows, strict=True):
        rate = table.loc[row, column]
        ax.barh(place, rate, color=colours[column], height=0.65)
        ax.annotate(
            f"{rate:.3f}", (max(rate, nominal), place), xytext=(6, -4), textcoords="offset points"
        )
    ax.axvline(nominal, color=INK, linestyle="--")
    ax.set_yticks(places, [f"{row}: {column}" for row, column in rows])
    ax.set_xlim(0, 1)
    ax.grid(visible=False, axis="y")
    return figure
