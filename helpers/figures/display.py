"""Shows a figure with title and alt text, and says in text what is drawn: a changed figure is a changed output."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.colors as mcolors
import numpy as np
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator
from PIL import Image

from helpers.figures.captions import caption
from helpers.figures.style import STYLE

STEPS = 2000
"""Data are rounded to a 2000th of the axis before they are digested: finer than the eye, coarser than the last
digits in which processors differ."""


def show(figure: Figure, key: str, /, **values: Any) -> None:
    """Display a figure under its title, with its alt text.

    The output holds three things: a PNG at twice its display size with the alt text in the output's metadata, and
    as plain text the alt text and a digest of what is drawn (data, limits, labels, colours), which nbval compares.

    Parameters
    ----------
    figure : matplotlib Figure
    key : str
        Where title and alt text stand: "01.scores" is the table `[scores]` of `helpers/captions/01.toml`.
    **values
        What its placeholders stand for.

    Raises
    ------
    TypeError
        If `figure` is not a Figure.
    ValueError
        If `figure` is empty, or the caption does not fit the values or the panels of the figure.
    """
    if not isinstance(figure, Figure):
        raise TypeError(
            f"figure must be a matplotlib Figure; given {type(figure).__name__} "
            "(an Axes knows its figure as ax.figure)"
        )
    data, metadata = bundle(figure, captioned(figure, key, values))
    display(data, metadata=metadata, raw=True)


def captioned(figure: Figure, key: str, values: Mapping[str, Any]) -> str:
    """Write the titles of the caption `key` over a figure and its panels; gives the alt text."""
    words = caption(key, values)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    if not panels:
        raise ValueError("figure has no axes: draw something before you show it")
    if words.titles and len(words.titles) != len(panels):
        raise ValueError(
            f"caption {key!r} has titles for {len(words.titles)} panels; the figure has {len(panels)}"
        )
    with mpl.rc_context(STYLE):
        figure.suptitle(words.title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
    for ax, title in zip(panels, words.titles, strict=False):
        ax.set_title(title, fontsize=10, fontweight="normal")
    return words.alt


def bundle(figure: Figure, alt: str, sharp: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of one figure by MIME type, and their metadata, as Jupyter stores them.

    `sharp` draws at twice the display size and packs small; without it, a picture is made in a third of the time.
    """
    raw = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(raw, format="png", dpi=200 if sharp else 100)
    size = dict(
        zip(
            ("width", "height"),
            (figure.get_size_inches() * 100).round().astype(int).tolist(),
            strict=True,
        )
    )
    if sharp:
        picture = Image.open(raw).convert("RGB")
        raw = io.BytesIO()
        # 128 colours are plenty for lines, bars and their smoothed edges; the file is a third of the size.
        picture.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            raw, "png", optimize=True
        )
    data = {
        "image/png": base64.b64encode(raw.getvalue()).decode(),
        "text/plain": f"{alt}\n{digest(figure)}",
    }
    return data, {"image/png": {**size, "alt": alt}}


def digest(figure: Figure) -> str:
    """What is drawn, one line per axes and per artist: words, limits, colours, and a check sum of rounded data."""
    lines = []
    if figure.get_suptitle():
        lines.append(f"drawn: figure “{figure.get_suptitle()}”")
    for ax in filter(Axes.get_visible, figure.axes):
        titles = " ".join(filter(None, (ax.get_title(loc) for loc in ("left", "center", "right"))))
        lines.append(
            f"drawn: axes “{titles}” · x “{ax.get_xlabel()}” {_limits(ax, 'x')}"
            f" · y “{ax.get_ylabel()}” {_limits(ax, 'y')}"
        )
        lines += [f"drawn:   {line}" for line in _artists(ax)]
    keys = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    if keys:
        lines.append(f"drawn: key {' | '.join(keys)}")
    return "\n".join(lines)


