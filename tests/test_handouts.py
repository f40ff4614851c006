"""Handouts: what pages are made of, what each edition holds and hides, and that files are written whole."""

import base64
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests import handout_sample
from tests.handout_sample import SECRET, files, quiet, soup_of
from tests.notebooks import LESSONS, hidden, read, squeezed

handout_sample.need_packages()

from bs4 import BeautifulSoup  # noqa: E402
from fontTools.ttLib import TTFont  # noqa: E402

from handouts import cells, maths  # noqa: E402
from handouts.__main__ import main  # noqa: E402
from handouts.build import build  # noqa: E402
from handouts.editions import EDITIONS, SELF_STUDY, STUDENT  # noqa: E402

PAGE = "01_first.html"


@pytest.fixture(autouse=True)
def _no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the packages that a zip holds takes longer than all pages; test_installed.py makes them."""
    monkeypatch.setattr("handouts.__main__.needs", lambda course: {})


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """The folder of the sample's lessons, for a test that changes them."""
    return handout_sample.write_course(tmp_path / "notebooks")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where that test builds its pages."""
    return tmp_path / "build"


# What a page is made of


def test_pages_have_one_h1_that_is_the_title_and_ask_for_nothing(sample: Path) -> None:
    for path in sample.rglob("*.html"):
        page = soup_of(sample, *path.relative_to(sample).parts)
        (heading,) = page.find_all("h1")
        assert heading.get_text() == page.title.get_text()
        assert page.html["lang"] == "en-GB"
        assert not page.find_all(["link", "iframe"]) and not page.find_all("script", src=True)
        assert not re.search(r"url\((?!\"?data:)", path.read_text(encoding="utf-8"))
        assert all(image["src"].startswith("data:") for image in page.find_all("img"))


def astray(folder: Path) -> list[str]:
    """Links of an edition's pages that lead nowhere, ids that stand twice, headings over nothing."""
    pages = {path.name: soup_of(folder, "", path.name) for path in folder.glob("*.html")}
    ids = {name: [place["id"] for place in page.find_all(id=True)] for name, page in pages.items()}
    found = [name for name in pages if len(set(ids[name])) < len(ids[name])]
    for name, page in pages.items():
        for link in page.find_all("a", href=re.compile("^(?!https?:|mailto:)")):
            target, _, anchor = link["href"].partition("#")
            there = ids.get(target or name, []) if anchor else [""]
            if not (folder / target).exists() or anchor not in there:
                found.append(f"{name}: {link}")
        for heading in page.main.find_all(["h2", "h3"]):
            after = heading.find_next_sibling()
            if after is None or after.name in ("h1", "h2", "h3") and after.name <= heading.name:
                found.append(f"{name}: {heading}")
    return found


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("pages", ["sample", pytest.param("course", marks=pytest.mark.full)])
def test_links_lead_to_places_that_exist_and_no_heading_stands_over_nothing(
    pages: str, edition: str, request: pytest.FixtureRequest
) -> None:
    assert astray(request.getfixturevalue(pages) / edition) == []


def test_the_way_on_is_linked_and_a_lesson_that_is_gone_is_only_named(sample: Path) -> None:
    page = soup_of(sample, "student")
    assert page.find("a", string="gone") is None and "gone" in page.get_text()
    assert page.find("a", rel="next")["href"] == "02_second.html"
    assert page.find("a", rel="prev") is None


def test_figures_keep_alt_text_and_display_size_and_tables_get_scopes_and_a_caption(
    sample: Path,
) -> None:
    page = soup_of(sample, "teacher")
    (image,) = page.find_all("img")
    assert (image["alt"], image["width"], image["height"]) == (handout_sample.ALT, "700", "350")
    assert "digest of the figure" not in page.get_text()
    _, table = tables = page.find_all("table")
    assert all(head["scope"] in ("row", "col") for one in tables for head in one.find_all("th"))
    assert table.caption.get_text() == "Output, a table: estimate"
    assert page.find("style", attrs={"scoped": True}) is None
    # Texts that a cell prints one after the other are one output.
    assert "session_20  0.846" in page.find("samp").get_text()


