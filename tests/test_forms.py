"""The ten questions before and after: whole, parallel, without cues, right in simulated worlds, and scored kindly."""

import copy
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewgroups import Design, Truth, fit, monte_carlo, simulate
from helpers import answered, earlier_answers, score
from helpers.answers.form_keys import CONCEPTS, Question, questions
from tests.contract.forms import LETTERS, QUESTIONS, forms_are_whole, options, question
from tests.notebooks import FOLDER, Notebook, joined, lesson_path, read

BOTH = [(form, number) for form in "AB" for number in QUESTIONS]
NOTHING = [...] * 10
RIGHT = {form: [one.key for one in questions(form).values()] for form in "AB"}


def start() -> Notebook:
    return read(lesson_path("00"))


def end() -> Notebook:
    return read(lesson_path("12"))


# The keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "number"), BOTH)
def test_each_question_has_one_right_letter_and_a_misconception_for_each_of_the_others(
    form: str, number: int
) -> None:
    found = questions(form)[number]
    assert sorted([found.key, *found.slips]) == list(LETTERS)
    assert all(len(what.split()) >= 4 for what in found.slips.values())


def test_the_forms_are_parallel_and_their_lessons_exist() -> None:
    assert [one.concept for one in questions("A").values()] == [
        one.concept for one in questions("B").values()
    ]
    assert len({concept for concept, _ in CONCEPTS}) == 10
    assert {lesson for _, lessons in CONCEPTS for lesson in lessons} <= {
        f"{k:02}" for k in range(1, 12)
    }


@pytest.mark.parametrize("form", "AB")
def test_right_letters_are_spread_and_follow_no_pattern(form: str) -> None:
    keys = RIGHT[form]
    assert set(Counter(keys).values()) <= {2, 3}
    assert all(keys[k : k + 3] != [keys[k]] * 3 for k in range(8))
    assert sum(a == b for a, b in zip(RIGHT["A"], RIGHT["B"], strict=True)) <= 3


def length_ranks(form: str) -> list[int]:
    """For each question the rank of the right option among the four by length, 1 for the longest."""
    ranks = []
    for number in QUESTIONS:
        found = options(question(end(), form, number))
        lengths = sorted((len(text) for text in found.values()), reverse=True)
        ranks.append(1 + lengths.index(len(found[questions(form)[number].key])))
    return ranks


@pytest.mark.parametrize("form", "AB")
def test_length_gives_nothing_away(form: str) -> None:
    ranks = Counter(length_ranks(form))
    assert ranks[1] <= 4 and ranks[4] <= 4


@pytest.mark.parametrize("number", QUESTIONS)
def test_form_a_is_the_same_text_before_and_after(number: int) -> None:
    assert question(start(), "A", number) == question(end(), "A", number) != ""


# The reasons --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "number"), BOTH)
def test_the_reasons_give_the_key_a_word_on_each_wrong_option_and_the_lessons(
    form: str, number: int
) -> None:
    found = questions(form)[number]
    text = next(c.source for c in end().markdown if c.id == f"answer-{form.lower()}{number}")
    assert text.startswith(f"<details><summary>{form}{number}, {found.concept}</summary>\n")
    assert text.endswith("\n</details>") and f"**Right: ({found.key}).** " in text
    assert re.findall(r"(?m)^- \((.)\) \S.{30}", text) == sorted(found.slips)
    assert set(found.lessons) <= set(re.findall(r"\]\((\d\d)_", text))


def test_both_forms_are_taken_before_their_answers_are_met() -> None:
    ids = [cell.id for cell in end().cells]
    assert ids.index("score-b") < min(
        ids.index(f"answer-{form.lower()}{number}") for form, number in BOTH
    )


def test_the_blueprint_names_every_question_its_idea_and_its_lessons() -> None:
    [text] = [cell.source for cell in end().markdown if "teacher" in cell.tags]
    for number, question_a in questions("A").items():
        keys = f"| A{number} ({question_a.key}), B{number} ({questions('B')[number].key}) |"
        assert f"{keys} {question_a.concept} | lesson {' and '.join(question_a.lessons)} |" in text


