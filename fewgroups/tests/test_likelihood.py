"""The profiled likelihood: against dense matrices, against R, and against what may not matter to it."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from fewgroups.checks import residual_share
from fewgroups.likelihood import Information, Optimum, _descend, optimum, profile
from fewgroups.structure import CrossedBlock, Structure
from public_data import REFERENCE, SPECS, covariance, request
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.numdiff import approx_fprime
from test_engine import BATCHES, HARD, dense, variance

from fewgroups import fit_many

BY_R = json.loads((REFERENCE / "coefficients_public.json").read_text(encoding="utf-8"))

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
    y = 1 + 0.5 * x + rng.normal(0, 1, groups)[g] + rng.normal(0, 0.4, groups)[g] * x
    y += rng.normal(0, 1, g.size)
    return pd.DataFrame({"g": g, "x": x, "z": z, "a": rng.integers(0, 3, g.size), "one": 1, "y": y})


def model_of(name: str, data: pd.DataFrame) -> MixedLM:
    return smf.mixedlm("y ~ x", data, **({"groups": "g"} | MODELS[name]))


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_deviance_and_fixed_effects_are_those_of_dense_matrices(name: str, reml: bool) -> None:
    model, rng = model_of(name, sample(1)), np.random.default_rng(2)
    s = Structure.of(model)
    for singular in (False, True):
        theta = rng.normal(0, 1, s.size)
        theta[-1] *= not singular
        found, V = Optimum.at(s, theta, reml), np.zeros((s.n, s.n))
        ratios = found.cov_re / found.scale, found.vcomp / found.scale
        for g, group in enumerate(model.group_labels):
            rows = model.row_indices[group]
            V[np.ix_(rows, rows)] = covariance(model, g, *ratios, 1.0)
        (loglik,), (beta,), (scale,), (phi,) = dense(model.endog[None], model.exog, V, reml)
        assert found.loglik == pytest.approx(loglik, abs=1e-9)
        np.testing.assert_allclose(found.coefficients, beta, rtol=1e-9)
        np.testing.assert_allclose(found.covariance, phi, rtol=1e-8, atol=1e-12)
        assert found.scale == pytest.approx(scale, rel=1e-10)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_and_hessians_are_the_derivatives_of_the_deviance(name: str, reml: bool) -> None:
    """By θ, the best σ² put in, and by γ and log σ², away from the best."""
    s = Structure.of(model_of(name, sample(3)))
    theta = np.random.default_rng(4).normal(0, 1, s.size)

    def by_gamma(x: np.ndarray) -> tuple[Any, ...]:
        found = Information.of(s, x[:-1], reml, np.exp(x[-1]))
        return found.deviance, found.gradient, found.hessian

    def by_theta(x: np.ndarray) -> tuple[Any, ...]:
        return profile(s, x, reml)

    for of, x in ((by_theta, theta), (by_gamma, np.append(s.gamma(theta), 0.3))):
        for k, exact in enumerate(of(x)[1:]):
            slopes = approx_fprime(x, lambda x, of, k: of(x)[k], args=(of, k), centered=True)
            np.testing.assert_allclose(exact, slopes.reshape(exact.shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("reml", [True, False])
def test_crossed_factors_give_the_same_where_the_largest_is_eliminated(
    reml: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sample(7, 40).assign(b=lambda d: (5 * d["g"] + d["a"]) % 11)
    parts = {"g": "0 + C(g)", "b": "0 + C(b)", "slope": "0 + C(b):z"}
    model = smf.mixedlm("y ~ x", data, groups="one", vc_formula=parts)
    both, others = [], []
    names = ["deviance", "gradient", "hessian", "expected", "beta", "phi", "P", "traces", "Q"]
    for many in (10**6, 0):
        monkeypatch.setattr("fewgroups.structure.MANY", many)
        s = Structure.of(model)
        theta = np.array([[0.7, 0.4, 1.3], [0.0, 2.0, 0.1]])
        found = Information.of(s, theta**2, reml, 0.8)
        both.append([*profile(s, theta, reml), *(getattr(found, name) for name in names)])
        others.append([residual_share(s), optimum(s, reml).loglik])
        assert isinstance(s.blocks[0], CrossedBlock) == (many == 0)
    assert others[0] == pytest.approx(others[1], rel=1e-10)
    alone = smf.mixedlm("y ~ x", data, groups="one", vc_formula={"g": "0 + C(g)"})
    by_group = optimum(smf.mixedlm("y ~ x", data, groups="g"), reml)
    assert optimum(alone, reml).loglik == pytest.approx(by_group.loglik, rel=1e-12)
    monkeypatch.setattr("fewgroups.structure.MOST", 1e-6)
    with pytest.raises(ValueError, match="have 22 columns in one group .* GB of memory"):
        Structure.of(model)
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("key", SPECS["fits"])
def test_optimum_is_never_below_lmer_and_stands_where_lmer_stands(key: str) -> None:
    s = Structure.of(smf.mixedlm(**request(key)))
    for reml in (True, False):
        stored, best = BY_R[key]["REML" if reml else "ML"], optimum(s, reml)
        assert best.loglik > stored["loglik"] - 1e-5
        _, gradient, hessian = profile(s, best.theta, reml)
        assert np.abs(gradient).max() < 1e-5 and np.linalg.eigvalsh(hessian).min() > -1e-3
        if best.loglik < stored["loglik"] + 1e-5:
            assert best.scale == pytest.approx(stored["sigma"] ** 2, rel=1e-4)
            assert best.singular == stored["singular"]


@pytest.mark.parametrize("name", MODELS)
def test_the_search_leaves_the_saddle_at_zero_variance(name: str) -> None:
    s = Structure.of(model_of(name, sample(5)))
    best, zero = optimum(s), np.zeros(s.size)
    assert Optimum.at(s, zero, True).loglik < best.loglik - 0.05  # a saddle, not the optimum
    _, ended, _ = _descend(s.of_data_sets(np.newaxis), np.array([0]), zero[None], True)
    assert ended == pytest.approx(-2 * best.loglik, abs=1e-6)


def test_of_two_maxima_of_a_random_intercept_the_higher_one_is_found() -> None:
    """ML; one group has most of the rows, and others are now and then far away. The engine looks at nine points of the
    profile: in one of a hundred such data sets that is too coarse, and costs up to .03."""
    rng, groups = np.random.default_rng(4), np.repeat(np.arange(4), [2, 60, 3, 1])
    X = np.column_stack([np.ones(66), rng.integers(0, 2, 66)])
    far = 0.4 * rng.standard_t(1.5, (1000, 4)) * [1, 0, 1, 1]
    y = rng.standard_normal((1000, 66)) + far[:, groups]
    ratios = np.concatenate([[0], np.geomspace(1e-3, 1e4, 80)])[:, None, None]
    profile = np.array([dense(y, X, variance(X, groups, ratio), False)[0] for ratio in ratios])
    highest = profile.max(axis=0)
    two = np.flatnonzero((profile[1] < profile[0]) & (profile.argmax(axis=0) > 1))
    assert len(two) > 100
    short = highest - fit_many(y, X, groups, reml=False).loglik
    assert np.sum(short > 1e-7) <= 0.02 * len(two) and short.max() < 0.03
    for k in two[:20]:
        model = smf.mixedlm("y ~ x", pd.DataFrame({"y": y[k], "x": X[:, 1]}), groups=groups)
        assert optimum(model, reml=False).loglik > highest[k] - 1e-7


@pytest.mark.parametrize(("number", "k"), HARD)
def test_single_fits_reach_the_higher_maximum_of_the_hard_cases(number: int, k: int) -> None:
    batch = BATCHES[number]
    y, X, groups = batch.draw()[k], batch.X, batch.rows[0]
    best = optimum(MixedLM(y, X, groups=groups, exog_re=X), batch.reml)
    by_engine = fit_many(y, X, groups, slopes=True, reml=batch.reml)
    assert best.loglik == pytest.approx(by_engine.loglik[0] + HARD[number, k], abs=1e-3)


@pytest.mark.parametrize("seed", [2, *(pytest.param(k, marks=pytest.mark.full) for k in (0, 1, 3))])
def test_half_a_million_rows_are_fitted_though_rounding_grows_with_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, x = np.repeat(np.arange(5000), 100), rng.standard_normal(500_000)
    effects = rng.standard_normal((5000, 2)) @ np.array([[1.0, 0.15], [0.0, 0.475]])
    y = 1 + 0.3 * x + effects[group, 0] + effects[group, 1] * x + rng.standard_normal(len(x))
    X = np.column_stack([np.ones(len(x)), x])
    found = optimum(MixedLM(y, X, groups=group, exog_re=X))
    assert np.ptp(found.tried) < 1e-7  # rounding at a deviance of 1.5 million is about 3e-9
    expected = np.array([[1.0, 0.15], [0.15, 0.248]])
    np.testing.assert_allclose(found.cov_re, expected, atol=0.03)
