"""Monte-Carlo studies: methods equal R's, rates equal the measured ones, digits do not depend on the workers."""

from __future__ import annotations

from contextlib import ExitStack

import joblib
import numpy as np
import pandas as pd
import pytest
from fewgroups.studies import METHODS, DataSets, chosen_methods, design_grid, monte_carlo, power
from reference.studies_cases import BALANCED, CASES, SHORT_LONG, STORED, uneven, world
from scipy import stats

from fewgroups import Design, Truth, simulate_many

BETWEEN_4 = Design(4, SHORT_LONG, between=True)


def per_data_set(data: DataSets, method: str) -> pd.DataFrame:
    """One method's answer to each data set."""
    answer = METHODS[method](data)
    p = 2 * stats.t.sf(np.abs(answer.estimate / answer.se), answer.df)
    numbers = {"estimate": answer.estimate, "se": answer.se, "df": answer.df, "p": p}
    return pd.DataFrame(numbers | {"singular": answer.singular}).astype(float)


TOLERANCE = {  # relative for estimate, se, df and p; lmer stops within 1e-6 of the highest log-likelihood
    "intercept": (2e-6, 2e-6, 2e-6, 2e-6),
    "slope": (1e-3, 1e-3, 5e-3, 5e-3),
}


@pytest.mark.parametrize("name", CASES)
def test_every_test_of_every_data_set_is_that_of_r(name: str) -> None:
    """t.test, clubSandwich (cluster-robust), lmerTest (Satterthwaite), pbkrtest (Kenward–Roger); singular fits too."""
    design, truth, n, seed = CASES[name]
    answers = pd.read_csv(STORED).query(f"case == {list(CASES).index(name)}")
    data = DataSets(design, simulate_many(design, truth, n, seed))
    in_r = {"intercept z", "slope z", *answers["method"].str.replace("-R", "–R")}
    assert in_r >= set(chosen_methods(None, design))
    for method, expected in answers.groupby("method"):
        expected = expected.sort_values("set").reset_index(drop=True)
        found = per_data_set(data, method.replace("-R", "–R"))
        assert len(expected) == n
        model = method.split()[0]
        if model == "slope":
            above = -data.slope[1].deviance / 2 - expected["loglik"]
            assert above.min() > -1e-6, "lmer stands higher"
            # lmer stops short of the optimum now and then: its numbers are not those of the REML fit there.
            found, expected = found[above < 1e-6], expected[above < 1e-6]
            assert len(found) >= 0.9 * n
        pd.testing.assert_series_equal(found["singular"], expected["singular"])
        for column, rtol in zip(found, TOLERANCE.get(model, [2e-8] * 4), strict=False):
            atol = {"slope": 1e-5, "intercept": 1e-9}.get(model, 0) if column == "estimate" else 0
            np.testing.assert_allclose(found[column], expected[column], rtol, atol, err_msg=method)


def test_satterthwaite_of_a_balanced_slope_fit_has_the_closed_form() -> None:
    """Derived by hand. Whiten the pairs of means. With one eigenvalue above the pooled σ² (a singular fit) the
    curvature in that eigenvalue, σ² and the angle is diagonal; with two, the effect's variance is a Wishart's; with
    none, all is residual."""
    design, m = Design(6, SHORT_LONG), 6
    data = DataSets(design, simulate_many(design, world(0.02), 400, 3))
    white = data.cells.residuals.reshape(m, 2, -1) * np.sqrt([20, 30])[:, None]
    within, nu = data.cells.within, data.layout.rows - len(data.layout.sizes)
    values, vectors = np.linalg.eigh(np.einsum("ian,ibn->nab", white, white) / (m - 1))
    low, top = values.T
    across, along = (np.array([-1, 1]) / np.sqrt([20, 30]) @ vectors).T ** 2
    s = (within + (m - 1) * low) / (nu + m - 1)
    spread = along**2 * top**2 / (m - 1) + across**2 * s**2 / (nu + m - 1)
    spread += 2 * along * across * top * s * (top - s) / ((m - 1) * (top - low))
    expected = (along * top + across * s) ** 2 / spread
    expected[top <= s] = nu + 2 * (m - 1)
    expected[low > within / nu] = m - 1
    assert len(set(expected.round(6))) > 50, "singular and interior fits are both there"
    np.testing.assert_allclose(per_data_set(data, "slope Satterthwaite")["df"], expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["unequal 6, a condition missed", "balanced 4, slopes .02"])