# Lesson 00 gives nothing away -------------------------------------------------------------------------------------


def test_the_first_lesson_holds_no_key_and_no_reason() -> None:
    text = json.dumps(start().raw, ensure_ascii=False)
    slips = [what for form, number in BOTH for what in questions(form)[number].slips.values()]
    assert [what for what in slips if what in text] == []
    assert "score(" not in text and "form_keys" not in text
    assert all(f"{letter}{number} = ..." in text for letter in "a" for number in QUESTIONS)


def test_counting_answers_tells_nothing_about_which_are_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for form in "AB":
        wrong = [sorted(one.slips)[0] for one in questions(form).values()]
        said = []
        for answers in (RIGHT[form], wrong):
            answered(form, answers)
            said.append(capsys.readouterr().out)
        strip = [line.translate(str.maketrans("", "", LETTERS)) for line in said]
        assert strip[0] == strip[1]


@pytest.mark.parametrize(
    ("cell", "old", "new"),
    [
        ("question-a3", "### Question A3", "### Question A4"),
        ("question-a7", "- (d)", "- (e)"),
        ("a5", "a5 = ...", 'a5 = "c"'),
        ("answered", "a10]", "]"),
    ],
)
def test_a_form_that_is_not_whole_is_caught(cell: str, old: str, new: str) -> None:
    raw = copy.deepcopy(start().raw)
    found = next(one for one in raw["cells"] if one["id"] == cell)
    assert old in joined(found["source"])
    found["source"] = joined(found["source"]).replace(old, new)
    assert list(forms_are_whole(start())) == []
    assert list(forms_are_whole(Notebook(start().path, raw)))


# Scoring ----------------------------------------------------------------------------------------------------------


def test_nothing_answered_is_said_kindly(capsys: pytest.CaptureFixture[str]) -> None:
    answered("A", NOTHING)
    assert "0 of 10 answered" in capsys.readouterr().out
    score("A", NOTHING, before=NOTHING)
    assert "nothing answered yet" in capsys.readouterr().out


@pytest.mark.parametrize("form", "AB")
def test_all_right_and_all_wrong(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    score(form, [f" ({letter.upper()}) " for letter in RIGHT[form]])
    assert capsys.readouterr().out.startswith(f"Form {form}: 10 of 10 right\n")
    found: list[Question] = list(questions(form).values())
    for k in range(3):
        score(form, [sorted(one.slips)[k] for one in found])
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"Form {form}: 0 of 10 right"
        assert all(len(line) <= 100 for line in lines)
        whole = " ".join(" ".join(lines).split())
        for one in found:
            assert (
                f"{one.slips[sorted(one.slips)[k]]} (lesson" in whole
                and one.lessons[-1] + ")" in whole
            )


def test_before_and_after_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    before = ["a", ..., *RIGHT["A"][2:]]
    score("A", RIGHT["A"], before=before)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Form A: 10 of 10 right; before: 8 of 10 right, 1 left out"
    assert "a → c  right" in lines[1] and "– → d  right" in lines[2]


def test_a_letter_that_is_no_option_gets_a_kind_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answered("A", ["e", *NOTHING[1:]])
    assert capsys.readouterr().out.startswith("A1: 'e' is none of the options.")
    score("A", ["a", 2, *NOTHING[2:]])
    assert capsys.readouterr().out.startswith("A2: 2 is none of the options.")


@pytest.mark.parametrize("ask", [answered, score])
@pytest.mark.parametrize(
    ("form", "answers"),
    [
        ("C", NOTHING),
        (None, NOTHING),
        (np.array(["A", "B"]), NOTHING),
        ("A", ["a"]),
        ("A", "abcdabcdab"),
        ("A", None),
        ("A", ...),
    ],
)
def test_another_form_or_another_number_of_answers_is_refused(
    ask: Any, form: object, answers: object
) -> None:
    with pytest.raises((TypeError, ValueError), match="form must be|answers must be a list of 10"):
        ask(form, answers)


def test_a_folder_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="folder must be"):
        earlier_answers(7)


