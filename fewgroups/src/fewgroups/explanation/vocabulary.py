"""The reader's own words for outcome, groups, conditions and units; the rest keeps the printout's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fewgroups.explanation.markup import clean, code
from fewgroups.explanation.predictors import Column, Factor, Place

STEPS = {"np.log2(": "doubling of {}", "np.log10(": "tenfold increase of {}"}
"""What one unit of a transformed number is, by the start of its code."""


@dataclass(frozen=True)
class Vocabulary:
    """Words for one model. outcome: "reaction time"; unit: " ms" or ""; one, many: ("person", "people").

    units: numeric factor → one unit of it, without article ("day without sleep"); levels: factor → level → words;
    said: coefficient → words; components: variance component → (one, many); variables: factor of one variable → it;
    group: the column of the groups.
    """

    outcome: str
    unit: str
    one: str
    many: str
    group: str
    units: dict[str, str] = field(default_factory=dict)
    levels: dict[str, dict[Any, str]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    components: dict[str, tuple[str, str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def level(self, factor: str, level: Any) -> str:
        """One level of a factor in words: "the session of 30", or `session_high = 1`."""
        own = self.levels.get(factor, {})
        return (
            own[level]
            if level in own
            else code(f"{self.variables.get(factor, factor)} = {_short(level)}")
        )

    def factor(self, factor: str) -> str:
        """The name of a factor: that of its variable where it is a factor of one."""
        return code(self.variables.get(factor, factor))

    def levels_of(self, factor: str) -> str:
        """All levels of a factor together."""
        return f"the levels of {self.factor(factor)}"

    def unit_of(self, factor: str) -> str:
        """One unit of a numeric factor: "day without sleep", "unit of `Days`", "doubling of `x`"."""
        if factor in self.units:
            return self.units[factor]
        for start, what in STEPS.items():
            inside = factor.removeprefix(start)
            if inside != factor and inside.endswith(")") and inside[:-1].isidentifier():
                return what.format(code(inside[:-1]))
        return f"unit of {self.factor(factor)}"

    def place(self, place: Place) -> str:
        """The zero of a factor's coding in words: "for the session of 20", "at 0 `Days`"."""
        weights = dict(place.weights)
        if place.levels and len(weights) == 1 and abs(next(iter(weights.values())) - 1) < 1e-9:
            return f"for {self.level(place.factor, next(iter(weights)))}"
        if (
            place.levels
            and len(weights) == len(place.levels)
            and np.ptp(list(weights.values())) < 1e-9
        ):
            if len(weights) == 2 and not np.isnan(place.span[0]):
                return f"half-way between {' and '.join(self.level(place.factor, x) for x in place.levels)}"
            return f"on average over {self.levels_of(place.factor)}, each counted equally"
        return f"where {self.factor(place.factor)} is 0"

    def with_unit(self, number: str) -> str:
        """A formatted number with the unit of the outcome."""
        return f"{number}{self.unit}"


def read_names(
    model: Any,
    columns: list[Column],
    factors: dict[str, Factor],
    unit: Any = None,
    names: Any = None,
) -> Vocabulary:
    """The reader's `unit` and `names` checked against the names that the model has.

    Raises TypeError for values of the wrong kind, ValueError for names that the model does not have.
    """
    if unit is not None and not isinstance(unit, str):
        raise TypeError(
            f'unit must be the unit of the outcome as text, such as "ms"; given {unit!r}'
        )
    if names is None:
        names = {}
    if not isinstance(names, Mapping):
        raise TypeError(
            'names must be a mapping from names in the printout to your own words, such as {"Days": "day without '
            f'sleep"}}; given {type(names).__name__}'
        )
    outcome, group = str(model.endog_names), group_name(model)
    components = [str(name) for name in model.exog_vc.names]
    aliases: dict[str, list[str]] = {}
    for factor in factors.values():
        for alias in filter(None, {factor.name, factor.variable}):
            aliases.setdefault(alias, []).append(factor.name)
    terms = [column.name for column in columns]
    known = dict.fromkeys([outcome, group, "Group", *aliases, *components, *terms])
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"names has no place for {', '.join(map(repr, unknown))}: the names that this model has are "
            f"{', '.join(map(repr, known))}"
        )
    one, many = _both(group, names[group]) if group in names else ("group", "groups")
    if "Group" in names and group != "Group":
        one, many = _both("Group", names["Group"])
    words = Vocabulary(
        outcome=_text(outcome, names[outcome]) if outcome in names else code(outcome),
        unit=_suffix(unit),
        one=one,
        many=many,
        group=group,
        variables={f.name: f.variable for f in factors.values() if f.variable},
    )
    for name, value in names.items():
        if name in (outcome, group, "Group"):
            continue
        if name in components:
            words.components[name] = _both(name, value)
        elif name in aliases:
            _name_factors([factors[factor] for factor in aliases[name]], name, value, words)
        else:
            words.said[name] = _text(name, value)
    return words


def group_name(model: Any) -> str:
    """The column of the data that holds the groups, or "Group", as the printout says, when it is not known."""
    frame = getattr(model.data, "frame", None)
    if frame is None:
        return "Group"
    labels = np.empty(len(model.endog), dtype=object)
    for label in model.group_labels:
        labels[model.row_indices[label]] = str(label)
    used = (
        [name for name in model.data.exog_re_names if name in frame.columns] if model.k_re else []
    )
    for name in [*used, *frame.columns]:
        if len(frame) == len(labels) and bool(np.all(frame[name].astype(str).to_numpy() == labels)):
            return str(name)
    return "Group"


def _name_factors(factors: list[Factor], name: str, value: Any, words: Vocabulary) -> None:
    fitting = [factor for factor in factors if bool(factor.levels) == isinstance(value, Mapping)]
    if not fitting and factors[0].levels:
        levels = ", ".join(f"{_short(level)!r}: ..." for level in factors[0].levels)
        raise TypeError(
            f"names[{name!r}] must say what its values are, as a mapping: {{{levels}}}; given {value!r}"
        )
    if not fitting:
        raise TypeError(
            f"names[{name!r}] must be text: what one unit of it is ({name} is a number with many values); given "
            f"{value!r}"
        )
    for factor in fitting:
        if factor.levels:
            words.levels[factor.name] = {
                _level(factor, name, level): _text(f"{name}, {level}", said)
                for level, said in value.items()
            }
        else:
            words.units[factor.name] = re.sub(r"^(a|an|one|each)\s+", "", _text(name, value))


def _level(factor: Factor, name: str, given: Any) -> Any:
    for level in factor.levels:
        if level == given or str(level) == str(given):
            return level
    raise ValueError(
        f"names[{name!r}] has no level {given!r}: its levels are {', '.join(repr(_short(x)) for x in factor.levels)}"
    )


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


def _suffix(unit: str | None) -> str:
    unit = clean(unit or "")
    return f" {unit}" if unit else ""


def _short(level: Any) -> Any:
    """A level as people write it: 1 for 1.0."""
    return int(level) if isinstance(level, float) and level == int(level) else level