def _limits(ax: Axes, which: str) -> str:
    axis = ax.xaxis if which == "x" else ax.yaxis
    low, high = (
        axis.get_view_interval() if not axis.get_inverted() else axis.get_view_interval()[::-1]
    )
    scale = "" if axis.get_scale() == "linear" else f" {axis.get_scale()}"
    words = [tick.get_text() for tick in axis.get_ticklabels()] if _named_ticks(axis) else []
    return f"{_short(low)} to {_short(high)}{scale}" + (
        f" [{' | '.join(words)}]" if any(words) else ""
    )


def _named_ticks(axis: Any) -> bool:
    """Whether somebody placed the ticks, so that their labels are part of the message."""
    return isinstance(axis.get_major_locator(), FixedLocator)


def _short(value: float) -> str:
    """Three significant digits, stable where the last digits of two processors differ."""
    return f"{float(f'{value * (1 + 1e-9):.3g}') + 0.0:g}"


def _artists(ax: Axes) -> Iterator[str]:
    children: list[Artist] = [*ax.lines, *ax.collections, *ax.images]
    for artist in children:
        if not artist.get_visible():
            continue
        label = str(artist.get_label())
        named = "" if label.startswith("_") else f" “{label}”"
        if isinstance(artist, Line2D):
            look = f"{_colour(artist.get_color())} {artist.get_linestyle()} {artist.get_marker()}"
            yield f"line {look}{named} {_data(ax, artist.get_xydata())}"
        elif isinstance(artist, AxesImage):
            values: np.ndarray = np.ma.filled(
                np.ma.asarray(artist.get_array(), dtype=float), np.nan
            )
            low, high = artist.get_clim()
            grid = np.round((values - low) / (high - low or 1) * STEPS + 1e-4)
            yield f"image {artist.get_cmap().name} {values.shape} {_short(low)} to {_short(high)} {_sum(grid)}"
        elif isinstance(artist, Collection):
            colours = sorted(
                {_colour(c) for c in (*artist.get_facecolor(), *artist.get_edgecolor())}
            )
            points = [np.asarray(artist.get_offsets())] if len(artist.get_offsets()) > 1 else []
            points += (
                [np.asarray(path.vertices) for path in artist.get_paths()] if not points else []
            )
            shown = ",".join(colours[:6])
            yield f"{type(artist).__name__} {shown}{named} {_data(ax, np.concatenate(points or [np.empty((0, 2))]))}"
    alike: dict[str, list[np.ndarray]] = {}
    for patch in filter(Patch.get_visible, ax.patches):
        corners = patch.get_patch_transform().transform_path(patch.get_path()).vertices
        alike.setdefault(f"{type(patch).__name__} {_colour(patch.get_facecolor())}", []).append(
            corners
        )
    for look, shapes in alike.items():
        yield f"{len(shapes)} {look} {_data(ax, np.concatenate(shapes))}"
    legend = ax.get_legend()
    words = [t.get_text() for t in ax.texts] + (
        [t.get_text() for t in legend.get_texts()] if legend else []
    )
    if words:
        yield "words " + " | ".join(" ".join(w.split()) for w in words)


def _colour(colour: Any) -> str:
    return mcolors.to_hex(colour, keep_alpha=mcolors.to_rgba(colour)[3] < 1)


def _data(ax: Axes, points: Any) -> str:
    """Number of points and a check sum of their places, in 2000ths of the axes (in the axes' own scale)."""
    points = np.asarray(np.ma.filled(np.ma.asarray(points, dtype=float), np.nan)).reshape(-1, 2)
    box = ax.transScale.transform(
        np.array([[ax.get_xlim()[0], ax.get_ylim()[0]], [ax.get_xlim()[1], ax.get_ylim()[1]]])
    )
    places = (ax.transScale.transform(points) - box[0]) / (box[1] - box[0])
    # The small shift keeps a value that sits exactly between two steps from falling either way.
    return f"{len(points)} points {_sum(np.round(places * STEPS + 1e-4))}"


def _sum(grid: np.ndarray) -> str:
    whole = np.nan_to_num(grid, nan=-9e6, posinf=9e6, neginf=-9e6).astype(np.int64)
    return f"{zlib.crc32(whole.astype('<i8').tobytes()):08x}"
