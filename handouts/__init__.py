"""Turns the lessons' notebooks into pages: one self-contained HTML file a lesson, in three editions.

    python -m handouts [--edition student] [--lesson 03] [--open]

Floors, imports point down only: `build` (files, what is up to date) · `page` (folds, template) · `cells`
(code and outputs), `explorer` (numbers of the engine) · `prose`, `maths` (Markdown to HTML,
equations) · `editions` (what each may hold) · `source` (a checked notebook).
"""
