"""The bundled data: bytes, dictionary and ranges are what data/README.md states, and load gives them."""

from __future__ import annotations

import hashlib
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fewgroups import Design, Truth, simulate
from helpers import datasets as bundled
from helpers import load, read_scores

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
NAMES = sorted(bundled.COLUMNS)
FIELD = [
    "coach_file",
    "coach_file_first_try",
]  # as a spreadsheet saves them: for read_scores, not for load
ROWS = {"pushups": 200, "sleepstudy": 180, "machines": 54, "penicillin": 144, "pastes": 60}
TYPES = {"text": "str", "whole number": "int64", "decimal": "float64"}


def section(name: str) -> str:
    return README.split(f"\n## {name}.csv\n")[1].split("\n## ")[0]


def dictionary(name: str) -> dict[str, tuple[str, str, str, str]]:
    """Column → type, unit, meaning, range, as the README's table states them."""
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$", section(name), re.MULTILINE
    )
    return {row[0]: row[1:] for row in rows}


def seed_scores() -> np.ndarray:
    """The 200 scores, drawn one by one as the source notebook draws them: an oracle that uses no helper."""
    rng = np.random.default_rng(42)
    scores = []
    for _ in range(4):
        baseline = rng.normal(loc=0.85, scale=0.05)
        for repeats, effect in [(20, 0.0), (30, -0.08)]:
            scores += [
                np.clip(rng.normal(loc=baseline + effect, scale=0.05), 0, 1) for _ in range(repeats)
            ]
    return np.array(scores)


def test_pushups_file_is_what_the_seed_draws() -> None:
    np.testing.assert_allclose(load("pushups")["correctness"], seed_scores(), rtol=0, atol=1e-12)


def test_pushups_file_is_what_simulate_gives() -> None:
    pd.testing.assert_frame_equal(
        load("pushups"), simulate(Design(), Truth(), 42), rtol=0, atol=1e-12
    )


def test_pushups_has_the_fixed_points_of_the_course() -> None:
    table = load("pushups")
    assert table["correctness"].head().round(6).tolist() == [
        0.813237,
        0.902758,
        0.912264,
        0.767684,
        0.800127,
    ]
    means = table.groupby(["athlete_id", "session_label"])["correctness"].mean().round(6).unstack()
    assert means.to_numpy().tolist() == [
        [0.871861, 0.792055],
        [0.825497, 0.758031],
        [0.823661, 0.747879],
        [0.862365, 0.794724],
    ]


def test_pushups_is_written_with_every_digit() -> None:
    lines = (ROOT / "data" / "pushups.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[-1] for line in lines] == [
        repr(float(x)) for x in load("pushups")["correctness"]
    ]


def test_every_file_has_a_schema_a_section_and_a_line_in_the_overview() -> None:
    assert sorted(path.stem for path in (ROOT / "data").glob("*.csv")) == sorted([*NAMES, *FIELD])
    assert sorted(re.findall(r"^## (\w+)\.csv$", README, re.MULTILINE)) == sorted(
        [*NAMES, "coach_file"]
    )
    overview = re.findall(r"^\| `(\w+)\.csv` \| .+? \| (\d+) \|", README, re.MULTILINE)
    assert {name: int(rows) for name, rows in overview} == ROWS | {
        "coach_file": 727,
        "coach_file_first_try": 728,
    }


