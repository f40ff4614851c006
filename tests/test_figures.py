"""Figures: what is stored and said of each, that a changed one is a changed text, that drawings draw what is given."""

import base64
import io
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from PIL import Image
from scipy import stats

from helpers import Design, Truth, explorables, figures, show, simulate
from helpers.figures.display import caption, digest
from tests.contract.grammar import AMERICAN, UNKIND
from tests.notebooks import CAPTIONS, LESSONS, read


def example(**changes: Any) -> Figure:
    """A figure that has one of everything, or all but one thing of it."""
    how: dict[str, Any] = {"xlabel": "x (cm)", "ylabel": "y (kg)", "shift": 0.0, "top": 50}
    how |= {"label": "points", "marker": "o", "linestyle": "-", "note": "here", "tick": "b"}
    how |= {"colour": figures.BLUE, "bars": 3, "key": "line", "pixels": 0.0} | changes
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


OTHER_WORDS = dict.fromkeys(["xlabel", "ylabel", "label", "key", "note", "tick"], "other")
OTHER_LOOKS = {"colour": figures.ORANGE, "marker": "s", "linestyle": "--"}
CHANGES = OTHER_WORDS | OTHER_LOOKS | {"shift": 0.1, "top": 51.0, "bars": 3.1, "pixels": 0.1}


@pytest.mark.parametrize("what", CHANGES)
def test_any_visible_change_changes_the_digest(what: str) -> None:
    assert digest(example()) == digest(example())
    assert digest(example(**{what: CHANGES[what]})) != digest(example())


def test_the_last_digits_in_which_processors_differ_do_not_change_the_digest() -> None:
    assert digest(example(shift=1e-12)) == digest(example())
    ties = []  # values that sit between two steps of the digest fall one way
    for wobble in (-1e-13, 1e-13):
        figure, ax = figures.canvas()
        ax.plot([0.00025, 0.00075, 0.5], [0.00025 + wobble, 0.25 + wobble, 0.75 - wobble])
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ties.append(digest(figure))
    assert ties[0] == ties[1]


@pytest.fixture
def captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[dots]\ntitle = '{n} dots'\nalt = 'A plot of {n} dots.'\ntitles = ['left', 'right']"
    (tmp_path / "01.toml").write_text(text)
    monkeypatch.setattr("helpers.figures.display.FOLDER", tmp_path)


@pytest.mark.usefixtures("captions")
def test_show_displays_one_picture_at_twice_its_size_with_titles_and_alt_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    display = Mock()
    monkeypatch.setattr("helpers.figures.display.display", display)
    show(example(), "01.dots", n=40)
    (data,), options = display.call_args
    raw = base64.b64decode(data["image/png"])
    assert options["raw"] and set(data) == {"image/png", "text/plain"} and len(raw) < 100_000
    size = {"width": 700, "height": 360}
    assert options["metadata"]["image/png"] == size | {"alt": "A plot of 40 dots."}
    assert Image.open(io.BytesIO(raw)).size == (1400, 720)
    text = data["text/plain"]
    assert text.startswith("A plot of 40 dots.\ndrawn: figure “40 dots”") and "“right”" in text


@pytest.mark.usefixtures("captions")
def test_what_cannot_be_shown_is_refused_by_name() -> None:
    for figure, error, words in (
        ("figure", TypeError, "matplotlib Figure; given str"),
        (Figure(), ValueError, "no axes"),
        (figures.canvas()[0], ValueError, "titles for 2 panels; the figure has 1"),
    ):
        with pytest.raises(error, match=words):
            show(figure, "01.dots", n=1)


# Titles and alt texts: each figure of a lesson has its own, filled from what the lesson computed

FILLER = re.compile(
    r"(?i)^(?:an? )?(?:image|picture|photo|graphic|screenshot|figure|plot) (?:of|showing)\b|no description"
)
TABLES = {
    f"{file.stem}.{name}": texts
    for file in sorted(CAPTIONS.glob("*.toml"))
    for name, texts in tomllib.loads(file.read_text(encoding="utf-8")).items()
}


