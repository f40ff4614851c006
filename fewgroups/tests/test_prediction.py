"""predictions(): dense R numbers, closed forms, coefficients(), coverage, what is told and refused."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from public_data import load
from running_example import Design, Truth, simulate
from scipy import stats
from test_inference_fixed import public_fit

from fewgroups import coefficients, fit, predictions

STORED = json.loads((Path(__file__).parent / "reference" / "predictions.json").read_text("utf-8"))
WAYS = [("average", "mean"), *itertools.product(("known", "new"), ("mean", "score"))]


@cache
def fitted(name: str, slopes: str = "~1") -> Any:
    if not name.startswith("pushups"):
        return public_fit(name, True)
    data = load("pushups")
    if name == "pushups_short":
        few = np.where(data["athlete_id"] == "maya_03", 2, 4)
        data = data[data["repeat_id"] <= few].reset_index(drop=True)
        who, levels = data["athlete_id"], {"alex_02": 0.1, "david_04": -0.1}
        changes = {"david_04": 0.08, "maya_03": -0.05, "susan_01": -0.15}
        data["correctness"] += who.map(levels).fillna(0)
        data["correctness"] += who.map(changes).fillna(0) * data["session_high"]
        slopes = "~session_high"
    return fit("correctness ~ session_high", data, "athlete_id", slopes)


@pytest.mark.parametrize("who, of", WAYS)
@pytest.mark.parametrize("name", STORED)
def test_all_numbers_are_those_of_dense_matrices_in_r(name: str, who: str, of: str) -> None:
    result = fitted(name)
    rows = np.asarray(result.model.data.frame.index)[STORED[name]["rows"]]
    ours = predictions(result, result.model.data.frame.loc[rows], who, of)
    theirs = np.array([row[f"{who} {of}"] for row in STORED[name]["numbers"]])
    assert ours["estimate"].to_numpy() == pytest.approx(theirs[:, 0], abs=1e-5 * ours["se"].min())
    assert ours["se"].to_numpy() == pytest.approx(theirs[:, 1], rel=1e-4)
    assert ours["df"].to_numpy() == pytest.approx(np.maximum(theirs[:, 2], 1), rel=2e-3)


J, N = 5, 6  # groups and repeats of a balanced one-way layout


def satterthwaite(between: float, within: float) -> float:
    """df of a variance whose shares of the two mean squares are these."""
    return (between + within) ** 2 / (between**2 / (J - 1) + within**2 / (J * (N - 1)))


def test_groups_of_a_one_way_layout_have_the_intervals_and_the_shrinkage_of_textbooks() -> None:
    rng = np.random.default_rng(8)
    y = np.repeat(rng.normal(size=J), N) + rng.normal(size=J * N)
    frame = pd.DataFrame({"y": y, "g": np.repeat(range(J), N)})
    means = frame.groupby("g")["y"].mean()
    within = float(((frame["y"] - frame["g"].map(means)) ** 2).sum() / (J * (N - 1)))
    result, between = fit("y ~ 1", frame, "g"), N * float(means.var())
    a = (1 + 1 / J) * between / N  # (1 + 1/J) τ² + σ²/(JN) for the mean, σ² more for an outcome
    for of, b in (("mean", -within / N), ("score", within * (1 - 1 / N))):
        row = predictions(result, who="new", of=of).iloc[0]
        df, se = satterthwaite(a, b), np.sqrt(a + b)
        half_width = stats.t.ppf(0.975, df) * se
        expected = [means.mean(), se, df, means.mean() - half_width, means.mean() + half_width]
        assert row.tolist() == pytest.approx(expected, rel=1e-5)
    known = predictions(result, who="known")
    shrunk = means.mean() + (1 - within / between) * (means - means.mean())
    assert known["estimate"].tolist() == pytest.approx(shrunk.tolist())
    error = within / N * (1 - (1 - 1 / J) * within / between)
    assert (known["se"] ** 2).tolist() == pytest.approx([error] * J, rel=1e-6)
    by_between = (1 - 1 / J) * within**2 / between / N
    df = satterthwaite(by_between, within / N - 2 * by_between)
    assert known["df"].tolist() == pytest.approx([df] * J, rel=1e-5)


def test_groups_and_scores_add_their_variances_by_hand() -> None:
    result = fitted("pushups")
    tau2, sigma2 = float(result.cov_re.iloc[0, 0]), float(result.scale)
    mean = tau2 / 4 + sigma2 / 120
    data = pd.DataFrame({"session_high": [1]})
    ways = (("average", "mean"), ("new", "mean"), ("new", "score"))
    squares = [predictions(result, data, *way)["se"].iloc[0] ** 2 for way in ways]
    assert squares == pytest.approx([mean, mean + tau2, mean + tau2 + sigma2], rel=1e-6)
    known = [predictions(fitted("pushups_short"), who="known", of=of) for of in ("mean", "score")]
    added = known[1]["se"] ** 2 - known[0]["se"] ** 2
    assert added.tolist() == pytest.approx([fitted("pushups_short").scale] * len(added))
    assert known[0]["estimate"].tolist() == known[1]["estimate"].tolist()


def test_an_unseen_level_of_a_component_counts_as_new() -> None:
    result = fitted("pastes")  # casks within batches
    frame = result.model.data.frame.iloc[[0]]
    other = frame.assign(sample="Z:z")
    seen, unseen = (predictions(result, data, "known").iloc[0] for data in (frame, other))
    new = predictions(result, other, "new").iloc[0]
    assert unseen["se"] ** 2 > result.vcomp[0] and seen["se"] < unseen["se"]
    average = coefficients(result)["se"].iloc[0] ** 2
    expected = average + result.vcomp[0] + result.cov_re.iloc[0, 0]
    assert new["se"] ** 2 == pytest.approx(expected, rel=1e-6)


def test_rows_need_only_the_predictors_and_come_back_as_they_were() -> None:
    data = pd.DataFrame({"Days": [20.0, 0.0], "junk": ["a", "b"]}, index=["later", "first"])
    ours = predictions(fitted("sleepstudy_slopes"), data, "new", "score", level=0.8)
    assert list(ours.columns) == ["Days", "estimate", "se", "df", "low", "high"]
    assert list(ours.index) == ["later", "first"]
    assert ours.loc["later", "se"] > ours.loc["first", "se"]  # slopes fan out
    assert predictions(fitted("dyestuff"), pd.DataFrame(index=[3]), "new").index.tolist() == [3]
    low = fit("Reaction ~ low", load("sleepstudy").rename(columns={"Days": "low"}), "Subject")
    assert predictions(low)["low (data)"].tolist() == list(range(10))


def test_without_data_every_distinct_row_of_predictors_is_predicted() -> None:
    result = fitted("pushups")
    assert predictions(result)["session_high"].tolist() == [0, 1]
    assert "0.8458 0.0126 3.64 0.8095 0.8822" in repr(predictions(result))
    [mean] = predictions(fitted("dyestuff"))["estimate"]
    assert mean == pytest.approx(fitted("dyestuff").fe_params["Intercept"])
    assert predictions(fitted("dyestuff"), who="new").index.tolist() == [0]
    known = predictions(result, who="known")
    assert len(known) == 8 and known["athlete_id"].iloc[0] == "susan_01"


def test_units_and_centres_of_scores_and_predictors_pass_through() -> None:
    data, plain = load("sleepstudy"), fitted("sleepstudy_slopes")
    units = data.assign(Reaction=1000 * data["Reaction"], Days=data["Days"] + 500)
    moved = fit("Reaction ~ Days", units, "Subject", "~Days")
    for who, of in WAYS:
        before = predictions(plain, data.iloc[[0, 9]], who, of)
        after = predictions(moved, units.iloc[[0, 9]], who, of)
        for column, rel, unit in [("estimate", 1e-6, 1000), ("se", 1e-4, 1000), ("df", 1e-3, 1)]:
            expected = (unit * before[column]).tolist()
            assert after[column].tolist() == pytest.approx(expected, rel=rel)


def test_statsmodels_own_fits_ml_fits_and_groups_as_a_series_give_the_same_table() -> None:
    data, formula = load("sleepstudy"), "Reaction ~ Days"
    plain = smf.mixedlm(formula, data, groups="Subject", re_formula="~Days").fit()
    by_ml = fit(formula, data, "Subject", "~Days", reml=False)
    by_series = fit(formula, data, data["Subject"], "~Days")
    ours = predictions(fitted("sleepstudy_slopes"), who="known")
    for result in (plain, by_ml, by_series):
        theirs = predictions(result, who="known")
        for column in ("estimate", "se", "low", "high"):
            assert theirs[column].tolist() == pytest.approx(ours[column].tolist(), rel=1e-4)
    assert "refitted by REML" in "\n".join(predictions(by_ml).notes)


def test_a_singular_fit_says_so_and_df_are_one_at_least() -> None:
    slopes = fitted("pushups", "~session_high")
    assert "Singular fit" in " ".join(predictions(slopes, who="known").notes)
    y = np.repeat(np.random.default_rng(3).normal(size=8), 3) + np.tile([0.1, -0.2, 0.1], 8)
    frame = pd.DataFrame({"y": y, "g": np.repeat(range(8), 3)})
    frame["y"] -= frame.groupby("g")["y"].transform("mean")
    flat = predictions(fit("y ~ 1", frame, "g"), who="new")
    assert flat["df"].iloc[0] == 1 and "df are set to 1" in " ".join(flat.notes)


@pytest.mark.full
def test_intervals_of_a_new_group_hold_what_they_promise() -> None:
    """With four groups; the error of a share is .012, and ± 1.96 se covers .85 of the means."""
    rng, truth = np.random.default_rng(7), Truth(slope_sd=0.05, clip=False)
    held: dict[str, list[bool]] = {"mean": [], "score": []}
    for seed in range(300):
        data = simulate(Design(), truth, seed)
        result = fit("correctness ~ session_high", data, "athlete_id", "~session_high")
        level = 0.77 + rng.normal(scale=[0.05, 0.05]).sum()
        for of, value in (("mean", level), ("score", level + rng.normal(scale=0.05))):
            row = predictions(result, pd.DataFrame({"session_high": [1]}), "new", of).iloc[0]
            held[of].append(row["low"] <= value <= row["high"])
    assert 0.93 < np.mean(held["mean"]) < 0.995 and 0.92 < np.mean(held["score"]) < 0.97
