"""One look for all figures: colour-blind-safe, readable in grey, text at handout size."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito (2008), darkest first: each keeps its own grey when printed without colour.
INK, BLUE, ORANGE, GREEN, PINK, SKY, GREY = (
    "#222222",
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#8A8A8A",
)
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
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.prop_cycle": mpl.cycler(color=list(PALETTE)),
}


def canvas(
    xlabel: str = "",
    ylabel: str = "",
    rows: int = 1,
    columns: int = 1,
    height: float = 3.6,
    width: float = 7.0,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """An empty figure in the course's style; `show` writes its title.

    Parameters
    ----------
    xlabel, ylabel : str
        Labels with units, for the bottom and the left axes.
    rows, columns : int
        Grid of axes.
    height, width : float
        Inches (100 display pixels each).
    **subplots
        Passed to `matplotlib.figure.Figure.subplots` (`sharex`, `sharey`, `width_ratios` …).

    Returns
    -------
    figure, axes : Figure, and one Axes or an array of them as `Figure.subplots` gives.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        axes = figure.subplots(rows, columns, **subplots)
        grid = [axes] if isinstance(axes, Axes) else list(axes.flat)
        for i, ax in enumerate(grid):
            # An axes that carries its tick labels also carries the axis label.
            if i >= (rows - 1) * columns:
                ax.set_xlabel(xlabel)
            if i % columns == 0:
                ax.set_ylabel(ylabel)
    return figure, axes
