"""Lesson 07: its CR2 cell has R's numbers, and its table of the null-fit bootstrap is what was measured."""

import re

import numpy as np
import pandas as pd
import pytest

from fewgroups import fit_many
from helpers import Design, Truth, load, simulate, simulate_many
from tests.notebooks import Notebook, lesson_path, read
from tests.reference import null_bootstrap as boot

WHOLE, HANDFUL = {"session_20": 20, "session_30": 30}, {"session_20": 3, "session_30": 4}
UNEVEN = Design(4, [WHOLE, WHOLE, HANDFUL, {"session_20": 2, "session_30": 6}])
STORED = pd.read_csv(boot.STORED)


@pytest.fixture(scope="module")
def few_athletes() -> Notebook:
    return read(lesson_path("07"))


@pytest.mark.parametrize(
    ("data", "by_r"),  # clubSandwich 0.5.8, tests/reference/cr2.R
    [
        (load("pushups"), (-0.07267365944, 0.00306838045, 3.0)),
        (simulate(UNEVEN, Truth(clip=False), 3), (-0.05972872430, 0.00408861276, 1.56968898181)),
    ],
    ids=["balanced", "a handful of repeats"],
)
def test_the_lines_of_cr2_in_the_lesson_give_the_numbers_of_clubsandwich(
    few_athletes: Notebook, data: pd.DataFrame, by_r: tuple[float, ...]
) -> None:
    names: dict = {}
    for cell in few_athletes.code:
        if cell.id in ("imports", "cr2"):
            exec(cell.source, names)
    found = names["cr2"]("correctness ~ session_high", data, "athlete_id")
    np.testing.assert_allclose(found, by_r, rtol=1e-7)


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


def test_the_table_of_the_bootstrap_in_the_lesson_is_what_was_measured(
    few_athletes: Notebook,
) -> None:
    text = next(cell.source for cell in few_athletes.markdown if cell.id == "bootstrap-after")
    rows = re.findall(r"(?m)^\|(\d[\d.]*)\|([\d.]+) %\|([\d.]+) %\|", text)
    shares = STORED.assign(share=100 * STORED["rejected"] / STORED["studies"])
    table = shares.pivot(index="slope_sd", columns="effect", values="share")[[0.0, -0.02]]
    assert [tuple(map(float, row)) for row in rows] == [
        (slope_sd, *row.round()) for slope_sd, row in table.iterrows()
    ]
    assert (STORED["studies"] >= 2_000).all()


@pytest.mark.full
def test_the_bootstrap_rejects_as_stored_in_the_first_studies_of_each_world() -> None:
    """A p that falls on .05 may tip over on another processor, so one study may differ."""
    for row in STORED.itertuples():
        found = boot.rejects(row.effect, row.slope_sd, boot.FIRST)
        assert abs(found.sum() - row.of_first) <= 1, row
