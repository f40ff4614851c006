"""The batch engine: exact against lmer, against itself and against dense matrices; bad input is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.batch import newton as minima
from fewgroups.batch import slopes as lines
from fewgroups.batch.cells import cell_statistics
from fewgroups.batch.fits import _fit
from fewgroups.batch.intercepts import intercept_model
from fewgroups.batch.layouts import layout_of
from fewgroups.batch.spectra import jacobi
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.batch_cases import STORED, Batch, batches
from running_example import Design, Truth, simulate, simulate_many
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from fewgroups import fit_many

BATCHES = batches()
UNEVEN = Design(4, [{"a": 20, "b": 30}, {"a": 3, "b": 17}, {"a": 12, "b": 0}, {"a": 25, "b": 33}])
MANY = Design(25, [{"a": 1 + 7 * k % 29, "b": 1 + 11 * k % 23} for k in range(25)])


@pytest.fixture(scope="module")
def stored() -> pd.DataFrame:
    return pd.read_csv(STORED)


def dense(
    y: np.ndarray, X: np.ndarray, groups: np.ndarray, psi: np.ndarray, reml: bool
) -> tuple[Any, ...]:
    """Log-likelihood, β, σ² and covariance of β at Ψ, from the N × N matrix V."""
    Z = X[:, : len(psi)] if len(psi) > 1 else np.ones((len(y), 1))
    V = np.eye(len(y)) + (Z @ psi @ Z.T) * (groups[:, None] == groups)
    information = X.T @ np.linalg.solve(V, X)
    beta = np.linalg.solve(information, X.T @ np.linalg.solve(V, y))
    residual = y - X @ beta
    freedom = len(y) - X.shape[1] * reml
    total = residual @ np.linalg.solve(V, residual)
    deviance = freedom * (1 + np.log(2 * np.pi * total / freedom)) + np.linalg.slogdet(V)[1]
    if reml:
        deviance += np.linalg.slogdet(information)[1]
    return -deviance / 2, beta, total / freedom, total / freedom * np.linalg.inv(information)


# Against lmer ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(BATCHES)), ids=lambda k: f"{k}-{BATCHES[k].name}")
def test_no_fit_falls_short_of_lmer(number: int, stored: pd.DataFrame) -> None:
    batch = BATCHES[number]
    reference = stored[stored["batch"] == number]
    y = batch.draw()
    np.testing.assert_allclose(
        (y**2).sum(axis=1),
        reference["y_squares"],
        rtol=1e-10,
        err_msg="NumPy draws other scores than when the reference was made",
    )
    fits = fit_many(y, batch.X, batch.rows[0], slopes=batch.slopes, reml=batch.reml)
    assert fits.converged.all()
    short = reference["loglik"].to_numpy() - fits.loglik
    assert short.max() < 1e-6
    same = np.abs(short) < 1e-6
    columns = range(batch.X.shape[1])
    se = reference[[f"se{k}" for k in columns]].to_numpy()
    np.testing.assert_allclose(fits.se[same], se[same], rtol=1e-3)
    # lmer's coefficients move with where it stopped, by far less than their standard errors.
    beta = reference[[f"beta{k}" for k in columns]].to_numpy()
    assert (np.abs(fits.estimate - beta)[same] < 1e-3 * se[same]).all()
    # Where lmer stops elsewhere than at the optimum, its verdict is about another point.
    assert fits.singular[same & (reference["singular"].to_numpy() == 1)].all()
    wrong = fits.singular & (reference["singular"].to_numpy() == 0)
    assert (short[wrong] <= 1e-9 * np.abs(fits.loglik[wrong])).all()
    # An SD, in the columns that an average athlete's rows make orthonormal, below 1e-4 of the residual's.
    root = np.linalg.cholesky(fits.layout.grams.mean(axis=0)) if batch.slopes else np.eye(1)
    assert np.array_equal(fits.singular, np.linalg.eigvalsh(root.T @ fits.psi @ root)[:, 0] < 1e-8)


def test_the_reference_holds_thousands_of_fits_interior_and_singular(stored: pd.DataFrame) -> None:
    assert len(stored) == sum(batch.n for batch in BATCHES) > 5000
    assert 1000 < stored["singular"].sum() < len(stored) - 1000


# Against other routes to the same number ----------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("slopes", [True, False])
@pytest.mark.parametrize("slope_sd", [0, 0.02, 0.05])
def test_closed_form_and_iteration_agree(slopes: bool, reml: bool, slope_sd: float) -> None:
    layout = layout_of(Design())
    y = simulate_many(Design(), Truth(athlete_sd=0.02, slope_sd=slope_sd), 2000, seed=5)
    closed, newton = _fit(y, layout, slopes, reml), _fit(y, layout, slopes, reml, iterate=True)
    assert newton.converged.all()
    np.testing.assert_allclose(newton.loglik, closed.loglik, rtol=0, atol=1e-9)
    assert (newton.singular == closed.singular).all()
    np.testing.assert_allclose(newton.se, closed.se, rtol=1e-4)


def test_seed_data_give_the_numbers_of_lme4_and_statsmodels() -> None:
    table = simulate(Design(), Truth(), seed=42)
    fits = fit_many(table["correctness"].to_numpy(), Design())
    with pytest.warns(ConvergenceWarning, match="boundary"):
        result = smf.mixedlm("correctness ~ session_high", table, groups="athlete_id").fit()
    assert fits.loglik[0] == pytest.approx(result.llf, abs=1e-6)
    np.testing.assert_allclose(fits.estimate[0], [0.8458461, -0.0726737], atol=1e-7)
    np.testing.assert_allclose(fits.se[0], [0.0125970, 0.0063624], atol=5e-7)
    # By hand, as analysis of variance: the athletes' mean square, the residual one, and their difference.
    scores = table["correctness"] - table.groupby("session_label")["correctness"].transform("mean")
    athlete = scores.groupby(table["athlete_id"]).transform("mean")
    between, within = (athlete**2).sum() / 3, ((scores - athlete) ** 2).sum() / 195
    assert fits.cov_re[0, 0, 0] == pytest.approx((between - within) / 50, rel=1e-10)
    assert fits.scale[0] == pytest.approx(within, rel=1e-10) == pytest.approx(0.00194302, abs=1e-8)
    slopes = fit_many(table["correctness"].to_numpy(), Design(), slopes=True)
    assert slopes.singular[0] and slopes.loglik[0] == pytest.approx(328.5364, abs=1e-4)


@pytest.mark.parametrize("reml", [True, False])
def test_thirty_fixed_effect_columns(reml: bool) -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(12), rng.integers(3, 12, 12))
    X = np.column_stack([np.ones(len(groups)), rng.normal(size=(len(groups), 29))])
    y = rng.normal(size=(20, 12))[:, groups] + rng.normal(size=(20, len(groups)))
    fits = fit_many(y, X, groups, reml=reml)
    for k in range(20):
        loglik, beta, scale, covariance = dense(y[k], X, groups, fits.psi[k], reml)
        assert fits.loglik[k] == pytest.approx(loglik, abs=1e-8)
        np.testing.assert_allclose(fits.estimate[k], beta, atol=1e-8)
        np.testing.assert_allclose(fits.se[k], np.sqrt(np.diag(covariance)), rtol=1e-8)
        np.testing.assert_allclose(fits.vcov[k], covariance, atol=1e-10)


def test_jacobi_finds_eigenvalues_and_eigenvectors() -> None:
    rng = np.random.default_rng(8)
    for size in (1, 2, 5, 8, 31):
        A = rng.normal(size=(size, size))
        A = A + A.T
        roots, V = jacobi(A)
        np.testing.assert_allclose(np.sort(roots), np.linalg.eigvalsh(A), atol=1e-12)
        np.testing.assert_allclose(V @ np.diag(roots) @ V.T, A, atol=1e-12)


# Random designs -------------------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool, bool]:
    """Scores (3, rows), X, groups, slopes, reml: any repeats, an athlete without a session allowed."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    athletes = draw(st.integers(3, 9))
    counts = rng.integers(1, draw(st.integers(3, 12)), (athletes, 2))
    counts[0] = 4, 5
    if draw(st.booleans()):
        counts[1, 1] = 0
    athlete_sd, slope_sd, correlation = draw(
        st.sampled_from([(0.05, 0, 0), (0, 0, 0), (0.05, 0.05, 0.5), (0.2, 0.1, -0.9)])
    )
    batch = Batch(
        "",
        counts,
        3,
        athlete_sd,
        slope_sd,
        correlation,
        draw(st.booleans()),
        draw(st.booleans()),
        seed,
    )
    X = batch.X
    if draw(st.booleans()):
        X = np.column_stack([X[:, 0], rng.normal(size=len(X))])
    return batch.draw(), X, batch.rows[0], batch.slopes, batch.reml


