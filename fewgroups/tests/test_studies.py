"""fewgroups.studies: methods equal R's, rates equal the measured ones, the digits hold on any number of
workers."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import joblib
import numpy as np
import pandas as pd
import pytest
from fewgroups.batch import fit_many
from fewgroups.fixed_effects import coefficients
from fewgroups.studies.catalogue import METHODS
from fewgroups.studies.mixed_models import Analyses
from fewgroups.studies.reduction import Layout, reduce
from reference.studies_cases import STORED, Case, cases, own
from scipy import stats

from fewgroups import Design, Truth, design_grid, fit, monte_carlo, power, simulate_many

CASES = {case.name: case for case in cases()}


def analyses(design: Design, truth: Truth, n: int, seed: int) -> Analyses:
    """The reduced data sets of `simulate_many`."""
    return Analyses(reduce(Layout.of(design), simulate_many(design, truth, n, seed)))


def per_data_set(design: Design, truth: Truth, n: int, seed: int, method: str) -> pd.DataFrame:
    """One method's answer to each data set."""
    answer = METHODS[method].answer(analyses(design, truth, n, seed))
    return pd.DataFrame(
        {
            "estimate": answer.estimate,
            "se": answer.se,
            "df": getattr(answer, "df", np.nan),
            "p": answer.p_values(),
            "singular": answer.singular,
        }
    )


@pytest.fixture(scope="module")
def stored() -> pd.DataFrame:
    return pd.read_csv(STORED)


def of_r(stored: pd.DataFrame, case: str, method: str) -> pd.DataFrame:
    """R's answers to the data sets of a case, in order."""
    number = list(CASES).index(case)
    name = method.replace("–", "-")
    return (
        stored[(stored["case"] == number) & (stored["method"] == name)]
        .sort_values("set")
        .reset_index()
    )


# Methods against R ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pooled t", "Welch t", "paired t", "t on means", "sign flips"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_t_tests_and_sign_flips_give_r_s_numbers_in_every_data_set(
    case: Case, method: str, stored: pd.DataFrame
) -> None:
    expected = of_r(stored, case.name, method)
    if METHODS[method].needs(Layout.of(case.design)):
        assert expected.empty
        return
    assert len(expected) == case.n
    found = per_data_set(case.design, case.truth, case.n, case.seed, method)
    columns = ["estimate", "p"] if method == "sign flips" else ["estimate", "se", "df", "p"]
    np.testing.assert_allclose(found[columns].astype(float), expected[columns], rtol=2e-8)


@pytest.mark.parametrize("method", ["intercept Satterthwaite", "intercept Kenward–Roger"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_intercept_tests_are_those_of_lmertest_and_pbkrtest(
    case: Case, method: str, stored: pd.DataFrame
) -> None:
    expected = of_r(stored, case.name, method)
    found = per_data_set(case.design, case.truth, case.n, case.seed, method)
    np.testing.assert_array_equal(found["singular"].astype(float), expected["singular"])
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-6, atol=1e-9)
    for column in ("se", "df", "p"):
        np.testing.assert_allclose(found[column], expected[column], rtol=2e-6, err_msg=column)


@pytest.mark.parametrize("method", ["slope Satterthwaite", "slope Kenward–Roger"])
@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if not case.design.between], ids=lambda case: case.name
)
def test_slope_tests_are_those_of_lmertest_and_pbkrtest_singular_fits_included(
    case: Case, method: str, stored: pd.DataFrame
) -> None:
    expected = of_r(stored, case.name, method)
    loglik = analyses(case.design, case.truth, case.n, case.seed).slope.fit.loglik
    assert (loglik > expected["loglik"] - 1e-6).all(), "lmer stands higher"
    # lmer stops short of the optimum now and then: its numbers are not those of the REML fit there.
    same = (loglik < expected["loglik"] + 1e-6).to_numpy()
    assert same.sum() >= 0.9 * len(same)
    found, expected = (
        per_data_set(case.design, case.truth, case.n, case.seed, method)[same],
        expected[same],
    )
    np.testing.assert_array_equal(found["singular"].astype(float), expected["singular"])
    np.testing.assert_allclose(found["estimate"], expected["estimate"], rtol=1e-3, atol=1e-5)
    for column, tolerance in [("se", 1e-3), ("df", 5e-3), ("p", 5e-3)]:
        np.testing.assert_allclose(found[column], expected[column], rtol=tolerance, err_msg=column)


