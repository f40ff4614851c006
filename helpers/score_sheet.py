"""Score sheets of your own, read and checked as a whole."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
NO_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]"
INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
MISSING = r"(?i:#?n/?a|nan|<na>|null|none|missing|nil|\.)"
NO_NAME = r"(?:#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!))?"
NOT_A_SCORE = {  # what may stand in place of a score (the first pattern that fits), and what to do
    "": "blank: fill it in, or delete the row and say so in your report",
    MISSING: "marked as missing: fill it in, or delete the row and say so in your report",
    NUMBER + r"\s*%": "written with a percent sign: remove the signs and pass range=(0, 100)",
    r"[+-]?\d{1,3}(?:[ \u00a0\u202f'’.,]\d{3})+(?:[.,]\d*)?": "written with a thousands separator: remove it",
    r"(?s:.*)": "text where a number is expected",
}
# Apostrophes, dashes, Cyrillic and Greek letters that look like others, as small letters or as capitals, but for the
# Greek small mu ("5 μg" is not "5 mg"). Quotation marks are no part of a name.
LOOKALIKES = str.maketrans(
    "‘’‛ʹʻʼ′`´‐‑‒–—―−⁃авеѕіјкмнорстухАВЕЅІЈКМНОРСТУХαβεζηικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "'''''''''--------abesijkmhopctyxABESIJKMHOPCTYXabezhiknoptyxABEZHIKMNOPTYX",
    '"“”„″',
)
FORMATS = (  # how people write dates
    "%Y-%m-%d|%Y-%m-%d %H:%M|%Y-%m-%d %H:%M:%S|%Y%m%d|%d.%m.%Y|%d/%m/%Y|%m/%d/%Y|%d-%m-%Y|%m-%d-%Y|"
    "%d.%m.%y|%d/%m/%y|%m/%d/%y|%d %b %Y|%d %B %Y"
).split("|")


class Problem(NamedTuple):
    """One kind of problem in words, and its rows as a spreadsheet numbers them (the header is row 1)."""

    text: str
    rows: tuple[int, ...]


class ScoreSheetError(ValueError):
    """A file that cannot be used as it is. `problems` holds every problem, each with all of its rows."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = _counted(len(problems), "problem")
        listed = "".join(f"- {problem.text}\n" for problem in problems)
        super().__init__(
            f"{source} cannot be used as it is: {count} (row 1 is the header).\n{listed}"
            "Nothing was read. Correct the file, then read it again."
        )


