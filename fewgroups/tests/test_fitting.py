"""`fit`: published numbers, true optima, true verdicts, and refusals that say what would do."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fewgroups.likelihood import optimum
from public_data import load, request
from reference import fits_cases
from running_example import Design, Truth, simulate, simulate_many
from scipy import sparse
from statsmodels.regression.mixed_linear_model import MixedLMResultsWrapper

from fewgroups import coefficients, fit, fit_many, predictions, variances

F = "correctness ~ session_high"
PUSHUPS = load("pushups")
# A lesson's cell must not show a red box: whatever `fit` lets through fails the test.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("name", ["pushups", "sleepstudy_slopes", "machines_nested", "penicillin"])
def test_the_result_is_what_statsmodels_itself_makes_of_that_point(name: str) -> None:
    asked = {"formula": F, "data": PUSHUPS, "groups": "athlete_id"}
    asked = asked if name == "pushups" else request(name)
    ours = fit(**asked, reml=name != "penicillin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ours.model.fit(start_params=ours.params_object, reml=ours.reml)
    assert type(ours) is MixedLMResultsWrapper
    assert set(vars(ours._results)) - set(vars(theirs._results)) <= {"_cache"}
    assert ours.summary().as_text() == theirs.summary().as_text()
    ours, theirs = ours._results, theirs._results
    for name in ("params", "bse", "bse_fe", "bse_re", "cov_re_unscaled", "vcomp", "scale", "llf"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-7)
    size = np.sqrt(np.diag(theirs.cov_params()))
    moved = (ours.cov_params() - theirs.cov_params()) / np.outer(size, size)
    assert np.abs(moved).max() < 1e-7
    assert ours.llf == pytest.approx(ours.model.loglike(ours.params_object, profile_fe=False))


@pytest.mark.parametrize("name", ["penicillin", "machines_nested"])
def test_large_components_may_be_sparse(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dense = fit(**request(name))
    monkeypatch.setattr("fewgroups.formulas.LARGE", 0)
    monkeypatch.setattr("fewgroups.structure.MANY", 0)
    large = fit(**request(name))
    assert sparse.issparse(large.model.exog_vc.mats[0][0])
    for value in ("params", "bse", "llf", "fittedvalues", "resid"):
        found, expected = (getattr(made._results, value) for made in (large, dense))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    for ask in (variances, coefficients, lambda fitted: predictions(fitted, who="known")):
        pd.testing.assert_frame_equal(ask(large), ask(dense), rtol=1e-6)


def test_the_report_says_that_the_boundary_alarm_was_false() -> None:
    report = fit(F, PUSHUPS, "athlete_id").report
    assert not report.singular and report.boundary == ()
    assert report.alarm and "would warn of a boundary" in str(report)
    silent = fit(F, PUSHUPS.assign(correctness=100 * PUSHUPS["correctness"]), "athlete_id").report
    assert not silent.alarm and "would warn" not in str(silent)


def test_a_singular_fit_is_called_so_and_can_be_used_in_any_unit_of_a_predictor() -> None:
    result = fit(F, PUSHUPS, "athlete_id", "~session_high")
    assert result.report.singular and result.converged
    assert result.report.boundary == ("the correlation of athlete_id and session_high is -1",)
    assert "Singular: the correlation of athlete_id and session_high is -1." in str(result.report)
    assert 0 <= result.report.loglik - result.llf < 1e-6
    assert set(result.random_effects) == set(PUSHUPS["athlete_id"])
    assert np.all(np.isfinite(result.fittedvalues)) and np.all(np.isfinite(result.bse_fe))
    assert "328.5364" in result.summary().as_text()
    for unit in (1e3, 1e-4):
        data = PUSHUPS.assign(x=unit * PUSHUPS["session_high"])
        scaled = fit("correctness ~ x", data, "athlete_id", "~x")
        assert scaled.report.singular
        assert scaled.llf + np.log(unit) == pytest.approx(result.llf, abs=1e-9)
        by_group = np.array(list(scaled.random_effects.values())) * [1, unit]
        np.testing.assert_allclose(by_group, list(result.random_effects.values()), atol=1e-6)


def test_zero_variances_are_named() -> None:
    centred = PUSHUPS.assign(
        correctness=PUSHUPS["correctness"]
        - PUSHUPS.groupby(["athlete_id", "session_high"])["correctness"].transform("mean")
        + 0.001 * PUSHUPS["session_high"]
    )
    assert fit(F, centred, "athlete_id").report.boundary == ("the variance of athlete_id is zero",)
    result = fit(F, PUSHUPS, "athlete_id", vc_formula={"day": "0 + C(session_label)"})
    assert result.report.boundary == ("the variance of day is zero",)
    assert result.llf == pytest.approx(fit(F, PUSHUPS, "athlete_id").llf, abs=1e-5)


def test_standard_errors_that_mislead_are_told() -> None:
    repeats = [{"a": a, "b": b} for a, b in ((20, 30), (3, 12), (15, 2), (0, 10), (9, 30))]
    data = simulate(Design(athletes=5, repeats=repeats), Truth(slope_sd=0.02), 5)
    result = fit(F, data, "athlete_id", "~session_high")
    exact = np.sqrt(np.diag(optimum(result.model).covariance))
    ratios = list(result.report.se_ratios.values())
    np.testing.assert_allclose(ratios, result.bse_fe / exact, rtol=1e-6)
    assert np.max(np.abs(np.subtract(ratios, 1))) > 0.1
    said = " ".join(str(result.report).split())
    assert "standard errors of Intercept, session_high are more than 5 % off" in said
    fine = fit(F, PUSHUPS, "athlete_id", "~session_high").report
    np.testing.assert_allclose(list(fine.se_ratios.values()), 1, rtol=1e-6)
    assert "standard errors" not in str(fine)


@pytest.mark.parametrize(
    "numbers",
    [range(60), *(pytest.param(range(k, 2000, 4), marks=pytest.mark.full) for k in range(4))],
    ids=str,
)
def test_slope_fits_of_the_push_up_design_stand_on_their_optimum(numbers: range) -> None:
    """Each stands on the best log-likelihood known, and singular means singular; see fits_cases."""
    scores, by_lmer = fits_cases.scores(), fits_cases.stored()
    np.testing.assert_allclose(scores.sum(axis=1), by_lmer["y_sum"], atol=1e-7)
    table = fits_cases.DESIGN.table()
    for k in numbers:
        table["correctness"] = scores[k]
        result, lmer = fit(F, table, "athlete_id", "~session_high"), by_lmer.loc[k]
        assert result.llf > max(lmer["loglik"], result.report.loglik) - 1e-5
        assert result.report.singular >= bool(lmer["singular"])
        # lmer stopped next to the boundary, or lower
        if result.report.singular > bool(lmer["singular"]):
            assert result.llf > lmer["loglik"] - 1e-6
            R = result.structure.R_re
            assert np.linalg.eigvalsh(R @ (result.cov_re / result.scale) @ R.T)[0] < 1.01e-9


def test_a_higher_maximum_in_another_direction_is_found() -> None:
    """Four uneven studies of eight athletes in which a search from the middle ends up to .18 short."""
    full, few = {"session_20": 20, "session_30": 30}, {"session_20": 2, "session_30": 6}
    design = Design(8, [full] * 4 + [few] * 4)
    scores = simulate_many(design, Truth(effect=-0.04, slope_sd=0.05, clip=False), 3200, seed=7)
    table, found = design.table(), fit_many(scores, design, slopes=True)
    for k in (460, 1633, 3105, 3116):
        table["correctness"] = scores[k]
        result = fit(F, table, "athlete_id", re_formula="~session_high")
        assert result.llf > found.loglik[k] - 1e-6


def test_groups_may_come_in_every_shape_and_labels_may_repeat() -> None:
    plain, twice = fit(F, PUSHUPS, "athlete_id"), PUSHUPS.set_axis(np.tile(np.arange(100), 2))
    before, shifted = twice.copy(), PUSHUPS.set_axis(np.arange(200) + 1000)
    for result in (
        fit(F, PUSHUPS, list(PUSHUPS["athlete_id"])),
        fit(F, PUSHUPS.astype({"athlete_id": "category"}), "athlete_id"),
        fit(F, shifted, shifted["athlete_id"]),
        fit("correctness ~ C(session_label)", twice, "athlete_id", None),
    ):
        assert result.llf == pytest.approx(plain.llf, abs=1e-8)
    component = {"day": "0 + C(session_label):C(repeat_id % 5)"}
    ours, theirs = (fit(F, data, "athlete_id", "~1", component).llf for data in (PUSHUPS, twice))
    assert ours == pytest.approx(theirs, abs=1e-8)
    pd.testing.assert_frame_equal(twice, before)


def changed(row: int, column: str, value: Any) -> pd.DataFrame:
    data = PUSHUPS.astype({column: object if isinstance(PUSHUPS[column].iloc[0], str) else float})
    data.loc[row, column] = value
    return data


CELLS = PUSHUPS.groupby(["athlete_id", "session_high"], as_index=False)["correctness"].mean()
BETWEEN = PUSHUPS.assign(tall=(PUSHUPS["athlete_id"] < "d").astype(int))
MEANS = PUSHUPS.groupby("athlete_id")["correctness"].transform("mean")
ONE_ROW_EACH = {"row": "0 + C(repeat_id):C(session_label)"}
DAY = {"day": "0 + C(session_label)"}


def asked(
    formula: Any = F, data: Any = PUSHUPS, groups: Any = "athlete_id", *args: Any, **more: Any
) -> Any:
    """A request for a fit of the push-ups, in which something is wrong."""
    return lambda: fit(formula, data, groups, *args, **more)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "missing score": (asked(data=changed(3, "correctness", np.nan)), "1 of 200 rows .*rows 3"),
    "missing label": (asked(data=changed(7, "athlete_id", None)), "missing values: rows 7"),
    "no slope": (asked("correctness ~ 1", changed(9, "session_high", np.nan), re_formula="~session_high"), "rows 9"),
    "missing in a component": (asked(data=changed(9, "session_label", None), vc_formula=DAY), "missing values: rows 9"),
    "logarithm of nothing": (asked("np.log(correctness - 2) ~ 1"), "no value of"),
    "infinite score": (asked(data=changed(3, "correctness", np.inf)), "infinite .*rows 3"),
    "overflow": (asked("correctness ~ np.exp(1000 * session_high)"), "infinite"),
    "one group": (asked(data=PUSHUPS[PUSHUPS["athlete_id"] == "alex_02"]), "one value only .*re_formula=None"),
    "constant score": (asked(data=PUSHUPS.assign(correctness=0.85)), "does not vary"),
    "constant in groups": (asked("correctness ~ 1", PUSHUPS.assign(correctness=MEANS)), "no residual variation"),
    "two effects for two rows": (asked(F, CELLS, "athlete_id", "~session_high"), "cannot tell apart .* residual"),
    "the same predictor twice": (asked("correctness ~ session_high + session_label"), "columns that say the same"),
    "the same slope twice": (asked(re_formula="~session_high + session_label"), "random effects .* follows from"),
    "a component of zeros": (asked(vc_formula={"none": "0 + I(0 * repeat_id)"}), "columns of none are zero"),
    "scores too large": (asked(data=PUSHUPS.assign(correctness=MEANS * 1e200 + PUSHUPS["correctness"])), "squared"),
    "groups as predictors": (asked("correctness ~ athlete_id"), "nothing in the data tells of athlete_id Var"),
    "slope between groups": (asked("correctness ~ tall", BETWEEN, "athlete_id", "~tall"), "'tall' cannot be told"),
    "intercept twice": (asked(vc_formula={"same": "1"}), "cannot tell apart athlete_id Var, same Var"),
    "component per row": (asked(vc_formula=ONE_ROW_EACH), "row.* has as many levels as rows"),
    "no such column": (asked("correctness ~ sesion"), "'sesion' is not defined .columns: "),
    "not a formula": (asked("correctness ~ session_high +* 2"), "cannot be read"),
    "text outcome": (asked("session_label ~ repeat_id"), "one column of numbers"),
    "no fixed effect": (asked("correctness ~ 0"), "no fixed effect"),
    "no random effect": (asked(F, PUSHUPS, "athlete_id", "0"), "no random effect"),
    "groups: no such column": (asked(groups="athlete"), "groups must name a column"),
    "groups: wrong length": (asked(groups=[1, 2]), "one label per row .200.; given shape .2,"),
    "groups: other index": (asked(groups=PUSHUPS["athlete_id"].sort_values()), "another index than data"),
    "groups: mixed": (asked(groups=pd.Series([1, *PUSHUPS["athlete_id"][1:]], dtype=object)), "different kinds"),
    "no rows": (asked(data=PUSHUPS.iloc[:0]), "no rows"),
    "columns of one name": (asked(data=PUSHUPS.set_axis([*PUSHUPS.columns[:-2], "x", "x"], axis=1)), "same name"),
    "data: not a table": (asked(data=PUSHUPS.to_dict()), "data must be a pandas DataFrame"),
    "formula: not text": (asked(None), "formula must be text"),
    "re_formula: not text": (asked(F, PUSHUPS, "athlete_id", 1), "re_formula must be text"),
    "vc_formula: not a mapping": (asked(vc_formula={"a": 1}), "vc_formula must be names with their formulas"),
    "reml: not a choice": (asked(reml="yes"), "reml must be"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_fit_that_cannot_be_had_says_so_in_one_sentence(name: str) -> None:
    request, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as error:
        request()
    assert "\n" not in str(error.value)
