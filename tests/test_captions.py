"""Titles and alt texts: each figure of a lesson has its own, filled from what the lesson computed."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from helpers import explorables
from helpers.figures.display import caption
from tests.contract.grammar import AMERICAN, UNKIND
from tests.notebooks import CAPTIONS, LESSONS, read

FILLER = re.compile(
    r"(?i)^(?:an? )?(?:image|picture|photo|graphic|screenshot|figure|plot) (?:of|showing)\b|no description"
)
TABLES = {
    f"{file.stem}.{name}": texts
    for file in sorted(CAPTIONS.glob("*.toml"))
    for name, texts in tomllib.loads(file.read_text(encoding="utf-8")).items()
}


def used() -> Counter[str]:
    """How many cells draw under each key."""
    found: Counter[str] = Counter()
    for path in LESSONS:
        for cell in read(path).code:
            keys = cell.captions + [
                getattr(explorables, name)().key
                for name in re.findall(r"^explorables\.(\w+)\(", cell.source, re.MULTILINE)
            ]
            assert all(key.startswith(f"{path.name[:2]}.") for key in keys), (path.name, keys)
            assert len(keys) == len(cell.figures), f"{path.name}, cell {cell.id}"
            found.update(keys)
    return found


def test_every_caption_belongs_to_one_cell_and_every_figure_has_a_caption() -> None:
    assert used() == dict.fromkeys(TABLES, 1)


@pytest.mark.parametrize("key", TABLES)
def test_a_caption_says_in_plain_words_what_the_figure_shows(key: str) -> None:
    texts = TABLES[key]
    assert 40 <= len(texts["alt"]) and texts["alt"].strip().endswith(".")
    assert texts["alt"].strip(" .\n") != texts["title"].strip(" .")
    words = " ".join([texts["title"], texts["alt"], *texts.get("titles", [])])
    for pattern in (FILLER, UNKIND, AMERICAN):
        assert not pattern.search(re.sub(r"\{.*?\}", "", words))


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("99.x", {}, "99.toml: no such file"),
        ("one", {"rate": 1}, "as in '01.scores'"),
        ("01.two", {"rate": 1}, "the file has one, odd"),
        ("01.one", {}, "places for ['rate']; given []"),
        ("01.one", {"rate": 1, "n": 2}, "given ['n', 'rate']"),
        ("01.one", {"rate": "high"}, "Unknown format code 'f'"),
        ("01.attribute", {"rate": 1}, "places for ['rate.real']"),
        ("01.unclosed", {"rate": 1}, "expected '}'"),
        ("01.odd", {}, "has title, text; expected title, alt"),
    ],
)
def test_a_caption_that_does_not_fit_is_refused_by_file_and_key(
    key: str, values: dict, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {"one": "alt = 'A rate of {rate:.2f}.'", "odd": "text = ''"}
    lines |= {"attribute": "alt = '{rate.real}'", "unclosed": "alt = '{rate'"}
    tables = [f"[{name}]\ntitle = 'Title'\n{line}\n" for name, line in lines.items()]
    (tmp_path / "01.toml").write_text("".join(tables))
    monkeypatch.setattr("helpers.figures.display.FOLDER", tmp_path)
    with pytest.raises(ValueError) as error:
        caption(key, values)
    assert words in str(error.value) and repr(key) in str(error.value)
