"""Tidy tables, checked: the bundled data sets (`load`) and score sheets from the field (`read_scores`)."""

from helpers.tables.bundled import load

__all__ = ["load"]
