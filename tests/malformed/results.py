"""Results from which nothing can be concluded, and questions that a result has no answer to."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import strategies as st

from helpers import fit

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
    no_choice,
    no_level,
    no_text,
    no_whole,
    other_than,
    speaking_of,
    things,
)
from .tables import FORMULA, MISSING, TABLE

METHODS = ("kenward-roger", "satterthwaite", "wald")
UNFINISHED = "unfinished"


@cache
def good(formula: str = FORMULA, re_formula: str = "~1") -> Any:
    return fit(formula, TABLE, "athlete_id", re_formula)


@cache
def regression() -> Any:
    return smf.ols("correctness ~ 1", TABLE).fit()


@cache
def wrong_results() -> list[Bad]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [*_other_kinds(), *_of_wrong_models(), *_spoilt()]


def _other_kinds() -> list[Bad]:
    score, ones = TABLE["correctness"], np.ones(len(TABLE))
    found = [
        *[good().model, good().params, good().summary(), type(good()), good().predict],
        *[
            smf.glm(FORMULA, TABLE).fit(),
            smf.gee(FORMULA, "athlete_id", TABLE).fit(),
            sm.RLM(score, ones).fit(),
        ],
    ]
    return [Bad(value, ("result",)) for value in found]


def _of_wrong_models() -> list[Bad]:
    gap = TABLE.assign(correctness=TABLE["correctness"].where(TABLE.index != 3))
    arrays = (
        TABLE["correctness"].to_numpy(),
        np.ones((len(TABLE), 1)),
        TABLE["athlete_id"].to_numpy(),
    )
    return [
        Bad(smf.mixedlm(FORMULA, TABLE, groups=np.ones(len(TABLE))).fit(), ("groups",)),
        Bad(smf.mixedlm(FORMULA, TABLE, groups=np.arange(len(TABLE))).fit(), ("groups",)),
        Bad(
            smf.mixedlm(FORMULA, gap, groups=gap["athlete_id"], missing="drop").fit(), ("left out",)
        ),
        Bad(sm.MixedLM(*arrays).fit_regularized(alpha=0.1), ("penalised",)),
    ]


def _spoilt() -> list[Bad]:
    """Fits whose numbers cannot be."""
    slopes, words = good(FORMULA, "~session_high"), ("missing, infinite or no variance",)
    scales = [np.nan, np.inf, 0.0, -1.0]
    found = [
        *[_changed(good(), scale=value) for value in scales],
        *[_changed(good(), cov_re=good().cov_re * value) for value in (np.nan, np.inf, -1)],
        *[_changed(good(), fe_params=good().fe_params * value) for value in (np.nan, np.inf)],
        _changed(slopes, cov_re=np.array([[1.0, 2.0], [2.0, 1.0]])),
    ]
    unfinished = Bad(_changed(good(), converged=False), ("converge", "optimum"), UNFINISHED)
    return [*(Bad(value, words) for value in found), unfinished]


def _changed(result: Any, **values: Any) -> Any:
    plain = copy.copy(result._results)
    plain.__dict__.update(values)
    return plain


def no_results() -> Strategy:
    """What every function must refuse that takes a fitted mixed model."""
    return st.sampled_from([*wrong_results(), Bad(regression(), ("result", "larger"))]) | things()


def of_result(
    name: str, bad: Mapping[str, Strategy], other: Mapping[str, Any] | None = None
) -> Strategy:
    return calls(name, {"result": good(), **(other or {})}, {"result": no_results(), **bad})


CONTRASTS = """

