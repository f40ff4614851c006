"""Handouts: what each edition holds and hides."""

import html
import json
import re
import zipfile
from pathlib import Path

import pytest

from tests import handout_sample
from tests.handout_sample import files, quiet, soup_of
from tests.notebooks import LESSONS, read

handout_sample.need_packages()

from handouts.build import build  # noqa: E402
from handouts.editions import EDITIONS, STUDENT  # noqa: E402

PAGE = "01_first.html"
SECRET = "kestrel"


# What an edition holds


def test_the_student_edition_holds_no_secret_in_any_file_or_zip(sample: Path) -> None:
    student = [name for name in files(sample) if name.startswith("student/")]
    assert sorted(student) == [
        "student/01_first.html",
        "student/02_second.html",
        "student/index.html",
        "student/notebooks/01_first.ipynb",
        "student/notebooks/02_second.ipynb",
    ]
    for name in student:
        assert SECRET.encode() not in (sample / name).read_bytes(), name
    with zipfile.ZipFile(sample / "student.zip") as archive:
        assert sorted(archive.namelist()) == sorted(student)
        assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())


def test_self_study_holds_answers_and_solutions_folded_but_no_notes_to_the_teacher(
    sample: Path,
) -> None:
    page = soup_of(sample, "self-study")
    for text in ("of the answer", "of the solution", "of a sentence"):
        (node,) = [
            node
            for node in page.main.find_all(string=re.compile(f"{SECRET}.*{text}"))
            if node.find_parent("pre") is None or node.find_parent("samp")
        ]
        fold = node.find_parent("details")
        assert fold is not None and not fold.has_attr("open")
    assert not re.search("of the note|of a note|notes|For the teacher", page.get_text())


def test_the_teacher_edition_holds_everything_open_with_notes_as_notes(sample: Path) -> None:
    page = soup_of(sample, "teacher")
    folds = page.main.find_all("details")
    assert folds and all(fold.has_attr("open") for fold in folds)
    assert not page.select(".happened")
    assert len(page.find_all(attrs={"role": "note"})) == 2
    assert len(re.findall(SECRET, page.get_text())) == len(
        re.findall(SECRET, json.dumps(handout_sample.cells()))
    )


def test_the_result_of_a_prediction_and_what_happened_are_folded_and_nothing_else(
    sample: Path,
) -> None:
    for edition in ("self-study", "student"):
        (fold,) = soup_of(sample, edition).select("details.happened")
        before = fold.find_previous_sibling()
        assert before.name == "pre" and "scores" in before.get_text()
        assert "0.846" in fold.get_text() and "heron" in fold.get_text()
        assert fold.find("img") is None and "show(figure" in fold.find_next_sibling().get_text()


def learners_copy(folder: Path, edition: str) -> tuple[list[str], list[str]]:
    """The sources of the code cells and of the texts of a learner's copy, which has no outputs."""
    path = folder / edition / "notebooks" / "01_first.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    return [cell["source"] for cell in code], texts


@pytest.mark.parametrize("edition", ["self-study", "student"])
def test_a_learners_copy_runs_no_solution_and_folds_what_happened(
    sample: Path, edition: str
) -> None:
    code, texts = learners_copy(sample, edition)
    assert "answer = ...\ncheck('1.1', answer)" in code
    assert not any(SECRET in source for source in code)
    assert any(
        text.startswith("<details><summary>What happened</summary>") and "heron" in text
        for text in texts
    )
    solutions = [text for text in texts if f"the {SECRET} of the solution" in text]
    assert len(solutions) == (edition == "self-study")
    assert all(text.startswith("<details><summary>Solution</summary>") for text in solutions)


def test_boxes_differ_in_colour_and_mark_in_a_learners_copy(sample: Path) -> None:
    _, texts = learners_copy(sample, "student")
    boxes = [text for text in "\n".join(texts).split("<div style=")[1:]]
    marks = {mark for box in boxes for mark in re.findall(r"^.*\n\n\*\*(\S) ", box)}
    colours = {colour for box in boxes for colour in re.findall(r"rgb\((.*?)\)", box)}
    assert marks == {"✎", "⚠", "?"} and len(colours) == 3
    assert any(text.rstrip().endswith("The text goes on.") for text in texts)
    assert "And after it." in texts


def test_comments_for_the_tests_reach_no_page_and_change_no_line_break(sample: Path) -> None:
    for edition in EDITIONS:
        text = (sample / edition / PAGE).read_text(encoding="utf-8")
        assert "<!--" not in text and "given:" not in text
        texts = [part.get_text() for part in soup_of(sample, edition).find_all("p")]
        assert [text.endswith("one.") for text in texts if text.startswith("A sentence")] == [True]


# The lessons themselves


def plain(text: str) -> str:
    """Letters and digits only, so that quotes, markup and line breaks make no difference."""
    return re.sub(r"[\W_]+", "", html.unescape(text)).lower()


def secrets_and_rest(path: Path) -> tuple[set[str], str]:
    """Every piece of a lesson's solutions, answers and notes that stands nowhere else, and all else."""
    secret: list[str] = []
    rest: list[str] = []
    for cell in read(path).cells:
        hidden = {"solution", "teacher"} & set(cell.tags)
        if cell.is_code:
            (secret if hidden else rest).extend(
                [*cell.source.splitlines(), *cell.printed.splitlines()]
            )
            continue
        text = re.sub(r"<!--.*?-->", "", cell.source, flags=re.DOTALL)
        folds = re.findall(r"<details>.*?</details>", text, flags=re.DOTALL)
        rest.append("" if hidden else re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL))
        for part in [text] if hidden else folds:
            part = re.sub(r"<summary>.*?</summary>|\$[^$]+\$|\]\([^)]*\)", "\n", part)
            secret += re.split(r"[\n`*]|(?<=[.?!]) |</?\w+>", part)
    allowed = plain("\n".join(rest))
    needles = {plain(piece) for piece in secret}
    return {needle for needle in needles if len(needle) >= 12 and needle not in allowed}, allowed


@pytest.fixture(scope="module")
def student_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student edition of the real lessons."""
    folder = tmp_path_factory.mktemp("student")
    build(LESSONS[0].parent, folder, [STUDENT], say=quiet)
    return folder


@pytest.mark.full
def test_no_lesson_leaks_into_any_student_page_index_notebook_or_zip(student_course: Path) -> None:
    contents = {name: data.decode() for name, data in files(student_course / "student").items()}
    with zipfile.ZipFile(student_course / "student.zip") as archive:
        contents |= {f"zip:{name}": archive.read(name).decode() for name in archive.namelist()}
    texts = {
        name: plain(re.sub(r"<[^>]*>", "", data) if ".html" in name else data)
        for name, data in contents.items()
    }
    needles = {path.stem: secrets_and_rest(path)[0] for path in LESSONS}
    assert all(needles.values()), [stem for stem, found in needles.items() if not found]
    leaks = [
        (name, needle)
        for name, text in texts.items()
        for stem, found in needles.items()
        if stem in name
        for needle in found
        if needle in text
    ]
    assert not leaks
