"""Helpers of the mixed-models course: the public names that the lessons use."""

from helpers.designs import Design, Truth
from helpers.exercises import check, hint
from helpers.figures import show
from helpers.fitting import fit
from helpers.simulation import simulate, simulate_many
from helpers.tables import load

__all__ = ["Design", "Truth", "check", "fit", "hint", "load", "show", "simulate", "simulate_many"]
