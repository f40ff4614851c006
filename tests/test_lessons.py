"""Lessons 07, 08 and 09 beside R and simulation: CR2 and bootstrap, two groups before and after, people and items."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fewgroups import coefficients, fit, fit_many
from helpers import Design, Truth, load, simulate, simulate_many
from tests.notebooks import FOLDER, lesson_path, read
from tests.reference import null_bootstrap as boot

FEW, TWO, ITEMS = (read(lesson_path(number)).by_id for number in ("07", "08", "09"))


def by_r(name: str) -> dict[str, Any]:
    """The numbers that an R script of tests/reference stored."""
    path = FOLDER.parent / "tests" / "reference" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


# Lesson 07, few athletes

WHOLE, HANDFUL = {"session_20": 20, "session_30": 30}, {"session_20": 3, "session_30": 4}
UNEVEN = Design(4, [WHOLE, WHOLE, HANDFUL, {"session_20": 2, "session_30": 6}])
STORED = pd.read_csv(boot.STORED)


@pytest.mark.parametrize(
    ("data", "theirs"),  # clubSandwich 0.5.8, tests/reference/cr2.R
    [
        (load("pushups"), (-0.07267365944, 0.00306838045, 3.0)),
        (simulate(UNEVEN, Truth(clip=False), 3), (-0.05972872430, 0.00408861276, 1.56968898181)),
    ],
    ids=["balanced", "a handful of repeats"],
)
def test_the_lines_of_cr2_in_the_lesson_give_the_numbers_of_clubsandwich(
    data: pd.DataFrame, theirs: tuple[float, ...]
) -> None:
    names: dict[str, Any] = {}
    exec(f"{FEW['imports'].source}\n{FEW['cr2'].source}", names)
    found = names["cr2"]("correctness ~ session_high", data, "athlete_id")
    np.testing.assert_allclose(found, theirs, rtol=1e-7)


def test_in_balanced_studies_a_slope_fit_is_never_surer_than_the_paired_t_test() -> None:
    """The two standard errors are equal but where the fit is singular; there the fit's is the larger."""
    truth = Truth(slope_sd=0.02, clip=False)
    scores = simulate_many(Design(), truth, 2_000, seed=4).reshape(-1, 4, 50)
    late = boot.HIGH == 1
    changes = scores[:, :, late].mean(axis=2) - scores[:, :, ~late].mean(axis=2)
    fits = fit_many(scores.reshape(len(scores), -1), Design(), slopes=True)
    ratio = fits.se[:, 1] / (changes.std(axis=1, ddof=1) / 2)
    np.testing.assert_allclose(ratio[~fits.singular], 1, rtol=1e-8)
    assert (ratio[fits.singular] > 1 - 1e-12).all()
    assert 0.3 < fits.singular.mean() < 0.6


def test_the_table_of_the_bootstrap_in_the_lesson_is_what_was_measured() -> None:
    text = FEW["bootstrap-after"].source
    rows = re.findall(r"(?m)^\|(\d[\d.]*)\|([\d.]+) %\|([\d.]+) %\|", text)
    shares = STORED.assign(share=100 * STORED["rejected"] / STORED["studies"])
    table = shares.pivot(index="slope_sd", columns="effect", values="share")[[0.0, -0.02]]
    np.testing.assert_array_equal(np.array(rows, float), table.round().reset_index())
    assert (STORED["studies"] >= 2_000).all()


@pytest.mark.full
def test_the_bootstrap_rejects_as_stored_in_the_first_studies_of_each_world() -> None:
    """A p that falls on .05 may tip over on another processor, so one study may differ."""
    for row in STORED.itertuples():
        found = boot.rejects(row.effect, row.slope_sd, boot.FIRST)
        assert abs(found.sum() - row.of_first) <= 1, row


# Lesson 08, two groups before and after: the anorexia data, and simulated powers


