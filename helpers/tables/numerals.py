"""Numbers as people type them, told apart from what only looks like one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.tables.findings import Findings, counted, quoted

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ \u00a0\u202f'’.,][0-9]{3})+(?:[.,][0-9]*)?")
ONE_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
INFINITE = re.compile(r"[+-]?(?:inf(?:inity)?|∞)", re.IGNORECASE)
MISSING = {"na", "n/a", "#n/a", "nan", "<na>", "null", "none", "missing", "nil", "."}
WHOLE = re.compile(r"[0-9]{1,15}(?:[.,]0*)?")

ADVICE = {
    "blank": "blank: fill it in, or delete the row and say so in your report",
    "missing": "marked as missing: fill it in, or delete the row and say so in your report",
    "infinite": "not finite",
    "percent": "written with a percent sign: remove the signs and pass range=(0, 100)",
    "grouped": "written with a thousands separator: remove it",
    "text": "text where a number is expected",
}


@dataclass(frozen=True)
class Column:
    """A column taken apart: its distinct cells, what kind each is, and which of them stands in which row."""

    texts: np.ndarray
    kinds: np.ndarray
    codes: np.ndarray

    def where(self, *kinds: str) -> np.ndarray:
        """Rows (bool array) whose cell is one of these kinds."""
        return np.isin(self.kinds, kinds)[self.codes]


def taken_apart(cells: list[str]) -> Column:
    """The column's cells by kind: whole, dot, comma (good numbers), or a key of `ADVICE`."""
    codes, texts = pd.factorize(np.array(cells, dtype=object))
    return Column(texts, np.array([_kind(text) for text in texts], dtype=object), codes)


def _kind(text: str) -> str:
    if not text:
        return "blank"
    if NUMBER.fullmatch(text.replace("−", "-")):
        if math.isinf(_value(text)):  # 1e999 is a number as typed, and none as stored
            return "infinite"
        return "dot" if "." in text else "comma" if "," in text else "whole"
    if text.casefold() in MISSING:
        return "missing"
    if INFINITE.fullmatch(text):
        return "infinite"
    if text.endswith("%") and NUMBER.fullmatch(text[:-1].strip()):
        return "percent"
    return "grouped" if GROUPED.fullmatch(text) else "text"


def _value(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "."))


def scores(
    cells: list[str], rows: np.ndarray, label: str, limits: tuple[float, float], findings: Findings
) -> np.ndarray:
    """The scores, float64 (rows,), nan where a cell is refused; every refusal goes into `findings`."""
    column = taken_apart(cells)
    for kind, advice in ADVICE.items():
        wrong = column.where(kind)
        if wrong.any():
            shown = (
                ""
                if kind == "blank"
                else f" ({quoted(pd.unique(column.texts[column.codes[wrong]]))})"
            )
            findings.refuse(f"{label} is {advice}{shown}", rows[wrong])
    commas, dots = column.where("comma"), column.where("dot")
    if commas.any() and dots.any():
        rarer, word = (commas, "comma") if commas.sum() <= dots.sum() else (dots, "dot")
        findings.refuse(
            f"{label} mixes decimal commas and decimal dots; here stands a {word}, use one of them "
            "throughout",
            rows[rarer],
        )
        return np.full(len(cells), np.nan)
    if (
        commas.any()
        and limits[1] >= 1000
        and all(map(ONE_GROUP.fullmatch, column.texts[column.kinds == "comma"]))
    ):
        findings.refuse(
            f"{label} has commas that may mark decimals or thousands "
            f"({quoted(column.texts[column.kinds == 'comma'])})"
            "; remove them or write decimal dots",
            rows[commas],
        )
        return np.full(len(cells), np.nan)
    if commas.any():
        findings.tell(f"decimal commas in {label} read as decimal dots")
    if any("−" in text for text in column.texts):
        findings.tell(f"long minus signs in {label} read as minus")
    values = _values(column)
    _check_limits(values, rows, label, limits, findings)
    return values