def test_satterthwaite_of_a_balanced_slope_fit_has_the_closed_form() -> None:
    """Derived by hand. Whiten the pairs of means. With one eigenvalue above the pooled σ² (a singular
    fit) the curvature in that eigenvalue, σ² and the angle is diagonal; with two, the effect's variance is a
    Wishart's; with none, all is residual."""
    truth = Truth(slope_sd=0.02, clip=False)
    cells = analyses(Design(6), truth, 400, 3).cells
    m, repeats = 6, np.array([20.0, 30.0])
    white = cells.means * np.sqrt(repeats)[:, None]
    white -= white.mean(axis=0)
    contrast = np.array([-1, 1]) / np.sqrt(repeats)
    expected = []
    for k in range(cells.n):
        values, vectors = np.linalg.eigh(white[:, :, k].T @ white[:, :, k] / (m - 1))
        within, nu = cells.squares[:, k].sum(), cells.layout.within_df
        if values[0] > within / nu:
            expected.append(m - 1)
            continue
        s, top = (within + (m - 1) * values[0]) / (nu + m - 1), values[1]
        if top <= s:
            expected.append(nu + 2 * (m - 1))
            continue
        along, across = (contrast @ vectors[:, 1]) ** 2, (contrast @ vectors[:, 0]) ** 2
        spread = (
            along**2 * top**2 / (m - 1)
            + across**2 * s**2 / (nu + m - 1)
            + 2 * along * across * top * s * (top - s) / ((m - 1) * (top - values[0]))
        )
        expected.append((along * top + across * s) ** 2 / spread)
    found = Analyses(cells).slope.satterthwaite()
    assert len({round(df, 6) for df in expected}) > 50, "singular and interior fits are both there"
    np.testing.assert_allclose(found.df, expected, rtol=1e-6)


def test_in_balanced_designs_cluster_robust_interior_slope_and_paired_t_are_one_statistic() -> None:
    work = analyses(Design(5), Truth(slope_sd=0.05, clip=False), 200, 8)
    paired, robust = (METHODS[name].answer(work) for name in ("paired t", "cluster-robust z"))
    slope = work.slope.z()
    interior = ~work.slope.fit.singular
    assert 50 < interior.sum() < 200
    np.testing.assert_allclose(slope.se[interior], paired.se[interior], rtol=1e-9)
    # but for the (N − 1) / (N − 2) of the usual correction
    np.testing.assert_allclose(robust.se, paired.se * np.sqrt(249 / 248), rtol=1e-12)


def test_cluster_robust_errors_are_those_of_statsmodels() -> None:
    import statsmodels.formula.api as smf

    design = CASES["unequal 6, a session missed"].design
    scores = simulate_many(design, Truth(slope_sd=0.03), 3, 5)
    found = METHODS["cluster-robust z"].answer(Analyses(reduce(Layout.of(design), scores.copy())))
    for k in range(3):
        table = design.table().assign(y=scores[k])
        fit = smf.ols("y ~ session_high", table).fit(
            cov_type="cluster",
            cov_kwds={"groups": table["athlete_id"].astype("category").cat.codes},
        )
        assert found.estimate[k] == pytest.approx(fit.params["session_high"], rel=1e-9)
        assert found.se[k] == pytest.approx(fit.bse["session_high"], rel=1e-9)
        assert found.p_values()[k] == pytest.approx(fit.pvalues["session_high"], rel=1e-7)


def test_the_smallest_sign_flip_p_of_four_athletes_is_one_eighth() -> None:
    p = (
        METHODS["sign flips"]
        .answer(analyses(Design(), Truth(effect=-0.5, clip=False), 50, 1))
        .p_values()
    )
    np.testing.assert_array_equal(p, 0.125)


