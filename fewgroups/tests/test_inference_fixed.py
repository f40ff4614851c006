"""Coefficients, contrasts and F tests: R's numbers, identities, what changes nothing, what is said and refused."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fewgroups.likelihood import NotAtOptimumWarning, optimum
from fewgroups.wording import show_p
from public_data import DATA, REFERENCE, SPECS, load, public_fit, push_ups
from reference.simulated import N_DATA_SETS, data_set
from running_example import Design, Truth, simulate
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLMParams

from fewgroups import coefficients, f_tests, fit, variances

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # none beside a right number
ANSWERS = json.loads((REFERENCE / "coefficients_public.json").read_text(encoding="utf-8"))
TERMS = json.loads((REFERENCE / "terms.json").read_text(encoding="utf-8"))
SIMULATED = pd.read_csv(REFERENCE / "coefficients_simulated.csv").set_index("data_set")
METHODS = ("kenward-roger", "satterthwaite", "wald")
R_METHODS = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}
LARGE = ("ham", "carrots", "carrots_three", "milk", "soybean")  # by ML with --full only
# whose Kenward–Roger is asked of ML fits too
BY_ML = ("machines_unbalanced", "pixel", "beets_crossed")
QUESTIONS = [
    pytest.param(name, reml, method, marks=[pytest.mark.full] * (name in LARGE and not reml))
    for name, reml, method in product(SPECS["fits"], (True, False), R_METHODS)
    if reml or method == "satterthwaite" or name in BY_ML
]


def r_name(term: str) -> str:
    return re.sub(r"\[T\.(.*?)\]", r"\1", term).replace("Intercept", "(Intercept)")


# ---- R's numbers -----------------------------------------------------------------------------------------


def agree_with_anova(ours: pd.DataFrame, theirs: dict[str, Any], rtol: float) -> None:
    ours = ours.loc[theirs["term"]]
    np.testing.assert_allclose(ours["F"], theirs["F"], rtol=rtol)
    np.testing.assert_array_equal(ours["num_df"], theirs["num"])
    np.testing.assert_allclose(ours["den_df"], theirs["den"], rtol=1e-2)
    # far out in the tail a thousandth of df is several per cent of p
    seen = np.array(theirs["p"]) > 1e-12
    np.testing.assert_allclose(ours["p"][seen], np.array(theirs["p"])[seen], rtol=2e-2)


@pytest.mark.parametrize("name, reml, method", QUESTIONS)
def test_public_fits_and_their_terms_agree_with_lmertest_and_pbkrtest(
    name: str, reml: bool, method: str
) -> None:
    result, answers = public_fit(name, reml), ANSWERS[name]
    assert result.llf > answers["REML" if reml else "ML"]["loglik"] - 2e-5
    answer = answers["REML" if reml or method == "kenward-roger" else "ML"]
    python = {r_name(term): term for term in result.model.exog_names}
    ours = coefficients(result, ddf=method).loc[[python[term] for term in answer["terms"]]]
    assert ours.attrs["singular"] == answer["singular"]
    wanted = SPECS["fits"][name].get("contrasts", {})
    if wanted:
        rows = {c: {python[term]: w for term, w in row.items()} for c, row in wanted.items()}
        ours = pd.concat([ours, coefficients(result, ddf=method, contrasts=rows)])
    assert list(ours.index[len(python) :]) == answer["contrasts"]
    tests = answer[R_METHODS[method]]
    theirs = {key: np.array(x, dtype=float) for key, x in tests["t"].items()}
    assert np.all(np.abs(ours["estimate"] - theirs["estimate"]) < 1e-4 * theirs["se"])
    np.testing.assert_allclose(ours["se"], theirs["se"], rtol=1e-3)
    np.testing.assert_allclose(ours["df"], theirs["df"], rtol=1e-2)
    np.testing.assert_allclose(ours["p"], theirs["p"], rtol=2e-2, atol=1e-300)
    if len(python) > 1:
        agree_with_anova(f_tests(result, ddf=method), tests["type3"], rtol=2e-3)


INTERACTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "dose_by_recipe": ("cake", "angle ~ recipe * temp", {"groups": "block"}),
    "nitrogen_by_variety": (
        "Oats",
        "crop ~ nitro * Variety",
        {"groups": "Block", "vc_formula": {"Variety": "0 + C(Variety)"}},
    ),
    "growth_by_diet": ("Milk", "protein ~ Diet * Time", {"groups": "Cow", "re_formula": "~Time"}),
    "three_factors": ("ham", "liking ~ P * Information * G", {"groups": "Consumer"}),
}


@cache
def interaction(name: str, coding: str) -> Any:
    """The fit with its factors in another coding; the columns P, G of `ham` hold numbers that name levels."""
    data, formula, options = INTERACTIONS[name]
    frame = pd.read_csv(DATA / f"{data}.csv").rename(columns={"Product": "P", "Gender": "G"})
    frame = frame.astype({options["groups"]: str})
    for factor in ("recipe", "Variety", "Diet", "P", "Information", "G"):
        formula = re.sub(rf"\b{factor}\b", f"C({factor}, {coding})", formula)
    return fit(formula, frame, **options)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("coding", ["Treatment", "Sum", "Helmert"])
@pytest.mark.parametrize("name", INTERACTIONS)
def test_whole_terms_in_interactions_agree_with_lmertest_in_every_coding(
    name: str, coding: str, method: str
) -> None:
    ours = f_tests(interaction(name, coding), ddf=method)
    ours.index = ours.index.str.replace(rf"C\((\w+), {coding}\)", r"\1", regex=True)
    ours = ours.rename(index=lambda term: re.sub(r"\bP\b", "Product", term).replace("G", "Gender"))
    agree_with_anova(ours, TERMS[name][R_METHODS[method]], rtol=1e-4)


def check_simulated(k: int) -> tuple[float, bool]:
    """Our log-likelihood less R's; whether the numbers were compared."""
    data, slopes, reml = data_set(k)
    theirs, re_formula = SIMULATED.loc[k], "~session_high" if slopes else "~1"
    result = fit("score ~ session_high", data, "athlete", re_formula, reml=reml)
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


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.full)])
def test_simulated_data_sets_agree_with_lmertest_and_pbkrtest(step: int) -> None:
    found = [check_simulated(k) for k in range(0, N_DATA_SETS, step)]
    assert min(lead for lead, _ in found) > -1e-5  # where R strays, it strays below us
    assert np.mean([compared for _, compared in found]) > 0.9


