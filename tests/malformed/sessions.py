"""Tables of scores whose sessions say nothing that a model could use, and forms that there are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from .anything import (
    LONG,
    NAME,
    Bad,
    Draw,
    Strategy,
    calls,
    is_none,
    is_number,
    is_text,
    no_choice,
    other_than,
    speaking_of,
)

TABLE = pd.DataFrame({
    "athlete_id": np.repeat(["ana", "ben"], 6),
    "session_label": np.tile(np.repeat(["1", "2", "3"], 2), 2),
    "correctness": np.linspace(0.5, 0.9, 12),
    "planned": np.tile(np.repeat([20, 30, 25], 2), 2),
    "when": np.tile(np.repeat(["2024-03-01", "2024-03-15", "2024-03-29"], 2), 2),
})  # fmt: skip
QUESTIONS = 10


def predictors() -> Strategy:
    """Of session_predictors."""
    unknown = NAME.filter(lambda name: name not in TABLE).map(lambda name: Bad(name, (name,)))
    no_column = unknown | other_than(is_none, is_text)
    formats = other_than(is_none, is_text) | st.sampled_from(
        ["", "%", "%Q", "%d.%m.%Y", "when", "%Y"]
    )
    spoilt = {
        "table": tables(),
        "dose": no_column | st.sampled_from(["when", "athlete_id"]).map(speaking_of("dose")),
        "date": no_column | st.sampled_from(["athlete_id", "correctness"]).map(speaking_of("date")),
        "step": other_than(is_number)
        | st.floats(max_value=0)
        | st.sampled_from([np.nan, np.inf, 0, LONG, -LONG]),
        "date_format": formats.map(speaking_of("date_format", "date")),
    }
    return calls("session_predictors", {"table": TABLE, "dose": "planned", "date": "when"}, spoilt)


@st.composite
def tables(draw: Draw) -> Bad:
    fault = draw(
        st.sampled_from(
            "table column twice gap dates formats sessions words same endless own".split()
        )
    )
    rows = draw(st.lists(st.integers(0, 11), min_size=1, max_size=4, unique=True))

    def with_cells(column: str, value: Any) -> pd.DataFrame:
        cells = [
            value if row in rows else cell for row, cell in enumerate(TABLE[column].astype(object))
        ]
        return TABLE.assign(**{column: pd.Series(cells, dtype=object).infer_objects()})

    if fault == "table":
        return Bad(
            draw(other_than(lambda value: isinstance(value, pd.DataFrame))), ("table",), fault
        )
    if fault == "column":
        column = draw(st.sampled_from(["athlete_id", "session_label", "planned", "when"]))
        return Bad(TABLE.drop(columns=column), (column, "table"), fault)
    if fault == "twice":
        column = draw(st.sampled_from(["athlete_id", "session_label", "planned", "when"]))
        return Bad(pd.concat([TABLE, TABLE[[column]]], axis=1), (column,), fault)
    if fault == "gap":
        column = draw(st.sampled_from(["athlete_id", "session_label", "when"]))
        return Bad(
            with_cells(column, draw(st.sampled_from([None, np.nan, pd.NA]))), (column,), fault
        )
    if fault == "dates":
        wrong = [
            "",
            "x",
            "2024-13-01",
            "2024-02-30",
            "yesterday",
            "1.3.",
            "2024-03",
            "20240301x",
            "\0",
        ]
        return Bad(with_cells("when", draw(st.sampled_from(wrong))), ("date",), fault)
    if fault == "formats":
        return Bad(
            TABLE.assign(when=TABLE["when"].str.replace("2024-03-", "03/0").str[:5] + "/2024"),
            ("date",),
            fault,
        )
    if fault == "sessions":
        return Bad(TABLE.assign(session_label="1"), ("date",), fault)
    if fault == "words":
        word = draw(st.sampled_from(["", "x", "twenty", "20 repeats", "20"]))
        return Bad(with_cells("planned", word), ("dose",), fault)
    if fault == "same":
        return Bad(TABLE.assign(planned=draw(st.integers(-99, 99))), ("dose",), fault)
    if fault == "endless":
        return Bad(
            with_cells("planned", draw(st.sampled_from([np.inf, -np.inf]))), ("dose",), fault
        )
    name = draw(st.sampled_from(["dose", "day", "order"]))
    return Bad(TABLE.assign(**{name: 1}), (name,), fault)


def no_answers() -> Strategy:
    """No list of ten; what stands in the list may be anything, and is told to be no letter."""

    def ten(value: Any) -> bool:
        return (
            hasattr(value, "__len__") and getattr(value, "ndim", 1) == 1 and len(value) == QUESTIONS
        )

    lengths = st.integers(0, 14).filter(lambda n: n != QUESTIONS)
    return lengths.map(lambda n: ["a"] * n) | st.just("abcdabcdab") | other_than(ten)


def forms(name: str) -> Strategy:
    """Of answered and score."""
    spoilt = {"form": no_choice("A", "B"), "answers": no_answers()}
    if name == "score":
        spoilt["before"] = (
            no_answers()
            .filter(lambda value: value is not None)
            .map(speaking_of("answers", "before"))
        )
    return calls(name, {"form": "A", "answers": ["a"] * QUESTIONS}, spoilt)


def folders() -> Strategy:
    """Of earlier_answers."""
    return calls(
        "earlier_answers",
        {},
        {"folder": other_than(is_text, lambda value: isinstance(value, Path))},
    )