def test_one_data_set_gets_the_degrees_of_freedom_that_coefficients_prints() -> None:
    """The studies' vectorised algebra against the general one, on designs that R's numbers do not cover."""
    truth = Truth(slope_sd=0.05, clip=False)
    unequal = own((9, 4), (2, 7), (5, 0), (3, 3), (6, 8))
    for seed, design in enumerate([Design(5, {"a": 6, "b": 3, "c": 4}), unequal]):
        table = design.table().assign(score=simulate_many(design, truth, 1, seed)[0])
        for model, re_formula in [("intercept", "~1"), ("slope", "~session_high")]:
            fitted = fit("score ~ session_high", table, groups="athlete_id", re_formula=re_formula)
            for name, ddf in [
                ("Satterthwaite", "satterthwaite"),
                ("Kenward–Roger", "kenward-roger"),
            ]:
                row = coefficients(fitted, ddf=ddf).loc["session_high"]
                found = per_data_set(design, truth, 1, seed, f"{model} {name}").iloc[0]
                assert found["se"] == pytest.approx(row["se"], rel=1e-4)
                assert found["df"] == pytest.approx(row["df"], rel=1e-3)


# Rates against the measured ones ----------------------------------------------------------------------------

# False positives at 5 %, 200 000 data sets a cell, slope SD 0, .02, .05, four then ten athletes
WITHIN = {
    "pooled t": (0.017, 0.136, 0.428, 0.0095, 0.112, 0.400),
    "paired t": (0.050, 0.051, 0.049, 0.049, 0.050, 0.050),
    "intercept z": (0.052, 0.246, 0.555, 0.050, 0.242, 0.548),
    "slope z": (0.029, 0.096, 0.139, 0.034, 0.077, 0.082),
    "slope Satterthwaite": (0.017, 0.045, 0.049, 0.027, 0.049, 0.050),
    "slope Kenward–Roger": (0.0007, 0.015, 0.042, 0.015, 0.046, 0.050),
    "cluster-robust z": (0.144, 0.145, 0.144, 0.081, 0.081, 0.082),
    "cluster-robust t": (0.050, 0.051, 0.049, 0.049, 0.050, 0.049),
}
SINGULAR = (0.78, 0.43, 0.17, 0.66, 0.08, 0.002)
BETWEEN = {  # four, ten athletes
    "pooled t": (0.739, 0.715),
    "t on means": (0.049, 0.051),
    "intercept z": (0.187, 0.087),
    "intercept Satterthwaite": (0.051, 0.051),
    "intercept Kenward–Roger": (0.046, 0.051),
    "cluster-robust z": (0.248, 0.102),
    "cluster-robust t": (0.121, 0.066),
}
POWER = {  # effect −.02 at slope SD 0, .02, .05, then effect −.05
    ("paired t", 4): (0.476, 0.210, 0.086, 0.991, 0.766, 0.271),
    ("paired t", 10): (0.972, 0.627, 0.192, 1, 1, 0.772),
    ("slope Kenward–Roger", 4): (0.203, 0.146, 0.079, 0.988, 0.752, 0.266),
    ("slope Kenward–Roger", 10): (0.963, 0.624, 0.192, 1, 1, 0.772),
}


def assert_rate(found: float, expected: float, n: int, digits: float = 0.0005) -> None:
    """Equal within 4.5 standard errors of both simulations and half the last printed digit."""
    error = np.sqrt(max(expected * (1 - expected), 1e-5) * (1 / n + 1 / 200_000))
    assert abs(found - expected) < 4.5 * error + digits, (found, expected)


def check_within(athletes: int, column: int, n: int) -> None:
    truth = Truth(effect=0, slope_sd=(0, 0.02, 0.05)[column], clip=False)
    table = monte_carlo(Design(athletes), truth, list(WITHIN), n=n, seed=11)
    place = column + (0 if athletes == 4 else 3)
    for method, rates in WITHIN.items():
        assert_rate(table.loc[method, "rejection"], rates[place], n)
        assert table.loc[method, "coverage"] == pytest.approx(1 - table.loc[method, "rejection"])
    assert_rate(table.loc["slope z", "singular"], SINGULAR[place], n, 0.005)


def check_between(athletes: int, n: int) -> None:
    design = Design(athletes, repeats={"low": 50, "high": 50}, between=True)
    table = monte_carlo(design, Truth(effect=0, clip=False), list(BETWEEN), n=n, seed=12)
    for method, rates in BETWEEN.items():
        assert_rate(table.loc[method, "rejection"], rates[athletes == 10], n)


def check_power(athletes: int, column: int, n: int) -> None:
    truth = Truth(
        effect=-0.02 if column < 3 else -0.05, slope_sd=(0, 0.02, 0.05)[column % 3], clip=False
    )
    methods = ["paired t", "slope Kenward–Roger"]
    table = power(Design(athletes), truth, methods, n=n, seed=13).set_index("method")
    for method in methods:
        assert_rate(table.loc[method, "power"], POWER[method, athletes][column], n)


