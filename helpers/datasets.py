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

PUSHUPS = {"athlete_id": "str", "session_label": "str"}
PUSHUPS |= {"session_high": "int64", "repeat_id": "int64", "correctness": "float64"}
COLUMNS: dict[str, dict[str, str]] = {
    "pushups": PUSHUPS,
    "sleepstudy": {"Reaction": "float64", "Days": "int64", "Subject": "str"},
    "machines": {"Worker": "str", "Machine": "str", "score": "float64"},
    "penicillin": {"diameter": "float64", "plate": "str", "sample": "str"},
    "pastes": {"strength": "float64", "batch": "str", "cask": "str", "sample": "str"},
    "anorexia": {"Treat": "str", "Prewt": "float64", "Postwt": "float64"},
}
"""Column → type of each data set. Numbers that only name somebody (Subject 308, Worker 1) are text: no model
should take them for quantities."""


def load(name: str) -> pd.DataFrame:
    """A data set that comes with the course, as a fresh table.

    Parameters
    ----------
    name : str
        "pushups" (200 rows), "sleepstudy" (180), "machines" (54), "penicillin" (144), "pastes" (60) or "anorexia" (72);
        columns, units and meaning stand in `data/README.md`.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        A name that is no bundled data set; a file that is missing, or was changed since the lessons were made from it
        (its SHA-256 is not the one in `data/SHA256SUMS`).
    """
    if name not in list(COLUMNS):
        kind = ValueError if isinstance(name, str) else TypeError
        listed = ", ".join(f'"{known}"' for known in COLUMNS)
        near = [known for known in COLUMNS if known == str(name).strip().lower()]
        advice = f'; write "{near[0]}"' if near else ""
        raise kind(f"name must be one of {listed}; given {name!r}{advice}")
    content = _bytes(DATA / f"{name}.csv")
    checksum = hashlib.sha256(content).hexdigest()
    if f"{checksum}  {name}.csv" not in _bytes(DATA / "SHA256SUMS").decode("ascii").splitlines():
        raise ValueError(
            f"{name}: data/{name}.csv was changed since the lessons were made from it, so it would give "
            "other numbers than they print; bring the file back from the course's repository, and keep data "
            "of your own in another file (read_scores reads it)"
        )
    # Nothing here is missing: "NA" would be a name. Numbers are converted from text so that every digit comes
    # back, whatever precision the reader of pandas has by default.
    types: Any = COLUMNS[name]
    return pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False).astype(types)


def example_file(name: str) -> Path:
    """Where a file of the course's data lies, for `read_scores` or pandas, wherever a lesson is run.

    `name` is the file's, such as "coach_file.csv"; FileNotFoundError, if there is no such file.
    """
    file = DATA / str(name)
    if not file.is_file():
        files = ", ".join(sorted(other.name for other in DATA.glob("*.csv")))
        raise FileNotFoundError(f"name: the course has no file {name!r}; it has {files}")
    return file


def _bytes(path: Path) -> bytes:
    """The file with LF line ends: a copy whose line ends some tool turned into CRLF holds the same data."""
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"data/{path.name} is missing from this copy of the course; bring it back from the course's repository"
        ) from None
