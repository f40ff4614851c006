"""`report`: what journals ask for, a sentence for each term, tables with the numbers of the public functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels
from explained_fits import SHAPES, fitted, flat, is_rounded, judged, reported, varied

from fewgroups import coefficients, report, variances


def table(paper: Any, title: str) -> pd.DataFrame:
    """The table whose title starts so."""
    (found,) = [shown for name, shown in paper.tables.items() if name.startswith(title)]
    return found


def is_p(shown: str, p: float) -> bool:
    return p < 0.001 if shown == "< 0.001" else is_rounded(shown, p)


def ends(shown: str) -> list[str]:
    return shown.strip("[]").split(", ")


@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite", "wald"])
@pytest.mark.parametrize("name", ["push-ups", "growth", "split-plot", "three levels", "spline"])
def test_the_table_of_coefficients_holds_what_coefficients_gives(name: str, ddf: str) -> None:
    expected, shown = judged(name, ddf), table(reported(name, ddf), "Coefficients")
    assert list(shown.index) == list(expected.index)
    statistic = "z" if ddf == "wald" else "t"
    for (_, row), (_, cells) in zip(expected.iterrows(), shown.iterrows(), strict=True):
        assert is_rounded(cells["estimate"], row["estimate"]) and is_rounded(cells["SE"], row["se"])
        assert cells["df"] == "∞" if np.isinf(row["df"]) else is_rounded(cells["df"], row["df"])
        assert is_rounded(cells[statistic], row["t"]) and is_p(cells["p"], row["p"])
        assert all(map(is_rounded, ends(cells["95 % CI"]), row[["low", "high"]]))


@pytest.mark.parametrize("name", SHAPES)
def test_the_table_of_variation_holds_what_variances_gives(name: str) -> None:
    expected, shown = varied(name), table(reported(name), "Variation")
    assert len(shown) == len(expected)
    exact = expected["sd"].fillna(expected.get("correlation", np.nan))
    rows = {tuple(row) for row in zip(exact, expected["low"], expected["high"], strict=True)}
    for _, cells in shown.iterrows():
        given = [cells["estimate"], *ends(cells["95 % CI"])]
        assert any(
            all(
                x == "" if np.isnan(y) else is_rounded(x, y)
                for x, y in zip(given, row, strict=True)
            )
            for row in rows
        )


@pytest.mark.parametrize("name", SHAPES)
def test_the_paragraphs_say_what_was_fitted_and_a_handful_of_sentences(name: str) -> None:
    result, (method, results) = fitted(name), reported(name).paragraphs
    sizes = [len(part) for part in result.model.endog_li]
    assert f"{len(result.model.endog)} rows" in method
    assert ("restricted maximum" in method) == bool(result.reml)
    assert ("The fit is singular:" in method) == bool(judged(name).attrs["singular"])
    assert len(sizes) == 1 or f"of {len(sizes)} groups" in method
    assert str(getattr(result.model, "formula", "")) in method
    told = results.partition("The standard deviations")[0]
    assert told.count(" p = ") + told.count(" p < ") <= 7
    assert f"Marginal R² (fixed effects) is {varied(name).attrs['r2_marginal']:.2f}" in results


def test_slopes_in_crossed_data_belong_to_those_who_draw_them() -> None:
    paper = report(fitted("crossed"), names={"change": ("subject", "subjects")})
    assert "minus primed = -0.5” for 12 subjects" in flat(paper.paragraphs[0]).replace("`", "")
    row = table(paper, "Variation").filter(like="between subjects", axis=0)
    assert row["number"].tolist() == ["12"]


def test_only_the_terms_that_are_asked_for_are_worded() -> None:
    result = fitted("groups × time")
    said = report(result, terms=["kind:time"]).paragraphs[1].partition("The standard")[0]
    assert said.startswith("The difference “") and said.count(" t(") == 1
    row = judged("groups × time").iloc[-1]
    assert f"t({row['df']:.1f}) = {row['t']:.2f}" in said
    everything = report(result).paragraphs[1]
    assert everything.startswith(said) and everything.count(" t(") == 3


def test_lower_terms_are_tested_on_average_and_it_is_said() -> None:
    paper = reported("groups × time")
    assert "on average over what they interact with" in paper.notes[0]
    row = table(paper, "Tests").loc["time"]
    assert float(row["F"]) != pytest.approx(
        judged("groups × time").loc["time[T.after]", "t"] ** 2, rel=0.2
    )
    assert not any(name.startswith("Tests") for name in reported("growth").tables)
    assert "on average" not in " ".join(reported("growth").notes)


def test_what_was_refitted_or_left_out_is_said_where_it_is_so_and_only_there() -> None:
    assert "refitted by REML" in reported("growth, ML").paragraphs[0]
    assert "refitted" not in reported("growth, ML", "satterthwaite").paragraphs[0]
    assert "take the variances as known" in reported("push-ups", "wald").paragraphs[0]
    same = "effect of `session_high` is taken as the same"
    assert any(same in missing for missing in reported("push-ups").missing)
    assert not any("taken as the same" in missing for missing in reported("growth").missing)
    told = report(fitted("push-ups"), versions=True).paragraphs[0]
    assert f"statsmodels {statsmodels.__version__}" in told
    assert statsmodels.__version__ not in str(reported("push-ups"))


def test_levels_of_confidence_reach_text_and_tables() -> None:
    paper = report(fitted("growth"), level=0.8)
    assert "(80 % interval " in paper.paragraphs[1] and "95" not in str(paper).partition("Notes")[0]
    row = coefficients(fitted("growth"), level=0.8).loc["Days"]
    shown = table(paper, "Coefficients").loc["Days", "80 % CI"]
    assert all(map(is_rounded, ends(shown), row[["low", "high"]]))
    row = variances(fitted("growth"), level=0.8).iloc[0]
    shown = table(paper, "Variation").iloc[0]["80 % CI"]
    assert all(map(is_rounded, ends(shown), row[["low", "high"]]))


def test_words_of_the_reader_are_used() -> None:
    words = {"Reaction": "reaction time", "Days": "day", "Subject": ("person", "people")}
    paper = report(fitted("growth"), "ms", words)
    assert "With each further day, the mean reaction time is 10.5 ms higher" in paper.paragraphs[1]
    assert "SD between people, where Days is 0" in table(paper, "Variation").index
    assert "Coefficients (fixed effects), in ms" in paper.tables
