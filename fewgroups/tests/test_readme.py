"""What the README shows runs, on a table of a reader's own."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

README = Path(__file__).parents[1] / "README.md"


def pens() -> pd.DataFrame:
    """Twelve pens of six animals each, two feeds within pens."""
    rng = np.random.default_rng(3)
    pen = np.repeat(np.arange(12), 12)
    feed = np.tile(np.repeat(["old", "new"], 6), 12)
    gain = rng.normal(0, 2, 12)[pen] + (feed == "new") * rng.normal(3, 1, 12)[pen]
    return pd.DataFrame({"pen": pen, "feed": feed, "weight": 80 + gain + rng.normal(0, 3, 144)})


def test_the_six_lines_run_on_a_readers_own_columns(capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(r"(?s)```python\n(.*?)```", README.read_text(encoding="utf-8"))
    assert block
    exec(block[1], {"data": pens()})
    printed = capsys.readouterr().out
    assert "feed[T.old]" in printed and "pen" in printed
