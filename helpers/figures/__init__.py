"""What the reader sees drawn: one style, one way to show a figure, and the drawings of the lessons."""

from helpers.figures.athletes import (
    attendance,
    changes,
    own_lines,
    panels,
    pooling,
    scores,
    terms,
    within_between,
)
from helpers.figures.diagnostics import quantiles, scatters
from helpers.figures.display import show
from helpers.figures.results import histograms, intervals, rates, sizes, tails
from helpers.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PALETTE, canvas

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PALETTE",
    "attendance",
    "canvas",
    "changes",
    "histograms",
    "intervals",
    "own_lines",
    "panels",
    "pooling",
    "quantiles",
    "rates",
    "scatters",
    "scores",
    "show",
    "sizes",
    "tails",
    "terms",
    "within_between",
]
