"""Files: which pages are out of date, written whole or not at all, and one zip an edition."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from handouts import editions, explorer, page, source
from handouts.editions import Edition

HERE = Path(__file__).parent
_STAMPS = ".stamps.json"
_TOOLS = (
    "pypandoc_binary",
    "ziamath",
    "fonttools",
    "brotli",
    "beautifulsoup4",
    "pygments",
    "jinja2",
)


def build(
    notebooks: Path,
    out: Path,
    chosen: Sequence[Edition] = tuple(editions.EDITIONS.values()),
    numbers: Sequence[str] = (),
    say: Callable[[str], None] = print,
    needs: Mapping[str, bytes] = MappingProxyType({}),
) -> list[Path]:
    """Build pages into `out`/edition, and return them; what is up to date is left alone.

    `needs`: further files of each edition's zip, by name.

    Every lesson that is asked for is read and set before the first file is written. With `numbers` only those
    lessons' pages and notebooks are made; without, also each edition's index and zip.

    Raises LessonError (a ValueError) when a lesson is missing, damaged or not run.
    """
    paths = source.lesson_paths(notebooks)
    wanted = source.select(paths, list(numbers))
    lessons = {path: source.read(path) for path in wanted}
    course = [
        page.outline(lessons[path]) if path in lessons else _outline_of(path) for path in paths
    ]
    stamps = _read_stamps(out)
    common = _digest(
        *(file.read_bytes() for file in sorted(HERE.iterdir()) if file.is_file()),
        *(f"{tool} {version(tool)}".encode() for tool in _TOOLS),
        repr(course).encode(),
    )
    pages: list[Path] = []
    new: dict[Path, bytes] = {}
    for place, path in enumerate(wanted, start=1):
        lesson = lessons[path]
        made = 0
        for edition in chosen:
            explored = any(explorer.explorable(cell.source) for cell in lesson.cells)
            key = _digest(
                common.encode(), path.read_bytes(), *(explorer.engine() if explored else ())
            )
            targets = (
                out / edition.name / f"{lesson.stem}.html",
                out / edition.name / "notebooks" / path.name,
            )
            pages.append(targets[0])
            if all(_is_current(target, out, key, stamps) for target in targets):
                continue
            made += 1
            texts = page.lesson_page(lesson, edition, course), editions.notebook(lesson, edition)
            for target, text in zip(targets, texts, strict=True):
                new[target] = text.encode()
                stamps[target.relative_to(out).as_posix()] = [key, _digest(new[target])]
        state = f"{made} {'page' if made == 1 else 'pages'} made" if made else "up to date"
        say(f"[{place:2}/{len(wanted)}] {lesson.path.name[:-6]}: {state}")
    for target, content in new.items():
        write(target, content)
    if not numbers:
        for edition in chosen:
            _finish(out, edition, course, paths, stamps, needs)
    if new:
        write(out / _STAMPS, json.dumps(stamps, indent=0, sort_keys=True).encode())
    return pages


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that holds the same already is left alone."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)  # mkstemp's files are for their owner only, and pages are for sharing
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _finish(
    out: Path,
    edition: Edition,
    course: list[page.Outline],
    paths: list[Path],
    stamps: dict[str, list[str]],
    needs: Mapping[str, bytes],
) -> None:
    """The index, no pages of lessons that are gone, and the zip."""
    folder = out / edition.name
    write(folder / "index.html", page.index_page(edition, course).encode())
    names = [
        "index.html",
        *(f"{path.stem}.html" for path in paths),
        *(f"notebooks/{path.name}" for path in paths),
    ]
    for file in [*folder.glob("*.html"), *folder.glob("notebooks/*.ipynb")]:
        name = file.relative_to(folder).as_posix()
        if name not in names:
            file.unlink()
            stamps.pop(f"{edition.name}/{name}", None)
    files = {name: (folder / name).read_bytes() for name in names} | dict(needs)
    write(out / f"{edition.name}.zip", _zip(folder.name, files))


def _zip(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A zip that is the same, byte for byte, whenever the files are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(f"{folder}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _outline_of(path: Path) -> page.Outline:
    """A neighbour's outline; one that cannot be read is named by its file and stops nobody else's page."""
    try:
        return page.outline(source.read(path))
    except source.LessonError:
        return page.Outline(
            path.stem, path.name[:2], path.stem[3:].replace("_", " ").capitalize(), "", ""
        )


def _read_stamps(out: Path) -> dict[str, list[str]]:
    try:
        stamps = json.loads((out / _STAMPS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _is_current(target: Path, out: Path, key: str, stamps: dict[str, list[str]]) -> bool:
    stamp = stamps.get(target.relative_to(out).as_posix())
    return target.exists() and stamp == [key, _digest(target.read_bytes())]


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()
