"""predictions(): dense R numbers, closed forms, coefficients(), coverage, what is told and refused."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from fewgroups.checks import NotAtOptimumWarning
from public_data import load
from scipy import stats
from test_inference_fixed import public_fit

from fewgroups import Design, Truth, coefficients, fit, predictions, simulate

STORED = json.loads(
    (Path(__file__).parent / "reference" / "predictions.json").read_text(encoding="utf-8")
)
WAYS = [
    ("average", "mean"),
    ("known", "mean"),
    ("known", "score"),
    ("new", "mean"),
    ("new", "score"),
]


@cache
def fitted(name: str, slopes: str = "~1") -> Any:
    if not name.startswith("pushups"):
        return public_fit(name, True)
    data = load("pushups")
    if name == "pushups_short":
        few = np.where(data["athlete_id"] == "maya_03", 2, 4)
        data = data[data["repeat_id"] <= few].reset_index(drop=True)
        level = data["athlete_id"].map({"alex_02": 0.1, "david_04": -0.1}).fillna(0)
        change = (
            data["athlete_id"]
            .map({"david_04": 0.08, "maya_03": -0.05, "susan_01": -0.15})
            .fillna(0)
        )
        data["correctness"] += level + change * data["session_high"]
        slopes = "~session_high"
    return fit("correctness ~ session_high", data, "athlete_id", slopes)


@pytest.mark.parametrize("who, of", WAYS)
@pytest.mark.parametrize("name", STORED)
def test_estimates_errors_and_df_are_those_of_dense_matrices_in_r(
    name: str, who: str, of: str
) -> None:
    result = fitted(name)
    rows = np.asarray(result.model.data.frame.index)[STORED[name]["rows"]]
    ours = predictions(result, result.model.data.frame.loc[rows], who, of)
    theirs = np.array([row[f"{who} {of}"] for row in STORED[name]["numbers"]])
    assert ours["estimate"].to_numpy() == pytest.approx(theirs[:, 0], abs=1e-5 * ours["se"].min())
    assert ours["se"].to_numpy() == pytest.approx(theirs[:, 1], rel=1e-4)
    assert ours["df"].to_numpy() == pytest.approx(np.maximum(theirs[:, 2], 1), rel=2e-3)


def mean_squares(groups: int, repeats: int) -> tuple[Any, float, float, pd.Series]:
    """A balanced one-way layout: its fit, the two mean squares, and the groups' means."""
    rng = np.random.default_rng(8)
    y = np.repeat(rng.normal(size=groups), repeats) + rng.normal(size=groups * repeats)
    frame = pd.DataFrame({"y": y, "g": np.repeat(range(groups), repeats)})
    means = frame.groupby("g")["y"].mean()
    within = float(((frame["y"] - frame["g"].map(means)) ** 2).sum() / (groups * (repeats - 1)))
    return fit("y ~ 1", frame, "g"), repeats * float(means.var()), within, means


def satterthwaite(value: float, parts: list[tuple[float, float]]) -> float:
    """2 v² / var(v) from (weighted mean square, its df)."""
    return value**2 / sum(part**2 / df for part, df in parts)


def test_a_new_group_in_a_one_way_layout_has_the_textbook_prediction_interval() -> None:
    J, n = 5, 6
    result, between, within, means = mean_squares(J, n)
    level, score = (predictions(result, who="new", of=of).iloc[0] for of in ("mean", "score"))
    a, b = (1 + 1 / J) * between / n, -within / n  # (1 + 1/J) τ² + σ²/(Jn)
    assert level["estimate"] == pytest.approx(means.mean())
    assert level["se"] ** 2 == pytest.approx(a + b, rel=1e-6)
    df = satterthwaite(a + b, [(a, J - 1), (b, J * (n - 1))])
    assert level["df"] == pytest.approx(df, rel=1e-5)
    reach = stats.t.ppf(0.975, df) * np.sqrt(a + b)
    assert [level["low"], level["high"]] == pytest.approx(
        [means.mean() - reach, means.mean() + reach], rel=1e-5
    )
    b = within * (1 - 1 / n)
    assert score["se"] ** 2 == pytest.approx(a + b, rel=1e-6)
    assert score["df"] == pytest.approx(
        satterthwaite(a + b, [(a, J - 1), (b, J * (n - 1))]), rel=1e-5
    )


