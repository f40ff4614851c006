"""Every rule of the contract passes a good lesson and catches a bad one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import sample
from tests.contract import RULES, Rule, code, forms, structure, words

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
BAD: list[tuple[Rule, str, Change]] = [
    (structure.opens_with_title_and_promise, "no number", text("title", "# 05 · ", "# ")),
    (structure.opens_with_title_and_promise, "wrong number", text("title", "# 05 · ", "# 06 · ")),
    (structure.opens_with_title_and_promise, "no promise", text("title", "*What", "What")),
    (
        structure.opens_with_title_and_promise,
        "two sentences",
        text("title", "claims, in", "claims. In"),
    ),
    (
        structure.says_time_and_needs,
        "no minutes",
        text("title", "**Minutes:** 60", "**Minutes:** sixty"),
    ),
    (
        structure.says_time_and_needs,
        "nothing to know",
        text("title", "**Know first:**", "Know first"),
    ),
    (structure.says_time_and_needs, "two aims", text("title", "- read the last line.", "")),
    (
        structure.headings_are_in_order,
        "second H1",
        text("meaning", "The mean is", "# Means\n\nThe mean is"),
    ),
    (
        structure.headings_are_in_order,
        "jump",
        text("meaning", "The mean is", "#### Means\n\nThe mean is"),
    ),
    (
        structure.headings_are_in_order,
        "same twice",
        text("end", "## Key points", "## Exercises\n\n## Key points"),
    ),
    (
        structure.boxes_have_known_leads,
        "unknown lead",
        text("meaning", "**Common misreading.**", "**Beware.**"),
    ),
    (
        structure.boxes_have_known_leads,
        "no lead",
        text("meaning", "> **Common misreading.** ", "> "),
    ),
    (
        structure.has_enough_boxes,
        "two predictions",
        text("third-prediction", "Predict first.", "Check yourself."),
    ),
    (
        structure.has_enough_boxes,
        "no misreading",
        text("meaning", "Common misreading.", "Check yourself."),
    ),
    (
        structure.has_enough_boxes,
        "one self-check",
        text("meaning", "> **Check yourself.** Is", "> **Common misreading.** Is"),
    ),
    (
        structure.predictions_come_before_results,
        "text after",
        text("second-prediction", "larger?", "larger?\n\nIt is."),
    ),
    (structure.predictions_come_before_results, "no result", without("counts")),
    (
        structure.predictions_come_before_results,
        "two at once",
        text("second-prediction", ">", f"{sample.PREDICT}\n\n>"),
    ),
    (structure.self_checks_have_folded_answers, "open answer", text("meaning", DETAILS, "Answer:")),
    (
        structure.self_checks_have_folded_answers,
        "no empty line",
        text("meaning", f"{DETAILS}\n>\n", f"{DETAILS}\n"),
    ),
    (
        structure.self_checks_have_folded_answers,
        "no answer",
        text("meaning", "No, it is a mean of scores.", "…"),
    ),
    (
        structure.ends_with_points_reading_next,
        "no key points",
        text("end", "## Key points", "## Points"),
    ),
    (
        structure.ends_with_points_reading_next,
        "one key point",
        text("end", "- Two.\n- Three.\n", ""),
    ),
    (structure.ends_with_points_reading_next, "one reference", text("end", "- Aarts", "Aarts")),
    (structure.ends_with_points_reading_next, "no year", text("end", " (2013)", "")),
    (
        structure.links_to_the_next_lesson,
        "nothing",
        text("end", "The next lesson is being written.", ""),
    ),
    (
        structure.relative_links_resolve,
        "no file",
        text("meaning", "a drop", "[a drop](99_none.ipynb)"),
    ),
    (
        structure.relative_links_resolve,
        "no anchor",
        text("meaning", "a drop", "[a drop](#No-such-heading)"),
    ),
    (structure.tags_and_names_of_cells, "unknown tag", tagged("means", "hide-input")),
    (
        structure.tags_and_names_of_cells,
        "same id",
        lambda content: cell(content, "means").update(id="counts"),
    ),
    (
        structure.tags_and_names_of_cells,
        "odd id",
        lambda content: cell(content, "means").update(id="The means"),
    ),
    (structure.exercises_have_stub_and_solution, "no stars", text("exercise-1", "★", "")),
    (
        structure.exercises_have_stub_and_solution,
        "number twice",
        text("exercise-2", "5.2 ★", "5.1 ★"),
    ),
    (structure.exercises_have_stub_and_solution, "two only", without("exercise-3")),
    (
        structure.exercises_have_stub_and_solution,
        "no section",
        text("exercises", "## Exercises", "## Now you"),
    ),
    (structure.exercises_have_stub_and_solution, "no stub", tagged("stub-2")),
    (structure.exercises_have_stub_and_solution, "no solution", without("solution-2")),
    (structure.stubs_run_as_they_stand, "answered", text("stub-1", "...", "1")),
    (structure.stubs_run_as_they_stand, "unchecked", text("stub-1", 'check("5.1", answer)', "")),
    (structure.stubs_run_as_they_stand, "says right", output("stub-1", text="5.1: right. It is.")),
    (
        structure.stubs_run_as_they_stand,
        "text between",
        after("stub-1", sample.markdown("more", "Well?")),
    ),
    (
        structure.stubs_run_as_they_stand,
        "wrong solution",
        output("solution-1", text="5.1: not yet."),
    ),
    (structure.stubs_run_as_they_stand, "stray solution", tagged("means", "solution")),
    (structure.stubs_run_as_they_stand, "unfolded", metadata("solution-1", jupyter={})),
    (structure.solutions_fill_their_stubs, "another name", text("solution-1", "answer", "result")),
    (structure.teacher_notes_are_folded, "no tag", tagged("note")),
    (structure.teacher_notes_are_folded, "open", text("note", "<details>", "")),
    (
        code.ran_top_to_bottom,
        "not run",
        lambda content: cell(content, "counts").update(execution_count=None),
    ),
    (
        code.ran_top_to_bottom,
        "out of order",
        lambda content: cell(content, "counts").update(execution_count=9),
    ),
    (
        code.ran_top_to_bottom,
        "output lost",
        lambda content: cell(content, "counts").update(outputs=[]),
    ),
    (code.ran_top_to_bottom, "empty cell", code_of("  ")),
    (code.no_errors_or_warnings_shown, "error", output("means", output_type="error")),
    (code.no_errors_or_warnings_shown, "warning", output("means", name="stderr")),
    (code.cells_are_short, "long cell", code_of("x = 1\n" * 16)),
    (
        code.cells_are_short,
        "all cells long",
        lambda content: [one.update(source="x = 1\n" * 9) for one in content["cells"]],
    ),
    (code.code_is_plain_python, "semicolon", code_of("print(counts);")),
    (code.code_is_plain_python, "magic", code_of("%matplotlib inline")),
    (code.code_is_plain_python, "filter", code_of("warnings.filterwarnings('ignore')")),
    (code.code_is_plain_python, "path", code_of("sys.path.append('..')")),
    (code.imports_stand_in_the_first_cell, "late", code_of("import scipy")),
    (
        code.imports_stand_in_the_first_cell,
        "inside",
        code_of("def f():\n    from scipy import stats"),
    ),
    (
        code.imports_stand_in_the_first_cell,
        "a room",
        text("imports", "from helpers", "from helpers.engine"),
    ),
    (
        code.imports_stand_in_the_first_cell,
        "named room",
        text("imports", "check, show", "check, datasets"),
    ),
    (code.nothing_is_hidden_from_nbval, "comment", code_of("# NBVAL_IGNORE_OUTPUT\nprint(counts)")),
    (code.nothing_is_hidden_from_nbval, "tag", tagged("means", "nbval-skip")),
    (code.nothing_is_hidden_from_nbval, "expected error", tagged("means", "raises-exception")),
    (code.outputs_are_stable, "address", printed("Thing 0x7f3a2b1c9d")),
    (code.outputs_are_stable, "object", printed("<matplotlib.axes._axes.Axes object at 7>")),
    (code.outputs_are_stable, "path", printed("saved in /home/ada/course")),
    (code.outputs_are_stable, "Windows path", printed(r"saved in C:\course")),
    (code.outputs_are_stable, "version", printed("pandas 3.1.1")),
    (
        code.outputs_are_stable,
        "HTML image",
        output("means", data={"text/html": "<img src='data:;base64,AA'>"}),
    ),
    (code.file_is_clean, "widgets", lambda content: content["metadata"].update(widgets={})),
    (
        code.file_is_clean,
        "kernel",
        lambda content: content["metadata"].update(kernelspec={"name": "venv"}),
    ),
    (
        code.file_is_clean,
        "version",
        lambda content: content["metadata"]["language_info"].update(version="3.11.7"),
    ),
    (code.file_is_clean, "timings", metadata("means", execution={})),
    (
        code.file_is_clean,
        "widget view",
        output("means", data={"application/vnd.jupyter.widget-view+json": {}}),
    ),
    (code.file_is_clean, "too big", printed("x" * 1_000_001)),
    (code.figures_are_described, "no alt", alt("")),
    (code.figures_are_described, "too long", alt(sample.ALT * 8)),
    (code.figures_are_described, "filler", alt("Image of " + sample.ALT)),
    (
        code.figures_are_described,
        "nothing drawn",
        output("picture", data=sample.figure()["data"] | {"text/plain": sample.ALT}),
    ),
    (
        code.figures_are_described,
        "not stated",
        output("picture", data=sample.figure()["data"] | {"text/plain": "x\ndrawn: "}),
    ),
    (
        code.figures_are_described,
        "the title",
        output(
            "picture",
            data=sample.figure()["data"]
            | {"text/plain": f"{sample.ALT}\ndrawn: axes “{sample.ALT}”"},
        ),
    ),
    (
        code.figures_are_sharp_and_small,
        "single density",
        output("picture", metadata={"image/png": {"width": 40, "height": 20}}),
    ),
    (
        code.figures_are_sharp_and_small,
        "no size",
        output("picture", metadata={"image/png": {"alt": sample.ALT}}),
    ),
    (
        code.figures_are_followed_by_prose,
        "heading",
        text("picture-meaning", "The long", "## The long"),
    ),
    (code.figures_are_followed_by_prose, "code", without("picture-meaning")),
    (
        code.prose_and_code_take_turns,
        "all code",
        lambda content: [after("counts", sample.code("x", "x = 1"))(content) for _ in range(20)],
    ),
    (
        code.prose_and_code_take_turns,
        "all prose",
        lambda content: [after("counts", sample.markdown("x", "x"))(content) for _ in range(20)],
    ),
    (words.is_long_enough, "short", text("meaning", sample.FILLING, "")),
    (words.says_nothing_unkind, "just", text("meaning", "a drop", "just a drop")),
    (words.says_nothing_unkind, "in the alt text", alt(f"Obviously {sample.ALT}")),
    (words.spells_the_british_way, "color", text("meaning", "a drop", "a drop in color")),
    (words.spells_the_british_way, "analyze", text("meaning", "a drop", "we analyzed a drop")),
    (words.nothing_is_left_over, "placeholder", text("meaning", "a drop", "PLACEHOLDER")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_lesson_keeps_each_rule(
    rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        structure, "LESSONS", []
    )  # the sample stands alone, whatever lesson 06 is called
    assert list(rule(sample.notebook(sample.raw(), tmp_path))) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [(rule, change) for rule, _, change in BAD],
    ids=[f"{rule.__name__}: {why}" for rule, why, _ in BAD],
)
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
    tried = {rule for rule, _, _ in BAD} | elsewhere
    assert tried == set(RULES)
