"""One look for all figures: colour-blind-safe, readable in grey, text at handout size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito (2008), darkest first: each keeps its own grey when printed without colour.
INK, BLUE, ORANGE, GREEN = "#222222", "#0072B2", "#D55E00", "#009E73"
PINK, SKY, GREY = "#CC79A7", "#56B4E9", "#8A8A8A"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, INK)
MARKERS = ("o", "s", "^", "D", "v", "P")

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "axes.prop_cycle": mpl.cycler(color=list(PALETTE)),
}

SCORE = "correctness score (0 to 1)"
TITLE = {"fontsize": 10, "fontweight": "normal"}  # of a panel, under the figure's own


def canvas(
    xlabel: str = "",
    ylabel: str = "",
    rows: int = 1,
    columns: int = 1,
    height: float = 3.6,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """An empty figure in the course's style; `show` writes its title.

    Labels, with units, stand at the bottom and the left axes of a grid of rows × columns. The figure is 7 inches wide
    and `height` inches high; an inch is 100 display pixels. `subplots` goes to matplotlib's `Figure.subplots`, which
    makes the Axes.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.0, height), dpi=100, layout="constrained")
        axes = figure.subplots(rows, columns, **subplots)
    grid = np.reshape(axes, (rows, columns))
    for ax in grid[-1]:
        ax.set_xlabel(xlabel)
    for ax in grid[:, 0]:
        ax.set_ylabel(ylabel)
    return figure, axes


def panels_of(
    names: Sequence[str], xlabel: str, ylabel: str, columns: int = 0, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A panel under each name, `columns` beside each other (all, where left out), with one scale for y."""
    columns = columns or len(names)
    rows = -(-len(names) // columns)
    figure, axes = canvas(xlabel, ylabel, rows, columns, squeeze=False, sharey=True, **options)
    for ax, name in zip(axes.flat, names, strict=False):
        ax.set_title(name, **TITLE)
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    return figure, list(axes.flat[: len(names)])


def dots(ax: Axes, x: Any, y: Any, k: int = 0, **look: Any) -> None:
    """Small points without edges, in the k-th colour and marker."""
    plain = {"color": PALETTE[k % 6], "alpha": 0.5, "markersize": 4, "markeredgewidth": 0}
    ax.plot(x, y, MARKERS[k % 6], **(plain | look))


def spread(n: int, width: float) -> np.ndarray:
    """n side steps within ±width/2 that keep points apart without a random draw (a low-discrepancy sequence)."""
    return (((np.arange(1, n + 1) * 0.6180339887498949) % 1) - 0.5) * width


def note(ax: Axes, text: str, place: Any, step: tuple[float, float], **look: Any) -> None:
    """A text beside a place, so many points to the right and up."""
    ax.annotate(text, place, xytext=step, textcoords="offset points", **look)


def legend_below(figure: Figure, ax: Axes) -> None:
    """One legend for the figure, under it, in one row; means come last."""
    entries = zip(*ax.get_legend_handles_labels(), strict=True)
    handles, labels = zip(*sorted(entries, key=lambda entry: entry[1] == "mean"), strict=True)
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
