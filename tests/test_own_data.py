"""Lesson 13's template goes from file to report on files of many shapes, and its R column is what R gave."""

from __future__ import annotations

import io
import json
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fewgroups import coefficients, fit, variances
from helpers import read_scores
from helpers.figures.display import caption
from tests.notebooks import FOLDER, lesson_path, read

ROOT = FOLDER.parent
REFERENCE = ROOT / "tests" / "reference"
LESSON = read(lesson_path("13"))
CELLS = {cell.id: cell.source for cell in LESSON.code}
SESSIONS = {"session": "0 + C(session_label)"}
WHO = {"score": "score", "athlete": "who", "session": "session"}
FIVE = [(str(k), n) for k, n in enumerate([10, 20, 15, 30, 25], 1)]
TWO = [("Before", 20), ("After", 30)]


def field(
    people: list[str], sessions: list[tuple[str, int]], repeats: int, gain: float = 0.0
) -> pd.DataFrame:
    """Scores around 0.8 of people in sessions (label, load); the second half of the people gains more by `gain`."""
    rng = np.random.default_rng(3)
    rows = []
    for place, who in enumerate(people):
        level, slope = rng.normal(0.8, 0.05), rng.normal(-0.04, 0.02)
        slope += gain * (2 * place >= len(people))
        for day, (label, load_kg) in enumerate(sessions):
            mean = level + slope * (load_kg - 20) / 10 + rng.normal(0, 0.02)
            scores = np.clip(rng.normal(mean, 0.05, repeats), 0, 1).round(3)
            rows += [(who, label, load_kg, 3 * day + place % 2, x) for x in scores]
    table = pd.DataFrame(rows, columns=["who", "session", "Load (kg)", "day number", "score"])
    arm = table["who"].map({who: 2 * k >= len(people) for k, who in enumerate(people)})
    return table.assign(arm=np.where(arm, "plyometric", "usual"))


def from_a_phone(table: pd.DataFrame) -> pd.DataFrame:
    """A wide sheet of centimetres, exported with a blank and an empty row, and made long as the lesson does it."""
    attempt = (table.groupby(["who", "session"]).cumcount() + 1).astype("str")
    jumps = table.assign(jump=table["session"] + " " + attempt, score=40 * table["score"])
    wide = jumps.pivot(index=["who", "arm"], columns="jump", values="score").round(1).reset_index()
    wide.loc[1, "After 2"] = np.nan
    text = wide.rename(columns={"who": "Player name", "arm": "Training"}).to_csv(index=False)
    exported = io.StringIO(text.replace("\n", "\r\n") + ",,,,,,,\r\n")
    space = {"pd": pd, "example_file": lambda _: exported}
    exec(CELLS["wide"].partition("\n")[0], space)
    exec(CELLS["long"], space)
    return space["long"]


def cell(formula: str = "session_high", main: str = "session_high", **more: Any) -> dict[str, Any]:
    """What a reader writes into the lesson's cell; main: the coefficient that answers."""
    plain = {"sheet": WHO, "dose": None, "groups": "athlete_id", "main": main}
    plain |= {"formula": f"correctness ~ {formula}", "re_formula": "~1", "vc_formula": None}
    plain |= {"x": "session_label", "x_label": "session"}
    return plain | {"names": {"correctness": "result", "athlete_id": ("person", "people")}} | more