def test_one_score_per_occasion_the_mixed_model_the_t_test_and_r_agree() -> None:
    two = load("anorexia").query("Treat != 'CBT'").reset_index(names="patient")
    two = two.assign(change=two["Postwt"] - two["Prewt"], family=(two["Treat"] == "FT").astype(int))
    test = stats.ttest_ind(*(two.loc[two["family"] == group, "change"] for group in (1, 0)))
    theirs = by_r("two_groups")
    np.testing.assert_allclose([test.statistic, test.df, test.pvalue], theirs["t_test"], rtol=1e-9)
    weights = two.melt(["patient", "family"], ["Prewt", "Postwt"], "occasion", "weight")
    weights["time"] = (weights["occasion"] == "Postwt").astype(int)
    table = coefficients(fit("weight ~ family * time", weights, groups="patient"))
    ours = table[["estimate", "se", "df", "t", "p"]].iloc[1:]
    np.testing.assert_allclose(ours, theirs["mixed"][1:], rtol=1e-5)
    assert table.loc["family:time", "t"] == pytest.approx(test.statistic, rel=1e-7)


def test_the_lesson_prints_rs_ancova_and_the_published_analysis_of_all_groups() -> None:
    theirs = by_r("two_groups")
    estimate, se, t, _ = theirs["ancova"]
    assert re.search(rf"ANCOVA +{estimate:.2f} +{se:.2f} +{t:.2f} ", TWO["ancova"].printed)
    names = ["Intercept", "Prewt", "Treat[T.Cont]", "Treat[T.FT]"]
    rounded = {name: f"{b:.3f}" for name, b in zip(names, theirs["published"], strict=True)}
    lines = re.findall(r"(?m)^(\S+) +(-?[\d.]+)$", TWO["published"].printed)
    assert dict(lines) == rounded


def test_the_simulated_powers_of_the_lesson_are_those_of_rs_power_t_test() -> None:
    def rates(cell: str) -> list[float]:
        return [int(rate) / 100 for rate in re.findall(r"(\d+)%", TWO[cell].printed)]

    theirs, found = by_r("two_groups"), np.reshape(rates("three-analyses"), (3, 3))
    np.testing.assert_allclose(found[:, 0], theirs["change_power"], rtol=0, atol=0.015)
    np.testing.assert_allclose(found[:, 1], theirs["after_power"], rtol=0, atol=0.015)
    one = theirs["gain_power"]  # of one group; the two groups are independent
    expected = [2 * one * (1 - one), 0.05]
    np.testing.assert_allclose(rates("one-group-only"), expected, rtol=0, atol=0.015)


# Lesson 09, people and items


def clips() -> dict[str, Any]:
    """What the lesson's cells define that make the data, run as they stand."""
    seed = ITEMS["clips-figure"].source.splitlines()[0]
    cells = [ITEMS["imports"].source, ITEMS["clips"].source, seed]
    names: dict[str, Any] = {}
    exec("\n".join([*cells, "clips['feint'] = clips['half'] + 0.5"]), names)
    return names


def crossed(data: pd.DataFrame, code: str) -> Any:
    """The lesson's model, `code` the column that tells the halves apart."""
    parts = {"keeper": "0 + C(keeper)", "change": f"0 + C(keeper):{code}", "clip": "0 + C(clip)"}
    return fit(f"time ~ {code}", data, np.ones(len(data)), None, parts)


@pytest.mark.parametrize("code", ["half", "feint"])
def test_people_and_items_with_slopes_are_fitted_as_by_lme4(code: str) -> None:
    result = crossed(clips()["clips"], code)
    row = coefficients(result).loc[code]
    sds = dict(zip(["change", "clip", "keeper"], np.sqrt(result.vcomp), strict=True))  # by name
    ours = {name: row[name] for name in ("estimate", "se", "df", "p")} | sds
    ours |= {"loglik": result.llf, "residual": np.sqrt(result.scale)}
    assert ours == pytest.approx(by_r("clips")[code], rel=2e-4)


@pytest.mark.full
def test_the_crossed_model_raises_five_false_alarms_in_a_hundred() -> None:
    names = clips()
    p = [
        coefficients(crossed(names["trials"].assign(time=times), "half")).loc["half", "p"]
        for times in names["experiments"](300, seed=9)
    ]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.09  # ± 3 Monte-Carlo errors
