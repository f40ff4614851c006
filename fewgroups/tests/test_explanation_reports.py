"""`report`: what journals ask for, with the numbers of coefficients, f_tests and variances, in four formats."""

from __future__ import annotations

import csv
import io
import re
import warnings
from typing import Any

import numpy as np
import pytest
import statsmodels
from bs4 import BeautifulSoup
from explained_fits import (
    FITS,
    fitted,
    is_rounded,
    judged,
    numbers,
    reported,
    unfinished,
    varied,
)
from public_data import load
from test_explanation import NASTY, changed, flat

from fewgroups import coefficients, f_tests, fit, report, variances

JUDGED = [(name, "kenward-roger") for name in FITS]
JUDGED += [
    (name, ddf)
    for name in ("push-ups, slopes", "sleepstudy, ML", "stranger's")
    for ddf in ("satterthwaite", "wald")
]


def table_of(paper: Any, title: str) -> list[list[str]]:
    """The shown cells of a table, without its labels."""
    return [
        list(row.shown)
        for table in paper.tables
        if table.title.startswith(title)
        for row in table.rows
    ]


def is_p(shown: str, p: float) -> bool:
    return shown == "< 0.001" if p < 0.001 else is_rounded(shown, p)


def is_df(shown: str, df: float) -> bool:
    return shown == "∞" if np.isinf(df) else is_rounded(shown, df)


def ends(shown: str) -> list[str]:
    return re.findall(r"−?[\d.]+", shown)


@pytest.mark.parametrize("name, ddf", JUDGED)
def test_the_table_of_coefficients_holds_what_coefficients_gives(name: str, ddf: str) -> None:
    expected = judged(name, ddf)
    rows = table_of(reported(name, ddf), "Coefficients")
    assert len(rows) == len(expected)
    for shown, (_, row) in zip(rows, expected.iterrows(), strict=True):
        assert is_rounded(shown[0], row["estimate"]) and is_rounded(shown[1], row["se"])
        assert (
            is_df(shown[2], row["df"])
            and is_rounded(shown[3], row["t"])
            and is_p(shown[4], row["p"])
        )
        assert (
            all(map(is_rounded, ends(shown[5]), row[["low", "high"]])) and len(ends(shown[5])) == 2
        )


@pytest.mark.parametrize("name", FITS)
def test_the_table_of_variation_holds_what_variances_gives(name: str) -> None:
    rows = table_of(reported(name), "Variation")
    expected = varied(name)
    assert len(rows) == len(expected)
    for shown, (_, row) in zip(rows, expected.iterrows(), strict=True):
        assert is_rounded(shown[0], row["correlation"] if np.isnan(row["sd"]) else row["sd"])
        assert all(map(is_rounded, ends(shown[1]), row[["low", "high"]]))


@pytest.mark.parametrize("name", ["machines, nested", "stranger's", "helmert, poly"])
def test_terms_of_several_coefficients_are_tested_as_a_whole(name: str) -> None:
    expected = f_tests(fitted(name))
    rows = table_of(reported(name), "Tests of whole terms")
    for shown, (_, row) in zip(rows, expected.iterrows(), strict=True):
        assert is_rounded(shown[0], row["F"]) and is_rounded(shown[1], row["num_df"])
        assert is_df(shown[2], row["den_df"]) and is_p(shown[3], row["p"])


def test_single_coefficients_need_no_f_test() -> None:
    assert table_of(reported("push-ups"), "Tests") == []


@pytest.mark.parametrize("name", FITS)
def test_the_csv_holds_all_rows_with_six_digits(name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(reported(name).csv())))
    table = judged(name)
    given = [row for row in rows if row["part"] == "coefficient"]
    assert [row["term"] for row in given] == list(table.index)
    for row, (_, exact) in zip(given, table.iterrows(), strict=True):
        for key in ("estimate", "se", "df", "t", "p", "low", "high"):
            assert float(row[key]) == pytest.approx(exact[key], rel=5e-6)
    given = [row for row in rows if row["part"] == "variation"]
    for row, (_, exact) in zip(given, varied(name).iterrows(), strict=True):
        assert float(row["low"]) == pytest.approx(exact["low"], rel=5e-6, abs=1e-300)


