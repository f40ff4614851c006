"""The engine's REML fits, from data that are reduced already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.intercepts import fit_intercepts, intercept_model
from fewgroups.batch.layouts import Layout as EngineLayout
from fewgroups.batch.layouts import layout_of
from fewgroups.batch.slopes import fit_slopes, slope_model
from fewgroups.studies.reduction import Cells, Layout

Array = np.ndarray


@dataclass(frozen=True)
class Fit:
    """n fits; where one is not `solved` there is no maximum, and its numbers are placeholders.

    gamma: (k, n) covariance parameters over σ² (lower triangle of the athletes' covariance by row, then 1);
    scale: (n,) σ²; loglik: (n,) restricted; solved, singular: (n,).
    """

    gamma: Array
    scale: Array
    loglik: Array
    solved: Array
    singular: Array


def reml_fit(cells: Cells, slopes: bool) -> Fit:
    """Fit all data sets; `slopes` gives athletes changes of their own, correlated with their baselines."""
    layout = _engine_layout(cells.layout)
    statistics = CellStatistics(
        cells.means.reshape(-1, cells.n)[cells.layout.counts.ravel() > 0],
        cells.squares.sum(axis=0),
        cells.total_squares,
    )
    if slopes:
        found = fit_slopes(slope_model(layout, reml=True), statistics)
    else:
        found = fit_intercepts(intercept_model(layout, reml=True), statistics)
    solved = found["solved"]
    gamma = np.vstack([np.where(solved, found["psi"], 0), np.ones(cells.n)])
    scale = np.where(solved, found["scale"], 1)
    return Fit(gamma, scale, found["loglik"], solved, found["singular"] & solved)


def _engine_layout(layout: Layout) -> EngineLayout:
    """The same cells in the engine's terms: intercept and session_high, rows of a cell side by side."""
    repeats = layout.counts.ravel()
    X = np.column_stack([np.ones(len(repeats)), np.tile([0.0, 1.0], layout.athletes)])
    athlete = np.repeat(np.arange(layout.athletes), 2)
    return layout_of(np.repeat(X, repeats, axis=0), np.repeat(athlete, repeats))
