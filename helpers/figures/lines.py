"""Drawings of lines: one a person, and how they lie to each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.figures.drawings import legend_below
from helpers.figures.style import BLUE, GREY, INK, ORANGE, canvas


def own_lines(
    panels: Mapping[str, pd.DataFrame],
    xlabel: str,
    ylabel: str,
    points: pd.DataFrame | None = None,
    ticks: Mapping[float, str] | None = None,
    spreads: Mapping[float, float] | None = None,
) -> Figure:
    """A thin line a person and a thick one for their average, in one panel a model.

    Parameters
    ----------
    panels : mapping of panel title to a table of what a model says: persons (rows) × places on the x axis (columns)
    points : DataFrame of the same shape, optional
        What was measured.
    ticks : mapping of place to label, optional
    spreads : mapping of place to SD, optional
        A bar of one SD up and one down from the average there.
    """
    tall = 4.4 if len(panels) > 1 else 4.0
    figure, axes = canvas(
        xlabel, ylabel, columns=len(panels), sharey=True, squeeze=False, height=tall
    )
    for ax, (name, table) in zip(axes[0], panels.items(), strict=True):
        places = table.columns.to_numpy(dtype=float)
        for k, line in enumerate(table.to_numpy()):
            ax.plot(
                places,
                line,
                color=BLUE,
                linewidth=1,
                alpha=0.75,
                label="the model, one person" if k == 0 else None,
            )
        if points is not None:
            for k, own in enumerate(points.to_numpy()):
                label = "own means" if k == 0 else None
                ax.plot(places, own, ":o", color=GREY, markersize=4.5, linewidth=1.3, label=label)
        average = table.mean()
        ax.plot(places, average, color=ORANGE, linewidth=3, label="the model, average")
        for place, sd in (spreads or {}).items():
            middle = float(np.interp(place, places, average))
            ax.errorbar(
                place, middle, yerr=sd, color=INK, linewidth=2.4, capsize=6, capthick=2.4, zorder=5
            )
            side = 1 if place < places.mean() else -1
            ax.annotate(
                f"SD {sd:.1f}",
                (place, middle + sd),
                xytext=(10 * side, 6),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )
        ax.set_title(name, fontsize=10, fontweight="normal")
        if ticks:
            ax.set_xticks(list(ticks), list(ticks.values()))
            ax.margins(x=0.22)
            ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0][0])
    return figure


def within_between(
    table: pd.DataFrame,
    columns: tuple[str, str, str],
    within: float,
    between: float,
    labels: tuple[str, str],
) -> Figure:
    """Each person's scores with the slope within persons through them, and the slope between the persons' means.

    Parameters
    ----------
    table : DataFrame
    columns : names of the columns person, x, y
    within, between : float
        The two slopes.
    labels : labels of the x and the y axis
    """
    person, x, y = columns
    figure, ax = canvas(*labels)
    ax.plot(
        table[x],
        table[y],
        "o",
        color=BLUE,
        alpha=0.35,
        markersize=3.5,
        markeredgewidth=0,
        label="one score",
    )
    means = table.groupby(person)[[x, y]].mean()
    reach = table.groupby(person)[x].agg(["min", "max"])
    for k, name in enumerate(means.index):
        ends = reach.loc[name].to_numpy()
        heights = means.loc[name, y] + within * (ends - means.loc[name, x])
        ax.plot(
            ends, heights, color=BLUE, linewidth=1.2, label="within a person" if k == 0 else None
        )
    ax.plot(means[x], means[y], "D", color=INK, markersize=5, label="a person's mean")
    ends = np.array([means[x].min(), means[x].max()])
    heights = means[y].mean() + between * (ends - means[x].mean())
    ax.plot(ends, heights, color=ORANGE, linewidth=3, linestyle="--", label="between persons")
    legend_below(figure, ax)
    return figure
