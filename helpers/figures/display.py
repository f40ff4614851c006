"""Shows a figure with title and alt text, and says in text what is drawn: a changed figure is a changed output.

Titles and alt texts stand in `helpers/captions/NN.toml` and not in the cell that draws: there, they would answer what
the reader was asked to predict. The key "01.scores" is the table `[scores]` of `01.toml`; it holds `title` (the
figure's message), `alt` (what it shows, for those who do not see it), and `titles`, one for each panel, where the
drawing does not name them itself. All of them may hold values as `str.format` writes them, `{rate:.3f}`.
"""

from __future__ import annotations

import base64
import io
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from string import Formatter
from typing import Any

import matplotlib as mpl
import matplotlib.colors as mcolors
import numpy as np
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator
from PIL import Image

from helpers.figures.style import STYLE, TITLE

FOLDER = files("helpers") / "captions"
STEPS = 2000
"""Data are rounded to a 2000th of the axis before they are digested: finer than the eye, coarser than the last
digits in which processors differ."""


def show(figure: Figure, key: str, /, **values: Any) -> None:
    """Display a figure under its title, with its alt text.

    The output holds a PNG at twice its display size with the alt text in its metadata, and as plain text the alt text
    and a digest of what is drawn (data, limits, labels, colours), which nbval compares.

    Parameters
    ----------
    figure : matplotlib Figure
        TypeError if it is something else, ValueError if it is empty or the caption does not fit its panels.
    key : str
        Where title and alt text stand: "01.scores" is the table `[scores]` of `helpers/captions/01.toml`.
    **values
        What its placeholders stand for; ValueError if they do not fit.
    """
    if not isinstance(figure, Figure):
        given = f"given {type(figure).__name__} (an Axes knows its figure as ax.figure)"
        raise TypeError(f"figure must be a matplotlib Figure; {given}")
    data, metadata = bundle(figure, captioned(figure, key, values))
    display(data, metadata=metadata, raw=True)