# ---- identities ------------------------------------------------------------------------------------------


def test_the_push_ups_have_the_df_and_the_paired_t_that_theory_says() -> None:
    table = coefficients(push_ups(), ddf="satterthwaite")
    assert table["df"].round(2).tolist() == [3.64, 195.0]
    row = table.loc["session_high", ["t", "low", "high"]]
    assert row.round(3).tolist() == [-11.422, -0.085, -0.06]
    t, df, p = table.attrs["paired"]["session_high"]
    means = load("pushups").pivot_table("correctness", "athlete_id", "session_high")
    expected = stats.ttest_rel(means[1], means[0])
    assert (t, p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert df == 3 and "t(3) = -23.685, p = 0.00016" in " ".join(str(table).split())


def test_in_a_balanced_interior_slope_fit_the_model_is_the_paired_t_test() -> None:
    data = simulate(Design(athletes=8), Truth(slope_sd=0.05, clip=False), 3)
    result = fit("correctness ~ session_high", data, "athlete_id", "~session_high")
    assert not result.report.singular
    for method in METHODS[:2]:
        table = coefficients(result, ddf=method)
        paired = pytest.approx(table.attrs["paired"]["session_high"], rel=1e-4)
        assert tuple(table.loc["session_high", ["t", "df", "p"]]) == paired


def test_no_paired_test_is_offered_where_it_would_be_another_question() -> None:
    unequal = Design(athletes=3, repeats=[{"a": 3, "b": 5}, {"a": 4, "b": 5}, {"a": 5, "b": 5}])
    data = simulate(Design(), Truth(clip=False), 1)
    data["tired"] = data["repeat_id"] + 3 * data["session_high"]  # the effect is one beside it
    data["trained"] = data["athlete_id"].isin(["david_04", "susan_01"]) - 0.5
    formula = "correctness ~ session_high"
    cases = [
        (formula, simulate(unequal, Truth(), 1)),
        (formula, simulate(Design(athletes=6, between=True), Truth(), 1)),
        (f"{formula} + tired", data),
        (f"{formula} + tired", data.assign(correctness=1e-7 * data["correctness"])),
        (f"{formula} * trained", data),  # the model explains a part of the differences
        (f"{formula} * C(trained, Sum)", data),
    ]
    for formula, data in cases:
        assert coefficients(fit(formula, data, "athlete_id")).attrs["paired"] == {}


def test_wald_is_z_with_the_model_based_standard_errors() -> None:
    table, printed = coefficients(push_ups(), ddf="wald", level=0.9), push_ups()
    np.testing.assert_allclose(table["se"], printed.bse_fe, rtol=1e-6)  # balanced: they agree
    np.testing.assert_allclose(table["p"], printed.pvalues[:2], rtol=1e-4)
    np.testing.assert_allclose(table[["low", "high"]], printed.conf_int(0.1).iloc[:2], rtol=1e-6)
    assert np.all(np.isinf(table["df"]))


# ---- what changes nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit, start", [(1e-6, 0), (1e-3, 0), (1e-2, 0), (10, 0), (1e4, 0), (1, 2020)]
)
@pytest.mark.parametrize("ddf", METHODS)
def test_neither_the_unit_of_days_nor_their_zero_such_as_years_changes_se_or_df(
    unit: float, start: float, ddf: str
) -> None:
    data = load("sleepstudy").assign(Days=lambda d: start + unit * d["Days"])
    moved, plain = fit("Reaction ~ Days", data, "Subject", "~Days"), "sleepstudy_slopes"
    after = {"slope": [0, unit], "day 0": [1, start], "day 9": [1, start + 9 * unit]}
    before = {"slope": [0, 1], "day 0": [1, 0], "day 9": [1, 9]}
    ours = coefficients(moved, ddf, contrasts=after)
    theirs = coefficients(public_fit(plain, True), ddf, contrasts=before)
    columns = ["estimate", "se", "df"]
    np.testing.assert_allclose(ours[columns], theirs[columns], rtol=1e-5)
    if ddf != "wald":
        np.testing.assert_allclose(ours["df"], 17, rtol=1e-6)


