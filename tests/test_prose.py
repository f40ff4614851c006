"""Every number of the lessons' prose is bound to what shows it, and a changed digit or seed is noticed."""

import json
from pathlib import Path

import pytest

from tests import sample
from tests.notebooks import Notebook
from tests.prose import Problem, check
from tests.prose.__main__ import main

NOTICED = 0.95


def lesson_of(prose: str, output: str, source: str = "print(table)", **extra: str) -> Notebook:
    """A lesson with one output and one markdown cell below it, in one section."""
    cells = [
        sample.markdown("start", "## The means"),
        sample.code("first", "print(first)", sample.stream(extra.get("first", "no number here"))),
        sample.code("table", source, sample.stream(output)),
        sample.markdown("prose", prose),
    ]
    return Notebook(Path("05_sample.ipynb"), {"cells": cells, "metadata": {}})


def problems(prose: str, output: str, source: str = "print(table)", **extra: str) -> list[str]:
    return [problem.what for problem in check(lesson_of(prose, output, source, **extra))[1]]


# What shows a number, and what does not -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("The mean is .846.", "mean 0.8458461"),
        ("The mean is .846.", "mean 0.846"),
        ("The mean is 84.6 %.", "mean 0.8458461"),
        ("The share is 84.6 %.", "share 84.6%"),
        ("The share is 28 %.", "share in % 27.7"),
        ("The effect is −.073.", "effect -0.0727"),
        ("The effect is a drop of .073.", "effect -0.0727"),
        ("$0.846 - 0.073 = 0.773$", "0.846 -0.073 0.773"),
        ("A half may go up, .13, or to even, .12.", "half 0.125"),
        ("A p of 1.8 × 10⁻²³.", "p 1.83e-23"),
        ("There are 200 rows.", "rows 200"),
        ("A $z$ of 67.", "z 67.146"),
        ("`Scale: 0.0019` is a variance.", "Scale: 0.0019"),
        ("The interval, −.085 to −.060.", "[-0.085 -0.060]"),
    ],
)
def test_a_number_is_bound_at_the_precision_printed(prose: str, output: str) -> None:
    assert problems(prose, output) == []


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("The mean is .847.", "mean 0.8458461"),
        ("The mean is .8458.", "mean 0.846"),
        ("The mean is 84.6.", "mean 0.846"),
        ("The mean is .85 %.", "mean 0.85"),
        ("The effect is −.073.", "effect 0.0727"),
        ("The effect is .073.", "effect -0.0727"),
        ("The effect is +.073, a drop.", "effect -0.0727"),
        ("There are 4 athletes.", "mean 3.9"),
        ("p is 0.000.", "p 0.00004"),
        ("p is 0.", "p 0.000"),
        ("There are 20 rows.", "session_20 and 200"),
        ("In `Scale: 0.0019` we read.", "Scale: 0.0018"),
        ("$\\hat\\beta_1 = -0.074$", "effect -0.073"),
        ("| athlete | mean |\n|---|---|\n| Alex | .872 |", "mean 0.882"),
        ("> **Check yourself.** Is it .872?", "mean 0.882"),
        ("<details><summary>Answer</summary>\n\nIt is .872.\n\n</details>", "mean 0.882"),
        ("## Why .872?", "mean 0.882"),
    ],
)
def test_a_number_that_no_output_shows_is_caught(prose: str, output: str) -> None:
    assert any("is not bound" in problem for problem in problems(prose, output))


def test_only_the_nearest_output_of_the_section_counts() -> None:
    assert problems("The mean is .846.", "mean 0.912", first="mean 0.846")
    assert problems("## Next idea\n\nThe mean is .846.", "mean 0.846")
    assert problems("The mean is .846.", "no number", first="mean 0.846") == []


def test_a_comment_names_another_output_or_one_of_its_rows() -> None:
    assert (
        problems("The mean is .846. <!-- from: first -->", "mean 0.912", first="mean 0.846") == []
    )
    assert (
        problems("Both: .846, .912. <!-- from: first, table -->", "mean 0.912", first="mean 0.846")
        == []
    )
    assert problems("## Next\n\nIt is .846. <!-- from: table -->", "mean 0.846") == []
    rows = "alex 0.872\nmaya 0.824"
    assert problems("Alex has .872. <!-- from: table/alex -->", rows) == []
    assert problems("Alex has .824. <!-- from: table/alex -->", rows)
    assert problems("| a | b |\n|---|---|\n| .872 | .824 |\n\n<!-- from: table -->", rows) == []


