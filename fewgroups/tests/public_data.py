"""Public data sets that many tests fit, as R's packages have them (reference/README.md says which)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fewgroups.structure import random_design
from running_example import Design, Truth, simulate

from fewgroups import fit

REFERENCE = Path(__file__).parent / "reference"
DATA = REFERENCE / "data"
SPECS: dict[str, Any] = json.loads(
    (REFERENCE / "coefficients_fits.json").read_text(encoding="utf-8")
)
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


def request(name: str) -> dict[str, Any]:
    """What `fit`, or statsmodels' own function, is asked for the fit of that name in coefficients_fits.json."""
    spec = SPECS["fits"][name]
    factors = dict.fromkeys(SPECS["data"][spec["data"]]["factors"], str)
    data = pd.read_csv(DATA / f"{spec['data']}.csv", dtype=factors).assign(all="all")
    data = data.drop(index=[row - 1 for row in spec.get("without_rows", [])])
    asked = {"formula": spec["formula"], "data": data, "groups": spec["groups"]}
    re_formula = spec.get("re_formula", "1")
    asked["re_formula"] = None if re_formula == "0" else re_formula
    return asked | {"vc_formula": spec.get("vc_formula")}


@cache
def public_fit(name: str, reml: bool) -> Any:
    """The fit of that name, as R fitted it."""
    return fit(**request(name), reml=reml)


@cache
def push_ups(
    formula: str = "correctness ~ session_high", slopes: bool = False, reml: bool = True
) -> Any:
    """A fit of the running example."""
    re_formula = "~session_high" if slopes else "~1"
    return fit(formula, load("pushups"), "athlete_id", re_formula, reml=reml)


def covariance(
    model: Any, group: int, psi: np.ndarray, vcomp: np.ndarray, scale: float
) -> np.ndarray:
    """V of the rows of one group of a MixedLM, written out."""
    Z, labels = random_design(model, group)
    q = model.k_re
    V = scale * np.eye(len(Z)) + Z[:, q:] * np.asarray(vcomp)[labels[q:]] @ Z[:, q:].T
    return V + Z[:, :q] @ np.asarray(psi) @ Z[:, :q].T if q else V
