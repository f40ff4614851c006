"""Designs and truths: what they count, and what they refuse."""

import pickle

import numpy as np
import pytest

from fewgroups import Design, Truth


def test_the_default_design_is_the_running_story() -> None:
    design = Design()
    assert design.names == ("susan_01", "alex_02", "maya_03", "david_04")
    assert design.sessions == ("session_20", "session_30")
    assert design.counts.tolist() == [[20, 30]] * 4
    assert design.rows == 200


def test_rows_come_athlete_by_athlete_session_by_session_repeat_by_repeat() -> None:
    table = Design(athletes=["b", "a"], repeats={"low": 1, "high": 2}).table()
    assert table["athlete_id"].tolist() == ["b", "b", "b", "a", "a", "a"]
    assert table["session_label"].tolist() == ["low", "high", "high"] * 2
    assert table["session_high"].tolist() == [0, 1, 1] * 2
    assert table["repeat_id"].tolist() == [1, 1, 2] * 2


def test_a_between_design_gives_each_half_one_session() -> None:
    assert Design(athletes=5, between=True).counts.tolist() == [[20, 0]] * 2 + [[0, 30]] * 3


def test_each_athlete_may_have_own_repeats_and_miss_a_session() -> None:
    design = Design(athletes=2, repeats=[{"a": 3, "b": 0}, {"b": 2, "a": 1}])
    assert design.counts.tolist() == [[3, 0], [1, 2]]
    assert len(design.table()) == design.rows == 6


def test_any_number_of_sessions_and_athletes() -> None:
    design = Design(athletes=120, repeats={"a": 1, "b": 2, "c": 3})
    assert design.names[0] == "athlete_001" and design.rows == 720
    assert set(design.table().query("session_label == 'c'")["session_high"]) == {1}


def test_a_design_does_not_change_with_what_it_was_made_from_and_can_travel() -> None:
    repeats = {"a": 1, "b": 2}
    design = Design(athletes=2, repeats=repeats)
    repeats["a"] = 99
    assert design.rows == 6
    assert pickle.loads(pickle.dumps(design)).counts.tolist() == design.counts.tolist()
    with pytest.raises(ValueError, match="read-only"):
        design.counts[0, 0] = 7


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"athletes": 1}, ValueError, "athletes must be .* given 1"),
        ({"athletes": 0}, ValueError, "athletes must be"),
        ({"athletes": -3}, ValueError, "athletes must be"),
        ({"athletes": True}, TypeError, "athletes must be"),
        ({"athletes": 4.0}, TypeError, "athletes must be .* given 4.0"),
        ({"athletes": "susan"}, TypeError, "athletes must be .* given 'susan'"),
        ({"athletes": None}, TypeError, "athletes must be"),
        ({"athletes": ["a"]}, ValueError, "athletes must be"),
        ({"athletes": ["a", "A "]}, ValueError, "no two alike"),
        ({"athletes": ["a", " "]}, ValueError, "none blank"),
        ({"athletes": ["a", 2]}, TypeError, "athletes must be"),
        ({"repeats": {"a": 1}}, ValueError, "repeats must name two sessions"),
        ({"repeats": {}}, ValueError, "repeats must name two sessions"),
        ({"repeats": 20}, TypeError, "repeats must be a mapping"),
        ({"repeats": "20"}, TypeError, "repeats must be a mapping"),
        (
            {"repeats": {"a": 1.5, "b": 2}},
            TypeError,
            r"repeats\['a'\] must be a whole number .* 1.5",
        ),
        ({"repeats": {"a": True, "b": 2}}, TypeError, "whole number"),
        ({"repeats": {"a": -1, "b": 2}}, ValueError, "0 .missed. or more; given -1"),
        ({"repeats": {"a": 0, "b": 2}}, ValueError, "leaves a without a single repeat"),
        ({"repeats": {" ": 1, "b": 2}}, TypeError, "session label"),
        ({"repeats": {3: 1, "b": 2}}, TypeError, "session label"),
        ({"repeats": [{"a": 1, "b": 2}]}, ValueError, "one mapping per athlete: 4; given 1"),
        (
            {"repeats": [{"a": 1, "b": 2}] * 3 + [{"a": 1, "c": 2}]},
            ValueError,
            r"repeats\[3\] names the sessions a, c",
        ),
        (
            {"repeats": [{"a": 1, "b": 2}] * 3 + [{"a": 0, "b": 0}]},
            ValueError,
            "david_04 without a single repeat",
        ),
        ({"repeats": [{"a": 1, "b": 2}] * 3 + [7]}, TypeError, r"repeats\[3\] must be a mapping"),
        ({"between": 1}, TypeError, "between must be True or False"),
        ({"between": True, "repeats": {"a": 1, "b": 1, "c": 1}}, ValueError, "needs two sessions"),
    ],
)
def test_a_design_that_cannot_be_is_refused_by_name(
    arguments: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        Design(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"intercept": "0.8"}, TypeError, "intercept must be a number; given '0.8'"),
        ({"effect": None}, TypeError, "effect must be a number"),
        ({"effect": True}, TypeError, "effect must be a number"),
        ({"effect": np.nan}, ValueError, "effect must be finite"),
        ({"residual_sd": np.inf}, ValueError, "residual_sd must be finite"),
        ({"athlete_sd": -0.1}, ValueError, "athlete_sd is a standard deviation .* given -0.1"),
        ({"slope_sd": -1}, ValueError, "slope_sd is a standard deviation"),
        ({"residual_sd": -1}, ValueError, "residual_sd is a standard deviation"),
        ({"correlation": 1.01}, ValueError, "correlation must lie between"),
        ({"intercept": 85}, ValueError, r"intercept must lie in \[0, 1\] when clip=True"),
        ({"intercept": 1e9, "clip": False}, ValueError, "at most 1e6"),
        ({"clip": "no"}, TypeError, "clip must be True or False"),
    ],
)
def test_a_truth_that_cannot_be_is_refused_by_name(
    arguments: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        Truth(**arguments)


def test_a_truth_takes_any_kind_of_number() -> None:
    assert Truth(effect=np.float32(0.5), slope_sd=np.int64(1)).slope_sd == 1.0
