"""Designs, truths and studies that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from helpers import Design, Truth

from .anything import (
    LONG,
    NAME,
    Bad,
    Call,
    Strategy,
    calls,
    is_listed,
    is_mapping,
    is_none,
    is_text,
    is_whole,
    no_flag,
    no_level,
    no_size,
    no_text,
    no_whole,
    other_than,
    speaking_of,
)

DESIGN = Design(4, {"low": 5, "high": 6})
TRUTH = Truth(clip=False)
GOOD = {"design": DESIGN, "truth": TRUTH, "seed": 1}
SESSIONS = st.lists(NAME, min_size=2, max_size=3, unique=True)
BLANK = st.sampled_from(["", " ", "\t"])


def no_design() -> Strategy:
    return other_than(lambda value: isinstance(value, Design))


def no_truth() -> Strategy:
    return other_than(lambda value: isinstance(value, Truth))


def drawn() -> dict[str, Strategy]:
    """What all that simulates is given."""
    return {"design": no_design(), "truth": no_truth(), "seed": no_whole(0)}


def spoilt_designs() -> Strategy:
    spoilt = {"athletes": no_athletes(), "repeats": no_repeats(), "between": no_flag()}
    three = {"repeats": {"a": 1, "b": 1, "c": 1}, "between": True}
    return calls("Design", {}, spoilt) | st.just(Call("Design", three, ("between",)))


def no_athletes() -> Strategy:
    def names(value: Any) -> bool:
        return is_listed(value) and getattr(value, "ndim", 1) == 1 and all(map(is_text, value))

    numbers = st.integers(max_value=1) | st.integers(min_value=10**7) | st.just(LONG)
    few = st.lists(NAME, max_size=1) | st.lists(NAME, max_size=1).map(tuple)
    same = NAME.filter(lambda name: name.upper().casefold() == name.casefold())
    alike = st.builds(
        lambda name, space, more: [name, name.upper() + space, *more], same, BLANK, st.lists(NAME)
    )
    blank = st.builds(lambda found, space: [*found, space], st.lists(NAME, max_size=3), BLANK)
    mixed = st.builds(lambda name, thing: [name, thing], NAME, no_text())
    return st.one_of(numbers, few, alike, blank, mixed, other_than(is_whole, names))


def no_repeats(athletes: int = 4) -> Strategy:
    """What cannot be the repeats of so many athletes."""

    def each(make: Callable[[int], Any]) -> list[Any]:
        return [make(number) for number in range(athletes)]

    last = athletes - 1
    no_count = (
        st.integers(max_value=-1)
        | st.integers(min_value=10**12)
        | st.just(LONG)
        | other_than(is_whole)
    )
    no_label = st.one_of(st.none(), st.integers(), BLANK, st.binary(max_size=2))
    of_all = [
        st.dictionaries(NAME, st.integers(0, 5), max_size=1),
        st.builds(
            lambda names, wrong: dict.fromkeys(names, 3) | {names[0]: wrong}, SESSIONS, no_count
        ),
        no_label.map(lambda wrong: {"a": 1, wrong: 2, "c": 3}),
        SESSIONS.map(lambda names: dict.fromkeys(names, 0)),
        SESSIONS.map(lambda names: dict.fromkeys(names, 3) | {names[-1]: 0}),
    ]
    numbers = st.integers(0, 9).filter(lambda n: n != athletes)
    others = NAME.filter(lambda name: name not in ("a", "b"))
    no_mapping = other_than(is_mapping)
    of_each = [
        st.builds(lambda names, n: [dict.fromkeys(names, 2)] * n, SESSIONS, numbers),
        SESSIONS.map(lambda names: each(lambda k: dict.fromkeys(names, 2 * (k < last)))),
        others.map(lambda name: each(lambda k: {"a": 1, name if k == last else "b": 2})),
        no_mapping.map(lambda thing: each(lambda k: thing if k == last else {"a": 1, "b": 2})),
    ]
    return st.one_of(*of_all, *of_each, other_than(is_mapping, is_listed))


def spoilt_truths() -> Strategy:
    spoilt = {name: no_size(0) for name in ("athlete_sd", "slope_sd", "residual_sd")}
    spoilt |= {
        "intercept": no_size(-1e6),
        "effect": no_size(-1e6),
        "correlation": no_size(-1, 1),
        "clip": no_flag(),
    }
    outside = st.floats(-9, -1e-9) | st.floats(1 + 1e-9, 1e6)
    clipped = outside.map(lambda value: Call("Truth", {"intercept": value}, ("intercept",)))
    return calls("Truth", {"clip": False}, spoilt) | clipped


def no_methods() -> Strategy:
    def listed(value: Any) -> bool:
        return isinstance(value, list | tuple) and all(map(is_text, value))

    twice, needs_groups = ["paired t", "Paired T"], ["t on means"]
    chosen = [
        [],
        [""],
        twice,
        needs_groups,
        "paired t",
        ["paired-t"],
        ["paired t", 3],
        [None],
        [["paired t"]],
    ]
    unknown = st.lists(NAME, min_size=1, max_size=3)
    return (st.sampled_from(chosen) | unknown | other_than(is_none, listed)).map(
        speaking_of("methods", "method")
    )


def studies() -> dict[str, Strategy]:
    """What monte_carlo and power share."""
    return {
        "truth": no_truth() | st.just(Truth(residual_sd=0)),
        "methods": no_methods(),
        "n": no_whole(1, 10**12),
        "seed": no_whole(0),
        "level": no_level(),
        "workers": no_whole(1, 10**5).filter(lambda value: not is_whole(value) or value != -1),
    }


def powers() -> Strategy:
    good = {"designs": [DESIGN], "truth": TRUTH, "n": 10, "seed": 1}
    listed = [[], [DESIGN, DESIGN], [3], [DESIGN, None], [[DESIGN]]]
    chosen = [*listed, {}, {"a": 3}, {3: DESIGN}, {None: DESIGN}, {"a": None}]
    wrong = st.sampled_from(chosen) | no_design()
    no_effect = Call("power", {**good, "truth": Truth(effect=0)}, ("effect",))
    spoilt = studies() | {"designs": wrong.map(speaking_of("designs", "design"))}
    return calls("power", good, spoilt) | st.just(no_effect)


def grids() -> Strategy:
    """Of design_grid; a range of numbers is welcome there."""

    def is_range(value: Any) -> bool:
        return isinstance(value, range)

    no_list = other_than(is_listed, is_range)
    entries = st.lists(other_than(is_whole, is_mapping), min_size=1, max_size=2)
    few = st.lists(st.integers(max_value=1) | st.integers(min_value=10**7), min_size=1, max_size=3)
    none = st.lists(
        st.integers(max_value=0) | st.integers(min_value=10**12), min_size=1, max_size=3
    )
    twice = st.just(Bad([4, 4], ("designs",)))
    no_sessions = no_repeats().filter(is_mapping).map(lambda value: [value])
    spoilt = {
        "athletes": st.one_of(no_list, entries, few, twice, st.just([])),
        "repeats": st.one_of(no_list, entries, none, no_sessions, st.just([])),
        "between": no_flag(),
    }
    return calls("design_grid", {"athletes": [4, 6], "repeats": [2, 3]}, spoilt)
