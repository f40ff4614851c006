"""Lesson 13's template runs on files of many shapes, and its R column is what R gave."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fewgroups import coefficients, fit, variances
from helpers import load, read_scores, session_predictors
from helpers.figures.display import caption
from tests.notebooks import FOLDER, lesson_path, read

ROOT = FOLDER.parent
REFERENCE = ROOT / "tests" / "reference"
LESSON = read(lesson_path("13"))
CELLS = {cell.id: cell.source for cell in LESSON.code}
SHEET = {"score": "score", "athlete": "who", "session": "session", "repeat": "rep"}
PLAIN: dict[str, Any] = {"sheet": SHEET, "limits": (0, 1), "dose": None, "step": 1, "date": None}
PLAIN["covariates"] = []
DOSE = {"dose": "dose_kg", "step": 10, "one_step": "ten kilograms"}
TWO = [("short", 20), ("long", 30)]
FIVE = [(str(k), n) for k, n in enumerate([10, 20, 15, 30, 25], 1)]


def field(
    athletes: list[str], sessions: list[tuple[str, int]], repeats: int | None = None
) -> pd.DataFrame:
    """Scores of athletes in sessions (label, dose); as many repeats as the dose, if no number is given."""
    rng = np.random.default_rng(3)
    rows = []
    for who in athletes:
        level, slope = rng.normal(0.85, 0.05), rng.normal(-0.04, 0.02)
        for number, (label, dose) in enumerate(sessions):
            mean = level + slope * (dose - 20) / 10 + rng.normal(0, 0.02)
            scores = np.clip(rng.normal(mean, 0.05, repeats or dose), 0, 1).round(3)
            rows += [(who, label, dose, number, rep, x) for rep, x in enumerate(scores, 1)]
    return pd.DataFrame(rows, columns=["who", "session", "dose_kg", "number", "rep", "score"])


def shapes() -> dict[str, tuple[pd.DataFrame, dict[str, Any], str]]:
    """Name → the file's table, what stands in the template's cell, words of what it prints."""
    six, twelve = list("ABCDEF"), [f"Runner {k} of the club" for k in range(12)]
    march = {number: f"2026-03-{number or 9:02d}" for number in range(5)}
    dated = field(twelve, FIVE).assign(date=lambda rows: rows["number"].map(march))
    percent = field(["1", "2", "3", "4"], TWO).assign(score=lambda rows: 100 * rows["score"])
    whole = field(six, TWO)
    missing = whole[~((whole["who"] == "C") & (whole["session"] == "long"))]
    groups = whole[whole["who"].isin(["A", "B", "C"]) == (whole["session"] == "long")]
    weather = field(six, FIVE, 12)
    weather["weather (felt)"] = np.where(weather["number"] % 2, "hot", "cold")
    sleep = field(six, FIVE, 8)
    sleep["sleep"] = 6 + sleep["number"].where(sleep["number"] != 2) / 2
    two_days = whole.assign(day_number=abs(whole["number"] - whole["who"].isin(["A", "B", "C"])))
    clumsy, order = {"covariates": ["weather (felt)"]}, {"covariates": ["order"]}
    single = field(six, [("pre", 20), ("mid", 20), ("post", 20)], 1).drop(columns="rep")
    kinds = field(six, FIVE + [("6", 25)], 10).assign(kind=lambda rows: rows["number"] % 2)
    evenly = field(six, FIVE, 10).assign(day_number=lambda rows: 3 * rows["number"])
    no_repeat = {"sheet": {key: name for key, name in SHEET.items() if key != "repeat"}}
    slept, slopes = "missing: 48", "no slopes: to tell own changes from good days"
    return {
        "two athletes": (field(["Ann", "Ben"], FIVE), DOSE, ""),
        "two doses": (whole, DOSE, slopes),
        "two kinds, three days each": (kinds, {"dose": "kind"}, ""),
        "two days": (two_days, {"date": "day_number"} | order, ""),
        "ids with spaces, dates": (dated, DOSE | {"date": "date"} | order, ""),
        "percent, numbers as ids": (percent, {"limits": (0, 100)}, ""),
        "one session missing": (missing, {}, ""),
        "every athlete in one session": (groups, {}, ""),
        "a text column with a clumsy name": (weather, DOSE | clumsy, ""),
        "a covariate with blanks": (sleep, DOSE | {"covariates": ["sleep"]}, slept),
        "one score a session": (single, no_repeat, ""),
        "even day numbers": (evenly, DOSE | {"date": "day_number"} | order, "'day' follows from"),
    }


SHAPES = shapes()
QUICK = ["two athletes", "two days", "two kinds, three days each", "one session missing"]


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=() if k in QUICK else pytest.mark.full) for k in SHAPES]
)
@pytest.mark.filterwarnings("error")
def test_template_goes_from_file_to_report(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, settings, words = SHAPES[name]
    path = tmp_path / "scores.csv"
    german = {"sep": ";", "decimal": ","} if "clumsy" in name else {}
    table.drop(columns="number").to_csv(path, index=False, **german)
    alts: list[str] = []
    space: dict[str, Any] = {}
    exec(CELLS["imports"], space)
    exec(CELLS["settings"], space)
    space |= PLAIN | {"path": str(path)} | settings
    space["show"] = lambda figure, key, **values: alts.append(caption(key, values)[1])
    names = list(CELLS)
    for cell in names[names.index("read") : names.index("report") + 1]:
        exec(CELLS[cell], space)
    printed = capsys.readouterr().out
    used = len(space["df"])
    assert used == len(table) - 48 * ("blanks" in name) and words in printed
    assert len(alts) == 3 and f"to {used} rows" in printed.replace("\n", " ")
    assert "Still to be said by you" in printed
    assert "nan" not in printed.split("scores at a limit")[1].split("\n")[0]
    if "kinds" in name:  # balanced: the slopes make it the paired t-test of the athletes' means
        means = table.pivot_table(index="who", columns="kind", values="score")
        found = coefficients(space["result"]).loc["dose"]
        expected = stats.ttest_1samp(means[1] - means[0], 0).statistic
        assert [found["df"], found["t"]] == pytest.approx([5, expected])


def test_template_says_in_a_sentence_that_order_needs_a_date(tmp_path: Path) -> None:
    field(["A", "B"], TWO).to_csv(tmp_path / "scores.csv", index=False)
    space: dict[str, Any] = {}
    exec(CELLS["imports"], space)
    space |= PLAIN | {"path": tmp_path / "scores.csv", "covariates": ["order"]}
    with pytest.raises(ValueError, match="no column .'order'.*order needs a date"):
        exec(CELLS["read"], space)


NUMBERS = json.loads((REFERENCE / "rosetta.json").read_text(encoding="utf-8"))


def agrees(result: Any, ddf: str, reference: dict[str, Any]) -> None:
    table = coefficients(result, ddf=ddf)
    for column in ("estimate", "se", "df", "t", "p"):
        np.testing.assert_allclose(table[column], reference[column], rtol=2e-4)
    assert result.nobs == reference["rows"] and not reference["singular"]
    np.testing.assert_allclose(-2 * result.llf, reference["reml"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_r_gives_the_numbers_of_the_short_nights(ddf: str) -> None:
    reference = NUMBERS[f"sleepstudy_{ddf.replace('-', '_')}"]
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject", re_formula="~Days")
    agrees(result, ddf, reference)
    spread = variances(result)
    ours = [*spread["sd"].iloc[:2], spread["correlation"].iloc[2], spread["sd"].iloc[3]]
    np.testing.assert_allclose(ours, reference["sd_or_correlation"], rtol=2e-4)


def test_r_gives_the_numbers_of_the_coachs_file() -> None:
    df = read_scores(ROOT / "data" / "coach_file.csv", "Score", "Athlete", "Session", "Repeat")
    df = session_predictors(df, dose="Planned", step=10, date="Date")
    sessions = {"session": "0 + C(session_label)"}
    result = fit("correctness ~ dose + order", df, "athlete_id", "~dose", sessions)
    reference = NUMBERS["coach_kenward_roger"]
    agrees(result, "kenward-roger", reference)
    places = zip(reference["groups"], reference["first"], strict=True)
    theirs = dict(zip(places, reference["sd_or_correlation"], strict=True))
    rows = [("athlete:session", "(Intercept)"), ("athlete", "dose"), ("Residual", None)]
    ours = variances(result)["sd"][["session", "dose", "residual"]]
    np.testing.assert_allclose(ours, [theirs[row] for row in rows], rtol=1e-3)


def test_r_code_of_the_lesson_is_the_code_that_was_run() -> None:
    script = (REFERENCE / "rosetta.R").read_text(encoding="utf-8")
    ran = script.split("# lesson:\n")[1].split("# end\n")[0].strip()
    shown = [cell.source for cell in LESSON.markdown if "```r\n" in cell.source]
    assert [text.split("```r\n")[1].split("```")[0].strip() for text in shown] == [ran]
    printed = (ROOT / "data" / "rosetta.txt").read_text(encoding="utf-8").strip()
    assert any(printed in cell.printed for cell in LESSON.code)


def test_truth_typed_in_the_lesson_is_that_of_the_script() -> None:
    truth = runpy.run_path(str(ROOT / "data" / "coach_file.py"))["TRUTH"]
    names = {"Intercept": "intercept", "dose": "per_ten_repeats", "order": "per_earlier_session"}
    sds = {"athlete_id": "athlete_sd", "dose": "slope_sd"}
    sds |= {"session": "session_sd", "residual": "residual_sd"}
    for rows in (names, sds):
        stated = ", ".join(f'"{row}": {truth[name]:g}' for row, name in rows.items())
        assert f"{{{stated}}}" in CELLS["truth"]
