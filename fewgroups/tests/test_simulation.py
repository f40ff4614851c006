"""Simulated data: the seed's digits, the design's moments, a stream that does not depend on how it is cut."""

from collections.abc import Callable

import numpy as np
import pytest
from fewgroups.simulation import BLOCK, simulate_blocks

from fewgroups import Design, Truth, simulate, simulate_many


def seed_loop() -> list[float]:
    """The course's first data set, drawn score by score in the order in which it was first made."""
    rng = np.random.default_rng(42)
    scores = []
    for _athlete in range(4):
        baseline = rng.normal(0.85, 0.05)
        for high, repeats in [(0, 20), (1, 30)]:
            scores += [
                float(np.clip(rng.normal(baseline - 0.08 * high, 0.05), 0, 1))
                for _ in range(repeats)
            ]
    return scores


def test_seed_42_gives_the_course_s_data_to_the_last_digits() -> None:
    table = simulate(Design(), Truth(), 42)
    np.testing.assert_allclose(table["correctness"], seed_loop(), rtol=0, atol=1e-12)
    assert table["correctness"].head().round(6).tolist() == [
        0.813237,
        0.902758,
        0.912264,
        0.767684,
        0.800127,
    ]
    assert list(table) == [
        "athlete_id",
        "session_label",
        "session_high",
        "repeat_id",
        "correctness",
    ]


def test_the_same_seed_gives_the_same_digits_and_another_seed_others() -> None:
    first, again, other = (
        simulate(Design(), Truth(slope_sd=0.02), seed)["correctness"] for seed in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()
    many, more, others = (
        simulate_many(Design(), Truth(), 3, 1),
        simulate_many(Design(), Truth(), 3, 1),
        simulate_many(Design(), Truth(), 3, 2),
    )
    assert (many == more).all() and (many != others).any()


def test_the_stream_of_many_does_not_depend_on_how_many_or_on_where_it_is_cut() -> None:
    truth = Truth(slope_sd=0.02, correlation=0.5)
    whole = simulate_many(Design(), truth, 2 * BLOCK + 7, 5)
    assert (simulate_many(Design(), truth, BLOCK + 3, 5) == whole[: BLOCK + 3]).all()
    assert (simulate_blocks(Design(), truth, BLOCK, 2 * BLOCK + 7, 5) == whole[BLOCK:]).all()
    with pytest.raises(ValueError, match="multiple of 512"):
        simulate_blocks(Design(), truth, 3, 10, 5)


SLOPES = Truth(
    intercept=0.6,
    effect=-0.1,
    athlete_sd=0.2,
    slope_sd=0.3,
    correlation=-0.4,
    residual_sd=0.1,
    clip=False,
)


def test_one_data_set_draws_in_the_order_that_the_docstring_tells() -> None:
    rng, scores = np.random.default_rng(0), []
    for _ in range(3):
        first, second = rng.standard_normal(), rng.standard_normal()
        change = -0.1 + 0.3 * (-0.4 * first + np.sqrt(1 - 0.4**2) * second)
        residuals = 0.1 * rng.standard_normal(5)
        scores += list(0.6 + 0.2 * first + change * np.array([0, 0, 1, 1, 1]) + residuals)
    table = simulate(Design(3, {"a": 2, "b": 3}), SLOPES, 0)
    np.testing.assert_allclose(table["correctness"], scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1, BLOCK + 1])
def test_each_block_of_many_has_its_own_child_seed_and_draws_effects_first(number: int) -> None:
    block, place = divmod(number, BLOCK)
    rng = np.random.default_rng(np.random.SeedSequence(0).spawn(block + 1)[block])
    first, second = rng.standard_normal((BLOCK, 2, 3))[place]
    residuals = 0.1 * rng.standard_normal((place + 1, 15))[place].reshape(3, 5)
    change = -0.1 + 0.3 * (-0.4 * first + np.sqrt(1 - 0.4**2) * second)
    scores = 0.6 + 0.2 * first[:, None] + change[:, None] * [0, 0, 1, 1, 1] + residuals
    found = simulate_many(Design(3, {"a": 2, "b": 3}), SLOPES, number + 1, 0)
    np.testing.assert_allclose(found[number], scores.ravel(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 1.0])
