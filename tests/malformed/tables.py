"""Tables, formulas, groups and arrays that no model can be fitted to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from helpers import Design, simulate

from .anything import (
    NAME,
    Bad,
    Call,
    Draw,
    Strategy,
    calls,
    is_listed,
    is_mapping,
    is_none,
    is_text,
    no_flag,
    no_text,
    other_than,
    speaking_of,
    things,
)
from .worlds import DESIGN, TRUTH

FORMULA = "correctness ~ session_high"
TABLE = simulate(DESIGN, TRUTH, 1)
TABLE["weight"] = np.tile(np.linspace(-1, 1, 11), 4)
TABLE["older"] = np.repeat([0.0, 0.0, 1.0, 1.0], 11)
COLUMNS = ("athlete_id", "session_high", "correctness")
MISSING = [None, float("nan"), pd.NA, pd.NaT]
ROWS = st.lists(st.integers(0, len(TABLE) - 1), min_size=1, max_size=9, unique=True)
ENDLESS = st.sampled_from([np.inf, -np.inf])

# A formula a line; each is for TABLE, grouped by athlete_id.
FORMULAS = """

~
correctness
correctness ~
~ session_high
correctness ~ 0
correctness ~ 5
correctness ~ session_high -
correctness ~ -session_high +
correctness ~ session_high:
correctness ~ (session_high
correctness ~ session_high)
correctness ~ I(session_high
correctness ~ ~ session_high
correctness ~ session_high ~ 1
correctness session_high
correctness ~ session high
correctness = session_high
correctness ~ session_high; 1
correctness ~ session_high if
correctness ~ session_high % 2 %
correctness ~ {session_high}
correctness ~ lambda
correctness ~ "
correctness ~ 'text'
correctness ~ 1 / 0
correctness ~ I(1 / 0)
correctness ~ I('a')
correctness ~ I(None)
correctness ~ len()
correctness ~ np.log(
correctness ~ np.log(session_high)
correctness ~ np.array([1, 2])
correctness ~ np.zeros(len(session_high))
correctness ~ I(session_high)(2)
correctness ~ I(session_label) * I(session_high)
correctness ~ bs(session_high)
correctness ~ center(athlete_id)
correctness ~ C(session_high, Nothing)
correctness ~ session_label.nothing
correctness ~ session_high[99]
correctness ~ session_high ** -1
correctness ~ session_high ** 0.5
correctness ~ session_high ** weight
correctness ~ session_high + I(session_high)
correctness ~ session_label * session_high
correctness ~ C(athlete_id)
correctness ~ athlete_id
correctness ~ correctness
athlete_id ~ session_high
correctness + session_high ~ 1
C(correctness) ~ session_high
np.log(correctness - 99) ~ session_high
2 ~ session_high
"""[1:-1].split("\n")  # fmt: skip
RANDOM = """
0
~ 0
~
~ older
~ (1
1 +
~ 1 | athlete_id
~ 1/0
~ correctness ~ 1
correctness ~ 1
~ C(athlete_id)
~ foo(weight)
~ np.log(session_high)
~ np.log(session_high - 1)
~ session_high + I(session_high)
~ session_label + session_high
~ repeat_id * weight * session_high * older
""".split("\n")[1:-1]
COMPONENTS = """

0
~
1/0
0 + (
foo(weight)
C(repeat_id) ~ 1
0 + C(nothing)
0 + np.log(session_high)
0 + C(athlete_id):C(session_label):C(repeat_id)
"""[1:-1].split("\n")  # fmt: skip
UNREADABLE = ("no value", "infinite", "column", "columns")


def fitted() -> Strategy:
    """Of fit."""
    good = {"formula": FORMULA, "data": TABLE, "groups": "athlete_id"}
    spoilt = {
        "formula": formulas() | no_text(),
        "data": damaged_tables(),
        "groups": groupings(),
        "re_formula": random_formulas() | other_than(is_none, is_text),
        "vc_formula": components(),
        "reml": no_flag(),
    }
    # One spoilt argument at a time: two may be wrong in the same way, and then speak of it as one.
    return st.one_of([calls("fit", good, {name: values}) for name, values in spoilt.items()])


def formulas() -> Strategy:
    unknown = NAME.map("zz{}".format)
    foreign = unknown.map(lambda name: Bad(f"{FORMULA} + {name}", (name,)))
    outcome = unknown.map(lambda name: Bad(f"{name} ~ session_high", (name,)))
    broken = st.sampled_from(FORMULAS).map(
        speaking_of("formula", "outcome", "fixed effect", *UNREADABLE)
    )
    return broken | foreign | outcome


def random_formulas() -> Strategy:
    unknown = NAME.map("zz{}".format).map(lambda name: Bad(f"~ {name}", (name,)))
    return unknown | st.sampled_from(RANDOM).map(
        speaking_of("re_formula", "random effect", *UNREADABLE)
    )


def components() -> Strategy:
    def of_text(value: Any) -> bool:
        return is_mapping(value) and len(value) > 0 and all(map(is_text, [*value, *value.values()]))

    broken = (
        st.sampled_from(COMPONENTS)
        .map(lambda line: {"part": line})
        .map(speaking_of("part", *UNREADABLE))
    )
    return broken | other_than(is_none, of_text)


def groupings() -> Strategy:
    n, labels = len(TABLE), TABLE["athlete_id"].to_numpy()

    def fitting(value: Any) -> bool:
        return is_text(value) or (is_listed(value) and len(value) == n)

    chosen = [
        *[
            labels[:-1],
            np.column_stack([labels, labels]),
            [["a"]] * n,
            [("a", 1)] * n,
            [[1], [2]] * (n // 2),
        ],
        *[
            pd.Series(labels, index=range(1, n + 1)),
            TABLE["athlete_id"].sort_values(ascending=False),
        ],
        *[
            ["a"] * n,
            np.arange(n),
            TABLE["correctness"].to_numpy(),
            "correctness",
            np.full(n, np.nan),
        ],
        *[[1] + ["a"] * (n - 1), [{}] * n, [object() for _ in range(n)]],
        "session_label",  # the fixed effects tell these groups apart
    ]
    unknown = st.text(max_size=6).filter(lambda name: name not in TABLE)
    gaps = st.builds(
        lambda rows, gap: [gap if row in rows else label for row, label in enumerate(labels)],
        ROWS, st.sampled_from(MISSING),
    )  # fmt: skip
    wrong = st.one_of(unknown, gaps, st.sampled_from(chosen), other_than(fitting))
    return wrong.map(speaking_of("groups", "missing values", "fixed effects"))


def with_cells(column: str, rows: list[int], value: Any) -> pd.DataFrame:
    """TABLE with `value` in some rows of a column, in whatever type pandas finds for it."""
    cells = [
        value if row in rows else cell for row, cell in enumerate(TABLE[column].astype(object))
    ]
    return TABLE.assign(
        **{column: pd.Series(cells, index=TABLE.index, dtype=object).infer_objects()}
    )


FAULTS = """dropped missing infinite twice empty constant exact text kind collinear huge few labels mixed objects
one-group row-groups no-table wide""".split()


def damaged_tables() -> Strategy:
    return st.sampled_from(FAULTS).flatmap(
        lambda fault: damaged(fault).map(lambda bad: replace(bad, fault=fault))
    )


@st.composite
def damaged(draw: Draw, fault: str) -> Bad:
    """TABLE with one fault, and what must be said of it."""
    column, rows = draw(st.sampled_from(COLUMNS)), draw(ROWS)
    number, score = draw(st.sampled_from(COLUMNS[1:])), TABLE["correctness"]
    if fault == "dropped":
        return Bad(TABLE.drop(columns=column), (column,))
    if fault == "missing":
        return Bad(
            with_cells(column, rows, draw(st.sampled_from(MISSING))), ("missing", "no value")
        )
    if fault == "infinite":
        return Bad(with_cells(number, rows, draw(ENDLESS)), ("infinite",))
    if fault == "twice":
        return Bad(pd.concat([TABLE, TABLE[[column]]], axis=1), (column,))
    if fault == "empty":
        return Bad(
            TABLE.iloc[:0][draw(st.lists(st.sampled_from(list(TABLE)), unique=True))], ("data",)
        )
    if fault == "constant":
        return Bad(TABLE.assign(correctness=draw(st.floats(-1e6, 1e6))), ("outcome",))
    if fault == "exact":
        change = draw(st.floats(-9, 9))
        return Bad(TABLE.assign(correctness=0.5 + change * TABLE["session_high"]), ("outcome",))
    if fault == "text":
        return Bad(TABLE.assign(correctness=score.map(str)), ("outcome",))
    if fault == "kind":
        day = pd.Timestamp("2024-01-01") + pd.to_timedelta(score, "s")
        kinds = [score > 0.8, score.astype("category"), score * 1j, day, day - day[0]]
        makes = [Decimal, lambda x: [x], lambda x: {x: 1}, lambda x: b"a", lambda x: object()]
        return Bad(
            TABLE.assign(correctness=draw(st.sampled_from([*kinds, *map(score.map, makes)]))),
            ("correctness",),
        )
    if fault == "collinear":
        return Bad(TABLE.assign(session_high=draw(st.integers(-99, 99))), ("session_high",))
    if fault == "huge":
        return Bad(
            TABLE.assign(correctness=score * draw(st.sampled_from([1e155, 1e200, 1e300]))),
            ("outcome",),
        )
    if fault == "few":
        return Bad(TABLE.drop_duplicates("athlete_id"), ("groups",))
    if fault == "labels":
        return Bad(with_cells("athlete_id", rows, draw(st.integers())), ("groups",))
    if fault == "mixed":
        return Bad(
            with_cells(number, rows, draw(st.sampled_from(["", "x", "0.5", "n/a"]))),
            (number, "outcome"),
        )
    if fault == "objects":
        make = draw(
            st.sampled_from(
                [lambda x: [x], lambda x: {x}, lambda x: Decimal(int(x)), lambda x: complex(x, 1)]
            )
        )
        return Bad(TABLE.assign(session_high=TABLE["session_high"].map(make)), ("session_high",))
    if fault == "one-group":
        return Bad(TABLE.assign(athlete_id=draw(NAME)), ("groups",))
    if fault == "row-groups":
        return Bad(TABLE.assign(athlete_id=range(len(TABLE))), ("groups",))
    if fault == "no-table":
        return Bad(draw(other_than(lambda value: isinstance(value, pd.DataFrame))), ("data",))
    turned = [TABLE.T, TABLE.T.reset_index(), TABLE.set_axis(range(TABLE.shape[1]), axis=1)]
    return Bad(draw(st.sampled_from(turned)), ("column", "columns"))


def batches() -> Strategy:
    """Of fit_many, which takes arrays or a design."""
    X = np.column_stack([np.ones(len(TABLE)), TABLE["session_high"]])
    labels, y = TABLE["athlete_id"].to_numpy(), np.stack([TABLE["correctness"]] * 2)
    n = len(TABLE)
    wrong_y = [
        *[
            y[:, :-1],
            y[:0],
            np.zeros((0, n)),
            y[None],
            y.T,
            [[1, 2], [3]],
            y[0, :3],
            y[0, 0],
            pd.DataFrame(y).T,
        ],
        *[
            y.astype(str),
            y.astype(object),
            y * 1j,
            y > 0,
            y * 1e200,
            np.ma.masked_array(y, y > 0.8),
        ],
    ]
    wrong_X = [
        *[
            X[:, 0],
            X[:0],
            X[:, :0],
            X[None],
            X.astype(str),
            X.astype(object),
            X * 1j,
            [[1, 2], [3]],
            TABLE,
        ],
        *[
            np.ma.masked_array(X, X > 0),
            np.zeros_like(X),
            np.eye(n),
            np.column_stack([X, X[:, 1] * 2]),
        ],
        np.column_stack([np.eye(4)[pd.factorize(labels)[0]], X[:, 1]]),  # tells all athletes apart
    ]
    wrong_groups = [
        *[
            labels[:-1],
            np.column_stack([labels] * 2),
            [["a"]] * n,
            [{}] * n,
            [[1], [2]] * (n // 2),
            "athlete_id",
            None,
        ],
        *[["a"] * n, range(n), [None] * n, np.full(n, np.nan), [""] * n],
    ]
    at = st.tuples(st.integers(0, 1), st.integers(0, n - 1))
    endless = st.sampled_from([np.nan, np.inf, -np.inf])
    gap = st.sampled_from([*MISSING, "", " "])
    gaps = st.builds(
        lambda rows, gap: [gap if k in rows else x for k, x in enumerate(labels)], ROWS, gap
    )

    def changed(array: Any, place: tuple[int, int], value: float) -> Any:
        made = array.copy()
        made[place] = value
        return made

    y_bad = st.sampled_from(wrong_y) | st.builds(changed, st.just(y), at, endless) | things()
    X_bad = st.sampled_from(wrong_X) | st.builds(
        changed, st.just(X), at.map(lambda p: p[::-1]), endless
    )
    X_bad |= other_than(lambda value: isinstance(value, Design))
    of_arrays = {
        "y": y_bad,
        "design_or_X": X_bad.map(speaking_of("X", "columns")),
        "groups": (st.sampled_from(wrong_groups) | things() | gaps).map(
            speaking_of("groups", "athletes")
        ),
        "slopes": no_flag(),
        "reml": no_flag(),
    }
    of_design = {"y": y_bad, "groups": other_than(is_none), "slopes": no_flag(), "reml": no_flag()}
    sessions = st.integers(3, 6).map(lambda k: Design(4, {f"s{j}": 1 for j in range(k)}))
    return st.one_of(
        calls("fit_many", {"y": y, "design_or_X": X, "groups": labels}, of_arrays),
        calls("fit_many", {"y": y, "design_or_X": DESIGN}, of_design),
        sessions.map(lambda k: {"y": np.arange(k.rows), "design_or_X": k, "slopes": True}).map(
            lambda arguments: Call("fit_many", arguments, ("slopes", "X"))
        ),
    )
