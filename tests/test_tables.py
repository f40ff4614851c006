"""read_scores: what it repairs is told, what it cannot is refused with every row, nothing in between."""

from __future__ import annotations

import csv
import io
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import load, read_scores
from helpers.tables import ScoreSheetError
from helpers.tables.findings import MOST_RUNS, numbered, quoted
from helpers.tables.identities import identity

GOOD = "who,when,points\nana,s20,0.5\nana,s30,0.25\nben,s20,1\nben,s30,0\n"
COLUMNS = ["athlete_id", "session_label", "session_high", "repeat_id", "correctness"]


class Reader:
    """Writes a sheet into a folder of its own and reads it with read_scores."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scores.csv"

    def __call__(
        self, content: str | bytes, encoding: str = "utf-8", **arguments: Any
    ) -> pd.DataFrame:
        self.path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return read_scores(
            self.path, **{"score": "points", "athlete": "who", "session": "when", **arguments}
        )

    def refused(
        self, content: str | bytes, encoding: str = "utf-8", **arguments: Any
    ) -> ScoreSheetError:
        with pytest.raises(ScoreSheetError) as caught:
            self(content, encoding, **arguments)
        assert isinstance(caught.value, ValueError) and caught.value.problems
        return caught.value


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def sheet(*rows: str, header: str = "who,when,points") -> str:
    """A good sheet with further rows; the first of them is row 6."""
    return GOOD.replace("who,when,points", header) + "".join(f"{row}\n" for row in rows)


def notes(table: pd.DataFrame) -> str:
    return "\n".join(table.attrs["notes"])


def problem(error: ScoreSheetError, text: str) -> tuple[int, ...]:
    """The rows of the one problem that says `text`; the message must name them too."""
    (found,) = [p for p in error.problems if text in p.text]
    assert str(found) in str(error)
    if found.rows and not found.named:
        assert numbered(found.rows) in str(error)
    return found.rows


# ---- a good sheet


def test_a_good_sheet_becomes_the_seeds_columns(read: Reader) -> None:
    table = read(GOOD)
    assert list(table.columns) == COLUMNS
    assert table["athlete_id"].tolist() == ["ana", "ana", "ben", "ben"]
    assert table["session_high"].tolist() == [0, 1, 0, 1]
    assert table["repeat_id"].tolist() == [1, 1, 1, 1]
    assert table["correctness"].tolist() == [0.5, 0.25, 1.0, 0.0]
    assert [str(table[c].dtype) for c in COLUMNS] == [
        "str",
        "category",
        "int64",
        "int64",
        "float64",
    ]


def test_of_a_good_sheet_only_what_was_chosen_is_told(read: Reader) -> None:
    assert read(GOOD).attrs["notes"] == [
        'session "s20" is the reference, since it comes first; pass reference= to choose another',
        "repeats are numbered in file order within athlete and session",
    ]


def test_codes_are_text_without_a_word(read: Reader) -> None:
    told = read(GOOD).attrs["notes"]
    table = read(
        "who,when,points,code\nana,s20,.5,007\nana,s30,.25,008\nben,s20,1,09x\nben,s30,0,1.5\n"
    )
    assert table["code"].tolist() == ["007", "008", "09x", "1.5"] and table.attrs["notes"] == told
    half = read(
        "who,when,points,day\nana,s20,.5,1\nana,s30,.25,2\nben,s20,1,rest\nben,s30,0,rest\n"
    )
    assert half.attrs["notes"] == told  # no more numbers than words


def test_of_many_names_the_first_five_are_shown() -> None:
    assert (
        quoted("abcde") == '"a", "b", "c", "d", "e"'
        and quoted("abcdef") == '"a", "b", "c", "d", "e", …'
    )


def test_the_bundled_pushups_come_back_through_read_scores() -> None:
    path = Path(__file__).resolve().parents[1] / "data" / "pushups.csv"
    table = read_scores(
        path, score="correctness", athlete="athlete_id", session="session_label", repeat="repeat_id"
    )
    pd.testing.assert_frame_equal(table.astype({"session_label": "str"}), load("pushups"))


def test_other_columns_are_kept_after_the_seeds_in_their_order(read: Reader) -> None:
    text = (
        "day,who,when,points,coach,code,load\n1,ana,s20,.5,kim,007,1.5\n2,ana,s30,.25,,008,\n"
        "1,ben,s20,1,lee,009,2\n"
    )
    table = read(text)
    assert list(table.columns) == [*COLUMNS, "day", "coach", "code", "load"]
    assert table["day"].tolist() == [1, 2, 1] and table["day"].dtype == "int64"
    assert table["code"].tolist() == ["007", "008", "009"]
    assert table["coach"].isna().tolist() == [False, True, False]
    assert (
        table["load"].isna().tolist() == [False, True, False] and table["load"].dtype == "float64"
    )
    assert '"coach" is blank in 1 row' in notes(table) and '"load" is blank in 1 row' in notes(
        table
    )


def test_an_other_column_that_is_mostly_numbers_is_kept_as_text_and_told(read: Reader) -> None:
    text = "who,when,points,day\nana,s20,.5,1\nana,s30,.25,2\nben,s20,1,NA\n"
    table = read(text)
    assert table["day"].tolist() == ["1", "2", "NA"]
    told = '"day" is kept as text, since not all of it is numbers written as the scores are: "NA"'
    assert told in notes(table)


@pytest.mark.parametrize(("mark", "cells"), [(",", ("1.234", "2")), (".", ("1,234", "2"))])
def test_an_other_column_with_the_other_decimal_mark_is_kept_as_text_and_told(
    read: Reader, mark: str, cells: tuple[str, str]
) -> None:
    # 1.234 watts or 1234 watts? The scores' own decimal mark says that it cannot be known.
    table = read(f"who;when;points;watt\nana;a;0{mark}5;{cells[0]}\nben;b;0{mark}7;{cells[1]}\n")
    assert table["watt"].tolist() == list(cells)
    assert f'written as the scores are: "{cells[0]}"' in notes(table)


def test_rows_stay_in_file_order_and_repeats_are_numbered_within_athlete_and_session(
    read: Reader,
) -> None:
    table = read("who,when,points\nben,b,.1\nana,a,.2\nben,b,.3\nben,a,.4\nana,b,.5\nben,b,.6\n")
    assert table["athlete_id"].tolist() == ["ben", "ana", "ben", "ben", "ana", "ben"]
    assert table["repeat_id"].tolist() == [1, 1, 2, 1, 1, 3]
    assert "repeats are numbered in file order" in notes(table)


def test_repeat_numbers_are_taken_from_their_column(read: Reader) -> None:
    table = read(
        "who,when,points,n\nana,a,.1,7\nana,b,.2,3.0\nben,a,.3,0\nben,b,.4,1\n", repeat="n"
    )
    assert table["repeat_id"].tolist() == [7, 3, 0, 1]
    assert list(table.columns) == COLUMNS and "numbered" not in notes(table)


def test_the_first_session_is_the_reference_and_told_unless_one_is_passed(read: Reader) -> None:
    first, passed = read(GOOD), read(GOOD, reference=" s30 ")
    assert list(first["session_label"].cat.categories) == ["s20", "s30"]
    assert 'session "s20" is the reference' in notes(first)
    assert list(passed["session_label"].cat.categories) == ["s30", "s20"]
    assert passed["session_high"].tolist() == [1, 0, 1, 0] and "is the reference" not in notes(
        passed
    )


def test_any_number_of_sessions_and_session_high_is_told(read: Reader) -> None:
    table = read(sheet("ana,s40,.1", "ben,s40,.2"), reference="s30")
    assert list(table["session_label"].cat.categories) == ["s30", "s20", "s40"]
    assert table["session_high"].tolist() == [1, 0, 1, 0, 1, 1]
    assert 'session_high is 1 in every session but the reference: "s20", "s40"' in notes(table)


def test_the_reference_is_the_baseline_of_a_formula(read: Reader) -> None:
    import statsmodels.formula.api as smf

    table = read(GOOD, reference="s30")
    fitted = smf.ols("correctness ~ session_label", table).fit().params
    assert fitted["session_label[T.s20]"] == pytest.approx(0.75 - 0.125)


def test_an_athlete_who_missed_a_session_is_kept_and_told(read: Reader) -> None:
    table = read(sheet("cem,s20,.5"))
    assert len(table) == 5 and 'not in every session: "cem" (1 of 3 athletes)' in notes(table)


def test_names_that_look_like_missing_values_stay_names_and_are_told(read: Reader) -> None:
    table = read("who,when,points\nNA,a,.1\nNA,b,.2\nNone,a,.3\n01,b,.4\n")
    assert table["athlete_id"].tolist() == ["NA", "NA", "None", "01"]
    assert '"NA", "None" in athlete "who" is kept as a name' in notes(table)


def test_scores_stay_in_their_unit_and_it_is_told(read: Reader) -> None:
    table = read("who,when,points\nana,a,85\nana,b,80.5\nben,a,90\nben,b,70\n", range=(0, 100))
    assert table["correctness"].tolist() == [85, 80.5, 90, 70]
    assert "scores are kept in their unit, 0 to 100" in notes(table)


def test_shares_read_as_percentages_are_questioned(read: Reader) -> None:
    assert "no score is above 1, though range goes to 100" in notes(read(GOOD, range=(0, 100)))
    assert "no score is above 1, though range goes to 1.5" in notes(read(GOOD, range=(0, 1.5)))
    assert "no score is above 1" not in notes(read(GOOD.replace("0.25", "1.01"), range=(0, 100)))


def test_notes_are_printed_under_a_summary(
    read: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    table = read(GOOD)
    printed = capsys.readouterr().out.splitlines()
    assert (
        printed[0]
        == 'scores.csv: 4 scores of 2 athletes in 2 sessions ("s20", "s30"), repeats each: 1'
    )
    assert printed[1:] == [f"- {note}" for note in table.attrs["notes"]]


# ---- repaired, and told


@pytest.mark.parametrize(
    ("content", "encoding", "told"),
    [
        (GOOD, "utf-8-sig", "byte-order mark removed (UTF-8)"),
        (GOOD, "utf-16", "byte-order mark removed (UTF-16)"),
        ("\ufeff" + GOOD, "utf-16-be", "byte-order mark removed (UTF-16)"),
        (GOOD, "utf-32", "byte-order mark removed (UTF-32)"),
        (GOOD.replace("\n", "\r\n"), "utf-8", "line ends of Windows"),
        (GOOD.replace("\n", "\r"), "utf-8", "line ends of Windows or an old Mac"),
        (GOOD.replace(",", ";"), "utf-8", "separated by semicolons"),
        (GOOD.replace(",", "\t"), "utf-8", "separated by tabs"),
        (GOOD.replace(",", ";").replace(".", ","), "utf-8", "decimal commas in score"),
        (
            GOOD.replace("0.25", '"0,25"').replace("0.5", '"0,5"'),
            "utf-8",
            "decimal commas in score",
        ),
        (GOOD.replace("ana", " ana\u00a0"), "utf-8", "spaces around 2 cells removed"),
        (GOOD.replace("points", " points "), "utf-8", "spaces around 1 cell removed"),
        (GOOD.replace("ben", "\u200bben"), "utf-8", "spaces around 2 cells removed"),
        (GOOD.replace("\nben", "\n\n,,\nben", 1), "utf-8", "empty rows were left out (rows 4–5)"),
        (GOOD + ",,\n,,\n", "utf-8", "empty rows were left out (rows 6–7)"),
        (GOOD.replace("\n", ",,\n"), "utf-8", "empty columns on the right were left out"),
        (GOOD.replace(".5\n", ".5,,\n"), "utf-8", "surplus separators at row ends"),
        ("sep=;\n" + GOOD.replace(",", ";"), "utf-8", "is a note to Excel"),
    ],
)
def test_repairs_give_the_plain_table_and_are_told(
    read: Reader, content: str, encoding: str, told: str
) -> None:
    expected = read(GOOD)
    table = read(content, encoding)
    assert told in notes(table)
    assert told not in notes(expected)
    pd.testing.assert_frame_equal(table, expected)


def test_a_western_file_is_read_and_told(read: Reader) -> None:
    table = read(GOOD.replace("ana", "Zoë"), "latin-1")
    assert table["athlete_id"].tolist() == ["Zoë", "Zoë", "ben", "ben"]
    assert "not UTF-8; read as Windows-1252" in notes(table)


def test_a_last_line_without_line_end_is_no_matter(read: Reader) -> None:
    pd.testing.assert_frame_equal(read(GOOD.rstrip("\n")), read(GOOD))


def test_columns_with_accents_are_found_however_they_are_stored(read: Reader) -> None:
    text = GOOD.replace("who", unicodedata.normalize("NFD", "athlète"))
    table = read(text, athlete=unicodedata.normalize("NFC", "athlète"))
    assert len(table) == 4 and "stored as one character" in notes(table)


def test_a_column_without_a_name_is_kept_and_told(read: Reader) -> None:
    table = read(",who,when,points\n0,ana,a,.1\n1,ana,b,.2\n2,ben,a,.3\n")
    assert table["unnamed_1"].tolist() == [0, 1, 2]
    assert 'column 1 has no name; it is kept as "unnamed_1"' in notes(table)


def test_quoted_cells_may_hold_separators_quotes_and_line_ends(read: Reader) -> None:
    table = read(
        'who,when,points,note\n"Lee, Ana",a,.1,"said ""ow""\nand left"\n'
        '"Lee, Ana",b,.2,\nben,a,.3,x\n'
    )
    assert table["athlete_id"].tolist() == ["Lee, Ana", "Lee, Ana", "ben"]
    assert table["note"].iloc[0] == 'said "ow"\nand left'


def test_the_course_own_session_high_is_welcome_only_if_it_agrees(read: Reader) -> None:
    text = "who,when,points,session_high\nana,a,.1,0\nana,b,.2,1.0\nben,a,.3,0\n"
    assert read(text)["session_high"].tolist() == [0, 1, 0]
    error = read.refused(text, reference="b")
    assert problem(error, '"session_high" of the file contradicts') == (2, 3, 4)


# ---- refused, with rows


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("", "is blank"),
        ("  ", "is blank"),
        ("NA", 'marked as missing: fill it in, or delete the row and say so in your report ("NA")'),
        ("nan", "marked as missing"),
        ("#N/A", "marked as missing"),
        ("None", "marked as missing"),
        (".", "marked as missing"),
        ("inf", 'is not finite ("inf")'),
        ("-Infinity", "is not finite"),
        ("∞", "is not finite"),
        ("1e999", "is not finite"),
        ("85 %", "pass range=(0, 100)"),
        ("85%", "percent sign"),
        ("good", 'is text where a number is expected ("good")'),
        ("-", "is text"),
        ("0x1", "is text"),
        ("1_0", "is text"),
        ("0.5.2", "is text"),
        ("#DIV/0!", "is text"),
        ("٣", "is text"),
        ("0.5 pts", "is text"),
        ("TRUE", "is text"),
        ("e5", "is text"),
        ("1 2", "is text"),
        ("1.234.567", "thousands separator"),
        ("1 234", "thousands separator"),
        ("1'234", "thousands separator"),
        ('"1,234.5"', "thousands separator"),
        ("1.0000001", "outside range 0 to 1"),
        ("-0.1", "outside range 0 to 1: -0.1"),
        ("−0.1", "outside range 0 to 1: -0.1"),
        ("85", "outside range 0 to 1: 85"),
        ('"0,5"', "mixes decimal commas and decimal dots; here stands a comma"),
    ],
)
def test_a_bad_score_is_refused_with_its_row(read: Reader, cell: str, says: str) -> None:
    assert problem(read.refused(sheet(f"ana,s20,{cell}")), says) == (6,)


@pytest.mark.parametrize("cell", ["1", "+1", "1.", ".5", "0.5", "5e-1", "1E0", "0", "-0", "0.1e+1"])
def test_a_number_in_any_plain_notation_is_a_score(read: Reader, cell: str) -> None:
    assert read(sheet(f"ana,s20,{cell}"))["correctness"].iloc[-1] == float(cell)


def test_scores_from_0_to_100_are_refused_with_the_remedy(read: Reader) -> None:
    error = read.refused("who,when,points\nana,a,85\nana,b,80\nben,a,90\nben,b,1\n")
    assert problem(error, "if these scores go from 0 to 100, pass range=(0, 100)") == (2, 3, 4)


def test_one_slip_above_1_gets_no_advice_to_change_the_range(read: Reader) -> None:
    assert "pass range" not in str(read.refused(sheet("ana,s20,8.5")))


@pytest.mark.parametrize(
    ("scores", "advised"),
    [
        ((85, 100, 2, 0), True),
        ((85, 100.5, 2, 0), False),
        ((85, 90, 2, -1), False),
        ((1, 1, 2, 0), False),
        ((1.5, 1.2, 1.6, 1.1), True),
        ((85, 1.5, 1.6, 0), True),
    ],
)
def test_the_remedy_is_offered_where_scores_could_be_percentages(
    read: Reader, scores: tuple[float, ...], advised: bool
) -> None:
    rows = zip(["ana,a", "ana,b", "ben,a", "ben,b"], scores, strict=True)
    text = "who,when,points\n" + "".join(f"{row},{score}\n" for row, score in rows)
    assert ("pass range=(0, 100)" in str(read.refused(text))) == advised


def test_commas_that_may_be_thousands_are_refused(read: Reader) -> None:
    error = read.refused("who;when;points\nana;a;1,234\nana;b;2,500\nben;a;7\n", range=(0, 5000))
    assert problem(error, "decimals or thousands") == (2, 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ana", "Ana"),
        ("an a", "ana"),
        ("ana", "a\u200bna"),
        ("Zoë", unicodedata.normalize("NFD", "Zoë")),
        ("straße", "STRASSE"),
        ("ana", "ａna"),
        ("7", "07"),
        ("7", "7.0"),
        ("s 1", "s\u00a01"),
        ("İ", "i\u0307"),
    ],
)
def test_names_that_differ_only_in_writing_are_refused(
    read: Reader, first: str, second: str
) -> None:
    rows = f"who,when,points\n{first},a,.1\n{second},b,.2\n{first},b,.3\nben,a,.4\n"
    error = read.refused(rows)
    assert problem(error, 'athlete "who" has names that differ only in') == (2, 3, 4)
    assert f'"{first}" in rows 2, 4; "{second}" in row 3' in str(error)
    sessions = f"who,when,points\nana,{first},.1\nben,{second},.2\nben,{first},.3\nana,other,.4\n"
    assert problem(read.refused(sessions), 'session "when" has names that differ only in') == (
        2,
        3,
        4,
    )


@pytest.mark.parametrize(
    "pair", [("ana", "anna"), ("1", "10"), ("a-1", "a1"), ("a01", "a1"), ("0", "00x")]
)
def test_names_that_differ_in_letters_are_two_names(read: Reader, pair: tuple[str, str]) -> None:
    table = read("who,when,points\n{0},a,.1\n{0},b,.2\n{1},a,.3\n".format(*pair))
    assert set(table["athlete_id"]) == set(pair)


def test_blank_names_and_spreadsheet_errors_are_refused(read: Reader) -> None:
    error = read.refused(sheet(",s20,.1", "ana, ,.2", "#REF!,s20,.3", "ana,#N/A,.4"))
    assert problem(error, 'athlete "who" is blank') == (6,)
    assert problem(error, 'session "when" is blank') == (7,)
    assert problem(error, 'athlete "who" is an error value') == (8,)
    assert problem(error, 'session "when" is an error value') == (9,)


def test_names_in_stray_quotation_marks_are_refused(read: Reader) -> None:
    error = read.refused('who,when,points\nana, "a",.1\nana,b,.2\nben,a,.3\n')
    assert problem(error, "quotation marks that are part of the name") == (2,)


def test_long_cells_are_cut_in_messages(read: Reader) -> None:
    assert len(str(read.refused(sheet("ana,s20," + "9" * 5000)))) < 400


def test_one_athlete_and_one_session_are_refused(read: Reader) -> None:
    assert (
        problem(read.refused("who,when,points\nana,a,.1\nana,b,.2\n"), 'one athlete ("ana")') == ()
    )
    assert problem(read.refused("who,when,points\nana,a,.1\nben,a,.2\n"), 'one session ("a")') == ()


def test_repeats_that_stand_there_twice_are_refused(read: Reader) -> None:
    text = "who,when,points,n\nana,a,.1,1\nana,a,.2,2\nana,a,.1,1\nben,b,.3,1\nben,b,.3,1.0\nben,a,.3,1\n"
    error = read.refused(text, repeat="n")
    assert problem(error, "ana, a, repeat 1 in rows 2, 4; ben, b, repeat 1 in rows 5–6") == (
        2,
        4,
        5,
        6,
    )


@pytest.mark.parametrize("cell", ["1.5", "-1", "one", "1e0", "NA", "1234567890123456"])
def test_a_repeat_that_is_no_whole_number_is_refused(read: Reader, cell: str) -> None:
    text = f"who,when,points,n\nana,a,.1,1\nana,b,.2,{cell}\nben,a,.3,\n"
    error = read.refused(text, repeat="n")
    assert problem(error, f'repeat "n" is not a whole number, 0 or more ("{cell}")') == (3,)
    assert problem(error, 'repeat "n" is blank') == (4,)


def test_missing_columns_are_refused_with_what_is_there_and_the_nearest(read: Reader) -> None:
    message = str(read.refused(GOOD, score="Point", session="Session"))
    assert (
        'there is no column "Point" (perhaps "points"), "Session"; the columns are "who"' in message
    )


def test_what_is_wrong_elsewhere_is_listed_beside_a_missing_column(read: Reader) -> None:
    error = read.refused(sheet("Ana,s20,x"), session="Session")
    assert problem(error, "names that differ only in") == (2, 3, 6)
    assert problem(error, "is text where a number is expected") == (6,)


def test_a_title_above_the_header_is_seen(read: Reader) -> None:
    assert "row 3 looks like the header: delete the rows above it" in str(
        read.refused("Push-ups\n\n" + GOOD)
    )


def test_another_separator_is_seen(read: Reader) -> None:
    assert "separate the columns by commas, semicolons or tabs" in str(
        read.refused(GOOD.replace(",", "|"))
    )


def test_columns_that_share_a_name_are_refused(read: Reader) -> None:
    error = read.refused("who,when,points, points\nana,a,.1,.1\nben,b,.2,.3\n")
    assert problem(error, 'columns share a name: "points"') == (1,)


@pytest.mark.parametrize("name", ["athlete_id", "session_label", "repeat_id", "correctness"])
def test_columns_that_collide_with_the_tables_own_are_refused(read: Reader, name: str) -> None:
    text = "".join(f"{line},1\n" for line in GOOD.splitlines()).replace(
        "points,1", f"points,{name}", 1
    )
    message = str(read.refused(text))
    assert f'the column "{name}" would collide' in message
    assert ('pass repeat="repeat_id"' in message) == (name == "repeat_id")


def test_ragged_rows_are_refused(read: Reader) -> None:
    error = read.refused(sheet("ana,s20", "ben,s20,0,5", "ben,s20,0,7"))
    assert problem(error, "2 cells where the header has 3") == (6,)
    assert problem(
        error, "4 cells where the header has 3; decimal commas need quotation marks"
    ) == (7, 8)


def test_a_quotation_mark_that_is_not_closed_is_refused(read: Reader) -> None:
    error = read.refused(sheet("ben,s20,x", 'ana,s20,".5'))
    assert problem(error, "quotation mark") == (7,) and len(error.problems) == 1


@pytest.mark.parametrize(
    "header", ["who,when,points", "who,when,points\n", "who,when,points\n,,\n\n"]
)
def test_a_header_alone_is_refused(read: Reader, header: str) -> None:
    assert problem(read.refused(header), "a header and no row below it") == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"  \r\n",
        "\ufeff".encode("utf-16-le"),
        b",,,\n,,\n",
        b'"",""\n',
    ],
)
def test_an_empty_file_is_refused(read: Reader, content: bytes) -> None:
    assert problem(read.refused(content), "the file is empty") == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
        (b"\x89PNG\r\n\x1a\n\x00", "binary or damaged"),
        (GOOD.encode() + b"\x00", "binary or damaged"),
        (GOOD.encode("utf-16-le"), "binary or damaged"),
        (GOOD.encode("utf-16") + b"a", "binary or damaged"),
        (GOOD.encode() + b"\x81\x8d", "binary or damaged"),
    ],
)
def test_a_binary_file_is_refused_with_the_remedy(read: Reader, content: bytes, says: str) -> None:
    error = read.refused(content)
    assert says in str(error) and 'save it as "CSV UTF-8"' in str(error)
    assert len(error.problems) == 1  # what follows from it is not listed


def test_every_kind_of_problem_is_in_one_error(read: Reader) -> None:
    error = read.refused(
        sheet("Ana,s20,x", "ana,s20,", ",s20,NA", "ben,s30,7", "ben", "ben,s30,50 %")
    )
    assert [p.rows for p in error.problems] == [
        (10,),
        (8,),
        (2, 3, 6, 7),
        (7,),
        (8,),
        (11,),
        (6,),
        (9,),
    ]
    assert str(error).startswith(
        "scores.csv cannot be used as it is: 8 problems (row 1 is the header)."
    )


def test_rows_are_numbered_as_a_spreadsheet_does(read: Reader) -> None:
    text = 'who,when,points,note\nana,a,.1,"two\nlines"\n\nana,b,x,\nben,a,.3,\n'
    assert problem(read.refused(text), "is text") == (4,)
    assert problem(read.refused("sep=,\n" + text), "is text") == (4,)


def test_thousands_of_problems_are_all_there(read: Reader) -> None:
    rows = [f"ana,s20,{'bad' if i % 2 else 0.5}" for i in range(8000)]
    error = read.refused(sheet(*rows))
    assert problem(error, "is text") == tuple(range(7, 8006, 2))
    assert "rows 7, 9, 11" in str(error) and " 8005)" in str(error)


def test_row_lists_are_compact_and_say_what_they_leave_to_the_attribute() -> None:
    assert numbered([5]) == "row 5"
    assert numbered([9, 3, 4, 5, 12]) == "rows 3–5, 9, 12"
    long = numbered(range(0, 2 * MOST_RUNS + 6, 2))
    assert long.endswith("and 3 more rows: all of them in the error's .problems")


# ---- arguments


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"score": 3}, TypeError, "score must be the name of a column, a text; given 3"),
        ({"athlete": None}, TypeError, "athlete must be the name of a column"),
        ({"session": " "}, ValueError, "session must be the name of a column"),
        ({"repeat": 1}, TypeError, "repeat must be the name of a column"),
        (
            {"score": "who"},
            ValueError,
            "athlete and score must be different columns; given 'who' for both",
        ),
        ({"repeat": "points"}, ValueError, "repeat and score must be different columns"),
        (
            {"range": (1, 0)},
            ValueError,
            "range must be a pair of numbers.*the lower one first; given (1, 0)",
        ),
        ({"range": (1, 1)}, ValueError, "range must be a pair"),
        ({"range": (0, float("inf"))}, ValueError, "range must be a pair.*finite"),
        ({"range": (0, float("nan"))}, ValueError, "range must be a pair.*finite"),
        ({"range": 1}, TypeError, "range must be a pair"),
        ({"range": (0, 1, 2)}, TypeError, "range must be a pair"),
        ({"range": ("0", "1")}, TypeError, "range must be a pair"),
        ({"range": (False, True)}, TypeError, "range must be a pair"),
        (
            {"reference": 20},
            TypeError,
            'reference must be a session\'s label as a text, such as "20"',
        ),
        ({"reference": ""}, ValueError, "reference must be a session's label"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(
    read: Reader, arguments: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind) as caught:
        read(GOOD, **arguments)
    first, _, second = says.partition(".*")
    assert first in str(caught.value) and second in str(caught.value)
    assert not isinstance(caught.value, ScoreSheetError)


def test_a_reference_that_is_no_session_is_refused_with_those_there_are(read: Reader) -> None:
    message = str(read.refused(GOOD, reference="S20"))
    assert (
        'reference "S20" is no session of the file (perhaps "s20"); the sessions are "s20"'
        in message
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (3, TypeError),
        (None, TypeError),
        (b"scores.csv", TypeError),
        ("", ValueError),
        ("a\0b", ValueError),
    ],
)
def test_a_path_that_is_none_is_refused(path: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="path must be the name of a CSV file"):
        read_scores(path, score="points", athlete="who", session="when")


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"score": "points", "athlete": "who", "session": "when"}
    with pytest.raises(ValueError, match="path must be a file.*is a folder"):
        read_scores(tmp_path, **columns)
    (tmp_path / "scores.csv").write_text(GOOD)
    with pytest.raises(
        FileNotFoundError, match=r'there is no file .*score\.csv.*perhaps "scores\.csv"'
    ):
        read_scores(str(tmp_path / "score.csv"), **columns)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_scores(tmp_path / "nowhere" / "scores.csv", **columns)


# ---- any valid table, however it is written


# Everything that Windows-1252 can write but spaces, controls, quotation marks and a spreadsheet's #.
LETTERS = [
    c
    for c in bytes(range(256)).decode("cp1252", "ignore")
    if unicodedata.category(c)[0] not in "CZ" and c not in '#"'
]


@st.composite
def written_tables(draw: st.DrawFn) -> tuple[pd.DataFrame, bytes, bool]:
    """A valid table, the bytes of a file that holds it, and whether repeats have their own column."""
    middle = st.text(st.sampled_from([*LETTERS, " "]), max_size=6)
    name = st.builds("{}{}{}".format, st.sampled_from(LETTERS), middle, st.sampled_from(LETTERS))
    athletes = draw(st.lists(name, min_size=2, max_size=4, unique_by=identity))
    sessions = draw(st.lists(name, min_size=2, max_size=3, unique_by=identity))
    cells = [
        (a, s, k) for a in athletes for s in sessions for k in range(1, draw(st.integers(1, 2)) + 1)
    ]
    scores = draw(st.lists(st.floats(0, 1), min_size=len(cells), max_size=len(cells)))
    order = draw(st.permutations(range(len(cells))))
    table = pd.DataFrame(
        [(*cells[i], scores[i]) for i in order], columns=["Athlete", "Día; nº", "n", "Punkte, %"]
    )
    comma, numbered_too = draw(st.booleans()), draw(st.booleans())
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from(",;\t")),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    pad = draw(st.sampled_from(["", " ", "\u00a0"]))
    writer.writerow(table.columns)
    for who, when, k, score in table.itertuples(index=False):
        number = repr(score).replace(".", ",") if comma else repr(score)
        writer.writerow([who + pad, when, k, number + pad])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return table, out.getvalue().encode(encoding), numbered_too


@given(written_tables())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_valid_table_comes_back_whatever_its_writing(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[pd.DataFrame, bytes, bool]
) -> None:
    table, content, numbered_too = written
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    path.write_bytes(content)
    found = read_scores(
        path,
        score="Punkte, %",
        athlete="Athlete",
        session="Día; nº",
        repeat="n" if numbered_too else None,
    )
    assert found["athlete_id"].tolist() == table["Athlete"].tolist()
    assert found["session_label"].tolist() == table["Día; nº"].tolist()
    assert found["correctness"].tolist() == table["Punkte, %"].tolist()
    assert (found["session_high"] == (table["Día; nº"] != table["Día; nº"].iloc[0])).all()
    if numbered_too:
        assert found["repeat_id"].tolist() == table["n"].tolist()
    else:
        assert found["n"].tolist() == table["n"].tolist()
        assert not found.duplicated(["athlete_id", "session_label", "repeat_id"]).any()


@given(
    st.lists(
        st.sampled_from([".5", "1", "", "NA", "x", "7", "50 %", "inf"]), min_size=4, max_size=30
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_either_every_row_comes_back_or_every_bad_row_is_named(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    lines = [f"p{i % 2},s{i // 2 % 2},{cell}\n" for i, cell in enumerate(cells)]
    path.write_text("who,when,points\n" + "".join(lines))
    bad = [row for row, cell in enumerate(cells, 2) if cell not in (".5", "1")]
    try:
        table = read_scores(path, score="points", athlete="who", session="when")
    except ScoreSheetError as error:
        assert sorted(row for p in error.problems for row in p.rows) == bad != []
    else:
        assert bad == [] and table["correctness"].tolist() == [float(cell) for cell in cells]


@pytest.mark.full
def test_a_big_sheet_is_read_within_three_seconds_of_work(read: Reader) -> None:
    rows = 200_000
    scores = np.random.default_rng(1).random(rows)
    lines = (f"p{i // 200},s{i % 2},{score!r}\n" for i, score in enumerate(scores.tolist()))
    content = "who,when,points\n" + "".join(lines)
    start = time.process_time()
    table = read(content)
    assert time.process_time() - start < 3
    assert (table["correctness"] == scores).all()