def numbers(cells: list[str]) -> np.ndarray:
    """The cells as float64, nan where a cell is no number."""
    return _values(taken_apart(cells))


def _values(column: Column) -> np.ndarray:
    numeric = np.isin(column.kinds, ["whole", "dot", "comma"])
    distinct = np.array(
        [_value(text) if good else np.nan for text, good in zip(column.texts, numeric, strict=True)]
    )
    return distinct[column.codes]


def _check_limits(
    values: np.ndarray,
    rows: np.ndarray,
    label: str,
    limits: tuple[float, float],
    findings: Findings,
) -> None:
    low, high = limits
    outside = (values < low) | (values > high)
    if outside.any():
        advice = ""
        good = values[np.isfinite(values)]
        if limits == (0, 1) and good.min() >= 0 and 1 < good.max() <= 100 and np.median(good) > 1:
            advice = "; if these scores go from 0 to 100, pass range=(0, 100)"
        found = quoted([f"{value:g}" for value in pd.unique(values[outside])]).replace('"', "")
        findings.refuse(
            f"{label} lies outside range {low:g} to {high:g}: {found}{advice}", rows[outside]
        )
    elif limits[0] >= 0 and limits[1] > 1 and np.isfinite(values).any() and np.nanmax(values) <= 1:
        findings.tell(
            f"no score is above 1, though range goes to {high:g}: are they in the unit that you meant?"
        )


def whole_numbers(
    cells: list[str], rows: np.ndarray, label: str, findings: Findings
) -> np.ndarray | None:
    """Repeat numbers, int64 (rows,), or None where a cell is refused."""
    codes, texts = pd.factorize(np.array(cells, dtype=object))
    good = np.array([bool(WHOLE.fullmatch(text)) for text in texts], dtype=bool)
    if not good.all():
        blank = (texts == "")[codes]
        wrong = ~good[codes] & ~blank
        if blank.any():
            findings.refuse(f"{label} is blank", rows[blank])
        if wrong.any():
            findings.refuse(
                f"{label} is not a whole number, 0 or more ({quoted(texts[~good & (texts != '')])})",
                rows[wrong],
            )
        return None
    return np.array([int(_value(text)) for text in texts], dtype=np.int64)[codes]


def decimal_mark(cells: list[str]) -> str | None:
    """The decimal mark of a column of scores: "comma", "dot", or None if all are whole."""
    return next(
        (kind for sign, kind in [(",", "comma"), (".", "dot")] if any(sign in c for c in cells)),
        None,
    )


def covariate(cells: list[str], label: str, mark: str | None, findings: Findings) -> pd.Series:
    """A further column: numbers if every cell that is not blank is one, with the decimal mark of the scores
    (the other mark may stand for thousands), else its text as it stands. Blanks are missing, and told."""
    column = taken_apart(cells)
    blank = column.where("blank")
    if blank.any():
        findings.tell(f"{label} is blank in {counted(int(blank.sum()), 'row')}: missing there")
    kinds = set(column.kinds) - {"blank"}
    coded = any(re.match(r"[+-]?0[0-9]", text) for text in column.texts)  # 007 is a name
    if kinds and not coded and kinds <= {"whole", mark or "dot"}:
        if "comma" in kinds:
            findings.tell(f"decimal commas in {label} read as decimal dots")
        values = pd.Series(_values(column))
        whole = kinds == {"whole"} and not blank.any() and values.abs().max() < 2**53
        return values.astype("int64") if whole else values
    plain = ["whole", mark or "dot"]
    if not coded and 2 * column.where("whole", "dot", "comma").sum() > len(cells):
        odd = column.texts[~np.isin(column.kinds, [*plain, "blank"])]
        findings.tell(
            f"{label} is kept as text, since not all of it is numbers written as the scores are: "
            f"{quoted(odd)}"
        )
    return pd.Series(cells, dtype="str").mask(pd.Series(blank))