@pytest.mark.parametrize(
    "prose",
    [
        "The mean is .846. <!-- from: nothing -->",
        "The mean is .846. <!-- from: table, first -->",
        "The mean is .846. <!-- from: table/nobody -->",
        "The mean is .846. <!-- from: 99:table -->",
        "The mean is .846. <!-- given: .05 -->",
        "The mean is .846. <!-- alt: 0 -->",
        "The mean is .846. <!-- see the table -->",
        "The mean is .846. <!-- given: .846 -->",
    ],
)
def test_a_comment_that_is_not_true_is_caught(prose: str) -> None:
    assert problems(prose, "mean 0.846", first="other 0.999")


def test_a_constant_is_given_where_it_stands() -> None:
    assert problems("The SD is .05, for 4 athletes.", "mean 0.846")
    assert problems("The SD is .05, for 4 athletes. <!-- given: .05, 4 -->", "mean 0.846") == []
    assert problems("The SD is .05. <!-- given: .05 -->\n\nAgain .05.", "mean 0.846")
    assert problems("- The SD is .05. <!-- given: .05 -->\n- Again .05.", "mean 0.846")


@pytest.mark.parametrize(
    "prose",
    [
        "Barr et al. (2013) and Hurlbert 1984 say so (Aarts et al., 2015; Barr, 2013).",
        "See lesson 04, lessons 03 and 05, Exercise 5.1 and issue 10239.",
        "A score lies between 0 and 1.",
        "The 95 % confidence interval.",
        "`Truth(effect=-.08)` and `session_20`.",
        "[a link](https://doi.org/10.1186/s12868-015-0228-5) to https://example.org/123.",
        "## Further reading\n\n- BMC Neurosci 16:94.",
        "1. First of all.\n2. Then.",
        "$\\tau^2/4$ and $x_{12}$.",
        "```python\nx = .77\n```",
    ],
)
def test_what_is_no_result_needs_no_output(prose: str) -> None:
    assert problems(prose, "mean 0.846") == []


@pytest.mark.parametrize(
    "prose", ["In 2000 simulated studies.", "A score between 0 and 7.", "The 94 % interval."]
)
def test_what_only_looks_like_a_convention_is_a_result(prose: str) -> None:
    assert problems(prose, "mean 0.846")


def test_digits_typed_in_the_code_are_no_evidence() -> None:
    assert problems("The mean is .846.", "the mean is .846", source='print("the mean is .846")')
    assert (
        problems("The mean is .846.", "95 % low: 0.846", source='print(f"95 % low: {low:.3f}")')
        == []
    )


def test_a_number_that_could_be_another_one_is_weakly_bound() -> None:
    assert any("weakly" in problem for problem in problems("It has 4 rows.", "0 1 2 3 4 5"))
    assert any("weakly" in problem for problem in problems("It is .85.", ".81 .82 .83 .85 .86 .87"))


def test_numbers_typed_into_an_alt_text_are_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.notebooks.CAPTIONS", tmp_path)

    def of(alt: str, below: str = "It is level.") -> list[Problem]:
        (tmp_path / "05.toml").write_text(f"[line]\nalt = {alt!r}")
        cells = [
            sample.markdown("start", "## The means"),
            sample.code("table", "print(table)", sample.stream("mean 0.846")),
            sample.code("picture", 'show(picture, "05.line")', sample.figure()),
            sample.markdown("prose", below),
        ]
        return check(Notebook(Path("05_x.ipynb"), {"cells": cells, "metadata": {}}))[1]

    assert of("A line at .846 of") == []
    assert of("A line at .912 of")
    assert of("A line at {y:.3f} of") == []
    assert of("From 0 to 2", "It is level. <!-- alt: 0, 2 -->") == []
    assert of("From 0 to 2", "It is level. <!-- alt: 0, 3 -->")


def test_the_command_for_authors_tells_what_to_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "05_sample.ipynb"
    path.write_text(
        json.dumps(lesson_of("It is .846.", "mean 0.912", first="mean 0.846").raw), encoding="utf-8"
    )
    assert main([str(path)]) == 1
    told = capsys.readouterr().out
    assert "'.846' is not bound" in told and "from: first" in told
    path.write_text(json.dumps(lesson_of("It is .912.", "mean 0.912").raw), encoding="utf-8")
    assert main([str(path), "--all"]) == 0
    assert "table: mean 0.912" in capsys.readouterr().out


# The lessons ----------------------------------------------------------------------------------------------------------


def test_every_number_of_a_lesson_is_bound(lesson: Notebook) -> None:
    assert [str(problem) for problem in check(lesson)[1]] == []


def test_nearly_every_one_digit_change_would_be_noticed(lesson: Notebook) -> None:
    """Exactly, not by chance: the mean over all numbers of the share of their one-digit changes that would pass."""
    bindings, _ = check(lesson)
    assert len(bindings) >= 20
    assert 1 - sum(one.weakness for one in bindings) / len(bindings) >= NOTICED
