"""variances(): lme4's profile intervals, a dense likelihood, closed forms, shares and ICC, what is said and refused."""

import json
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.likelihood import NotAtOptimumWarning, optimum
from public_data import REFERENCE, covariance, load, public_fit, push_ups
from scipy.optimize import minimize
from scipy.stats import chi2
from statsmodels.tools.numdiff import approx_hess

from fewgroups import fit, variances

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # none beside a right number
STORED = json.loads((REFERENCE / "components.json").read_text(encoding="utf-8"))
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


def two_valleys() -> pd.DataFrame:
    """Groups whose slopes, with a correlation of about −0.6 to the levels, are as likely as no slopes."""
    rng = np.random.default_rng(4)
    G, R = rng.integers(6, 20), rng.integers(3, 7)
    g, x, r = np.repeat(np.arange(G), R), np.tile(np.arange(R) % 2, G), rng.uniform(-0.8, 0.8)
    b = np.linalg.cholesky([[4, 2 * r], [2 * r, 1]]) @ rng.normal(size=(2, G))
    return pd.DataFrame({"g": g, "x": x, "y": b[0, g] + b[1, g] * x + rng.normal(0, 1.2, G * R)})


@cache
def fitted(name: str, reml: bool) -> Any:
    if name == "two_valleys":
        return fit("y ~ x", two_valleys(), "g", "~x", reml=reml)
    if name.startswith("pushups"):
        return push_ups(slopes=name == "pushups_slopes", reml=reml)
    return public_fit(name, reml)


@cache
def table(name: str, reml: bool) -> Any:
    return variances(fitted(name, reml))


def dense_deviance(model: Any, value: dict[str, float], reml: bool) -> float:
    """−2 log-likelihood from covariance matrices of the groups; value: SDs and correlations as our rows name them."""
    names = list(model.data.exog_re_names)
    psi = np.diag([value[name] ** 2 for name in names]).reshape(len(names), len(names))
    for i, j in combinations(range(len(names)), 2):
        r = value[f"{names[i]} × {names[j]}"]
        psi[i, j] = psi[j, i] = r * value[names[i]] * value[names[j]]
    vcomp = np.array([value[name] ** 2 for name in model.exog_vc.names])
    n, p = model.exog.shape
    whole, logs = np.zeros((p + 1, p + 1)), 0.0
    for group in range(model.n_groups):
        V = covariance(model, group, psi, vcomp, value["residual"] ** 2)
        both = np.column_stack([model.exog_li[group], model.endog_li[group]])
        whole += both.T @ np.linalg.solve(V, both)
        logs += np.linalg.slogdet(V)[1]
    A, b = whole[:p, :p], whole[:p, p]
    if reml:
        logs += np.linalg.slogdet(A)[1] - p * np.log(2 * np.pi)
    return float(logs + whole[p, p] - b @ np.linalg.solve(A, b) + n * np.log(2 * np.pi))


def dense_profile(name: str, reml: bool, row: str, held: float) -> float:
    """The lowest dense deviance with one row at `held`, the others searched for from three starts."""
    model, answer = fitted(name, reml).model, table(name, reml)
    free, sigma = [one for one in answer.index if one != row], answer.loc["residual", "sd"]

    def deviance(x: np.ndarray) -> float:
        values = [
            np.tanh(v) if " × " in one else sigma * np.exp(v)
            for one, v in zip(free, x, strict=True)
        ]
        return dense_deviance(model, dict(zip(free, values, strict=True)) | {row: held}, reml)

    options = {"xatol": 1e-5, "fatol": 1e-7}
    estimate = np.log(np.maximum(answer.loc[free, "sd"].fillna(sigma) / sigma, 0.01))
    starts = [estimate + shift for shift in (0.0, 0.3, -0.5)]
    ends = [minimize(deviance, x, method="Nelder-Mead", options=options) for x in starts]
    return float(min(end.fun for end in ends))


LONG = ("machines_nested", "machines_unbalanced", "cake_dose", "sleepstudy_independent", "dyestuff")


def longer(name: str, *more: Any) -> Any:
    return pytest.param(name, *more, marks=pytest.mark.full)


@pytest.mark.parametrize("name", [longer(name) if name in LONG else name for name in ROWS])
def test_intervals_of_ml_fits_are_those_of_lme4s_confint(name: str) -> None:
    ours = table(name, False).loc[ROWS[name]]
    for end in ("low", "high"):
        theirs = np.array(STORED[name][end][: len(ours)], dtype=float)
        # R interpolates its profile by splines: 2e-5 of the interval's width is what that is worth
        assert np.all(np.abs(ours[end] - theirs) < 2e-5 * (ours["high"] - ours["low"]))