@pytest.mark.parametrize(("athletes", "column"), [(4, 0), (4, 1), (4, 2), (10, 1)])
def test_false_positive_rates_of_a_within_athlete_session(athletes: int, column: int) -> None:
    check_within(athletes, column, 20_000)


@pytest.mark.parametrize("athletes", [4, 10])
def test_false_positive_rates_of_a_between_athlete_factor(athletes: int) -> None:
    check_between(athletes, 20_000)


def test_power_of_the_paired_t_test_and_of_kenward_roger() -> None:
    check_power(4, 1, 20_000)


@pytest.mark.full
@pytest.mark.parametrize("athletes", [4, 10])
@pytest.mark.parametrize("column", range(3))
def test_all_false_positive_rates_within_athletes(athletes: int, column: int) -> None:
    check_within(athletes, column, 200_000)


@pytest.mark.full
@pytest.mark.parametrize("athletes", [4, 10])
def test_all_false_positive_rates_between_athletes(athletes: int) -> None:
    check_between(athletes, 200_000)


@pytest.mark.full
@pytest.mark.parametrize("athletes", [4, 10])
@pytest.mark.parametrize("column", range(6))
def test_all_powers(athletes: int, column: int) -> None:
    check_power(athletes, column, 200_000)


@pytest.mark.full
@pytest.mark.parametrize(
    ("athlete_sd", "rate"), [(0, 0.050), (0.02, 0.040), (0.05, 0.016), (0.10, 0.004)]
)
def test_the_pooled_t_test_loses_rejections_as_athletes_differ(
    athlete_sd: float, rate: float
) -> None:
    truth = Truth(effect=0, athlete_sd=athlete_sd, clip=False)
    table = monte_carlo(Design(), truth, ["pooled t"], 200_000, seed=14)
    assert_rate(table.loc["pooled t", "rejection"], rate, 200_000)


def test_the_boundary_test_of_no_athlete_variance_rejects_too_rarely() -> None:
    """RLRT of τ² = 0, four athletes: .605 of the statistics are 0; the 95 % point is 1.97, not 3.84."""
    n = 40_000
    scores = simulate_many(Design(), Truth(athlete_sd=0, clip=False), n, 15)
    table = Design().table()
    X = np.column_stack([np.ones(len(table)), table["session_high"]])
    freedom = len(X) - 2
    rest = ((scores - scores @ X @ np.linalg.inv(X.T @ X) @ X.T) ** 2).sum(axis=1)
    null = -(freedom * (1 + np.log(2 * np.pi * rest / freedom)) + np.linalg.slogdet(X.T @ X)[1]) / 2
    statistic = 2 * (fit_many(scores, Design()).loglik - null)
    assert statistic.min() > -1e-8
    assert_rate(np.mean(statistic < 1e-8), 0.605, n)
    assert_rate(np.mean(statistic > 1.97), 0.05, n)
    assert_rate(np.mean(statistic > stats.chi2.ppf(0.95, 1)), 0.015, n)
    assert_rate(np.mean(statistic > stats.chi2.ppf(0.90, 1)), 0.030, n)


def test_the_power_of_the_paired_t_test_is_that_of_the_noncentral_t() -> None:
    truth = Truth(effect=-0.03, slope_sd=0.02, clip=False)
    sd = np.sqrt(truth.slope_sd**2 + truth.residual_sd**2 * (1 / 20 + 1 / 30))
    row = monte_carlo(Design(8), truth, ["paired t"], 20_000, seed=4).loc["paired t"]
    shift, limit = abs(truth.effect) / sd * np.sqrt(8), stats.t.ppf(0.975, 7)
    exact = stats.nct.sf(limit, 7, shift) + stats.nct.cdf(-limit, 7, shift)
    assert abs(row["rejection"] - exact) < 4 * row["rejection_error"]
    assert abs(row["coverage"] - 0.95) < 4 * row["coverage_error"]
    assert abs(row["bias"]) < 4 * row["bias_error"]
    assert abs(row["sd"] - sd / np.sqrt(8)) < 4 * row["sd_error"]


