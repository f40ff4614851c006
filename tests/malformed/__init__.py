"""Calls of the public names that must be refused, as hypothesis strategies; wrong by construction, never by trial.

A good call has one argument spoilt (or two), a good table one thing damaged; what stays good is left out of what is
drawn. With each call goes what its error must speak of.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .anything import Call, Strategy, calls, no_choice, no_flag, no_level, no_whole
from .results import METHODS, comparisons, contrasts, explained, of_result, predicted
from .sessions import folders, forms, predictors
from .sheets import readings
from .small import exercises, figures, hints
from .tables import batches, fitted
from .worlds import GOOD, drawn, grids, no_design, powers, spoilt_designs, spoilt_truths, studies

BUNDLED = ("pushups", "sleepstudy", "machines", "penicillin", "pastes")

__all__ = ["Call", "malformed"]


def malformed(name: str, folder: Path) -> Strategy:
    """Calls of a public name that must be refused; `folder` takes the files that some of them read."""
    tests = {"ddf": no_choice(*METHODS), "contrasts": contrasts()}
    few = {"n": no_whole(1, 10**12), "seed": no_whole(0)}
    styled = {"ddf": no_choice(*METHODS), "level": no_level(), "versions": no_flag()}
    made: dict[str, Callable[[], Strategy]] = {
        "Design": spoilt_designs,
        "Truth": spoilt_truths,
        "answered": lambda: forms("answered"),
        "bootstrap": lambda: of_result(
            "bootstrap", few | {"n": no_whole(2, 10**12)}, {"n": 3, "seed": 1}
        ),
        "check": exercises,
        "coefficients": lambda: of_result("coefficients", tests | {"level": no_level()}),
        "compare": comparisons,
        "design_grid": grids,
        "earlier_answers": folders,
        "explain": lambda: explained("explain", {}, unfinished_is_told=True),
        "f_tests": lambda: of_result("f_tests", tests),
        "fit": fitted,
        "fit_many": batches,
        "hint": hints,
        "load": lambda: calls("load", {}, {"name": no_choice(*BUNDLED)}),
        "monte_carlo": lambda: calls(
            "monte_carlo", {**GOOD, "n": 10}, studies() | {"design": no_design()}
        ),
        "power": powers,
        "predictions": predicted,
        "read_scores": lambda: readings(folder),
        "report": lambda: explained("report", styled, unfinished_is_told=False),
        "score": lambda: forms("score"),
        "session_predictors": predictors,
        "show": figures,
        "simulate": lambda: calls("simulate", GOOD, drawn()),
        "simulate_from": lambda: of_result("simulate_from", few, {"n": 3, "seed": 1}),
        "simulate_many": lambda: calls("simulate_many", {**GOOD, "n": 2}, drawn() | few),
        "variances": lambda: of_result("variances", {"level": no_level()}),
    }
    return made[name]()
