"""Every rule of the contract passes a good lesson and catches a bad one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import sample
from tests.contract import RULES, Rule, code, forms, grammar, structure, words

Content = dict[str, Any]
Change = Callable[[Content], Any]


def cell(content: Content, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in content["cells"] if one["id"] == name)
    return found


def text(name: str, old: str, new: str) -> Change:
    """Replaces a text in the source of a cell."""

    def change(content: Content) -> None:
        source = cell(content, name)["source"]
        assert old in source
        cell(content, name)["source"] = source.replace(old, new)

    return change


def output(name: str, /, **new: Any) -> Change:
    """Replaces entries of a cell's first output."""
    return lambda content: cell(content, name)["outputs"][0].update(new)


def printed(line: str) -> Change:
    """Adds a line to what a cell prints."""
    return lambda content: cell(content, "means")["outputs"].append(sample.stream(line))


def code_of(source: str) -> Change:
    return lambda content: cell(content, "counts").update(source=source)


def alt(new: str) -> Change:
    return lambda content: cell(content, "picture").update(outputs=[sample.figure(new)])


def without(name: str) -> Change:
    return lambda content: content["cells"].remove(cell(content, name))


def tagged(name: str, *tags: str) -> Change:
    return lambda content: cell(content, name)["metadata"].update(tags=list(tags))


def after(name: str, new: dict[str, Any]) -> Change:
    return lambda content: content["cells"].insert(
        content["cells"].index(cell(content, name)) + 1, new
    )


def metadata(name: str, /, **new: Any) -> Change:
    return lambda content: cell(content, name)["metadata"].update(new)