def test_type_s_and_type_m_are_those_of_gelman_and_carlin() -> None:
    """For a z-like test: an effect of half a standard error, whose power is about 8 %."""
    design = Design(2, repeats={"low": 100, "high": 100})
    truth = Truth(effect=0.0025, athlete_sd=0, clip=False)
    row = monte_carlo(design, truth, ["pooled t"], 40_000, seed=6).loc["pooled t"]
    shift = truth.effect / (0.05 * np.sqrt(2 / 200))
    limit = stats.t.ppf(0.975, 398)
    right, wrong = stats.norm.sf(limit - shift), stats.norm.cdf(-limit - shift)
    size = right - wrong + (stats.norm.pdf(limit - shift) + stats.norm.pdf(limit + shift)) / shift
    assert abs(row["type_s"] - wrong / (right + wrong)) < 4 * row["type_s_error"]
    assert abs(row["type_m"] - size / (right + wrong)) < 4 * row["type_m_error"]
    assert "type_s" not in monte_carlo(design, Truth(effect=0), ["pooled t"], 500, seed=6)


def test_monte_carlo_errors_are_the_spread_between_repetitions() -> None:
    truth = Truth(effect=-0.02, slope_sd=0.02, clip=False)
    runs = pd.concat(
        [monte_carlo(Design(), truth, ["slope Satterthwaite"], 300, seed=k) for k in range(60)]
    )
    for column in ("rejection", "coverage", "bias", "type_m", "sd", "se", "half_width"):
        ratio = runs[column].std() / runs[f"{column}_error"].mean()
        assert 0.6 < ratio < 1.5, (column, ratio)


def test_clipped_scores_bias_the_estimate_towards_zero() -> None:
    truth = Truth(intercept=0.9, effect=0.05, athlete_sd=0.08, residual_sd=0.10)
    row = monte_carlo(Design(), truth, ["paired t"], 4000, seed=2).loc["paired t"]
    assert 0.034 < truth.effect + row["bias"] < 0.038


# Designs ----------------------------------------------------------------------------------------------------


def test_methods_left_out_are_all_that_the_design_allows() -> None:
    within = monte_carlo(Design(), Truth(), n=50, seed=1).index
    between = monte_carlo(Design(between=True), Truth(), n=50, seed=1).index
    assert set(METHODS) - set(within) == {"t on means"}
    assert set(METHODS) - set(between) == {
        "paired t",
        "sign flips",
        "slope z",
        "slope Satterthwaite",
        "slope Kenward–Roger",
    }


@pytest.mark.parametrize(
    ("method", "design", "words"),
    [
        ("paired t", Design(between=True), "scores in both sessions; the design has 0"),
        ("slope z", Design(between=True), "scores in both sessions"),
        ("t on means", Design(), "two groups of athletes"),
        ("t on means", Design(2, between=True), "three athletes"),
        ("intercept z", Design(2, between=True), "three athletes"),
        ("cluster-robust t", Design(3, between=True), "two athletes or more in each session"),
        ("sign flips", Design(15), "at most 14 athletes"),
        ("slope Satterthwaite", Design(repeats={"a": 1, "b": 1}), "repeats within sessions"),
        (
            "Welch t",
            Design(2, repeats={"a": 1, "b": 1}, between=True),
            "two scores or more in each session",
        ),
    ],
)
def test_a_method_that_the_design_does_not_allow_is_refused_by_name(
    method: str, design: Design, words: str
) -> None:
    with pytest.raises(ValueError, match=rf"method '{method}' needs .*{words}"):
        monte_carlo(design, Truth(), [method], n=10, seed=1)


@pytest.mark.parametrize(
    "design",
    [
        Design(2),
        Design(3, between=True),
        Design(2, between=True),
        Design(2, repeats={"a": 2, "b": 1}),
        Design(3, repeats={"a": 1, "b": 1}),
        Design(5, repeats={"a": 4, "b": 3, "c": 2}),
        Design(3, [{"a": 3, "b": 2}, {"a": 3, "b": 0}, {"a": 1, "b": 4}]),
        own((3, 2), (3, 0), (0, 4), (1, 1)),
        Design(2, [{"a": 3, "b": 0}, {"a": 2, "b": 2}]),
    ],
    ids=str,
)
def test_every_method_that_a_small_design_allows_gives_rates(design: Design) -> None:
    table = monte_carlo(design, Truth(slope_sd=0.02, clip=False), n=300, seed=1)
    assert table[["rejection", "coverage", "bias", "sd", "rejection_error"]].notna().all(axis=None)
    assert (table["undefined"] == 0).all()


