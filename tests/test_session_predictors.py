"""session_predictors: dose, day and order are right, what is unclear is refused in a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import read_scores, session_predictors


def table(**columns: list[object]) -> pd.DataFrame:
    """Two athletes, three sessions each, two scores a session, and further columns, one value a session."""
    base = pd.DataFrame(
        {
            "athlete_id": np.repeat(["Ann", "Bo"], 6),
            "session_label": np.tile(np.repeat(["a", "b", "c"], 2), 2),
            "correctness": np.linspace(0.5, 0.9, 12),
        }
    )
    return base.assign(
        **{name: np.repeat(np.array(values, dtype=object), 2) for name, values in columns.items()}
    )


DATES = ["2026-03-09", "2026-03-02", "2026-03-05", "2026-03-04", "2026-03-04", "2026-03-20"]


def test_dose_is_counted_in_steps_from_the_median_session(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loads = table(load=[10, 20, 30, 10, 20, 60]).astype({"load": float})
    found = session_predictors(loads, dose="load", step=10)
    assert found["dose"].tolist() == pytest.approx(((loads["load"] - 20) / 10).tolist())
    assert capsys.readouterr().out == "- dose is (load − 20) / 10\n"
    with pytest.raises(ValueError, match="dose: 'load' holds an infinite value"):
        session_predictors(
            table(load=[10, 20, np.inf, 10, 20, 60]).astype({"load": float}), dose="load"
        )
    assert "dose" not in loads  # the table handed in stays as it was


def test_median_is_that_of_sessions_not_of_scores() -> None:
    long = pd.concat([table(load=[10, 20, 30, 10, 20, 30]).astype({"load": float})] * 1)
    long = pd.concat([long, *[long[long["session_label"] == "c"]] * 9], ignore_index=True)
    assert session_predictors(long, dose="load")["dose"].min() == -10


def test_day_counts_from_the_first_date_and_order_the_athletes_earlier_sessions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = session_predictors(table(date=DATES), date="date")
    assert found["day"].tolist() == np.repeat([7, 0, 3, 2, 2, 18], 2).tolist()
    assert found["order"].tolist() == np.repeat([2, 0, 1, 0, 0, 2], 2).tolist()
    assert capsys.readouterr().out.splitlines() == [
        "- day counts from the first date, to 18",
        "- order counts an athlete's sessions on earlier days, so that the first is 0",
        '- two sessions on one day get the same order: "Bo"',
    ]


@pytest.mark.parametrize(
    "way", ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %B %Y", "%Y-%m-%d %H:%M"]
)
def test_the_usual_ways_of_writing_dates_give_the_same_days(way: str) -> None:
    written = [f"{pd.Timestamp(day):{way}}" for day in DATES]
    expected = session_predictors(table(date=DATES), date="date")["day"]
    assert session_predictors(table(date=written), date="date")["day"].tolist() == expected.tolist()


def test_day_numbers_are_taken_as_they_are() -> None:
    found = session_predictors(
        table(day_of_study=[3, 1, 2, 1, 5, 9]).astype({"day_of_study": int}), date="day_of_study"
    )
    assert found["day"].tolist() == np.repeat([2, 0, 1, 0, 4, 8], 2).tolist()


def test_dates_that_may_be_read_in_two_ways_are_refused_until_told() -> None:
    ambiguous = table(date=["03/04/2026", "05/04/2026", "07/04/2026"] * 2)
    with pytest.raises(ValueError, match=r"can be read as %d/%m/%Y and as %m/%d/%Y.*date_format"):
        session_predictors(ambiguous, date="date")
    assert session_predictors(ambiguous, date="date", date_format="%d/%m/%Y")["day"].max() == 4
    assert session_predictors(ambiguous, date="date", date_format="%m/%d/%Y")["day"].max() == 122


@pytest.mark.parametrize(
    ("columns", "arguments", "says"),
    [
        ({"load": ["10 kg"] * 6}, {"dose": "load"}, r'"10 kg".*write numbers only'),
        ({"load": [5] * 6}, {"dose": "load"}, "the same in all rows"),
        ({"load": [5, 6] * 3}, {"dose": "lode"}, r'no column \'lode\' \(perhaps "load"\)'),
        ({"load": [5, 6] * 3}, {"dose": "load", "step": 0}, "step must be a positive number"),
        (
            {"date": ["Monday", *DATES[1:]]},
            {"date": "date"},
            r'"Monday".*no date that is written like %Y-%m-%d',
        ),
        ({"date": [None, *DATES[1:]]}, {"date": "date"}, "blank in 2 rows"),
        (
            {"date": DATES, "order": [1] * 6},
            {"date": "date"},
            "has a column 'order' of its own: rename it",
        ),
    ],
)
def test_refusals_are_sentences_that_say_what_would_do(
    columns: dict[str, list[object]], arguments: dict[str, object], says: str
) -> None:
    given = table(**columns)
    if "load" in given and given["load"].map(type).eq(int).all():
        given["load"] = given["load"].astype(float)
    with pytest.raises(ValueError, match=says):
        session_predictors(given, **arguments)


def test_a_session_on_several_days_is_refused_by_name() -> None:
    days = table()
    days["date"] = ["2026-03-01", "2026-03-02"] + ["2026-03-05"] * 10
    with pytest.raises(ValueError, match='"Ann, session a".*its own label'):
        session_predictors(days, date="date")


def test_only_a_table_of_scores_is_taken() -> None:
    with pytest.raises(TypeError, match="as read_scores gives it"):
        session_predictors(pd.DataFrame({"x": [1]}), dose="x")


def test_notes_follow_those_of_the_reader(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "scores.csv"
    file.write_text("who;s;kg;score\nA;1;5;0,5\nA;2;7;0,6\nB;1;5;0,7\nB;2;7;0,8\n")
    read = read_scores(file, "score", "who", "s")
    added = session_predictors(read, dose="kg")
    assert added.attrs["notes"][: len(read.attrs["notes"])] == read.attrs["notes"]
    assert added.attrs["notes"][-1] == "dose is kg − 6"
    capsys.readouterr()
