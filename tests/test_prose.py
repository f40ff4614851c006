"""Every number of the lessons' prose is bound to what shows it, and a changed digit or seed is noticed."""

from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import Notebook
from tests.prose import check

NOTICED = 0.95


def test_every_number_of_a_lesson_is_bound(lesson: Notebook) -> None:
    assert [str(problem) for problem in check(lesson)[1]] == []


def test_nearly_every_one_digit_change_would_be_noticed(lesson: Notebook) -> None:
    """Exactly, not by chance: the mean over all numbers of the share of their one-digit changes that would pass."""
    bindings, _ = check(lesson)
    assert len(bindings) >= 20
    assert 1 - sum(one.weakness for one in bindings) / len(bindings) >= NOTICED


def cell(name: str, source: str, output: str = "") -> dict[str, Any]:
    """A code cell that printed something, or without output a markdown cell."""
    printed = {"output_type": "stream", "name": "stdout", "text": output}
    kind = {"cell_type": "code", "outputs": [printed]} if output else {"cell_type": "markdown"}
    return {"id": name, "source": source, "metadata": {}} | kind


def problems(prose: str, output: str, source: str = "print(table)", first: str = "-") -> list[str]:
    """What is wrong with a section that prints `first`, then `output`, with prose below."""
    cells = [cell("start", "## The means"), cell("first", "print(first)", first)]
    cells += [cell("table", source, output), cell("prose", prose)]
    raw = {"cells": cells, "metadata": {}}
    return [problem.what for problem in check(Notebook(Path("05_sample.ipynb"), raw))[1]]


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("The mean is .846.", "mean 0.8458461"),
        ("The share is 28 %.", "share in % 27.7"),
        ("The effect is −.073.", "effect -0.0727"),
        ("The effect is a drop of .073.", "effect -0.0727"),
        ("A half may go up, .13, or to even, .12.", "half 0.125"),
        ("A p of 1.8 × 10⁻²³.", "p 1.83e-23"),
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
        ("The effect is −.073.", "effect 0.0727"),
        ("The effect is .073.", "effect -0.0727"),
        ("The effect is +.073, a drop.", "effect -0.0727"),
        ("p is 0.", "p 0.000"),
        ("There are 20 rows.", "session_20 and 200"),
        ("In 2000 simulated studies.", "studies 3000"),
        ("$\\hat\\beta_1 = -0.074$", "effect -0.073"),
        ("| athlete | mean |\n|---|---|\n| Alex | .872 |", "mean 0.882"),
        ("<details><summary>Answer</summary>\n\nIt is .872.\n\n</details>", "mean 0.882"),
        ("## Why .872?", "mean 0.882"),
    ],
)
def test_a_number_that_no_output_shows_is_caught(prose: str, output: str) -> None:
    assert any("is not bound" in problem for problem in problems(prose, output))


def test_the_nearest_output_of_the_section_counts_or_the_one_that_a_comment_names() -> None:
    assert problems("The mean is .846.", "mean 0.912", first="mean 0.846")
    assert problems("The mean is .846. <!-- from: first -->", "mean 0.912", first="0.846") == []
    assert problems("## Next idea\n\nThe mean is .846.", "mean 0.846")
    assert problems("## Next\n\nIt is .846. <!-- from: table -->", "mean 0.846") == []
    assert problems("The mean is .846.", "no number", first="mean 0.846") == []
    assert problems("Alex has .872. <!-- from: table/alex -->", "alex 0.872\nmaya 0.824") == []
    assert problems("Alex has .824. <!-- from: table/alex -->", "alex 0.872\nmaya 0.824")


@pytest.mark.parametrize(
    "mark",
    ["from: nothing", "from: table, first", "from: table/nobody", "from: 99:table", "given: .05"]
    + ["alt: 0", "see the table", "given: .846"],
)
def test_a_comment_that_is_not_true_is_caught(mark: str) -> None:
    assert problems(f"The mean is .846. <!-- {mark} -->", "mean 0.846", first="other 0.999")


def test_a_constant_is_given_where_it_stands() -> None:
    assert problems("The SD is .05, for 4 athletes.", "mean 0.846")
    assert problems("The SD is .05, for 4 athletes. <!-- given: .05, 4 -->", "mean 0.846") == []
    assert problems("- The SD is .05. <!-- given: .05 -->\n- Again .05.", "mean 0.846")


def test_digits_typed_in_the_code_are_no_evidence() -> None:
    assert problems("The mean is .846.", "the mean is .846", source='print("the mean is .846")')
    computed = 'print(f"95 % low: {low:.3f}")'
    assert problems("The mean is .846.", "95 % low: 0.846", source=computed) == []


def test_a_number_that_could_be_another_one_is_weakly_bound() -> None:
    assert any("weakly" in problem for problem in problems("It has 4 rows.", "0 1 2 3 4 5"))


def test_numbers_typed_into_an_alt_text_are_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.notebooks.CAPTIONS", tmp_path)
    source = 'print(table)\nshow(picture, "05.line")'
    for alt, bound in [("at .846 of", True), ("at .912 of", False), ("at {y:.3f} of", True)]:
        (tmp_path / "05.toml").write_text(f"[line]\nalt = {alt!r}")
        assert (problems("It is level.", "mean 0.846", source=source) == []) == bound