def test_data_sets_without_spread_are_counted_and_left_out() -> None:
    """Nearly all scores are clipped to 1: often all differences between athletes vanish."""
    truth = Truth(intercept=1, effect=0, athlete_sd=0.0, residual_sd=0.01)
    design = Design(2, repeats={"a": 1, "b": 1})
    table = monte_carlo(design, truth, ["pooled t", "paired t"], n=4000, seed=3)
    # Both athletes' differences are equal when all four scores are 1 (1 in 16): no other way has a chance.
    assert abs(table.loc["paired t", "undefined"] - 250) < 4 * np.sqrt(250)
    assert table["undefined"].nunique() == 1
    assert table[["rejection", "coverage", "bias", "se"]].notna().all(axis=None)


# Digits, memory, speed --------------------------------------------------------------------------------------


def test_the_first_data_sets_are_those_of_simulate_many_in_any_number() -> None:
    truth, design = Truth(slope_sd=0.02), CASES["unequal 4"].design
    n = 700
    found = monte_carlo(design, truth, ["paired t"], n=n, seed=5).loc["paired t"]
    scores = (
        pd.DataFrame(simulate_many(design, truth, n, 5).T)
        .groupby(list(design.row_index[:2]))
        .mean()
    )
    differences = scores.xs(1, level=1) - scores.xs(0, level=1)
    assert found["bias"] == pytest.approx(differences.mean().mean() - truth.effect, rel=1e-9)
    assert found["rejection"] == np.mean(stats.ttest_1samp(differences, 0).pvalue < 0.05)


def check_workers(backend: str) -> None:
    truth, design = Truth(effect=-0.02, slope_sd=0.02), CASES["unequal 10"].design
    one = monte_carlo(design, truth, n=4000, seed=1)
    with joblib.parallel_config(backend=backend):
        two = monte_carlo(design, truth, n=4000, seed=1, workers=2)
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_two_threads_give_the_same_digits_as_one() -> None:
    check_workers("threading")


@pytest.mark.full
def test_two_processes_give_the_same_digits_as_one() -> None:
    check_workers("loky")


@pytest.mark.full
def test_the_same_call_runs_on_a_dask_cluster_with_the_same_digits() -> None:
    from distributed import Client, LocalCluster

    truth, design = Truth(effect=-0.02, slope_sd=0.02), Design(10)
    expected = monte_carlo(design, truth, n=12_000, seed=1)
    local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with local as cluster, Client(cluster) as client:
        before = sum(client.run(lambda: __import__("time").process_time()).values())
        with joblib.parallel_config(backend="dask"):
            found = monte_carlo(design, truth, n=12_000, seed=1)
        after = sum(client.run(lambda: __import__("time").process_time()).values())
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert after - before > 0.1, "the cluster's processes did the work"