@pytest.mark.parametrize("name", FITS)
def test_the_paragraphs_hold_the_numbers_and_no_p_of_zero(name: str) -> None:
    result = fitted(name)
    paper = reported(name)
    method, results = paper.paragraphs
    sizes = [len(part) for part in result.model.endog_li]
    assert f"{len(result.model.endog)} rows" in method and ("restricted maximum" in method) == bool(
        result.reml
    )
    assert ("singular (" in method) == bool(judged(name).attrs["singular"])
    assert len(sizes) == 1 or f"of {len(sizes)} groups" in method
    formula = getattr(result.model, "formula", None)
    assert formula is None or formula in method
    for k, (term, row) in enumerate(judged(name).iterrows()):
        if k == 0 and len(sizes) > 1 and term in ("Intercept", "const"):
            continue
        found = re.search(
            rf"\(\ue000{re.escape(str(term))}\ue001: (b = [^()]*, t\([^)]*\) = [^)]*)\)", results
        )
        assert found, term
        b, se, _, low, high, df, t, *p = numbers(found[1].replace("95 %", "1"))
        assert is_rounded(b, row["estimate"]) and is_rounded(se, row["se"]) and is_df(df, row["df"])
        assert (
            is_rounded(low, row["low"])
            and is_rounded(high, row["high"])
            and is_rounded(t, row["t"])
        )
        assert is_p(found[1].rpartition("p ")[2].removeprefix("= "), row["p"]) and len(p) == 1
    facts = varied(name).attrs
    tail = numbers(results.partition("Marginal R²")[2])
    assert is_rounded(tail[0], facts["r2_marginal"]) and is_rounded(
        tail[1], facts["r2_conditional"]
    )
    assert is_rounded(tail[2], facts["icc"]) and is_rounded(tail[-1], float(result.llf))
    for text in (paper.markdown(), paper.html(), paper.latex(), str(paper)):
        assert "p = 0.000" not in text
    assert "0.000" not in [row[4] for row in table_of(paper, "Coefficients")]


def test_what_is_particular_is_told() -> None:
    assert "refitted by REML" in reported("sleepstudy, ML").paragraphs[0]
    assert "refitted" not in reported("sleepstudy, ML", "satterthwaite").paragraphs[0]
    assert "z intervals" in reported("push-ups", "wald").paragraphs[0]
    assert "Satterthwaite, F. E. (1946)" in reported("push-ups", "satterthwaite").references[1]
    singular = reported("push-ups, slopes").paragraphs[0]
    assert "singular (the correlation of athlete_id and session_high is −1)" in singular
    assert any(
        "no random slope for \ue000session_high" in text for text in reported("push-ups").missing
    )
    assert not any("no random slope" in text for text in reported("sleepstudy").missing)
    assert "80 % CI" in report(fitted("sleepstudy"), level=0.8).markdown()


def test_levels_of_confidence_reach_both_tables() -> None:
    paper = report(fitted("sleepstudy"), level=0.8)
    row = coefficients(fitted("sleepstudy"), level=0.8).loc["Days"]
    assert all(map(is_rounded, ends(table_of(paper, "Coefficients")[1][5]), row[["low", "high"]]))
    row = variances(fitted("sleepstudy"), level=0.8).iloc[0]
    assert all(map(is_rounded, ends(table_of(paper, "Variation")[0][1]), row[["low", "high"]]))


def test_versions_are_told_when_asked_for() -> None:
    assert statsmodels.__version__ not in str(reported("push-ups"))
    assert f"statsmodels {statsmodels.__version__}" in str(
        report(fitted("push-ups"), versions=True)
    )
    assert dict(reported("push-ups").software)["statsmodels"] == statsmodels.__version__


