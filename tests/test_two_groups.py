"""Lesson 08 against R: the anorexia data by every analysis of the lesson, and its simulated powers by formula."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fewgroups import coefficients, fit
from helpers import load
from tests.notebooks import lesson_path, read

R: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "two_groups.json").read_text("utf-8")
)
COLUMNS = ["estimate", "se", "df", "t", "p"]


@pytest.fixture(scope="module")
def two() -> pd.DataFrame:
    """Family treatment and control, one row per patient."""
    table = load("anorexia").query("Treat != 'CBT'").reset_index(names="patient")
    change = table["Postwt"] - table["Prewt"]
    return table.assign(change=change, family=(table["Treat"] == "FT").astype(int))


def printed(cell_id: str) -> str:
    """What a cell of the lesson prints."""
    return next(cell.printed for cell in read(lesson_path("08")).code if cell.id == cell_id)


def rates(cell_id: str) -> list[float]:
    """The rates that a cell of the lesson prints in per cent, as shares."""
    return [int(rate) / 100 for rate in re.findall(r"(\d+)%", printed(cell_id))]


def test_one_score_per_occasion_the_mixed_model_the_t_test_and_r_agree(two: pd.DataFrame) -> None:
    test = stats.ttest_ind(*(two.loc[two["family"] == group, "change"] for group in (1, 0)))
    np.testing.assert_allclose([test.statistic, test.df, test.pvalue], R["t_test"], rtol=1e-9)
    weights = two.melt(["patient", "family"], ["Prewt", "Postwt"], "occasion", "weight")
    weights["time"] = (weights["occasion"] == "Postwt").astype(int)
    table = coefficients(fit("weight ~ family * time", weights, groups="patient"))
    np.testing.assert_allclose(table[COLUMNS].iloc[1:], R["mixed"][1:], rtol=1e-5)
    assert table.loc["family:time", "t"] == pytest.approx(test.statistic, rel=1e-7)


def test_the_lesson_prints_rs_ancova_and_the_published_analysis_of_all_groups() -> None:
    estimate, se, t, _ = R["ancova"]
    assert re.search(rf"ANCOVA +{estimate:.2f} +{se:.2f} +{t:.2f} ", printed("ancova"))
    lines = re.findall(r"(?m)^(\S+) +(-?[\d.]+)$", printed("published"))
    names = ["Intercept", "Prewt", "Treat[T.Cont]", "Treat[T.FT]"]
    assert dict(lines) == {name: f"{b:.3f}" for name, b in zip(names, R["published"], strict=True)}


def test_the_simulated_powers_of_the_lesson_are_those_of_rs_power_t_test() -> None:
    found = np.reshape(rates("three-analyses"), (3, 3))
    np.testing.assert_allclose(found[:, 0], R["change_power"], rtol=0, atol=0.015)
    np.testing.assert_allclose(found[:, 1], R["after_power"], rtol=0, atol=0.015)
    one = R["gain_power"]  # of one group; the two groups are independent
    expected = [2 * one * (1 - one), 0.05]
    np.testing.assert_allclose(rates("one-group-only"), expected, rtol=0, atol=0.015)
