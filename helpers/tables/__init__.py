"""Tidy tables, checked: the bundled data sets (`load`) and score sheets from the field (`read_scores`)."""

from helpers.datasets import load
from helpers.tables.findings import Problem, ScoreSheetError
from helpers.tables.scores import read_scores
from helpers.tables.sessions import session_predictors

__all__ = ["Problem", "ScoreSheetError", "load", "read_scores", "session_predictors"]
