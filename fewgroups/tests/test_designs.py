"""Designs, truths and the data drawn from them: what they count, the seed's digits, and all bad input of studies."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fewgroups.designs import BLOCK
from reference.studies_cases import BALANCED, SHORT_LONG, uneven

from fewgroups import Design, Truth, design_grid, monte_carlo, power, simulate, simulate_many

AB = {"a": 1, "b": 2}
SMALL = Design(3, {"a": 2, "b": 3})
SLOPES = Truth(0.6, -0.1, 0.2, 0.3, -0.4, 0.1)


def test_rows_come_group_by_group_condition_by_condition_repeat_by_repeat() -> None:
    """Groups may have one condition each, or repeats of their own."""
    design = Design(100, AB | {"c": 1})
    table = design.table()
    assert table["group"].tolist()[:5] == ["group_001"] * 4 + ["group_002"]
    assert table["condition"].tolist() == ["a", "b", "b", "c"] * 100
    assert table["treated"].tolist() == [0, 1, 1, 1] * 100
    assert table["repeat"].tolist() == [1, 1, 2, 1] * 100
    assert design.label == "100 groups, 1 + 2 + 1 repeats" and design.rows == 400
    design = Design(5, {"a": 20, "b": 30}, between=True)
    assert design.counts.tolist() == [[20, 0]] * 2 + [[0, 30]] * 3
    assert design.label == "5 groups, 20 or 30 repeats"
    design = Design(2, [{"a": 3, "b": 0}, {"b": 2, "a": 1}])
    assert design.counts.tolist() == [[3, 0], [1, 2]]
    assert len(design.table()) == design.rows == 6
    assert design.label == "2 groups, 6 repeats in all"


def test_designs_and_truths_do_not_change_with_what_they_were_made_from_and_can_travel() -> None:
    repeats = dict(AB)
    design = Design(2, repeats)
    repeats["a"] = 99
    assert design.rows == 6
    assert pickle.loads(pickle.dumps(design)) == design == eval(repr(design))
    truth = Truth(effect=np.float32(0.5), slope_sd=np.int64(1))  # type: ignore[arg-type]
    assert truth.slope_sd == 1.0 and truth == eval(repr(truth))
    with pytest.raises(ValueError, match="read-only"):
        design.counts[0, 0] = 7


@pytest.mark.parametrize("slope_sd", [0.3, 0])
def test_one_data_set_draws_level_change_and_residuals_group_by_group(slope_sd: float) -> None:
    """Without a spread of changes, no draw is spent on them."""
    rng, expected = np.random.default_rng(0), []
    for _ in range(3):
        first = rng.standard_normal()
        second = rng.standard_normal() if slope_sd else 0.0
        change = -0.1 + slope_sd * (-0.4 * first + np.sqrt(1 - 0.4**2) * second)
        residuals = 0.1 * rng.standard_normal(5)
        expected += list(0.6 + 0.2 * first + change * np.array([0, 0, 1, 1, 1]) + residuals)
    table = simulate(SMALL, Truth(0.6, -0.1, 0.2, slope_sd, -0.4, 0.1), 0)
    assert list(table) == ["group", "condition", "treated", "repeat", "outcome"]
    np.testing.assert_allclose(table["outcome"], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1, BLOCK + 1])
def test_each_block_of_many_has_its_own_child_seed_and_draws_effects_first(number: int) -> None:
    block, place = divmod(number, BLOCK)
    rng = np.random.default_rng(np.random.SeedSequence(0).spawn(block + 1)[block])
    first, second = rng.standard_normal((BLOCK, 2, 3))[place]
    residuals = 0.1 * rng.standard_normal((place + 1, 15))[place].reshape(3, 5)
    change = -0.1 + 0.3 * (-0.4 * first + np.sqrt(1 - 0.4**2) * second)
    expected = 0.6 + 0.2 * first[:, None] + change[:, None] * [0, 0, 1, 1, 1] + residuals
    found = simulate_many(SMALL, SLOPES, number + 1, 0)
    np.testing.assert_allclose(found[number], expected.ravel(), rtol=0, atol=1e-12)


def test_the_stream_of_many_depends_on_the_seed_alone_and_clipping_cuts_at_the_bounds() -> None:
    """Not on how many are drawn, nor on where it is cut."""
    whole = simulate_many(SMALL, SLOPES, 2 * BLOCK + 7, 5)
    assert (simulate_many(SMALL, SLOPES, BLOCK + 3, 5) == whole[: BLOCK + 3]).all()
    assert (simulate_many(SMALL, SLOPES, BLOCK + 7, 5, block=1) == whole[BLOCK:]).all()
    assert (simulate_many(SMALL, SLOPES, 3, 6) != whole[:3]).any()
    loose, clipped = (Truth(0.9, -0.1, 0.1, residual_sd=0.3, clip=clip) for clip in (False, True))
    many = simulate_many(SMALL, loose, 50, 1)
    assert many.max() > 1 and many.min() < 0
    assert (simulate_many(SMALL, clipped, 50, 1) == np.clip(many, 0, 1)).all()
    one = simulate(SMALL, loose, 1)["outcome"].clip(0, 1)
    assert (simulate(SMALL, clipped, 1)["outcome"] == one).all() and one.max() == 1


BETWEEN = Design(3, SHORT_LONG, between=True)
PAIR = Design(2, SHORT_LONG, between=True)
SOME = {"design": BALANCED, "truth": Truth(effect=1), "n": 10, "seed": 1}


def makes(**changed: Any) -> Callable[[], object]:
    """A design with other arguments."""
    return lambda: Design(**({"groups": 4, "conditions": AB} | changed))


def runs(**changed: Any) -> Callable[[], object]:
    """A study with other arguments."""
    return lambda: monte_carlo(**(SOME | changed))


def plans(designs: Any, effect: float = 1) -> Callable[[], object]:
    """The power of designs."""
    return lambda: power(designs, Truth(effect=effect), ["paired t"], n=10, seed=1)


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (makes(groups=1), ValueError, "groups must be .* given 1"),
    (makes(groups=10**9), ValueError, "1,000,000 at most"),
    (makes(groups=4.0), TypeError, "groups must be .* given 4.0"),
    (makes(groups=["u", "U "]), ValueError, "no two alike"),
    (makes(groups=["u", 2]), TypeError, "groups must be"),
    (makes(conditions={"a": 1}), TypeError, "conditions must be .* two conditions or more"),
    (makes(conditions={"a": 1.5, "b": 2}), TypeError, r"conditions\['a'\] .* whole number .* 1.5"),
    (makes(conditions={"a": -1, "b": 2}), ValueError, "0 or more; given -1"),
    (makes(conditions={"a": 0, "b": 2}), ValueError, "conditions .* leave out a"),
    (makes(conditions={"a": 10**30, "b": 2}), ValueError, "100,000,000 rows at most"),
    (makes(conditions={3: 1, "b": 2}), TypeError, "named by text .* given {3"),
    (makes(conditions=[AB]), ValueError, "one mapping per group, 4; given 1"),
    (makes(conditions=[AB] * 3 + [{"a": 1, "c": 2}]), ValueError, r"conditions\[3\] names a, c"),
    (makes(conditions=[AB] * 3 + [{"a": 0, "b": 0}]), ValueError, "leave out group_04"),
    (makes(between=1), TypeError, "between must be True or False"),
    (makes(between=True, conditions=AB | {"c": 1}), ValueError, "between=True .* given 3"),
    (lambda: Truth(intercept="0.8"), TypeError, "intercept must be a number; given '0.8'"),  # type: ignore[arg-type]
    (lambda: Truth(effect=np.nan), ValueError, "effect must be finite"),
    (lambda: Truth(intercept=10**400), ValueError, "intercept must be .* at most 1e6"),
    (lambda: Truth(group_sd=-0.1), ValueError, "group_sd is a standard deviation.* given -0.1"),
    (lambda: Truth(correlation=1.01), ValueError, "correlation must lie between"),
    (lambda: Truth(intercept=85, clip=True), ValueError, r"intercept must lie in \[0, 1\]"),
    (lambda: Truth(clip="no"), TypeError, "clip must be True or False"),  # type: ignore[arg-type]
    (lambda: simulate("design", SLOPES, 1), TypeError, "design must be a Design"),  # type: ignore[arg-type]
    (lambda: simulate(SMALL, 0.85, 1), TypeError, "truth must be a Truth"),  # type: ignore[arg-type]
    (lambda: simulate(SMALL, SLOPES, -1), ValueError, "seed must be .* given -1"),
    (lambda: simulate(SMALL, SLOPES, 1.5), TypeError, "seed must be a whole number"),  # type: ignore[arg-type]
    (lambda: simulate_many(SMALL, SLOPES, 0, 1), ValueError, "n must be .* data sets"),
    (lambda: simulate_many(SMALL, SLOPES, 2.0, 1), TypeError, "n must be"),  # type: ignore[arg-type]
    (lambda: simulate_many(SMALL, SLOPES, 10**13, 1), ValueError, "n is too large: .* GB"),
    (lambda: simulate_many(SMALL, SLOPES, 9, 1, -1), ValueError, "block must be .* 0 or more"),
    (runs(n=0), ValueError, "n must be .* 1 or more"),
    (runs(seed=-1), ValueError, "seed must be a whole number"),
    (runs(level=95), ValueError, "level must be .* between 0 and 1"),
    (runs(workers=0), ValueError, "workers must be"),
    (runs(methods="paired t"), TypeError, "methods must be a list"),
    (runs(methods=[]), TypeError, "methods must be a list of one or more"),
    (runs(methods=["t test"]), ValueError, "does not know 't test'; it knows pooled t, paired t"),
    (runs(methods=["paired t", "Paired  T"]), ValueError, "paired t more than once"),
    (runs(design=4), TypeError, "design must be a Design"),
    (runs(truth=0.08), TypeError, "truth must be a Truth"),
    (runs(truth=Truth(residual_sd=0)), ValueError, "truth.residual_sd must be above 0"),
    (runs(truth=Truth(1, 1, 0, 0, 0, 1e-15, True)), ValueError, "'pooled t' has no answer"),
    (runs(design=BETWEEN, methods=["paired t"]), ValueError, "two groups .* the design has 0"),
    (runs(methods=["t on means"]), ValueError, "'t on means' needs every group in one condition"),
    (runs(design=PAIR, methods=["t on means"]), ValueError, "needs three groups"),
    (runs(design=PAIR, methods=["intercept z"]), ValueError, "'intercept z' needs three groups"),
    (runs(design=uneven((1, 1), (1, 0)), methods=["intercept z"]), ValueError, "more repeats"),
    (runs(design=BETWEEN, methods=["cluster-robust t"]), ValueError, "two groups or more in each"),
    (runs(design=Design(4, {"a": 1, "b": 1}), methods=["slope z"]), ValueError, "one repeat in a"),
    (runs(design=Design(2, {"a": 1, "b": 1}, True), methods=["pooled t"]), ValueError, "three out"),
    (plans([]), ValueError, "designs must hold one design"),
    (plans({"a": 4}), TypeError, "designs must be a Design"),
    (plans([BALANCED, 4]), TypeError, "designs must be a Design, a list"),
    (plans([BALANCED, BALANCED]), ValueError, r"both called '4 groups, 20 \+ 30 repeats'"),
    (plans({"a": BETWEEN}), ValueError, "design 'a': method 'paired t' needs"),
    (plans(BALANCED, effect=0), ValueError, "truth.effect must not be 0"),
    (lambda: design_grid(4, [10]), TypeError, "groups must be a list .* given 4"),  # type: ignore[arg-type]
    (lambda: design_grid([4], 10), TypeError, "repeats must be a list .* given 10"),  # type: ignore[arg-type]
    (lambda: design_grid([], [10]), TypeError, "groups must be a list with one entry"),
    (lambda: design_grid([4, 4], [10]), ValueError, "both called"),
    (lambda: design_grid([4], [1.5]), TypeError, "whole number"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input_of_designs_and_studies_is_refused_by_name(
    call: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call()