DETAILS = "<details><summary>Answer</summary>"
st, co, gr = structure, code, grammar
BAD: list[tuple[Rule, Change]] = [
    (st.opens_with_title_and_promise, text("title", "# 05 · ", "# 06 · ")),
    (st.opens_with_title_and_promise, text("title", "*What", "What")),
    (st.opens_with_title_and_promise, text("title", "claims, in", "claims. In")),
    (st.says_time_and_needs, text("title", "**Minutes:** 25", "**Minutes:** some")),
    (st.says_time_and_needs, text("title", "**Know first:**", "Know first")),
    (st.headings_are_in_order, text("meaning", "A mean says", "# Means\n\nA mean says")),
    (st.headings_are_in_order, text("meaning", "A mean says", "#### Means\n\nA mean says")),
    (st.headings_are_in_order, text("end", "## Key points", "## Exercises\n\n## Key points")),
    (st.boxes_have_known_leads, text("meaning", "**Common misreading.**", "**Beware.**")),
    (st.has_enough_boxes, text("predict-counts", "Predict first.", "Check yourself.")),
    (st.has_enough_boxes, text("meaning", "Common misreading.", "Check yourself.")),
    (st.predictions_come_before_results, text("predict-picture", "larger?", "larger?\n\nYes.")),
    (st.predictions_come_before_results, without("counts")),
    (st.self_checks_have_folded_answers, text("meaning", DETAILS, "Answer:")),
    (st.self_checks_have_folded_answers, text("meaning", f"{DETAILS}\n>\n", f"{DETAILS}\n")),
    (st.ends_with_points_reading_next, text("end", "## Key points", "## Points")),
    (st.ends_with_points_reading_next, text("end", "- Two.\n- Three.\n", "")),
    (st.ends_with_points_reading_next, text("end", " (2013)", "")),
    (st.links_to_the_next_lesson, text("end", "The next lesson is being written.", "")),
    (st.relative_links_resolve, text("meaning", "a drop", "[a drop](99_none.ipynb)")),
    (st.relative_links_resolve, text("meaning", "a drop", "[a drop](#No-such-heading)")),
    (st.tags_and_names_of_cells, tagged("means", "hide-input")),
    (st.tags_and_names_of_cells, lambda content: cell(content, "means").update(id="counts")),
    (st.exercises_have_stub_and_solution, text("exercise-1", "★", "")),
    (st.exercises_have_stub_and_solution, text("exercise-2", "5.2 ★", "5.1 ★")),
    (st.exercises_have_stub_and_solution, without("exercise-3")),
    (st.exercises_have_stub_and_solution, without("solution-2")),
    (st.stubs_run_as_they_stand, text("stub-1", "...", "1")),
    (st.stubs_run_as_they_stand, output("stub-1", text="5.1: right. It is.")),
    (st.stubs_run_as_they_stand, output("solution-1", text="5.1: not yet.")),
    (st.stubs_run_as_they_stand, tagged("means", "solution")),
    (st.stubs_run_as_they_stand, metadata("solution-1", jupyter={})),
    (st.solutions_fill_their_stubs, text("solution-1", "answer", "result")),
    (st.teacher_notes_are_folded, tagged("note")),
    (st.teacher_notes_are_folded, text("note", "<details>", "")),
    (gr.is_of_its_size, text("meaning", "a drop", "a drop " * 1300)),
    (gr.is_of_its_size, text("end", "## Key", "".join(f"## {k}\n\n" for k in range(9)) + "## Key")),
    (gr.promises_its_minutes, text("title", "**Minutes:** 25", "**Minutes:** 35")),
    (gr.opens_with_a_question_or_a_picture, text("title", "question?", "question.")),
    (gr.opens_with_a_question_or_a_picture, text("title", "- read the last line.", "")),
    (gr.answers_stand_apart, tagged("answer")),
    (gr.answers_stand_apart, text("answer", "before.", "before.\n\n$$y = x$$")),
    (gr.answers_stand_apart, lambda content: cell(content, "predict-means").update(id="means-0")),
    (gr.the_aside_is_one_section, text("aside", "## Going deeper", "## More")),
    (gr.the_aside_is_one_section, text("aside", "variance", "variance " * 801)),
    (gr.the_aside_is_one_section, tagged("meaning", "deeper")),
    (co.ran_top_to_bottom, lambda content: cell(content, "counts").update(execution_count=9)),
    (co.ran_top_to_bottom, lambda content: cell(content, "counts").update(outputs=[])),
    (co.ran_top_to_bottom, code_of("  ")),
    (co.no_errors_or_warnings_shown, output("means", output_type="error")),
    (co.no_errors_or_warnings_shown, output("means", name="stderr")),
    (co.cells_are_short, code_of("x = 1\n" * 16)),
    (co.code_is_plain_python, code_of("print(counts);")),
    (co.code_is_plain_python, code_of("%matplotlib inline")),
    (co.code_is_plain_python, code_of("warnings.filterwarnings('ignore')")),
    (co.imports_stand_in_the_first_cell, code_of("import scipy")),
    (co.imports_stand_in_the_first_cell, text("imports", "from helpers", "from helpers.forms")),
    (co.imports_stand_in_the_first_cell, text("imports", "check, show", "check, datasets")),
    (co.nothing_is_hidden_from_nbval, code_of("# NBVAL_IGNORE_OUTPUT\nprint(counts)")),
    (co.nothing_is_hidden_from_nbval, tagged("means", "raises-exception")),
    (co.outputs_are_stable, printed("Thing 0x7f3a2b1c9d")),
    (co.outputs_are_stable, printed("saved in /home/ada/course")),
    (co.outputs_are_stable, printed("pandas 3.1.1")),
    (co.file_is_clean, lambda content: content["metadata"].update(widgets={})),
    (co.file_is_clean, metadata("means", execution={})),
    (co.file_is_clean, output("means", data={"application/vnd.jupyter.widget-view+json": {}})),
    (co.figures_are_described, alt("")),
    (co.figures_are_described, alt("Image of " + sample.ALT)),
    (co.figures_are_sharp_and_small, output("picture", metadata={"image/png": {"width": 40}})),
    (co.figures_are_followed_by_prose, without("picture-meaning")),
    (
        co.prose_and_code_take_turns,
        lambda c: [after("counts", sample.code("x", "x"))(c) for _ in "x" * 20],
    ),
    (words.is_long_enough, text("meaning", sample.FILLING, "")),
    (words.says_nothing_unkind, text("meaning", "a drop", "just a drop")),
    (words.spells_the_british_way, text("meaning", "a drop", "a drop in color")),
    (words.nothing_is_left_over, text("meaning", "a drop", "PLACEHOLDER")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_lesson_keeps_each_rule(
    rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        structure, "LESSONS", []
    )  # the sample stands alone, whatever lesson 06 is called
    assert list(rule(sample.notebook(sample.raw(), tmp_path))) == []


@pytest.mark.parametrize(("rule", "change"), BAD, ids=[rule.__name__ for rule, _ in BAD])
def test_each_rule_catches_a_bad_lesson(rule: Rule, change: Change, tmp_path: Path) -> None:
    content = sample.raw()
    change(content)
    assert list(rule(sample.notebook(content, tmp_path)))


def test_a_lesson_needs_a_numbered_file_name(tmp_path: Path) -> None:
    assert list(
        structure.has_a_numbered_name(sample.notebook(sample.raw(), tmp_path, "lesson5.ipynb"))
    )


def test_large_figures_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "LARGEST_FIGURE", 50)
    assert any(
        "kB" in problem
        for problem in code.figures_are_sharp_and_small(sample.notebook(sample.raw(), tmp_path))
    )


def test_the_link_to_the_next_lesson_is_asked_for_when_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = tmp_path / "06_more.ipynb"
    monkeypatch.setattr(structure, "LESSONS", [following])
    lesson = sample.notebook(sample.raw(), tmp_path)
    assert list(structure.links_to_the_next_lesson(lesson)) == [
        "'## Next' does not link to 06_more.ipynb"
    ]
    content = sample.raw()
    text("end", "The next lesson is being written.", "Go on to [more](06_more.ipynb).")(content)
    assert list(structure.links_to_the_next_lesson(sample.notebook(content, tmp_path))) == []


def test_every_rule_has_a_bad_lesson_that_it_catches() -> None:
    elsewhere = {
        structure.has_a_numbered_name,
        forms.forms_are_whole,
    }  # the latter in test_forms.py
    tried = {rule for rule, _ in BAD} | elsewhere
    assert tried == set(RULES)
