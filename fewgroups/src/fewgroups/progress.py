"""How far a long computation is."""

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(steps: Any = None, **options: Any) -> tqdm:
    """tqdm's bar over `steps`, shown after two seconds and wiped out at the end; `options` go to tqdm. In a notebook it
    stands on standard output: Jupyter shows standard error on a red band, as if something had failed."""
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    return tqdm(steps, **({"delay": 2, "leave": False, "file": stream} | options))
