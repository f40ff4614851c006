"""The lessons keep the contract, each on its own and all together; every rule catches a real lesson that was spoilt."""

import json
import re
from collections import Counter

import pytest

from helpers.feedback import exercises
from tests.contract import RULES, Rule, code, grammar, structure
from tests.contract.glossary import GLOSSARY, entries, problems, terms
from tests.notebooks import FOLDER, Notebook, joined, lesson_path, read


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_lesson_keeps_the_contract(rule: Rule, lesson: Notebook) -> None:
    assert list(rule(lesson)) == []


def test_each_result_is_predicted_once_in_the_lesson_that_owns_it(lessons: list[Notebook]) -> None:
    asked = [
        (cell.id.removeprefix("predict-"), lesson.number)
        for lesson in lessons
        for cell in lesson.markdown
        if cell.id.startswith("predict-")
    ]
    assert [topic for topic, count in Counter(t for t, _ in asked).items() if count > 1] == []
    assert set(grammar.OWNERS.items()) <= set(asked)


def test_every_check_has_a_key_and_every_key_a_check(lessons: list[Notebook]) -> None:
    asked = [
        ident
        for lesson in lessons
        for cell in lesson.code
        if "exercise" in cell.tags
        for ident in structure.CHECK.findall(cell.source)
    ]
    numbers = {str(int(lesson.number)) for lesson in lessons}
    answered = [ident for ident in exercises() if ident.partition(".")[0] in numbers]
    assert sorted(asked) == sorted(answered)


def test_exercises_and_hints_that_the_text_names_exist(lessons: list[Notebook]) -> None:
    named = {
        ident
        for lesson in lessons
        for cell in lesson.cells
        for ident in re.findall(r"\b(?:hint\(\s*[\"']|[Ee]xercise )(\d+\.\d+)", cell.source)
    }
    assert named <= set(exercises())


README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def test_every_lesson_stands_in_the_readme_with_its_title_and_promise(lesson: Notebook) -> None:
    title, promise = structure.promise(lesson)
    rows = [one for one in README.splitlines() if f"](notebooks/{lesson.path.name})" in one]
    assert any(title in row and promise in row for row in rows), (title, promise)


def test_the_readme_links_only_to_what_is_there() -> None:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", README)]
    local = [target for target in targets if target and not re.match(r"https?:|mailto:", target)]
    assert local
    assert [target for target in local if not (FOLDER.parent / target).exists()] == []


def spoilt(number: str, old: str, new: str) -> Notebook:
    """A lesson in whose file a pattern is replaced, wherever it stands; each source is one string."""
    lesson = read(lesson_path(number))
    cells = [raw | {"source": joined(raw["source"])} for raw in lesson.raw["cells"]]
    text, count = re.subn(old, new, json.dumps(lesson.raw | {"cells": cells}, ensure_ascii=False))
    assert count, f"lesson {number} does not hold {old}"
    return Notebook(lesson.path, json.loads(text))