def test_code_is_highlighted_and_no_character_of_it_changes(sample: Path) -> None:
    code = 'def f(x):\n    """Two\n\n    lines & <more>."""\n    return x[1:] if x else "…"  # why\n\n\nf("a")'
    soup = BeautifulSoup(f"<pre>{cells.highlighted(code)}</pre>", "html.parser")
    assert soup.get_text() == code and all(soup.select(f".{kind}") for kind in "csmk")
    pres = soup_of(sample, "student").find_all("pre")
    (pre,) = [pre for pre in pres if "in_the_text" in pre.get_text()]
    assert pre.get_text() == 'def in_the_text():\n    return "kept"'
    assert pre.find("span", class_="k")


def test_every_character_of_the_equations_is_in_the_embedded_font(sample: Path) -> None:
    text = (sample / "teacher" / PAGE).read_text(encoding="utf-8")
    soup: Any = BeautifulSoup(text, "html.parser")
    assert len(soup.find_all("math")) == 4
    assert soup.find("mtable") and soup.find("munder", class_="brace")
    assert not soup.find_all(["semantics", "annotation", "merror"])
    data = re.search(r"data:font/woff2;base64,([^)]+)\)", text)
    assert data is not None
    font = TTFont(io.BytesIO(base64.b64decode(data[1])))
    needed = {ord(character) for character in maths.characters(soup)}
    assert {ord("β"), ord("𝛽"), ord("√"), ord("⏟"), ord("𝑉")} - needed <= {ord("𝑉")}
    assert needed <= set(font.getBestCmap()) | {0xA0, 0x20}
    assert "MATH" in font and len(data[1]) < 60_000


# What an edition holds


def test_the_student_edition_holds_no_secret_in_any_file_or_zip(sample: Path) -> None:
    names = ["01_first.html", "02_second.html", "index.html"]
    names += ["notebooks/01_first.ipynb", "notebooks/02_second.ipynb"]
    student = files(sample / "student")
    assert list(student) == names
    with zipfile.ZipFile(sample / "student.zip") as archive:
        zipped = {name: archive.read(name) for name in archive.namelist()}
        assert {info.date_time[0] for info in archive.infolist()} == {1980}  # whenever it is made
    assert sorted(zipped) == [f"student/{name}" for name in names]
    for name, content in (student | zipped).items():
        assert SECRET.encode() not in content, name


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
    assert page.get_text().count(SECRET) == json.dumps(handout_sample.cells()).count(SECRET)


@pytest.mark.parametrize("edition", ["self-study", "student"])
def test_the_result_of_a_prediction_and_what_happened_are_folded_and_nothing_else(
    sample: Path, edition: str
) -> None:
    (fold,) = soup_of(sample, edition).select("details.happened")
    before = fold.find_previous_sibling()
    assert before.name == "pre" and "scores" in before.get_text()
    assert "0.846" in fold.get_text() and "heron" in fold.get_text()
    assert fold.find("img") is None and "show(figure" in fold.find_next_sibling().get_text()


