"""What a field record says of its sessions, as numbers for a model: the dose, the day, the order."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from helpers.tables.findings import nearest, quoted

FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d %B %Y",
)
"""How people write dates, tried in this order; a column that two of them read differently is refused."""
SHOWN = 5
MOST = 1e12


def session_predictors(
    table: pd.DataFrame,
    dose: str | None = None,
    step: float = 1,
    date: str | None = None,
    date_format: str | None = None,
) -> pd.DataFrame:
    """A table of scores with the columns `dose`, `day` and `order` added, and told how they came about.

    Parameters
    ----------
    table : DataFrame
        From `read_scores`: its columns athlete_id and session_label say which rows are one session.
    dose : str, optional
        A column of numbers that changes from session to session, such as the repeats planned. `dose` is that number,
        counted in steps from the median session.
    step : number
        How much of it is one unit of `dose`: 10 makes the coefficient "per ten repeats".
    date : str, optional
        A column of dates (text) or of day numbers. `day` counts days from the first day in the table; `order` counts
        the sessions that the athlete had on earlier days, so that it is 0 in the first.
    date_format : str, optional
        How the dates are written, as `datetime.strptime` has it ("%d.%m.%Y"). Without it, the usual ways are tried.

    Returns
    -------
    A new DataFrame with the added columns last: dose (float), day (int), order (int).

    Raises
    ------
    TypeError, ValueError
        A column that is not there, or holds what is no number or no date; dates that can be read in two ways; a
        session with several dates, a dose that never changes. The message says what would do.
    """
    _check_table(table)
    if isinstance(step, bool) or not isinstance(step, Real) or step <= 0 or not step <= MOST:
        raise ValueError(
            f"step must be a positive number, what counts as one unit of the dose; given {step!r}"
        )
    for argument, name in {"dose": dose, "date": date, "date_format": date_format}.items():
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{argument} must be a text or None; given {name!r}")
        if name is not None and name not in table and argument != "date_format":
            raise ValueError(
                f"{argument}: there is no column {name!r}{nearest(str(name), map(str, table))}; "
                f"the columns are {quoted(map(str, table), 50)}"
            )
    added = table.copy()
    notes: list[str] = []
    made = {"dose": dose, "day": date, "order": date}
    for name, source in made.items():
        if source is not None and name in table and name != source:
            raise ValueError(
                f"the table has a column {name!r} of its own: rename it, or do not pass {source!r}"
            )
    sessions = table.groupby(["athlete_id", "session_label"], observed=True, sort=False)
    if dose is not None:
        added["dose"] = _dose(table[dose], sessions, dose, step, notes)
    if date is not None:
        when = _days(table[date], date, date_format)
        _check_one_day(when, table, date)
        added["day"] = when - when.min()
        of_session = added.groupby(["athlete_id", "session_label"], observed=True)["day"].first()
        rank = of_session.groupby("athlete_id").rank("min").astype(int) - 1
        keys = pd.MultiIndex.from_frame(table[["athlete_id", "session_label"]])
        added["order"] = rank.reindex(keys).to_numpy()
        notes.append(f"day counts from the first date, to {added['day'].max()}")
        notes.append("order counts an athlete's sessions on earlier days, so that the first is 0")
        twins = of_session.reset_index().duplicated(["athlete_id", "day"], keep=False)
        if twins.any():
            who = pd.unique(of_session.reset_index().loc[twins, "athlete_id"])
            notes.append(f"two sessions on one day get the same order: {quoted(map(str, who))}")
    added.attrs["notes"] = [*table.attrs.get("notes", []), *notes]
    if notes:
        print("\n".join(f"- {note}" for note in notes))
    return added


def _check_table(table: Any) -> None:
    if not isinstance(table, pd.DataFrame) or not {"athlete_id", "session_label"} <= set(table):
        raise TypeError(
            "table must be a table of scores, as read_scores gives it, with athlete_id and session_label"
        )
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()].map(str)
        raise ValueError(f"table has columns of the same name: {quoted(twice)}; rename them")
    for name in ("athlete_id", "session_label"):
        if table[name].isna().any():
            raise ValueError(
                f"table: {name} is missing in {int(table[name].isna().sum())} rows; fill it in"
            )


def _dose(values: pd.Series, sessions: Any, name: str, step: float, notes: list[str]) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(values):
        found = quoted(pd.unique(values.dropna().map(str))[:SHOWN])
        raise ValueError(
            f"dose: the column {name!r} is text ({found}): write numbers only, "
            "with the decimal mark of the scores; or leave the dose out and compare the sessions"
        )
    if np.isinf(values.to_numpy(dtype=float)).any():
        raise ValueError(
            f"dose: {name!r} holds an infinite value: correct it, or leave the dose out"
        )
    if values.nunique() < 2:
        raise ValueError(
            f"dose: {name!r} is the same in all rows, so nothing can be said of its effect"
        )
    middle = float(values.groupby(sessions.ngroup()).first().median())
    notes.append(
        f"dose is ({name} − {middle:g}) / {step:g}" if step != 1 else f"dose is {name} − {middle:g}"
    )
    within = int((values.groupby(sessions.ngroup()).nunique() > 1).sum())
    if within:
        notes.append(
            f"{name} changes within {within} sessions: then it is not a property of the session"
        )
    if values.isna().any():
        notes.append(f"{name} is missing in {int(values.isna().sum())} rows, and so is dose")
    return (values - middle) / step


def _days(values: pd.Series, name: str, date_format: str | None) -> pd.Series:
    """Day numbers, from dates as text or from numbers."""
    if values.isna().any():
        raise ValueError(
            f"date: {name!r} is blank in {int(values.isna().sum())} rows: fill the dates in, or pass None"
        )
    if date_format is None and pd.api.types.is_numeric_dtype(values) and values.abs().max() < 1e5:
        if not (values == values.round()).all():
            raise ValueError(f"date: {name!r} holds numbers that are no whole days")
        return values.astype(int)
    texts = values.astype(str)
    read = {way: _read(texts, way) for way in (FORMATS if date_format is None else (date_format,))}
    good = {way: days for way, days in read.items() if not days.isna().any()}
    if not good:
        way = max(read, key=lambda way: read[way].notna().sum())
        odd = pd.unique(texts[read[way].isna()])
        raise ValueError(
            f"date: {quoted(odd)} in {name!r}: no date that is written like {way}; write all dates in one way, or say "
            'how with date_format, such as "%d.%m.%Y"'
        )
    first = next(iter(good))
    for way, days in good.items():
        if not days.equals(good[first]):
            raise ValueError(
                f"date: {name!r} can be read as {first} and as {way}, which are other days; say which with date_format"
            )
    return good[first].astype(int)


def _read(texts: pd.Series, way: str) -> pd.Series:
    try:
        when = pd.to_datetime(texts, format=way, errors="coerce")
    except ValueError as error:
        raise ValueError(f"date_format {way!r} is no way to write a date: {error}") from None
    return (when.dt.normalize() - pd.Timestamp("1970-01-01")).dt.days


def _check_one_day(when: pd.Series, table: pd.DataFrame, name: str) -> None:
    several = when.groupby([table["athlete_id"], table["session_label"]], observed=True).nunique()
    several = several[several > 1]
    if len(several):
        listed = [f"{who}, session {label}" for who, label in several.index[:SHOWN]]
        raise ValueError(
            f"date: sessions with several dates in {name!r}: {quoted(listed, SHOWN)}{' …' * (len(several) > SHOWN)}. "
            "If these are sessions of the same kind, give each its own label (1, 2, 3 …) in the session column and "
            "keep the kind in another column; if a session went past midnight, give it one date"
        )