def test_the_tests_do_not_depend_on_the_unit_or_the_origin_of_the_outcome(name: str) -> None:
    design = CASES[name][0]
    y = simulate_many(design, world(0.03), 100, 2)
    here, there = (DataSets(design, scores) for scores in (y, 1e4 * y - 3e4))
    for method in chosen_methods(None, design):
        found, moved = per_data_set(here, method), per_data_set(there, method)
        moved[["estimate", "se"]] /= 1e4
        pd.testing.assert_frame_equal(moved, found, rtol=1e-6, atol=1e-12, obj=method)


SETTING = ["groups", "design", "group_sd", "slope_sd", "effect"]
RATES = pd.read_csv(STORED.with_name("rates.csv")).groupby(SETTING)


@pytest.mark.parametrize("n", [10_000, pytest.param(50_000, marks=pytest.mark.full)])
@pytest.mark.parametrize("setting", RATES.groups, ids=str)
def test_every_test_rejects_as_often_as_measured(setting: tuple, n: int) -> None:
    """Within 4.5 standard errors of this simulation and the measured one (200 000), and half the last digit."""
    groups, kind, group_sd, slope_sd, effect = setting
    measured = RATES.get_group(setting).set_index("method")["rate"]
    methods = [name for name in measured.index if name in METHODS]
    repeats = {"a": 50, "b": 50} if kind == "between" else SHORT_LONG
    design = Design(groups, repeats, between=kind == "between")
    table = monte_carlo(design, world(slope_sd, group_sd, effect), methods, n, seed=11)
    if effect == 0:
        np.testing.assert_allclose(table["coverage"], 1 - table["rejection"], rtol=1e-12)
    found = table["rejection"].reindex(measured.index)
    found = found.fillna({"singular slope fits": table["singular"].get("slope z")})
    digits = np.where(found.index == "singular slope fits", 0.005, 0.0005)
    error = np.sqrt(np.maximum(measured * (1 - measured), 1e-5) * (1 / n + 1 / 200_000))
    assert (np.abs(found - measured) < 4.5 * error + digits).all(), (found, measured)


def test_the_power_of_the_paired_t_test_is_that_of_the_noncentral_t() -> None:
    """And its numbers are those of scipy over the data sets of `simulate_many`."""
    effect, se = -0.03, np.sqrt((0.02**2 + 0.05**2 * (1 / 20 + 1 / 30)) / 8)
    design, truth = Design(8, SHORT_LONG), world(0.02, effect=effect)
    row = monte_carlo(design, truth, ["paired t"], 20_000, seed=4).loc["paired t"]
    limit = stats.t.ppf(0.975, 7)
    exact = stats.nct.sf(limit, 7, -effect / se) + stats.nct.cdf(-limit, 7, -effect / se)
    for column, expected in {"rejection": exact, "coverage": 0.95, "bias": 0, "sd": se}.items():
        assert abs(row[column] - expected) < 4 * row[f"{column}_error"]
    y = pd.DataFrame(simulate_many(design, truth, 20_000, 4).T)
    means = y.groupby(list(design.row_index[:2])).mean()
    differences = means.xs(1, level=1) - means.xs(0, level=1)
    assert row["bias"] == pytest.approx(differences.mean().mean() - effect, rel=1e-9)
    assert row["rejection"] == np.mean(stats.ttest_1samp(differences, 0).pvalue < 0.05)


def test_type_s_and_type_m_are_those_of_gelman_and_carlin() -> None:
    """For a z-like test: an effect of half a standard error, whose power is about 8 %."""
    design, effect = Design(2, {"a": 100, "b": 100}), 0.0025
    row = monte_carlo(design, world(0, 0, effect), ["pooled t"], 40_000, seed=6).loc["pooled t"]
    shift, limit = effect / (0.05 * np.sqrt(2 / 200)), stats.t.ppf(0.975, 398)
    right, wrong = stats.norm.sf(limit - shift), stats.norm.cdf(-limit - shift)
    size = right - wrong + (stats.norm.pdf(limit - shift) + stats.norm.pdf(limit + shift)) / shift
    assert abs(row["type_s"] - wrong / (right + wrong)) < 4 * row["type_s_error"]
    assert abs(row["type_m"] - size / (right + wrong)) < 4 * row["type_m_error"]
    assert "type_s" not in monte_carlo(design, world(effect=0), ["pooled t"], 500, seed=6)


