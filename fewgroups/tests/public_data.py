"""Public data sets that many tests fit, as R's packages have them (reference/README.md says which)."""

from pathlib import Path
from typing import Any

import pandas as pd
from running_example import Design, Truth, simulate

DATA = Path(__file__).parent / "reference" / "data"
TYPES: dict[str, dict[str, str]] = {  # numbers that only name somebody are text
    "sleepstudy": {"Reaction": "float64", "Days": "int64", "Subject": "str"},
    "Machines": {"Worker": "str", "Machine": "str", "score": "float64"},
    "Penicillin": {"diameter": "float64", "plate": "str", "sample": "str"},
    "Pastes": {"strength": "float64", "batch": "str", "cask": "str", "sample": "str"},
}


def load(name: str) -> pd.DataFrame:
    """A data set by its name in lower case; "pushups" is simulated."""
    if name == "pushups":
        return simulate(Design(), Truth(), 42)
    name = name if name in TYPES else name.capitalize()
    types: Any = TYPES[name]
    return pd.read_csv(DATA / f"{name}.csv", dtype="str", keep_default_na=False).astype(types)
