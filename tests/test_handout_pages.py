"""Handouts: what pages are made of, and that files are written whole, alike and only when needed."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import handout_sample
from tests.handout_sample import files, quiet, soup_of

handout_sample.need_packages()

from bs4 import BeautifulSoup  # noqa: E402
from fontTools.ttLib import TTFont  # noqa: E402

from handouts import cells, maths  # noqa: E402
from handouts.__main__ import main  # noqa: E402
from handouts.build import build  # noqa: E402
from handouts.editions import SELF_STUDY, STUDENT  # noqa: E402
from handouts.source import LessonError  # noqa: E402

PAGE = "01_first.html"


@pytest.fixture(autouse=True)
def _no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the packages that a zip holds takes longer than all pages; test_installed.py makes them."""
    monkeypatch.setattr("handouts.__main__.needs", lambda course: {})


# What a page is made of


def test_pages_have_one_h1_that_is_the_title_and_ask_for_nothing(sample: Path) -> None:
    for name, data in files(sample).items():
        if name.endswith(".html"):
            page: Any = BeautifulSoup(data.decode(), "html.parser")
            (heading,) = page.find_all("h1")
            assert heading.get_text() == page.title.get_text()
            assert page.html["lang"] == "en-GB"
            assert not page.find_all(["link", "iframe"]) and not page.find_all("script", src=True)
            assert not re.search(r"url\((?!\"?data:)", data.decode())
            assert all(image["src"].startswith("data:") for image in page.find_all("img"))


def test_links_lead_to_pages_that_exist_and_to_places_in_them(sample: Path) -> None:
    for name in [name for name in files(sample) if name.endswith(".html")]:
        page: Any = BeautifulSoup((sample / name).read_text(encoding="utf-8"), "html.parser")
        assert page.find_all("a")
        for link in page.find_all("a", href=True):
            target, _, anchor = link["href"].partition("#")
            there = (sample / name).parent / target if target else sample / name
            assert there.is_file(), link
            if anchor:
                assert BeautifulSoup(there.read_text(encoding="utf-8"), "html.parser").find(
                    id=anchor
                ), link
    first = soup_of(sample, "student")
    assert first.find("a", string="gone") is None and "gone" in first.get_text()
    assert (
        first.find("a", rel="next")["href"] == "02_second.html"
        and first.find("a", rel="prev") is None
    )


def test_figures_keep_alt_text_and_display_size_and_tables_get_scopes_and_a_caption(
    sample: Path,
) -> None:
    page = soup_of(sample, "teacher")
    (image,) = page.find_all("img")
    assert (image["alt"], image["width"], image["height"]) == (handout_sample.ALT, "700", "350")
    assert "digest of the figure" not in page.get_text()
    tables = page.find_all("table")
    assert len(tables) == 2
    assert all(head["scope"] in ("row", "col") for table in tables for head in table.find_all("th"))
    assert tables[1].caption.get_text() == "Output, a table: estimate"
    assert page.find("style", attrs={"scoped": True}) is None


def test_texts_that_a_cell_prints_one_after_the_other_are_one_output(sample: Path) -> None:
    assert "session_20  0.846" in soup_of(sample, "teacher").find("samp").get_text()


def test_highlighting_changes_no_character_of_the_code() -> None:
    code = 'def f(x):\n    """Two\n\n    lines & <more>."""\n    return x[1:] if x else "…"  # why\n\n\nf("a")'
    soup = BeautifulSoup(f"<pre>{cells.highlighted(code)}</pre>", "html.parser")
    assert soup.get_text() == code
    assert [len(soup.select(f".{kind}")) > 0 for kind in "csmk"] == [True] * 4


def test_code_in_the_text_keeps_its_indent(sample: Path) -> None:
    (pre,) = [
        pre for pre in soup_of(sample, "student").find_all("pre") if "in_the_text" in pre.get_text()
    ]
    assert pre.get_text() == 'def in_the_text():\n    return "kept"'
    assert pre.find("span", class_="k")


def test_every_character_of_the_equations_is_in_the_embedded_font(sample: Path) -> None:
    text = (sample / "teacher" / PAGE).read_text(encoding="utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert (
        len(soup.find_all("math")) == 4
        and soup.find("mtable")
        and soup.find("munder", class_="brace")
    )
    assert not soup.find_all(["semantics", "annotation", "merror"])
    data = re.search(r"data:font/woff2;base64,([^)]+)\)", text)
    assert data is not None
    font = TTFont(io.BytesIO(base64.b64decode(data[1])))
    needed = {ord(character) for character in maths.characters(soup)}
    assert {ord("β"), ord("𝛽"), ord("√"), ord("⏟"), ord("𝑉")} - needed <= {ord("𝑉")}
    assert needed <= set(font.getBestCmap()) | {0xA0, 0x20}
    assert "MATH" in font and len(data[1]) < 60_000