@pytest.mark.parametrize(
    ("name", "row", "end"),
    [
        ("pushups", "athlete_id", "low"),
        ("pushups", "athlete_id", "high"),
        longer("pushups", "residual", "low"),
        longer("dyestuff2", "residual", "high"),
        ("pushups_slopes", "session_high", "high"),
        longer("pushups_slopes", "athlete_id", "low"),
        ("two_valleys", "g × x", "low"),
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


@pytest.mark.parametrize("name", ["pushups", "dyestuff"])
@pytest.mark.parametrize("reml", [True, False])
def test_standard_errors_are_the_closed_form_of_balanced_designs(name: str, reml: bool) -> None:
    answer, model = table(name, reml), fitted(name, reml).model
    groups, n = model.n_groups, len(model.endog) // model.n_groups
    between, within = answer["variance"]
    df = groups - 1 if reml else groups
    rest = len(model.endog) - groups - (model.exog.shape[1] - 1 if reml else 0)
    mean, residual = 2 * (n * between + within) ** 2 / df, 2 * within**2 / rest
    expected = [np.sqrt(mean + residual) / n, np.sqrt(residual)]
    assert answer["se"].tolist() == pytest.approx(expected, rel=1e-6)


def test_standard_errors_with_slopes_are_those_of_the_curvature() -> None:
    """In the balanced sleepstudy the observed information, here of the dense likelihood, equals the expected."""
    answer, model = table("sleepstudy_slopes", False), fitted("sleepstudy_slopes", False).model
    values = answer["sd"].fillna(answer["correlation"]).to_numpy()

    def at(point: np.ndarray) -> float:
        return dense_deviance(model, dict(zip(answer.index, point, strict=True)), False)

    hessian = approx_hess(values, at)
    spread = np.sqrt(np.diag(2 * np.linalg.inv(hessian)))
    ours = answer["se"] / (2 * answer["sd"]).fillna(1.0)  # dτ² = 2τ dτ; a correlation is itself
    np.testing.assert_allclose(ours, spread, rtol=1e-3)


@pytest.mark.parametrize("name", [longer(name) if name in LONG else name for name in ROWS])
def test_r_squared_and_shares_are_those_of_lme4s_dense_covariance(name: str) -> None:
    attrs, theirs = table(name, True).attrs, STORED[name]["reml"]
    for key in ("r2_marginal", "r2_conditional"):
        assert attrs[key] == pytest.approx(theirs[key], abs=2e-5)
    assert 1 - attrs["shares"]["residual"] == pytest.approx(theirs["icc"], abs=2e-5)
    assert sum(attrs["shares"].values()) == pytest.approx(1)
    if name == "sleepstudy_slopes":  # variances that do not add up have no column of shares
        shares = ", ".join(f"{share:.3f} {of}" for of, share in attrs["shares"].items())
        assert "share" not in table(name, True) and shares in table(name, True).notes[2]
    else:
        assert table(name, True)["share"].to_dict() == pytest.approx(attrs["shares"])


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("pushups", {"athlete_id": 0.217}),
        ("penicillin", {"plate": 0.151, "sample": 0.785}),  # no two rows share both
        ("pastes", {"batch": 0.154, "batch and sample": 0.937}),  # no sample is in two batches
        ("machines_nested", {"Worker": 0.606, "Worker and Machine": 0.975}),
        ("sleepstudy_slopes", {}),
        ("sleepstudy_independent", {}),
    ],
)
def test_each_icc_is_the_correlation_of_the_pairs_of_rows_that_it_names(
    name: str, pairs: dict[str, float]
) -> None:
    answer, result = table(name, True), fitted(name, True)._results
    found = {same: round(value, 3) for same, value in answer.attrs["icc"].items()}
    assert found == pairs
    correlations: set[float] = set()
    for group in range(result.model.n_groups):
        V = covariance(result.model, group, result.cov_re, result.vcomp, result.scale)
        size = np.sqrt(np.diag(V))
        correlations |= {*(V / np.outer(size, size))[np.triu_indices(len(V), 1)].round(3)}
    if pairs:
        assert correlations - {0.0} == {*pairs.values()}
    said = " ".join(answer.notes)
    assert all(f"{value:.3f} of the same {same}" in said for same, value in pairs.items())
    assert ("no single ICC" in said) == (not pairs)


