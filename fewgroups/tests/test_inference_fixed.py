"""Coefficients, contrasts and F tests: R's numbers, exact identities, what is told, what is refused."""

from __future__ import annotations

import json
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fewgroups.checks import NotAtOptimumWarning
from fewgroups.ddf import _combined_df, information
from fewgroups.fitting import fit
from fewgroups.fixed_effects import coefficients, f_tests
from fewgroups.likelihood import optimum
from fewgroups.noted_table import show_p
from public_data import load
from reference.simulated import N_DATA_SETS, data_set
from running_example import Design, Truth, simulate
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

REFERENCE = Path(__file__).parent / "reference"
SPECS = json.loads((REFERENCE / "coefficients_fits.json").read_text(encoding="utf-8"))
ANSWERS = json.loads((REFERENCE / "coefficients_public.json").read_text(encoding="utf-8"))
SIMULATED = pd.read_csv(REFERENCE / "coefficients_simulated.csv").set_index("data_set")
R_METHODS = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}
LARGE = ("ham", "carrots", "carrots_three", "milk", "soybean")  # by ML with --full only


def case(name: str, reml: bool, *method: str) -> Any:
    marks = [pytest.mark.full] if name in LARGE and not reml else []
    return pytest.param(name, reml, *method, marks=marks)


FITS = [(name, reml) for name in SPECS["fits"] for reml in (True, False)]
PUBLIC = [case(*pair) for pair in FITS]
QUESTIONS = [(*pair, "satterthwaite") for pair in FITS]
QUESTIONS += [(name, True, "kenward-roger") for name in SPECS["fits"]]
QUESTIONS += [
    (name, False, "kenward-roger") for name in ("machines_unbalanced", "pixel", "beets_crossed")
]
INTERACTIONS = ["cake", "soybean", "ham", "tvbo"]


def formula_of(name: str) -> str:
    return SPECS["fits"][name]["formula"]


def public_data(name: str) -> pd.DataFrame:
    factors = SPECS["data"][name]["factors"]
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv", dtype=dict.fromkeys(factors, str))


@cache
def public_fit(name: str, reml: bool, formula: str | None = None) -> Any:
    spec = SPECS["fits"][name]
    data = public_data(spec["data"])
    data = data.drop(index=[row - 1 for row in spec.get("without_rows", [])])
    data["all"] = "all"
    re_formula = spec.get("re_formula", "1")
    return fit(
        formula or spec["formula"],
        data,
        groups=spec["groups"],
        re_formula=None if re_formula == "0" else re_formula,
        vc_formula=spec.get("vc_formula"),
        reml=reml,
    )


@cache
def push_ups(slopes: bool = False, reml: bool = True) -> Any:
    data = simulate(Design(), Truth(), 42)
    return fit(
        "correctness ~ session_high",
        data,
        "athlete_id",
        "~session_high" if slopes else "~1",
        reml=reml,
    )


def r_name(term: str) -> str:
    return re.sub(r"\[T\.(.*?)\]", r"\1", term).replace("Intercept", "(Intercept)")


def r_order(names: list[str], answer: dict[str, Any]) -> list[int]:
    return [[r_name(name) for name in names].index(term) for term in answer["terms"]]


def r_table(answer: dict[str, Any], method: str) -> dict[str, np.ndarray]:
    return {
        key: np.array(values, dtype=float) for key, values in answer[R_METHODS[method]]["t"].items()
    }


def contrasts_of(name: str, terms: list[str]) -> dict[str, dict[str, float]]:
    python = {r_name(term): term for term in terms}
    wanted = SPECS["fits"][name].get("contrasts", {})
    return {label: {python[term]: w for term, w in row.items()} for label, row in wanted.items()}


