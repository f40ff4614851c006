"""Drawings about tests: how often chance alone goes how far, and how often a rule rejects what is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from helpers.figures.drawings import legend_below
from helpers.figures.style import BLUE, GREEN, INK, MARKERS, ORANGE, canvas

Mixture = Sequence[tuple[float, int]]


def tails(
    ratios: Mapping[str, Any],
    curves: Mapping[str, Mapping[str, Mixture]],
    nominal: float = 0.05,
) -> Figure:
    """How often a likelihood ratio is at least so large when nothing is there: simulated, and by χ² curves.

    Parameters
    ----------
    ratios : mapping of panel title to simulated ratios (n,)
    curves : mapping of panel title to mapping of label to ((weight, df), …), the χ² distributions mixed; df 0 stands
        for a ratio of zero
    nominal : float
        Where the dashed line stands; a test rejects beyond the place where its curve crosses it.
    """
    figure, axes = canvas(
        "likelihood ratio (LR)",
        "share of studies with a larger ratio",
        columns=len(ratios),
        squeeze=False,
        sharey=True,
        height=3.9,
    )
    grid = np.linspace(0.02, 8, 400)
    looks = [(ORANGE, ":"), (GREEN, "--"), (INK, "-.")]
    for ax, (name, values) in zip(axes[0], ratios.items(), strict=True):
        for (label, mixture), (colour, dash) in zip(curves[name].items(), looks, strict=False):
            share = sum(weight * stats.chi2.sf(grid, df) for weight, df in mixture if df)
            ax.plot(grid, share, color=colour, linestyle=dash, linewidth=2, label=label)
        beyond = 1 - np.searchsorted(np.sort(values), grid) / len(values)
        ax.plot(grid, beyond, color=BLUE, linewidth=2.2, label="simulated")
        ax.axhline(nominal, color=INK, linewidth=1)
        ax.set_yscale("log")
        ax.set_ylim(0.005, 1)
        ax.set_yticks([0.01, 0.05, 0.2, 0.5, 1], [".01", ".05", ".2", ".5", "1"])
        ax.minorticks_off()
        ax.set_title(name, fontsize=10, fontweight="normal")
    legend_below(figure, axes[0][0])
    return figure


def sizes(table: pd.DataFrame, xlabel: str, top: float = 0.3, nominal: float = 0.05) -> Figure:
    """Share of false positives by each rule, a line a column, against what the index holds; labels at the lines' ends.

    Parameters
    ----------
    table : DataFrame of rates, index = numbers for the x axis
    top : float
        Upper end of the y axis; a line that leaves is labelled where it does.
    """
    figure, ax = canvas(xlabel, "share of studies with p < .05", height=3.9)
    x = table.index.to_numpy(dtype=float)
    ends = table.iloc[-1].sort_values()
    heights = dict(zip(ends.index, _apart(ends.to_numpy(dtype=float), 0.065 * top), strict=True))
    for k, (name, rates) in enumerate(table.items()):
        colour = (BLUE, ORANGE, GREEN, INK)[k % 4]
        y = rates.to_numpy(dtype=float)
        ax.plot(x, y, marker=MARKERS[k % len(MARKERS)], color=colour, markersize=5)
        leaves = y[-1] > top
        place = (float(np.interp(top, y, x)), 0.93 * top) if leaves else (x[-1], heights[name])
        ax.annotate(
            str(name), place, xytext=(8, 0), textcoords="offset points", color=colour, va="center"
        )
    ax.plot(x[[0, -1]], [nominal] * 2, color=INK, linestyle="--", linewidth=1.2)
    ax.set_ylim(0, top)
    ax.set_xlim(x[0], x[-1] + 0.25 * (x[-1] - x[0]))
    ax.set_xticks(x[:: max(1, len(x) // 4)])
    return figure


def _apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """Ascending heights (n,) moved as little as keeps them `gap` apart, the middle of a crowd staying where it is."""
    placed = heights.copy()
    for _ in range(100):
        short = gap - np.diff(placed)
        if not (short > 1e-9).any():
            break
        push = np.maximum(short, 0) / 2
        placed[:-1] -= push
        placed[1:] += push
    return placed
