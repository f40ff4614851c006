"""Explorable figures in a page: live where their states can be listed or have a closed form, else a word on where
they are live.

The false-positive explorer of lesson 01 shows rates that are computed when the page is made. The others are drawn by
`live.js`, which a test compares with Python. Without a script all stay hidden; the still figure above says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, Template
from scipy import special, stats

HERE = Path(__file__).parent
CALL = re.compile(r"explorables\.(\w+)\(\)")
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


def explorable(source: str) -> str:
    """The name of the explorable that a cell shows, or ""."""
    found = CALL.fullmatch(source.strip())
    return found[1] if found else ""


def html(name: str) -> str:
    """What stands under the still figure of an explorable."""
    if name == "false_positives":
        return _false_positives()
    if name in DATA:
        return _live(name)
    return "<p>In JupyterLab, this figure answers to sliders.</p>"


def _equation_terms() -> dict[str, Any]:
    """Everybody's luck in SDs: that of the athletes and that of the repeats, row by row."""
    from helpers import Design, Truth, simulate

    athletes, repeats = (
        simulate(Design(), Truth(0, 0, a, residual_sd=r, clip=False), 42)
        for a, r in ((1.0, 0.0), (0.0, 1.0))
    )
    return {
        "names": list(dict.fromkeys(athletes["athlete_id"])),
        "high": athletes["session_high"].tolist(),
        "athletes": athletes["correctness"].round(4).tolist(),
        "repeats": repeats["correctness"].round(4).tolist(),
    }


def _power_map() -> dict[str, Any]:
    """Athletes and repeats of the map, and for each number of athletes the critical t and what does not change."""
    from helpers import explorables as plans

    df = plans.ATHLETES - 1
    logs = np.log(2) + df / 2 * np.log(df / 2) - special.gammaln(df / 2)
    return {
        "athletes": plans.ATHLETES.tolist(),
        "repeats": plans.REPEATS.tolist(),
        "bars": stats.t.ppf(0.975, df).tolist(),
        "logs": logs.tolist(),
        "residual_sd": plans.RESIDUAL_SD,
        "athlete_hours": plans.ATHLETE_HOURS,
        "repeat_hours": plans.REPEAT_HOURS,
    }


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "equation_terms": _equation_terms,
    "shrinkage": dict,
    "power_map": _power_map,
}
"""What `live.js` needs to draw each of its figures."""


@cache
def _live(name: str) -> str:
    from helpers import explorables

    sliders = [
        {"name": key, "label": control.description, "value": control.value}
        | {"low": control.min, "high": control.max, "step": control.step}
        for key, control in getattr(explorables, name)().controls.items()
    ]
    data = json.dumps(DATA[name](), separators=(",", ":"))
    return _template("live.html.jinja").render(name=name, sliders=sliders, data=data)


def script(names: set[str]) -> str:
    """The script that a page with these explorables needs."""
    return (HERE / "live.js").read_text(encoding="utf-8") if names & set(DATA) else ""


def _template(name: str) -> Template:
    loader = FileSystemLoader(HERE)
    return Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


def _false_positives() -> str:
    """Sliders, bars and the sentence that says them, hidden until the script has filled them."""
    from helpers.explorables import STUDIES, TESTS

    template = _template("explorer.html.jinja")
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