# ---- R's numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, reml, method", [case(*question) for question in QUESTIONS])
def test_public_fits_agree_with_lmertest_and_pbkrtest(name: str, reml: bool, method: str) -> None:
    result = public_fit(name, reml)
    answer = ANSWERS[name]["REML" if reml or method == "kenward-roger" else "ML"]
    theirs = r_table(answer, method)
    names = list(result.model.exog_names)
    ours = coefficients(result, ddf=method).iloc[r_order(names, answer)]
    contrasts = contrasts_of(name, names)
    if contrasts:
        ours = pd.concat([ours, coefficients(result, ddf=method, contrasts=contrasts)])
    assert list(ours.index[len(names) :]) == answer["contrasts"]
    assert np.all(np.abs(ours["estimate"] - theirs["estimate"]) < 1e-4 * theirs["se"])
    np.testing.assert_allclose(ours["se"], theirs["se"], rtol=1e-3)
    np.testing.assert_allclose(ours["df"], theirs["df"], rtol=1e-2)
    np.testing.assert_allclose(ours["p"], theirs["p"], rtol=2e-2, atol=1e-300)


@pytest.mark.parametrize("name, reml", PUBLIC)
def test_public_fits_reach_lme4s_likelihood_and_are_singular_where_lme4s_are(
    name: str, reml: bool
) -> None:
    answer = ANSWERS[name]["REML" if reml else "ML"]
    assert public_fit(name, reml).llf > answer["loglik"] - 2e-5
    assert coefficients(public_fit(name, reml), ddf="wald").attrs["singular"] == answer["singular"]


@pytest.mark.parametrize(
    "name, reml, method", [case(*q) for q in QUESTIONS if "~ 1" not in formula_of(q[0])]
)
def test_f_tests_of_terms_agree_with_r(name: str, reml: bool, method: str) -> None:
    answer = ANSWERS[name]["REML" if reml or method == "kenward-roger" else "ML"]
    theirs = answer[R_METHODS[method]]["marginal"]
    ours = f_tests(public_fit(name, reml), ddf=method).loc[theirs["term"]]
    np.testing.assert_allclose(ours["F"], theirs["F"], rtol=2e-3)
    np.testing.assert_array_equal(ours["num_df"], theirs["num"])
    np.testing.assert_allclose(ours["den_df"], theirs["den"], rtol=1e-2)
    np.testing.assert_allclose(ours["p"], theirs["p"], rtol=2e-2)


@pytest.mark.parametrize("name", ["cake", "ham", "tvbo"])
@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_with_sum_coding_f_tests_are_rs_type_three(name: str, method: str) -> None:
    formula = formula_of(name)
    outcome, first, second = re.split(r" ~ | \* ", formula)
    result = public_fit(name, True, f"{outcome} ~ C({first}, Sum) * C({second}, Sum)")
    theirs = ANSWERS[name]["REML"][R_METHODS[method]]["type3"]
    ours = f_tests(result, ddf=method)
    a, b = f"C({first}, Sum)", f"C({second}, Sum)"
    renamed = {first: a, second: b, f"{first}:{second}": f"{a}:{b}"}
    ours = ours.loc[[renamed[term] for term in theirs["term"]]]
    np.testing.assert_allclose(ours["F"], theirs["F"], rtol=2e-3)
    np.testing.assert_allclose(ours["den_df"], theirs["den"], rtol=1e-2)


def check_simulated(k: int) -> tuple[float, bool]:
    """Our log-likelihood less R's; whether the numbers were compared."""
    data, slopes, reml = data_set(k)
    theirs = SIMULATED.loc[k]
    result = fit(
        "score ~ session_high", data, "athlete", "~session_high" if slopes else "~1", reml=reml
    )
    lead = optimum(result.model, reml).loglik - theirs["loglik"]
    if abs(lead) > 1e-5:
        return lead, False
    tables = {"": coefficients(result, ddf="satterthwaite")}
    if reml:
        tables["kr_"] = coefficients(result)
    for prefix, ours in tables.items():
        se = theirs[[f"{prefix}se_0", f"{prefix}se_1"]].to_numpy()
        df = theirs[[f"{prefix}df_0", f"{prefix}df_1"]].to_numpy()
        gap = ours["estimate"].to_numpy() - theirs[["estimate_0", "estimate_1"]].to_numpy()
        assert np.all(np.abs(gap) < 1e-4 * se), k
        np.testing.assert_allclose(ours["se"], se, rtol=1e-3, err_msg=str(k))
        np.testing.assert_allclose(ours["df"], df, rtol=1e-2, err_msg=str(k))
    return lead, True


