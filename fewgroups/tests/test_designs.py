"""Designs and truths: what they count, and what they refuse."""

import pickle

import numpy as np
import pytest

from fewgroups import Design, Truth

AB = {"a": 1, "b": 2}


def test_rows_come_group_by_group_condition_by_condition_repeat_by_repeat() -> None:
    design = Design(100, AB | {"c": 1})
    table = design.table()
    assert table["group"].tolist()[:5] == ["group_001"] * 4 + ["group_002"]
    assert table["condition"].tolist() == ["a", "b", "b", "c"] * 100
    assert table["treated"].tolist() == [0, 1, 1, 1] * 100
    assert table["repeat"].tolist() == [1, 1, 2, 1] * 100
    assert design.label == "100 groups, 1 + 2 + 1 repeats" and design.rows == 400


def test_a_between_design_gives_each_half_one_condition() -> None:
    design = Design(5, {"a": 20, "b": 30}, between=True)
    assert design.counts.tolist() == [[20, 0]] * 2 + [[0, 30]] * 3
    assert design.label == "5 groups, 20 or 30 repeats"


def test_each_group_may_have_its_own_repeats_and_miss_a_condition() -> None:
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


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"groups": 1}, ValueError, "groups must be .* given 1"),
        ({"groups": 10**9}, ValueError, "1,000,000 at most"),
        ({"groups": 4.0}, TypeError, "groups must be .* given 4.0"),
        ({"groups": ["u", "U "]}, ValueError, "no two alike"),
        ({"groups": ["u", 2]}, TypeError, "groups must be"),
        ({"conditions": {"a": 1}}, TypeError, "conditions must be .* two conditions or more"),
        (
            {"conditions": {"a": 1.5, "b": 2}},
            TypeError,
            r"conditions\['a'\] .* whole number .* 1.5",
        ),
        ({"conditions": {"a": -1, "b": 2}}, ValueError, "0 or more; given -1"),
        ({"conditions": {"a": 0, "b": 2}}, ValueError, "conditions .* leave out a"),
        ({"conditions": {"a": 10**30, "b": 2}}, ValueError, "100,000,000 rows at most"),
        ({"conditions": {3: 1, "b": 2}}, TypeError, "named by text .* given {3"),
        ({"conditions": [AB]}, ValueError, "one mapping per group, 4; given 1"),
        ({"conditions": [AB] * 3 + [{"a": 1, "c": 2}]}, ValueError, r"conditions\[3\] names a, c"),
        ({"conditions": [AB] * 3 + [{"a": 0, "b": 0}]}, ValueError, "leave out group_04"),
        ({"between": 1}, TypeError, "between must be True or False"),
        ({"between": True, "conditions": AB | {"c": 1}}, ValueError, "between=True .* given 3"),
    ],
)
def test_a_design_that_cannot_be_is_refused_by_name(
    arguments: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Design(**({"groups": 4, "conditions": AB} | arguments))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"intercept": "0.8"}, TypeError, "intercept must be a number; given '0.8'"),
        ({"effect": np.nan}, ValueError, "effect must be finite"),
        ({"intercept": 10**400}, ValueError, "intercept must be .* at most 1e6"),
        ({"group_sd": -0.1}, ValueError, "group_sd is a standard deviation.* given -0.1"),
        ({"correlation": 1.01}, ValueError, "correlation must lie between"),
        ({"intercept": 85, "clip": True}, ValueError, r"intercept must lie in \[0, 1\]"),
        ({"clip": "no"}, TypeError, "clip must be True or False"),
    ],
)
def test_a_truth_that_cannot_be_is_refused_by_name(
    arguments: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Truth(**arguments)