def used() -> Counter[str]:
    """How many cells draw under each key."""
    found: Counter[str] = Counter()
    for path in LESSONS:
        for cell in read(path).code:
            live = re.findall(r"(?m)^explorables\.(\w+)\(", cell.source)
            keys = cell.captions + [getattr(explorables, name)().key for name in live]
            assert all(key.startswith(f"{path.name[:2]}.") for key in keys), (path.name, keys)
            assert len(keys) == len(cell.figures), f"{path.name}, cell {cell.id}"
            found.update(keys)
    return found


def test_every_caption_belongs_to_one_cell_and_every_figure_has_a_caption() -> None:
    assert used() == dict.fromkeys(TABLES, 1)


@pytest.mark.parametrize("key", TABLES)
def test_a_caption_says_in_plain_words_what_the_figure_shows(key: str) -> None:
    texts = TABLES[key]
    assert 40 <= len(texts["alt"]) and texts["alt"].strip().endswith(".")
    assert texts["alt"].strip(" .\n") != texts["title"].strip(" .")
    words = " ".join([texts["title"], texts["alt"], *texts.get("titles", [])])
    for pattern in (FILLER, UNKIND, AMERICAN):
        assert not pattern.search(re.sub(r"\{.*?\}", "", words))


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("99.x", {}, "99.toml: no such file"),
        ("one", {"rate": 1}, "as in '01.scores'"),
        ("01.two", {"rate": 1}, "the file has one, odd"),
        ("01.one", {}, "places for ['rate']; given []"),
        ("01.one", {"rate": 1, "n": 2}, "given ['n', 'rate']"),
        ("01.one", {"rate": "high"}, "Unknown format code 'f'"),
        ("01.attribute", {"rate": 1}, "places for ['rate.real']"),
        ("01.unclosed", {"rate": 1}, "expected '}'"),
        ("01.odd", {}, "has title, text; expected title, alt"),
    ],
)
def test_a_caption_that_does_not_fit_is_refused_by_file_and_key(
    key: str, values: dict, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {"one": "alt = 'A rate of {rate:.2f}.'", "odd": "text = ''"}
    lines |= {"attribute": "alt = '{rate.real}'", "unclosed": "alt = '{rate'"}
    tables = [f"[{name}]\ntitle = 'Title'\n{line}\n" for name, line in lines.items()]
    (tmp_path / "01.toml").write_text("".join(tables))
    monkeypatch.setattr("helpers.figures.display.FOLDER", tmp_path)
    with pytest.raises(ValueError) as error:
        caption(key, values)
    assert words in str(error.value) and repr(key) in str(error.value)


# The drawings of the lessons ------------------------------------------------------------------------------------------

TABLE = simulate(Design(), Truth(), 42)
MEANS = TABLE.groupby(["athlete_id", "session_label"], sort=False)["correctness"].mean()


def names(ticks: list[Any]) -> list[str]:
    return [tick.get_text() for tick in ticks]


def drawn(ax: Any, label: str) -> np.ndarray:
    """The points of the line with this label, one row each."""
    return next(line.get_xydata() for line in ax.lines if line.get_label() == label)


def test_changes_join_the_means_of_each_athlete() -> None:
    for ax, name in zip(figures.changes(TABLE).axes, Design().group_names, strict=True):
        assert ax.get_title() == name
        assert_allclose(drawn(ax, "mean")[:, 1], MEANS[name])


def test_estimates_are_drawn_in_their_rows_and_around_their_truth() -> None:
    ax = figures.histograms({"a": np.arange(40.0)}, {"a": 4.0}, "x").axes[0]
    assert [patch.get_height() for patch in ax.patches] == [1] * 40
    assert drawn(ax, "truth")[0, 0] == 4.0 and drawn(ax, "mean of the estimates")[0, 0] == 19.5
    table = pd.DataFrame({"estimate": [1.0, 2], "low": [0.5, 1], "high": [1.5, 4]}, [*"ab"])
    ax = figures.intervals(table, "x").axes[0]
    assert names(ax.get_yticklabels()) == ["a", "b"] and list(ax.get_yticks()) == [1, 0]
    assert ax.collections[0].get_segments()[1].tolist() == [[1, 0], [4, 0]]


def test_each_panel_draws_a_line_a_person_and_their_average() -> None:
    model = pd.DataFrame([[1.0, 3.0], [2.0, 2.0], [3.0, 7.0]], columns=[0, 1])
    panels = {"a": model, "b": model + 1}
    figure = figures.own_lines(panels, "x", "y", points=model)
    for shift, ax in enumerate(figure.axes):
        assert_allclose([line.get_ydata() for line in ax.lines[:3]], model + shift)
        assert_allclose([line.get_ydata() for line in ax.lines[3:6]], model)
        assert_allclose(drawn(ax, "the model, average")[:, 1], [2 + shift, 4 + shift])


def test_sizes_draw_each_rule_and_keep_labels_apart() -> None:
    rates = {"bold": [0.05, 0.5], "close": [0.05, 0.061], "closer": [0.05, 0.06]}
    ax = figures.sizes(pd.DataFrame(rates, index=[0.0, 0.1]), "SD", top=0.3).axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines[:3]] == list(rates.values())
    places = {text.get_text(): text.xy for text in ax.texts}
    assert places["bold"] == pytest.approx((0.1 * 0.25 / 0.45, 0.279))  # where it leaves
    assert places["close"][1] - places["closer"][1] == pytest.approx(0.065 * 0.3)