def test_simulated_push_ups_agree_with_lmertest_and_pbkrtest() -> None:
    found = [check_simulated(k) for k in range(0, N_DATA_SETS, 17)]
    assert min(lead for lead, _ in found) > -1e-5  # where R strays, it strays below us
    assert np.mean([compared for _, compared in found]) > 0.9


@pytest.mark.full
def test_all_500_simulated_data_sets_agree_with_lmertest_and_pbkrtest() -> None:
    found = [check_simulated(k) for k in range(N_DATA_SETS)]
    assert min(lead for lead, _ in found) > -1e-5
    assert np.mean([compared for _, compared in found]) > 0.95


def test_the_simulated_reference_has_singular_and_interior_fits_of_both_kinds() -> None:
    kinds = pd.DataFrame({k: data_set(k)[1:] for k in SIMULATED.index}, index=["slopes", "reml"]).T
    counts = pd.concat([kinds, SIMULATED["singular"]], axis=1).value_counts()
    assert len(SIMULATED) == N_DATA_SETS and len(counts) == 6 and counts.min() >= 10


def test_sleepstudy_gives_the_published_line() -> None:
    days = coefficients(public_fit("sleepstudy_slopes", True), ddf="satterthwaite").loc["Days"]
    assert days.round(3)[["estimate", "se", "df", "t"]].tolist() == [10.467, 1.546, 17.0, 6.771]
    assert f"{days['p']:.3g}" == "3.26e-06"


# ---- Identities ------------------------------------------------------------------------------------------


