"""How fast the engine is, as ratios measured in one run on one thread: `course.py bench [--long] [--save FILE]`.

Every row is a function below that returns `Measurement`s; add one and name it in `SECTIONS`.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from nbclient import NotebookClient

from fewgroups import bootstrap, coefficients, fit, fit_many, monte_carlo, report, variances
from helpers import Design, Truth, check, load, simulate_many
from helpers.feedback import exercises as known

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")}


class Measurement(NamedTuple):
    """One line of the table: what was done, how long it took, and how that compares."""

    task: str
    result: str
    ratio: float | None = None
    against: str = ""
    target: str = ""


def seconds(work: Callable[[], object], repeats: int = 9) -> float:
    """Processor time, the best of several runs: other programs can only add to it."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def effects(slopes: bool) -> str:
    """The random effects in words."""
    return "intercept and slope" if slopes else "intercept"


def python(program: str) -> list[float]:
    """The numbers that a program prints, run in a process of its own."""
    command, env = [sys.executable, "-c", program], os.environ | THREADS
    run = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return [float(word) for word in run.stdout.split()]


def statsmodels(
    formula: str, tables: list[Any], groups: str, re_formula: str, repeats: int
) -> float:
    """The seconds that statsmodels' own fit takes for one of the tables."""

    def work() -> None:
        for table in tables:
            smf.mixedlm(formula, table, groups=groups, re_formula=re_formula).fit()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fifth of the push-ups warn: lesson 04's subject
        return seconds(work, repeats) / len(tables)


def fits() -> list[Measurement]:
    """fit_many against statsmodels' MixedLM, from raw outcomes; both designs have 4 groups and 200 rows."""
    n, rows = 2**14, []
    counts = [(20, 30), (33, 0), (28, 42), (9, 38)]
    uneven = Design(4, [{"low": low, "high": high} for low, high in counts])
    for name, design, slopes, target in (
        ("balanced", Design(), False, 20_000),
        ("balanced", Design(), True, 50_000),
        ("unbalanced", uneven, False, 5_000),
        ("unbalanced", uneven, True, 7_000),
    ):
        y = simulate_many(design, Truth(slope_sd=0.02), n, seed=1)
        tables = [design.table().assign(correctness=scores) for scores in y[:12]]
        asked = ("correctness ~ session_high", tables, "athlete_id")
        theirs = statsmodels(*asked, "~session_high" if slopes else "~1", repeats=3)
        ours = seconds(partial(fit_many, y, design, slopes=slopes)) / n
        task = f"fit_many, {name}, {effects(slopes)}"
        shown = f"{ours * 1e6:.2f} µs a fit; statsmodels {theirs * 1e3:.1f} ms"
        rows.append(Measurement(task, shown, theirs / ours, "times statsmodels", f"≥ {target:,}"))
    return rows


def simulation() -> list[Measurement]:
    """Drawing and fitting against drawing the normals alone."""
    n, design, rows = 2**12, Design(), []
    rng = np.random.default_rng(1)
    normals = seconds(lambda: rng.standard_normal((n, design.rows)), 25)

    def both_steps(slopes: bool) -> None:
        fit_many(simulate_many(design, Truth(), n, seed=1), design, slopes=slopes)

    for slopes in (False, True):
        both = seconds(partial(both_steps, slopes), 25)
        task = f"simulate + fit, {effects(slopes)}"
        shown = f"{both / n * 1e6:.2f} µs a data set; normals {normals / n * 1e6:.2f} µs"
        rows.append(Measurement(task, shown, both / normals, "times the normals", "≤ 1.7"))
    return rows


def growth() -> list[Measurement]:
    """How the time of a fit grows with a design: the exponent is 1 where twice the size takes twice the time."""

    def each(groups: int, size: int, slopes: bool) -> float:
        counts = [{"low": size * (2 + k % 4), "high": size * (2 + k % 5)} for k in range(groups)]
        design = Design(groups, counts)
        y = simulate_many(design, Truth(slope_sd=0.02), 2000, seed=1)
        return seconds(partial(fit_many, y, design, slopes=slopes), 5) / len(y)

    plan = [("groups", (20, 4), (320, 4), "≤ 1.05"), ("rows per group", (40, 1), (40, 16), "≤ 0.3")]
    rows = []
    for what, small, large, target in plan:
        for slopes in (False, True):
            few, many = each(*small, slopes), each(*large, slopes)
            task = f"fit_many, unbalanced, 16 times as many {what}, {effects(slopes)}"
            shown, power = f"{few * 1e6:.1f} µs, then {many * 1e6:.1f} µs", math.log(many / few, 16)
            rows.append(Measurement(task, shown, power, "as exponent", target))
    return rows