def test_units_and_centring_of_predictors_and_outcome_pass_through() -> None:
    plain, data, columns = table("sleepstudy_slopes", True), load("sleepstudy"), ["low", "high"]
    scaled = data.assign(Reaction=1e3 * data["Reaction"], Days=data["Days"] / 1e2)
    answer = variances(fit("Reaction ~ Days", scaled, "Subject", "~Days"))
    factor = [1e3, 1e5, 1, 1e3]
    np.testing.assert_allclose(answer[columns].T, plain[columns].T * factor, rtol=1e-4)
    np.testing.assert_allclose(answer["se"], plain["se"] * np.square(factor), rtol=1e-4)
    assert answer.attrs["shares"] == pytest.approx(plain.attrs["shares"], rel=1e-4)
    years = data.assign(Days=data["Days"] + 2000)
    moved, rows = variances(fit("Reaction ~ Days", years, "Subject", "~Days")), ["Days", "residual"]
    columns += ["sd", "se"]
    np.testing.assert_allclose(moved.loc[rows, columns], plain.loc[rows, columns], rtol=1e-4)


def test_a_singular_fit_is_told_by_its_sds_and_their_intervals() -> None:
    zero = table("dyestuff2", True)
    assert zero.loc["Batch", ["sd", "variance", "low", "share"]].tolist() == [0.0] * 4
    assert zero.loc["Batch", "high"] > 0 and np.isnan(zero.loc["Batch", "se"])
    assert zero.attrs["singular"] and zero.notes[-1].endswith("Batch 0 (0 to 2.51).")
    one = table("pushups_slopes", True)
    assert "share" not in one and f"{one.attrs['shares']['residual']:.3f} residual" in one.notes[2]
    row = one.loc["athlete_id × session_high"]
    assert row[["correlation", "low", "high"]].tolist() == [-1.0, -1.0, 1.0] and np.isnan(row["se"])
    assert one.notes[-1].endswith("session_high 0.000975 (0 to 0.0235).")
    assert not any("Singular" in note for note in table("pushups", True).notes)
    # a slope that does not vary has no correlation
    y = np.repeat(np.random.default_rng(3).normal(size=8), 3) + np.tile([0.1, -0.2, 0.1], 8)
    frame = pd.DataFrame({"y": y, "x": np.tile([0.0, 1, 2], 8), "g": np.repeat(range(8), 3)})
    none = variances(fit("y ~ x", frame, "g", "~x"))
    row = none.loc["g × x"]
    assert none.loc["x", "sd"] == 0 and np.isnan(row["correlation"]) and np.isnan(row["se"])
    assert row[["low", "high"]].tolist() == [-1.0, 1.0]


def test_statsmodels_own_fits_give_the_same_table() -> None:
    data = load("sleepstudy").iloc[::-1]  # an index out of order, as after sorting or filtering
    plain = smf.mixedlm("Reaction ~ Days", data, groups="Subject", re_formula="~Days").fit()
    ours, theirs = table("sleepstudy_slopes", True), variances(plain)
    assert theirs.to_numpy() == pytest.approx(ours.to_numpy(), rel=1e-5, nan_ok=True)


def test_a_fit_below_the_optimum_keeps_its_estimates_and_warns() -> None:
    formula, groups = "correctness ~ session_high", {"groups": "athlete_id"}
    with pytest.warns(UserWarning):  # statsmodels' own
        plain = smf.mixedlm(formula, load("pushups"), re_formula="~session_high", **groups).fit()
    with pytest.warns(NotAtOptimumWarning, match="not at its optimum"):
        answer = variances(plain)
    assert answer["variance"].iloc[[0, 1]].tolist() == pytest.approx(np.diag(plain.cov_re).tolist())
    best = table("pushups_slopes", True)
    assert answer[["low", "high"]].to_numpy() == pytest.approx(best[["low", "high"]].to_numpy())
    assert "the intervals those of the model" in answer.notes[-1]


def test_the_notes_say_that_r_profiles_ml_and_digits_and_levels_mean_something() -> None:
    r = "R's confint() profiles ML"
    assert r in table("pushups", True).notes[0] and r not in table("pushups", False).notes[0]
    data = load("pushups").assign(score=lambda d: 1e5 * d["correctness"])
    large = repr(variances(fit("score ~ 1", data, "athlete_id"))).splitlines()
    assert large[3].split()[1].isdigit()  # no digits that mean nothing
    with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
        variances(fitted("pushups", True), 95)