def test_a_known_group_in_a_one_way_layout_has_the_closed_form_of_shrinkage() -> None:
    J, n = 5, 6
    result, between, within, means = mean_squares(J, n)
    ours = predictions(result, who="known")
    shrinkage = 1 - within / between
    assert ours["estimate"].tolist() == pytest.approx(
        (means.mean() + shrinkage * (means - means.mean())).tolist()
    )
    error = within / n * (1 - (1 - 1 / J) * within / between)
    assert (ours["se"] ** 2).tolist() == pytest.approx([error] * J, rel=1e-6)
    by_between = (1 - 1 / J) * within**2 / between**2 / n
    by_within = (1 - 2 * (1 - 1 / J) * within / between) / n
    df = satterthwaite(error, [(by_between * between, J - 1), (by_within * within, J * (n - 1))])
    assert ours["df"].tolist() == pytest.approx([df] * J, rel=1e-5)


@pytest.mark.parametrize(
    "name", ["pushups", "pushups_short", "machines_unbalanced", "sleepstudy_slopes"]
)
def test_the_average_is_that_of_coefficients(name: str) -> None:
    result = fitted(name)
    ours = predictions(result)
    X = result.model.exog[~pd.DataFrame(result.model.exog).duplicated()]
    theirs = coefficients(result, contrasts={str(k): row for k, row in enumerate(X)})
    for column in ("estimate", "se", "df", "low", "high"):
        assert ours[column].tolist() == pytest.approx(theirs[column].tolist(), rel=1e-6)


def test_known_groups_are_the_fitted_values_and_the_blups_of_statsmodels() -> None:
    result = fitted("sleepstudy_slopes")
    ours = predictions(result, result.model.data.frame, who="known")
    assert ours["estimate"].to_numpy() == pytest.approx(np.asarray(result.fittedvalues), rel=1e-7)
    assert ours.index.equals(result.model.data.frame.index)


def test_a_score_adds_the_residual_variance_and_nothing_else() -> None:
    result = fitted("pushups_short")
    for who in ("known", "new"):
        mean, score = (predictions(result, who=who, of=of) for of in ("mean", "score"))
        assert (score["se"] ** 2 - mean["se"] ** 2).tolist() == pytest.approx(
            [result.scale] * len(mean)
        )
        assert score["estimate"].tolist() == mean["estimate"].tolist()


def test_the_push_ups_agree_with_lesson_05_by_hand() -> None:
    result = fitted("pushups")
    tau2, sigma2 = float(result.cov_re.iloc[0, 0]), float(result.scale)
    mean = tau2 / 4 + sigma2 / 120
    data = pd.DataFrame({"session_high": [1]})
    squares = [
        predictions(result, data, *way)["se"].iloc[0] ** 2 for way in (WAYS[0], WAYS[3], WAYS[4])
    ]
    assert squares == pytest.approx([mean, mean + tau2, mean + tau2 + sigma2], rel=1e-6)


def test_an_unseen_level_of_a_component_counts_as_new() -> None:
    result = fitted("pastes")  # casks within batches
    frame = result.model.data.frame.iloc[[0]]
    other = frame.assign(sample="Z:z")
    seen, unseen = (predictions(result, data, "known").iloc[0] for data in (frame, other))
    new = predictions(result, other, "new").iloc[0]
    assert unseen["se"] ** 2 > result.vcomp[0] and seen["se"] < unseen["se"]
    assert new["se"] ** 2 == pytest.approx(
        coefficients(result)["se"].iloc[0] ** 2 + result.vcomp[0] + result.cov_re.iloc[0, 0],
        rel=1e-6,
    )


