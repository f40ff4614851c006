"""Figures that answer to sliders: live in Jupyter, a still figure with the same message everywhere else.

Each explorable offers three things at once: a live widget view (controls and a picture that observers redraw), the
still figure with its alt text, and a sentence of plain text. `course.py run` strips the widget from what is stored.
"""

from helpers.explorables.errors import false_positives
from helpers.explorables.models import equation_terms, own_slopes, shrinkage
from helpers.explorables.plans import power_map

__all__ = [
    "equation_terms",
    "false_positives",
    "own_slopes",
    "power_map",
    "shrinkage",
]
