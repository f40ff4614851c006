"""The profiled likelihood: against dense matrices, against R, and against what may not matter to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.likelihood import _descend, evaluate, hessian, optimum, profile_loglik
from fewgroups.structure import Structure, sqrt_factor
from hypothesis import given, settings
from hypothesis import strategies as st
from running_example import Design, Truth, simulate
from statsmodels.regression.mixed_linear_model import MixedLM
from test_engine import dense_profile, two_maxima

REFERENCE = Path(__file__).parent / "reference"
SPECS = json.loads((REFERENCE / "coefficients_fits.json").read_text())
BY_R = json.loads((REFERENCE / "coefficients_public.json").read_text())

MODELS: dict[str, dict[str, Any]] = {
    "intercept": {},
    "slopes": {"re_formula": "~x"},
    "three columns": {"re_formula": "~x + z"},
    "component in groups": {"re_formula": "~1", "vc_formula": {"a": "0 + C(a)"}},
    "slopes, two components": {"re_formula": "~x", "vc_formula": {"a": "0 + C(a)", "z": "0 + z"}},
    "crossed, one group": {"groups": "one", "vc_formula": {"g": "0 + C(g)", "a": "0 + C(a)"}},
}


def sample(seed: int, groups: int = 5) -> pd.DataFrame:
    """Groups of 3 to 9 rows with two predictors, a factor and an outcome that varies between groups."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rng.integers(3, 10, groups))
    x, z = rng.normal(3, 2, g.size), rng.normal(0, 1, g.size)
    y = (
        1
        + 0.5 * x
        + rng.normal(0, 1, groups)[g]
        + rng.normal(0, 0.4, groups)[g] * x
        + rng.normal(0, 1, g.size)
    )
    return pd.DataFrame({"g": g, "x": x, "z": z, "a": rng.integers(0, 3, g.size), "one": 1, "y": y})


def model_of(name: str, data: pd.DataFrame) -> MixedLM:
    return smf.mixedlm("y ~ x", data, **({"groups": "g"} | MODELS[name]))


