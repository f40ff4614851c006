"""`explain` and `report`: every line of a printout is told, every number is the fit's, cautions only where earned."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import statsmodels.formula.api as smf

from helpers import explain, fit, load, report


def machines() -> Any:
    data = load("machines")
    return data.assign(x=np.arange(len(data)) % 7 + 1.0)


FITS: dict[str, Callable[[], Any]] = {
    "push-ups": lambda: fit("correctness ~ session_high", load("pushups"), "athlete_id"),
    "push-ups, slopes": lambda: fit("correctness ~ session_high", load("pushups"), "athlete_id", "~session_high"),
    "sleepstudy": lambda: fit("Reaction ~ Days", load("sleepstudy"), "Subject", "~Days"),
    "sleepstudy, ML": lambda: fit("Reaction ~ Days", load("sleepstudy"), "Subject", reml=False),
    "machines, nested": lambda: fit(
        "score ~ Machine", load("machines"), "Worker", "~1", {"worker_machine": "0 + C(Machine)"}
    ),
    "machines, per machine": lambda: fit("score ~ Machine", load("machines"), "Worker", "~0 + Machine"),
    "penicillin": lambda: fit(
        "diameter ~ 1",
        load("penicillin").assign(one=1),
        "one",
        None,
        {"plate": "0 + C(plate)", "sample": "0 + C(sample)"},
    ),
    "stranger's": lambda: fit("score ~ C(Machine, Sum) * np.log(x) + I(x ** 2)", machines(), "Worker"),
}


@cache
def fitted(name: str) -> Any:
    return FITS[name]()


def printout(result: Any) -> tuple[list[tuple[str, str]], Any]:
    """Header entries and lower table, as statsmodels prints them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        above, below = result.summary().tables[:2]
    cells = [str(cell).strip() for line in above.to_numpy() for cell in line]
    return [(a.rstrip(":"), b) for a, b in zip(cells[::2], cells[1::2], strict=True) if a], below


@pytest.mark.parametrize("name", FITS)
def test_every_line_of_the_printout_is_told(name: str) -> None:
    header, rows = printout(fitted(name))
    told = {line.label: line for line in explain(fitted(name))}
    for label, value in header:
        assert told[label].printed == (("", value),)
        assert told[label].what and told[label].how and told[label].isnt
    for label, row in rows.iterrows():
        line = told[label]
        assert dict(line.printed) == {c: v for c, v in row.items() if v}
        assert line.what and line.how and line.isnt
        assert all(words for _, _, words in line.cells), label
    assert {str(column) for column in rows.columns} <= set(told)
    assert len(told) == len(header) + len(rows) + len(rows.columns)


@pytest.mark.parametrize("name", FITS)
def test_a_report_holds_every_coefficient_and_never_a_p_of_zero(name: str) -> None:
    paper = report(fitted(name))
    for text in (paper.markdown(), paper.html(), paper.latex(), str(paper)):
        assert "p = 0.000" not in text
    assert "0.000" not in [cell for row in paper.tables[0].rows for cell in row.shown[3:5]]
    rows = [line.split(",")[1] for line in paper.csv().splitlines() if line.startswith("coefficient")]
    assert len(rows) == len(fitted(name).model.exog_names)


def test_wrong_results_get_one_clear_sentence() -> None:
    with pytest.raises(TypeError, match="mixed model"):
        explain(smf.ols("correctness ~ session_high", load("pushups")).fit())
    with pytest.raises(ValueError, match="'athlete_id'.*'session_high'"):
        explain(fitted("push-ups"), names={"session": "x"})
