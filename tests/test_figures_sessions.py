"""The drawings of a field record show every session where it was, and what a model says of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.figures import attendance, panels


def record(athletes: int = 3) -> pd.DataFrame:
    """Athletes in three sessions of two scores; the last athlete missed the third."""
    rows = [
        (
            f"athlete {who:02d}",
            f"s{session}",
            session * 4,
            10 * session,
            0.5 + 0.1 * session + 0.02 * repeat,
        )
        for who in range(athletes)
        for session in (1, 2, 3)
        for repeat in (0, 1)
        if not (who == athletes - 1 and session == 3)
    ]
    table = pd.DataFrame(
        rows, columns=["athlete_id", "session_label", "day", "dose", "correctness"]
    )
    return table.assign(session_label=pd.Categorical(table["session_label"]))


def test_attendance_has_a_mark_for_each_session_and_its_number_beside_it() -> None:
    ax = attendance(record(), "day", "day", show="dose").axes[0]
    marks = next(line for line in ax.lines if line.get_marker() == "o")
    assert sorted(marks.get_xdata()) == [4, 4, 4, 8, 8, 8, 12, 12]
    assert sorted(text.get_text() for text in ax.texts) == ["10"] * 3 + ["20"] * 3 + ["30"] * 2
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "athlete 00",
        "athlete 01",
        "athlete 02",
    ]


def test_attendance_counts_scores_where_nothing_is_asked_for() -> None:
    ax = attendance(record()).axes[0]
    assert {text.get_text() for text in ax.texts} == {"2"}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["s1", "s2", "s3"]


def test_panels_draw_scores_session_means_and_lines_of_each_athlete() -> None:
    table = record()
    figure = panels(table, "dose", "dose", "score", {"model": table["correctness"] + 1})
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["athlete 00", "athlete 01", "athlete 02"]
    means, line = shown[0].lines[1], shown[0].lines[2]
    np.testing.assert_allclose(means.get_ydata(), [0.61, 0.71, 0.81])
    np.testing.assert_allclose(line.get_xdata(), [10, 20, 30])
    np.testing.assert_allclose(line.get_ydata(), [1.61, 1.71, 1.81])
    assert len(shown[2].lines[1].get_xdata()) == 2


@pytest.mark.parametrize(("athletes", "drawn"), [(2, 2), (5, 5), (30, 12)])
def test_panels_are_as_many_as_athletes_and_twelve_at_most(athletes: int, drawn: int) -> None:
    figure = panels(record(athletes), "session_label", "session", "score")
    assert sum(ax.get_visible() for ax in figure.axes) == drawn
