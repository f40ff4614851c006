"""Drawings that check a model: residuals against anything, and quantiles against those of the normal curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from helpers.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    dots,
    legend_below,
    note,
    panels_of,
    spread,
)


def scatters(
    panels: Mapping[str, tuple[Any, Any]],
    xlabel: str,
    ylabel: str,
    straight: bool = False,
    bound: float | None = None,
    names: Mapping[str, tuple[float, float]] = {},
    groups: Mapping[str, Any] = {},
    apart: float = 0.0,
) -> Figure:
    """Residuals, or other points around zero, one panel a data set, all on the same axes.

    Parameters
    ----------
    panels : mapping of panel title to (x, y), numbers (rows,) each
    straight : draw the least-squares line through the points of each panel
    bound : end of the scale, where x is a fitted value: a dashed line shows where residuals would pass it
    names : mapping of label to (x, y), points to be named in the last panel
    groups : mapping of label to bools (rows,), which rows are drawn alike, in every panel; all when left out
    apart : width over which points of the same x are spread sideways, so that they can be told apart
    """
    figure, axes = panels_of(list(panels), xlabel, ylabel, sharex=True, height=3.5)
    for ax, (x, y) in zip(axes, panels.values(), strict=True):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        ends, places = np.array([x.min(), x.max()]), x.copy()
        for value in np.unique(x) if apart else ():
            places[x == value] += spread(np.sum(x == value), apart)
        ax.axhline(0, color=INK, linewidth=1)
        for k, (label, rows) in enumerate((groups or {"residuals": slice(None)}).items()):
            size = 4 if len(x) > 50 else 6
            dots(ax, places[rows], y[rows], k, alpha=0.55, markersize=size, label=label)
        if straight:
            line = np.polyval(np.polyfit(x, y, 1), ends)
            ax.plot(ends, line, color=ORANGE, linewidth=2.2, label="straight line through them")
        if bound is not None:
            label = f"where a score would pass {bound:g}"
            ax.plot(ends, bound - ends, "--", color=INK, linewidth=1.4, label=label)
    for label, place in names.items():
        axes[-1].margins(0.08)
        note(axes[-1], label, place, (6, 5))
    if straight or groups or bound is not None:
        legend_below(figure, axes[0])
    return figure


def quantiles(panels: Mapping[str, Any], ylabel: str, sound: Any = None) -> Figure:
    """QQ plots: sorted values against the quantiles that a normal curve would give them.

    `panels` maps a panel's title to numbers (m,), taken in units of their own SD around their own mean. `sound` holds
    those of n sound data sets, (n, m), in the same units: a band shows the middle 95 % at each place.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    height = 1.2 + (1.75 if rows > 1 else 2.6) * rows
    figure, axes = panels_of(
        list(panels), "normal quantile (SDs)", ylabel, columns, sharex=True, height=height
    )
    for ax, given in zip(axes, panels.values(), strict=True):
        values = np.sort(np.asarray(given, dtype=float))
        x = stats.norm.ppf((np.arange(len(values)) + 0.5) / len(values))
        if sound is not None:
            low, high = np.quantile(np.sort(sound, axis=1), [0.025, 0.975], axis=0)
            band = {"color": GREY, "alpha": 0.35, "linewidth": 0}
            ax.fill_between(x, low, high, label="95 % of sound studies", **band)
        ax.plot(x, x, color=INK, linewidth=1)
        size = 3.2 if len(values) > 20 else 6
        scaled = (values - values.mean()) / values.std(ddof=1)
        ax.plot(x, scaled, "o", color=BLUE, markersize=size, label="this study")
    if sound is not None:
        legend_below(figure, axes[0])
    return figure