# What was answered weeks ago -----------------------------------------------------------------------------------------


def write_copy(path: Path, letters: dict[int, str]) -> None:
    """A learner's lesson 00 with some answers."""
    raw = json.loads(lesson_path("00").read_text(encoding="utf-8"))
    for cell in raw["cells"]:
        for number, letter in letters.items():
            if cell["source"] in (f"a{number} = ...", [f"a{number} = ..."]):
                cell["source"] = f'a{number} = "{letter}"'
    path.write_text(json.dumps(raw), encoding="utf-8")


def test_answers_are_found_in_the_learners_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_copy(tmp_path / "00_start_here.ipynb", {1: "c", 10: "B"})
    assert earlier_answers(tmp_path) == ["c", *[...] * 8, "B"]
    assert capsys.readouterr().out == "00_start_here.ipynb: 2 of 10 answered before the course.\n"


def test_after_a_reset_the_older_copy_still_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_copy(tmp_path / "00_start_here_2026-01-31.ipynb", {3: "a"})
    write_copy(tmp_path / "00_start_here.ipynb", {})
    assert earlier_answers(tmp_path)[2] == "a"
    assert "00_start_here_2026-01-31.ipynb" in capsys.readouterr().out


def test_no_copy_a_damaged_one_and_the_lesson_as_it_is_made_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert earlier_answers(tmp_path) == NOTHING
    said = capsys.readouterr().out
    (tmp_path / "00_start_here.ipynb").write_text("{ not a notebook", encoding="utf-8")
    assert earlier_answers(tmp_path) == NOTHING
    assert earlier_answers(FOLDER) == NOTHING
    assert capsys.readouterr().out == 2 * said
    assert "No answers from before the course" in said


# The right options are right in simulated worlds ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clusters", "rows", "spread"), [(6, 40, 0.02), (6, 40, 0.05), (8, 150, 0.02)]
)
def test_question_2_counting_rows_as_what_was_assigned_finds_effects_that_are_not_there(
    clusters: int, rows: int, spread: float
) -> None:
    design = Design(athletes=clusters, repeats={"x": rows, "y": rows}, between=True)
    rates = monte_carlo(
        design, Truth(effect=0, athlete_sd=spread, clip=False), ["pooled t"], n=4000, seed=1
    )
    assert rates.loc["pooled t", "rejection"] > 0.15


def test_question_4_a_group_with_few_rows_is_drawn_in_by_a_larger_share() -> None:
    design = Design(athletes=10, repeats=[{"x": 2, "y": 1}, *[{"x": 50, "y": 50}] * 9])
    table = simulate(design, Truth(effect=0, clip=False), seed=3)
    result = fit("correctness ~ 1", table, groups="athlete_id")
    own = table.groupby("athlete_id")["correctness"].mean() - result.fe_params["Intercept"]
    shares = {name: effect.iloc[0] / own[name] for name, effect in result.random_effects.items()}
    few = table["athlete_id"].value_counts().idxmin()
    assert 0 < shares[few] < min(share for name, share in shares.items() if name != few) < 1


def spreads(groups: int, rows: int, between_sd: float, within_sd: float) -> float:
    """How far estimates of the SD between groups scatter, relative to it, from group means (large samples of rows)."""
    rng = np.random.default_rng(5)
    noise = within_sd / np.sqrt(rows)
    means = rng.normal(0, np.hypot(between_sd, noise), size=(4000, groups))
    estimates = np.sqrt(np.maximum(0, means.var(axis=1, ddof=1) - noise**2))
    return float(estimates.std() / between_sd)


