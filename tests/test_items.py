"""Lesson 09, people and items: the lesson's fits are lme4's, and its model raises the false alarms that it says."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fewgroups import coefficients, fit
from tests.notebooks import LESSONS, read

REFERENCE = Path(__file__).parent / "reference" / "clips.json"
ITEMS: dict[str, Any] = {"groups": np.ones(24 * 16), "re_formula": None}


def lesson() -> dict[str, Any]:
    """What the lesson's cells define that make the data, run as they stand."""
    (path,) = (path for path in LESSONS if path.name.startswith("09"))
    cells = {cell.id: cell.source for cell in read(path).code}
    names: dict[str, Any] = {}
    exec("\n".join([cells["imports"], cells["clips"]]), names)
    seed = cells["clips-figure"].splitlines()[0]
    exec(f"{seed}\nclips['feint'] = clips['half'] + 0.5", names)
    return names


def crossed(clips: pd.DataFrame, code: str) -> Any:
    own_change = f"0 + C(keeper):{code}"
    parts = {"keeper": "0 + C(keeper)", "change": own_change, "clip": "0 + C(clip)"}
    return fit(f"time ~ {code}", clips, vc_formula=parts, **ITEMS)


@pytest.mark.parametrize("code", ["half", "feint"])
def test_people_and_items_with_slopes_are_fitted_as_by_lme4(code: str) -> None:
    theirs = json.loads(REFERENCE.read_text(encoding="utf-8"))[code]
    result = crossed(lesson()["clips"], code)
    row = coefficients(result).loc[code]
    sds = dict(zip(["change", "clip", "keeper"], np.sqrt(result.vcomp), strict=True))  # by name
    ours = {name: row[name] for name in ("estimate", "se", "df", "p")} | sds
    ours |= {"loglik": result.llf, "residual": np.sqrt(result.scale)}
    assert ours == pytest.approx(theirs, rel=2e-4)


@pytest.mark.full
def test_the_crossed_model_raises_five_false_alarms_in_a_hundred() -> None:
    names = lesson()
    p = [
        coefficients(crossed(names["trials"].assign(time=times), "half")).loc["half", "p"]
        for times in names["experiments"](300, seed=9)
    ]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.09  # ± 3 Monte-Carlo errors


if __name__ == "__main__":
    lesson()["clips"].to_csv(sys.argv[1], index=False)
