"""variances(): lme4's profile intervals, a dense likelihood, closed forms, shares, what is told and refused."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.checks import NotAtOptimumWarning
from fewgroups.components import Profile
from fewgroups.likelihood import evaluate, optimum
from fewgroups.structure import Structure
from public_data import load
from running_example import Design, Truth, simulate
from scipy.optimize import minimize
from scipy.stats import chi2
from test_inference_fixed import public_fit

from fewgroups import fit, variances

STORED = json.loads(
    (Path(__file__).parent / "reference" / "components.json").read_text(encoding="utf-8")
)
ROWS = {  # our rows in the order in which lme4's confint has them
    "dyestuff": ["Batch", "residual"],
    "dyestuff2": ["Batch"],  # lme4's own interval for σ is (0, Inf) here: its profile failed
    "sleepstudy_intercept": ["Subject", "residual"],
    "sleepstudy_slopes": ["Subject", "Subject × Days", "Days", "residual"],
    "sleepstudy_independent": ["Subject", "Days", "residual"],
    "penicillin": ["plate", "sample", "residual"],
    "pastes": ["sample", "batch", "residual"],
    "machines_nested": ["Machine", "Worker", "residual"],
    "machines_unbalanced": ["Machine", "Worker", "residual"],
    "cake_dose": ["block", "residual"],
    "pushups": ["athlete_id", "residual"],
}


@cache
def fitted(name: str, reml: bool) -> Any:
    if not name.startswith("pushups"):
        return public_fit(name, reml)
    slopes = "~session_high" if name == "pushups_slopes" else "~1"
    return fit("correctness ~ session_high", load("pushups"), "athlete_id", slopes, reml=reml)


@cache
def table(name: str, reml: bool) -> Any:
    return variances(fitted(name, reml))


def dense_deviance(
    model: Any, psi: np.ndarray, vcomp: np.ndarray, scale: float, reml: bool
) -> float:
    """−2 log-likelihood from the covariance matrix of each group's rows, written out."""
    n, p = model.exog.shape
    whole, logs = np.zeros((p + 1, p + 1)), 0.0
    for g, label in enumerate(model.group_labels):
        rows = model.row_indices[label]
        both = np.column_stack([model.exog[rows], model.endog[rows]])
        V = scale * np.eye(len(rows))
        if model.k_re:
            V += model.exog_re[rows] @ psi @ model.exog_re[rows].T
        for variance, mats in zip(vcomp, model.exog_vc.mats, strict=True):
            V += variance * np.asarray(mats[g] @ mats[g].T)
        whole += both.T @ np.linalg.solve(V, both)
        logs += np.linalg.slogdet(V)[1]
    A, b = whole[:p, :p], whole[:p, p]
    rest = whole[p, p] - b @ np.linalg.solve(A, b)
    if reml:
        logs += np.linalg.slogdet(A)[1] - p * np.log(2 * np.pi)
    return float(logs + rest + n * np.log(2 * np.pi))