def caption(key: str, values: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """Title, alt text and panels' titles of the caption `key` ("01.scores"), filled with `values`.

    `values` holds one for every placeholder of the texts, and no others. ValueError, with the file and the key: there
    is no such caption, or a value is missing, not used or does not fit its format.
    """
    lesson, _, name = str(key).partition(".")
    file = FOLDER / f"{lesson}.toml"
    where = f"caption {key!r} of helpers/captions/{lesson}.toml"
    if not file.is_file():
        raise ValueError(f"{where}: no such file; a key is a lesson and a name, as in '01.scores'")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = table.get(name, {})
    if not {"title", "alt"} <= set(texts) <= {"title", "alt", "titles"}:
        raise ValueError(
            f"{where} has {', '.join(texts) or 'nothing'}; expected title, alt and perhaps titles "
            f"(the file has {', '.join(table)})"
        )
    lines = [texts["title"], texts["alt"], *texts.get("titles", ())]
    try:
        parsed = [part for line in lines for part in Formatter().parse(line)]
        fields = {field for _, field, _, _ in parsed if field is not None}
        if fields != set(values):
            raise ValueError(f"has places for {sorted(fields)}; given {sorted(values)}")
        title, alt, *titles = (" ".join(line.format(**values).split()) for line in lines)
        if any(brace in line for line in (title, alt, *titles) for brace in "{}"):
            raise ValueError(f"a brace is left over in {title!r} or {alt!r}")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    return title, alt, titles


def captioned(figure: Figure, key: str, values: Mapping[str, Any]) -> str:
    """Write the titles of the caption `key` over a figure and its panels; gives the alt text."""
    title, alt, titles = caption(key, values)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    if not panels:
        raise ValueError("figure has no axes: draw something before you show it")
    if titles and len(titles) != len(panels):
        counts = f"titles for {len(titles)} panels; the figure has {len(panels)}"
        raise ValueError(f"caption {key!r} has {counts}")
    with mpl.rc_context(STYLE):
        figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
    for ax, name in zip(panels, titles, strict=False):
        ax.set_title(name, loc="left" if len(panels) == 1 else "center", **TITLE)
    return alt


def bundle(figure: Figure, alt: str, sharp: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of one figure by MIME type, and their metadata, as Jupyter stores them.

    `sharp` draws at twice the display size and packs small.
    """
    width, height = (int(round(100 * inches)) for inches in figure.get_size_inches())
    figure.set_dpi(200 if sharp else 100)
    canvas = FigureCanvasAgg(figure)
    with mpl.rc_context(STYLE):
        canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    raw = io.BytesIO()
    if (
        sharp
    ):  # 128 colours are plenty for lines, bars and their smoothed edges: a third of the size
        picture = picture.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(raw, "png", optimize=sharp, compress_level=1)
    encoded = base64.b64encode(raw.getvalue()).decode()
    data = {"image/png": encoded, "text/plain": f"{alt}\n{digest(figure)}"}
    return data, {"image/png": {"width": width, "height": height, "alt": alt}}


def digest(figure: Figure) -> str:
    """What is drawn, one line per axes and per artist: words, limits, colours, and a check sum of rounded data."""
    lines = [f"drawn: figure “{figure.get_suptitle()}”"] if figure.get_suptitle() else []
    for ax in filter(Axes.get_visible, figure.axes):
        titles = " ".join(filter(None, map(ax.get_title, ("left", "center", "right"))))
        x, y = _limits(ax.xaxis), _limits(ax.yaxis)
        lines.append(
            f"drawn: axes “{titles}” · x “{ax.get_xlabel()}” {x} · y “{ax.get_ylabel()}” {y}"
        )
        lines += [f"drawn:   {line}" for line in _artists(ax)]
    keys = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    if keys:
        lines.append(f"drawn: key {' | '.join(keys)}")
    return "\n".join(lines)


def _limits(axis: Axis) -> str:
    """Both ends, the scale if it is not linear, and the ticks' words where somebody placed them."""
    low, high = sorted(axis.get_view_interval())
    placed = isinstance(axis.get_major_locator(), FixedLocator)
    words = [tick.get_text() for tick in axis.get_ticklabels()] if placed else []
    scale = "" if axis.get_scale() == "linear" else f" {axis.get_scale()}"
    ticks = f" [{' | '.join(words)}]" if any(words) else ""
    return f"{_short(low)} to {_short(high)}{scale}{ticks}"


def _artists(ax: Axes) -> Iterator[str]:
    for artist in filter(Artist.get_visible, [*ax.lines, *ax.collections, *ax.images]):
        label = str(artist.get_label())
        named = "" if label.startswith("_") else f" “{label}”"
        if isinstance(artist, Line2D):
            look = f"{_colour(artist.get_color())} {artist.get_linestyle()} {artist.get_marker()}"
            yield f"line {look}{named} {_data(ax, artist.get_xydata())}"
        elif isinstance(artist, AxesImage):
            values, (low, high) = np.asarray(artist.get_array()), artist.get_clim()
            range_of = f"{_short(low)} to {_short(high)}"
            total = _sum((values - low) / (high - low))
            yield f"image {artist.get_cmap().name} {values.shape} {range_of} {total}"
        else:  # a Collection: points at its offsets, or paths
            colours = {_colour(c) for c in (*artist.get_facecolor(), *artist.get_edgecolor())}
            offsets = artist.get_offsets()
            paths = [path.vertices for path in artist.get_paths()]
            points = offsets if len(offsets) > 1 else np.concatenate([np.empty((0, 2)), *paths])
            look = f"{type(artist).__name__} {','.join(sorted(colours)[:6])}{named}"
            yield f"{look} {_data(ax, points)}"
    alike: dict[str, list[np.ndarray]] = {}
    for patch in filter(Patch.get_visible, ax.patches):
        corners = patch.get_patch_transform().transform_path(patch.get_path()).vertices
        look = f"{type(patch).__name__} {_colour(patch.get_facecolor())}"
        alike.setdefault(look, []).append(corners)
    for look, shapes in alike.items():
        yield f"{len(shapes)} {look} {_data(ax, np.concatenate(shapes))}"
    legend = ax.get_legend()
    texts = [*ax.texts, *(legend.get_texts() if legend else ())]
    if texts:
        yield "words " + " | ".join(" ".join(text.get_text().split()) for text in texts)


def _colour(colour: Any) -> str:
    return mcolors.to_hex(colour, keep_alpha=mcolors.to_rgba(colour)[3] < 1)


def _short(value: float) -> str:
    """Three significant digits, stable where the last digits of two processors differ."""
    return f"{float(f'{value * (1 + 1e-9):.3g}') + 0.0:g}"


def _data(ax: Axes, points: Any) -> str:
    """Number of points and a check sum of their places in the axes (in the axes' own scale)."""
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    low, high = ax.transScale.transform(np.transpose([ax.get_xlim(), ax.get_ylim()]))
    return f"{len(points)} points {_sum((ax.transScale.transform(points) - low) / (high - low))}"


def _sum(shares: np.ndarray) -> str:
    # The small shift keeps a value that sits exactly between two steps from falling either way.
    steps = np.nan_to_num(np.round(shares * STEPS + 1e-4), nan=-9e6, posinf=9e6, neginf=-9e6)
    return f"{zlib.crc32(steps.astype('<i8').tobytes()):08x}"
