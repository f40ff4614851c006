"""Makes the second file of lesson 13: jump heights, one row per player, as a phone's spreadsheet exports them.

    python data/jumps_phone.py

Nobody was measured: the heights are simulated from `TRUTH`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

TRUTH = {  # centimetres
    "control_before": 34.0,
    "control_change": 0.5,
    "further_change_with_training": 2.0,
    "player_sd": 4.0,
    "change_sd": 1.2,
    "jump_sd": 1.5,
}
PLAYERS = (
    "Aino B.,Ben,Chloé,Dario,Eve,Farid,Greta,Håkon,Ines,Jan,Kaya,Luca,Mei,Nils,Olga,Pau,Rana,Sven"
)
ABSENT = {"Farid", "Olga"}  # after the training
BLANK = {("Mei", 2)}  # jumps that the phone did not film
HEADER = [
    "Player name",
    "Training",
    *(f"{when} {n}" for when in ("Before", "After") for n in "123"),
]


def lines(seed: int = 3) -> list[str]:
    """The lines of the sheet; lots were drawn for the groups."""
    rng = np.random.default_rng(seed)
    players = PLAYERS.split(",")
    trained = set(rng.permutation(players)[: len(players) // 2])
    rows = [HEADER]
    for player in players:
        level = TRUTH["control_before"] + rng.normal(0, TRUTH["player_sd"])
        change = TRUTH["control_change"] + rng.normal(0, TRUTH["change_sd"])
        change += TRUTH["further_change_with_training"] * (player in trained)
        heights = level + change * np.repeat([0, 1], 3) + rng.normal(0, TRUTH["jump_sd"], 6)
        cells = [f"{height:.1f}" for height in heights]
        cells = cells[:3] + ["", "", ""] if player in ABSENT else cells
        cells = ["" if (player, n) in BLANK else cell for n, cell in enumerate(cells, 1)]
        rows.append([player, "plyometric" if player in trained else "usual", *cells])
    return [",".join(row) for row in rows]


def write(folder: Path) -> None:
    """UTF-8 without a byte-order mark, with Windows line ends, as phones export."""
    text = "\r\n".join(lines()) + "\r\n"
    (folder / "jumps_phone.csv").write_bytes(text.encode("utf-8"))


if __name__ == "__main__":
    write(Path(__file__).parent)
