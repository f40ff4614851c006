"""The ten questions before and after: whole, parallel, without cues, right in simulated worlds, and scored kindly."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fewgroups import monte_carlo
from helpers import Design, Truth, answered, earlier_answers, score
from helpers.answers.form_keys import CONCEPTS, questions
from tests.contract.structure import LETTERS, QUESTIONS, options, question
from tests.notebooks import FOLDER, lesson_path, read

BOTH = [(form, number) for form in "AB" for number in QUESTIONS]
NOTHING = [...] * 10
RIGHT = {form: [one.key for one in questions(form).values()] for form in "AB"}
BEFORE = FOLDER / "before_you_begin.ipynb"
START, END = read(BEFORE), read(lesson_path("14"))


@pytest.mark.parametrize(("form", "number"), BOTH)
def test_each_question_has_one_right_letter_and_reasons_that_agree(form: str, number: int) -> None:
    found = questions(form)[number]
    assert sorted([found.key, *found.slips]) == list(LETTERS)
    assert all(len(what.split()) >= 4 for what in found.slips.values())
    text = END.by_id[f"answer-{form.lower()}{number}"].source
    assert text.startswith(f"<details><summary>{form}{number}, {found.concept}</summary>\n")
    assert text.endswith("\n</details>") and f"**Right: ({found.key}).** " in text
    assert re.findall(r"(?m)^- \((.)\) \S.{30}", text) == sorted(found.slips)
    assert set(found.lessons) <= set(re.findall(r"\]\((\d\d)_", text))
    assert form == "B" or question(START, "A", number) == question(END, "A", number) != ""


def test_the_way_back_from_an_answer_names_the_section_of_its_cell() -> None:
    text = "\n".join(cell.source for cell in END.markdown if cell.id.startswith("answer-"))
    links = re.findall(r"\[lesson (\d\d), ([^]]*)\]\(([^#)]*)#cell-id=([^)]*)\)", text)
    assert len(links) >= 20
    for number, title, file, cell in set(links):
        lesson = read(lesson_path(number))
        place = lesson.by_id[cell].index
        before = "\n".join(one.source for one in lesson.cells[: place + 1] if one.is_markdown)
        assert lesson.path.name == file
        assert re.findall(r"(?m)^#{2,3} +(.*)$", before)[-1] == title, cell


def test_the_forms_are_parallel_and_their_lessons_exist() -> None:
    concepts = [[one.concept for one in questions(form).values()] for form in "AB"]
    assert concepts[0] == concepts[1] and len(set(concepts[0])) == 10
    lessons = {lesson for _, lessons in CONCEPTS for lesson in lessons}
    assert lessons <= {f"{k:02}" for k in range(1, 14)}


@pytest.mark.parametrize("form", "AB")
def test_neither_a_pattern_of_letters_nor_length_gives_an_answer_away(form: str) -> None:
    keys = RIGHT[form]
    assert set(Counter(keys).values()) <= {2, 3}
    assert all(keys[k : k + 3] != [keys[k]] * 3 for k in range(8))
    assert sum(a == b for a, b in zip(RIGHT["A"], RIGHT["B"], strict=True)) <= 3
    ranks = []  # of the right option among the four by length
    for number, key in zip(QUESTIONS, keys, strict=True):
        texts = options(question(END, form, number))
        ranks.append(sorted(map(len, texts.values())).index(len(texts[key])))
    assert ranks.count(0) <= 4 and ranks.count(3) <= 4


def test_both_forms_are_taken_before_their_answers_are_met_and_the_blueprint_names_them() -> None:
    ids = [cell.id for cell in END.cells]
    first = min(ids.index(f"answer-{form.lower()}{number}") for form, number in BOTH)
    assert ids.index("score-b") < first
    [text] = [cell.source for cell in END.markdown if "teacher" in cell.tags]
    for (number, a), b in zip(questions("A").items(), questions("B").values(), strict=True):
        keys = f"| A{number} ({a.key}), B{number} ({b.key}) |"
        assert f"{keys} {a.concept} | lesson {' and '.join(a.lessons)} |" in text


def test_the_first_lesson_holds_no_key_and_no_reason() -> None:
    text = json.dumps(START.raw, ensure_ascii=False)
    slips = [what for form, number in BOTH for what in questions(form)[number].slips.values()]
    assert [what for what in slips if what in text] == []
    assert "score(" not in text and "form_keys" not in text
    assert all(f"a{number} = ..." in text for number in QUESTIONS)


def printed(capsys: pytest.CaptureFixture[str], ask: Any, *arguments: Any) -> str:
    ask(*arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize("form", "AB")
def test_answers_are_counted_and_scored(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(questions(form).values())
    wrong = [[sorted(one.slips)[k] for one in found] for k in range(3)]
    # Counting tells nothing about which answers are right.
    counts = [printed(capsys, answered, form, given) for given in (RIGHT[form], wrong[0])]
    bare = [re.sub("[abcd]", "", count) for count in counts]
    assert bare[0] == bare[1] and "10 of 10 answered" in counts[0]
    upper = [f" ({letter.upper()}) " for letter in RIGHT[form]]
    assert printed(capsys, score, form, upper).startswith(f"Form {form}: 10 of 10 right\n")
    for given in wrong:
        lines = printed(capsys, score, form, given).splitlines()
        assert lines[0] == f"Form {form}: 0 of 10 right" and max(map(len, lines)) <= 100
        whole = " ".join(" ".join(lines).split())
        for one, letter in zip(found, given, strict=True):
            assert f"{one.slips[letter]} (lesson" in whole and f"{one.lessons[-1]})" in whole


def test_before_and_after_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, score, "A", RIGHT["A"], ["a", ..., *RIGHT["A"][2:]]).splitlines()
    assert lines[0] == "Form A: 10 of 10 right; before: 8 of 10 right, 1 left out"
    assert "a → c  right" in lines[1] and "– → d  right" in lines[2]


@pytest.mark.parametrize("ask", [answered, score])
def test_no_letter_gets_a_kind_sentence(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search("0 of 10 answered|nothing answered yet", printed(capsys, ask, "A", NOTHING))
    for given in ("e", 2, "ab", None):
        out = printed(capsys, ask, "A", [..., given, *NOTHING[2:]])
        assert out.startswith(f"A2: {given!r} is none of the options")


@pytest.mark.parametrize("ask", [answered, score])
@pytest.mark.parametrize(
    ("form", "answers", "words"),
    [
        ("C", NOTHING, "form must be"),
        (None, NOTHING, "form must be"),
        ("A", ["a"], "answers must be a list of 10"),
        ("A", "abcdabcdab", "answers must be a list of 10"),
        ("A", ..., "answers must be a list of 10"),
    ],
)
def test_what_is_no_form_is_refused(ask: Any, form: Any, answers: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        ask(form, answers)


def test_answers_of_weeks_ago_are_found_in_the_learners_copy_or_an_older_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = printed(capsys, earlier_answers, tmp_path)
    assert "No answers from before the course" in nothing
    now = tmp_path / "before_you_begin.ipynb"
    text = BEFORE.read_text(encoding="utf-8")
    for useless in ("{ not a notebook", "[]", text):
        now.write_text(useless, encoding="utf-8")
        assert earlier_answers(tmp_path) == NOTHING and capsys.readouterr().out == nothing
    given = text.replace("a1 = ...", "a1 = 'c'").replace("a10 = ...", "a10 = 'B'  # ?")
    older = tmp_path / "00_start_here_2026-01-31.ipynb"  # where they stood in an older course
    older.write_text(given, encoding="utf-8")
    assert earlier_answers(tmp_path) == ["c", *[...] * 8, "B"]
    assert capsys.readouterr().out == f"{older.name}: 2 of 10 answered before the course.\n"
    with pytest.raises(TypeError, match="folder must be"):
        earlier_answers(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("repeats", "truth", "between", "test"),
    [
        ({"x": 150, "y": 150}, Truth(effect=0, athlete_sd=0.02, clip=False), True, "pooled t"),
        ({"old": 30, "new": 30}, Truth(effect=0, slope_sd=0.05, clip=False), False, "intercept z"),
    ],
)
def test_questions_2_and_9_rows_counted_as_groups_and_a_slope_left_out_raise_false_alarms(
    repeats: dict[str, int], truth: Truth, between: bool, test: str
) -> None:
    design = Design(athletes=8, repeats=repeats, between=between)
    rates = monte_carlo(design, truth, [test], n=4000, seed=1)
    assert rates.loc[test, "rejection"] > 0.15