def test_rows_need_only_the_predictors_and_come_back_as_they_were() -> None:
    result = fitted("sleepstudy_slopes")
    data = pd.DataFrame({"Days": [20.0, 0.0], "junk": ["a", "b"]}, index=["later", "first"])
    ours = predictions(result, data, "new", "score", level=0.8)
    assert list(ours.columns) == ["Days", "estimate", "se", "df", "low", "high"]
    assert list(ours.index) == ["later", "first"]
    assert ours.loc["later", "se"] > ours.loc["first", "se"]  # slopes fan out
    assert predictions(fitted("dyestuff"), pd.DataFrame(index=[3]), "new").index.tolist() == [3]


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
    data = load("sleepstudy")
    plain = fitted("sleepstudy_slopes")
    moved = fit(
        "Reaction ~ Days",
        data.assign(Reaction=1000 * data["Reaction"], Days=data["Days"] + 500),
        "Subject",
        "~Days",
    )
    for who, of in WAYS:
        before = predictions(plain, data.iloc[[0, 9]], who, of)
        after = predictions(moved, data.iloc[[0, 9]].assign(Days=[500, 509]), who, of)
        for column, rel in [("estimate", 1e-6), ("se", 1e-4), ("df", 1e-3)]:
            factor = 1 if column == "df" else 1000
            assert after[column].tolist() == pytest.approx(
                (factor * before[column]).tolist(), rel=rel
            )


def test_statsmodels_own_fits_and_ml_fits_give_the_same_table() -> None:
    data = load("sleepstudy")
    plain = smf.mixedlm("Reaction ~ Days", data, groups="Subject", re_formula="~Days").fit()
    by_ml = fit("Reaction ~ Days", data, "Subject", "~Days", reml=False)
    ours = predictions(fitted("sleepstudy_slopes"), who="known")
    for other in (predictions(plain, who="known"), predictions(by_ml, who="known")):
        for column in ("estimate", "se", "low", "high"):
            assert other[column].tolist() == pytest.approx(ours[column].tolist(), rel=1e-4)
    assert "refitted by REML" in "\n".join(predictions(by_ml).notes)


def test_groups_given_as_a_series_and_random_columns_in_other_coding_are_understood() -> None:
    data = load("pushups")
    by_name = predictions(fitted("pushups"), who="known")
    by_series = fit("correctness ~ session_high", data, data["athlete_id"])
    assert predictions(by_series, who="known")["se"].tolist() == pytest.approx(
        by_name["se"].tolist()
    )
    cells = fitted("pushups_short")
    short = cells.model.data.frame
    coded = fit("correctness ~ session_label", short, "athlete_id", "~0 + session_label")
    for who in ("known", "new"):
        theirs = predictions(coded, who=who)
        assert theirs["se"].tolist() == pytest.approx(
            predictions(cells, who=who)["se"].tolist(), rel=1e-3
        )


def test_a_random_column_that_is_no_fixed_effect_is_made_from_its_name() -> None:
    data = load("sleepstudy")
    result = fit("Reaction ~ 1", data, "Subject", "~Days")
    ours = predictions(result, data, who="known")
    assert ours["estimate"].to_numpy() == pytest.approx(np.asarray(result.fittedvalues), rel=1e-7)
    hidden = fit("Reaction ~ 1", data, "Subject", "~np.sqrt(Days)")
    with pytest.raises(
        ValueError, match=r"re_formula: columns such as 'np.sqrt\(Days\)' cannot be made"
    ):
        predictions(hidden)


def test_what_the_interval_is_about_is_said_below_it() -> None:
    result = fitted("pushups")
    for (who, of), said in zip(
        WAYS,
        [
            "confidence interval of the mean over all groups",
            "level of that group",
            "one new score of that group",
            "level of a group that was not",
            "one score of",
        ],
        strict=True,
    ):
        table = predictions(result, who=who, of=of)
        assert said in " ".join(table.notes)
        assert ("differ in level only" in " ".join(table.notes)) == (who != "average")
        assert table.attrs["who"] == who and table.attrs["of"] == of


def test_a_singular_fit_says_so_and_df_are_one_at_least() -> None:
    slopes = fitted("pushups", "~session_high")
    assert "Singular fit" in " ".join(predictions(slopes, who="known").notes)
    y = np.repeat(np.random.default_rng(3).normal(size=8), 3) + np.tile([0.1, -0.2, 0.1], 8)
    frame = pd.DataFrame({"y": y, "g": np.repeat(range(8), 3)})
    frame["y"] -= frame.groupby("g")["y"].transform("mean")
    flat = predictions(fit("y ~ 1", frame, "g"), who="new")
    assert flat["df"].iloc[0] == 1 and "df are set to 1" in " ".join(flat.notes)


