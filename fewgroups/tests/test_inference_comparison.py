"""Model comparison and the parametric bootstrap: R's numbers, null distributions, what is told, what is refused."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.batch import fit_many
from fewgroups.comparison import compare
from fewgroups.fitting import fit
from fewgroups.resampling import batch_slopes, bootstrap, refit, simulate_from
from running_example import Design, Truth, simulate, simulate_many
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM

REFERENCE = Path(__file__).parent / "reference"
ANSWERS = json.loads((REFERENCE / "comparison.json").read_text(encoding="utf-8"))
FACTORS = "Subject batch cask plate sample Worker Machine block recipe temperature Batch".split()

SLEEP = {"data": "sleepstudy", "groups": "Subject", "formula": "Reaction ~ Days"}
SLOPES = SLEEP | {"re_formula": "~Days"}
INDEPENDENT = SLEEP | {"vc_formula": {"slope": "0 + Days"}}
PASTES = {"data": "Pastes", "groups": "batch", "formula": "strength ~ 1"}
PENICILLIN = {"data": "Penicillin", "groups": "all", "formula": "diameter ~ 1", "re_formula": None}
PLATES = {"plate": "0 + C(plate)"}
MACHINES = {"data": "Machines", "groups": "Worker", "formula": "score ~ Machine"}
CAKE = {"data": "cake", "groups": "block"}
REML = {"reml": True}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "days": (SLOPES | {"formula": "Reaction ~ 1"} | REML, SLOPES | REML),
    "slope_reml": (SLEEP | REML, SLOPES | REML),
    "slope_ml": (SLEEP, SLOPES),
    "correlation": (INDEPENDENT | REML, SLOPES | REML),
    "independent_slope": (SLEEP | REML, INDEPENDENT | REML),
    "nested_component": (PASTES | REML, PASTES | {"vc_formula": {"cask": "0 + C(cask)"}} | REML),
    "crossed_component": (
        PENICILLIN | {"vc_formula": PLATES},
        PENICILLIN | {"vc_formula": PLATES | {"sample": "0 + C(sample)"}},
    ),
    "symmetric_to_full": (
        MACHINES | {"vc_formula": {"Machine": "0 + C(Machine)"}} | REML,
        MACHINES | {"re_formula": "~Machine"} | REML,
    ),
    "several_terms": (
        CAKE | {"formula": "angle ~ temperature"},
        CAKE | {"formula": "angle ~ recipe * temperature"} | REML,
    ),
    "fixed_and_slope": (SLEEP | {"formula": "Reaction ~ 1"}, SLOPES),
}
MIXTURES = {
    "days": ((1.0, 1),),
    "slope_reml": ((0.5, 1), (0.5, 2)),
    "correlation": ((1.0, 1),),
    "independent_slope": ((0.5, 0), (0.5, 1)),
    "nested_component": ((0.5, 0), (0.5, 1)),
    "crossed_component": ((0.5, 0), (0.5, 1)),
    "symmetric_to_full": ((1.0, 4),),
    "several_terms": ((1.0, 12),),
    "fixed_and_slope": ((0.5, 2), (0.5, 3)),
}


def public_data(name: str) -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "data" / f"{name}.csv")
    return data.astype({column: str for column in FACTORS if column in data}).assign(all="all")


@cache
def _fitted(key: str) -> Any:
    request = json.loads(key)
    request["data"] = public_data(request["data"])
    return fit(**({"reml": False} | request))


def fitted(request: dict[str, Any]) -> Any:
    return _fitted(json.dumps(request, sort_keys=True))


@cache
def push_ups(
    formula: str = "correctness ~ session_high", slopes: bool = False, reml: bool = True
) -> Any:
    data = simulate(Design(), Truth(), 42)
    return fit(formula, data, "athlete_id", "~session_high" if slopes else "~1", reml=reml)


@cache
def dyestuff(reml: bool) -> tuple[Any, Any]:
    data = public_data("Dyestuff")
    return smf.ols("Yield ~ 1", data).fit(), fit("Yield ~ 1", data, "Batch", reml=reml)


# ---- R's numbers -----------------------------------------------------------------------------------------


def check_against(answer: dict[str, Any], ours: Any) -> None:
    assert ours.statistic == pytest.approx(answer["statistic"], abs=2e-5)
    assert (ours.df, list(ours.parameters)) == (answer["df"], answer["parameters"])
    np.testing.assert_allclose(ours.loglik, answer["loglik"], atol=1e-5)
    assert ours.p == pytest.approx(answer["p"], rel=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_the_likelihood_ratio_agrees_with_lme4s_anova(name: str) -> None:
    small, large = map(fitted, CASES[name])
    check_against(ANSWERS[name], compare(small, large))


@pytest.mark.parametrize("reml", [True, False])
def test_a_random_intercept_is_compared_with_an_ordinary_regression(reml: bool) -> None:
    small, large = dyestuff(reml)
    check_against(ANSWERS["regression_reml" if reml else "regression_ml"], compare(small, large))


def test_the_bootstrap_agrees_with_pbkrtest_within_monte_carlo_error() -> None:
    answer = ANSWERS["bootstrap"]
    data = public_data("sleepstudy").query("Days < 2")
    small, large = (fit(f"Reaction ~ {term}", data, "Subject") for term in ("1", "Days"))
    ours = compare(small, large, "bootstrap", 5000, seed=1)
    theirs_error = np.sqrt(answer["p"] * (1 - answer["p"]) / answer["n"])
    assert ours.statistic == pytest.approx(answer["statistic"], abs=1e-5)
    assert abs(ours.p - answer["p"]) < 3 * np.hypot(ours.p_error, theirs_error)


# ---- null distributions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIXTURES)
def test_the_mixture_is_the_one_for_what_is_added(name: str) -> None:
    small, large = map(fitted, CASES[name])
    ours = compare(small, large, "boundary")
    assert ours.mixture is not None and ours.mixture == MIXTURES[name]
    tails = [weight * stats.chi2.sf(ours.statistic, df) for weight, df in ours.mixture if df]
    assert ours.p == pytest.approx(sum(tails), rel=1e-10)


def test_two_added_variances_have_no_simple_mixture() -> None:
    data = simulate(Design(), Truth(), 42)
    small = smf.ols("correctness ~ session_high", data).fit()
    with pytest.raises(ValueError, match="2 variances are at their bound; use method='bootstrap'"):
        compare(small, push_ups(slopes=True), "boundary")
    assert any("2 variances" in note for note in compare(small, push_ups(slopes=True)).notes)


def test_a_ratio_of_zero_has_p_one() -> None:
    data = simulate(Design(), Truth(athlete_sd=0), 1)
    large = fit("correctness ~ session_high", data, "athlete_id")
    small = smf.ols("correctness ~ session_high", data).fit()
    assert large.report.singular
    ours = compare(small, large, "boundary")
    assert (ours.statistic, ours.p) == (0, 1)
    assert compare(small, large, "bootstrap", 99, seed=1).p == 1
    assert any("estimated as zero" in note for note in ours.notes)


def test_the_bootstrap_null_of_the_athlete_variance_is_zero_as_often_as_measured() -> None:
    """P(RLRT = 0) = .605 and 95 % point 1.97 for 4 athletes × 50: measured with 200 000 data sets, exact in σ and β."""
    small = smf.ols("correctness ~ session_high", simulate(Design(), Truth(), 42)).fit()
    null = compare(small, push_ups(), "bootstrap", 20_000, seed=3).null
    assert null is not None
    assert np.mean(null == 0) == pytest.approx(0.605, abs=4 * np.sqrt(0.605 * 0.395 / 20_000))
    assert np.mean(null > 1.97) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_bootstrap_p_counts_the_observed_ratio_among_the_drawn_ones() -> None:
    ours = compare(push_ups(), push_ups(slopes=True), "bootstrap", 199, seed=5)
    assert ours.null is not None and ours.null.shape == (199,)
    assert ours.p == (1 + np.sum(ours.null >= ours.statistic - 1e-6)) / 200
    assert ours.p_error == pytest.approx(np.sqrt(ours.p * (1 - ours.p) / 200))


@pytest.mark.parametrize("reml", [True, False])
def test_an_ordinary_regression_has_the_likelihood_of_a_zero_variance(reml: bool) -> None:
    model = push_ups().model
    bare = OLS(model.endog, model.exog)
    residuals = model.endog - model.exog @ np.linalg.lstsq(model.exog, model.endog, rcond=None)[0]
    n, p = model.exog.shape
    df = n - p if reml else n
    scale = residuals @ residuals / df
    expected = -0.5 * (df * np.log(2 * np.pi * scale) + df)
    expected -= 0.5 * np.linalg.slogdet(model.exog.T @ model.exog)[1] if reml else 0
    assert refit(bare, model.endog[None], reml).loglik[0] == pytest.approx(expected, abs=1e-9)


# ---- what is told ----------------------------------------------------------------------------------------


def test_different_fixed_effects_are_refitted_by_ml_and_told() -> None:
    null = "correctness ~ 1"
    told = compare(push_ups(null), push_ups())
    by_ml = compare(push_ups(null, reml=False), push_ups(reml=False))
    assert not told.reml and told.statistic == by_ml.statistic
    assert any("refitted by ML" in note for note in told.notes)
    assert not any("refitted by ML" in note for note in by_ml.notes)


def test_reml_is_kept_when_only_random_effects_differ_however_x_is_coded() -> None:
    plain = compare(push_ups(), push_ups(slopes=True))
    recoded = compare(push_ups("correctness ~ 0 + C(session_label)"), push_ups(slopes=True))
    assert plain.reml and recoded.reml
    assert recoded.statistic == pytest.approx(plain.statistic, abs=1e-7)
    mixed = compare(push_ups(reml=False), push_ups(slopes=True))
    assert not mixed.reml and any("the other by REML" in note for note in mixed.notes)


def test_few_groups_earn_a_caution_with_the_exact_size_and_many_do_not() -> None:
    few = compare(push_ups("correctness ~ 1"), push_ups())
    assert any(
        "Few groups (4)" in note and "12 %" in note and "Kenward–Roger" in note
        for note in few.notes
    )
    many = compare(*map(fitted, CASES["several_terms"]))
    assert not any("roups" in note for note in many.notes)
    # that size, by simulation: normal values of 4 groups, their mean tested against zero
    values = np.random.default_rng(1).standard_normal((100_000, 4))
    ratio = 4 * np.log(np.mean(values**2, axis=1) / np.var(values, axis=1))
    assert np.mean(ratio > stats.chi2.ppf(0.95, 1)) == pytest.approx(0.115, abs=0.003)


def test_the_comparison_reads_in_words_and_in_html() -> None:
    ours = compare(push_ups(), push_ups(slopes=True), "boundary")
    for text in (
        "adds the variance of session_high and a covariance",
        "½χ²(1) + ½χ²(2)",
        "p = 0.943",
    ):
        assert text in " ".join(str(ours).split()) and text in ours._repr_html_()


def test_what_a_freed_covariance_matrix_adds_is_not_called_covariances_alone() -> None:
    freed = compare(
        *map(fitted, CASES["symmetric_to_full"])
    )  # one spread and one correlation become 3 and 3
    assert "adds 4 variances and covariances." in freed.sentence
    turned = push_ups("correctness ~ 0 + C(session_label)"), push_ups(slopes=True)
    assert "adds the variance of session_high and a covariance." in compare(*turned).sentence
    correlated = compare(*map(fitted, CASES["correlation"]))
    assert "adds a covariance." in correlated.sentence


# ---- what is refused -------------------------------------------------------------------------------------


def test_models_that_are_not_nested_are_refused_with_the_reason() -> None:
    data = simulate(Design(), Truth(), 42).assign(again=lambda d: d["repeat_id"])
    other = fit("correctness ~ again", data, "athlete_id")
    with pytest.raises(ValueError, match="fixed effects again are not in larger"):
        compare(other, push_ups())
    with pytest.raises(ValueError, match="swapped"):
        compare(push_ups(), push_ups("correctness ~ 1"))
    with pytest.raises(ValueError, match="swapped"):
        compare(push_ups(slopes=True), push_ups())
    with pytest.raises(ValueError, match="same model"):
        compare(push_ups(), push_ups(reml=False))
    with pytest.raises(ValueError, match="correlated random effects of Intercept, Days .* swapped"):
        compare(*map(fitted, reversed(CASES["correlation"])))
    plate, both = CASES["crossed_component"]
    with pytest.raises(ValueError, match="random effect plate"):
        compare(fitted(plate), fitted(PENICILLIN | {"vc_formula": {"sample": "0 + C(sample)"}}))


def test_other_rows_scores_and_groups_are_refused() -> None:
    data = simulate(Design(), Truth(), 42)
    formula = "correctness ~ session_high"
    fewer = fit("correctness ~ 1", data.iloc[:-1], "athlete_id")
    with pytest.raises(ValueError, match="199 rows and larger 200"):
        compare(fewer, push_ups())
    with pytest.raises(ValueError, match="199 rows and larger 200"):
        compare(smf.ols(formula, data.iloc[1:]).fit(), push_ups())
    shuffled = fit(
        "correctness ~ 1", data.sample(frac=1, random_state=1).reset_index(drop=True), "athlete_id"
    )
    with pytest.raises(ValueError, match="another order"):
        compare(shuffled, push_ups())
    with pytest.raises(ValueError, match="different groups"):
        compare(fit("correctness ~ 1", data, "repeat_id"), push_ups())
    renamed = fit("correctness ~ 1", data.assign(code=data["athlete_id"].str[-2:]), "code")
    assert (
        compare(renamed, push_ups()).statistic
        == compare(push_ups("correctness ~ 1"), push_ups()).statistic
    )


def test_each_wrong_argument_is_named() -> None:
    small, large = push_ups("correctness ~ 1"), push_ups()
    regression = smf.ols("correctness ~ 1", simulate(Design(), Truth(), 42)).fit()
    with pytest.raises(TypeError, match="larger is an ordinary regression"):
        compare(small, regression)
    with pytest.raises(TypeError, match="larger: result"):
        compare(small, None)
    with pytest.raises(TypeError, match="smaller: result"):
        compare("small", large)
    with pytest.raises(
        ValueError, match="method must be one of 'lrt', 'boundary', 'bootstrap', not 'wald'"
    ):
        compare(small, large, "wald")
    for n, seed, error, match in (
        (10, None, TypeError, "seed must be a whole number"),
        (10, -1, ValueError, "seed must"),
        (0, 1, ValueError, "n must"),
        (2.5, 1, TypeError, "n must"),
        (True, 1, TypeError, "n must"),
    ):
        with pytest.raises(error, match=match):
            compare(small, large, "bootstrap", n, seed)  # type: ignore[arg-type]
        with pytest.raises(error, match=match):
            simulate_from(large, n, seed)  # type: ignore[arg-type]
        with pytest.raises(error, match=match):
            bootstrap(large, n, seed=seed)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="mixed model"):
        simulate_from(regression, 2, 1)
    with pytest.raises(ValueError, match="n must be 2 or more"):
        bootstrap(large, 1, seed=1)
    drawn = bootstrap(large, 38, seed=1)
    with pytest.raises(ValueError, match="level 0.95 needs 39 draws"):
        drawn.intervals()
    with pytest.raises(ValueError, match="level must be"):
        drawn.intervals(95)
    with pytest.raises(ValueError, match="kind must be one of"):
        drawn.intervals(0.5, "normal")


# ---- new data and the bootstrap --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_", [SLOPES, CASES["nested_component"][1], CASES["crossed_component"][1]]
)
def test_new_data_have_the_mean_and_covariance_of_the_fit(request_: dict[str, Any]) -> None:
    result = fitted(request_)
    model = result.model
    scores = simulate_from(result, 20_000, 7)
    V = np.eye(len(model.endog)) * result.scale
    for group, name in enumerate(model.group_labels):
        here = np.ix_(model.row_indices[name], model.row_indices[name])
        if model.k_re:
            V[here] += (
                model.exog_re_li[group] @ np.asarray(result.cov_re) @ model.exog_re_li[group].T
            )
        for variance, mats in zip(result.vcomp, model.exog_vc.mats, strict=True):
            V[here] += variance * mats[group] @ mats[group].T
    sd = np.sqrt(np.diag(V))
    expected = model.exog @ np.asarray(result.fe_params)
    # six standard errors: none of the thousands of entries lies beyond by chance
    assert np.max(np.abs(scores.mean(axis=0) - expected) / sd) < 6 / np.sqrt(20_000)
    spread = np.cov(scores.T) - V
    assert np.max(np.abs(spread) / np.sqrt(np.outer(sd**2, sd**2) + V**2)) < 6 / np.sqrt(20_000)


def test_new_data_have_the_same_digits_however_many_are_drawn() -> None:
    result = push_ups(slopes=True)
    many = simulate_from(result, 700, 3)
    assert many.shape == (700, 200)
    np.testing.assert_array_equal(simulate_from(result, 5, 3), many[:5])
    assert not np.array_equal(simulate_from(result, 5, 4), many[:5])


@pytest.mark.parametrize("slopes", [False, True])
def test_the_batch_engine_and_single_refits_find_the_same_estimates(slopes: bool) -> None:
    model = push_ups(slopes=slopes).model
    scores = simulate_from(push_ups(slopes=slopes), 10, 11)
    # the same random effects, scaled by two: no layout of the batch engine, the same likelihood
    exog_re = 2 * np.asarray(model.exog_re)
    single = MixedLM(model.endog, model.exog, model.groups, exog_re=exog_re)
    assert batch_slopes(model) is slopes and batch_slopes(single) is None
    batch, alone = refit(model, scores, True), refit(single, scores, True)
    np.testing.assert_allclose(alone.loglik, batch.loglik, atol=1e-6)
    np.testing.assert_allclose(alone.beta, batch.beta, atol=1e-5)
    np.testing.assert_allclose(4 * alone.cov_re, batch.cov_re, atol=1e-5)
    np.testing.assert_array_equal(alone.singular, batch.singular)


def test_bootstrap_draws_are_the_fits_of_the_simulated_data() -> None:
    result = push_ups(slopes=True)
    drawn = bootstrap(result, 50, seed=2)
    # the fit stands 1e-9 σ² beside its singular optimum, from which bootstrap draws
    fits = fit_many(
        simulate_from(result, 50, 2), result.model.exog, result.model.groups, slopes=True
    )
    terms = [
        "Intercept",
        "session_high",
        "sd(Intercept)",
        "sd(session_high)",
        "cor(Intercept, session_high)",
    ]
    assert list(drawn.draws) == [*terms, "sd(residual)"] and len(drawn.draws) == 50
    np.testing.assert_allclose(drawn.draws[terms[:2]], fits.estimate, atol=1e-5)
    np.testing.assert_allclose(drawn.draws["sd(residual)"], np.sqrt(fits.scale), atol=1e-5)
    assert any("singular" in note for note in drawn.notes)


def test_bootstrap_estimates_have_the_spread_that_new_studies_have() -> None:
    truth = Truth(
        effect=-0.08,
        athlete_sd=result_sd(),
        residual_sd=float(np.sqrt(push_ups().scale)),
        clip=False,
    )
    fresh = fit_many(simulate_many(Design(), truth, 20_000, 9), Design())
    drawn = bootstrap(push_ups(), 20_000, seed=9)
    assert drawn.draws["session_high"].std() == pytest.approx(fresh.estimate[:, 1].std(), rel=0.03)
    assert drawn.draws["sd(Intercept)"].std() == pytest.approx(
        np.sqrt(fresh.cov_re[:, 0, 0]).std(), rel=0.03
    )


def result_sd() -> float:
    return float(np.sqrt(np.asarray(push_ups().cov_re)[0, 0]))


def test_intervals_are_quantiles_of_the_draws() -> None:
    drawn = bootstrap(push_ups(), 999, seed=1)
    table = drawn.intervals(0.9)
    ordered = np.sort(drawn.draws["session_high"])
    assert table.loc["session_high", "low"] == pytest.approx(ordered[49])
    assert table.loc["session_high", "high"] == pytest.approx(ordered[949])
    basic = drawn.intervals(0.9, "basic")
    middle = 2 * table.loc["session_high", "estimate"]
    assert basic.loc["session_high", "low"] == pytest.approx(
        middle - table.loc["session_high", "high"]
    )
    assert (basic["low"].loc[["sd(Intercept)", "sd(residual)"]] >= 0).all()
    assert "session_high" in str(drawn) and "<table" in drawn._repr_html_()
    assert len(bootstrap(push_ups(), 2, seed=1).draws) == 2  # the fewest that have a spread
    assert "session_high   -0.0727\n" in str(
        bootstrap(push_ups(), 5, seed=1)
    )  # too few for intervals


def test_any_model_can_be_bootstrapped_one_fit_at_a_time() -> None:
    drawn = bootstrap(fitted(CASES["nested_component"][1]), 20, seed=1)
    assert list(drawn.draws) == ["Intercept", "sd(Intercept)", "sd(cask)", "sd(residual)"]
    assert drawn.draws.notna().all(axis=None) and (drawn.draws.std() > 0).all()


@pytest.mark.full
def test_ten_thousand_refits_of_the_push_up_model_take_less_than_two_seconds() -> None:
    result = push_ups()
    start = time.perf_counter()
    bootstrap(result, 10_000, seed=1)
    assert time.perf_counter() - start < 2