def parts(model: Any, rows: list[str], values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Ψ, τ² and σ² from SDs and correlations in the order of our rows."""
    value = dict(zip(rows, values, strict=True))
    names = list(model.data.exog_re_names) if model.k_re else []
    psi = np.diag([value[name] ** 2 for name in names]).reshape(len(names), len(names))
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        r = value[f"{names[i]} × {names[j]}"]
        psi[i, j] = psi[j, i] = r * value[names[i]] * value[names[j]]
    return psi, np.array([value[name] ** 2 for name in model.exog_vc.names]), value["residual"] ** 2


def dense_profile(name: str, reml: bool, row: str, held: float) -> float:
    """The lowest dense deviance with one row at `held`, the others searched for from three starts."""
    model, answer = fitted(name, reml).model, table(name, reml)
    rows = list(answer.index)
    free = [one for one in rows if one != row]
    sigma = answer.loc["residual", "sd"]

    def deviance(x: np.ndarray) -> float:
        values = {
            one: np.tanh(v) if " × " in one else sigma * np.exp(v)
            for one, v in zip(free, x, strict=True)
        }
        return dense_deviance(
            model,
            *parts(model, rows, np.array([(values | {row: held})[one] for one in rows])),
            reml,
        )

    estimate = np.array(
        [
            np.arctanh(np.clip(np.nan_to_num(answer.loc[one, "correlation"]), -0.9, 0.9))
            if " × " in one
            else np.log(max(answer.loc[one, "sd"] / sigma, 0.01))
            for one in free
        ]
    )
    ends = [
        minimize(
            deviance, estimate + shift, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7}
        )
        for shift in (0.0, 0.3, -0.5)
    ]
    return float(min(end.fun for end in ends))


LONG = ("machines_nested", "machines_unbalanced", "cake_dose", "sleepstudy_independent", "dyestuff")


def longer(name: str, *more: str) -> Any:
    return pytest.param(name, *more, marks=pytest.mark.full)


@pytest.mark.parametrize("name", [longer(name) if name in LONG else name for name in ROWS])
def test_intervals_of_ml_fits_are_those_of_lme4s_confint(name: str) -> None:
    stored = STORED[name]
    ours = table(name, False).loc[ROWS[name]]
    for end in ("low", "high"):
        theirs = np.array(stored[end][: len(ours)], dtype=float)
        width = ours["high"] - ours["low"]
        # R interpolates its profile by splines: 2e-5 of the interval's width is what that is worth
        assert np.all(np.abs(ours[end] - theirs) < 2e-5 * width)


@pytest.mark.parametrize(
    ("name", "row", "end"),
    [
        ("pushups", "athlete_id", "low"),
        ("pushups", "athlete_id", "high"),
        longer("pushups", "residual", "low"),
        longer("dyestuff2", "residual", "high"),
        ("pushups_slopes", "session_high", "high"),
        longer("pushups_slopes", "athlete_id", "low"),
        longer("sleepstudy_slopes", "Subject × Days", "low"),
        longer("sleepstudy_slopes", "Days", "high"),
        longer("pastes", "batch", "high"),
        longer("pastes", "sample", "low"),
    ],
)
def test_reml_intervals_end_where_a_dense_likelihood_has_fallen_by_chi_squared(
    name: str, row: str, end: str
) -> None:
    lowest = -2 * optimum(fitted(name, True).model, True).loglik
    fallen = dense_profile(name, True, row, table(name, True).loc[row, end]) - lowest
    assert fallen == pytest.approx(chi2.ppf(0.95, 1), abs=2e-3)


def test_the_push_ups_standard_deviations_and_intervals() -> None:
    reml, ml = table("pushups", True).loc["athlete_id"], table("pushups", False).loc["athlete_id"]
    assert reml[["sd", "low", "high"]].round(4).tolist() == [0.0232, 0.0111, 0.0706]
    assert ml[["low", "high"]].round(4).tolist() == [0.0101, 0.0506]
    assert round(reml["se"], 6) == 0.000471


@pytest.mark.parametrize("name", ["pushups", "dyestuff"])
@pytest.mark.parametrize("reml", [True, False])
def test_standard_errors_are_the_closed_form_of_balanced_designs(name: str, reml: bool) -> None:
    answer, model = table(name, reml), fitted(name, reml).model
    groups, n = model.n_groups, len(model.endog) // model.n_groups
    between, within = answer["variance"]
    df = (groups - 1) if reml else groups
    rest = len(model.endog) - groups - ((model.exog.shape[1] - 1) if reml else 0)
    mean = 2 * (n * between + within) ** 2 / df
    residual = 2 * within**2 / rest
    assert answer["se"].tolist() == pytest.approx(
        [np.sqrt(mean + residual) / n, np.sqrt(residual)], rel=1e-6
    )


def test_the_standard_error_of_a_correlation_is_that_of_the_curvature_by_it() -> None:
    """In the balanced sleepstudy the observed information, here of the dense likelihood, equals the expected."""
    answer = table("sleepstudy_slopes", False)
    model = fitted("sleepstudy_slopes", False).model
    rows = list(answer.index)
    values = answer["sd"].fillna(answer["correlation"]).to_numpy()
    steps = np.diag(1e-3 * np.maximum(np.abs(values), 1.0))

    def at(point: np.ndarray) -> float:
        return dense_deviance(model, *parts(model, rows, point), False)

    hessian = np.array(
        [
            [
                (at(values + a + b) - at(values + a - b) - at(values - a + b) + at(values - a - b))
                / (4 * a.sum() * b.sum())
                for b in steps
            ]
            for a in steps
        ]
    )
    spread = np.sqrt(np.diag(2 * np.linalg.inv(hessian)))
    where = rows.index("Subject × Days")
    assert answer["se"].iloc[where] == pytest.approx(spread[where], rel=1e-3)
    by_sd = answer["se"] / (2 * answer["sd"])  # dτ² = 2τ dτ
    others = [k for k in range(len(rows)) if k != where]
    assert by_sd.iloc[others].tolist() == pytest.approx(spread[others], rel=1e-3)


@pytest.mark.parametrize("name", [longer(name) if name in LONG else name for name in ROWS])
def test_icc_and_r_squared_are_those_of_lme4s_dense_covariance(name: str) -> None:
    attrs, theirs = table(name, True).attrs, STORED[name]["reml"]
    for key in ("icc", "r2_marginal", "r2_conditional"):
        assert attrs[key] == pytest.approx(theirs[key], abs=2e-5)


@pytest.mark.parametrize(
    "name", ["pushups", "pushups_slopes", "penicillin", "pastes", longer("pixel")]
)
def test_shares_add_up_to_one(name: str) -> None:
    answer = table(name, True)
    assert answer["share"].sum() == pytest.approx(1)
    assert answer.attrs["icc"] == pytest.approx(1 - answer.loc["residual", "share"])


@pytest.mark.parametrize(
    "name", ["pushups", *map(longer, ["pixel", "milk", "soybean", "machines_slopes"])]
)
def test_estimates_lie_inside_their_intervals(name: str) -> None:
    answer = table(name, True)
    value = answer["sd"].fillna(answer["correlation"]) if "correlation" in answer else answer["sd"]
    assert np.all((answer["low"] <= value) & (value <= answer["high"]))
    assert np.all(answer["low"] < answer["high"])


def test_units_of_the_outcome_and_of_the_predictor_pass_through() -> None:
    data = load("sleepstudy")
    plain = table("sleepstudy_slopes", True)
    data["Reaction"] *= 1000
    data["Days"] /= 100
    scaled = variances(fit("Reaction ~ Days", data, "Subject", "~Days"))
    factor = pd.Series([1e3, 1e5, 1.0, 1e3], index=plain.index)
    assert scaled["low"].tolist() == pytest.approx((plain["low"] * factor).tolist(), rel=1e-4)
    assert scaled["high"].tolist() == pytest.approx((plain["high"] * factor).tolist(), rel=1e-4)
    assert scaled["share"].tolist() == pytest.approx(plain["share"].tolist(), rel=1e-4)
    squares = factor**2
    squares["Subject × Days"] = 1.0
    assert scaled["se"].tolist() == pytest.approx((plain["se"] * squares).tolist(), rel=1e-4)


def test_far_from_centre_predictors_change_no_slope_interval() -> None:
    data = load("sleepstudy")
    data["Days"] += 2000
    moved = variances(fit("Reaction ~ Days", data, "Subject", "~Days"))
    plain = table("sleepstudy_slopes", True)
    for row in ("Days", "residual"):
        assert moved.loc[row, ["low", "high"]].tolist() == pytest.approx(
            plain.loc[row, ["low", "high"]].tolist(), rel=1e-4
        )
        assert moved.loc[row, "se"] == pytest.approx(plain.loc[row, "se"], rel=1e-4)
    assert np.all(np.isfinite(moved["se"]))


def test_a_variance_of_zero_has_an_interval_from_zero_and_no_standard_error() -> None:
    answer = table("dyestuff2", True)
    assert answer.loc["Batch", ["sd", "variance", "low", "share"]].tolist() == [0.0] * 4
    assert answer.loc["Batch", "high"] > 0
    assert np.isnan(answer.loc["Batch", "se"])
    assert answer.attrs["singular"]
    assert "the variance of Batch is zero" in answer.notes[-1]


def test_a_singular_correlation_may_be_anything_from_minus_one_to_one() -> None:
    answer = table("pushups_slopes", True)
    row = answer.loc["athlete_id × session_high"]
    assert row[["correlation", "low", "high"]].tolist() == [-1.0, -1.0, 1.0]
    assert np.isnan(row["se"])
    assert answer.loc["session_high", "low"] == 0
    assert "Singular fit: the correlation of athlete_id and session_high is -1" in "\n".join(
        answer.notes
    )


def test_a_correlation_may_be_anything_where_one_of_its_sds_may_be_zero() -> None:
    answer = variances(
        fit(
            "correctness ~ session_high",
            simulate(Design(), Truth(slope_sd=0.03), 1),
            "athlete_id",
            "~session_high",
        )
    )
    assert not answer.attrs["singular"]
    assert answer.loc[["athlete_id", "session_high"], "low"].min() == 0
    assert answer.iloc[2][["low", "high"]].tolist() == [-1.0, 1.0]


def test_a_slope_that_does_not_vary_has_no_correlation() -> None:
    y = np.repeat(np.random.default_rng(3).normal(size=8), 3) + np.tile([0.1, -0.2, 0.1], 8)
    frame = pd.DataFrame({"y": y, "x": np.tile([0.0, 1, 2], 8), "g": np.repeat(range(8), 3)})
    none = variances(fit("y ~ x", frame, "g", "~x"))
    row = none.loc["g × x"]
    assert none.loc["x", "sd"] == 0 and np.isnan(row["correlation"]) and np.isnan(row["se"])
    assert row[["low", "high"]].tolist() == [-1.0, 1.0]


def test_statsmodels_own_fits_give_the_same_table() -> None:
    plain = smf.mixedlm(
        "Reaction ~ Days", load("sleepstudy"), groups="Subject", re_formula="~Days"
    ).fit()
    ours, theirs = table("sleepstudy_slopes", True), variances(plain)
    assert theirs.to_numpy() == pytest.approx(ours.to_numpy(), rel=1e-5, nan_ok=True)


def test_a_fit_below_the_optimum_keeps_its_estimates_and_warns() -> None:
    with pytest.warns(UserWarning):  # statsmodels' own
        plain = smf.mixedlm(
            "correctness ~ session_high",
            load("pushups"),
            groups="athlete_id",
            re_formula="~session_high",
        ).fit()
    with pytest.warns(NotAtOptimumWarning, match="not at its optimum"):
        answer = variances(plain)
    assert answer["variance"].iloc[[0, 1]].tolist() == pytest.approx(np.diag(plain.cov_re).tolist())
    best = table("pushups_slopes", True)
    assert answer[["low", "high"]].to_numpy() == pytest.approx(best[["low", "high"]].to_numpy())
    assert "the intervals those of the model" in answer.notes[-1]


def test_a_wider_level_holds_the_narrower_interval() -> None:
    answers = [variances(fitted("pushups", True), level) for level in (0.5, 0.8, 0.95, 0.99)]
    for narrow, wide in pairwise(answers):
        assert np.all(wide["low"] < narrow["low"]) and np.all(wide["high"] > narrow["high"])


def test_the_display_says_what_the_columns_are() -> None:
    answer = table("pushups", True)
    assert list(answer.columns) == ["sd", "variance", "se", "low", "high", "share"]
    assert "profile REML intervals of the SDs; se: of the variances" in repr(answer)
    assert "ICC 0.217; R² marginal 0.339, conditional 0.482" in answer._repr_html_()
    assert not any("averages over the rows" in note for note in answer.notes)
    large = fit(
        "score ~ 1", load("pushups").assign(score=lambda d: 1e5 * d["correctness"]), "athlete_id"
    )
    assert re.search(
        r"^residual +\d{4} ", repr(variances(large)), re.MULTILINE
    )  # no digits that mean nothing


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, "0.95", None, np.nan, True])
def test_a_level_that_is_no_share_is_refused(level: Any) -> None:
    with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
        variances(fitted("pushups", True), level)


def test_results_that_are_no_mixed_models_are_refused() -> None:
    data = load("pushups")
    with pytest.raises(TypeError, match="must come from a mixed model"):
        variances(smf.ols("correctness ~ session_high", data).fit())
    with pytest.raises(TypeError, match="not fitted yet"):
        variances(smf.mixedlm("correctness ~ session_high", data, groups="athlete_id"))


def test_the_profile_of_a_correlation_does_not_ask_for_the_sign_of_a_length() -> None:
    model = fitted("sleepstudy_slopes", True).model
    best, s = optimum(model, True), Structure.of(model)
    profile = Profile.of_correlation(s, True, 0, 1)
    start = profile.start(best.theta, best.scale)
    for turned in ([1, 1, -1, 1], [-1, 1, 1, 1], [-1, 1, -1, 1]):
        deviance, slope = profile._deviance(0.3, start * turned)
        expected, uphill = profile._deviance(0.3, start)
        assert deviance == pytest.approx(expected)
        np.testing.assert_allclose(np.delete(slope * turned, 1), np.delete(uphill, 1), rtol=1e-6)


def test_a_held_residual_variance_leaves_only_beta_profiled() -> None:
    model = fitted("sleepstudy_slopes", True).model
    best, s = optimum(model, True), Structure.of(model)
    held = evaluate(s, best.theta, True, scale=2 * best.scale)
    dense = dense_deviance(model, 2 * best.cov_re, best.vcomp, 2 * best.scale, True)
    assert held.deviance == pytest.approx(dense)
    assert evaluate(s, best.theta, True, scale=best.scale).deviance == pytest.approx(
        -2 * best.loglik
    )
