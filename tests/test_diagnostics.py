"""The drawings that check a model: what is drawn is what was given."""

import numpy as np
from scipy import stats

from helpers import figures


def test_the_drawings_that_check_a_model_draw_what_they_are_given() -> None:
    x, y = np.array([1.0, 1, 2, 3]), np.array([0.0, 2, 4, 6])
    alike = {"first": x < 2, "others": x >= 2}
    ax = figures.scatters({"a": (x, y)}, "x", "y", straight=True, bound=5, groups=alike).axes[0]
    zero, first, others, straight, edge = ax.lines
    assert list(zero.get_ydata()) == [0, 0]
    assert first.get_xydata().tolist() == [[1, 0], [1, 2]] and others.get_xydata().tolist() == [
        [2, 4],
        [3, 6],
    ]
    slope, height = np.polyfit(x, y, 1)
    np.testing.assert_allclose(straight.get_ydata(), [slope + height, 3 * slope + height])
    assert edge.get_xydata().tolist() == [[1, 4], [3, 2]]

    apart = figures.scatters({"a": (x, y)}, "x", "y", apart=0.1, names={"end": (3, 6)}).axes[0]
    sideways = apart.lines[1].get_xdata() - x
    assert np.abs(sideways).max() <= 0.05 and len(set(sideways[:2])) == 2
    assert [(note.get_text(), note.xy) for note in apart.texts] == [("end", (3, 6))]


def test_a_qq_plot_sorts_standardises_and_shades_the_middle_of_sound_studies() -> None:
    values = np.array([4.0, 1, 3, 2])
    sound = np.random.default_rng(1).standard_normal((500, 4))
    ax = figures.quantiles({"a": values}, "value", sound=sound, columns=1).axes[0]
    line, points = ax.lines
    np.testing.assert_allclose(points.get_ydata(), (np.sort(values) - 2.5) / values.std(ddof=1))
    np.testing.assert_allclose(stats.norm.cdf(points.get_xdata()), [1 / 8, 3 / 8, 5 / 8, 7 / 8])
    np.testing.assert_allclose(line.get_xdata(), line.get_ydata())
    edges = ax.collections[0].get_paths()[0].vertices
    for place, column in zip(points.get_xdata(), np.sort(sound, axis=1).T, strict=True):
        heights = edges[np.isclose(edges[:, 0], place), 1]
        np.testing.assert_allclose(
            [heights.min(), heights.max()], np.quantile(column, [0.025, 0.975])
        )
