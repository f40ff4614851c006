"""The data sets that come with the course; `data/README.md` has their dictionaries, origins and licences."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"  # in the wheel; in a copy of the course they lie beside the package
if not DATA.is_dir():
    DATA = HERE.parent / "data"

COLUMNS: dict[str, dict[str, str]] = {
    "pushups": {
        "athlete_id": "str",
        "session_label": "str",
        "session_high": "int64",
        "repeat_id": "int64",
        "correctness": "float64",
    },
    "sleepstudy": {"Reaction": "float64", "Days": "int64", "Subject": "str"},
    "machines": {"Worker": "str", "Machine": "str", "score": "float64"},
    "penicillin": {"diameter": "float64", "plate": "str", "sample": "str"},
    "pastes": {"strength": "float64", "batch": "str", "cask": "str", "sample": "str"},
}
"""Column → type of each data set. Numbers that only name somebody (Subject 308, Worker 1) are text: no model
should take them for quantities."""


def load(name: str) -> pd.DataFrame:
    """A data set that comes with the course, as a fresh table.

    Parameters
    ----------
    name : str
        "pushups" (200 rows), "sleepstudy" (180), "machines" (54), "penicillin" (144) or "pastes" (60).

    Returns
    -------
    DataFrame with a plain row index; columns, units and meaning stand in `data/README.md`.

    Raises
    ------
    TypeError, ValueError
        A name that is no bundled data set; a file that was changed since the lessons were made from it
        (its SHA-256 is not the one in `data/SHA256SUMS`).
    FileNotFoundError
        The file is missing from the folder `data`.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a text, one of {_names()}; given {name!r}")
    if name not in COLUMNS:
        near = f'; write "{name.strip().lower()}"' if name.strip().lower() in COLUMNS else ""
        raise ValueError(f"name must be one of {_names()}; given {name!r}{near}")
    path = DATA / f"{name}.csv"
    content = _bytes(path)
    expected = _checksums(_bytes(DATA / "SHA256SUMS").decode("ascii")).get(path.name)
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(
            f"{name}: data/{path.name} was changed since the lessons were made from it, so it would give "
            "other numbers than they print; bring the file back from the course's repository, and keep data "
            "of your own in another file (read_scores reads it)"
        )
    # Nothing here is missing: "NA" would be a name. Numbers are converted from text so that every digit comes
    # back, whatever precision the reader of pandas has by default.
    types: Any = COLUMNS[name]
    return pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False).astype(types)


def _names() -> str:
    return ", ".join(f'"{name}"' for name in COLUMNS)


def _bytes(path: Path) -> bytes:
    """The file with LF line ends: a copy whose line ends some tool turned into CRLF holds the same data."""
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"data/{path.name} is missing from this copy of the course; "
            "bring it back from the course's repository"
        ) from None


def _checksums(listing: str) -> dict[str, str]:
    """File name → checksum, from lines as `sha256sum` writes them."""
    pairs = (line.split() for line in listing.splitlines())
    return {name: checksum for checksum, name in pairs}
