"""Helpers of the mixed-models course: the public names that the lessons use."""

from helpers.designs import Design, Truth
from helpers.engine import fit_many
from helpers.exercises import answered, check, earlier_answers, hint, score
from helpers.explanation import explain, report
from helpers.figures import show
from helpers.fitting import fit
from helpers.inference import (
    bootstrap,
    coefficients,
    compare,
    f_tests,
    predictions,
    simulate_from,
    variances,
)
from helpers.simulation import simulate, simulate_many
from helpers.studies import design_grid, monte_carlo, power
from helpers.tables import load, read_scores, session_predictors

__all__ = [
    "Design",
    "Truth",
    "answered",
    "bootstrap",
    "check",
    "coefficients",
    "compare",
    "design_grid",
    "earlier_answers",
    "explain",
    "f_tests",
    "fit",
    "fit_many",
    "hint",
    "load",
    "monte_carlo",
    "power",
    "predictions",
    "read_scores",
    "report",
    "score",
    "session_predictors",
    "show",
    "simulate",
    "simulate_from",
    "simulate_many",
    "variances",
]