def test_residuals_are_drawn_where_they_lie() -> None:
    x, y = np.array([1.0, 1, 2, 3]), np.array([0.0, 2, 4, 6])
    ax = figures.scatters({"a": (x, y)}, "x", "y").axes[0]
    assert drawn(ax, "residuals").tolist() == [[1, 0], [1, 2], [2, 4], [3, 6]]


def test_a_qq_plot_sorts_and_standardises() -> None:
    values = np.array([4.0, 1, 3, 2])
    ax = figures.quantiles({"a": values}, "value").axes[0]
    x, y = drawn(ax, "this study").T
    assert_allclose(y, (np.sort(values) - 2.5) / values.std(ddof=1))
    assert_allclose(stats.norm.cdf(x), [1 / 8, 3 / 8, 5 / 8, 7 / 8])


def record(athletes: int = 3) -> pd.DataFrame:
    """Athletes in three sessions of two scores; the last athlete missed the third."""
    rows = [
        (f"athlete {who:02d}", f"s{session}", 10 * session, 0.5 + 0.1 * session + 0.02 * repeat)
        for who in range(athletes)
        for session in (1, 2, 3)
        for repeat in (0, 1)
        if (who, session) != (athletes - 1, 3)
    ]
    table = pd.DataFrame(rows, columns=["athlete_id", "session_label", "dose", "correctness"])
    return table.assign(session_label=pd.Categorical(table["session_label"]))


def test_attendance_has_a_mark_for_each_session_and_its_number_beside_it() -> None:
    ax = figures.attendance(record(), "dose", "dose", show="dose").axes[0]
    marks = next(line for line in ax.lines if line.get_marker() == "o")
    assert sorted(marks.get_xdata()) == [10] * 3 + [20] * 3 + [30] * 2
    assert sorted(names(ax.texts)) == ["10"] * 3 + ["20"] * 3 + ["30"] * 2
    assert names(ax.get_yticklabels()) == ["athlete 00", "athlete 01", "athlete 02"]
    ax = figures.attendance(record(), "session_label", "session").axes[0]
    assert set(names(ax.texts)) == {"2"} and names(ax.get_xticklabels()) == ["s1", "s2", "s3"]


@pytest.mark.parametrize("athletes", [3, 5, 30])
def test_panels_draw_session_means_and_lines_of_twelve_athletes_at_most(athletes: int) -> None:
    table = record(athletes)
    lines = {"model": table["correctness"] + 1}
    figure = figures.panels(table, "dose", "dose", "score", lines)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert len(shown) == min(athletes, 12) and shown[2].get_title() == "athlete 02"
    assert_allclose(drawn(shown[0], "mean of a session")[:, 1], [0.61, 0.71, 0.81])
    assert_allclose(drawn(shown[0], "model"), [[10, 1.61], [20, 1.71], [30, 1.81]])
