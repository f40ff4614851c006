"""The lessons keep the contract, each on its own and all together."""

import re
from collections import Counter
from pathlib import Path

import pytest

from helpers.feedback import exercises
from tests.contract import RULES, Rule, grammar, structure
from tests.notebooks import Notebook


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
    twice = [topic for topic, count in Counter(topic for topic, _ in asked).items() if count > 1]
    assert twice == []
    assert set(grammar.OWNERS.items()) - set(asked) == set()


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


def test_every_lesson_stands_in_the_readme_with_its_title_and_promise(
    root: Path, lessons: list[Notebook]
) -> None:
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    for lesson in lessons:
        title, promise = structure.promise(lesson)
        rows = [line for line in lines if f"](notebooks/{lesson.path.name})" in line]
        assert any(title in row and promise in row for row in rows), (
            f"{lesson.path.name}: {title}: {promise}"
        )


def test_the_readme_links_only_to_what_is_there(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [target for target in targets if target and not re.match(r"https?:|mailto:", target)]
    assert local
    assert [target for target in local if not (root / target).exists()] == []
