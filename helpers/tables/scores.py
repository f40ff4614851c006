"""Score sheets from the field: read, checked as a whole, and given back tidy or not at all."""

from __future__ import annotations

import math
import unicodedata
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.tables import identities, numerals
from helpers.tables.findings import Findings, nearest, numbered, quoted
from helpers.tables.sheets import Sheet, read_sheet, trimmed

COLUMNS = ["athlete_id", "session_label", "session_high", "repeat_id", "correctness"]


def read_scores(
    path: str | PathLike[str],
    score: str,
    athlete: str,
    session: str,
    repeat: str | None = None,
    range: tuple[float, float] = (0, 1),
    reference: str | None = None,
) -> pd.DataFrame:
    """A score sheet (CSV, one row per repeat) as a checked tidy table, ready for the course's models.

    What can be repaired without doubt is repaired and told: byte-order marks and encodings as
    spreadsheets write them (UTF-8, UTF-16, Windows-1252), line ends, columns separated by comma,
    semicolon or tab, decimal commas, spaces around cells, empty rows and empty columns on the right.
    Anything else that is wrong is refused, all of it in one error with row numbers, and no table is given
    back.

    Parameters
    ----------
    path : str or path
        The file.
    score, athlete, session : str
        Names of its columns: the score of the repeat, who did it, in which session.
    repeat : str, optional
        Column that numbers the repeats within an athlete's session. Without it, rows are numbered from 1
        in file order, and told.
    range : (low, high)
        Limits of a valid score, both included, in the file's unit. Scores are kept in that unit: a sheet
        read with range=(0, 100) has `correctness` from 0 to 100, and so have all estimates made from it.
    reference : str, optional
        Label of the low session (`session_high` 0), with which the others are compared. Without it, the
        session in the first row, and told.

    Returns
    -------
    DataFrame, one row per row of the file and in its order: athlete_id (str), session_label (categorical,
    the reference first), session_high (0 in the reference session, 1 in any other), repeat_id (int),
    correctness (float), then the file's other columns: as numbers where all cells are, else as text; blanks
    there are missing values. Ids are text: "01" stays "01", and "01" beside "1" is refused. What was told
    stands in `.attrs["notes"]` too, a list of str.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it must be, or the path is a folder.
    FileNotFoundError
        There is no such file.
    ScoreSheetError (a ValueError)
        The file is refused; the message and its `.problems` list every problem with its rows, numbered as
        in a spreadsheet (the header is row 1).
    """
    file = _checked_path(path)
    score, athlete, session, repeat = _checked_columns(score, athlete, session, repeat)
    limits = _checked_range(range)
    reference = _checked_reference(reference)
    findings = Findings(file.name)
    wanted = [name for name in (score, athlete, session, repeat) if name is not None]
    sheet = read_sheet(file, wanted, findings)
    table = _tidy(sheet, score, athlete, session, repeat, limits, reference, findings)
    findings.stop_if_refused()
    _tell_balance(table, findings)
    if limits != (0, 1):
        findings.tell(f"scores are kept in their unit, {limits[0]:g} to {limits[1]:g}")
    table.attrs["notes"] = findings.notes
    print("\n".join([_summary(file.name, table), *map("- {}".format, findings.notes)]))
    return table


