"""Values of any kind, and calls with some of their arguments spoilt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import helpers

Strategy = st.SearchStrategy[Any]
Draw = Callable[[Strategy], Any]
LONG = 10**400
"""A whole number that no float can hold."""

NAME = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=6)


@dataclass(frozen=True)
class Bad:
    """A spoilt value; words: of which the message must hold one, if not the argument's name; fault: for the record."""

    value: Any
    words: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Call:
    """One call; words: of which the message must hold one."""

    name: str
    arguments: Mapping[str, Any]
    words: tuple[str, ...]
    fault: str = ""

    def __call__(self) -> Any:
        return getattr(helpers, self.name)(**self.arguments)

    def __repr__(self) -> str:
        shown = (
            f"{key}={' '.join(repr(value).split())[:300]}" for key, value in self.arguments.items()
        )
        return (
            f"{self.name}({', '.join(shown)}) {self.fault}; must speak of {' | '.join(self.words)}"
        )


def calls(name: str, good: Mapping[str, Any], bad: Mapping[str, Strategy]) -> Strategy:
    """Good calls with one argument spoilt, or now and then two."""

    @st.composite
    def spoil(draw: Draw) -> Call:
        spoilt = draw(st.lists(st.sampled_from(sorted(bad)), min_size=1, max_size=2, unique=True))
        values = {argument: draw(bad[argument]) for argument in spoilt}
        marked = {
            key: value if isinstance(value, Bad) else Bad(value) for key, value in values.items()
        }
        arguments = {**good, **{key: value.value for key, value in marked.items()}}
        words = [word for key, value in marked.items() for word in value.words or (key,)]
        return Call(
            name, arguments, tuple(words), " ".join(value.fault for value in marked.values())
        )

    return spoil()


def speaking_of(*words: str) -> Callable[[Any], Bad]:
    """Marks a value with what its error must speak of."""
    return lambda value: value if isinstance(value, Bad) else Bad(value, words)


ODD = [
    *[
        object(),
        NotImplemented,
        int,
        helpers.Design,
        abs,
        slice(3),
        range(3),
        {1, 2},
        frozenset({"a"}),
        iter([]),
    ],
    *[
        timedelta(days=1),
        pd.NA,
        pd.NaT,
        pd.Timestamp("2024-01-01"),
        np.datetime64("NaT"),
        np.ma.masked,
    ],
    *[np.float64("nan"), np.float64(0.5), np.int64(3), np.int64(-3), np.bool_(True), np.str_("a")],
    *[
        np.complex128(0.5),
        np.complex64(2),
        np.array(0.5),
        np.array("a"),
        np.array([1, 2]),
        np.array([]),
    ],
    *[np.array(["a", "b"]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([object()])],
    *[
        pd.DataFrame(),
        pd.Series([1.0]),
        pd.Series(["a", "b"]),
        pd.Index([1, 2]),
        helpers.Design(),
        helpers.Truth(),
    ],
    *[LONG, -LONG, 1e308, -0.0, float("inf"), float("nan"), bytearray(b"a"), memoryview(b"ab")],
    *["", " ", "\0", "ß", "0.5", [], {}, (), [[1, 2], [3]], [1, "a"], [None], [..., 1]],
    *[{"a": None}, {None: 1}, {1: {2: 3}}],
]


@st.composite
def things(draw: Draw) -> Any:
    """Anything at all."""
    return draw(st.one_of(_scalars(), st.sampled_from(ODD), _held()))


def _scalars() -> Strategy:
    numbers = st.one_of(
        st.integers(), st.floats(), st.complex_numbers(), st.decimals(), st.fractions()
    )
    return st.one_of(
        st.none(), st.booleans(), numbers, st.text(max_size=8), st.binary(max_size=4), st.dates()
    )


def _held() -> Strategy:
    one = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4))
    keys = st.one_of(st.text(max_size=4), st.integers(), st.none())
    mappings = st.dictionaries(keys, one, max_size=3)
    return st.one_of(st.lists(one, max_size=4), mappings, st.tuples(one, one), st.sets(st.text()))


def is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not is_flag(value)


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not is_flag(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_none(value: Any) -> bool:
    return value is None


def is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def is_listed(value: Any) -> bool:
    """A list of whatever kind; an array of no dimension is none."""
    return (
        isinstance(value, list | tuple | np.ndarray | pd.Series | pd.Index)
        and getattr(value, "ndim", 1) > 0
    )


def other_than(*allowed: Callable[[Any], bool]) -> Strategy:
    """Anything but what one of `allowed` is true of."""
    return things().filter(lambda value: not any(test(value) for test in allowed))


def no_flag() -> Strategy:
    return other_than(is_flag)


def no_text() -> Strategy:
    return other_than(is_text)


def no_whole(least: int, most: int | None = None) -> Strategy:
    """No whole number from `least` to `most`."""
    wrong = st.integers(max_value=least - 1)
    if most is not None:
        wrong |= st.integers(min_value=most + 1) | st.just(LONG)
    return wrong | other_than(is_whole)


def no_size(least: float, most: float = 1e6) -> Strategy:
    """No finite number from `least` to `most`."""
    wide = st.floats(max_value=least, exclude_max=True) | st.floats(
        min_value=most, exclude_min=True
    )
    return wide | st.sampled_from([float("nan"), LONG, -LONG]) | other_than(is_number)


def no_level() -> Strategy:
    """No number between 0 and 1."""
    return (
        other_than(is_number)
        | st.floats().filter(lambda x: not 0 < x < 1)
        | st.integers()
        | st.just(LONG)
    )


def no_choice(*allowed: str) -> Strategy:
    """None of some words, but often nearly one."""
    near = st.sampled_from(
        [change(word) for word in allowed for change in (str.upper, str.title, " {} ".format)]
    )
    return (near | things()).filter(lambda value: not is_text(value) or value not in allowed)
