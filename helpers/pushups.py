"""The course's words for a design and a truth: athletes, sessions, repeats."""

from fewgroups import Design, Truth, simulate, simulate_many

__all__ = ["Design", "Truth", "simulate", "simulate_many"]