def shapes() -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Name → the file's table, and what a reader writes into the lesson's cell."""
    six, ten = list("ABCDEF"), [f"Runner {k} of the club" for k in range(10)]
    loads, pairs, groups = field(six, FIVE, 8), field(six, TWO, 12), field(ten, TWO, 3, 0.2)
    half, dated, own = field(ten, TWO, 6), field(ten, FIVE, 4), {"re_formula": "~session_high"}
    half["item"] = half.groupby(["who", "session"]).cumcount()
    dated["day number"] = "2026-03-" + (10 + dated["day number"]).astype("str")
    absent = pairs.assign(score=100 * pairs["score"]).drop(index=range(60, 72))
    once = groups.groupby(["who", "session", "arm"], sort=False, as_index=False)["score"].mean()
    load = {"dose": "(`Load (kg)` - 20) / 10", "re_formula": "~dose", "x": "Load (kg)"}
    dose = cell("dose", "dose", vc_formula=SESSIONS, **load)
    order = dose | {"sheet": WHO | {"date": "day number"}, "formula": "correctness ~ dose + order"}
    seconds = loads.assign(score=300 - 90 * loads["score"])
    named = cell("session_label", "session_label[T.20]")
    named["sheet"] = WHO | {"session": "Load (kg)", "reference": "10"}
    both = cell("group * session_high", "group[T.plyometric]:session_high")
    both["sheet"] = WHO | {"group": "arm", "control": "usual"}
    arms = cell("session_label", "session_label[T.plyometric]", sheet=WHO | {"session": "arm"})
    filled: dict[str, Any] = {}
    exec(CELLS["two-groups"], {"long": None}, filled)
    filled["main"] = "group[T.plyometric]:session_high"
    items = cell("dose", "dose", groups="everybody", re_formula=None, dose="session_high - 0.5")
    items["vc_formula"] = {"athlete_id": "0 + C(athlete_id)", "item": "0 + C(item)"}
    items["vc_formula"] |= {"own change": "0 + C(athlete_id):dose"}
    return {
        "two sessions, several scores": (pairs, cell(**own)),
        "percent, one absent": (absent, cell(sheet=WHO | {"range": (0, 100)}, **own)),
        "two people": (loads[loads["who"] < "C"], dose),
        "a dose, its column with spaces": (loads, dose),
        "dates and their order": (dated, order),
        "without limits": (seconds, dose | {"sheet": WHO | {"range": None}}),
        "sessions by name": (loads, named | {"vc_formula": SESSIONS}),
        "sessions by name, one score": (loads.drop_duplicates(["who", "session"]), named),
        "groups and time, Excel in Europe": (groups, both | own),
        "groups and time, one score, from pandas": (once, both),
        "groups on one occasion": (groups[groups["session"] == "Before"], arms),
        "items": (half, items),
        "a phone's wide sheet, from pandas": (from_a_phone(groups), filled),
    }


SHAPES = shapes()
QUICK = [name for name in SHAPES if re.match("percent|two people|.*Excel|a phone", name)]


def run(name: str, folder: Path) -> dict[str, Any]:
    """What the lesson's cells from `read` to `report` leave behind, run on the file of that shape."""
    table, settings = SHAPES[name]
    space: dict[str, Any] = {"alts": []}
    exec(CELLS["imports"], space)
    space |= settings | {"path": table if "pandas" in name else folder / "own.csv"}
    excel = {"sep": ";", "decimal": ",", "encoding": "utf-8-sig", "lineterminator": "\r\n"}
    table.to_csv(folder / "own.csv", index=False, **excel if "Excel" in name else {})
    space["show"] = lambda figure, key, **values: space["alts"].append(caption(key, values)[1])
    order = list(CELLS)
    for step in order[order.index("read") : order.index("report") + 1]:
        exec(CELLS[step], space)
    return space


LONG = [pytest.param(name, marks=pytest.mark.full) for name in SHAPES if name not in QUICK]


@pytest.mark.parametrize("name", [*QUICK, *LONG])
@pytest.mark.filterwarnings("error")
def test_template_goes_from_file_to_report(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = run(name, tmp_path)
    printed = capsys.readouterr().out
    table, found = space["df"], coefficients(space["result"]).loc[space["main"]]
    assert len(space["alts"]) == 3 and "Still to be said by you" in printed
    flat, who = " ".join(printed.split()), space["names"]["athlete_id"][1]
    people = table["athlete_id"].nunique()
    assert f"to {len(table)} rows" in flat and f" {people} {who}" in flat
    assert not re.search("nan|(?<!re_formula=)None", printed) and "{" not in str(space["paper"])
    means = table.pivot_table(index="athlete_id", columns="session_high", values="correctness")
    change = means.get(1, np.nan) - means[0]
    if name == "two sessions, several scores":
        assert found["t"] == pytest.approx(stats.ttest_1samp(change, 0).statistic)
    if name.startswith("groups and time"):  # balanced: the two-sample t-test of the changes
        trained = table.groupby("athlete_id")["group"].first() == "plyometric"
        expected = stats.ttest_ind(change[trained], change[~trained]).statistic
        assert [found["df"], found["t"]] == pytest.approx([8, expected])


def test_r_gives_the_numbers_of_the_coachs_file() -> None:
    theirs = json.loads((REFERENCE / "rosetta.json").read_text("utf-8"))["coach_kenward_roger"]
    own = {"score": "Score", "athlete": "Athlete", "session": "Session", "date": "Date"}
    df = read_scores(ROOT / "data" / "coach_file.csv", **own)
    df["dose"] = (df["Planned"] - 20) / 10
    result = fit("correctness ~ dose + order", df, "athlete_id", "~dose", SESSIONS)
    table = coefficients(result)
    for column in ("estimate", "se", "df", "t", "p"):
        np.testing.assert_allclose(table[column], theirs[column], rtol=2e-4)
    assert result.nobs == theirs["rows"] and not theirs["singular"]
    np.testing.assert_allclose(-2 * result.llf, theirs["reml"], rtol=0, atol=1e-5)
    places = zip(theirs["groups"], theirs["first"], strict=True)
    sds = dict(zip(places, theirs["sd_or_correlation"], strict=True))
    rows = [("athlete:session", "(Intercept)"), ("athlete", "dose"), ("Residual", None)]
    ours = variances(result)["sd"][["session", "dose", "residual"]]
    np.testing.assert_allclose(ours, [sds[row] for row in rows], rtol=1e-3)


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