def test_many_data_sets_have_the_moments_of_their_truth(correlation: float) -> None:
    truth = Truth(
        intercept=2,
        effect=-1,
        athlete_sd=3,
        slope_sd=2,
        correlation=correlation,
        residual_sd=0.5,
        clip=False,
    )
    n = 20_000
    scores = simulate_many(Design(athletes=2, repeats={"a": 1, "b": 2}), truth, n, 9)
    low, high, again = scores[:, 0], scores[:, 1], scores[:, 2]
    within = correlation * 3 * 2
    # Standard errors of a mean, a variance and a covariance of normals are at most these.
    assert abs(low.mean() - 2) < 4 * 3.05 / np.sqrt(n)
    assert abs((high - low).mean() + 1) < 4 * 2.2 / np.sqrt(n)
    assert abs(low.var() - 9.25) < 4 * 9.25 * np.sqrt(2 / n)
    assert abs((high - low).var() - 4.5) < 4 * 4.5 * np.sqrt(2 / n)
    covariance = 9 + 4 + 2 * within
    assert abs(np.cov(high, again)[0, 1] - covariance) < 4 * np.sqrt(2) * (
        covariance + 0.25
    ) / np.sqrt(n)
    assert abs(np.cov(scores[:, 0], scores[:, 3])[0, 1]) < 4 * 9.25 / np.sqrt(n)


def test_one_data_set_has_the_moments_of_its_truth() -> None:
    truth = Truth(
        intercept=0,
        effect=1,
        athlete_sd=1,
        slope_sd=2,
        correlation=0.5,
        residual_sd=0.1,
        clip=False,
    )
    table = simulate(Design(athletes=4000, repeats={"a": 1, "b": 1}), truth, 3)
    wide = table.pivot(index="athlete_id", columns="session_label", values="correctness")
    change = wide["b"] - wide["a"]
    assert abs(change.mean() - 1) < 4 * 2.01 / np.sqrt(4000)
    assert abs(change.std() - np.sqrt(4.02)) < 0.1
    assert abs(np.corrcoef(wide["a"], change)[0, 1] - 0.5) < 0.05


def test_clipping_cuts_at_the_bounds_and_nowhere_else() -> None:
    loose = simulate_many(Design(), Truth(intercept=0.9, residual_sd=0.2, clip=False), 50, 1)
    clipped = simulate_many(Design(), Truth(intercept=0.9, residual_sd=0.2), 50, 1)
    assert loose.max() > 1 and clipped.max() == 1
    assert (clipped == np.clip(loose, 0, 1)).all()
    one = simulate(Design(), Truth(residual_sd=2), 1)["correctness"]
    assert (
        one.min() == 0
        and one.max() == 1
        and one.between(0, 1).all()
        and one.between(0.1, 0.9).any()
    )


def test_missed_sessions_and_groups_have_the_rows_of_the_design() -> None:
    design = Design(athletes=2, repeats=[{"a": 3, "b": 0}, {"a": 1, "b": 2}])
    scores = simulate_many(
        design, Truth(effect=-5, residual_sd=0.001, athlete_sd=0, clip=False), 4, 1
    )
    np.testing.assert_allclose(
        scores, np.tile([0.85, 0.85, 0.85, 0.85, -4.15, -4.15], (4, 1)), atol=0.01
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: simulate("design", Truth(), 1), TypeError, "design must be a Design"),
        (lambda: simulate(Design(), 0.85, 1), TypeError, "truth must be a Truth"),
        (lambda: simulate(Design(), Truth(), -1), ValueError, "seed must be a whole number"),
        (lambda: simulate(Design(), Truth(), 1.5), ValueError, "seed must be a whole number"),
        (lambda: simulate(Design(), Truth(), None), ValueError, "seed must be a whole number"),
        (
            lambda: simulate_many(Design(), Truth(), 0, 1),
            ValueError,
            "n must be a whole number of data sets",
        ),
        (lambda: simulate_many(Design(), Truth(), 2.0, 1), ValueError, "n must be"),
        (lambda: simulate_many(Design(), Truth(), True, 1), ValueError, "n must be"),
        (
            lambda: simulate_many(Design(), Truth(), 10**13, 1),
            ValueError,
            "n is too large: .* 16,000,000 GB of memory",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