def dense(
    model: MixedLM, psi: np.ndarray, variances: np.ndarray, reml: bool
) -> tuple[float, Any, Any, float]:
    """The textbook's −2 log-likelihood, β, var(β̂) and σ², from n × n matrices."""
    n = len(model.endog)
    V = np.eye(n)
    for g, name in enumerate(model.group_labels):
        rows = np.ix_(model.row_indices[name], model.row_indices[name])
        if model.k_re:
            V[rows] += model.exog_re_li[g] @ psi @ model.exog_re_li[g].T
        for variance, mats in zip(variances, model.exog_vc.mats, strict=True):
            V[rows] += variance * mats[g] @ mats[g].T
    X, inverse = model.exog, np.linalg.inv(V)
    XVX = X.T @ inverse @ X
    beta = np.linalg.solve(XVX, X.T @ inverse @ model.endog)
    r = model.endog - X @ beta
    df = n - X.shape[1] if reml else n
    scale = r @ inverse @ r / df
    deviance = np.linalg.slogdet(V)[1] + df * (np.log(2 * np.pi * scale) + 1)
    deviance += np.linalg.slogdet(XVX)[1] if reml else 0
    return deviance, beta, scale * np.linalg.inv(XVX), scale


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_deviance_and_fixed_effects_are_those_of_dense_matrices(name: str, reml: bool) -> None:
    model = model_of(name, sample(1))
    s = Structure.of(model)
    rng = np.random.default_rng(2)
    for singular in (False, True):
        theta = rng.normal(0, 1, s.size)
        theta[-1] *= not singular
        found = evaluate(s, theta, reml)
        deviance, beta, phi, scale = dense(model, *s.to_data_units(theta), reml)
        assert found.deviance == pytest.approx(deviance, abs=1e-9)
        np.testing.assert_allclose(found.beta, beta, rtol=1e-9)
        np.testing.assert_allclose(found.phi, phi, rtol=1e-8, atol=1e-12)
        assert found.scale == pytest.approx(scale, rel=1e-10)
        assert profile_loglik(model, *s.to_data_units(theta), reml) == pytest.approx(
            -deviance / 2, abs=1e-8
        )


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_gradient_and_scores_are_the_derivatives_of_the_deviance(name: str, reml: bool) -> None:
    s = Structure.of(model_of(name, sample(3)))
    theta = np.random.default_rng(4).normal(0, 1, s.size)
    found, h = evaluate(s, theta, reml), 1e-5

    def slope(up: np.ndarray, down: np.ndarray) -> float:
        return (evaluate(s, up, reml).deviance - evaluate(s, down, reml).deviance) / (2 * h)

    by_theta = [slope(theta + h * unit, theta - h * unit) for unit in np.eye(s.size)]
    np.testing.assert_allclose(found.gradient, by_theta, rtol=1e-6, atol=1e-6)
    L, sds = s.unpack(theta)
    for i in range(s.q):
        step = h * np.outer(np.eye(s.q)[i], np.eye(s.q)[i])
        by_variance = slope(s.pack(L @ L.T + step, sds**2), s.pack(L @ L.T - step, sds**2))
        assert found.score_re[i, i] == pytest.approx(by_variance, rel=1e-4, abs=1e-4)
    for c in range(s.v):
        step = h * np.eye(s.v)[c]
        by_variance = slope(s.pack(L @ L.T, sds**2 + step), s.pack(L @ L.T, sds**2 - step))
        assert found.score_vc[c] == pytest.approx(by_variance, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("key", SPECS["fits"])
def test_optimum_is_never_below_lmer_and_stands_where_lmer_stands(key: str) -> None:
    spec = SPECS["fits"][key]
    data = pd.read_csv(REFERENCE / "data" / f"{spec['data']}.csv")
    data = data.drop(index=[number - 1 for number in spec.get("without_rows", [])]).reset_index(
        drop=True
    )
    for factor in SPECS["data"][spec["data"]]["factors"]:
        data[factor] = data[factor].astype(str)
    groups = data[spec["groups"]] if spec["groups"] in data else np.ones(len(data))
    model = smf.mixedlm(
        spec["formula"],
        data,
        groups=groups,
        re_formula=spec.get("re_formula"),
        vc_formula=spec.get("vc_formula"),
    )
    s = Structure.of(model)
    for reml in (True, False):
        stored, best = BY_R[key]["REML" if reml else "ML"], optimum(s, reml)
        assert best.loglik > stored["loglik"] - 1e-5
        assert best.gradient < 1e-5
        assert np.linalg.eigvalsh(hessian(s, best.theta, reml)).min() > -1e-3
        if best.loglik < stored["loglik"] + 1e-5:
            assert best.scale == pytest.approx(stored["sigma"] ** 2, rel=1e-4)
            assert best.singular == stored["singular"]


@pytest.mark.parametrize("name", MODELS)
def test_the_search_leaves_the_saddle_at_zero_variance(name: str) -> None:
    s = Structure.of(model_of(name, sample(5)))
    best = optimum(s, True)
    found = evaluate(s, _descend(s, np.zeros(s.size), True), True)
    assert evaluate(s, np.zeros(s.size), True).deviance > -2 * best.loglik + 0.1, (
        "a saddle, not the optimum"
    )
    assert found.deviance == pytest.approx(-2 * best.loglik, abs=1e-6)


@pytest.mark.parametrize("reml", [True, False])
def test_of_two_maxima_the_higher_one_is_found(reml: bool) -> None:
    y, X, groups = two_maxima(4)
    ratios = np.concatenate([[0, 1e-4], np.geomspace(1e-3, 1e4, 200)])
    profile = np.array([dense_profile(y, X, groups, ratio, reml) for ratio in ratios])
    peaks = (profile[1:-1] > profile[:-2]) & (profile[1:-1] > profile[2:])
    chosen = np.flatnonzero(peaks.any(axis=0) & (profile[1] < profile[0]))[:40]
    assert len(chosen) > 10
    for number in chosen:
        model = smf.mixedlm("y ~ x", pd.DataFrame({"y": y[number], "x": X[:, 1]}), groups=groups)
        assert optimum(model, reml).loglik > profile[:, number].max() - 1e-7


def test_zero_variances_are_reached_exactly() -> None:
    data = simulate(Design(), Truth(), 42)
    best = optimum(
        smf.mixedlm(
            "correctness ~ session_high", data, groups="athlete_id", re_formula="~session_high"
        )
    )
    assert best.singular
    assert np.linalg.eigvalsh(best.cov_re).min() < 1e-15
    assert best.loglik == pytest.approx(328.5364, abs=5e-5)


@settings(max_examples=25, deadline=None)
@given(
    unit=st.floats(1e-3, 1e3),
    centre=st.floats(-50, 50),
    size=st.floats(1e-2, 1e2),
    slopes=st.booleans(),
    shift=st.floats(-100, 100),
    seed=st.integers(0, 30),
    reml=st.booleans(),
)
def test_units_and_centring_change_nothing_but_what_they_must(
    unit: float, centre: float, size: float, slopes: bool, shift: float, seed: int, reml: bool
) -> None:
    data = simulate(Design(athletes=6), Truth(slope_sd=0.03, clip=False), seed)
    changed = data.assign(
        correctness=shift + unit * data["correctness"],
        session_high=centre + size * data["session_high"],
    )
    changed = changed.sample(frac=1, random_state=seed)  # nor does the order of rows
    before, after = (
        optimum(
            smf.mixedlm(
                "correctness ~ session_high",
                table,
                groups="athlete_id",
                re_formula="~session_high" if slopes else "~1",
            ),
            reml,
        )
        for table in (data, changed)
    )
    rows = len(data) - (2 if reml else 0)
    expected = before.loglik - rows * np.log(unit) - (np.log(size) if reml else 0)
    assert after.loglik == pytest.approx(expected, abs=1e-6)
    assert after.singular == before.singular
    assert after.scale == pytest.approx(before.scale * unit**2, rel=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_a_covariance_has_a_lower_triangular_factor_whatever_its_rank(
    size: int, rank: int, seed: int
) -> None:
    root = np.random.default_rng(seed).normal(size=(size, min(rank, size)))
    L = sqrt_factor(root @ root.T)
    np.testing.assert_allclose(L @ L.T, root @ root.T, atol=1e-12)
    np.testing.assert_allclose(L, np.tril(L), atol=0)
    assert np.all(np.diag(L) >= 0)


def test_a_structure_that_cannot_be_names_the_columns() -> None:
    data = sample(6).assign(twice=lambda d: 2 * d["x"], flat=0.7)
    with pytest.raises(ValueError, match="fixed effects .* 'twice' follows from"):
        Structure.of(smf.mixedlm("y ~ x + twice", data, groups="g"))
    with pytest.raises(ValueError, match="random effects .* 'twice' follows from"):
        Structure.of(smf.mixedlm("y ~ x", data, groups="g", re_formula="~x + twice"))
    with pytest.raises(ValueError, match="does not vary"):
        Structure.of(smf.mixedlm("flat ~ x", data, groups="g"))
    with pytest.raises(
        ValueError, match=r"the outcome reaches \d\.\d*e\+200, too large to be squared"
    ):
        Structure.of(smf.mixedlm("huge ~ x", data.assign(huge=data["y"] * 1e200), groups="g"))
    parts = {"none": "0 + I(0 * x)", "some": "0 + x"}
    with pytest.raises(ValueError, match="the columns of none are zero in every row"):
        Structure.of(smf.mixedlm("y ~ x", data, groups="g", vc_formula=parts))


@pytest.mark.parametrize("seed", [2, *(pytest.param(k, marks=pytest.mark.full) for k in (0, 1, 3))])
def test_five_thousand_groups_of_hundred_rows_are_fitted_though_rounding_grows_with_them(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    group, x = np.repeat(np.arange(5000), 100), rng.standard_normal(500_000)
    effects = rng.standard_normal((5000, 2)) @ np.array([[1.0, 0.15], [0.0, 0.475]])
    y = 1 + 0.3 * x + effects[group, 0] + effects[group, 1] * x + rng.standard_normal(len(x))
    X = np.column_stack([np.ones(len(x)), x])
    found = optimum(MixedLM(y, X, groups=group, exog_re=X))
    assert np.ptp(found.tried) < 1e-7  # rounding at a deviance of 1.5 million is about 3e-9
    expected = np.array([[1.0, 0.15], [0.15, 0.248]])
    np.testing.assert_allclose(found.cov_re, expected, atol=0.03)