def test_monte_carlo_errors_are_the_spread_between_repetitions() -> None:
    method, seeds = ["slope Satterthwaite"], range(60)
    runs = pd.concat([monte_carlo(BALANCED, world(0.02), method, 300, seed=k) for k in seeds])
    for column in ("rejection", "coverage", "bias", "type_m", "sd", "se", "half_width"):
        ratio = runs[column].std() / runs[f"{column}_error"].mean()
        assert 0.6 < ratio < 1.5, (column, ratio)


@pytest.mark.parametrize(
    ("design", "number"),
    [
        (BALANCED, 11),
        (BETWEEN_4, 8),
        (Design(2, SHORT_LONG), 11),
        (Design(3, SHORT_LONG, between=True), 5),
        (Design(2, SHORT_LONG, between=True), 1),
        (Design(3, {"a": 1, "b": 1}), 8),
        (Design(5, {"a": 4, "b": 3, "c": 2}), 11),
        (uneven((3, 2), (3, 0), (0, 4), (1, 1)), 11),
        (uneven((3, 0), (2, 2)), 4),
    ],
    ids=str,
)
def test_every_method_that_a_small_design_allows_gives_rates(design: Design, number: int) -> None:
    table = monte_carlo(design, world(0.02), n=300, seed=1)
    assert len(table) == number
    assert table[["rejection", "coverage", "bias", "sd", "rejection_error"]].notna().all(axis=None)
    assert (table["undefined"] == 0).all()


def test_data_sets_without_spread_are_counted_and_left_out() -> None:
    """Nearly half of the outcomes are clipped to 1: often all differences between groups vanish."""
    truth, design = Truth(1, 0, 0, residual_sd=0.01, clip=True), Design(2, {"a": 1, "b": 1})
    table = monte_carlo(design, truth, ["pooled t", "paired t"], n=4000, seed=3)
    # The differences of both groups are equal when all four outcomes are 1 (1 in 16): no other way has a chance.
    assert abs(table.loc["paired t", "undefined"] - 250) < 4 * np.sqrt(250)
    assert table["undefined"].nunique() == 1
    assert table[["rejection", "coverage", "bias", "se"]].notna().all(axis=None)


FULL = pytest.mark.full


@pytest.mark.parametrize(
    "backend", ["threading", pytest.param("loky", marks=FULL), pytest.param("dask", marks=FULL)]
)
def test_two_workers_give_the_digits_of_one(backend: str) -> None:
    expected = monte_carlo(BALANCED, world(0.02), n=12_000, seed=1)
    with ExitStack() as running:
        if backend == "dask":
            from distributed import Client, LocalCluster

            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            running.enter_context(Client(running.enter_context(cluster)))
        running.enter_context(joblib.parallel_config(backend=backend))
        found = monte_carlo(BALANCED, world(0.02), n=12_000, seed=1, workers=2)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-10)


def test_power_of_a_grid_has_the_figures_that_each_design_has_alone() -> None:
    grid = design_grid([4, 6], [10, {"a": 20, "b": 30}])
    assert list(grid)[1:3] == ["4 groups, 20 + 30 repeats", "6 groups, 10 + 10 repeats"]
    table = power(grid, world(0.02), ["paired t", "slope kenward-roger"], n=600, seed=3)
    assert len(table) == 8 and list(table["groups"]) == [4] * 4 + [6] * 4
    for label, design in grid.items():
        alone = monte_carlo(design, world(0.02), ["paired t", "slope Kenward–Roger"], 600, seed=3)
        part = table[table["design"] == label].set_index("method")
        np.testing.assert_array_equal(part["power"], alone["rejection"])
        np.testing.assert_array_equal(part["half_width"], alone["half_width"])
        assert (part["rows"] == design.rows).all()