@settings(max_examples=60, deadline=None, derandomize=True)
@given(worlds())
def test_random_designs_stand_on_a_maximum_of_the_dense_likelihood(world: Any) -> None:
    y, X, groups, slopes, reml = world
    fits = fit_many(y, X, groups, slopes=slopes, reml=reml)
    assert fits.converged.all()
    rng = np.random.default_rng(0)
    for k, scores in enumerate(y):
        loglik, beta, scale, covariance = dense(scores, X, groups, fits.psi[k], reml)
        assert fits.loglik[k] == pytest.approx(loglik, abs=1e-7)
        np.testing.assert_allclose(fits.estimate[k], beta, atol=1e-7 * np.abs(scores).max())
        np.testing.assert_allclose(fits.scale[k], scale, rtol=1e-7)
        np.testing.assert_allclose(fits.se[k], np.sqrt(np.diag(covariance)), rtol=1e-6)
        np.testing.assert_allclose(
            fits.theta[k] @ fits.theta[k].T, fits.psi[k], atol=1e-7 * (1 + fits.psi[k].max())
        )
        for size in (1e-3, 1e-2, 0.1, 1):
            factor = np.linalg.cholesky(fits.psi[k] + 1e-12 * np.eye(len(fits.psi[k])))
            factor = factor + size * np.tril(rng.normal(size=factor.shape))
            assert dense(scores, X, groups, factor @ factor.T, reml)[0] <= fits.loglik[k] + 1e-7