x
0
0 = 1
1/0
session_high =
session_high = x
session_high == 0
session_high > 0
session_high = nan
session_high = 1e999
session_high = 0; 1
session_high - session_high
session_high * session_high
session_high * Intercept = 1
session_high, session_high
(session_high
Intercept = 1 = 2
"""[1:-1].split("\n")  # fmt: skip


def contrasts() -> Strategy:
    weights = ["x", None, np.nan, [1, 2], LONG, 0]
    chosen = [
        *[
            [],
            {},
            [[]],
            [[1, 2], [2, 4]],
            [0, 0],
            [np.nan, 1],
            [np.inf, 1],
            ["a", "b"],
            [True, False],
            [None, 1],
        ],
        *[
            [1j, 0],
            [[1, 2], [3]],
            [[1, 0], [0, 1], [1, 1]],
            np.zeros((2, 2, 2)),
            [Decimal(1), Decimal(2)],
            [LONG, 1],
        ],
        *[
            pd.DataFrame(),
            pd.DataFrame({"x": [1]}),
            pd.Series([1.0]),
            {"a": {}},
            {"a": None},
            {"a": 3},
            {"a": [1]},
        ],
        *[
            {"a": {1: 1}},
            {"a": "x"},
            {"a": [[1, 0], [0, 0]]},
            *({"a": {"session_high": weight}} for weight in weights),
        ],
    ]
    lengths = st.integers(0, 5).filter(lambda k: k != 2)
    long = st.builds(lambda k, x: [x] * k, lengths, st.floats(-9, 9))
    unknown = st.builds(lambda name, x: {"a": {"zz" + name: x}}, NAME, st.floats(-9, 9))
    kinds = other_than(
        is_none, is_listed, is_text, is_mapping, lambda value: isinstance(value, pd.DataFrame)
    )
    lines = st.sampled_from(CONTRASTS) | NAME.map("zz{}".format)
    return st.one_of(lines, st.sampled_from(chosen), long, unknown, kinds).map(
        speaking_of("contrast", "weights")
    )


def comparisons() -> Strategy:
    pair = {"smaller": good("correctness ~ 1"), "larger": good()}
    moved = TABLE.assign(correctness=TABLE["correctness"] + 1)
    others = [fit(FORMULA, moved, "athlete_id"), fit(FORMULA, TABLE.iloc[:33], "athlete_id")]
    others += [fit(FORMULA, TABLE, "repeat_id"), fit(FORMULA, TABLE.iloc[::-1], "athlete_id")]
    either = st.sampled_from(others).map(speaking_of("smaller", "larger"))
    spoilt = {
        "smaller": no_results().filter(lambda v: getattr(v, "value", v) is not regression())
        | either
        | st.just(good()),
        "larger": no_results() | either | st.just(pair["smaller"]),
        "method": no_choice("lrt", "boundary", "bootstrap"),
    }
    draws = {"n": no_whole(1, 10**12), "seed": no_whole(0)}
    told = {
        "n": no_whole(1),
        "seed": other_than(is_none).filter(lambda value: not isinstance(value, int)),
    }
    large = fit(
        "correctness ~ 1", TABLE, "athlete_id", "~weight", {"session": "0 + C(session_label)"}
    )
    several = {"smaller": regression(), "larger": large, "method": "boundary"}
    beside = {"smaller": good("correctness ~ weight"), "larger": good()}
    return st.one_of(
        calls("compare", pair, spoilt),
        calls("compare", {**pair, "method": "bootstrap", "n": 5, "seed": 1}, draws),
        calls("compare", pair, told),
        st.sampled_from(
            [
                Call("compare", several, ("boundary",)),
                Call("compare", beside, ("smaller", "larger")),
            ]
        ),
    )


def predicted() -> Strategy:
    arrays = sm.MixedLM(
        TABLE["correctness"].to_numpy(), np.ones((len(TABLE), 1)), TABLE["athlete_id"].to_numpy()
    )
    no_of, no_who = no_choice("mean", "score"), no_choice("average", "known", "new")
    spoilt = {"result": no_results(), "of": no_of, "level": no_level()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        no_formula = Call("predictions", {"result": arrays.fit()}, ("result",))
    return st.one_of(
        calls("predictions", {"result": good(), "who": "known"}, {**spoilt, "data": new_rows()}),
        calls(
            "predictions",
            {"result": good()},
            {**spoilt, "who": no_who, "of": no_of | st.just("score")},
        ),
        st.just(no_formula),
    )


def new_rows() -> Strategy:
    """Rows that cannot be predicted for athletes that were measured."""
    rows = TABLE[["athlete_id", "session_high"]].drop_duplicates(ignore_index=True)

    def cells(column: str, row: int, value: Any) -> pd.DataFrame:
        made = [value if k == row else cell for k, cell in enumerate(rows[column].astype(object))]
        return rows.assign(**{column: pd.Series(made, dtype=object).infer_objects()})

    def spoilt(columns: list[str], values: Strategy, *words: str) -> Strategy:
        row = st.integers(0, len(rows) - 1)
        return st.builds(cells, st.sampled_from(columns), row, values).map(speaking_of(*words))

    stranger = st.text(max_size=4).map("zz{}".format) | st.integers()
    makes = [
        lambda x: [x],
        lambda x: {x: 1},
        lambda x: complex(x, 1),
        lambda x: b"a",
        lambda x: object(),
        Decimal,
    ]
    makes.append(lambda x: date(2024, 1, 1))
    shapes = [
        *[
            rows.iloc[:0],
            rows.drop(columns="session_high"),
            rows.drop(columns="athlete_id"),
            rows.T,
        ],
        *[
            pd.concat([rows, rows], axis=1),
            rows.set_axis([0, 1], axis=1),
            rows["session_high"],
            rows.to_numpy(),
        ],
        *[
            rows.set_axis(
                pd.MultiIndex.from_tuples([("a", "athlete_id"), ("b", "session_high")]), axis=1
            ),
            [rows],
        ],
        *[rows.assign(session_high=rows["session_high"].map(make)) for make in makes],
    ]
    return st.one_of(
        spoilt(["athlete_id", "session_high"], st.sampled_from(MISSING), "missing"),
        spoilt(["session_high"], st.sampled_from([np.inf, -np.inf]), "infinite"),
        spoilt(["session_high"], st.text(max_size=4), "session_high"),
        spoilt(["athlete_id"], stranger, "athlete_id"),
        st.sampled_from(shapes).map(speaking_of("data")),
        other_than(is_none, lambda value: isinstance(value, pd.DataFrame)),
    )


def explained(name: str, bad: Mapping[str, Strategy], unfinished_is_told: bool) -> Strategy:
    """Of explain and report; a fit that did not converge is explained as such."""
    wrong = no_results()
    if unfinished_is_told:
        wrong = wrong.filter(lambda value: getattr(value, "fault", "") != UNFINISHED)
    return of_result(
        name,
        {"result": wrong, "unit": other_than(is_none, is_text), "names": vocabularies(), **bad},
    )


def vocabularies() -> Strategy:
    def both(value: Any) -> bool:
        return is_text(value) or (
            isinstance(value, tuple | list) and len(value) == 2 and all(map(is_text, value))
        )

    no_word = no_text() | st.sampled_from(["", " "])
    keys = NAME.map("zz{}".format) | st.sampled_from([1, None, 2.5, ("a",), b"a"])
    no_levels = [
        *[
            "x",
            3,
            None,
            [1, 2],
            {2: "x"},
            {0: ""},
            {0: None},
            {"0": 1},
            {None: "x"},
            {0: ["a"]},
            {(): "a"},
        ],
        {np.nan: "x"},
    ]
    no_both = other_than(both) | st.sampled_from(["", ("a", "")])
    return st.one_of(
        keys.map(lambda key: {key: "x"}),
        st.builds(
            lambda name, word: {name: word}, st.sampled_from(["correctness", "Intercept"]), no_word
        ),
        no_both.map(lambda value: {"athlete_id": value}),
        st.sampled_from(no_levels).map(lambda levels: {"session_high": levels}),
        other_than(is_none, is_mapping),
    )
