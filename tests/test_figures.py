"""Figures: what is stored with them, and that a changed figure is a changed text."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fewgroups import Design, Truth, simulate
from helpers import figures, show
from helpers.figures.display import bundle, digest

ALT = "Dot plot of forty points rising from the lower left to the upper right."


def example(**changes: Any) -> Figure:
    how: dict[str, Any] = {
        "xlabel": "x (cm)",
        "ylabel": "y (kg)",
        "colour": figures.BLUE,
        "shift": 0.0,
        "top": 50.0,
        "label": "points",
        "marker": "o",
        "linestyle": "-",
        "note": "here",
        "bars": 3,
        "tick": "b",
        "key": "line",
        "pixels": 0.0,
    } | changes
    figure, (ax, side) = figures.canvas(how["xlabel"], how["ylabel"], columns=2)
    x = np.arange(40.0)
    ax.plot(x, x + how["shift"], how["linestyle"], label=how["key"])
    ax.plot(x, 2 * x, how["marker"], color=how["colour"], label=how["label"])
    ax.set_ylim(0, how["top"])
    ax.annotate(how["note"], (3, 3))
    ax.legend()
    side.bar(["a", how["tick"], "c"], [1, 2, how["bars"]])
    side.set_xticks([0, 1, 2], ["a", how["tick"], "c"])
    side.imshow([[0.0, 1.0], [0.5, how["pixels"]]], extent=(0, 1, 0, 1), aspect="auto")
    return figure


def test_the_same_figure_has_the_same_digest() -> None:
    assert digest(example()) == digest(example())


@pytest.mark.parametrize(
    "change",
    [
        {"xlabel": "x (m)"},
        {"ylabel": "y (g)"},
        {"colour": figures.ORANGE},
        {"shift": 0.1},
        {"top": 51.0},
        {"label": "dots"},
        {"marker": "s"},
        {"linestyle": "--"},
        {"note": "there"},
        {"bars": 3.1},
        {"tick": "d"},
        {"key": "curve"},
        {"pixels": 0.1},
    ],
)
def test_any_visible_change_changes_the_digest(change: dict) -> None:
    assert digest(example(**change)) != digest(example())


def test_the_last_digits_in_which_processors_differ_do_not_change_the_digest() -> None:
    assert digest(example(shift=1e-12)) == digest(example())


def test_values_that_sit_between_two_steps_of_the_digest_fall_one_way() -> None:
    figures_of_ties = []
    for wobble in (-1e-13, 0, 1e-13):
        figure, ax = figures.canvas()
        ax.plot([0.00025, 0.00075, 0.5], [0.00025 + wobble, 0.25 + wobble, 0.75 - wobble])
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        figures_of_ties.append(digest(figure))
    assert len(set(figures_of_ties)) == 1


def test_a_figure_is_stored_at_twice_its_size_with_its_alt_text_and_small() -> None:
    data, metadata = bundle(example(), ALT)
    raw = base64.b64decode(data["image/png"])
    picture = Image.open(io.BytesIO(raw))
    assert metadata["image/png"]["alt"] == ALT
    assert picture.size == (2 * metadata["image/png"]["width"], 2 * metadata["image/png"]["height"])
    assert len(raw) < 100_000
    assert data["text/plain"].startswith(ALT + "\ndrawn: ")


def test_show_displays_one_picture_under_its_title_with_its_alt_text(
    monkeypatch: pytest.MonkeyPatch, captions: Path
) -> None:
    shown = []
    monkeypatch.setattr(
        "helpers.figures.display.display", lambda *args, **kwargs: shown.append((args, kwargs))
    )
    show(example(), "01.dots", n=40)
    (((data,), options),) = shown
    assert options["raw"] and options["metadata"]["image/png"]["alt"] == "A plot of 40 dots."
    assert set(data) == {"image/png", "text/plain"}
    assert "figure “40 dots”" in data["text/plain"] and "axes “right”" in data["text/plain"]
    assert digest(example()) not in data["text/plain"]  # a title is part of what is compared


@pytest.fixture
def captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = "[dots]\ntitle = '{n} dots'\nalt = 'A plot of {n} dots.'\ntitles = ['left', 'right']"
    (tmp_path / "01.toml").write_text(text)
    monkeypatch.setattr("helpers.figures.captions.FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("figure", "error", "words"),
    [
        ("figure", TypeError, "figure must be a matplotlib Figure; given str"),
        (Figure(), ValueError, "figure has no axes"),
        (figures.canvas()[0], ValueError, "titles for 2 panels; the figure has 1"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(
    figure: Any, error: type[Exception], words: str, captions: Path
) -> None:
    with pytest.raises(error, match=words):
        show(figure, "01.dots", n=1)


def test_the_lessons_drawings_draw_what_they_are_given() -> None:
    table = simulate(Design(), Truth(), 42)
    ax = figures.scores(table).axes[0]
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None") == len(
        table
    )
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(Design().names)
    heights = sorted(line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "-")
    np.testing.assert_allclose(
        heights, sorted(table.groupby(["athlete_id", "session_label"])["correctness"].mean())
    )

    bars = figures.histograms({"a": np.arange(10.0)}, {"a": 4.0}, bins=5).axes[0]
    assert [patch.get_height() for patch in bars.patches] == [2] * 5
    assert bars.lines[0].get_xdata()[0] == 4.0 and bars.lines[1].get_xdata()[0] == 4.5

    point = figures.curve([0, 1], [2, 3], "x", "y", {"top": (1, 3)}).axes[0]
    assert point.lines[1].get_xydata().tolist() == [[1, 3]]

    table = pd.DataFrame(
        {"estimate": [1.0, 2], "low": [0.5, 1], "high": [1.5, 4]}, index=["first", "second"]
    )
    rows = figures.intervals(table, "x").axes[0]
    assert [tick.get_text() for tick in rows.get_yticklabels()] == ["first", "second"]
    assert rows.get_yticks().tolist() == [1, 0]
    assert rows.collections[0].get_segments()[1].tolist() == [[1, 0], [4, 0]]


def test_tails_are_the_shares_of_larger_ratios_and_of_the_mixtures() -> None:
    values = np.r_[np.zeros(60), np.arange(1.0, 41) / 10]  # 40 of 100 above zero, the largest 4.0
    ax = figures.tails({"one": values}, {"one": {"half": [(0.5, 0), (0.5, 1)]}}).axes[0]
    curve, simulated, level = ax.lines
    x, y = simulated.get_data()
    for at in (0.05, 2.05, 3.95, 5):
        assert y[np.argmin(abs(x - at))] == pytest.approx(
            (values > x[np.argmin(abs(x - at))]).mean()
        )
    x, y = curve.get_data()
    assert np.interp(2.706, x, y) == pytest.approx(0.05, abs=2e-4)  # the 90 % point of χ²₁
    assert set(level.get_ydata()) == {0.05}


def test_sizes_draw_each_rule_and_keep_labels_apart() -> None:
    table = pd.DataFrame(
        {"bold": [0.05, 0.5], "close": [0.05, 0.061], "closer": [0.05, 0.06]}, index=[0.0, 0.1]
    )
    ax = figures.sizes(table, "SD", top=0.3).axes[0]
    for line, name in zip(ax.lines, table, strict=False):
        assert line.get_ydata().tolist() == table[name].tolist()
    places = {text.get_text(): text.xy for text in ax.texts}
    assert places["bold"] == pytest.approx(
        (np.interp(0.3, [0.05, 0.5], [0, 0.1]), 0.279)
    )  # where it leaves
    assert places["close"][1] - places["closer"][1] == pytest.approx(0.065 * 0.3)
    assert places["close"][1] + places["closer"][1] == pytest.approx(0.121)