BAD: list[tuple[Rule, str, str]] = [  # of lesson 05
    (structure.opens_with_title_and_promise, "# 05 · ", "# 06 · "),
    (structure.says_time_and_needs, r"\*\*Know first:\*\*", "Know first:"),
    (structure.headings_are_in_order, "## The map", "#### The map"),
    (structure.boxes_have_known_leads, "Common misreading", "Beware"),
    (structure.has_enough_boxes, "Common misreading", "Check yourself"),
    (structure.predictions_come_before_results, r'(> \*\*Predict[^"\\]*)', r"\1\\n\\nYes."),
    (structure.self_checks_have_folded_answers, "<summary>Answer", "<summary>Reply"),
    (structure.ends_with_points_reading_next, "## Key points", "## Points"),
    (structure.links_to_the_next_lesson, r"\]\(06_\w+", "](04_fitting_the_model"),
    (structure.relative_links_resolve, r"\]\(04_fitting_the_model", "](04_gone"),
    (structure.tags_and_names_of_cells, r'\["happened"\]', '["hide-input"]'),
    (structure.exercises_have_stubs, r"Exercise 5\.2", "Exercise 5.4"),
    (structure.exercises_have_stubs, r'\["exercise"\]', "[]"),
    (structure.stubs_run_as_they_stand, r"answer = \.\.\.", "answer = 1"),
    (structure.stubs_run_as_they_stand, '"source_hidden": true', '"source_hidden": false'),
    (structure.solutions_fill_their_stubs, "answer = np", "result = np"),
    (structure.teacher_notes_are_folded, r'\["teacher"\]', "[]"),
    (grammar.is_of_its_size, "## Key points", "A word. " * 2000 + "## Key points"),
    (grammar.promises_its_minutes, r"\*\*Minutes:\*\* \d+", "**Minutes:** 20"),
    (grammar.opens_with_a_question_or_a_picture, r"\?\\n\\n\*\*Min", ".\\\\n\\\\n**Min"),
    (grammar.answers_stand_apart, r'\["happened"\]', "[]"),
    (grammar.answers_stand_apart, r'(\["happened"\]}, "source": ")', r"\1One.\\n\\n$$y = x$$"),
    (grammar.the_aside_is_one_section, "## Going deeper", "## More"),
    (code.ran_top_to_bottom, '"execution_count": 3', '"execution_count": 9'),
    (code.no_errors_or_warnings_shown, '"stdout"', '"stderr"'),
    (code.cells_are_short, "import warnings", "x = 1\\\\n" * 16 + "import warnings"),
    (code.code_is_plain_python, "import warnings", "%matplotlib inline"),
    (code.imports_stand_in_the_first_cell, r'"variances\(result\)"', '"import scipy"'),
    (code.nothing_is_hidden_from_nbval, "import warnings", "# NBVAL_IGNORE_OUTPUT"),
    (code.outputs_are_stable, r'"text": \["', '"text": ["Thing 0x7f3a2b1c9d'),
    (code.file_is_clean, '"metadata": {}', '"metadata": {"execution": {}}'),
    (code.figures_are_described, r'"alt": "', '"alt": "Image of '),
    (code.figures_are_small, r'"image/png": "', '"image/png": "' + "AAAA" * 40_000),
    (code.figures_are_followed_by_prose, r'(\["happened"\]}, "source": ")', r"\1# "),
    (grammar.says_nothing_unkind, "## Key points", "It is simply so. ## Key points"),
    (grammar.spells_the_british_way, "## Key points", "A color. ## Key points"),
    (grammar.nothing_is_left_over, "## Key points", "TODO ## Key points"),
    (structure.forms_are_whole, "### Question A3", "### Question A4"),  # of lesson 14
    (structure.forms_are_whole, r"- \(d\)", "- (e)"),
    (structure.forms_are_whole, r"b5 = \.\.\.", "b5 = 'c'"),
    (structure.forms_are_whole, r"a10\]", "]"),
]


@pytest.mark.parametrize(("rule", "old", "new"), BAD, ids=[rule.__name__ for rule, *_ in BAD])
def test_each_rule_catches_a_bad_lesson(rule: Rule, old: str, new: str) -> None:
    assert list(rule(spoilt("14" if rule is structure.forms_are_whole else "05", old, new)))


def test_every_rule_has_a_bad_lesson_that_it_catches() -> None:
    assert {rule for rule, *_ in BAD} == set(RULES)


def test_lessons_and_glossary_keep_together(lessons: list[Notebook]) -> None:
    assert list(problems(lessons)) == []
    assert all(list(terms(lesson)) for lesson in lessons if lesson.path.name != GLOSSARY)
    assert len(entries(lessons[-1])) > 80


@pytest.mark.parametrize(
    ("number", "old", "new", "says"),
    [
        ("05", r"\*\*\[ML\]\([^)]*\)\*\*", "**ML**", "leads to no entry. A term: write"),
        ("05", r"\*\*\[ML\]\([^)]*\)\*\*", "ML", "no lesson introduces it in bold"),
        ("05", "cell-id=ml", "cell-id=gone", "which is no entry"),
        ("05", r"(\*\*\[ML\]\([^)]*\)\*\*)", r"\1 \1", "bold for the second time"),
        ("05", "## I to L: the header", "## The header", "introduced in [Lesson 05, The header]"),
        ("14", r"cell-id=method\)", "cell-id=title)", "leads back to"),
        ("14", '"id": "ml"', '"id": "likelihood"', "expected 'ml'"),
        ("14", r"(### ML)\\n\\n[^→]*→", r"\1\\n\\nIt.\\n\\n→", "one or two"),
        ("14", "### ML", "### AML", "not in alphabetical order"),
    ],
)
def test_what_lessons_and_glossary_owe_each_other_is_said(
    number: str, old: str, new: str, says: str, lessons: list[Notebook]
) -> None:
    bad = spoilt(number, old, new)
    course = [bad if lesson.path == bad.path else lesson for lesson in lessons]
    assert any(says in problem for problem in problems(course))