class _Findings:
    """What is repaired or chosen (`notes`) and what is refused (`problems`) while a file is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.note = self.notes.append

    def refuse(self, text: str, wrong: pd.Series | None = None, named: bool = False) -> None:
        """A problem of the whole file, or of the rows for which `wrong` holds; `named`: the text has the rows."""
        rows = () if wrong is None else tuple(map(int, wrong.index[wrong]))
        if wrong is None or rows:
            shown = f" ({_rows(rows)})" if rows and not named else ""
            self.problems.append(Problem(f"{text}{shown}", rows))

    def stop_if_refused(self) -> None:
        """Raise all problems so far."""
        if self.problems:
            raise ScoreSheetError(self.source, self.problems)


def read_scores(
    path: str | PathLike[str] | pd.DataFrame,
    score: str,
    athlete: str,
    session: str,
    repeat: str | None = None,
    range: tuple[float, float] | None = (0, 1),
    reference: str | None = None,
    group: str | None = None,
    control: str | None = None,
    date: str | None = None,
    date_format: str | None = None,
) -> pd.DataFrame:
    """A score sheet (CSV, one row per score) as a checked tidy table, ready for the course's models.

    What has only one meaning is repaired and noted (encodings, separators and decimal commas of spreadsheets, spaces,
    empty rows and columns); anything else that is wrong is refused, all of it in one error.

    Parameters
    ----------
    path : str, path or DataFrame
        The file, or a table that pandas has read or made long.
    score, athlete, session : str
        Names of the file's columns: the score, who did it, in which session.
    repeat, group, date : str, optional
        Columns that number the repeats of an athlete's session (otherwise they are numbered in file order); that say to
        which group the athlete belongs (one filled row per athlete is enough); dates or day numbers of the sessions.
    range : (low, high) or None
        Limits of a valid score, both included, in the unit of the file, which scores keep: (0, 100) for percent; None
        for scores without limits.
    reference, control : str, optional
        The session, and the group, with which the others are compared; those of the first row, if none is given.
    date_format : str, optional
        How dates are written ("%d.%m.%Y", as for `datetime.strptime`); otherwise, the usual ways are tried.

    Returns
    -------
    DataFrame, a row for each of the file: athlete_id (str), session_label (categorical, the reference first),
    session_high (0 in the reference session, else 1), repeat_id (int), correctness (float). With a group: group
    (categorical). With a date: day (int, from the first in the file) and order (int, how many sessions the athlete had
    on earlier days). Then the other columns: as numbers where all cells are, else as text; blanks there are missing
    values. Ids are text: "01" stays "01". The notes are printed, and are in `.attrs["notes"]`.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        An argument is not what it must be; there is no such file. ScoreSheetError (a ValueError): the file is refused;
        `.problems` holds every problem with its rows, as a spreadsheet numbers them.
    """
    name, content = _content(path)
    needed = {"score": score, "athlete": athlete, "session": session}
    used = _columns(needed, {"repeat": repeat, "group": group, "date": date})
    if (control is not None and group is None) or (date_format is not None and date is None):
        raise ValueError("control needs a group, date_format a date: the name of its column")
    limits = _limits(range)
    found = _Findings(name)
    cells = _cells(content, set(used.values()), found)
    taken = {key: cells.pop(column).rename(f'{key} "{column}"') for key, column in used.items()}
    table = pd.DataFrame({"athlete_id": _names(taken["athlete"], found)})
    sessions = _categories(_names(taken["session"], found), "reference", reference, found)
    table["session_label"], labels = sessions, sessions.cat.categories
    table["session_high"] = (sessions.cat.codes != 0).astype("int64")
    if len(labels) > 2:
        every = "session_high is 1 in every session but the reference"
        found.note(f"{every}: {_quoted(labels[1:], 50)}")
    scores = _scores(taken["score"], limits, found)
    by_session = table.groupby(["athlete_id", "session_label"], observed=True)
    if "repeat" in taken:
        table["repeat_id"] = _repeats(taken["repeat"], table, found)
    else:
        table["repeat_id"] = by_session.cumcount() + 1
        found.note("repeats are numbered in file order within athlete and session")
    table["correctness"] = scores
    if "group" in taken:
        table["group"] = _groups(taken["group"], table["athlete_id"], control, found)
    if "date" in taken:
        table["day"] = _days(taken["date"], date_format, found)
        table["order"] = _order(table, taken["date"].name, found)
    mark = "," if taken["score"].str.contains(",").any() else "."
    for column in cells:
        _add_other(table, cells[column], mark, found)
    found.stop_if_refused()
    counts = by_session.size()
    present = counts.groupby("athlete_id").size()
    if partly := list(present.index[present < len(labels)]):
        share = f"({len(partly)} of {len(present)} athletes)"
        found.note(f"not in every session: {_quoted(partly, 20)} {share}")
    if limits != (0, 1):
        ends = "without limits" if range is None else "{:g} to {:g}".format(*limits)
        found.note(f"scores are kept in their unit, {ends}")
    each = " to ".join(map(str, sorted({counts.min(), counts.max()})))
    print(
        f"{name}: {len(table)} scores of {len(present)} athletes in {len(labels)} sessions "
        f"({_quoted(labels, 10)}), repeats each: {each}"
    )
    print("".join(f"- {note}\n" for note in found.notes), end="")
    table.attrs["notes"] = found.notes
    return table.reset_index(drop=True)


def _columns(needed: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, str]:
    """Argument → name of its column, for those that are given."""
    given = {**needed, **{key: name for key, name in optional.items() if name is not None}}
    for argument, name in given.items():
        if not isinstance(name, str):
            raise TypeError(f"{argument} must be the name of a column, a text; given {name!r}")
    used = {argument: _clean(name) for argument, name in given.items()}
    if len(set(used.values())) < len(used):
        raise ValueError(f"{', '.join(used)} must be different columns; given {[*used.values()]}")
    return used


def _limits(given: Any) -> tuple[float, float]:
    """The lowest and the highest possible score."""
    if given is None:
        return -math.inf, math.inf
    what = "range must be a pair of finite numbers, the lower one first, such as (0, 1), or None"
    if not isinstance(given, (tuple, list)) or [isinstance(x, Real) for x in given] != [True] * 2:
        raise TypeError(f"{what}; given {given!r}")
    if not -math.inf < given[0] < given[1] < math.inf:
        raise ValueError(f"{what}; given {given!r}")
    return float(given[0]), float(given[1])


def _content(path: Any) -> tuple[str, bytes]:
    """What messages call the file, and its bytes; a table's are those of the file that it would make."""
    if isinstance(path, pd.DataFrame):
        return "the table", path.to_csv(index=False).encode()
    if not isinstance(path, (str, PathLike)):
        what = 'the name of a file, such as "scores.csv", or a table'
        raise TypeError(f"path must be {what}; given {path!r}")
    file = Path(path).expanduser()
    if not file.is_file():
        near = _nearest(file.name, (other.name for other in file.parent.glob("*")))
        raise FileNotFoundError(f"path: there is no file {str(path)!r}{near}")
    return file.name, file.read_bytes()