def _tidy(
    sheet: Sheet,
    score: str,
    athlete: str,
    session: str,
    repeat: str | None,
    limits: tuple[float, float],
    reference: str | None,
    findings: Findings,
) -> pd.DataFrame:
    """The table; its problems are in `findings` and must be looked at before it is handed on."""
    used = {score, athlete, session, repeat}
    clashing = [
        name
        for name in sheet.names
        if name in COLUMNS and name not in used and name != "session_high"
    ]
    for name in clashing:
        advice = ', or pass repeat="repeat_id"' if name == "repeat_id" and repeat is None else ""
        findings.refuse(
            f'the column "{name}" would collide with the table\'s own {name}: rename it{advice}'
        )
    there = {name for name in used if name in sheet.names}
    columns = {name: sheet.column(name) for name in sheet.names if name not in clashing}
    if not len(sheet.rows):
        findings.stop_if_refused()
    rows, table = sheet.rows, pd.DataFrame(index=pd.RangeIndex(len(sheet.rows)))
    if athlete in there:
        who = identities.names(columns[athlete], rows, f'athlete "{athlete}"', findings)
        table["athlete_id"] = pd.Series(who, dtype="str")
        _check_several(
            who,
            "athlete",
            "one athlete ({}) cannot show how athletes differ; two at least",
            findings,
        )
    if session in there:
        when = identities.names(columns[session], rows, f'session "{session}"', findings)
        _check_several(
            when, "session", "one session ({}) leaves nothing to compare; two at least", findings
        )
        _add_sessions(table, when, reference, findings)
    if repeat is not None and repeat in there:
        numbers = numerals.whole_numbers(columns[repeat], rows, f'repeat "{repeat}"', findings)
        if numbers is not None:
            table["repeat_id"] = numbers
    elif repeat is None and {athlete, session} <= there:
        table["repeat_id"] = (
            table.groupby(["athlete_id", "session_label"], observed=True).cumcount() + 1
        )
        findings.tell("repeats are numbered in file order within athlete and session")
    if score in there:
        table["correctness"] = numerals.scores(
            columns[score], rows, f'score "{score}"', limits, findings
        )
    if repeat is not None and {"athlete_id", "session_label", "repeat_id"} <= set(table):
        _check_duplicates(table, rows, findings)
    mark = numerals.decimal_mark(columns.get(score, []))
    return _with_others(table, columns, used, mark, rows, findings)


def _check_several(found: np.ndarray, what: str, reason: str, findings: Findings) -> None:
    present = identities.distinct(found)
    if len({identities.identity(name) for name in present}) == 1:
        findings.refuse(f"{what}: {reason.format(quoted(present))}")


def _add_sessions(
    table: pd.DataFrame, when: np.ndarray, reference: str | None, findings: Findings
) -> None:
    labels = identities.distinct(when)
    if reference is None:
        low = labels[0] if labels else ""
        findings.tell(
            f'session "{low}" is the reference, since it comes first; pass reference= to choose another'
        )
    else:
        # The argument and the file may store the same letters (é) differently; see identities.identity.
        same = [label for label in labels if unicodedata.normalize("NFC", label) == reference]
        low = same[0] if same else ""
        if not same:
            findings.refuse(
                f'reference "{reference}" is no session of the file{nearest(reference, labels)}; '
                f"the sessions are {quoted(labels, 50)}"
            )
    others = [label for label in labels if label != low]
    if len(others) > 1:
        findings.tell(f"session_high is 1 in every session but the reference: {quoted(others, 50)}")
    order = [low, *others] if low else others
    categories = pd.Index(order, dtype="str")
    table["session_label"] = pd.Categorical.from_codes(
        categories.get_indexer(when), categories=categories
    )
    table["session_high"] = (when != low).astype(np.int64)


def _check_duplicates(table: pd.DataFrame, rows: np.ndarray, findings: Findings) -> None:
    key = ["athlete_id", "session_label", "repeat_id"]
    named = (table["athlete_id"] != "") & table["session_label"].notna()
    twice = table.duplicated(key, keep=False) & named
    if not twice.any():
        return
    groups = (
        table.loc[twice, key].assign(row=rows[twice]).groupby(key, observed=True, sort=False)["row"]
    )
    shown = [
        f"{who}, {when}, repeat {number} in {numbered(at)}"
        for (who, when, number), at in list(groups)[:20]
    ]
    findings.refuse(
        f"repeats that are there more than once: {'; '.join(shown)}{'; …' * (groups.ngroups > 20)}",
        rows[twice],
        named=groups.ngroups <= 20,
    )