def test_a_formula_that_cannot_be_set_is_refused_by_name(tmp_path: Path) -> None:
    content = [handout_sample.markdown("# 01 · T\n\nA $\\nosuchcommand{x}$ formula.")]
    handout_sample.write(tmp_path / "notebooks", content=content)
    with pytest.raises(
        LessonError, match=r"01_first.ipynb: the formula .*nosuchcommand.* cannot be converted"
    ):
        build(tmp_path / "notebooks", tmp_path / "build", say=quiet)


# Files


def test_a_second_build_writes_nothing_and_a_fresh_one_gives_the_same_bytes(
    tmp_path: Path, sample: Path
) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    build(notebooks, tmp_path / "build", say=quiet)
    assert files(tmp_path / "build") == files(sample)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "build").rglob("*")}
    said: list[str] = []
    build(notebooks, tmp_path / "build", say=said.append)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "build").rglob("*")} == stamps
    assert all("up to date" in line for line in said) and len(said) == 2


def test_a_changed_lesson_a_damaged_page_and_a_lost_notebook_are_made_again(tmp_path: Path) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    out = tmp_path / "build"
    build(notebooks, out, [SELF_STUDY], say=quiet)
    good = files(out)
    (out / "self-study" / PAGE).write_text("half a pa", encoding="utf-8")
    (out / "self-study" / "notebooks" / "02_second.ipynb").unlink()
    build(notebooks, out, [SELF_STUDY], say=quiet)
    assert files(out) == good
    handout_sample.write_course(notebooks, secret="curlew")
    build(notebooks, out, [SELF_STUDY], say=quiet)
    assert b"curlew" in (out / "self-study" / PAGE).read_bytes()


def test_a_page_of_a_lesson_that_is_gone_goes_too(tmp_path: Path) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    build(notebooks, tmp_path / "build", [STUDENT], say=quiet)
    (notebooks / "02_second.ipynb").unlink()
    build(notebooks, tmp_path / "build", [STUDENT], say=quiet)
    assert "02_second" not in " ".join(files(tmp_path / "build"))
    assert b"02_second" not in (tmp_path / "build" / "student" / PAGE).read_bytes()


FAILED = {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []}


@pytest.mark.parametrize(
    ("place", "changes", "sentence"),
    [
        (1, {"execution_count": None}, "was not run"),
        (1, {"execution_count": 40}, "not run from top to bottom"),
        (1, {"outputs": [FAILED]}, "'cell-1' with KeyError"),
        (0, {"source": "Only text."}, "has no title"),
        (5, {"outputs": [handout_sample.shown(image__png="") | {"metadata": {}}]}, "no alt text"),
        (4, {"source": "<details><summary>Answer</summary>\n\nNever closed."}, "is not closed"),
        (4, {"source": "![far](https://example.org/a.png)"}, "not embedded"),
        (4, {"source": "```python\nnever closed"}, "not closed"),
    ],
)
def test_a_lesson_that_is_not_whole_gives_one_sentence_and_no_file(
    place: int,
    changes: dict[str, Any],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    path = notebooks / "01_first.ipynb"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["cells"][place].update(changes)
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert main(["--notebooks", str(notebooks), "--out", str(tmp_path / "build")]) == 1
    error = capsys.readouterr().err
    assert sentence in error and "01_first.ipynb" in error and error.count("\n") == 1
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("text", ["", '{"cells": [', "[]", "\x00"])
def test_a_file_that_is_no_notebook_gives_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    (notebooks / "02_second.ipynb").write_text(text, encoding="utf-8")
    assert main(["--notebooks", str(notebooks), "--out", str(tmp_path / "build")]) == 1
    error = capsys.readouterr().err
    assert "02_second.ipynb is damaged" in error and error.count("\n") == 1
    assert (
        main(["--notebooks", str(notebooks), "--out", str(tmp_path / "build"), "--lesson", "1"])
        == 0
    )


def test_a_lesson_that_nobody_wrote_gives_one_sentence_with_those_that_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebooks = handout_sample.write_course(tmp_path / "notebooks")
    arguments = ["--notebooks", str(notebooks), "--out", str(tmp_path / "build")]
    assert main([*arguments, "--lesson", "7"]) == 1
    assert "there is no lesson '7'; the lessons are 01, 02" in capsys.readouterr().err
    assert main([*arguments, "--lesson", "2", "--edition", "teacher"]) == 0
    assert sorted(name for name in files(tmp_path / "build") if ".stamps" not in name) == [
        "teacher/02_second.html",
        "teacher/notebooks/02_second.ipynb",
    ]