def _cells(content: bytes, wanted: set[str], found: _Findings) -> pd.DataFrame:
    """The sheet as trimmed text: the header's names as columns, row numbers of a spreadsheet as index."""
    text = _decoded(content, found)
    if text.startswith("sep="):  # Excel does not show this line, nor count it as a row
        text = text.partition("\n")[2]
        found.note('the first line, "sep=…", is a note to Excel and no row')
    separator = _separator(text, wanted)
    raw = _records(text, separator, found)
    cells = raw.map(_clean, na_action="ignore")
    if padded := int((raw.fillna("") != cells.fillna("")).sum(axis=None)):
        found.note(f"spaces around {_counted(padded, 'cell')} removed")
    if separator != ",":
        found.note(f"columns are separated by {SEPARATORS[separator]}")
    filled = cells.fillna("") != ""
    if not filled.any(axis=1).all():
        found.note(f"empty rows were left out ({_rows(cells.index[~filled.any(axis=1)])})")
    width = int(np.flatnonzero(filled.any())[-1]) + 1
    if width < cells.shape[1]:
        found.note("empty columns on the right were left out")
    cells = cells.loc[filled.any(axis=1), : width - 1]
    names = _header(cells, wanted, found)
    counts = cells.notna().sum(axis=1)
    for count in sorted(set(counts) - {len(names)}):
        comma = separator == "," and count > len(names)
        advice = "; decimal commas need quotation marks, or semicolons between the columns" * comma
        found.refuse(f"{count} cells where the header has {len(names)}{advice}", counts == count)
    body = cells.loc[counts == len(names)].iloc[1:, : len(names)].set_axis(names, axis=1)
    if body.empty:
        found.refuse("there is a header and no whole row below it")
        found.stop_if_refused()
    return body


def _decoded(content: bytes, found: _Findings) -> str:
    r"""The text of the file, with \n at line ends, and letters with accents as one character each."""
    marked = [name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)]
    try:
        text = content.decode(*marked)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        found.note("not UTF-8; read as Windows-1252 (Western European): check letters with accents")
    if re.search(NO_TEXT, text):
        kind = "an Excel workbook, or another file that is binary or damaged, and not a text file"
        advice = 'open it in the spreadsheet program and save it as "CSV UTF-8"'
        found.refuse(f"this is {kind}: {advice}")
    elif not re.sub(r'[,;\s"]', "", text):
        found.refuse("the file is empty")
    found.stop_if_refused()
    if marked:
        found.note(f"byte-order mark removed ({marked[0].upper().removesuffix('-SIG')})")
    if "\r" in text:
        found.note("line ends of Windows or an old Mac read as line ends")
    if not unicodedata.is_normalized("NFC", text):
        found.note("letters with accents are stored as one character each")
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return unicodedata.normalize("NFC", text)


def _separator(text: str, wanted: set[str]) -> str:
    """The separator with which a row near the top holds the most wanted names, then the first the most cells."""
    lines = [line for line in text.split("\n")[:20] if line]

    def fit(mark: str) -> tuple[int, int]:
        rows = [set(map(_clean, row)) for row in csv.reader(lines, delimiter=mark)]
        return max(len(row & wanted) for row in rows), len(rows[0])

    return max(SEPARATORS, key=fit)


