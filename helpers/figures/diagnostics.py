"""Drawings that check a model: residuals against anything, and quantiles against those of the normal curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from helpers.figures.drawings import legend_below, spread
from helpers.figures.style import BLUE, GREY, INK, MARKERS, ORANGE, PALETTE, canvas


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
    straight : bool
        Draw the least-squares line through the points of each panel.
    bound : float, optional
        The end of the scale, where x is a fitted value: the dashed line shows where residuals would pass it.
    names : mapping of label to (x, y)
        Points to be named in the last panel.
    groups : mapping of label to bools (rows,)
        Which rows are drawn alike, in every panel; all of them when left out.
    apart : float
        Points of the same x are spread sideways over this width, so that they can be told apart.
    """
    figure, axes = canvas(
        xlabel,
        ylabel,
        columns=len(panels),
        sharex=True,
        sharey=True,
        squeeze=False,
        height=3.5,
    )
    for ax, (name, (x, y)) in zip(axes[0], panels.items(), strict=True):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        places = x + _sideways(x, apart)
        ax.axhline(0, color=INK, linewidth=1)
        for k, (label, chosen) in enumerate(
            (groups or {"residuals": np.full(len(x), True)}).items()
        ):
            ax.plot(
                places[chosen],
                y[chosen],
                MARKERS[k],
                color=PALETTE[k],
                alpha=0.55,
                markersize=4 if len(x) > 50 else 6,
                markeredgewidth=0,
                label=label,
            )
        ends = np.array([x.min(), x.max()])
        if straight:
            slope, height = np.polyfit(x, y, 1)
            ax.plot(
                ends,
                slope * ends + height,
                color=ORANGE,
                linewidth=2.2,
                label="straight line through them",
            )
        if bound is not None:
            ax.plot(
                ends,
                bound - ends,
                "--",
                color=INK,
                linewidth=1.4,
                label=f"where a score would pass {bound:g}",
            )
        if len(panels) > 1:
            ax.set_title(name, fontsize=10, fontweight="normal")
    for label, (px, py) in names.items():
        axes[0][-1].margins(0.08)
        axes[0][-1].annotate(label, (px, py), xytext=(6, 5), textcoords="offset points")
    if straight or groups or bound is not None:
        legend_below(figure, axes[0][0])
    return figure


def quantiles(
    panels: Mapping[str, Any],
    ylabel: str,
    sound: Any = None,
    columns: int = 3,
) -> Figure:
    """QQ plots: sorted values against the quantiles that a normal curve would give them.

    Parameters
    ----------
    panels : mapping of panel title to numbers (m,)
        Each panel's values are taken in units of their own SD, around their own mean.
    sound : numbers (n, m), optional
        Values of n sound data sets, in the same units: the band holds the middle 95 % at each place.
    columns : int
        Panels beside each other.
    """
    rows = -(-len(panels) // columns)
    figure, axes = canvas(
        "normal quantile (SDs)",
        ylabel,
        rows=rows,
        columns=columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        height=1.2 + (1.75 if rows > 1 else 2.6) * rows,
    )
    for ax, (name, values) in zip(axes.flat, panels.items(), strict=False):
        values = np.sort(np.asarray(values, dtype=float))
        x = normal_quantiles(len(values))
        if sound is not None:
            low, high = np.quantile(np.sort(sound, axis=1), [0.025, 0.975], axis=0)
            ax.fill_between(
                x, low, high, color=GREY, alpha=0.35, linewidth=0, label="95 % of sound studies"
            )
        ax.plot(x, x, color=INK, linewidth=1)
        ax.plot(
            x,
            (values - values.mean()) / values.std(ddof=1),
            "o",
            color=BLUE,
            markersize=3.2 if len(values) > 20 else 6,
            label="this study",
        )
        ax.set_title(name, fontsize=10, fontweight="normal")
    if sound is not None:
        legend_below(figure, axes[0][0])
    return figure


def normal_quantiles(m: int) -> np.ndarray:
    """Where m sorted draws from a normal curve are expected, roughly: Φ⁻¹((k − ½)/m), k = 1 … m."""
    return np.asarray(stats.norm.ppf((np.arange(m) + 0.5) / m))


def _sideways(x: np.ndarray, width: float) -> np.ndarray:
    """Steps that keep points of the same x apart."""
    steps = np.zeros(len(x))
    for value in np.unique(x) if width else ():
        steps[x == value] = spread(int(np.sum(x == value)), width)
    return steps
