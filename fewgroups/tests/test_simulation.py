"""Simulated data: the seed's digits, the design's moments, a stream that does not depend on how it is cut."""

from collections.abc import Callable

import numpy as np
import pytest
from fewgroups.simulation import BLOCK, simulate_blocks

from fewgroups import Design, Truth, simulate, simulate_many

SMALL = Design(3, {"a": 2, "b": 3})
SLOPES = Truth(0.6, -0.1, 0.2, 0.3, -0.4, 0.1)


def test_one_data_set_draws_level_change_and_residuals_group_by_group() -> None:
    rng, expected = np.random.default_rng(0), []
    for _ in range(3):
        first, second = rng.standard_normal(), rng.standard_normal()
        change = -0.1 + 0.3 * (-0.4 * first + np.sqrt(1 - 0.4**2) * second)
        residuals = 0.1 * rng.standard_normal(5)
        expected += list(0.6 + 0.2 * first + change * np.array([0, 0, 1, 1, 1]) + residuals)
    table = simulate(SMALL, SLOPES, 0)
    assert list(table) == ["group", "condition", "treated", "repeat", "outcome"]
    np.testing.assert_allclose(table["outcome"], expected, rtol=0, atol=1e-12)


def test_without_a_spread_of_changes_no_draw_is_spent_on_them() -> None:
    rng = np.random.default_rng(0)
    expected = [1 + rng.standard_normal() + 0.5 * rng.standard_normal(5) for _ in range(3)]
    found = simulate(SMALL, Truth(1, 0, 1, residual_sd=0.5), 0)["outcome"]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0, atol=1e-12)


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


def test_the_stream_of_many_does_not_depend_on_how_many_or_on_where_it_is_cut() -> None:
    whole = simulate_many(SMALL, SLOPES, 2 * BLOCK + 7, 5)
    assert (simulate_many(SMALL, SLOPES, BLOCK + 3, 5) == whole[: BLOCK + 3]).all()
    assert (simulate_blocks(SMALL, SLOPES, BLOCK + 7, 5, first=1) == whole[BLOCK:]).all()
    assert (simulate_many(SMALL, SLOPES, 3, 6) != whole[:3]).any()


def test_clipping_cuts_at_the_bounds_and_nowhere_else() -> None:
    loose, clipped = (Truth(0.9, -0.1, 0.1, residual_sd=0.3, clip=clip) for clip in (False, True))
    many = simulate_many(SMALL, loose, 50, 1)
    assert many.max() > 1 and many.min() < 0
    assert (simulate_many(SMALL, clipped, 50, 1) == np.clip(many, 0, 1)).all()
    one = simulate(SMALL, loose, 1)["outcome"].clip(0, 1)
    assert (simulate(SMALL, clipped, 1)["outcome"] == one).all() and one.max() == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: simulate("design", SLOPES, 1), TypeError, "design must be a Design"),
        (lambda: simulate(SMALL, 0.85, 1), TypeError, "truth must be a Truth"),
        (lambda: simulate(SMALL, SLOPES, -1), ValueError, "seed must be .* given -1"),
        (lambda: simulate(SMALL, SLOPES, 1.5), TypeError, "seed must be a whole number"),
        (lambda: simulate_many(SMALL, SLOPES, 0, 1), ValueError, "n must be .* data sets"),
        (lambda: simulate_many(SMALL, SLOPES, 2.0, 1), TypeError, "n must be"),
        (lambda: simulate_many(SMALL, SLOPES, 10**13, 1), ValueError, "n is too large: .* GB"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(
    call: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call()