def test_question_6_more_groups_help_and_more_rows_of_the_same_do_not() -> None:
    assert spreads(5, 200, 0.3, 0.5) > 0.3
    assert spreads(5, 2000, 0.3, 0.5) > 0.95 * spreads(5, 200, 0.3, 0.5)
    assert spreads(6, 5000, 1.5, 4) > 0.95 * spreads(6, 500, 1.5, 4)
    assert spreads(36, 50, 1.5, 4) < 0.6 * spreads(6, 500, 1.5, 4)


@pytest.mark.parametrize(("groups", "rows"), [(10, 20), (8, 30)])
def test_question_9_a_slope_left_out_makes_the_test_too_bold(groups: int, rows: int) -> None:
    design = Design(athletes=groups, repeats={"old": rows, "new": rows})
    world = Truth(effect=0, slope_sd=0.05, clip=False)
    rates = monte_carlo(design, world, ["intercept z"], n=4000, seed=2)
    assert rates.loc["intercept z", "rejection"] > 0.15


def standard_error(people: int, with_it: int, without: int, between: bool = False) -> float:
    """True SE of the average effect when levels, reactions and single values have SDs of 1, .5 and 1."""
    if between:
        return float(
            np.sqrt((1 + 1 / without) / (people / 2) + (1 + 0.5**2 + 1 / with_it) / (people / 2))
        )
    return float(np.sqrt((0.5**2 + 1 / with_it + 1 / without) / people))


def test_question_10_many_people_compared_with_themselves_tell_most() -> None:
    assert standard_error(60, 5, 5) < standard_error(10, 30, 30)
    assert standard_error(60, 5, 5) < standard_error(60, 10, 10, between=True)
    assert standard_error(48, 5, 5) < standard_error(8, 30, 30)
    assert standard_error(48, 5, 5) < standard_error(48, 10, 10, between=True)


# The plan in lesson 00 -------------------------------------------------------------------------------------------


def plan() -> dict[str, list[str]]:
    """The rows of the map by lesson: what each cell says."""
    [text] = [cell.source for cell in start().markdown if cell.id == "the-map"]
    rows = [
        line.strip("| ").split(" | ")
        for line in text.splitlines()
        if re.match(r"\| \[?\d\d · ", line)
    ]
    return {row[0].lstrip("[")[:2]: [cell.strip() for cell in row] for row in rows}


def test_the_plan_names_all_lessons_with_their_titles_links_and_minutes(
    lessons: list[Notebook],
) -> None:
    assert list(plan()) == [lesson.number for lesson in lessons]
    for lesson in lessons:
        row = plan()[lesson.number]
        title = lesson.cells[0].source.splitlines()[0].removeprefix("# ")
        minutes = re.search(
            r"\*\*Minutes:\*\* (\d+) in class · (\d+) alone", lesson.cells[0].source
        )
        stated = [re.sub(r"\smin$", "", cell) for cell in row[2:4]]
        assert minutes and stated == list(minutes.groups()), lesson.number
        assert row[0] == (title if lesson.number == "00" else f"[{title}]({lesson.path.name})")


def test_ten_classes_of_ninety_minutes_hold_the_course_and_one_class_the_short_route() -> None:
    classes: dict[tuple[int, ...], int] = {}
    for row in plan().values():
        held = tuple(int(number) for number in re.findall(r"class\s(\d+)", row[5]))
        classes[held] = classes.get(held, 0) + int(row[2].removesuffix("\N{NO-BREAK SPACE}min"))
    alone = {held: minutes for held, minutes in classes.items() if len(held) == 1}
    assert sorted({number for held in classes for number in held}) == list(range(1, 11))
    assert max(alone.values()) <= 90
    for split in classes.keys() - alone.keys():
        assert sum(classes[held] for held in classes if set(held) & set(split)) <= 90 * len(split)
    short = [int(number) for row in plan().values() for number in re.findall(r"(\d+)\smin", row[4])]
    assert 80 <= sum(short) <= 90
    hours = sum(int(row[3].removesuffix("\N{NO-BREAK SPACE}min")) for row in plan().values()) / 60
    assert 19 <= hours <= 21, "lesson 00 says: about twenty hours"