def imports() -> list[Measurement]:
    """What the library adds to the time that importing statsmodels takes."""
    program = (
        "import time, statsmodels.formula.api; start = time.process_time();"
        "import fewgroups; from fewgroups import monte_carlo; print(time.process_time() - start)"
    )
    took = min(python(program)[0] for _ in range(3))
    task = "import fewgroups and monte_carlo, beside statsmodels"
    return [Measurement(task, f"{took:.2f} s", took, "seconds", "≤ 0.15")]


def studies() -> list[Measurement]:
    """All methods on the same simulated experiments."""
    took = seconds(lambda: monte_carlo(Design(), Truth(slope_sd=0.02), n=10_000, seed=1), 3)
    task = "monte_carlo, 10 000 experiments, every method"
    return [Measurement(task, f"{took:.2f} s", took, "seconds", "< 0.5")]


def inference() -> list[Measurement]:
    """What is asked of one fit with slopes, beside the fit: 278 copies of sleepstudy."""
    sleep = load("sleepstudy").astype({"Subject": str})
    data = pd.concat([sleep.assign(Subject=sleep["Subject"] + f"-{k}") for k in range(278)])
    fitted, rows = partial(fit, "Reaction ~ Days", data, "Subject", "~Days"), []
    base = seconds(fitted, 3)
    asked = ("Kenward–Roger", coefficients, 1), ("variances", variances, 1.5), ("report", report, 2)
    for name, ask, most in asked:
        took = min(seconds(partial(ask, fitted()), 1) for _ in range(3))  # a result keeps answers
        task, shown = f"{name}, 5 004 groups", f"{took:.3f} s; fit {base:.3f} s"
        rows.append(Measurement(task, shown, took / base, "times the fit", f"≤ {most}"))
    return rows


def single_fits() -> list[Measurement]:
    """fit against statsmodels' own; and 60 subjects x 420 items."""
    rows = []
    for name, formula, groups, re_formula, target in (
        ("sleepstudy", "Reaction ~ Days", "Subject", "~Days", 2),
        ("pushups", "correctness ~ session_high", "athlete_id", "~1", 1),
    ):
        data = load(name)
        ours = seconds(partial(fit, formula, data, groups, re_formula))
        theirs = statsmodels(formula, [data], groups, re_formula, repeats=9)
        shown = f"{ours * 1e3:.1f} ms; statsmodels {theirs * 1e3:.1f} ms"
        task = f"fit, {name}, {effects(re_formula != '~1')}"
        rows.append(Measurement(task, shown, theirs / ours, "times statsmodels", f"≥ {target}"))
    rng, (subject, item) = np.random.default_rng(1), np.divmod(np.arange(25_200), 420)
    y = rng.standard_normal(60)[subject] + rng.standard_normal(420)[item]
    data = pd.DataFrame({"subject": subject, "item": item, "y": y + rng.standard_normal(25_200)})
    parts = {name: f"0 + C({name})" for name in ("subject", "item")}
    took = seconds(partial(fit, "y ~ 1", data, np.ones(25_200), None, parts), 3)
    task = "fit, 60 subjects x 420 items"
    return [*rows, Measurement(task, f"{took:.2f} s", took, "seconds", "< 0.5")]


def refits() -> list[Measurement]:
    """A bootstrap of a nested model, all data sets at once, beside as many fits."""
    parts = {"Machine": "0 + C(Machine)"}
    one = partial(fit, "score ~ Machine", load("machines"), "Worker", "~1", parts)
    base, took = seconds(one), seconds(partial(bootstrap, one(), 1000, seed=1), 3)
    shown = f"{took:.2f} s; one fit {base * 1e3:.0f} ms"
    task = "1 000 refits of Machines, nested"
    return [Measurement(task, shown, 1000 * base / took, "times one by one", "≥ 30")]


