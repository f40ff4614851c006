"""read_scores: what has one meaning is repaired and noted, anything else is refused with every row."""

from __future__ import annotations

import csv
import io
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import load, read_scores
from helpers.score_sheet import ScoreSheetError

GOOD = "who,when,points\nana,s20,0.5\nana,s30,0.25\nben,s20,1\nben,s30,0\n"
SHEET = {"score": "points", "athlete": "who", "session": "when"}
DATA = Path(__file__).resolve().parents[1] / "data"
PUSHUPS: dict[str, Any] = {"path": DATA / "pushups.csv", "score": "correctness"}
PUSHUPS |= {"athlete": "athlete_id", "session": "session_label"}
COLUMNS = ["athlete_id", "session_label", "session_high", "repeat_id", "correctness"]


class Reader:
    """Writes a sheet into a folder of its own and reads it with read_scores."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scores.csv"

    def __call__(self, content: str | bytes, **arguments: Any) -> pd.DataFrame:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_scores(self.path, **{**SHEET, **arguments})

    def refused(self, content: str | bytes, **arguments: Any) -> ScoreSheetError:
        with pytest.raises(ScoreSheetError) as caught:
            self(content, **arguments)
        return caught.value


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def sheet(*rows: str) -> str:
    """A good sheet with further rows; the first of them is row 6."""
    return GOOD + "".join(f"{row}\n" for row in rows)


def with_column(name: str, *cells: str) -> str:
    """A good sheet with a further column."""
    lines = zip(GOOD.splitlines(), [name, *cells], strict=True)
    return "".join(f"{line},{cell}\n" for line, cell in lines)


def notes(table: pd.DataFrame) -> str:
    return "\n".join(table.attrs["notes"])


def rows(error: ScoreSheetError, words: str) -> tuple[int, ...]:
    """The rows of the one problem that has these words; the message holds it."""
    (found,) = [problem for problem in error.problems if words in problem.text]
    assert found.text in str(error)
    return found.rows


def test_a_good_sheet_gives_the_columns_of_the_course_and_notes_only_what_was_chosen(
    read: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    table = read(GOOD)
    assert list(table) == COLUMNS and table["athlete_id"].tolist() == ["ana", "ana", "ben", "ben"]
    assert table["session_high"].tolist() == [0, 1, 0, 1]
    assert table["repeat_id"].tolist() == [1, 1, 1, 1]
    assert table["correctness"].tolist() == [0.5, 0.25, 1.0, 0.0]
    types = ["str", "category", "int64", "int64", "float64"]
    assert [str(table[name].dtype) for name in COLUMNS] == types
    assert table.attrs["notes"] == [
        'session "s20" is the reference, since it comes first; pass reference= to choose another',
        "repeats are numbered in file order within athlete and session",
    ]
    head = 'scores.csv: 4 scores of 2 athletes in 2 sessions ("s20", "s30"), repeats each: 1'
    printed = capsys.readouterr().out.splitlines()
    assert printed == [head, *(f"- {note}" for note in table.attrs["notes"])]


def test_the_bundled_pushups_come_back() -> None:
    table = read_scores(**PUSHUPS, repeat="repeat_id")
    pd.testing.assert_frame_equal(table.astype({"session_label": "str"}), load("pushups"))


def test_rows_stay_in_file_order_and_repeats_are_numbered_within_athlete_and_session(
    read: Reader,
) -> None:
    table = read("who,when,points\nben,b,.1\nana,a,.2\nben,b,.3\nben,a,.4\nana,b,.5\nben,b,.6\n")
    assert table["athlete_id"].tolist() == ["ben", "ana", "ben", "ben", "ana", "ben"]
    assert table["repeat_id"].tolist() == [1, 1, 2, 1, 1, 3]
    numbered = read(with_column("n", "7", "3.0", "0", "1"), repeat="n")
    assert numbered["repeat_id"].tolist() == [7, 3, 0, 1] and list(numbered) == COLUMNS


def test_the_reference_is_the_first_category_and_session_high_is_0_there(read: Reader) -> None:
    table = read(sheet("ana,s40,.1", "ben,s40,.2"), reference=" s30 ")
    assert list(table["session_label"].cat.categories) == ["s30", "s20", "s40"]
    assert table["session_high"].tolist() == [1, 0, 1, 0, 1, 1]
    assert 'session_high is 1 in every session but the reference: "s20", "s40"' in notes(table)


@pytest.mark.parametrize(
    ("content", "arguments", "note"),
    [
        (sheet("cem,s20,.5"), {}, 'not in every session: "cem" (1 of 3 athletes)'),
        (sheet("NA,s20,.5"), {}, '"NA" in athlete "who" is kept as a name'),
        (",who,when,points\n0,ana,a,.1\n1,ben,b,.2\n", {}, 'without a name are called "unnamed_1"'),
        (with_column("coach", "kim", "", "Kim", "lee"), {}, '"coach" is blank in 1 row'),
        (with_column("coach", "kim", "", "Kim", "lee"), {}, 'may mean the same: "kim", "Kim"'),
        (with_column("day", "1", "2", "NA", "4"), {}, '"day" is kept as text'),
        (GOOD.replace("0.25", "25"), {"range": (0, 100)}, "are kept in their unit, 0 to 100"),
        (GOOD.replace("0.25", "-2.5e9"), {"range": None}, "kept in their unit, without limits"),
    ],
)
def test_what_the_reader_of_the_table_should_know_is_noted(
    read: Reader, content: str, arguments: dict[str, Any], note: str
) -> None:
    table = read(content, **arguments)
    assert note in notes(table)
    assert "-2.5e9" not in content or table["correctness"].min() == -2.5e9


def test_a_table_of_pandas_is_read_as_the_file_that_it_would_make(read: Reader) -> None:
    text = with_column('"Load, kg"', "1.5", "", "2", "2")
    table = pd.read_csv(io.StringIO(text))
    pd.testing.assert_frame_equal(read_scores(table.convert_dtypes(), **SHEET), read(text))
    with pytest.raises(ScoreSheetError, match=r"(?s)the table cannot be used.*blank.*row 3"):
        read_scores(table.assign(points=[1, None, 0, 1]), **SHEET)


def test_groups_are_categories_and_filled_in_where_they_are_written_once(read: Reader) -> None:
    table = read(with_column("arm", " new ", "", "old", ""), group="arm")
    assert list(table["group"]) == ["new", "new", "old", "old"]
    assert list(table) == [*COLUMNS, "group"] and table["group"].dtype == "category"
    assert 'group "arm" is blank in 2 rows: filled in' in notes(table)
    assert 'group "new" is the reference' in notes(table)
    chosen = read(with_column("arm", "new", "new", "old", "old"), group="arm", control="old")
    assert list(chosen["group"].cat.categories) == ["old", "new"]


DATES = ["2026-03-09", "2026-03-02", "2026-03-04", "2026-03-04"]


@pytest.mark.parametrize(
    "way", ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %B %Y", "%Y-%m-%d %H:%M", None]
)
def test_dates_in_the_usual_ways_and_day_numbers_give_day_and_order(
    read: Reader, way: str | None
) -> None:
    written = [pd.Timestamp(date) for date in [*DATES[:3], "2026-03-20"]]
    cells = [f"{date:{way}}" if way else f"{date.day_of_year}" for date in written]
    table = read(with_column("on", *cells), date="on")
    assert table["day"].tolist() == [7, 0, 2, 18] and table["order"].tolist() == [1, 0, 0, 1]
    assert f'day counts from "{cells[1]}", the first in date "on"' in notes(table)


def test_order_counts_earlier_sessions_and_dates_are_read_as_asked(read: Reader) -> None:
    three = "".join(f"ana,{label},.5,{day}\n" for label, day in zip("abcd", "3113", strict=True))
    table = read("who,when,points,on\n" + three + "ben,a,.5,2\n", date="on")
    assert table["order"].tolist() == [2, 0, 0, 2, 0]
    slashes = with_column("on", *["03/04/2026", "05/04/2026"] * 2)
    for way, last in [("%d/%m/%Y", 2), ("%m/%d/%Y", 61)]:
        assert read(slashes, date="on", date_format=way)["day"].max() == last


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "2", "1", "2"), "int64", [1, 2, 1, 2]),
        (("1.5", "", "2", "2"), "float64", [1.5, np.nan, 2, 2]),
        (("007", "008", "009", "010"), "str", ["007", "008", "009", "010"]),
        (('"1,234"', "2", "3", "4"), "str", ["1,234", "2", "3", "4"]),  # 1.234 or 1234 watts?
    ],
)
def test_other_columns_are_numbers_only_where_all_cells_are(
    read: Reader, cells: tuple[str, ...], kind: str, values: list[object]
) -> None:
    table = read(with_column("other", *cells))
    assert list(table) == [*COLUMNS, "other"]
    pd.testing.assert_series_equal(table["other"], pd.Series(values, dtype=kind, name="other"))


@pytest.mark.parametrize(
    ("content", "encoding", "note"),
    [
        (GOOD, "utf-8-sig", "byte-order mark removed (UTF-8)"),
        ("\ufeff" + GOOD, "utf-16-be", "byte-order mark removed (UTF-16)"),
        (GOOD.replace("\n", "\r\n"), "utf-16", "line ends of Windows"),
        (GOOD.replace("\n", "\r"), "utf-8", "line ends of Windows or an old Mac"),
        (GOOD.replace(",", ";"), "utf-8", "separated by semicolons"),
        (GOOD.replace(",", "\t"), "utf-8", "separated by tabs"),
        (GOOD.replace(",", ";").replace(".", ","), "utf-8", "decimal commas in score"),
        (GOOD.replace("ana", " \u200bana\u00a0"), "utf-8", "spaces around 2 cells removed"),
        (GOOD.replace("\nben", "\n\n,,\nben", 1), "utf-8", "empty rows were left out (rows 4–5)"),
        (GOOD.replace("\n", ",,\n"), "utf-8", "empty columns on the right were left out"),
        (GOOD.replace(".5\n", ".5,,\n"), "utf-8", "empty columns on the right were left out"),
        ("sep=;\n" + GOOD.replace(",", ";"), "utf-8", "is a note to Excel"),
    ],
)
def test_repairs_give_the_plain_table_and_are_noted(
    read: Reader, content: str, encoding: str, note: str
) -> None:
    expected, table = read(GOOD), read(content.encode(encoding))
    assert note in notes(table) and note not in notes(expected)
    pd.testing.assert_frame_equal(table, expected)


def test_accents_are_read_in_windows_1252_and_however_they_are_composed(read: Reader) -> None:
    western = read(GOOD.replace("ana", "Zoë").encode("cp1252"))
    assert set(western["athlete_id"]) == {"Zoë", "ben"} and "Windows-1252" in notes(western)
    apart = "e\u0301"  # é as two characters; the same name has it as one further down
    text = sheet("Zoé,s20,.1", f"Zo{apart},s30,.2").replace("who", f"athl{apart}te")
    mixed = read(text, athlete="athléte")
    assert set(mixed["athlete_id"]) == {"ana", "ben", "Zoé"}
    assert "stored as one character" in notes(mixed)


NASTY = ["Lee, Ana", "O'Neil; B.", 'the "Kid"', "Zoë\tÑ", "two\nlines", "1e5", "-", "#7"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_comes_back_however_it_is_written(read: Reader, encoding: str) -> None:
    scores = np.random.default_rng(1).random(2 * len(NASTY)).tolist()
    table = pd.DataFrame(product(NASTY, ["día", "ß"]), columns=["Athlete; nº", "when"])
    table = table.assign(**{"Punkte, %": scores}).sample(frac=1, random_state=1)
    ways = product(",;\t", ",.", ["\n", "\r\n"], [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    for separator, mark, end, quoting in ways:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(table.columns)
        for who, when, score in table.to_numpy():
            writer.writerow([who, when, repr(score).replace(".", mark)])
        found = read(out.getvalue().encode(encoding), score="Punkte, %", athlete="Athlete; nº")
        assert found["athlete_id"].tolist() == table["Athlete; nº"].tolist()
        assert found["session_label"].tolist() == table["when"].tolist()
        assert found["correctness"].tolist() == table["Punkte, %"].tolist()


WRONG = {
    "is blank: fill it in, or delete the row and say so in your report": ["", "  "],
    "marked as missing: fill it in, or delete the row and say so in": ["NA", "#N/A", "none", "."],
    "written with a percent sign: remove the signs and pass range=(0, 100)": ["85 %", "85%"],
    "written with a thousands separator": ["1 234", "1'234", '"1,234.5"', "1.234.567"],
    "is text": ["good", "-", "inf", "1_0", "0.5.2", "#DIV/0!", "٣", "0.5 pts", "TRUE", "−0.1"],
    '"' + "x" * 60 + "…": ["x" * 5000],
    "outside range 0 to 1: ": ["1.0000001", "-0.1", "85", "1e999", "9" * 5000],
    "mixes decimal commas and decimal dots; here stands a comma": ['"0,5"'],
}


@pytest.mark.parametrize(("words", "cell"), [(w, c) for w, cells in WRONG.items() for c in cells])
def test_a_score_that_is_none_is_refused_with_its_row(read: Reader, words: str, cell: str) -> None:
    assert rows(read.refused(sheet(f"ana,s20,{cell}")), words) == (6,)


@pytest.mark.parametrize("cell", ["1", "+1", "1.", ".5", "5e-1", "1E0", "-0", "0.1e+1"])
def test_a_number_in_any_plain_notation_is_a_score(read: Reader, cell: str) -> None:
    assert read(sheet(f"ana,s20,{cell}"))["correctness"].iloc[-1] == float(cell)


def test_range_0_to_100_is_offered_where_scores_could_be_percentages(read: Reader) -> None:
    percent = [(85, 100, 2, 0), (1.5, 1.2, 1.6, 1.1)]
    others = [(85, 100.5, 2, 0), (85, 90, 2, -1), (1, 1, 2, 0), (0.5, 8.5, 0.2, 0.1)]
    for scores in percent + others:
        error = read.refused("who,when,points\na,x,{}\na,y,{}\nb,x,{}\nb,y,{}\n".format(*scores))
        assert ("pass range=(0, 100)" in str(error)) == (scores in percent)


SPELLINGS = ["ana/Ana", "an a/ana", "ana/a\u200bna", "straße/STRASSE", "s 1/s\u00a01"]
SPELLINGS += ["7/07", "7/7.0", "Вера/вера"]
LOOKALIKES = {
    "with right single quotation mark": ("O'Neil", "O’Neil"),
    "with en dash": ("Anne-Marie", "Anne–Marie"),
    "with cyrillic capital letter ve, cyrillic small letter o": ("Bo", "Во"),
    "with greek capital letter alpha, greek capital letter epsilon": ("EVA", "ΕVΑ"),
    "with quotation mark": ("ana", ' "ana"'),
}


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [("", *pair.split("/")) for pair in SPELLINGS] + [(w, *pair) for w, pair in LOOKALIKES.items()],
)
def test_one_name_in_two_spellings_is_refused(
    read: Reader, words: str, first: str, second: str
) -> None:
    lines = f"who,when,points\n{first},a,.1\n{second},b,.2\n{first},b,.3\nben,a,.4\n"
    error = read.refused(lines)
    assert rows(error, 'athlete "who" has names that differ only in') == (2, 3, 4)
    assert f'"{first}" in rows 2, 4; "{second.strip()}" in row 3' in str(error)
    assert words in str(error)
    turned = read.refused(lines.replace("who,when", "when,who"))
    assert rows(turned, 'session "when" has names that differ only in') == (2, 3, 4)


@pytest.mark.parametrize(
    "pair", [("ana", "anna"), ("1", "10"), ("a-1", "a1"), ("a01", "a1"), ("5 µg", "5 mg")]
)
def test_names_that_differ_in_letters_are_two_names(read: Reader, pair: tuple[str, str]) -> None:
    table = read("who,when,points\n{0},a,.1\n{0},b,.2\n{1},a,.3\n".format(*pair))
    assert set(table["athlete_id"]) == set(pair)


ON = {"date": "on"}
GROUPED = "who;when;points\nana;a;{}\nana;b;{}\nben;a;7\n"
TWICE = "who,when,n,points\nana,a,1,.5\nana,a,2,.5\nana,a,1,.5\nben,b,2,.5\nben,b,2.0,.5\n"


@pytest.mark.parametrize(
    ("content", "arguments", "words", "wrong"),
    [
        (sheet(",s20,.1", "#REF!,s20,.4"), {}, 'athlete "who" is blank', (6, 7)),
        ("who,when,points\nana,a,.1\nana,b,.2\n", {}, 'one name only ("ana")', ()),
        (with_column("n", "1", "1.5", "", "-1"), {"repeat": "n"}, "not a whole number", (3, 4, 5)),
        (GOOD, {"score": "Point"}, 'no column "Point" (perhaps "points"); the columns are', ()),
        (GOOD, {"reference": "S20"}, 'no session of the file (perhaps "s20"); the sessions', ()),
        ("Push-ups; 2024\n\n" + GOOD, {}, "row 3 looks like the header: delete the rows", ()),
        ("who,when,points, points\nana,a,.1,.1\n", {}, 'columns share a name: "points"', ()),
        (with_column("arm", *"aaab"), {"group": "arm"}, 'ben, "a" in row 4; ben, "b"', (4, 5)),
        (with_column("arm", "a", "", "", ""), {"group": "arm"}, "is blank", (4, 5)),
        (with_column("arm", *"aaaa"), {"group": "arm"}, "nothing to compare", ()),
        (with_column("arm", *"aabb"), {"group": "arm", "control": "c"}, "no group of the file", ()),
        (with_column("arm", *"aabB"), {"group": "arm"}, "differ only in case", (4, 5)),
        (with_column("on", "Monday", *DATES[1:]), ON, "not written like %Y-%m-%d", (2,)),
        (with_column("on", "", *DATES[1:]), ON, "is blank, or not written", (2,)),
        (with_column("on", *["1.5"] * 4), ON, "not written like whole", (2, 3, 4, 5)),
        (with_column("on", *["03/04/2026"] * 4), ON, "as %d/%m/%Y and as %m/%d/%Y", ()),
        (
            with_column("on", *"1112") + "ben,s30,1,1\n",
            ON,
            'several days in "ben, session s30"',
            (5, 6),
        ),
        (GOOD.replace(",", "|"), {}, "separate the columns by commas, semicolons or tabs", ()),
        (with_column("correctness", *"1234"), {}, 'the column "correctness" would collide', ()),
        (with_column("session_high", *"0100"), {}, "contradicts the reference session", (5,)),
        (sheet("ana,s20"), {}, "2 cells where the header has 3", (6,)),
        (sheet("ben,s20,0,5", "ben,s20,0,7"), {}, "decimal commas need quotation marks", (6, 7)),
        (TWICE, {"repeat": "n"}, "ana, a, repeat 1 in rows 2, 4; ben, b, repeat 2", (2, 4, 5, 6)),
        (GROUPED.format("1,234", "2,500"), {"range": (0, 5000)}, "decimals or thousands", (2, 3)),
        (GROUPED.format("1.234", "987"), {"range": (0, 5000)}, "decimals or thousands", (2,)),
        (sheet("ben,s20,1", 'ana,s20,".5'), {}, "quotation mark", (7,)),
        (with_column("note", '"tall', "", '"short', ""), {}, "quotation mark", (2,)),
        ("who,when,points\n,,\n\n", {}, "a header and no whole row below it", ()),
        (b"", {}, "the file is empty", ()),
        (b"PK\x03\x04\x14\x00", {}, 'Excel workbook, .* save it as "CSV UTF-8"', ()),
        (GOOD.encode("utf-16-le"), {}, "binary or damaged", ()),
        (GOOD.encode() + b"\x81\x8d", {}, "binary or damaged", ()),
    ],
)
def test_what_could_mean_two_things_is_refused_for_that_alone(
    read: Reader, content: str | bytes, arguments: dict[str, Any], words: str, wrong: tuple[int]
) -> None:
    (problem,) = read.refused(content, **arguments).problems
    assert all(word in problem.text for word in words.split(" .* ")) and problem.rows == wrong


def test_every_kind_of_problem_is_in_one_error(read: Reader) -> None:
    bad = ["Ana,s20,x", "ana,s20,", ",s20,NA", "ben,s30,7", "ben", "ben,s30,50 %"]
    error = read.refused(sheet(*bad))
    wrong = [(10,), (8,), (2, 3, 6, 7), (7,), (8,), (11,), (6,), (9,)]
    assert [problem.rows for problem in error.problems] == wrong
    assert str(error).startswith("scores.csv cannot be used as it is: 8 problems (row 1 is the")


def test_rows_are_numbered_as_a_spreadsheet_does(read: Reader) -> None:
    text = 'who,when,points,note\nana,a,.1,"two\nlines"\n\nana,b,x,\nben,a,.3,\n'
    assert rows(read.refused(text), "is text") == (4,)
    assert rows(read.refused("sep=,\n" + text), "is text") == (4,)
    blanks = sheet("a,s20,", "a,s30,", "a,s20,.5", "a,s30,")
    assert "(rows 6–7, 9)" in str(read.refused(blanks))


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"path": 3}, TypeError, "path must be the name of a file.*given 3"),
        ({"path": DATA / "pushup.csv"}, FileNotFoundError, r'no file .*perhaps "pushups\.csv"'),
        ({"path": DATA}, FileNotFoundError, "path: there is no file"),
        ({"score": 3}, TypeError, "score must be the name of a column, a text; given 3"),
        ({"athlete": None}, TypeError, "athlete must be the name of a column"),
        ({"score": "athlete_id"}, ValueError, "score, athlete, session must be different"),
        ({"range": (1, 0)}, ValueError, "range must be a pair .*lower one first.*given"),
        ({"range": (0, float("nan"))}, ValueError, "range must be a pair of finite"),
        ({"range": ("0", "1")}, TypeError, "range must be a pair"),
        ({"group": 1}, TypeError, "group must be the name of a column"),
        ({"control": "a"}, ValueError, "control needs a group"),
        ({"date_format": "%d"}, ValueError, "date_format a date"),
        ({"reference": 20}, TypeError, 'reference must be a text, such as "20"'),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_by_name(
    arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_scores(**{**PUSHUPS, **arguments})
