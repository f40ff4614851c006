"""session_predictors: dose, day and order are right, what is unclear is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import read_scores, session_predictors

DATES = ["2026-03-09", "2026-03-02", "2026-03-05", "2026-03-04", "2026-03-04", "2026-03-20"]
SLASHES = ["03/04/2026", "05/04/2026", "07/04/2026"] * 2


def table(**columns: list[object]) -> pd.DataFrame:
    """Two athletes, three sessions each, two scores a session, and further columns, one value a session."""
    who, when = np.repeat(["Ann", "Bo"], 6), np.tile(np.repeat(["a", "b", "c"], 2), 2)
    base = pd.DataFrame({"athlete_id": who, "session_label": when, "correctness": 0.5})
    twice = {name: pd.Series(values).repeat(2).array for name, values in columns.items()}
    return base.assign(**twice)


def test_dose_is_counted_from_the_median_session(capsys: pytest.CaptureFixture[str]) -> None:
    loads = table(load=[10, 20, 30, 10, 20, 60])
    longer = pd.concat([loads, *[loads[loads["session_label"] == "c"]] * 9], ignore_index=True)
    found = session_predictors(longer, dose="load", step=10)
    assert found["dose"].tolist() == ((longer["load"] - 20) / 10).tolist()
    assert capsys.readouterr().out == "- dose is (load − 20) / 10\n"
    assert "dose" not in longer  # the table handed in stays as it was


def test_day_counts_from_the_first_date_and_order_the_athletes_earlier_sessions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = session_predictors(table(date=DATES), date="date")
    assert found["day"].tolist() == np.repeat([7, 0, 3, 2, 2, 18], 2).tolist()
    assert found["order"].tolist() == np.repeat([2, 0, 1, 0, 0, 2], 2).tolist()
    assert capsys.readouterr().out.splitlines() == [
        "- day counts from the first date, to 18",
        "- order counts an athlete's sessions on earlier days, so that the first is 0",
    ]


@pytest.mark.parametrize(
    "way", ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %B %Y", "%Y-%m-%d %H:%M", None]
)
def test_dates_in_the_usual_ways_and_day_numbers_give_the_same_days(way: str | None) -> None:
    when = [pd.Timestamp(date) for date in DATES]
    written = [f"{date:{way}}" if way else date.day_of_year for date in when]
    found = session_predictors(table(date=written), date="date")
    assert found["day"].tolist() == np.repeat([7, 0, 3, 2, 2, 18], 2).tolist()


@pytest.mark.parametrize(("way", "last"), [("%d/%m/%Y", 4), ("%m/%d/%Y", 122)])
def test_dates_that_can_be_read_in_two_ways_are_read_as_asked(way: str, last: int) -> None:
    found = session_predictors(table(date=SLASHES), date="date", date_format=way)
    assert found["day"].max() == last


@pytest.mark.parametrize(
    ("columns", "arguments", "words"),
    [
        ({}, {"table": pd.DataFrame({"x": [1]})}, "table must .* read_scores"),
        ({"load": ["10 kg"] * 6}, {"dose": "load"}, 'is text .*"10 kg".*write numbers only'),
        ({"load": [5] * 6}, {"dose": "load"}, "the same in all rows"),
        ({"load": [5, np.inf] * 3}, {"dose": "load"}, "or infinite"),
        ({"load": [5, 6] * 3}, {"dose": "lode"}, "no column 'lode'.*perhaps \"load\""),
        ({"load": [5, 6] * 3}, {"dose": "load", "step": 0}, "step must be a positive"),
        ({"date": ["Monday", *DATES[1:]]}, {"date": "date"}, '"Monday".*like %Y-%m-%d'),
        ({"date": [None, *DATES[1:]]}, {"date": "date"}, "blank in 2 rows"),
        ({"date": [1.5] * 6}, {"date": "date"}, "no whole days"),
        ({"date": SLASHES}, {"date": "date"}, "as %d/%m/%Y and as %m/%d/%Y.*date_format"),
        ({"date": DATES}, {"date": "date", "date_format": 3}, "date_format must be a text"),
        ({"date": DATES, "order": [1] * 6}, {"date": "date"}, "'order' of its own: rename"),
    ],
)
def test_what_is_unclear_is_refused_with_what_would_do(
    columns: dict[str, list[object]], arguments: dict[str, object], words: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        session_predictors(**{"table": table(**columns), **arguments})


def test_a_session_on_several_days_is_refused_by_name() -> None:
    days = table().assign(date=["2026-03-01", "2026-03-02"] + ["2026-03-05"] * 10)
    with pytest.raises(ValueError, match='"Ann, session a".*its own label'):
        session_predictors(days, date="date")


def test_notes_follow_those_of_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    file.write_text("who;s;kg;score\nA;1;5;0,5\nA;2;7;0,6\nB;1;5;0,7\nB;2;;0,8\n")
    read = read_scores(file, "score", "who", "s")
    added = session_predictors(read, dose="kg").attrs["notes"]
    assert added[: len(read.attrs["notes"])] == read.attrs["notes"]
    assert added[-2:] == ["dose is kg − 5", "kg is missing in 1 row, and so is dose"]