@pytest.mark.full
def test_a_million_data_sets_need_less_than_a_gigabyte() -> None:
    tracemalloc.start()
    monte_carlo(Design(), Truth(effect=0, slope_sd=0.02, clip=False), n=1_000_000, seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**30 / 4


@pytest.mark.full
def test_all_methods_together_cost_little_more_than_the_drawing_of_the_scores() -> None:
    """The computer's speed cancels: 10 000 experiments against the drawing of their two million normals."""

    def fastest(work: Callable[[], object]) -> float:
        times = []
        for _ in range(7):
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
        return min(times)

    rng = np.random.default_rng(1)
    monte_carlo(Design(), Truth(clip=False), n=512, seed=1)
    all_methods = fastest(
        lambda: monte_carlo(Design(), Truth(slope_sd=0.02, clip=False), n=10_000, seed=1)
    )
    assert all_methods < 12 * fastest(lambda: rng.standard_normal((10_000, 200)))


# Planning ---------------------------------------------------------------------------------------------------


def test_power_of_a_grid_has_the_figures_that_each_design_has_alone() -> None:
    grid = design_grid([4, 6], [10, {"session_20": 20, "session_30": 30}])
    assert list(grid) == [
        "4 athletes, 10 + 10 repeats",
        "4 athletes, 20 + 30 repeats",
        "6 athletes, 10 + 10 repeats",
        "6 athletes, 20 + 30 repeats",
    ]
    truth = Truth(effect=-0.03, slope_sd=0.02)
    table = power(grid, truth, ["paired t", "slope kenward-roger"], n=600, seed=3)
    assert len(table) == 8 and list(table["athletes"]) == [4] * 4 + [6] * 4
    for label, design in grid.items():
        alone = monte_carlo(design, truth, ["paired t", "slope Kenward–Roger"], 600, seed=3)
        part = table[table["design"] == label].set_index("method")
        np.testing.assert_array_equal(part["power"], alone["rejection"])
        np.testing.assert_array_equal(part["half_width"], alone["half_width"])
        assert (part["rows"] == design.rows).all()


def test_when_athletes_tire_differently_athletes_help_and_repeats_soon_stop() -> None:
    designs = {
        "few": Design(4, {"a": 20, "b": 30}),
        "repeats": Design(4, {"a": 100, "b": 150}),
        "athletes": Design(8),
    }
    table = power(
        designs, Truth(effect=-0.05, slope_sd=0.03, clip=False), ["paired t"], n=6000, seed=1
    )
    sds = table.set_index("design")["sd"]
    for label, m, a, b in [("few", 4, 20, 30), ("repeats", 4, 100, 150), ("athletes", 8, 20, 30)]:
        assert sds[label] == pytest.approx(
            np.sqrt((0.03**2 + 0.05**2 * (1 / a + 1 / b)) / m), rel=0.04
        )


@pytest.mark.parametrize(
    ("designs", "error", "words"),
    [
        ([], ValueError, "designs must hold one design"),
        ({"a": 4}, TypeError, "design must be a Design"),
        (
            [Design(), Design()],
            ValueError,
            "two that are both called '4 athletes, 20 \\+ 30 repeats'",
        ),
        ({4: Design()}, TypeError, "labels that are text"),
        (4, TypeError, "designs must be a Design"),
        ("Design()", TypeError, "designs must be a Design"),
        ({"a": Design(between=True)}, ValueError, "design 'a': method 'paired t' needs"),
    ],
)
def test_power_names_what_is_wrong_with_its_designs(
    designs: object, error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        power(designs, Truth(), ["paired t"], n=10, seed=1)  # type: ignore[arg-type]


def test_power_of_no_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="truth.effect must not be 0"):
        power(Design(), Truth(effect=0), n=10, seed=1)


# Bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"n": 0}, ValueError, "n must be 1 or more"),
        ({"n": 10.0}, TypeError, "n must be a whole number"),
        ({"n": True}, TypeError, "n must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be a whole number"),
        ({"seed": None}, ValueError, "seed must be a whole number"),
        ({"level": 95}, ValueError, "level must lie between 0 and 1"),
        ({"level": "95 %"}, TypeError, "level must be a number"),
        ({"level": float("nan")}, ValueError, "level must lie"),
        ({"workers": 0}, ValueError, "workers must be 1 or more"),
        ({"workers": "all"}, TypeError, "workers must be a whole number"),
        ({"methods": "paired t"}, TypeError, "methods must be a list"),
        ({"methods": []}, ValueError, "methods must name one"),
        (
            {"methods": ["t test"]},
            ValueError,
            "does not know 't test'; it knows pooled t, Welch t, paired t",
        ),
        ({"methods": ["paired t", "Paired  T"]}, ValueError, "paired t more than once"),
        ({"design": 4}, TypeError, "design must be a Design"),
        ({"truth": 0.08}, TypeError, "truth must be a Truth"),
        ({"truth": Truth(residual_sd=0)}, ValueError, "truth.residual_sd must be above 0"),
        (
            {"truth": Truth(intercept=1, effect=1, athlete_sd=0, residual_sd=1e-15)},
            ValueError,
            "no answer in",
        ),
        (
            {"truth": Truth(residual_sd=1e-16), "methods": ["slope z"]},
            ValueError,
            "'slope z' has no answer in",
        ),
    ],
)
def test_bad_input_names_the_argument(changed: dict, error: type, words: str) -> None:
    given = {"design": Design(), "truth": Truth(), "n": 100, "seed": 1} | changed
    with pytest.raises(error, match=words):
        monte_carlo(**given)