def _records(text: str, separator: str, found: _Findings) -> pd.DataFrame:
    """The cells as they stand, missing where a row is shorter than others."""
    records: list[list[str]] = []
    # `pandas.read_csv` does not say which rows are too short or too long, nor where a quotation mark that is never
    # closed begins to swallow rows; Python's own reader does.
    try:
        for record in csv.reader(io.StringIO(text), delimiter=separator, strict=True):
            records.append(record)
    except csv.Error:
        here = pd.Series(True, index=[len(records) + 1])
        found.refuse("a quotation mark opens a cell and does not close it, here or below", here)
        found.stop_if_refused()
    cells = list(zip(*zip_longest(*records), strict=True))
    return pd.DataFrame(cells, index=pd.RangeIndex(1, len(cells) + 1), dtype="str")


def _header(cells: pd.DataFrame, wanted: set[str], found: _Findings) -> list[str]:
    """The names of the columns, from the first row."""
    names = [name or f"unnamed_{at}" for at, name in enumerate(cells.iloc[0].dropna(), 1)]
    if unnamed := [name for name in names if name not in set(cells.iloc[0])]:
        found.note(f"columns without a name are called {_quoted(unnamed)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        found.refuse(f"columns share a name: {_quoted(twice)}; give each its own")
    if missing := sorted(wanted - set(names)):
        absent = ", ".join(f'"{name}"{_nearest(name, names)}' for name in missing)
        advice = "; separate the columns by commas, semicolons or tabs" * (len(names) == 1)
        for row in (row for row in cells.index[1:21] if wanted <= set(cells.loc[row])):
            advice = f"; row {row} looks like the header: delete the rows above it"
        found.refuse(f"there is no column {absent}; the columns are {_quoted(names, 50)}{advice}")
    found.stop_if_refused()
    return names


def _names(cells: pd.Series, found: _Findings) -> pd.Series:
    """Names of athletes or sessions: text as it stands, missing where refused; each has one spelling."""
    label, wrong = cells.name, cells.str.fullmatch(NO_NAME)
    error = f"is blank, or an error of the spreadsheet ({_quoted(cells[wrong])})"
    found.refuse(f"{label} {error}", wrong)
    names = cells.mask(wrong)
    for same in _spellings(names):
        each = "; ".join(f'"{name}" in {_rows(cells.index[cells == name])}' for name in same)
        why = "names that differ only in case, spaces, letter variants or zeros; write one"
        text = f"{label} has {why}: {each}{_in_words(same)}"
        found.refuse(text, cells.isin(same), named=True)
    present = names.dropna().unique()
    if len(set(map(_identity, present))) == 1 and not found.problems:
        found.refuse(f"{label} holds one name only ({_quoted(present)}): nothing to compare")
    if odd := [name for name in present if re.fullmatch(MISSING, name)]:
        found.note(f"{_quoted(odd)} in {label} is kept as a name, not taken for missing")
    return names


def _spellings(names: pd.Series) -> list[list[str]]:
    """Names that are spelt in several ways, with their spellings."""
    found: dict[str, list[str]] = {}
    for name in names.dropna().unique():
        found.setdefault(_identity(name), []).append(name)
    return [spellings for spellings in found.values() if len(spellings) > 1]


def _identity(name: str) -> str:
    """What is left of a name without case, spaces, invisible marks, variants of letters and needless zeros."""
    plain = unicodedata.normalize("NFD", name).translate(LOOKALIKES)
    folded = unicodedata.normalize("NFKD", plain).casefold()
    bare = "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
    number = re.fullmatch(r"0*([0-9]+?)(?:[.,]0*)?", bare)
    return number.group(1) if number else bare


def _in_words(names: Iterable[str]) -> str:
    """The marks and letters in names that look like others."""
    odd = {unicodedata.name(c).lower() for name in names for c in name if ord(c) in LOOKALIKES}
    return f" (with {', '.join(sorted(odd))})" if odd else ""


def _categories(names: pd.Series, argument: str, chosen: str | None, found: _Findings) -> pd.Series:
    """Sessions or groups as categories: the one to compare with first, then as they come in the file."""
    if not isinstance(chosen, str | None):
        raise TypeError(f'{argument} must be a text, such as "{chosen}"; given {chosen!r}')
    labels = [*names.dropna().unique()]
    kind = str(names.name).partition(" ")[0]
    first = _clean(chosen) if chosen is not None else labels[0] if labels else ""
    if chosen is None:
        choice = f"since it comes first; pass {argument}= to choose another"
        found.note(f'{kind} "{first}" is the reference, {choice}')
    elif first not in labels:
        known = f"{_nearest(first, labels)}; the {kind}s are {_quoted(labels, 50)}"
        found.refuse(f'{argument} "{chosen}" is no {kind} of the file{known}')
    order = pd.Index([first, *(label for label in labels if label != first)], dtype="str")
    return names.astype(pd.CategoricalDtype(order))


def _groups(
    cells: pd.Series, athletes: pd.Series, control: str | None, found: _Findings
) -> pd.Series:
    """The group of each athlete: the same in all rows, filled in where some of an athlete's rows leave it blank."""
    blank = cells == ""
    given = cells.mask(blank).groupby(athletes).transform("first")
    filled = blank & given.notna()
    if filled.any():
        rows = _counted(int(filled.sum()), "row")
        found.note(f"{cells.name} is blank in {rows}: filled in from the athlete's other rows")
    names = _names(cells.mask(filled, given), found)
    several = names.map(_identity, na_action="ignore").groupby(athletes).transform("nunique") > 1
    rows_of = names[several].groupby([athletes, names], sort=False).groups
    each = "; ".join(f'{who}, "{label}" in {_rows(rows)}' for (who, label), rows in rows_of.items())
    found.refuse(f"{cells.name} changes within an athlete: {each}", several, named=True)
    return _categories(names, "control", control, found)


def _days(cells: pd.Series, date_format: str | None, found: _Findings) -> pd.Series:
    """Days from the first one, 0 where refused: from dates, or from whole numbers."""
    numbers = _values(cells)
    whole = (numbers % 1 == 0) & (numbers < 1e5)  # beyond, 20260309 is a date
    ways = [date_format] if date_format else [] if whole.all() else FORMATS
    read = {} if date_format else {"whole numbers": numbers.where(whole)}
    for way in ways:
        when = pd.to_datetime(cells, format=way, errors="coerce").dt.normalize()
        read[way] = (when - pd.Timestamp(0)).dt.days
    best = max(read, key=lambda way: read[way].count())
    days, odd = read[best], read[best].isna()
    if odd.any():
        what = f"is blank, or not written like {best} ({_quoted(cells[odd])})"
        found.refuse(f"{cells.name} {what}: write all in one way, or pass date_format", odd)
        return odd.astype("int64")
    if unlike := [way for way in read if not read[way].isna().any() and not days.equals(read[way])]:
        either = " and as ".join([best, *unlike])
        found.refuse(f"{cells.name} can be read as {either}: say which with date_format")
    found.note(f'day counts from "{cells[days.idxmin()]}", the first in {cells.name}')
    return (days - days.min()).astype("int64")


def _order(table: pd.DataFrame, label: object, found: _Findings) -> pd.Series:
    """For each row, how many sessions its athlete had on earlier days; a session has one day."""
    session = ["athlete_id", "session_label"]
    several = table.groupby(session, observed=True)["day"].transform("nunique") > 1
    labels = table["athlete_id"] + ", session " + table["session_label"].astype("str")
    advice = "give each day's session a label of its own; one past midnight has one date"
    found.refuse(f"{label} has several days in {_quoted(labels[several])}: {advice}", several)
    found.note("order counts an athlete's sessions on earlier days, so that the first is 0")
    first = table.drop_duplicates(session).groupby("athlete_id")["day"].rank("min") - 1
    order = table.assign(order=first).groupby(session, observed=True)["order"].transform("first")
    return order.fillna(0).astype("int64")


def _values(cells: pd.Series) -> pd.Series:
    """The cells as numbers (float), nan where a cell is none."""
    return cells.where(cells.str.fullmatch(NUMBER)).str.replace(",", ".").astype("float64")


def _repeats(cells: pd.Series, table: pd.DataFrame, found: _Findings) -> pd.Series:
    """Numbers of the repeats; each is there once in a session of an athlete."""
    values = _values(cells)
    wrong = ~(values >= 0) | (values % 1 != 0)
    found.refuse(f"{cells.name} is not a whole number, 0 or more ({_quoted(cells[wrong])})", wrong)
    table = table[["athlete_id", "session_label"]].assign(repeat=values)
    twice = table.duplicated(keep=False) & table.notna().all(axis=1)
    groups = [
        f"{who}, {when}, repeat {number:g} in {_rows(group.index)}"
        for (who, when, number), group in table[twice].groupby([*table], observed=True, sort=False)
    ]
    found.refuse(f"repeats that are there more than once: {'; '.join(groups)}", twice, named=True)
    return values if wrong.any() else values.astype("int64")


def _scores(cells: pd.Series, limits: tuple[float, float], found: _Findings) -> pd.Series:
    """The scores (float); what is no number, or lies outside the limits, is refused."""
    label, values, (low, high) = cells.name, _values(cells), limits
    rest = values.isna()
    for pattern, advice in NOT_A_SCORE.items():
        wrong = rest & cells.str.fullmatch(pattern)
        listed = f" ({_quoted(cells[wrong])})" if pattern else ""
        found.refuse(f"{label} is {advice}{listed}", wrong)
        rest &= ~wrong
    commas, dots = (values.notna() & cells.str.contains(mark, regex=False) for mark in ",.")
    if commas.any() and dots.any():
        rarer, word = (commas, "comma") if commas.sum() <= dots.sum() else (dots, "dot")
        found.refuse(f"{label} mixes decimal commas and decimal dots; here stands a {word}", rarer)
        return values
    marked = commas | dots
    grouped = cells[marked].str.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}").all()
    if high >= 1000 and grouped and (commas.any() or not marked.all()):
        advice = "leave out marks of thousands, and write decimals in every cell, with a dot"
        found.refuse(f"{label} may hold decimals or thousands: {advice}", marked)
    elif commas.any():
        found.note(f"decimal commas in {label} read as decimal dots")
    outside = (values < low) | (values > high)
    listed = ", ".join(f"{value:g}" for value in values[outside].unique()[:5])
    if limits == (0, 1) and values.min() >= 0 and values.max() <= 100 and values.median() > 1:
        listed += (
            "; if these scores go from 0 to 100, pass range=(0, 100); without limits, range=None"
        )
    found.refuse(f"{label} lies outside range {low:g} to {high:g}: {listed}", outside)
    return values