def _with_others(
    table: pd.DataFrame,
    columns: dict[str, list[str]],
    used: set[str | None],
    mark: str | None,
    rows: np.ndarray,
    findings: Findings,
) -> pd.DataFrame:
    table = table[[name for name in COLUMNS if name in table]].copy()
    further = {}
    for name, cells in columns.items():
        if name in used:
            continue
        if name != "session_high":
            further[name] = numerals.covariate(cells, f'"{name}"', mark, findings)
        elif "session_high" in table:
            # A file of this course has the column; it is welcome if it says what the reference says.
            differs = numerals.numbers(cells) != table["session_high"].to_numpy()
            if differs.any():
                findings.refuse(
                    'the column "session_high" of the file contradicts the reference session; rename it, '
                    "or pass the reference that it means",
                    rows[differs],
                )
    return pd.concat([table, pd.DataFrame(further, index=table.index)], axis=1)


def _tell_balance(table: pd.DataFrame, findings: Findings) -> None:
    counts = pd.crosstab(table["athlete_id"], table["session_label"])
    partly = counts.index[(counts == 0).any(axis=1)]
    if len(partly):
        findings.tell(
            f"not in every session: {quoted(partly, 20)} ({len(partly)} of {len(counts)} athletes)"
        )


def _summary(name: str, table: pd.DataFrame) -> str:
    sessions = quoted(table["session_label"].cat.categories, 10)
    counts = table.groupby(["athlete_id", "session_label"], observed=True).size()
    each = f"{counts.min()} to {counts.max()}" if counts.min() < counts.max() else f"{counts.min()}"
    return (
        f"{name}: {len(table)} scores of {table['athlete_id'].nunique()} athletes in "
        f"{table['session_label'].nunique()} sessions ({sessions}), repeats each: {each}"
    )


def _checked_path(path: Any) -> Path:
    if not isinstance(path, (str, PathLike)) or isinstance(path, bytes):
        raise TypeError(
            f'path must be the name of a CSV file, such as "scores.csv"; given {path!r}'
        )
    if not str(path).strip() or "\0" in str(path):
        raise ValueError(
            f'path must be the name of a CSV file, such as "scores.csv"; given {path!r}'
        )
    file = Path(path).expanduser()
    if file.is_dir():
        raise ValueError(f"path must be a file; {str(path)!r} is a folder")
    if not file.is_file():
        here = (
            sorted(other.name for other in file.parent.glob("*") if other.is_file())
            if file.parent.is_dir()
            else []
        )
        raise FileNotFoundError(f"path: there is no file {str(path)!r}{nearest(file.name, here)}")
    return file


def _checked_columns(
    score: Any, athlete: Any, session: Any, repeat: Any
) -> tuple[str, str, str, str | None]:
    named: dict[str, str] = {}
    for argument, name in {
        "score": score,
        "athlete": athlete,
        "session": session,
        "repeat": repeat,
    }.items():
        if argument == "repeat" and name is None:
            continue
        if not isinstance(name, str):
            raise TypeError(f"{argument} must be the name of a column, a text; given {name!r}")
        clean = unicodedata.normalize("NFC", trimmed(name))
        if not clean:
            raise ValueError(f"{argument} must be the name of a column; given {name!r}")
        if clean in named.values():
            other = next(key for key, value in named.items() if value == clean)
            raise ValueError(
                f"{argument} and {other} must be different columns; given {name!r} for both"
            )
        named[argument] = clean
    return named["score"], named["athlete"], named["session"], named.get("repeat")


def _checked_range(limits: Any) -> tuple[float, float]:
    what = (
        "range must be a pair of numbers, the lowest and the highest possible score, such as (0, 1)"
    )
    if not isinstance(limits, (tuple, list)) or len(limits) != 2:
        raise TypeError(f"{what}; given {limits!r}")
    if any(isinstance(limit, (bool, np.bool_)) or not isinstance(limit, Real) for limit in limits):
        raise TypeError(f"{what}; given {limits!r}")
    low, high = float(limits[0]), float(limits[1])
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise ValueError(f"{what}, finite, the lower one first; given {limits!r}")
    return low, high


def _checked_reference(reference: Any) -> str | None:
    if reference is None:
        return None
    if not isinstance(reference, str):
        raise TypeError(
            f'reference must be a session\'s label as a text, such as "{reference}"; given {reference!r}'
        )
    clean = unicodedata.normalize("NFC", trimmed(reference))
    if not clean:
        raise ValueError(f"reference must be a session's label; given {reference!r}")
    return clean