def test_own_words_are_used() -> None:
    words = {
        "Reaction": "reaction time",
        "Days": "a day without sleep",
        "Subject": ("person", "people"),
    }
    text = flat(str(report(fitted("sleepstudy"), "ms", words)))
    assert "With each further day without sleep, the mean reaction time is 10.5 ms higher" in text
    assert "SD between people" in text and "Coefficients (fixed effects), in ms" in text


def nasty() -> Any:
    levels = {0: f"low {NASTY}", 1: f"high {NASTY}"}
    names = {
        "correctness": NASTY,
        "session_high": levels,
        "athlete_id": (NASTY, NASTY),
        "Intercept": f"[0] {NASTY}",
    }
    return report(fitted("push-ups"), NASTY, names)


def test_html_is_well_formed_and_escaped() -> None:
    source = nasty()._repr_html_()
    page = BeautifulSoup(source, "html.parser")
    assert page.find("b") is None and flat(f"the mean {NASTY} is").capitalize()[1:] in flat(
        page.get_text()
    )
    for table in page.find_all("table"):
        assert table.caption and all(
            cell.get("scope") in ("col", "row") for cell in table.find_all("th")
        )
    for tag in ("p", "table", "tr", "td", "th", "ul", "li", "code", "div", "caption"):
        assert len(re.findall(rf"<{tag}[ >]", source)) == source.count(f"</{tag}>")


@pytest.mark.full
def test_markdown_is_escaped() -> None:
    import pypandoc  # not among a learner's packages

    made = BeautifulSoup(
        pypandoc.convert_text(nasty().markdown(), "html", format="gfm"), "html.parser"
    )
    assert made.find("b") is None and flat(f"for high {NASTY} than for low {NASTY}") in flat(
        made.get_text()
    )
    assert [len(row.find_all(["td", "th"])) for row in made.find_all("tr")] == [7] * 3 + [4] * 3


@pytest.mark.full
def test_latex_is_escaped() -> None:
    import pypandoc  # not among a learner's packages

    source = nasty().latex()
    made = BeautifulSoup(pypandoc.convert_text(source, "html", format="latex"), "html.parser")
    text = (
        flat(made.get_text())
        .replace("“", '"')
        .replace("”", '"')
        .replace("’", "'")
        .replace("\u00a0", " ")
    )
    assert (
        flat(f"for high {NASTY} than for low {NASTY}").replace('"', "''").replace("''", '"') in text
    )
    assert [len(row.find_all(["td", "th"])) for row in made.find_all("tr")] == [7] * 3 + [4] * 3
    assert source.isascii() or set(re.findall(r"[^\x00-\x7f]", source)) <= set("éö")
    assert source.count(r"\begin{table}") == source.count(r"\end{table}") == 2


def test_a_row_that_starts_with_a_bracket_is_no_argument_of_the_row_above() -> None:
    assert "\n{}[0]" in nasty().latex()


def test_no_estimates_no_report() -> None:
    with pytest.raises(ValueError, match="fewgroups.fit"):
        report(unfinished())
    with pytest.raises(ValueError, match="not at its optimum.*fewgroups.fit"):
        report(changed(fitted("push-ups"), cov_re=20 * np.asarray(fitted("push-ups").cov_re)))
    near = changed(fitted("push-ups"), cov_re=1.05 * np.asarray(fitted("push-ups").cov_re))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "0.0015 below the best" in report(near).paragraphs[0]


@pytest.mark.parametrize(
    "given, message", [({"ddf": "none"}, "ddf must be one of"), ({"level": 95}, "level must be")]
)
def test_wrong_arguments_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        report(fitted("push-ups"), **given)


def test_a_fit_by_statsmodels_alone_is_reported_as_well() -> None:
    data = load("sleepstudy")
    ours = fit("Reaction ~ Days", data, "Subject")
    assert table_of(reported("arrays"), "Coefficients") == table_of(report(ours), "Coefficients")
