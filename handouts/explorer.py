"""The false-positive explorer of lesson 01 in a page: rates that the engine computes when the page is made.

Without a script it stays hidden, and the still figure above it says the same.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

HERE = Path(__file__).parent
CALL = "explorables.false_positives()"
FACTORS = ("within", "between")
# Label, values, and where a slider starts: at the still figure.
STOPS: dict[str, tuple[str, tuple[float, ...], int]] = {
    "athletes": ("Athletes", (4, 6, 10, 20), 0),
    "athlete_sd": ("SD of athletes", (0.0, 0.02, 0.05, 0.1), 2),
    "slope_sd": ("SD of athletes’ own changes", (0.0, 0.01, 0.02, 0.03, 0.05, 0.1), 3),
}


def engine() -> list[bytes]:
    """The sources that the rates rest on: when one of them changes, the page is made again."""
    course = HERE.parent
    folders = (course / "fewgroups" / "src" / "fewgroups", course / "helpers" / "explorables")
    return [file.read_bytes() for folder in folders for file in sorted(folder.rglob("*.py"))]


@cache
def rates() -> dict[str, list[int]]:
    """Three false-positive rates in thousandths, by factor and the places of the sliders ("within 0 2 3")."""
    from helpers.explorables import false_positive_rates

    places = [range(len(values)) for _, values, _ in STOPS.values()]
    found = {}
    for factor, at in product(FACTORS, list(product(*places))):
        athletes, athlete_sd, slope_sd = (
            stop[1][place] for stop, place in zip(STOPS.values(), at, strict=True)
        )
        table = false_positive_rates(int(athletes), athlete_sd, slope_sd, factor)
        shown = table["rejection"]
        found[" ".join([factor, *map(str, at)])] = [round(1000 * rate) for rate in shown]
    return found


def html() -> str:
    """Sliders, bars and the sentence that says them, hidden until the script has filled them."""
    from helpers.explorables import STUDIES, TESTS

    template = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("explorer.html.jinja")
    return template.render(
        stops=STOPS,
        factors=FACTORS,
        tests=TESTS,
        studies=f"{STUDIES:,}",
        data=json.dumps(
            {"rates": rates(), "values": [stop[1] for stop in STOPS.values()]},
            separators=(",", ":"),
        ),
        script=(HERE / "explorer.js").read_text(encoding="utf-8"),
    )
