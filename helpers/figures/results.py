"""Drawings of estimates and tests: intervals, spreads over many studies, rates of rejection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from helpers.figures.style import (
    BLUE,
    GREEN,
    INK,
    MARKERS,
    ORANGE,
    PALETTE,
    canvas,
    legend_below,
    note,
    panels_of,
)

NOMINAL = 0.05
"""The rate of false positives that a test promises; a line stands there."""


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
    """Rejection rates as labelled bars, one group a row of the table, one colour a column, and the promised rate."""
    figure, ax = canvas("share of studies with p < .05", height=1.5 + 0.45 * table.size)
    bars = table.stack()
    places = np.arange(len(bars))[::-1]
    for place, ((_, column), rate) in zip(places, bars.items(), strict=True):
        ax.barh(place, rate, color=PALETTE[table.columns.get_loc(column)], height=0.65)
        note(ax, f"{rate:.3f}", (max(rate, NOMINAL), place), (6, -4))
    ax.axvline(NOMINAL, color=INK, linestyle="--")
    ax.set_yticks(places, [f"{row}: {column}" for row, column in bars.index])
    ax.set_xlim(0, 1)
    ax.grid(visible=False, axis="y")
    return figure


def sizes(table: pd.DataFrame, xlabel: str, top: float = 0.3) -> Figure:
    """Share of false positives by each rule, a line a column, against the numbers of the index.

    Labels stand at the lines' ends; a line that leaves at the `top` of the y axis is labelled there.
    """
    figure, ax = canvas(xlabel, "share of studies with p < .05", height=3.9)
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


def tails(
    ratios: Mapping[str, Any], curves: Mapping[str, Mapping[str, Sequence[tuple[float, int]]]]
) -> Figure:
    """How often a likelihood ratio is at least so large when nothing is there: simulated, and by χ² curves.

    A test rejects beyond the place where its curve crosses the line at .05. By panel title, `ratios` holds what was
    simulated, (n,), and `curves` the mixtures of χ² distributions by label, each ((weight, df), …), where df 0 stands
    for a ratio of zero.
    """
    ylabel = "share of studies with a larger ratio"
    figure, axes = panels_of(list(ratios), "likelihood ratio (LR)", ylabel, height=3.9)
    grid = np.linspace(0.02, 8, 400)
    looks = [(ORANGE, ":"), (GREEN, "--"), (INK, "-.")]
    for ax, (name, values) in zip(axes, ratios.items(), strict=True):
        for (label, mixture), (colour, dash) in zip(curves[name].items(), looks, strict=False):
            share = sum(weight * stats.chi2.sf(grid, df) for weight, df in mixture if df)
            ax.plot(grid, share, color=colour, linestyle=dash, linewidth=2, label=label)
        beyond = 1 - np.searchsorted(np.sort(values), grid) / len(values)
        ax.plot(grid, beyond, color=BLUE, linewidth=2.2, label="simulated")
        ax.axhline(NOMINAL, color=INK, linewidth=1)
        ax.set_yscale("log")
        ax.set_ylim(0.005, 1)
        ax.set_yticks([0.01, 0.05, 0.2, 0.5, 1], [".01", ".05", ".2", ".5", "1"])
        ax.minorticks_off()
    legend_below(figure, axes[0])
    return figure
