"""Score sheets that read_scores must not accept, and arguments that it must not."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .anything import (
    NAME,
    Bad,
    Call,
    Draw,
    Strategy,
    calls,
    is_none,
    is_number,
    is_text,
    no_text,
    other_than,
)

SHEET = """who,when,n,points
ana,s20,1,0.5
ana,s20,2,0.75
ana,s30,1,0.25
ana,s30,2,1
ben,s20,1,1
ben,s20,2,0.5
ben,s30,1,0
ben,s30,2,0.125
"""
ROLES = {"score": "points", "athlete": "who", "session": "when", "repeat": "n"}
COLUMNS = ["who", "when", "n", "points"]
NO_SCORES = [*"good 0.5s 1e --1 0.5.5 ½ inf nan True 0x1 1_0 NA -".split(), "", " ", "\u200b"]
WHOLE = {
    "binary": [b"\x00\x01\x02", b"a,b\n\x00,1\n", b"\xff\xfe\xff"],
    "workbook": [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0"],
    "empty": [b"", b"\n\n", b",,,\n", b"\xef\xbb\xbf"],
    "no row": [SHEET.splitlines()[0].encode()],
}
FAULTS = "score range blank column header wide narrow alone twice quote case repeat".split()


def readings(folder: Path) -> Strategy:
    good = folder / "good.csv"
    good.write_text(SHEET, encoding="utf-8")
    unknown = NAME.filter(lambda name: name not in COLUMNS).map(lambda name: Bad(name, (name,)))
    column = no_text() | st.sampled_from(["", " "]) | unknown
    spoilt = {
        role: column.filter(lambda value: value is not None) if role == "repeat" else column
        for role in ROLES
    }
    spoilt["reference"] = other_than(is_none, is_text) | NAME.map(
        lambda name: Bad(name, ("reference", "session"))
    )
    spoilt["range"] = no_range()
    no_path = other_than(is_text) | st.sampled_from(
        ["", " ", "\0", folder, str(folder / "none.csv")]
    )
    spoilt["path"] = no_path.filter(lambda value: not isinstance(value, bytes))
    twice = [
        Bad({"athlete": "points"}, ("athlete", "score")),
        Bad({"repeat": "who"}, ("repeat", "athlete")),
    ]
    return st.one_of(
        calls("read_scores", {"path": good, **ROLES}, spoilt),
        sheets(folder),
        st.sampled_from(twice).map(
            lambda bad: Call("read_scores", {"path": good, **ROLES, **bad.value}, bad.words)
        ),
    )


def no_range() -> Strategy:
    def limits(value: Any) -> bool:
        return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))

    pairs = st.tuples(st.floats(), st.floats())
    turned = pairs.filter(lambda pair: not (np.isfinite(pair).all() and pair[0] < pair[1]))
    narrow = st.floats(0.2, 0.9).map(lambda high: Bad((0, high), ("points",)))
    return turned | other_than(limits) | narrow


@st.composite
def sheets(draw: Draw, folder: Path) -> Call:
    """A reading of a sheet with one fault; the error must name its row, its column or its kind."""
    content, words, fault = draw(damaged_sheets() | whole_faults())
    path = folder / f"{zlib.crc32(content):08x}.csv"
    path.write_bytes(content)
    return Call("read_scores", {"path": path, **ROLES}, words, fault)


def whole_faults() -> Strategy:
    contents = [(content, fault) for fault, several in WHOLE.items() for content in several]
    words = {
        "binary": ("not a text file",),
        "workbook": ("workbook",),
        "empty": ("empty",),
        "no row": ("no row",),
    }
    return st.sampled_from(contents).map(lambda pair: (pair[0], words[pair[1]], pair[1]))


@st.composite
def damaged_sheets(draw: Draw) -> tuple[bytes, tuple[str, ...], str]:
    cells = [line.split(",") for line in SHEET.splitlines()]
    row, column, fault = (
        draw(st.integers(1, 8)),
        draw(st.integers(0, 3)),
        draw(st.sampled_from(FAULTS)),
    )
    said = f"row {row + 1}"
    if fault == "score":
        cells[row][3] = draw(st.sampled_from(NO_SCORES))
    elif fault == "range":
        cells[row][3] = f"{draw(st.floats(1.001, 1e9) | st.floats(-1e9, -1e-3)):.4f}"
    elif fault == "blank":
        cells[row][column] = draw(st.sampled_from(["", " ", "\ufeff"]))
    elif fault == "column":
        cells, said = [line[:column] + line[column + 1 :] for line in cells], f'"{COLUMNS[column]}"'
    elif fault == "header":
        cells, said = (
            [[*line, line[column] if k == 0 else "1"] for k, line in enumerate(cells)],
            COLUMNS[column],
        )
    elif fault == "wide":
        cells[row] += draw(st.lists(st.sampled_from(["x", "1"]), min_size=1, max_size=3))
    elif fault == "narrow":
        cells[row] = cells[row][: draw(st.integers(1, 3))]
    elif fault == "alone":
        which = draw(st.integers(0, 1))
        cells[1:], said = (
            [[*line[:which], "same", *line[which + 1 :]] for line in cells[1:]],
            '"same"',
        )
    elif fault == "twice":
        cells.append(cells[row])
    elif fault == "quote":
        cells[row][column] = '"' + cells[row][column]
    elif fault == "case":
        cells[row][0], said = cells[row][0].upper(), f'"{cells[row][0].upper()}"'
    elif fault == "repeat":
        cells[row][2] = draw(st.sampled_from(["1.5", "x", "1e9x", "½"]))
    separator = draw(st.sampled_from([",", ";", "\t"]))
    rows = (said, f"rows {row + 1}", str(row + 1)) if said.startswith("row") else (said,)
    return "".join(separator.join(line) + "\n" for line in cells).encode(), rows, fault