@settings(max_examples=40, deadline=None, derandomize=True)
@given(worlds(), st.floats(-100, 100), st.floats(1e-3, 1e3))
def test_shifts_units_and_row_order_change_nothing(world: Any, shift: float, unit: float) -> None:
    y, X, groups, slopes, reml = world
    fits = fit_many(y, X, groups, slopes=slopes, reml=reml)
    order = np.random.default_rng(1).permutation(len(groups))
    labels = np.array([f"athlete {g}" for g in groups])
    other = fit_many(
        unit * (y + shift)[:, order], X[order], labels[order], slopes=slopes, reml=reml
    )
    freedom = y.shape[1] - reml * X.shape[1]
    np.testing.assert_allclose(
        other.loglik, fits.loglik - freedom * np.log(unit), rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(other.se, unit * fits.se, rtol=1e-3)
    np.testing.assert_allclose(
        other.estimate[:, 1], unit * fits.estimate[:, 1], atol=1e-3 * unit * fits.se.max()
    )
    np.testing.assert_allclose(other.scale, unit**2 * fits.scale, rtol=1e-4)


def test_scores_far_from_zero_keep_their_digits() -> None:
    y = simulate_many(UNEVEN, Truth(clip=False), 50, seed=3)
    for slopes in (False, True):
        near, far = fit_many(y, UNEVEN, slopes=slopes), fit_many(y + 2.0**20, UNEVEN, slopes=slopes)
        np.testing.assert_allclose(far.loglik, near.loglik, atol=1e-4)
        np.testing.assert_allclose(far.se, near.se, rtol=1e-3)


# The same digits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize(
    "design", [Design(), UNEVEN, MANY], ids=["balanced", "uneven", "many kinds"]
)
def test_digits_depend_neither_on_blocks_nor_on_how_the_scores_lie_in_memory(
    design: Design, slopes: bool
) -> None:
    y = simulate_many(design, Truth(slope_sd=0.02), 100, seed=9)
    layout = layout_of(design)
    whole = _fit(y, layout, slopes, True)
    strided = np.repeat(y, 2, axis=1)[:, ::2]
    for block, scores in ((1, y), (7, y), (33, y), (None, np.asfortranarray(y)), (None, strided)):
        parts = _fit(scores, layout, slopes, True, block=block)
        for name in ("estimate", "se", "cov_re", "scale", "loglik", "singular"):
            assert np.array_equal(getattr(parts, name), getattr(whole, name)), (name, block)
    assert np.array_equal(fit_many(y[17], design, slopes=slopes).se[0], whole.se[17])


