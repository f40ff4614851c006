"""From a file's bytes to a sheet of text cells: encoding, separator, header, rows of one width."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.tables.findings import Findings, counted, nearest, numbered, quoted

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
BYTE_ORDER_MARKS = [  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
WORKBOOKS = {
    b"PK\x03\x04": "an Excel workbook (or another zipped file)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
SAVE_AS_CSV = 'open it in the spreadsheet program and save it as "CSV UTF-8"'


@dataclass(frozen=True)
class Sheet:
    """Text cells, trimmed: column names, cells (rows as long as `names`), each row's number in a
    spreadsheet."""

    names: list[str]
    cells: list[list[str]]
    rows: np.ndarray

    def column(self, name: str) -> list[str]:
        """The cells of one column."""
        at = self.names.index(name)
        return [row[at] for row in self.cells]


def trimmed(text: str) -> str:
    """The text without spaces and invisible marks around it."""
    return text.strip().strip(INVISIBLE).strip()


def read_sheet(path: Path, wanted: Sequence[str], findings: Findings) -> Sheet:
    """The file as a sheet of text. `wanted` are the columns that must be there; what is repaired is told,
    ragged rows and faults of the header are refused (and such rows are not in the sheet). Stops at what
    cannot be a table."""
    text = _decoded(path.read_bytes(), findings)
    if not re.sub(r'[,;\s"]', "", trimmed(text)):
        findings.refuse("the file is empty")
        findings.stop_if_refused()
    hint = re.match(r"sep=(.)\r?\n", text)
    if hint:  # a line for Excel, which does not show or count it as a row
        text = text[hint.end() :]
        findings.tell('the first line, "sep=…", is a note to Excel and no row')
    separator = _separator(text, wanted)
    records = _records(text, separator, findings)
    if separator != ",":
        findings.tell(f"columns are separated by {SEPARATORS[separator]}s")
    filled = [(row, cells) for row, cells in records if any(cells)]
    last = filled[-1][0]
    empty = [row for row, cells in records if not any(cells)]
    if any(row < last for row in empty) or any(cells for row, cells in records if row > last):
        findings.tell(f"empty rows were left out ({numbered(empty)})")
    header_row, header = filled[0]
    body = _without_empty_columns(header, filled[1:], findings)
    names = _names(header, findings)
    _check_header(names, wanted, filled, header_row, separator, findings)
    if not body:
        findings.refuse("there is a header and no row below it")
    return _rectangular(names, body, separator, findings)


def _decoded(content: bytes, findings: Findings) -> str:
    for start, what in WORKBOOKS.items():
        if content.startswith(start):
            findings.refuse(f"this is {what}, not a text file: {SAVE_AS_CSV}")
            findings.stop_if_refused()
    marked = next(
        (encoding for mark, encoding in BYTE_ORDER_MARKS if content.startswith(mark)), None
    )
    for encoding in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        text = "\0"
    if CONTROL.search(text):
        findings.refuse(f"this is a binary or damaged file, not a text file: {SAVE_AS_CSV}")
        findings.stop_if_refused()
    if encoding == "cp1252":
        findings.tell(
            "the file is not UTF-8; read as Windows-1252 (Western European): check letters with accents"
        )
    elif marked:
        findings.tell(
            f"byte-order mark removed ({'UTF-8' if marked == 'utf-8-sig' else marked.upper()})"
        )
    if "\r" in text:
        findings.tell("line ends of Windows or an old Mac read as line ends")
    return text


def _records(text: str, separator: str, findings: Findings) -> list[tuple[int, list[str]]]:
    """Rows with their numbers, cells trimmed. A quotation mark that is never closed would swallow rows: it
    stops the reading."""
    records: list[tuple[int, list[str]]] = []
    trim = trimmed if any(mark in text for mark in INVISIBLE) else str.strip
    padded = 0
    try:
        for row, cells in _reader(text, separator):
            clean = list(map(trim, cells))
            if clean != cells:
                padded += sum(new != old for new, old in zip(clean, cells, strict=True))
            records.append((row, clean))
    except csv.Error:
        findings.refuse(
            "a quotation mark opens a cell and does not close it (it opens in this row, or is the first "
            "fault after it)",
            [len(records) + 1],
        )
        findings.stop_if_refused()
    if padded:
        findings.tell(f"spaces around {counted(padded, 'cell')} removed")
    return records


def _reader(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    return enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1)


def _separator(text: str, wanted: Sequence[str]) -> str:
    """The separator whose header holds the most wanted names, then the most cells."""

    def worth(separator: str) -> tuple[int, int]:
        try:
            header = next(
                (cells for _, cells in _reader(text, separator) if any(map(trimmed, cells))), []
            )
        except csv.Error:
            return 0, 0
        return len({_name(cell) for cell in header} & set(wanted)), len(header)

    return max(SEPARATORS, key=worth)


def _name(cell: str) -> str:
    # The same letters may be stored composed (é) or not (e + ´); nobody can see which.
    return unicodedata.normalize("NFC", trimmed(cell))


def _without_empty_columns(
    header: list[str], body: list[tuple[int, list[str]]], findings: Findings
) -> list[tuple[int, list[str]]]:
    """Cut columns on the right in which no cell, header included, holds anything; spreadsheets leave them
    behind."""
    every = [header, *(cells for _, cells in body)]
    longest = max(map(len, every))
    width = longest
    while not any(cells[width - 1] for cells in every if len(cells) >= width):
        width -= 1
    surplus = longest > width
    if surplus and len(header) > width:
        findings.tell("empty columns on the right were left out")
    elif surplus:
        findings.tell("surplus separators at row ends were left out")
    del header[width:]
    # A row may end in more separators than the header only if nothing stands between them.
    return [(row, cells[:width]) for row, cells in body] if surplus else body


def _names(header: list[str], findings: Findings) -> list[str]:
    names = [_name(cell) for cell in header]
    if names != header:
        findings.tell("letters with accents in column names are stored as one character each")
    for at, name in enumerate(names):
        if not name:
            names[at] = f"unnamed_{at + 1}"
            findings.tell(f'column {at + 1} has no name; it is kept as "{names[at]}"')
    return names


def _check_header(
    names: list[str],
    wanted: Sequence[str],
    filled: list[tuple[int, list[str]]],
    header_row: int,
    separator: str,
    findings: Findings,
) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        findings.refuse(f"columns share a name: {quoted(twice)}; give each its own", [header_row])
    missing = [name for name in wanted if name not in names]
    if not missing:
        return
    below = [row for row, cells in filled[1:21] if set(wanted) <= {_name(cell) for cell in cells}]
    advice = f"; row {below[0]} looks like the header: delete the rows above it" if below else ""
    if len(names) == 1:
        advice += "; separate the columns by commas, semicolons or tabs"
    absent = ", ".join(f'"{name}"{nearest(name, names)}' for name in missing)
    findings.refuse(f"there is no column {absent}; the columns are {quoted(names, 50)}{advice}")
    if below or len(names) == 1:
        # The cells below a row that is not the header, or were not separated, mean nothing.
        findings.stop_if_refused()


def _rectangular(
    names: list[str], body: list[tuple[int, list[str]]], separator: str, findings: Findings
) -> Sheet:
    """The rows that are as wide as the header; the others are refused, since nobody knows which cell is
    missing."""
    width = len(names)
    for count in sorted({len(cells) for _, cells in body} - {width}):
        rows = [row for row, cells in body if len(cells) == count]
        advice = (
            "; decimal commas need quotation marks, or semicolons between the columns"
            if separator == "," and count > width
            else ""
        )
        findings.refuse(f"{count} cells where the header has {width}{advice}", rows)
    whole = [(row, cells) for row, cells in body if len(cells) == width]
    return Sheet(
        names, [cells for _, cells in whole], np.array([row for row, _ in whole], dtype=np.int64)
    )
