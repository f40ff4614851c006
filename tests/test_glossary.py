"""Lessons and glossary keep together: every bold term has an entry, every entry a bold term, and links both ways."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import sample
from tests.contract.glossary import GLOSSARY, bolds, entries, linked, plain, problems, slug, terms
from tests.notebooks import Notebook

TERM = f"**[shrinkage]({GLOSSARY}#cell-id=shrinkage)**"
LESSON = [
    sample.markdown(
        "title",
        "# 05 · Sample\n\n**Minutes:** 5 in class · 9 alone\n\n**You will be able to**\n\n- x",
    ),
    sample.markdown(
        "first",
        "## Pulling in\n\n**A lead.** Then we call it " + TERM + ", in `2**3` ways or `a**b`.",
    ),
    sample.markdown("second", "> **Check yourself.** Why?\n\n1. **Look at the edge.** Then go on."),
]
LAST = [
    sample.markdown("start", "# 12 · Sample"),
    sample.markdown("glossary", "## Glossary"),
    sample.markdown(
        "shrinkage",
        "### shrinkage\n\nDrawing an athlete's level towards the average of all.\n\n"
        "→ [Lesson 05, Pulling in](05_sample.ipynb#cell-id=first)",
    ),
    sample.markdown("points", "## Key points\n\n### not an entry"),
]


def course(
    change: Callable[[list[Any], list[Any]], Any] = lambda lesson, last: None,
) -> list[Notebook]:
    """A lesson with one term and a glossary with its entry, changed in some way."""
    lesson, last = copy.deepcopy(LESSON), copy.deepcopy(LAST)
    change(lesson, last)
    return [
        Notebook(Path("05_sample.ipynb"), {"cells": lesson, "metadata": {}}),
        Notebook(Path(GLOSSARY), {"cells": last, "metadata": {}}),
    ]


def test_lessons_and_glossary_keep_together(lessons: list[Notebook]) -> None:
    assert list(problems(lessons)) == []


def test_there_are_terms_in_every_lesson_and_many_entries(lessons: list[Notebook]) -> None:
    assert all(list(terms(lesson)) for lesson in lessons if lesson.path.name != GLOSSARY)
    assert len(entries(lessons[-1])) > 80


def test_a_course_that_keeps_together_has_no_problem() -> None:
    assert list(problems(course())) == []
    [term] = terms(course()[0])
    assert (term.words, term.section, term.cell.id) == ("shrinkage", "Pulling in", "first")


def source(
    place: int, old: str, new: str, glossary: bool = False
) -> Callable[[list[Any], list[Any]], None]:
    def change(lesson: list[Any], last: list[Any]) -> None:
        cell = (last if glossary else lesson)[place]
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            source(1, TERM, "**shrinkage**"),
            "leads to no entry. A term: write its entry into lesson 14",
        ),
        (source(2, "Why?", "Why a **seed**?"), "**seed** leads to no entry"),
        (source(1, "#cell-id=shrinkage", "#cell-id=seed"), "which is no entry"),
        (source(2, "Why?", f"Why {TERM}?"), "bold for the second time (lesson 05, cell first)"),
        (source(1, TERM, "shrinkage"), "no lesson introduces it in bold"),
        (source(2, "cell-id=first", "cell-id=title", glossary=True), "leads back to"),
        (source(1, "Pulling in", "Drawing in"), "is introduced in [Lesson 05, Drawing in]"),
        (
            source(
                2, "Drawing an athlete's level towards the average of all.", "It.", glossary=True
            ),
            "one or two",
        ),
        (
            source(2, "### shrinkage", "### a shrinkage factor", glossary=True),
            "expected 'a-shrinkage-factor'",
        ),
        (
            lambda lesson, last: lesson[1]["metadata"].update(tags=["teacher"]),
            "some editions leave out",
        ),
        (
            lambda lesson, last: last.insert(
                3, sample.markdown("seed", "### seed\n\nWhere random draws start from.")
            ),
            "not in alphabetical order",
        ),
    ],
    ids=[
        "no link",
        "no entry",
        "link to nothing",
        "bold twice",
        "entry without a term",
        "way back to another cell",
        "section renamed",
        "no definition",
        "cell not called after the term",
        "term in a cell for teachers",
        "entries out of order",
    ],
)
def test_what_lessons_and_glossary_owe_each_other_is_said(
    change: Callable[[list[Any], list[Any]], None], says: str
) -> None:
    assert any(says in problem for problem in problems(course(change)))


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("**Run it.** Click.", True),
        ("- **No stepwise search.** Terms", True),
        ("> 2. **Which one?** This", True),
        ("**Minutes:** 45", True),
        ("**Power** is the chance", False),
        ("- **No pooling**: the own mean", False),
        ("It is called **power.**", False),
    ],
)
def test_a_lead_is_told_from_a_term(text: str, lead: bool) -> None:
    assert [found for _, found in bolds(text)] == [lead]


def test_bold_marks_in_code_and_comments_are_no_terms() -> None:
    assert list(bolds("`2**3 + 4**5`\n\n```python\na**2 + b**2\n```\n\n<!-- **a** -->")) == []


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        ("Fixed effects", "fixed effect"),
        ("Satterthwaite's method", "Satterthwaite's method"),
        ("95 % confidence interval", "confidence interval"),
        ("Hotelling's $T^2$", "Hotelling's T²"),
        ("$z$", "z"),
    ],
)
def test_a_term_finds_its_entry_in_another_form_of_the_word(words: str, entry: str) -> None:
    assert plain(words) == plain(entry)


def test_links_are_written_for_terms_that_have_entries_and_for_nothing_else() -> None:
    lesson, last = course(source(1, TERM, "**Shrinkage** and **seed**"))
    new = linked(lesson, entries(last))
    assert list(new) == ["first"]
    assert f"**[Shrinkage]({GLOSSARY}#cell-id=shrinkage)** and **seed**, in `2**3`" in new["first"]
    assert linked(*(course()[0], entries(course()[1]))) == {}


def test_names_of_entry_cells_are_plain() -> None:
    assert [slug(words) for words in ("Hotelling's T²", "Kenward–Roger method", "p-value")] == [
        "hotellings-t2",
        "kenward-roger-method",
        "p-value",
    ]