PROGRAM = """
import hashlib, numpy as np
from fewgroups import fit_many
from running_example import Design, Truth, simulate_many
digest = hashlib.sha256()
rng = np.random.default_rng(1)
uneven = Design(25, [{"a": int(a), "b": int(b)} for a, b in rng.integers(1, 30, (25, 2))])
for design in (Design(), uneven):
    y = simulate_many(design, Truth(slope_sd=.03), 200, seed=2)
    for slopes in (False, True):
        fits = fit_many(y, design, slopes=slopes)
        for values in (fits.estimate, fits.se, fits.cov_re, fits.scale, fits.loglik):
            digest.update(np.ascontiguousarray(values).tobytes())
X = np.column_stack([np.ones(400), rng.normal(size=(400, 20))])
fits = fit_many(rng.normal(size=(50, 400)), X, np.arange(400) % 23)
digest.update(fits.se.tobytes() + fits.loglik.tobytes())
print(digest.hexdigest())
"""


def test_digits_do_not_depend_on_threads() -> None:
    seen = []
    for threads in ("1", "2"):
        limits = {f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=Path(__file__).parent,
            env=os.environ | limits,
            check=True,
            capture_output=True,
            text=True,
        )
        seen.append(run.stdout)
    assert seen[0] == seen[1] and len(seen[0]) > 60


# Bad input ------------------------------------------------------------------------------------------------------------


