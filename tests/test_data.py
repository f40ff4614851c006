"""The bundled data: bytes, dictionary and ranges are what data/README.md states, and load gives them."""

from __future__ import annotations

import hashlib
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import Design, Truth, datasets, example_file, load, read_scores, simulate

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
SUMS = (DATA / "SHA256SUMS").read_text(encoding="ascii").splitlines()
NAMES = sorted(datasets.COLUMNS)
FIELD = ["coach_file", "coach_file_first_try", "jumps_phone"]  # as people have them
ROWS = {"pushups": 200, "sleepstudy": 180, "machines": 54, "penicillin": 144, "pastes": 60}
ROWS |= {"anorexia": 72}
TYPES = {"text": "str", "whole number": "int64", "decimal": "float64"}
COACH = runpy.run_path(str(DATA / "coach_file.py"))
PHONE = runpy.run_path(str(DATA / "jumps_phone.py"))


def section(name: str) -> str:
    return README.split(f"\n## {name}.csv\n")[1].split("\n## ")[0]


def dictionary(name: str) -> dict[str, tuple[str, str, str, str]]:
    """Column → type, unit, meaning, range, as the README's table states them."""
    pattern = r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$"
    return {row[0]: row[1:] for row in re.findall(pattern, section(name), re.MULTILINE)}


def assert_range(column: pd.Series, kind: str, stated: str) -> None:
    if kind == "text":
        names = sorted(set(column))
        assert stated == f"{len(names)} names: {', '.join(names)}"
    else:
        bounds = stated.split(" to ")
        digits = max(len(bound.partition(".")[2]) for bound in bounds)
        found = column.astype(float).agg(["min", "max"]).round(digits)
        assert found.tolist() == [float(bound) for bound in bounds]


def test_pushups_are_what_the_source_notebook_drew_and_what_simulate_gives() -> None:
    rng, scores = np.random.default_rng(42), []
    for _ in range(4):
        baseline = rng.normal(loc=0.85, scale=0.05)
        for repeats, effect in [(20, 0.0), (30, -0.08)]:
            scores += [np.clip(rng.normal(baseline + effect, 0.05), 0, 1) for _ in range(repeats)]
    table, made = load("pushups"), simulate(Design(), Truth(), 42)
    np.testing.assert_allclose(table["correctness"], scores, rtol=0, atol=1e-12)
    pd.testing.assert_frame_equal(table, made, rtol=0, atol=1e-12)


def test_every_file_has_a_section_and_travels_in_the_wheel() -> None:
    assert sorted(path.stem for path in DATA.glob("*.csv")) == sorted([*NAMES, *FIELD])
    described = set(re.findall(r"^## (\w+)\.csv$", README, re.MULTILINE))
    assert described == {*NAMES, "coach_file", "jumps_phone"}
    overview = re.findall(r"^\| `(\w+)\.csv` \| .+? \| (\d+) \|", README, re.MULTILINE)
    assert {name: int(rows) for name, rows in overview if name in ROWS} == ROWS
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert built["package-dir"]["helpers.data"] == "data"
    assert {"*.csv", "README.md", "SHA256SUMS"} <= set(built["package-data"]["helpers.data"])
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "helpers").rglob("*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    assert packages | {"helpers.data"} <= set(built["packages"])


@pytest.mark.parametrize("name", [*NAMES, *FIELD])
def test_checksum_origin_and_licence_are_stated(name: str) -> None:
    content = (DATA / f"{name}.csv").read_bytes()
    found, text = hashlib.sha256(content).hexdigest(), section(name.removesuffix("_first_try"))
    assert f"`{found}`" in text and f"{found}  {name}.csv" in SUMS
    assert re.search(r"^- Origin: .{20}", text, re.MULTILINE)
    licence = r"^- Licence: (GPL \(≥ 2\)|GPL-2 or GPL-3|Creative Commons)"
    assert re.search(licence, text, re.MULTILINE)
    if name in NAMES:
        assert content.isascii() and content.endswith(b"\n") and not set(b'\r"') & set(content)
        assert all(line.strip() == line and line for line in content.decode().splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_dictionary_describes_the_table(name: str) -> None:
    table, described = load(name), dictionary(name)
    assert list(table.columns) == list(described) == list(datasets.COLUMNS[name])
    assert len(table) == ROWS[name] and not table.isna().to_numpy().any()
    for column, (kind, unit, meaning, values) in described.items():
        assert str(table[column].dtype) == TYPES[kind] and unit and len(meaning) > 5
        assert_range(table[column], kind, values)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("push-ups", "name must be one of \"pushups\", .*given 'push-ups'"),
        ("SleepStudy", 'write "sleepstudy"'),
        (3, "name must be one of .*given 3"),
    ],
)
def test_what_is_no_data_set_is_refused(name: Any, words: str) -> None:
    with pytest.raises(ValueError if isinstance(name, str) else TypeError, match=words):
        load(name)