@pytest.mark.parametrize("sd", [10, 1e2, 1e3, 1e4])
def test_balanced_groups_have_their_exact_df_however_near_to_one_the_icc_is(sd: float) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 4), "x": np.tile([0, 0, 1, 1], 8)})
    data["y"] = sd * rng.standard_normal(8)[data["g"]] + rng.standard_normal(32)
    between = fit("y ~ 1", data, "g"), fit("y ~ x", data, "g")
    for method in METHODS[:2]:
        assert coefficients(between[0], method)["df"].item() == pytest.approx(7, rel=1e-3)
        assert coefficients(between[1], method).loc["x", "df"] == pytest.approx(23, rel=1e-6)


def unbalanced(seed: int, sd: float) -> pd.DataFrame:
    """Six groups of 3 to 8 rows; a predictor and a factor within groups; level and slope vary with `sd`."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(6), rng.integers(3, 9, 6))
    x, h = rng.normal(2, 1, len(g)), rng.choice(list("abc"), len(g))
    y = 5 + 0.4 * x + sd * rng.normal(size=6)[g] + 0.3 * sd * rng.normal(size=6)[g] * x
    return pd.DataFrame({"y": y + rng.normal(size=len(g)), "x": x, "h": h, "g": g})


SAME: dict[str, Any] = {  # change of the data → the formula that asks the same
    "unit of the predictor": (lambda d: d.assign(x=d["x"] / 100), "y ~ x + h"),
    "unit of the outcome": (lambda d: d.assign(y=d["y"] * 1e4), "y ~ x + h"),
    "shift of the outcome": (lambda d: d.assign(y=d["y"] + 1e3), "y ~ x + h"),
    "shift of the predictor": (lambda d: d.assign(x=d["x"] + 7), "y ~ x + h"),
    "order of rows": (lambda d: d.sample(frac=1, random_state=1), "y ~ x + h"),
    "rows filtered": (lambda d: pd.concat([d, d.assign(g=9)]).query("g < 9"), "y ~ x + h"),
    "names": (lambda d: d.rename(columns={"x": "a b", "g": "class"}), 'y ~ Q("a b") + h'),
    "coding": (lambda d: d, "y ~ x + C(h, Sum)"),
}


def answers(result: Any, slope: str) -> list[np.ndarray]:
    """By each method: df, t and p of the slope, and the sorted columns of the F tests."""
    found = []
    for method in METHODS:
        found.append(coefficients(result, method).loc[slope, ["df", "t", "p"]].to_numpy(float))
        found.append(np.sort(f_tests(result, method).to_numpy(), axis=0))
    return found


@cache
def unchanged(seed: int, sd: float, re_formula: str) -> list[np.ndarray]:
    """What the data as they are answer; their fit is singular just where groups do not vary."""
    result = fit("y ~ x + h", unbalanced(seed, sd), "g", re_formula)
    assert result.report.singular == (sd == 0)
    return answers(result, "x")


@pytest.mark.parametrize("change", SAME)
@pytest.mark.parametrize("seed, sd", [(5, 1.0), (1, 0.0)], ids=["interior", "singular"])
def test_what_may_not_matter_changes_no_df_no_t_and_no_p(seed: int, sd: float, change: str) -> None:
    changed, formula = SAME[change][0](unbalanced(seed, sd)), SAME[change][1]
    slope, group = ('Q("a b")', "class") if change == "names" else ("x", "g")
    for re_formula in ("~1", "~x"):
        other = fit(formula, changed, group, re_formula.replace("x", slope))
        assert other.report.singular == (sd == 0)
        expected = unchanged(seed, sd, re_formula)
        for ours, theirs in zip(answers(other, slope), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4)


# ---- contrasts -------------------------------------------------------------------------------------------


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
    names = [list(coefficients(push_ups(), contrasts=way).index) for way in ([0, 1], np.eye(2))]
    assert names == [["contrast"], ["contrast 1", "contrast 2"]]


def test_a_contrast_may_name_another_null_value_and_several_hypotheses_at_once() -> None:
    result, contrasts = public_fit("sleepstudy_slopes", True), {"ten a day": "Days = 10"}
    row = coefficients(result, contrasts=contrasts).loc["ten a day"]
    assert row["t"] == pytest.approx((10.467286 - 10) / row["se"], rel=1e-5)
    F = f_tests(result, contrasts=contrasts).loc["ten a day", "F"]
    assert F == pytest.approx(row["t"] ** 2)
    result = public_fit("machines_nested", True)
    joint = f_tests(result, contrasts={"all": "Machine[T.B] = 0, Machine[T.C] = 0"})
    np.testing.assert_allclose(joint.to_numpy(), f_tests(result).to_numpy(), rtol=1e-12)


# ---- what is said ----------------------------------------------------------------------------------------


def test_kenward_roger_of_an_ml_fit_is_the_reml_fits_and_says_so() -> None:
    ml, reml = coefficients(push_ups(reml=False)), coefficients(push_ups())
    np.testing.assert_allclose(ml, reml, rtol=1e-5)
    assert ml.attrs["refitted"] and "refitted by REML" in str(ml)
    assert not reml.attrs["refitted"] and "refitted" not in str(reml)


def quiet(call: Callable[..., Any], *given: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given, **options)


def test_a_plain_fit_that_stops_short_is_flagged_and_its_own_numbers_are_shown() -> None:
    model = smf.mixedlm("correctness ~ session_high", load("pushups"), groups="athlete_id")
    away = MixedLMParams.from_components(np.zeros(2), cov_re=np.eye(1) * 3)
    short = quiet(model.fit, start_params=away, method="nm", maxiter=2)
    short._results.converged = True  # statsmodels has claimed so of fits as short as this one
    with pytest.warns(NotAtOptimumWarning, match="not at its optimum"):
        table = coefficients(short)
    assert table.attrs["shortfall"] == pytest.approx(push_ups().llf - short.llf, rel=1e-4)
    np.testing.assert_allclose(table["estimate"], short.fe_params, rtol=1e-8)
    assert "not at its optimum" in table.notes[0]


def test_the_display_is_rounded_and_no_p_reads_as_zero_but_values_are_exact() -> None:
    table = coefficients(push_ups())
    assert "1.8e-23" in str(table) and "-0.07267 0.00636 195.00 -11.422" in str(table)
    assert table.loc["session_high", "p"] == pytest.approx(1.79e-23, rel=0.01)
    assert table.loc[["session_high"]].notes == table.notes
    shown = [show_p(p) for p in (0.0, 1e-310, 0.00016, 0.001, 0.0015, 0.05, np.nan)]
    assert shown == ["< 1e-300", "1e-310", "0.00016", "0.001", "0.002", "0.050", ""]
    assert list(table.columns) == ["estimate", "se", "df", "t", "p", "low", "high"]


def test_interactions_of_numbers_do_not_depend_on_their_zero() -> None:
    data = unbalanced(5, 1.0).assign(z=lambda d: np.cos(d["x"]))
    plain = f_tests(fit("y ~ h * x * z", data, "g"))
    moved = f_tests(fit("y ~ h * x * z", data.assign(x=data["x"] + 7), "g"))
    np.testing.assert_allclose(plain, moved, rtol=1e-5)
    assert plain.notes[-1].startswith("Terms that are part of an interaction are averaged over")
    bare = fit("y ~ h + x:z", data, "g")  # without lower terms, nothing is averaged or centred
    assert not f_tests(bare).notes and "x:z" in f_tests(bare).index


def test_plain_fits_from_arrays_or_with_a_factor_of_one_level_have_their_terms_tested() -> None:
    data, model = load("pushups").assign(h="a"), push_ups().model
    one_level = smf.mixedlm("correctness ~ session_high + C(h)", data, groups="athlete_id")
    for plain in (sm.MixedLM(model.endog, model.exog, model.groups), one_level):
        np.testing.assert_allclose(f_tests(quiet(plain.fit)), f_tests(push_ups()), rtol=1e-4)


# ---- what is refused -------------------------------------------------------------------------------------


def test_results_from_which_nothing_can_be_concluded_are_refused_with_a_cure() -> None:
    data, formula, groups = load("pushups"), "correctness ~ session_high", {"groups": "athlete_id"}
    unfitted = smf.mixedlm(formula, data, **groups)
    unconverged = quiet(unfitted.fit)
    unconverged._results.converged = False
    between = quiet(smf.mixedlm(formula, data, groups="session_label").fit)
    X = np.column_stack([np.ones(len(data)), data["session_high"]])
    model = sm.MixedLM(data["correctness"].to_numpy(), X, data["athlete_id"].to_numpy(), exog_re=X)
    pattern = MixedLMParams.from_components(np.ones(2), np.eye(2))
    cases: list[tuple[Any, type[Exception], str]] = [
        (smf.ols(formula, data).fit(), TypeError, "OLS"),
        (smf.gee(formula, "athlete_id", data).fit(), TypeError, "GEE"),
        (unfitted, TypeError, "not fitted"),
        ("a result", TypeError, "str"),
        (between, ValueError, "tells of session_label Var"),
        (unconverged, ValueError, "did not converge.*fewgroups.fit"),
        (quiet(model.fit_regularized, alpha=0.1), ValueError, "penalised"),
        (quiet(model.fit, free=pattern), ValueError, "held some covariance parameters fixed"),
    ]
    for result, error, words in cases:
        for function in (coefficients, f_tests, variances):
            with pytest.raises(error, match=words):
                function(result)
    with pytest.raises(ValueError, match="no term besides the intercept"):
        f_tests(public_fit("dyestuff", True))


def test_each_wrong_argument_is_named() -> None:
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        *(({"level": level}, ValueError, "level") for level in (0, 1, 95, "0.95", True, np.nan)),
        *(({"ddf": ddf}, ValueError, "'kenward-roger'") for ddf in ("KR", None, "Satterthwaite")),
        ({"contrasts": {"c": [1, 2, 3]}}, ValueError, "3 weights, but the model has 2"),
        ({"contrasts": [1.0]}, ValueError, "1 weights"),
        ({"contrasts": {"c": {"session": 1}}}, ValueError, "terms are Intercept, session_high"),
        ({"contrasts": {"c": "session - 1"}}, ValueError, "cannot be read"),
        ({"contrasts": {"c": " "}}, ValueError, "cannot be read"),
        ({"contrasts": {"c": [np.nan, 1]}}, ValueError, "missing or infinite"),
        ({"contrasts": {"c": [0, 0]}}, ValueError, "zero or repeat"),
        ({"contrasts": {}}, ValueError, "empty"),
        ({"contrasts": {"c": [[1, 0], [0, 1]]}}, ValueError, "f_tests"),
        *(
            ({"contrasts": {"c": weights}}, TypeError, "must be numbers")
            for weights in (["a", "b"], {"session_high": "1"}, None, True)
        ),
        ({"contrasts": {"c": [[1, 0], [1]]}}, ValueError, "must be numbers"),
    ]
    for arguments, error, words in cases:
        with pytest.raises(error, match=words):
            coefficients(push_ups(), **arguments)
        if "ddf" in arguments:
            with pytest.raises(error, match=words):
                f_tests(push_ups(), **arguments)