def memory() -> list[Measurement]:
    """Peak memory of a million experiments, in a process of its own."""
    task = "monte_carlo, a million experiments, every method"
    if sys.platform == "win32":
        return [Measurement(task, "memory is not measured on this system")]
    program = (
        "import resource, time; from fewgroups import monte_carlo;"
        "from helpers import Design, Truth; start = time.time();"
        "monte_carlo(Design(), Truth(slope_sd=.02), n=1_000_000, seed=1);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.time() - start)"
    )
    peak, took = python(program)
    peak /= 2**30 if sys.platform == "darwin" else 2**20
    return [Measurement(task, f"{took:.0f} s, {peak:.2f} GB at most", peak, "GB", "< 1")]


def exercises() -> list[Measurement]:
    """The slowest answer of an exercise of part I, once the keys are loaded."""
    with redirect_stdout(StringIO()):
        names = [name for name in known() if float(name) < 6]
        slowest, name = max((seconds(partial(check, name, -1.0), 1), name) for name in names)
    task = "check, the slowest exercise of lessons 00 to 05"
    return [Measurement(task, f"{slowest:.2f} s ({name})", slowest, "seconds", "< 0.3")]


def lessons() -> list[Measurement]:
    """What the lessons ask of a machine, each run whole in a kernel of its own."""
    ask = """import pathlib, resource, time
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = pathlib.Path("/proc/self/status")
if status.exists():  # there, ru_maxrss is no less than what the process that started the kernel had
    peak = status.read_text().partition("VmHWM:")[2].split()[0]
print(peak, time.process_time())"""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    found = []
    for path in sorted(Path("notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(ask))
        place = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=600, resources=place).execute()
        peak, took = map(float, notebook.cells[-1].outputs[0].text.split())
        found.append((peak / unit, took, path.stem[:2]))
    heaviest, total = max(found), sum(took for _, took, _ in found)
    kernel = f"the kernel of lesson {heaviest[2]}, the heaviest"
    whole = f"all {len(found)} lessons, run whole"
    return [
        Measurement(kernel, f"{heaviest[0]:.0f} MB at most", heaviest[0], "MB", "< 350"),
        Measurement(whole, f"{total:.0f} s of processor time", total, "seconds", "< 60"),
    ]


SECTIONS = [fits, single_fits, simulation, studies, refits, imports, exercises]
LONG_SECTIONS = [growth, memory, lessons, inference]


def machine() -> str:
    """The machine and the versions that the numbers belong to."""
    processor, told = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", told.read_text()) if told.exists() else None
    parts = [f"processor {named[1] if named else processor}", f"{os.cpu_count()} cores"]
    parts += ["one thread used", f"system {platform.platform()}"]
    parts += [f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas", "statsmodels")]
    return ", ".join(parts)


def markdown(rows: list[Measurement]) -> str:
    """The table, as Markdown."""
    lines = [machine(), "", "| task | measured | ratio | target |", "|---|---|---|---|"]
    for row in rows:
        digits = 0 if row.ratio and row.ratio >= 100 else 2
        ratio = "" if row.ratio is None else f"{row.ratio:,.{digits}f}"
        lines.append(f"| {row.task} | {row.result} | {ratio} {row.against} | {row.target} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="course.py bench", description=__doc__.splitlines()[0])
    more = "also how time grows, the memory of a million experiments, the lessons, 5 004 groups"
    parser.add_argument("--long", action="store_true", help=more)
    where = "write the table to this file, as Markdown"
    parser.add_argument("--save", metavar="FILE", type=Path, help=where)
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in THREADS.items()):
        # Libraries read the number of threads when they are loaded: start again with one.
        again = [sys.executable, "-m", "tests.bench", *sys.argv[1:]]
        return subprocess.run(again, env=os.environ | THREADS).returncode
    rows: list[Measurement] = []
    for section in SECTIONS + (LONG_SECTIONS if options.long else []):
        print(f"measuring: {section.__doc__}", file=sys.stderr, flush=True)
        rows += section()
    text = markdown(rows)
    print(text)
    if options.save:
        options.save.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
