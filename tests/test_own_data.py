"""Lesson 11 is a door: its template runs on files of many shapes, and its R column is what R gave."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fewgroups import coefficients, fit, variances
from helpers import load, read_scores, session_predictors
from helpers.figures.captions import caption
from tests.notebooks import FOLDER, Notebook, read

ROOT = FOLDER.parent
REFERENCE = ROOT / "tests" / "reference"
SHEET = {"score": "score", "athlete": "who", "session": "session", "repeat": "rep"}
TWO = [("short", 20), ("long", 30)]
FIVE = [(str(k), n) for k, n in enumerate([10, 20, 15, 30, 25], 1)]


@pytest.fixture(scope="module")
def lesson() -> Notebook:
    return read(next(FOLDER.glob("11_*.ipynb")))


@pytest.fixture(autouse=True)
def in_the_lessons_folder() -> Iterator[None]:
    before = Path.cwd()
    os.chdir(FOLDER)
    yield
    os.chdir(before)


def field(
    athletes: list[str], sessions: list[tuple[str, int]], repeats: int | None = None
) -> pd.DataFrame:
    """Scores of athletes in sessions (label, dose); as many repeats as the dose, or as told."""
    rng = np.random.default_rng(3)
    rows = []
    for who in athletes:
        level, slope = rng.normal(0.85, 0.05), rng.normal(-0.04, 0.02)
        for number, (label, dose) in enumerate(sessions):
            mean = level + slope * (dose - 20) / 10 + rng.normal(0, 0.02)
            scores = np.clip(rng.normal(mean, 0.05, repeats or dose), 0, 1)
            rows += [
                (who, label, dose, number, rep, round(x, 3)) for rep, x in enumerate(scores, 1)
            ]
    return pd.DataFrame(rows, columns=["who", "session", "dose_kg", "number", "rep", "score"])


def plausible() -> dict[str, tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]]:
    """Name → the file's table, how it is written, what stands in the template's cell."""
    dose = {"dose": "dose_kg", "step": 10, "one_step": "ten kilograms"}
    six, twelve = list("ABCDEF"), [f"Runner {k} of the club" for k in range(12)]
    dated = field(twelve, FIVE).assign(
        date=lambda rows: rows["number"].map("2026-03-{:02d}".format).str.replace("-00", "-09")
    )
    percent = field(["1", "2", "3", "4"], TWO).assign(score=lambda rows: 100 * rows["score"])
    whole = field(six, TWO)
    missing = whole[~((whole["who"] == "C") & (whole["session"] == "long"))]
    groups = whole[whole["who"].isin(["A", "B", "C"]) == (whole["session"] == "long")]
    weather = field(six, FIVE, 12).assign(
        **{"weather (felt)": lambda rows: np.where(rows["number"] % 2, "hot", "cold")}
    )
    sleep = field(six, FIVE, 8).assign(
        sleep=lambda rows: 6 + rows["number"].where(rows["number"] != 2) / 2
    )
    two_days = field(six, TWO).assign(
        day_number=lambda rows: abs(rows["number"] - rows["who"].isin(["A", "B", "C"]))
    )
    clumsy = dose | {"covariates": ["weather (felt)"]}
    single = field(six, [("pre", 20), ("mid", 20), ("post", 20)], 1).drop(columns="rep")
    kinds = field(six, FIVE + [("6", 25)], 10).assign(kind=lambda rows: rows["number"] % 2)
    evenly = field(six, FIVE, 10).assign(day_number=lambda rows: 3 * rows["number"])
    return {
        "two athletes": (field(["Ann", "Ben"], TWO), {}, {}),
        "two athletes with a dose": (field(["Ann", "Ben"], FIVE), {}, dose),
        "two doses": (field(six, TWO), {}, dose),
        "two kinds, three days each": (kinds, {}, {"dose": "kind"}),
        "two days": (two_days, {}, {"date": "day_number", "covariates": ["order"]}),
        "twelve, ids with spaces, dates": (dated, {}, dose | {"date": "date", "covariates": ["order"]}),
        "percent, numbers as ids": (percent, {}, {"limits": (0, 100)}),
        "one session missing": (missing, {}, {}),
        "every athlete in one session": (groups, {}, {}),
        "a text column with a clumsy name": (weather, {"sep": ";", "decimal": ","}, clumsy),
        "a covariate with blanks": (sleep, {}, dose | {"covariates": ["sleep"]}),
        "one score a session": (single, {}, {"sheet": {key: name for key, name in SHEET.items() if key != "repeat"}}),
        "even day numbers": (evenly, {}, dose | {"date": "day_number", "covariates": ["order"]}),
        "many athletes": (field([f"P{k}" for k in range(30)], TWO, 4), {}, {}),
    }  # fmt: skip


QUICK = {
    "two athletes",
    "two days",
    "two kinds, three days each",
    "one session missing",
    "one score a session",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.full]) for name in plausible()],
)
@pytest.mark.filterwarnings("error")
def test_template_goes_from_file_to_report(
    name: str, lesson: Notebook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, written, settings = plausible()[name]
    path = tmp_path / "scores.csv"
    table.drop(columns="number").to_csv(path, index=False, **written)
    alts: list[str] = []
    space: dict[str, Any] = {}
    cells = {cell.id: cell.source for cell in lesson.code}
    exec(cells["imports"], space)
    exec(cells["settings"], space)
    plain: dict[str, Any] = {
        "sheet": SHEET,
        "limits": (0, 1),
        "dose": None,
        "step": 1,
        "date": None,
        "covariates": [],
    }
    space |= plain | {"path": str(path)} | settings
    space["show"] = lambda figure, key, **values: alts.append(caption(key, values).alt)
    names = list(cells)
    for cell in names[names.index("read") : names.index("report") + 1]:
        exec(cells[cell], space)
    told = capsys.readouterr().out
    used = len(space["df"])
    assert len(alts) == 3 and f"to {used} rows" in told.replace("\n", " ")
    assert (
        "Still to be said by you" in told
        and "nan" not in told.split("scores at a limit")[1].split("\n")[0]
    )
    if name == "a covariate with blanks":
        assert used == len(table) - 48 and "missing: 48" in told
    if name == "two doses":
        assert "no slopes: to tell own changes from good days" in told
    if (
        name == "two kinds, three days each"
    ):  # balanced: the slopes make it the paired t-test of the athletes' means
        rows = coefficients(space["result"])
        means = table.pivot_table(index="who", columns="kind", values="score")
        paired = stats.ttest_1samp(means[1] - means[0], 0)
        assert rows.loc["dose", "df"] == pytest.approx(5) and rows.loc[
            "dose", "t"
        ] == pytest.approx(paired.statistic)
    if name == "even day numbers":
        assert "'day' follows from the columns before it" in told


def test_template_says_in_a_sentence_that_order_needs_a_date(
    lesson: Notebook, tmp_path: Path
) -> None:
    path = tmp_path / "scores.csv"
    field(["A", "B"], TWO).to_csv(path, index=False)
    cells = {cell.id: cell.source for cell in lesson.code}
    space: dict[str, Any] = {}
    exec(cells["imports"], space)
    space |= {"path": path, "sheet": SHEET, "limits": (0, 1), "dose": None, "step": 1, "date": None}
    space["covariates"] = ["order"]
    with pytest.raises(ValueError, match="no column .'order'.*order needs a date"):
        exec(cells["read"], space)


def numbers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / "rosetta.json").read_text(encoding="utf-8"))
    return found


def agrees(result: Any, ddf: str, reference: dict[str, Any]) -> None:
    table = coefficients(result, ddf=ddf)
    for ours, theirs in {
        "estimate": "estimate",
        "se": "se",
        "df": "df",
        "t": "t",
        "p": "p",
    }.items():
        np.testing.assert_allclose(table[ours], reference[theirs], rtol=2e-4)
    assert result.nobs == reference["rows"] and not reference["singular"]
    np.testing.assert_allclose(-2 * result.llf, reference["reml"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_r_gives_the_numbers_of_the_short_nights(ddf: str) -> None:
    reference = numbers()[f"sleepstudy_{ddf.replace('-', '_')}"]
    result = fit("Reaction ~ Days", load("sleepstudy"), groups="Subject", re_formula="~Days")
    agrees(result, ddf, reference)
    spread = variances(result)
    ours = [*spread["sd"].iloc[:2], spread["correlation"].iloc[2], spread["sd"].iloc[3]]
    np.testing.assert_allclose(ours, reference["sd_or_correlation"], rtol=2e-4)


def test_r_gives_the_numbers_of_the_coachs_file(capsys: pytest.CaptureFixture[str]) -> None:
    df = read_scores(ROOT / "data" / "coach_file.csv", "Score", "Athlete", "Session", "Repeat")
    df = session_predictors(df, dose="Planned", step=10, date="Date")
    capsys.readouterr()
    sessions = {"session": "0 + C(session_label)"}
    result = fit("correctness ~ dose + order", df, "athlete_id", "~dose", sessions)
    reference = numbers()["coach_kenward_roger"]
    agrees(result, "kenward-roger", reference)
    theirs = dict(
        zip(
            zip(reference["groups"], reference["first"], strict=True),
            reference["sd_or_correlation"],
            strict=True,
        )
    )
    spread = variances(result)["sd"]
    pairs = {
        ("athlete:session", "(Intercept)"): "session",
        ("athlete", "dose"): "dose",
        ("Residual", None): "residual",
    }
    for key, component in pairs.items():
        np.testing.assert_allclose(spread[component], theirs[key], rtol=1e-3)  # fmt: skip


def test_r_code_of_the_lesson_is_the_code_that_was_run(lesson: Notebook) -> None:
    script = (REFERENCE / "rosetta.R").read_text(encoding="utf-8")
    ran = script.split("# lesson:\n")[1].split("# end\n")[0].strip()
    shown = [
        cell.source.split("```r\n")[1].split("```")[0].strip()
        for cell in lesson.markdown
        if "```r\n" in cell.source
    ]
    assert shown == [ran]
    printed = (ROOT / "data" / "rosetta.txt").read_text(encoding="utf-8").strip()
    assert any(printed in cell.printed for cell in lesson.code)


def test_truth_typed_in_the_lesson_is_that_of_the_script(lesson: Notebook) -> None:
    truth = runpy.run_path(str(ROOT / "data" / "coach_file.py"))["TRUTH"]
    cell = next(cell.source for cell in lesson.code if cell.id == "truth")
    names = {"Intercept": "intercept", "dose": "per_ten_repeats", "order": "per_earlier_session"}
    stated = ", ".join(f'"{row}": {truth[name]:g}' for row, name in names.items())
    assert f"truth = {{{stated}}}" in cell
    sds = {
        "athlete_id": "athlete_sd",
        "dose": "slope_sd",
        "session": "session_sd",
        "residual": "residual_sd",
    }
    stated = ", ".join(f'"{row}": {truth[name]:g}' for row, name in sds.items())
    assert f"{{{stated}}}" in cell
