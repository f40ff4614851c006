"""What the reader sees drawn: one style, one way to show a figure, and the drawings of the lessons."""

from helpers.figures.athletes import changes
from helpers.figures.diagnostics import quantiles, scatters
from helpers.figures.display import show
from helpers.figures.drawings import curve, histograms, intervals, pooling, rates, scores, terms
from helpers.figures.lines import own_lines, within_between
from helpers.figures.rejections import sizes, tails
from helpers.figures.sessions import attendance, panels
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
    "curve",
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