def _add_other(table: pd.DataFrame, cells: pd.Series, mark: str, found: _Findings) -> None:
    """Add a further column of the file: numbers if every cell that is not blank is one, with the decimal mark of the
    scores (the other mark may stand for thousands), else its text as it stands."""
    name, values, blank = cells.name, _values(cells), cells == ""
    if name == "session_high":  # a file of this course has it; it may stay if it agrees
        advice = "rename it, or pass the reference that it means"
        differs = values != table[name]
        found.refuse(f'the column "{name}" contradicts the reference session: {advice}', differs)
        return
    if name in table:
        advice = ', or pass repeat="repeat_id"' * (name == "repeat_id")
        found.refuse(f'the column "{name}" would collide with the table\'s own: rename it{advice}')
        return
    if count := int(blank.sum()):
        found.note(f'"{name}" is blank in {_counted(count, "row")}: missing there')
    filled, other = cells[~blank], "." if mark == "," else ","
    good = values[~blank].notna() & ~filled.str.contains(other, regex=False)
    coded = filled.str.match(r"[+-]?0[0-9]").any()  # 007 is a name
    table[name] = cells.mask(blank)
    if len(filled) and good.all() and not coded:
        if filled.str.contains(",").any():
            found.note(f'decimal commas in "{name}" read as decimal dots')
        whole = (values % 1 == 0).all() and values.abs().max() < 2**53
        table[name] = values.astype("int64") if whole else values
        return
    if 2 * values.count() > len(cells) and not coded:
        why = "since not all of it is numbers written as the scores are"
        found.note(f'"{name}" is kept as text, {why}: {_quoted(filled[~good])}')
    for same in _spellings(filled):
        found.note(f'"{name}" has texts that may mean the same: {_quoted(same)}{_in_words(same)}')


def _clean(text: str) -> str:
    """The text without spaces and invisible marks around it; letters with accents as one character each."""
    return unicodedata.normalize("NFC", text.strip().strip(INVISIBLE).strip())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _rows(rows: Iterable[int]) -> str:
    """Rows in words, runs drawn together: "row 3", "rows 3–7, 9, 12–14"."""
    ordered = np.unique(np.fromiter(rows, dtype=np.int64))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"row{'s' * (len(ordered) > 1)} {', '.join(words)}"


def _nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    folded = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f' (perhaps "{folded[close[0]]}")' if close else ""


def _quoted(values: Iterable[Any], most: int = 5) -> str:
    """The first few different values in quotes, "…" for the others."""
    texts = [f'"{value:.60}{"…" * (len(value) > 60)}"' for value in dict.fromkeys(map(str, values))]
    return ", ".join(texts[:most] + ["…"] * (len(texts) > most))
