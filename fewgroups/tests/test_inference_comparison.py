"""Model comparison and the parametric bootstrap: R's numbers, null distributions, what is said, what is refused."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import statsmodels.formula.api as smf
from fewgroups.comparison import refit
from fewgroups.likelihood import optimum
from fewgroups.structure import Structure
from public_data import REFERENCE, covariance, load, public_fit, push_ups, request
from running_example import Design, Truth, simulate
from scipy import stats

from fewgroups import bootstrap, compare, fit, fit_many, simulate_from

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # none beside a right number
ANSWERS = json.loads((REFERENCE / "comparison.json").read_text(encoding="utf-8"))
SESSIONS = "correctness ~ session_high"
SMALLER: dict[str, tuple[str, dict[str, Any]]] = {  # a public fit, changed
    "slopes alone": ("sleepstudy_slopes", {"formula": "Reaction ~ 1"}),
    "levels alone": ("sleepstudy_intercept", {"formula": "Reaction ~ 1"}),
    "batches": ("pastes", {"vc_formula": None}),
    "plates": ("penicillin", {"vc_formula": {"plate": "0 + C(plate)"}}),
    "samples": ("penicillin", {"vc_formula": {"sample": "0 + C(sample)"}}),
    "temperature": ("cake", {"formula": "angle ~ temperature"}),
}
REML, ML = (True, True), (False, False)
ONE: Any = ((0.5, 0), (0.5, 1))  # the mixture for one variance
CASES: dict[str, tuple[str, str, tuple[bool, bool], Any]] = {  # smaller, larger, mixture
    "days": ("slopes alone", "sleepstudy_slopes", REML, ((1.0, 1),)),
    "slope_reml": ("sleepstudy_intercept", "sleepstudy_slopes", REML, ((0.5, 1), (0.5, 2))),
    "slope_ml": ("sleepstudy_intercept", "sleepstudy_slopes", ML, ((0.5, 1), (0.5, 2))),
    "correlation": ("sleepstudy_independent", "sleepstudy_slopes", REML, ((1.0, 1),)),
    "independent_slope": ("sleepstudy_intercept", "sleepstudy_independent", REML, ONE),
    "nested_component": ("batches", "pastes", REML, ONE),
    "crossed_component": ("plates", "penicillin", ML, ONE),
    "symmetric_to_full": ("machines_nested", "machines_slopes", REML, ((1.0, 4),)),
    "several_terms": ("temperature", "cake", (False, True), ((1.0, 12),)),
    "fixed_and_slope": ("levels alone", "sleepstudy_slopes", ML, ((0.5, 2), (0.5, 3))),
    "regression_reml": ("regression", "dyestuff", REML, ONE),
    "regression_ml": ("regression", "dyestuff", ML, ONE),
}


@cache
def fitted(name: str, reml: bool) -> Any:
    if name == "regression":
        return smf.ols("Yield ~ 1", request("dyestuff")["data"]).fit()
    if name not in SMALLER:
        return public_fit(name, reml)
    base, changes = SMALLER[name]
    return fit(**(request(base) | changes), reml=reml)


def pair_of(name: str) -> list[Any]:
    """The smaller and the larger fit of a case."""
    *names, reml, _ = CASES[name]
    return [fitted(*asked) for asked in zip(names, reml, strict=True)]


# ---- R's numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_likelihood_ratio_agrees_with_lme4s_anova(name: str) -> None:
    answer, ours = ANSWERS[name], compare(*pair_of(name))
    assert ours.statistic == pytest.approx(answer["statistic"], abs=2e-5)
    assert (ours.df, list(ours.parameters)) == (answer["df"], answer["parameters"])
    np.testing.assert_allclose(ours.loglik, answer["loglik"], atol=1e-5)
    assert ours.p == pytest.approx(answer["p"], rel=1e-4)


def test_the_bootstrap_agrees_with_pbkrtest_within_monte_carlo_error() -> None:
    answer, data = ANSWERS["bootstrap"], load("sleepstudy").query("Days < 2")
    small, large = (fit(f"Reaction ~ {term}", data, "Subject") for term in ("1", "Days"))
    ours = compare(small, large, "bootstrap", 5000, seed=1)
    theirs_error = np.sqrt(answer["p"] * (1 - answer["p"]) / answer["n"])
    assert ours.statistic == pytest.approx(answer["statistic"], abs=1e-5)
    assert abs(ours.p - answer["p"]) < 3 * np.hypot(ours.p_error, theirs_error)


# ---- null distributions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_mixture_is_the_one_for_what_is_added(name: str) -> None:
    ours = compare(*pair_of(name), "boundary")
    expected = CASES[name][-1]
    assert ours.mixture == expected
    tails = [weight * stats.chi2.sf(ours.statistic, df) for weight, df in expected if df]
    assert ours.p == pytest.approx(sum(tails), rel=1e-10)
    told = " ".join(compare(*pair_of(name)).notes)  # how to mend the p of the likelihood ratio
    assert ("half of this p is right" in told) == (expected == ONE)
    assert ("the average of the p" in told) == (len(tails) == 2)


def test_two_added_variances_have_no_simple_mixture() -> None:
    small = smf.ols(SESSIONS, load("pushups")).fit()
    with pytest.raises(ValueError, match="2 variances are at their bound; use method='bootstrap'"):
        compare(small, push_ups(slopes=True), "boundary")
    assert any("2 variances" in note for note in compare(small, push_ups(slopes=True)).notes)


def test_a_ratio_of_zero_has_p_one() -> None:
    data = simulate(Design(), Truth(athlete_sd=0), 1)
    large, small = fit(SESSIONS, data, "athlete_id"), smf.ols(SESSIONS, data).fit()
    assert large.report.singular
    ours = compare(small, large, "boundary")
    assert (ours.statistic, ours.p) == (0, 1)
    assert compare(small, large, "bootstrap", 99, seed=1).p == 1
    assert any("estimated as zero" in note for note in ours.notes)


def test_the_bootstrap_null_of_the_group_variance_is_zero_as_often_as_measured() -> None:
    """P(RLRT = 0) = .605 and 95 % point 1.97 for 4 groups × 50: measured with 200 000 data sets, exact in σ and β."""
    small = smf.ols(SESSIONS, load("pushups")).fit()
    null = compare(small, push_ups(), "bootstrap", 20_000, seed=3).null
    assert null is not None
    assert np.mean(null == 0) == pytest.approx(0.605, abs=4 * np.sqrt(0.605 * 0.395 / 20_000))
    assert np.mean(null > 1.97) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_bootstrap_p_counts_the_observed_ratio_among_the_drawn_ones() -> None:
    ours = compare(push_ups(), push_ups(slopes=True), "bootstrap", 199, seed=5)
    assert ours.null is not None and ours.null.shape == (199,)
    assert ours.p == (1 + np.sum(ours.null >= ours.statistic - 1e-6)) / 200
    assert ours.p_error == pytest.approx(np.sqrt(ours.p * (1 - ours.p) / 200))


# ---- what is said ----------------------------------------------------------------------------------------


def test_different_fixed_effects_are_refitted_by_ml_with_a_note() -> None:
    null = "correctness ~ 1"
    by_reml = compare(push_ups(null), push_ups())
    by_ml = compare(push_ups(null, reml=False), push_ups(reml=False))
    assert not by_reml.reml and by_reml.statistic == by_ml.statistic
    assert any("refitted by ML" in note for note in by_reml.notes)
    assert not any("refitted by ML" in note for note in by_ml.notes)


def test_reml_is_kept_when_only_random_effects_differ_however_x_is_coded() -> None:
    plain = compare(push_ups(), push_ups(slopes=True))
    recoded = compare(push_ups("correctness ~ 0 + C(session_label)"), push_ups(slopes=True))
    assert plain.reml and recoded.reml
    assert recoded.statistic == pytest.approx(plain.statistic, abs=1e-7)
    assert "adds the variance of session_high and a covariance." in recoded.sentence
    mixed = compare(push_ups(reml=False), push_ups(slopes=True))
    assert not mixed.reml and any("the other by REML" in note for note in mixed.notes)


def test_few_groups_earn_a_caution_with_the_exact_size_and_many_do_not() -> None:
    few = " ".join(compare(push_ups("correctness ~ 1"), push_ups()).notes)
    assert "Few groups (4)" in few and "12 %" in few and "Kenward–Roger" in few
    assert "roups" not in " ".join(compare(*pair_of("several_terms")).notes)
    # that size, by simulation: normal values of 4 groups, their mean tested against zero
    values = np.random.default_rng(1).standard_normal((100_000, 4))
    ratio = 4 * np.log(np.mean(values**2, axis=1) / np.var(values, axis=1))
    assert np.mean(ratio > stats.chi2.ppf(0.95, 1)) == pytest.approx(0.115, abs=0.003)


# ---- what is refused -------------------------------------------------------------------------------------


def test_models_that_cannot_be_compared_are_refused_with_the_reason() -> None:
    data = load("pushups").assign(again=lambda d: d["repeat_id"])
    shuffled = data.sample(frac=1, random_state=1).reset_index(drop=True)
    null, large = "correctness ~ 1", push_ups()
    cases = [
        (fit("correctness ~ again", data, "athlete_id"), large, "fixed effects again are not in"),
        (large, push_ups(null), "swapped.* 4 parameters, larger 3"),
        (push_ups(slopes=True), large, "swapped"),
        (large, push_ups(reml=False), "same model"),
        (*reversed(pair_of("correlation")), "random effects of Intercept, Days .*swapped"),
        (fitted("plates", False), fitted("samples", False), "random effect plate"),
        (fit(null, data.iloc[:-1], "athlete_id"), large, "199 rows and larger 200"),
        (smf.ols(SESSIONS, data.iloc[1:]).fit(), large, "199 rows and larger 200"),
        (fit(null, shuffled, "athlete_id"), large, "another order"),
        (fit(null, data, "repeat_id"), large, "different groups"),
    ]
    for small, big, words in cases:
        with pytest.raises(ValueError, match=words):
            compare(small, big)


def test_neither_labels_of_groups_nor_the_zero_of_a_predictor_make_another_model() -> None:
    null, data = "correctness ~ 1", load("pushups")
    renamed = fit(null, data.assign(code=data["athlete_id"].str[-2:]), "code")
    assert compare(renamed, push_ups()).statistic == compare(push_ups(null), push_ups()).statistic
    data = load("sleepstudy").assign(year=lambda d: d["Days"] + 2020)
    years = fit("Reaction ~ year", data, "Subject", "~year")
    for name in ("slope_reml", "correlation"):
        small, large = pair_of(name)
        assert compare(small, years).statistic == pytest.approx(compare(small, large).statistic)
    with pytest.raises(ValueError, match="same model"):
        compare(large, years)


def test_each_wrong_argument_is_named() -> None:
    small, large = push_ups("correctness ~ 1"), push_ups()
    regression = smf.ols("correctness ~ 1", load("pushups")).fit()
    drawn = bootstrap(large, 38, seed=1)
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: compare(small, regression), TypeError, "larger is an ordinary regression"),
        (lambda: compare(small, None), TypeError, "larger: result"),
        (lambda: compare("small", large), TypeError, "smaller: result"),
        (lambda: compare(small, large, "wald"), ValueError, "'lrt', 'boundary', 'bootstrap'"),
        (lambda: simulate_from(regression, 2, 1), TypeError, "mixed model"),
        (lambda: bootstrap(large, 1, seed=1), ValueError, "n must be .* 2 or more"),
        (lambda: drawn.intervals(), ValueError, "level 0.95 needs 39 draws"),
        (lambda: drawn.intervals(95), ValueError, "level must be"),
    ]
    drawing = [partial(compare, small, large, "bootstrap")]
    drawing += [partial(simulate_from, large), partial(bootstrap, large)]
    for draw in drawing:
        cases += [
            (partial(draw, n=10, seed=None), TypeError, "seed must be a whole number"),
            (partial(draw, n=10, seed=-1), ValueError, "seed must"),
            (partial(draw, n=0, seed=1), ValueError, "n must"),
            (partial(draw, n=2.5, seed=1), TypeError, "n must"),
            (partial(draw, n=True, seed=1), TypeError, "n must"),
        ]
    for call, error, words in cases:
        with pytest.raises(error, match=words):
            call()


# ---- new data and the bootstrap --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sleepstudy_slopes", "pastes", "penicillin"])
def test_new_data_have_the_mean_and_covariance_of_the_fit_however_many(name: str) -> None:
    result = public_fit(name, False)
    model, scores = result.model, simulate_from(result, 20_000, 7)
    np.testing.assert_allclose(simulate_from(result, 600, 7), scores[:600], rtol=1e-12)
    assert not np.allclose(simulate_from(result, 5, 8), scores[:5])
    V = np.zeros((len(model.endog),) * 2)
    for group, name in enumerate(model.group_labels):
        here = np.ix_(model.row_indices[name], model.row_indices[name])
        V[here] = covariance(model, group, result.cov_re, result.vcomp, result.scale)
    sd = np.sqrt(np.diag(V))
    expected = model.exog @ np.asarray(result.fe_params)
    # six standard errors: none of the thousands of entries lies beyond by chance
    assert np.max(np.abs(scores.mean(axis=0) - expected) / sd) < 6 / np.sqrt(20_000)
    spread = np.cov(scores.T) - V
    assert np.max(np.abs(spread) / np.sqrt(np.outer(sd**2, sd**2) + V**2)) < 6 / np.sqrt(20_000)


@pytest.mark.parametrize(
    "name", "sleepstudy_intercept sleepstudy_slopes pastes machines_nested penicillin".split()
)
def test_refits_at_once_are_those_one_by_one(name: str) -> None:
    model, scores = public_fit(name, True).model, simulate_from(public_fit(name, True), 20, 11)
    for reml in (True, False):
        found, loglik, singular = refit(model, scores, reml)
        alone = [optimum(Structure.of(model, y), reml) for y in scores]
        np.testing.assert_allclose(loglik, [one.loglik for one in alone], atol=1e-6)
        beta = [one.coefficients for one in alone]
        np.testing.assert_allclose(found[:, : model.k_fe], beta, rtol=1e-5)
        np.testing.assert_array_equal(singular, [one.singular for one in alone])


def test_bootstrap_draws_are_the_fits_of_the_simulated_data() -> None:
    result = push_ups(slopes=True)
    drawn, model = bootstrap(result, 50, seed=2), result.model
    # the fit stands 1e-9 σ² beside its singular optimum, from which bootstrap draws
    fits = fit_many(simulate_from(result, 50, 2), model.exog, model.groups, slopes=True)
    fixed = ["Intercept", "session_high"]
    sds = ["sd(Intercept)", "sd(session_high)", "cor(Intercept, session_high)", "sd(residual)"]
    assert list(drawn.draws) == fixed + sds and len(drawn.draws) == 50
    np.testing.assert_allclose(drawn.draws[fixed], fits.estimate, atol=1e-5)
    np.testing.assert_allclose(drawn.draws["sd(residual)"], np.sqrt(fits.scale), atol=1e-5)
    assert any("singular" in note for note in drawn.notes)


def test_intervals_are_quantiles_of_the_draws() -> None:
    drawn = bootstrap(push_ups(), 999, seed=1)
    ordered, row = np.sort(drawn.draws["session_high"]), drawn.intervals(0.9).loc["session_high"]
    assert row[["low", "high"]].tolist() == pytest.approx([ordered[49], ordered[949]])
    assert row["se"] == pytest.approx(np.std(ordered, ddof=1))
    assert row["bias"] == pytest.approx(np.mean(ordered) - row["estimate"])
    assert "session_high" in str(drawn) and "<table" in drawn._repr_html_()
    assert len(bootstrap(push_ups(), 2, seed=1).draws) == 2  # the fewest that have a spread
    assert "session_high   -0.0727\n" in str(bootstrap(push_ups(), 5, seed=1))  # too few for ends