def test_the_push_ups_have_the_df_and_the_paired_t_that_theory_says() -> None:
    table = coefficients(push_ups(), ddf="satterthwaite")
    assert table["df"].round(2).tolist() == [3.64, 195.0]
    assert table.loc["session_high", ["t", "low", "high"]].round(3).tolist() == [
        -11.422,
        -0.085,
        -0.06,
    ]
    t, df, p = table.attrs["paired"]["session_high"]
    means = (
        push_ups()
        .model.data.frame.groupby(["athlete_id", "session_high"])["correctness"]
        .mean()
        .unstack()
    )
    expected = stats.ttest_rel(means[1], means[0])
    assert (t, p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert df == 3 and round(t, 2) == -23.68 and f"{p:.2g}" == "0.00016"
    assert "t(3) = -23.685, p = 0.00016" in " ".join(str(table).split())


def test_the_singular_slope_fit_of_the_push_ups_has_the_known_dfs() -> None:
    satterthwaite, kenward_roger = (
        coefficients(push_ups(True), ddf=d) for d in ("satterthwaite", "kenward-roger")
    )
    assert round(satterthwaite.loc["session_high", "df"]) == 111
    assert kenward_roger.loc["session_high", "df"] == pytest.approx(3, rel=1e-6)
    assert f"{kenward_roger.loc['session_high', 'p']:.2g}" == "0.0015"


def test_in_a_balanced_interior_slope_fit_the_model_is_the_paired_t_test() -> None:
    data = simulate(Design(athletes=8), Truth(slope_sd=0.05, clip=False), 3)
    result = fit("correctness ~ session_high", data, "athlete_id", "~session_high")
    assert not result.report.singular
    for method in ("satterthwaite", "kenward-roger"):
        table = coefficients(result, ddf=method)
        t, df, p = table.attrs["paired"]["session_high"]
        assert table.loc["session_high", ["t", "df", "p"]].tolist() == pytest.approx(
            [t, df, p], rel=1e-4
        )


def test_no_paired_test_is_offered_where_it_would_be_another_question() -> None:
    unequal = Design(athletes=3, repeats=[{"a": 3, "b": 5}, {"a": 4, "b": 5}, {"a": 5, "b": 5}])
    data = simulate(unequal, Truth(), 1)
    assert coefficients(fit("correctness ~ session_high", data, "athlete_id")).attrs["paired"] == {}
    balanced = simulate(Design(), Truth(clip=False), 1)
    balanced["tired"] = (
        balanced["repeat_id"] + 3 * balanced["session_high"]
    )  # the effect is one beside tiredness
    for unit in (1, 1e-7):
        scaled = balanced.assign(correctness=unit * balanced["correctness"])
        told = coefficients(fit("correctness ~ session_high + tired", scaled, "athlete_id")).attrs[
            "paired"
        ]
        assert told == {}
    between = simulate(Design(athletes=6, between=True), Truth(), 1)
    assert (
        coefficients(fit("correctness ~ session_high", between, "athlete_id")).attrs["paired"] == {}
    )


def test_units_of_scores_and_predictors_change_no_t_and_no_df() -> None:
    data = simulate(Design(athletes=6), Truth(slope_sd=0.04), 5)
    data["percent"], data["far"] = 100 * data["correctness"], 1000 * data["session_high"]
    plain = coefficients(fit("correctness ~ session_high", data, "athlete_id", "~session_high"))
    other = coefficients(fit("percent ~ far", data, "athlete_id", "~far"))
    np.testing.assert_allclose(other[["df", "t", "p"]], plain[["df", "t", "p"]], rtol=1e-3)
    np.testing.assert_allclose(other["se"], plain["se"] * [100, 0.1], rtol=1e-4)


def test_f_of_one_coefficient_is_the_square_of_its_t() -> None:
    result = public_fit("pixel", True)
    for method in ("kenward-roger", "satterthwaite", "wald"):
        t, f = coefficients(result, ddf=method).iloc[1:], f_tests(result, ddf=method)
        np.testing.assert_allclose(f["F"], t["t"] ** 2, rtol=1e-9)
        np.testing.assert_allclose(f["p"], t["p"], rtol=1e-7)
        np.testing.assert_allclose(f["den_df"], t["df"], rtol=1e-9)


def test_wald_is_z_with_the_model_based_standard_errors() -> None:
    table = coefficients(push_ups(), ddf="wald", level=0.9)
    printed = push_ups()
    np.testing.assert_allclose(
        table["se"], printed.bse_fe, rtol=1e-6
    )  # balanced: statsmodels' agree
    np.testing.assert_allclose(table["p"], printed.pvalues[:2], rtol=1e-4)
    np.testing.assert_allclose(table[["low", "high"]], printed.conf_int(0.1).iloc[:2], rtol=1e-6)
    assert np.all(np.isinf(table["df"]))


@pytest.mark.parametrize("reml", [True, False])
def test_derivatives_of_the_likelihood_are_those_of_its_values(reml: bool) -> None:
    model = public_fit("pixel", True).model  # slopes and a variance component
    psi, vcomp, scale = np.array([[900.0, -9.0], [-9.0, 3.0]]), np.array([250.0]), 80.0
    here = information(model, psi, vcomp, scale, reml)

    def at(shift: np.ndarray) -> Any:  # a shift of the parameters of the orthonormal columns
        by = np.array([[shift[0], shift[1]], [shift[1], shift[2]]])
        cov_re = psi + here.random @ by @ here.random.T
        return information(model, cov_re, vcomp + shift[3], scale + shift[4], reml)

    for i, step in enumerate([0.1, 0.1, 0.1, 0.1, 0.02]):
        up, down = at(np.eye(5)[i] * step), at(-np.eye(5)[i] * step)
        slope = (down.loglik - up.loglik) / step
        assert here.gradient[i] == pytest.approx(slope, rel=1e-4, abs=1e-6)
        curvature = (up.gradient - down.gradient) / (2 * step)
        np.testing.assert_allclose(here.hessian[i], curvature, rtol=2e-3, atol=1e-8)
        slope = (up.phi - down.phi) / (2 * step)  # dΦ = −Φ P Φ
        np.testing.assert_allclose(-here.phi @ here.P[i] @ here.phi, slope, rtol=2e-3, atol=1e-9)


# ---- Contrasts -------------------------------------------------------------------------------------------


def test_every_way_to_write_a_contrast_means_the_same() -> None:
    result = public_fit("machines_slopes", True)
    B, C = "Machine[T.B]", "Machine[T.C]"
    ways: list[Any] = [
        {"c": {C: 1, B: -1}},
        {"c": [0, -1, 1]},
        {"c": f"{C} - {B}"},
        {"c": f"{C} = {B}"},
        f"{C} - {B} = 0",
        np.array([0, -1, 1]),
        np.array([[0.0, -1.0, 1.0]]),
        pd.DataFrame({C: [1], B: [-1]}, index=["c"]),
    ]
    tables = [coefficients(result, contrasts=way).to_numpy() for way in ways]
    for table in tables[1:]:
        np.testing.assert_allclose(table, tables[0], rtol=1e-12)
    assert tables[0][0, 0] == pytest.approx(5.95)


def test_contrasts_of_numbers_are_named_one_by_one() -> None:
    result = push_ups()
    assert coefficients(result, contrasts=[0, 1]).index.tolist() == ["contrast"]
    assert coefficients(result, contrasts=[[0, 1]]).index.tolist() == ["contrast 1"]
    assert coefficients(result, contrasts=np.eye(2)).index.tolist() == ["contrast 1", "contrast 2"]


def test_a_contrast_may_name_another_null_value() -> None:
    result, contrasts = public_fit("sleepstudy_slopes", True), {"ten a day": "Days = 10"}
    row = coefficients(result, contrasts=contrasts).loc["ten a day"]
    assert row["estimate"] == pytest.approx(10.467286)
    assert row["t"] == pytest.approx((row["estimate"] - 10) / row["se"])
    assert f_tests(result, contrasts=contrasts).loc["ten a day", "F"] == pytest.approx(
        row["t"] ** 2
    )


def test_several_degrees_of_freedom_are_combined_as_lmertest_does() -> None:
    """E = Σ df/(df − 2) over those above 2, and 2E/(E − q); 2 where one has no more."""
    assert _combined_df(np.array([2.5, 10])) == pytest.approx(2 * 6.25 / 4.25)
    assert _combined_df(np.array([2.0, 10])) == 2
    assert _combined_df(np.array([7.0, 7.0])) == 7


def test_a_joint_hypothesis_in_text_is_the_terms_test() -> None:
    result = public_fit("machines_nested", True)
    joint = f_tests(result, contrasts={"all": "Machine[T.B] = 0, Machine[T.C] = 0"})
    np.testing.assert_allclose(joint.to_numpy(), f_tests(result).to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "contrasts, words",
    [
        ({"c": [1, 2, 3]}, "has 3 weights, but the model has 2 coefficients"),
        ([1.0], "has 1 weights"),
        ({"c": {"session": 1}}, "names session, but the terms are Intercept, session_high"),
        ({"c": "session - 1"}, "cannot be read"),
        ({"c": [np.nan, 1]}, "missing or infinite"),
        ({"c": [0, 0]}, "zero or repeat"),
        ({}, "empty"),
        ({"c": [[1, 0], [0, 1]]}, "f_tests"),
    ],
)
def test_contrasts_that_do_not_fit_the_model_are_refused(contrasts: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        coefficients(push_ups(), contrasts=contrasts)


@pytest.mark.parametrize(
    "weights", [["a", "b"], ["1", "2"], {"session_high": "1"}, [[1, 0], [1]], None, True]
)
def test_weights_that_are_no_numbers_are_refused(weights: Any) -> None:
    with pytest.raises(TypeError, match="must be numbers"):
        coefficients(push_ups(), contrasts={"c": weights})


# ---- What is told ----------------------------------------------------------------------------------------


def test_kenward_roger_of_an_ml_fit_is_the_reml_fits_and_says_so() -> None:
    ml, reml = coefficients(push_ups(reml=False)), coefficients(push_ups())
    np.testing.assert_allclose(ml, reml, rtol=1e-5)
    assert ml.attrs["refitted"] and "refitted by REML" in str(ml)
    assert not reml.attrs["refitted"] and "refitted" not in str(reml)


@pytest.mark.parametrize("method", ["kenward-roger", "satterthwaite", "wald"])
def test_a_singular_fit_is_flagged_with_the_price_of_the_method(method: str) -> None:
    table = coefficients(push_ups(True), ddf=method)
    price = {
        "kenward-roger": "easily missed",
        "satterthwaite": "df can be far too large",
        "wald": "as known",
    }
    assert (
        table.attrs["singular"]
        and price[method] in str(table)
        and price[method] in table._repr_html_()
    )
    assert not coefficients(push_ups(), ddf=method).attrs["singular"]


def test_a_plain_fit_that_stops_short_is_told_and_its_own_numbers_are_shown() -> None:
    data = simulate(Design(), Truth(), 42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model = smf.mixedlm("correctness ~ session_high", data, groups="athlete_id")
        away = sm.regression.mixed_linear_model.MixedLMParams.from_components(
            np.zeros(2), cov_re=np.eye(1) * 3
        )
        short = model.fit(start_params=away, method="nm", maxiter=2)
    short._results.converged = True  # statsmodels has claimed so of fits as short as this one
    with pytest.warns(NotAtOptimumWarning, match="not at its optimum"):
        table = coefficients(short)
    assert table.attrs["shortfall"] == pytest.approx(push_ups().llf - short.llf, rel=1e-4)
    np.testing.assert_allclose(table["estimate"], short.fe_params, rtol=1e-8)
    assert "not at its optimum" in table.notes[0]


def test_a_plain_statsmodels_fit_at_the_optimum_passes_without_a_word() -> None:
    data = simulate(Design(), Truth(), 42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = smf.mixedlm("correctness ~ session_high", data, groups=data["athlete_id"]).fit()
        warnings.simplefilter("error", NotAtOptimumWarning)
        np.testing.assert_allclose(
            coefficients(plain)["df"], coefficients(push_ups())["df"], rtol=1e-2
        )


def test_the_display_is_rounded_and_no_p_reads_as_zero_but_values_are_exact() -> None:
    table = coefficients(push_ups())
    assert "1.8e-23" in str(table) and "-0.07267 0.00636 195.00 -11.422" in str(table)
    assert table.loc["session_high", "p"] == pytest.approx(1.79e-23, rel=0.01)
    assert table.loc[["session_high"]].notes == table.notes
    shown = [show_p(p) for p in (0.0, 1e-310, 0.00016, 0.001, 0.0015, 0.05, np.nan)]
    assert shown == ["< 1e-300", "1e-310", "0.00016", "0.001", "0.002", "0.050", ""]
    assert (
        list(table.columns) == ["estimate", "se", "df", "t", "p", "low", "high"]
        and table.index.name == "term"
    )


def test_an_interaction_warns_how_to_read_main_effects() -> None:
    for name in INTERACTIONS:
        assert "reference level" in str(f_tests(public_fit(name, True)))
    assert "reference level" not in str(f_tests(push_ups()))


def test_models_from_arrays_have_coefficients_and_f_tests_too() -> None:
    data = simulate(Design(), Truth(), 42)
    X = sm.add_constant(data[["session_high"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = sm.MixedLM(data["correctness"], X, groups=data["athlete_id"]).fit()
    np.testing.assert_allclose(
        coefficients(result)["se"], coefficients(push_ups())["se"], rtol=1e-3
    )
    assert list(f_tests(result).index) == ["session_high"]


# ---- What is refused -------------------------------------------------------------------------------------


def other_fits() -> dict[str, Any]:
    data = simulate(Design(), Truth(), 42)
    mixed = smf.mixedlm("correctness ~ session_high", data, groups="athlete_id")
    return {
        "OLS": smf.ols("correctness ~ session_high", data).fit(),
        "GEE": smf.gee("correctness ~ session_high", "athlete_id", data).fit(),
        "not fitted": mixed,
        "str": "a result",
    }


@pytest.mark.parametrize("kind", ["OLS", "GEE", "not fitted", "str"])
def test_other_results_are_refused_by_name(kind: str) -> None:
    for function in (coefficients, f_tests):
        with pytest.raises(TypeError, match=kind):
            function(other_fits()[kind])


def quiet_fit(formula: str, data: pd.DataFrame, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return smf.mixedlm(formula, data, **options).fit()


def test_fits_from_which_nothing_can_be_concluded_are_refused_with_a_cure() -> None:
    data = simulate(Design(), Truth(), 42).assign(one="all", row=range(200))
    formula = "correctness ~ session_high"
    with pytest.raises(ValueError, match="one value only"):
        coefficients(quiet_fit(formula, data, groups="one"))
    with pytest.raises(ValueError, match="each row is a group of its own"):
        coefficients(quiet_fit(formula, data, groups="row"))
    with pytest.raises(ValueError, match="tells of session_label Var"):
        coefficients(quiet_fit(formula, data, groups="session_label"))
    data["level"] = data["correctness"].round(1)
    with pytest.raises(ValueError, match="no residual variation"):
        coefficients(quiet_fit("level ~ session_high", data, groups="level"))
    unconverged = quiet_fit(formula, data, groups="athlete_id")
    unconverged._results.converged = False
    with pytest.raises(ValueError, match="did not converge.*fewgroups.fit"):
        coefficients(unconverged)
    with pytest.raises(ValueError, match="cannot be told from"):
        coefficients(slope_between_athletes())


def slope_between_athletes() -> Any:
    """A fit with a slope that no athlete's data can identify. Many such fits statsmodels cannot finish ("Singular
    matrix"); which ones, changes with the processor."""
    for seed in range(50):
        table = simulate(Design(athletes=6, between=True), Truth(), seed)
        try:
            return quiet_fit(
                "correctness ~ session_high", table, groups="athlete_id", re_formula="~session_high"
            )
        except np.linalg.LinAlgError:
            continue
    raise AssertionError("statsmodels finished none of 50 fits")


def test_rows_that_statsmodels_dropped_are_not_counted_whatever_the_rows_are_called() -> None:
    data = simulate(Design(), Truth(), 42)
    data.loc[[7, 120], "correctness"] = np.nan
    formula, complete = "correctness ~ session_high", data.dropna()
    expected = coefficients(fit(formula, complete, "athlete_id"))
    dropped = quiet_fit(formula, data, groups="athlete_id", missing="drop")
    only_used = quiet_fit(
        formula, complete[["correctness", "session_high"]], groups=complete["athlete_id"].to_numpy()
    )
    for result in (dropped, only_used):
        table = coefficients(result)
        np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=1e-6)
        np.testing.assert_allclose(table["df"], expected["df"], rtol=1e-3)


def test_penalised_and_constrained_fits_are_refused() -> None:
    data = simulate(Design(), Truth(), 42)
    X = np.column_stack([np.ones(len(data)), data["session_high"]])
    model = sm.MixedLM(
        data["correctness"].to_numpy(), X, groups=data["athlete_id"].to_numpy(), exog_re=X
    )
    pattern = sm.regression.mixed_linear_model.MixedLMParams.from_components(np.ones(2), np.eye(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        penalised, constrained = model.fit_regularized(alpha=0.1), model.fit(free=pattern)
    with pytest.raises(ValueError, match="penalised"):
        coefficients(penalised)
    with pytest.raises(ValueError, match="held some covariance parameters fixed"):
        coefficients(constrained)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, "0.95", True, np.nan])
def test_a_level_outside_zero_and_one_is_refused(level: Any) -> None:
    with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
        coefficients(push_ups(), level=level)


@pytest.mark.parametrize("ddf", ["KR", "z", None, "Satterthwaite"])
def test_unknown_methods_are_refused_with_the_known_ones(ddf: Any) -> None:
    for function in (coefficients, f_tests):
        with pytest.raises(ValueError, match="'kenward-roger', 'satterthwaite', 'wald'"):
            function(push_ups(), ddf=ddf)


def test_a_formula_without_terms_has_no_f_test() -> None:
    with pytest.raises(ValueError, match="no term besides the intercept"):
        f_tests(public_fit("dyestuff", True))


@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite", "wald"])
def test_predictors_far_from_zero_such_as_years_change_neither_se_nor_df(ddf: str) -> None:
    data = load("sleepstudy")
    plain, far = (
        fit("Reaction ~ Days", data.assign(Days=data["Days"] + start), "Subject", "~Days")
        for start in (0, 2020)
    )
    before = coefficients(plain, ddf, contrasts={"slope": [0, 1], "day 9": [1, 9]})
    after = coefficients(far, ddf, contrasts={"slope": [0, 1], "day 9": [1, 2029]})
    for column in ("estimate", "se", "df"):
        assert after[column].tolist() == pytest.approx(before[column].tolist(), rel=1e-5)
    tests = [f_tests(result, ddf).loc["Days", ["F", "den_df"]].tolist() for result in (plain, far)]
    assert tests[1] == pytest.approx(tests[0], rel=1e-5)
