"""Names of athletes and sessions: the same name must always be written the same way."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from helpers.tables.findings import Findings, numbered, quoted
from helpers.tables.numerals import MISSING

NUMERAL = re.compile(r"0*([0-9]+?)(?:[.,]0*)?")
SPREADSHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)")


def identity(name: str) -> str:
    """What is left of a name without case, spaces, invisible marks, Unicode variants and, in a number,
    leading zeros or a zero fraction. Two names with one identity are taken for one person spelt twice."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    bare = "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
    number = NUMERAL.fullmatch(bare)
    return number.group(1) if number else bare


def names(cells: list[str], rows: np.ndarray, label: str, findings: Findings) -> np.ndarray:
    """The trimmed cells as an object array of str (rows,). Refused: blanks, error values of a spreadsheet,
    names that are one name spelt in several ways. Kept as text: everything else, "NA" and "01" too."""
    codes, texts = pd.factorize(np.array(cells, dtype=object))
    blank = (texts == "")[codes]
    if blank.any():
        findings.refuse(f"{label} is blank", rows[blank])
    errors = np.array([bool(SPREADSHEET_ERROR.fullmatch(text)) for text in texts], dtype=bool)
    if errors.any():
        findings.refuse(
            f"{label} is an error value of the spreadsheet ({quoted(texts[errors])})",
            rows[errors[codes]],
        )
    marked = np.array([len(text) > 1 and text[0] == text[-1] == '"' for text in texts], dtype=bool)
    if marked.any():
        findings.refuse(
            f"{label} stands in quotation marks that are part of the name ({quoted(texts[marked])}); "
            "remove them, or the spaces before them",
            rows[marked[codes]],
        )
    spellings: dict[str, list[int]] = {}
    for code, text in enumerate(texts):
        if text and not errors[code]:
            spellings.setdefault(identity(text), []).append(code)
    for several in spellings.values():
        if len(several) > 1:
            listed = "; ".join(
                f'"{texts[code]}" in {numbered(rows[codes == code])}' for code in several
            )
            findings.refuse(
                f"{label} has names that differ only in case, spaces, letter variants or zeros; write one: "
                f"{listed}",
                rows[np.isin(codes, several)],
                named=True,
            )
    odd = [
        text
        for text in texts
        if text.casefold() in MISSING and not SPREADSHEET_ERROR.fullmatch(text)
    ]
    if odd:
        findings.tell(f"{quoted(odd)} in {label} is kept as a name, not taken for a missing value")
    return texts[codes]


def distinct(found: np.ndarray) -> list[str]:
    """Names in the order in which they appear; blanks are no names."""
    return [str(name) for name in pd.unique(found) if name]
