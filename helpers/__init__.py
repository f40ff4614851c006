"""Helpers of the mixed-models course: the public names that the lessons use."""

from helpers.designs import Design, Truth
from helpers.simulation import simulate, simulate_many

__all__ = ["Design", "Truth", "simulate", "simulate_many"]
