"""The reader's words for outcome, groups, conditions and units; what has none keeps its name in the printout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from fewgroups.columns import group_column
from fewgroups.explanation.numbers import clean, code
from fewgroups.explanation.predictors import Coefficient, Factor, Part
from fewgroups.templates import say

STEPS = {
    "np.log2(": "doubling",
    "np.log10(": "tenfold",
    "np.log(": "natural_log",
    "log(": "natural_log",
    "standardize(": "standardised",
    "scale(": "standardised",
    "center(": "unit",
}
"""Start of the code of a transformed number → the sentence for what one unit of it is."""


class Vocabulary:
    """Words for one model. outcome: "reaction time"; unit: " ms" or ""; one, many: ("person", "people").

    units: numeric factor → one unit of it, without article ("day without sleep"); levels: factor → level → words;
    rows: coefficient → words; components: variance component → (one, many); curves: variable that stands only inside
    functions (a spline) → words; group: the column of the groups.
    """

    def __init__(
        self,
        model: Any,
        coefficients: list[Coefficient],
        factors: dict[str, Factor],
        unit: Any = None,
        names: Any = None,
    ) -> None:
        """The reader's `unit` and `names` checked against the names that the model has.

        Raises TypeError for values of the wrong kind, ValueError for names that the model does not have.
        """
        if unit is not None and not isinstance(unit, str):
            raise TypeError(
                f'unit must be the unit of the outcome as text, such as "ms"; given {unit!r}'
            )
        if not isinstance(names, Mapping | None):
            raise TypeError(
                'names must be a mapping from names in the printout to your words, such as {"Days": "day without '
                f'sleep"}}; given {type(names).__name__}'
            )
        outcome, self.group = str(model.endog_names), group_column(model) or "Group"
        components = [str(name) for name in model.exog_vc.names]
        aliases = dict.fromkeys(x for f in factors.values() for x in (f.name, f.variable) if x)
        inside = sorted({variable for factor in factors.values() for variable in factor.variables})
        terms = [one.name for one in coefficients]
        known = [outcome, self.group, "Group", *aliases, *inside, *components, *terms]
        unknown = [str(name) for name in names or () if name not in known]
        if unknown:
            raise ValueError(
                f"names has no place for {', '.join(map(repr, unknown))}: the names that this model has are "
                f"{', '.join(map(repr, dict.fromkeys(known)))}"
            )
        self.outcome, self.one, self.many = code(outcome), "group", "groups"
        self.unit = f" {clean(unit)}" if clean(unit or "") else ""
        self.units: dict[str, str] = {}
        self.levels: dict[str, dict[Any, str]] = {}
        self.rows: dict[str, str] = {}
        self.components: dict[str, tuple[str, str]] = {}
        self.curves: dict[str, str] = {}
        for name, value in (names or {}).items():
            if name == outcome:
                self.outcome = _text(name, value)
            elif name in (self.group, "Group"):
                self.one, self.many = _both(name, value)
            elif name in components:
                self.components[name] = _both(name, value)
            elif name in aliases:
                mine = [f for f in factors.values() if name in (f.name, f.variable)]
                self._name_factors(mine, name, value)
            elif name in inside:
                self.curves[name] = _text(name, value)
            else:
                self.rows[name] = _text(name, value)

    def _name_factors(self, factors: list[Factor], name: str, value: Any) -> None:
        """Words for the levels of the factors that have levels, or for one unit of those that have none."""
        with_levels = isinstance(value, Mapping)
        fitting = [factor for factor in factors if bool(factor.levels) == with_levels]
        if not fitting:
            needed = "be text: what one unit of it is (a number with many values)"
            if not with_levels:
                levels = ", ".join(f"{_short(level)!r}: ..." for level in factors[0].levels)
                needed = f"say what its values are, as a mapping: {{{levels}}}"
            raise TypeError(f"names[{name!r}] must {needed}; given {value!r}")
        for factor in fitting:
            if with_levels:
                self.levels[factor.name] = {
                    _level(factor, name, level): _text(f"{name}, {level}", text)
                    for level, text in value.items()
                }
            else:
                self.units[factor.name] = re.sub(r"^(a|an|one|each)\s+", "", _text(name, value))

    @property
    def shared(self) -> dict[str, str]:
        """The words that many sentences need."""
        return {"outcome": self.outcome, "one": self.one, "many": self.many}

    def level(self, factor: Factor, level: Any) -> str:
        """One level of a factor: "the session of 30", or `session_high = 1`."""
        words = self.levels.get(factor.name, {})
        if level in words:
            return words[level]
        return code(f"{factor.variable or factor.name} = {_short(level)}")

    def factor(self, factor: Factor) -> str:
        """The name of a factor: that of its variable where it is a factor of one."""
        return code(factor.variable or factor.name)

    def unit_of(self, factor: Factor) -> str:
        """One unit of a numeric factor: "day without sleep", "unit of `Days`", "doubling of `x`"."""
        if factor.name in self.units:
            return self.units[factor.name]
        for start, step in STEPS.items():
            inside = factor.name.removeprefix(start)
            if inside != factor.name and inside.endswith(")") and inside[:-1].isidentifier():
                return say(f"words.{step}", variable=code(inside[:-1]))
        return say("words.unit", variable=self.factor(factor))

    def place(self, place: Part) -> str:
        """The zero of a factor's coding: "for the session of 20", "where `Days` is 0"."""
        factor, weights = place.factor, dict(place.weights)
        name = self.factor(factor)
        if place.level is not None and abs(weights[place.level] - 1) < 1e-9:
            return say("words.at_level", level=self.level(factor, place.level))
        if weights and len(weights) == len(factor.levels) and np.ptp(list(weights.values())) < 1e-9:
            if len(weights) == 2 and factor.is_number:
                low, high = (self.level(factor, level) for level in factor.levels)
                return say("words.half_way", low=low, high=high)
            return say("words.at_average", factor=name)
        return say("words.at_zeros" if factor.columns > 1 else "words.at_zero", factor=name)

    def with_unit(self, number: str) -> str:
        """A formatted number with the unit of the outcome."""
        return f"{number}{self.unit}"


def _level(factor: Factor, name: str, given: Any) -> Any:
    for level in factor.levels:
        if level == given or str(level) == str(given):
            return level
    levels = ", ".join(repr(_short(level)) for level in factor.levels)
    raise ValueError(f"names[{name!r}] has no level {given!r}: its levels are {levels}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not clean(value):
        raise TypeError(f"names[{name!r}] must be a few words of text; given {value!r}")
    return clean(value)


def _both(name: str, value: Any) -> tuple[str, str]:
    """("person", "people"); one word alone gets an s."""
    if isinstance(value, str):
        return _text(name, value), _text(name, value) + "s"
    if isinstance(value, tuple | list) and len(value) == 2:
        return _text(name, value[0]), _text(name, value[1])
    raise TypeError(
        f'names[{name!r}] must be a word, or one and many of them, such as ("person", "people"); given {value!r}'
    )


def _short(level: Any) -> Any:
    """A level as people write it: 1 for 1.0."""
    return int(level) if isinstance(level, float) and level == int(level) else level