@pytest.mark.parametrize("edition", ["self-study", "student"])
def test_a_learners_copy_runs_no_solution_folds_what_happened_and_marks_its_boxes(
    sample: Path, edition: str
) -> None:
    copy = nbformat.read(sample / edition / "notebooks" / "01_first.ipynb", as_version=4)
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    texts = [cell.source for cell in copy.cells if cell.cell_type == "markdown"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "answer = ...\ncheck('1.1', answer)" in [cell.source for cell in code]
    assert not any(SECRET in cell.source for cell in code)
    folds = [text for text in texts if text.startswith("<details><summary>What happened</summary>")]
    assert any("heron" in text for text in folds)
    solutions = [text for text in texts if f"the {SECRET} of the solution" in text]
    assert len(solutions) == (edition == "self-study")
    assert all(text.startswith("<details><summary>Solution</summary>") for text in solutions)
    boxes = "\n".join(texts).split("<div style=")[1:]
    assert {box.split("\n\n**")[1][0] for box in boxes} == set("✎⚠?")  # a mark for each lead
    assert len({colour for box in boxes for colour in re.findall(r"rgb\((.*?)\)", box)}) == 3
    assert any(text.rstrip().endswith("The text goes on.") for text in texts)
    assert "And after it." in texts


def test_comments_for_the_tests_reach_no_page_and_change_no_line_break(sample: Path) -> None:
    for edition in EDITIONS:
        text = (sample / edition / PAGE).read_text(encoding="utf-8")
        assert "<!--" not in text and "given:" not in text
        texts = [part.get_text() for part in soup_of(sample, edition).find_all("p")]
        assert [text.endswith("one.") for text in texts if text.startswith("A sentence")] == [True]


@pytest.mark.full
def test_no_lesson_leaks_into_any_student_page_index_notebook_or_zip(tmp_path: Path) -> None:
    build(LESSONS[0].parent, tmp_path, [STUDENT], say=quiet)
    contents = files(tmp_path / "student")
    with zipfile.ZipFile(tmp_path / "student.zip") as archive:
        contents |= {f"zip:{name}": archive.read(name) for name in archive.namelist()}
    texts = {
        name: squeezed(re.sub(r"<[^>]*>", "", data.decode()) if ".html" in name else data.decode())
        for name, data in contents.items()
    }
    for path in LESSONS:
        needles = hidden(read(path), "solution", "teacher")
        assert needles, path.stem
        there = [text for name, text in texts.items() if path.stem in name]
        assert len(there) == 4
        assert [needle for needle in needles if any(needle in text for text in there)] == []


# Files


def test_a_second_build_writes_nothing_and_a_fresh_one_gives_the_same_bytes(
    notebooks: Path, out: Path, sample: Path
) -> None:
    build(notebooks, out, say=quiet)
    assert files(out) == files(sample)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    said: list[str] = []
    build(notebooks, out, say=said.append)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    assert all("up to date" in line for line in said) and len(said) == 2


def test_what_is_changed_damaged_or_lost_is_made_again_and_what_is_gone_goes(
    notebooks: Path, out: Path
) -> None:
    build(notebooks, out, [SELF_STUDY], say=quiet)
    good = files(out)
    (out / "self-study" / PAGE).write_text("half a pa", encoding="utf-8")
    (out / "self-study" / "notebooks" / "02_second.ipynb").unlink()
    build(notebooks, out, [SELF_STUDY], say=quiet)
    assert files(out) == good
    handout_sample.write_course(notebooks, secret="curlew")
    build(notebooks, out, [SELF_STUDY], say=quiet)
    assert b"curlew" in (out / "self-study" / PAGE).read_bytes()
    (notebooks / "02_second.ipynb").unlink()
    build(notebooks, out, [SELF_STUDY], say=quiet)
    assert "02_second" not in " ".join(files(out))
    assert b"02_second" not in (out / "self-study" / PAGE).read_bytes()


def made(notebooks: Path, out: Path, *options: str) -> int:
    """The exit code of the command for pages."""
    return main(["--notebooks", str(notebooks), "--out", str(out), *options])


FAILED = {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []}
NO_ALT = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}


@pytest.mark.parametrize(
    ("place", "changes", "sentence"),
    [
        (1, {"execution_count": None}, "was not run"),
        (1, {"execution_count": 40}, "not run from top to bottom"),
        (1, {"outputs": [FAILED]}, "'cell-1' with KeyError"),
        (0, {"source": "Only text."}, "has no title"),
        (5, {"outputs": [NO_ALT]}, "no alt text"),
        (4, {"source": "<details><summary>Answer</summary>\n\nNever closed."}, "is not closed"),
        (4, {"source": "![far](https://example.org/a.png)"}, "not embedded"),
        (4, {"source": "```python\nnever closed"}, "not closed"),
        (4, {"source": "A $\\nosuch{x}$ formula."}, "the formula $\\nosuch{x}$ cannot be"),
    ],
)
def test_a_lesson_that_is_not_whole_gives_one_sentence_and_no_file(
    place: int,
    changes: dict[str, Any],
    sentence: str,
    notebooks: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = notebooks / "01_first.ipynb"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["cells"][place].update(changes)
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert made(notebooks, out) == 1
    error = capsys.readouterr().err
    assert sentence in error and "01_first.ipynb" in error and error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("text", ["", '{"cells": [', "[]", "\x00"])
def test_a_file_that_is_no_notebook_gives_one_sentence(
    text: str, notebooks: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notebooks / "02_second.ipynb").write_text(text, encoding="utf-8")
    assert made(notebooks, out) == 1
    error = capsys.readouterr().err
    assert "02_second.ipynb is damaged" in error and error.count("\n") == 1
    assert made(notebooks, out, "--lesson", "1") == 0


def test_a_lesson_that_nobody_wrote_gives_one_sentence_with_those_that_exist(
    notebooks: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(notebooks, out, "--lesson", "7") == 1
    assert "there is no lesson '7'; the lessons are 01, 02" in capsys.readouterr().err
    assert made(notebooks, out, "--lesson", "2", "--edition", "teacher") == 0
    expected = [".stamps.json", "teacher/02_second.html", "teacher/notebooks/02_second.ipynb"]
    assert list(files(out)) == expected