@pytest.mark.parametrize("name", NAMES)
def test_stated_checksums_are_those_of_the_file(name: str) -> None:
    found = hashlib.sha256((ROOT / "data" / f"{name}.csv").read_bytes()).hexdigest()
    assert f"- SHA-256: `{found}`" in section(name)
    assert (
        f"{found}  {name}.csv"
        in (ROOT / "data" / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    )


@pytest.mark.parametrize("name", NAMES)
def test_origin_and_licence_are_stated(name: str) -> None:
    assert re.search(r"^- Origin: .{20}", section(name), re.MULTILINE)
    assert re.search(r"^- Licence: (GPL \(≥ 2\)|Creative Commons)", section(name), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_files_are_plain_utf8_with_unix_line_ends(name: str) -> None:
    content = (ROOT / "data" / f"{name}.csv").read_bytes()
    content.decode("ascii")
    assert b"\r" not in content and b'"' not in content and content.endswith(b"\n")
    assert all(line.strip() == line and line for line in content.decode().splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_dictionary_describes_the_table(name: str) -> None:
    table, described = load(name), dictionary(name)
    assert list(table.columns) == list(described) == list(bundled.COLUMNS[name])
    assert len(table) == ROWS[name]
    assert not table.isna().to_numpy().any()
    for column, (kind, unit, meaning, values) in described.items():
        assert str(table[column].dtype) == TYPES[kind] and unit and len(meaning) > 5
        if kind == "text":
            count, names = re.fullmatch(r"(\d+) names: (.+)", values).groups()  # type: ignore[union-attr]
            assert sorted(set(table[column])) == names.split(", ") and len(
                names.split(", ")
            ) == int(count)
        else:
            low, high = values.split(" to ")
            digits = len(low.partition(".")[2]) if "." in low else len(high.partition(".")[2])
            found = table[column].agg(["min", "max"]).round(digits).tolist()
            assert found == [float(low), float(high)]


def test_designs_of_the_borrowed_data_are_complete() -> None:
    assert (
        load("sleepstudy")
        .groupby("Subject")["Days"]
        .agg(lambda days: list(days) == list(range(10)))
        .all()
    )
    assert (load("machines").groupby(["Worker", "Machine"]).size() == 3).all()
    assert (load("penicillin").groupby(["plate", "sample"]).size() == 1).all()
    pastes = load("pastes")
    assert (pastes.groupby("sample").size() == 2).all()
    assert (pastes["batch"] + ":" + pastes["cask"] == pastes["sample"]).all()


def test_load_works_from_any_folder_and_gives_a_fresh_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = load("machines")
    first["score"] = 0.0
    assert load("machines")["score"].min() == 43


def test_load_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match="name must be one of \"pushups\", .*given 'push-ups'"):
        load("push-ups")
    with pytest.raises(ValueError, match='write "sleepstudy"'):
        load("SleepStudy")
    with pytest.raises(TypeError, match="name must be a text.*given 3"):
        load(3)  # type: ignore[arg-type]


def copy_of_data(folder: Path, change: bytes = b"", to: bytes = b"") -> Path:
    """The data folder again, machines.csv altered."""
    for source in (ROOT / "data").iterdir():
        content = source.read_bytes()
        altered = content.replace(change, to) if source.stem == "machines" else content
        (folder / source.name).write_bytes(altered)
    return folder


def test_load_refuses_a_changed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "DATA", copy_of_data(tmp_path, b"72.1", b"72.2"))
    with pytest.raises(ValueError, match=r"data/machines\.csv was changed"):
        load("machines")


def test_load_accepts_the_same_data_with_windows_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load("machines")
    monkeypatch.setattr(bundled, "DATA", copy_of_data(tmp_path, b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(load("machines"), expected)


def test_load_says_which_file_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "DATA", copy_of_data(tmp_path))
    (tmp_path / "pastes.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"data/pastes\.csv is missing"):
        load("pastes")


def coach() -> dict[str, Any]:
    """What data/coach_file.py defines."""
    return runpy.run_path(str(ROOT / "data" / "coach_file.py"))


@pytest.mark.parametrize("name", FIELD)
def test_coachs_files_are_what_their_script_makes(name: str, tmp_path: Path) -> None:
    coach()["write"](tmp_path)
    made, stored = ((folder / f"{name}.csv").read_bytes() for folder in (tmp_path, ROOT / "data"))
    assert made == stored
    found = hashlib.sha256(stored).hexdigest()
    assert f"`{found}`" in section("coach_file")
    assert (
        f"{found}  {name}.csv"
        in (ROOT / "data" / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    )


def test_coachs_file_is_as_messy_as_said_and_its_dictionary_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = (ROOT / "data" / "coach_file.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and b";0," in content and content.endswith(b";;\r\n")
    table = read_scores(ROOT / "data" / "coach_file.csv", "Score", "Athlete", "Session", "Repeat")
    told = capsys.readouterr().out
    for word in (
        "byte-order",
        "semicolons",
        "decimal commas",
        "empty rows",
        "spaces",
        "is blank in 65 rows",
    ):
        assert word in told
    renamed = {
        "Athlete": "athlete_id",
        "Session": "session_label",
        "Repeat": "repeat_id",
        "Score": "correctness",
    }
    described = dictionary("coach_file")
    assert list(described) == ["Athlete", "Date", "Session", "Planned", "Repeat", "Score", "Sleep"]
    for name, (_, _, _, values) in described.items():
        column = table[renamed.get(name, name)]
        if name == "Athlete":
            assert values == f"8 names: {', '.join(sorted(set(column)))}"
        elif name != "Date":
            low, high = values.split(" to ")
            assert [float(low), float(high)] == [
                column.astype(float).min(),
                column.astype(float).max(),
            ]


def test_coachs_file_comes_from_the_truth_that_is_stated() -> None:
    truth = coach()["TRUTH"]
    stated = section("coach_file").replace("−", "-")
    assert all(f"{value:.2f}" in stated for value in truth.values())
    rows = pd.DataFrame([row for seed in range(30) for row in coach_rows(seed)])
    rows = rows.assign(dose=(rows["planned"] - 20) / 10, earlier=rows["session"] - 1)
    design = np.column_stack([np.ones(len(rows)), rows["dose"], rows["earlier"]])
    found = np.linalg.lstsq(design, rows["score"], rcond=None)[0]
    expected = [truth[name] for name in ("intercept", "per_ten_repeats", "per_earlier_session")]
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=0.012
    )  # four standard errors of 240 athletes; clipping


def coach_rows(seed: int) -> list[dict[str, float]]:
    found = coach()["scores"](seed)
    return [
        {"planned": float(row[3]), "session": float(row[2]), "score": float(row[5])}
        for row in found
    ]