def two_maxima(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """4000 data sets, X and groups; one athlete has most of the scores, and others are now and then far away."""
    sizes, rng = np.array([2, 60, 3, 1]), np.random.default_rng(seed)
    groups = np.repeat(np.arange(4), sizes)
    X = np.column_stack([np.ones(66), rng.integers(0, 2, 66)])
    far = 0.4 * rng.standard_t(1.5, (4000, 4)) * (sizes < 4)
    return rng.standard_normal((4000, 66)) + far[:, groups], X, groups


@pytest.mark.parametrize("reml", [True, False])
def test_of_two_maxima_the_higher_one_is_found(reml: bool) -> None:
    y, X, groups = two_maxima(1)
    ratios = np.concatenate([[0, 1e-4], np.geomspace(1e-3, 1e4, 200)])
    profile = np.array([dense_profile(y, X, groups, ratio, reml) for ratio in ratios])
    fits = fit_many(y, X, groups, reml=reml)
    assert np.all(fits.loglik > profile.max(axis=0) - 1e-7)
    two = (profile[1] < profile[0]) & (fits.psi[:, 0, 0] > 0.001)
    assert two.sum() > 10


def dense_profile(
    y: np.ndarray, X: np.ndarray, groups: np.ndarray, ratio: float, reml: bool
) -> np.ndarray:
    """Log-likelihoods of random-intercept models (n,) at τ²/σ² = ratio, σ² and β at their best; dense matrices."""
    V = np.eye(len(X)) + ratio * (groups[:, None] == groups)
    W = np.linalg.inv(V)
    information = X.T @ W @ X
    left = y - y @ W @ X @ np.linalg.inv(information) @ X.T
    df = len(X) - X.shape[1] if reml else len(X)
    scale = np.einsum("ni,ij,nj->n", left, W, left) / df
    logs = np.linalg.slogdet(V)[1] + (np.linalg.slogdet(information)[1] if reml else 0.0)
    return -(df * np.log(2 * np.pi * scale) + df + logs) / 2


@pytest.mark.parametrize("reml", [True, False])
def test_a_predictor_that_hardly_moves_within_athletes_costs_no_accuracy(reml: bool) -> None:
    """What it leaves of the athletes' differences then has a root between zero and one."""
    rng, groups = np.random.default_rng(3), np.repeat(np.arange(5), 3)
    X = np.column_stack([np.ones(15), np.arange(5)[groups] + 0.1 * rng.standard_normal(15)])
    roots = intercept_model(layout_of(X, groups), reml).spectrum.roots
    assert ((roots > 0) & (roots < 1)).any()
    y = rng.standard_normal((20, 15)) + rng.standard_normal((20, 5))[:, groups]
    fits = fit_many(y, X, groups, reml=reml)
    ratios = np.concatenate([[0], np.geomspace(1e-3, 1e3, 400)])
    profile = np.array([dense_profile(y, X, groups, ratio, reml) for ratio in ratios])
    assert np.all(fits.loglik > profile.max(axis=0) - 1e-9)
    own = [dense_profile(y[[k]], X, groups, fits.psi[k, 0, 0], reml)[0] for k in range(20)]
    np.testing.assert_allclose(fits.loglik, own, atol=1e-9)


@pytest.mark.parametrize(
    ("sizes", "reml", "truth"),
    [
        (
            [(1, 1), (14, 22)],
            False,
            Truth(athlete_sd=0, slope_sd=0.1, residual_sd=0.05, clip=False),
        ),
        ([(3, 7), (15, 83)], False, Truth(athlete_sd=0.03, residual_sd=0.1, clip=False)),
        (
            [(43, 1), (12, 13), (2, 1)],
            False,
            Truth(athlete_sd=0, slope_sd=0.02, residual_sd=0.05, clip=False),
        ),
    ],
)
def test_of_several_maxima_of_a_slope_model_the_highest_one_is_found(
    sizes: list[tuple[int, int]], reml: bool, truth: Truth
) -> None:
    design = Design(len(sizes), [{"a": a, "b": b} for a, b in sizes])
    y = simulate_many(design, truth, 2000, seed=11)
    layout = layout_of(design)
    model = lines.slope_model(layout, reml)
    _, profile, _ = lines.profile_of(model, cell_statistics(y, layout))
    lengths = [0.0, 0.01, *np.geomspace(0.03, 1000, 16)]
    points = [
        lines._matrix(np.full(len(y), large), small, angle)
        for angle in np.arange(24) * np.pi / 24
        for large in lengths
        for small in (0.0, 0.03 * large, 0.3 * large)
    ]
    highest = -(np.min([profile.at(point).value for point in points], axis=0) + model.constant) / 2
    fits = fit_many(y, design, slopes=True, reml=reml)
    assert np.all(fits.loglik > highest - 1e-7)
    psi, _ = minima.minimise(profile, lines._start(model, profile))
    assert np.sum(-(profile.at(psi).value + model.constant) / 2 < fits.loglik - 0.01) >= 5


SHEET = np.column_stack([np.ones(12), np.tile([0, 1], 6)])
LABELS = np.repeat([1, 2, 3], 4)
SCORES = np.random.default_rng(0).normal(size=(2, 12))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"y": np.where(np.arange(12) == 3, np.nan, SCORES)},
            ValueError,
            "y must be finite.*data set 0",
        ),
        ({"y": np.where(np.arange(12) == 3, np.inf, SCORES)}, ValueError, "y must be finite"),
        ({"y": SCORES[:, :11]}, ValueError, r"y must have the shape \(data sets, 12\)"),
        ({"y": SCORES[:0]}, ValueError, "at least one data set"),
        ({"y": SCORES[None]}, ValueError, "y must have the shape"),
        ({"y": np.full((2, 12), "good")}, TypeError, "y must be an array of numbers"),
        ({"y": SCORES > 0}, TypeError, "y must be an array of numbers"),
        ({"y": np.ma.masked_greater(SCORES, 1)}, TypeError, "y has masked values"),
        (
            {"design_or_X": np.ma.masked_greater(SHEET, 0)},
            TypeError,
            "design_or_X has masked values",
        ),
        ({"groups": [np.nan] + ["a", "b"] * 5 + ["b"]}, ValueError, "missing in row 0"),
        ({"groups": [{}] * 12}, TypeError, "groups must hold labels"),
        ({"y": [[1.0], [1.0, 2.0]]}, ValueError, "y must be an array"),
        ({"groups": None}, ValueError, "groups must be given"),
        ({"groups": LABELS[:5]}, ValueError, "one label per row"),
        ({"groups": np.ones(12)}, ValueError, "two athletes or more"),
        ({"groups": []}, ValueError, "one label per row"),
        ({"groups": [None] + ["a", "b"] * 5 + ["b"]}, ValueError, "missing in row 0"),
        ({"groups": ["  "] + ["a", "b"] * 5 + ["b"]}, ValueError, "missing in row 0"),
        ({"groups": np.arange(12)}, ValueError, "too few rows"),
        (
            {"design_or_X": np.column_stack([SHEET, SHEET[:, 0] - SHEET[:, 1]])},
            ValueError,
            "X is rank-deficient: column 2",
        ),
        ({"design_or_X": SHEET * 0}, ValueError, "X is rank-deficient: column 0"),
        ({"design_or_X": np.where(SHEET > 2, 1, np.nan)}, ValueError, "X must be finite"),
        ({"design_or_X": SHEET[:, 0]}, ValueError, r"X must be an array \(rows, columns\)"),
        ({"design_or_X": SHEET.astype(str)}, TypeError, "design_or_X must be a Design"),
        ({"design_or_X": "design"}, TypeError, "design_or_X must be a Design"),
        ({"design_or_X": np.eye(12)}, ValueError, "too few rows"),
        ({"design_or_X": np.eye(3)[LABELS - 1]}, ValueError, "tells every athlete from the others"),
        ({"design_or_X": Design(), "groups": LABELS}, ValueError, "groups must be left out"),
        (
            {"design_or_X": np.column_stack([np.ones(12), LABELS == 2]), "slopes": True},
            ValueError,
            "identify a slope",
        ),
        (
            {"design_or_X": np.column_stack([SHEET, np.arange(12)]), "slopes": True},
            ValueError,
            "two columns",
        ),
        ({"groups": np.repeat(range(6), 2), "slopes": True}, ValueError, "too few rows"),
        ({"slopes": "yes"}, TypeError, "slopes must be True or False"),
        ({"reml": 1}, TypeError, "reml must be True or False"),
    ],
)
def test_bad_input_is_refused_by_name(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"y": SCORES, "design_or_X": SHEET, "groups": LABELS} | change
    with pytest.raises(error, match=message):
        fit_many(**arguments)


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize("design", [Design(), UNEVEN], ids=["balanced", "uneven"])
def test_data_without_residual_variance_are_flagged_and_carry_no_number(
    design: Design, slopes: bool
) -> None:
    y = simulate_many(design, Truth(), 4, seed=1)
    y[1] = 1.0
    y[2] = 0.1 + 0.7 * design.row_index[0]
    y[3] = 0.0
    fits = fit_many(y, design, slopes=slopes)
    assert fits.converged.tolist() == [True, False, False, False]
    for values in (fits.estimate, fits.se, fits.cov_re, fits.scale, fits.loglik, fits.vcov):
        assert np.isfinite(values[0]).all() and np.isnan(values[1:]).all()
    assert np.array_equal(fits.se[0], fit_many(y[0], design, slopes=slopes).se[0])