@pytest.mark.parametrize(
    "changes, error, says",
    [
        ({"who": "susan"}, ValueError, "who must be one of 'average', 'known', 'new'"),
        ({"of": "level"}, ValueError, "of must be one of 'mean', 'score'"),
        ({"of": "score"}, ValueError, 'of="score" needs a group'),
        ({"level": 95}, ValueError, "level must be a number between 0 and 1"),
        ({"data": {"session_high": 1}}, TypeError, "data must be a DataFrame with the columns session_high"),
        ({"data": pd.DataFrame({"session": [1]})}, ValueError, "data lacks 'session_high', which the model needs"),
        ({"data": pd.DataFrame({"session_high": [1]}), "who": "known"}, ValueError, "data lacks 'athlete_id'"),
        ({"data": pd.DataFrame({"session_high": [1], "athlete_id": ["eve"]}), "who": "known"}, ValueError,
         r"data\['athlete_id'\] has 'eve', which the model has not seen; it knows 'alex_02'.*who='new'"),
        ({"data": pd.DataFrame({"session_high": []})}, ValueError, "data has no rows"),
        ({"data": pd.DataFrame({"session_high": [1, np.nan]})}, ValueError, "missing values in rows 1"),
        ({"data": pd.DataFrame({"session_high": [1, np.inf]})}, ValueError, "is infinite in rows 1"),
        ({"data": pd.DataFrame({"session_high": ["1", "0"]})}, ValueError, r"data\['session_high'\] must hold numbers"),
        ({"data": pd.DataFrame({"session_high": [1j]})}, ValueError, r"data\['session_high'\] must hold numbers"),
        ({"data": pd.DataFrame([[1, 0]], columns=["session_high"] * 2)}, ValueError, "more than one column"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_by_name(
    changes: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        predictions(fitted("pushups"), **changes)


def test_levels_that_the_model_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="data does not fit the model's formula: .*'D'"):
        predictions(fitted("machines_nested"), pd.DataFrame({"Machine": ["D"]}))


def test_results_that_cannot_be_predicted_from_are_refused() -> None:
    data = load("pushups")
    with pytest.raises(TypeError, match="must come from a mixed model"):
        predictions(smf.ols("correctness ~ session_high", data).fit())
    with pytest.raises(TypeError, match="not fitted yet"):
        predictions(smf.mixedlm("correctness ~ session_high", data, groups="athlete_id"))
    no_formula = sm.MixedLM(
        data["correctness"], sm.add_constant(data["session_high"]), data["athlete_id"]
    )
    with pytest.raises(ValueError, match="not fitted by a formula"):
        predictions(_quiet(no_formula))
    elsewhere = fit(
        "correctness ~ session_high", data, [f"{label}!" for label in data["athlete_id"]]
    )
    with pytest.raises(ValueError, match="groups that are no column of its data"):
        predictions(elsewhere, who="known")


def _quiet(model: Any) -> Any:
    with pytest.warns(UserWarning):  # statsmodels' boundary warning
        return model.fit()


def test_a_fit_below_the_optimum_warns() -> None:
    with pytest.warns(UserWarning):  # statsmodels' own
        plain = smf.mixedlm(
            "correctness ~ session_high",
            load("pushups"),
            groups="athlete_id",
            re_formula="~session_high",
        ).fit()
    with pytest.warns(NotAtOptimumWarning, match="not at its optimum"):
        predictions(plain)


@pytest.mark.full
@pytest.mark.parametrize(
    "slope_sd, of, least, most", [(0.05, "mean", 0.93, 0.995), (0.05, "score", 0.92, 0.97)]
)
def test_intervals_of_a_new_athlete_hold_what_they_promise(
    slope_sd: float, of: str, least: float, most: float
) -> None:
    """With four athletes; the error of the share is .009, and ± 1.96 se covers .85 of the means."""
    rng, n, held = np.random.default_rng(7), 600, []
    data = pd.DataFrame({"session_high": [1]})
    for seed in range(n):
        result = fit("correctness ~ session_high", simulate(Design(), Truth(slope_sd=slope_sd, clip=False), seed),
                     "athlete_id", "~session_high")  # fmt: skip
        row = predictions(result, data, "new", of).iloc[0]
        truth = (
            0.77 + rng.normal() * np.hypot(0.05, slope_sd) + (of == "score") * 0.05 * rng.normal()
        )
        held.append(row["low"] <= truth <= row["high"])
    assert least < np.mean(held) < most