def test_load_refuses_a_changed_or_missing_file_but_not_other_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = load("machines")
    content = {path.name: path.read_bytes() for path in DATA.glob("[!.]*") if path.is_file()}
    for name, stored in content.items():
        (tmp_path / name).write_bytes(stored.replace(b"\n", b"\r\n"))
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    pd.testing.assert_frame_equal(load("machines"), expected)
    (tmp_path / "machines.csv").write_bytes(content["machines.csv"].replace(b"72.1", b"72.2"))
    with pytest.raises(ValueError, match=r"data/machines\.csv was changed"):
        load("machines")
    (tmp_path / "pastes.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"data/pastes\.csv is missing"):
        load("pastes")


def test_files_as_people_have_them_are_made_by_their_scripts_and_described(tmp_path: Path) -> None:
    COACH["write"](tmp_path)
    PHONE["write"](tmp_path)
    for name in FIELD:
        assert (tmp_path / f"{name}.csv").read_bytes() == (DATA / f"{name}.csv").read_bytes()
    own = {"Score": "correctness", "Athlete": "athlete_id"}
    own |= {"Session": "session_label", "Repeat": "repeat_id"}
    table = read_scores(DATA / "coach_file.csv", *own)
    assert f"simulated | {len(table)} |" in README
    for name, (kind, _, _, values) in dictionary("coach_file").items():
        if name != "Date":
            assert_range(table[own.get(name, name)], kind, values)


def test_example_file_says_where_a_file_lies_or_which_there_are() -> None:
    assert example_file("jumps_phone.csv") == DATA / "jumps_phone.csv"
    with pytest.raises(FileNotFoundError, match=r"no file 'jumps.csv'.*jumps_phone\.csv"):
        example_file("jumps.csv")


def test_jump_heights_come_from_the_truth_that_is_stated() -> None:
    truth = PHONE["TRUTH"]
    assert all(f"{value:g}" in section("jumps_phone") for value in truth.values())
    lines = [line.split(",") for seed in range(40) for line in PHONE["lines"](seed)[1:]]
    heights = pd.DataFrame([line[2:] for line in lines]).replace("", np.nan).astype(float)
    change = heights[[3, 4, 5]].mean(axis=1) - heights[[0, 1, 2]].mean(axis=1)
    usual, trained = change.groupby([line[1] for line in lines]).mean()[["usual", "plyometric"]]
    # four standard errors of 320 players in each group
    assert abs(usual - truth["control_change"]) < 0.4
    further = trained - usual
    assert abs(further - truth["further_change_with_training"]) < 0.55


def test_coachs_file_comes_from_the_truth_that_is_stated() -> None:
    truth, stated = COACH["TRUTH"], section("coach_file").replace("−", "-")
    assert all(f"{value:.2f}" in stated for value in truth.values())
    rows = pd.DataFrame([row for seed in range(30) for row in COACH["scores"](seed)])
    session, planned, score = (rows[column].astype(float) for column in (2, 3, 5))
    design = np.column_stack([np.ones(len(rows)), (planned - 20) / 10, session - 1])
    found = np.linalg.lstsq(design, score, rcond=None)[0]
    expected = [truth[name] for name in ("intercept", "per_ten_repeats", "per_earlier_session")]
    # four standard errors of 240 athletes; clipping
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.012)
