"""A coefficient, a term, a random effect in words: what is compared and where, what varies, and between whom."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from fewgroups.facts import Coefficient, Factor, FittedModel, Part, WholeTerm
from fewgroups.formulas import component_of_groups, labels_in_several_groups
from fewgroups.structure import dense, level_of_rows
from fewgroups.wording import (
    Passage,
    Remark,
    ScreenRow,
    code,
    counted,
    degrees,
    joined,
    journal_p,
    listed,
    p_is,
    rounded,
    say,
    sentences,
    signed,
    three,
    two,
)

LOGS = {"np.log(": np.e, "numpy.log(": np.e, "log(": np.e, "np.log2(": 2.0, "np.log10(": 10.0}
HANDFUL = 6  # sentences on effects
KNOWN = 1.9  # length of the interval of a correlation from which nothing is known of it
OFF = 0.05  # relative error of a printed standard error


def meaning(facts: FittedModel, one: Coefficient, b: float, se: float) -> str:
    """What an estimate b says, as a sentence without full stop; se gives the decimals."""
    b, se, where = b * one.gap, se * one.gap, one.where
    value = rounded(b if one.is_mean or not one.is_plain else abs(b), se) + facts.unit
    if one.is_mean:
        cells = [part.words["level"] for part in one.parts]
        places = [say("words.at_level", level=joined(cells))] if cells else []
        places += [where] if where else []
        text = say("effect.mean", facts.shared, where=", ".join(places) or "overall", value=value)
    elif not one.is_plain:
        text = say("effect.coded", value=value)
    else:
        # Compared last: what varies within groups, then what tells groups apart, numbers before levels. So groups ×
        # time reads as a difference between groups in a change; what holds within one level comes first.
        def rank(part: Part) -> int:
            varies = facts.varies_within(part.factor)
            return 0 if part.kind == "within" else (1 if varies else 3) + bool(part.factor.levels)

        *rest, last = sorted(one.parts, key=rank)
        quantity = say("quantity.mean", facts.shared)
        for part in rest:
            quantity = say(f"quantity.{part.kind}", part.words, of=quantity)
        sign = "higher" if b >= 0 else "lower"
        text = say(f"effect.{last.kind}", last.words, quantity=quantity, size=value, sign=sign)
        if one.gap != 1:
            text += say("effect.gap", gap=f"{one.gap:g}")
        if where:
            text = f"{where}, {text}"
        elif len(one.parts) == 1 and len({c.term for c in facts.coefficients if c.parts}) > 1:
            text += say("effect.held")
    return text[0].upper() + text[1:]


def interval_words(facts: FittedModel, one: Coefficient, row: Any) -> str:
    """The interval of a coefficient in the words of its sentence: "0.060 to 0.085 lower"."""
    low, high, se = (row[key] * one.gap for key in ("low", "high", "se"))
    unit, sign = facts.unit, "higher" if low >= 0 else "lower"
    if one.is_mean or not one.is_plain:
        return say("interval.plain", low=rounded(low, se), high=rounded(high, se) + unit)
    if low < 0 < high:
        return say("interval.both", low=rounded(-low, se) + unit, high=rounded(high, se) + unit)
    near, far = sorted((abs(low), abs(high)))
    return say("interval.one", low=rounded(near, se), high=rounded(far, se) + unit, sign=sign)


def t_words(row: Any) -> str:
    """ "t(3.0) = −11.39, p = 0.0015", or z where the degrees of freedom are infinite."""
    name = "z" if np.isinf(row["df"]) else f"t({degrees(row['df'])})"
    return f"{name} = {two(row['t'])}, {p_is(row['p'], journal_p)}"


def effect_row(facts: FittedModel, k: int) -> ScreenRow:
    """Coefficient k with interval and test."""
    one, row = facts.coefficients[k], facts.fixed.iloc[k]
    given = {
        "text": meaning(facts, one, row["estimate"], row["se"]),
        "percent": facts.percent,
        "interval": interval_words(facts, one, row),
        "test": t_words(row),
    }
    text = say("effect.sentence_mean" if one.is_mean else "effect.sentence", given)
    outcome = str(facts.model.endog_names)
    base = LOGS.get(outcome[: outcome.find("(") + 1])
    if base and (one.is_mean or (one.is_plain and len(one.parts) == 1)):
        key = "effect.back_mean" if one.is_mean else "effect.back_factor"
        text += " " + say(key, value=three(base ** (row["estimate"] * one.gap)))
    label = str(facts.rows.index[k])
    return ScreenRow("", label, text, (label,))


def names_of(factors: Iterable[Factor]) -> str:
    """ "`kind` and `time`"."""
    return joined([factor.called for factor in factors])


def term_sentence(facts: FittedModel, term: WholeTerm) -> str:
    """The test of a whole term: "On average over the levels of `arm`, the test of … gives F(2, 10.0) = 20.58, …"."""
    row, factors = facts.tests.loc[term.name], term.factors
    df, p = f"{row['num_df']:.0f}", p_is(row["p"], journal_p)
    if np.isinf(row["den_df"]):
        test = f"χ²({df}) = {two(row['F'] * row['num_df'])}, {p}"
    else:
        test = f"F({df}, {degrees(row['den_df'])}) = {two(row['F'])}, {p}"
    given = {**facts.shared, "test": test, "names": names_of(factors)}
    mine = [facts.coefficients[k] for k in term.coefficients]
    within = [part.factor for one in mine for part in one.parts if part.kind == "within"]
    inside = [factor for factor in factors if within.count(factor) == len(mine)]
    sizes = {len(one.parts) for one in mine}
    key = "levels" if factors[0].levels else "slope"
    if 1 not in sizes:  # a:b without a and b holds the effects of both, a + b + a:b:c those of c
        key = "interaction" if len(sizes) == 1 else "rest"
    if term.kind == "curve":
        every = [variable for factor in factors for variable in factor.variables]
        repeated = {variable for variable in every if every.count(variable) > 1}
        curved = [x for x in factors if x.columns > 1 or x.variables & repeated]
        names = dict.fromkeys(v for factor in curved for v in sorted(factor.variables))
        given["over"] = joined([facts.called.get(v, code(v)) for v in names])
        given["columns"] = joined([code(name) for name in term.terms])
        given["others"] = names_of(factor for factor in factors if factor not in curved)
        key = "curve_depends" if given["others"] else "curve"
    elif 0 < len(inside) < len(factors) and not term.partners:
        given["names"] = names_of(factor for factor in factors if factor not in inside)
        given["inside"] = names_of(inside)
        key = "within"
    text = say(f"term.{key}", given)
    averages = []
    if over := names_of(factor for factor in term.partners if not factor.is_number):
        averages.append(say("term.over_levels", names=over))
    if at := names_of(factor for factor in term.partners if factor.is_number):
        averages.append(say("term.at_means" if term.at_means else "term.at_zeros", names=at))
    if averages:
        text = f"{' and '.join(averages)}, {text[0].lower()}{text[1:]}"
    return text[0].upper() + text[1:]


def term_rows(facts: FittedModel, term: WholeTerm) -> list[ScreenRow]:
    """A term by its test, if it is more than one number, and by its coefficients, if they are few and say what it is
    about. They do not for a curve, or a coding that no sentence can say; and of a term that interacts only a single one
    does, read at a level of one other factor, or at a zero that the data reach: "for the control group, …"."""
    few = term.kind in ("single", "levels") and len(term.coefficients) < HANDFUL
    if term.partners:
        at = [place.factor for place in facts.coefficients[term.coefficients[0]].places]
        few = term.kind == "single" and len(at) == 1 and at[0].reaches_zero and at[0].columns == 1
    rows = [effect_row(facts, k) for k in term.coefficients if few]
    if few and term.kind == "single":
        return rows
    labels = tuple(str(facts.rows.index[k]) for k in term.coefficients)
    return [ScreenRow("", term.name, term_sentence(facts, term), labels), *rows]


@dataclass(frozen=True)
class Varying:
    """One random-effect column or variance component. kind: "level", "change", "set" (of levels) or "slopes" (of such a
    set); what: a noun phrase for what differs, and noun: its short form; many: who differs, and number: how many of
    them there are; between: "between athletes", "of the change per day, between athletes"; band: the coefficient (its
    number) around which it varies, or none."""

    name: str
    kind: str
    what: str
    noun: str
    many: str
    number: int
    between: str
    band: int | None = None


def random_effects(facts: FittedModel) -> list[Varying]:
    """The random-effect columns in the order of the printout, then the variance components."""
    model, who, found = facts.model, (facts.many, facts.groups), []
    Z = np.asarray(model.exog_re, dtype=float) if model.k_re else np.zeros((len(facts.y), 0))
    constant = np.ptp(Z, axis=0) == 0
    for j, name in enumerate(map(str, model.data.exog_re_names[: model.k_re])):
        if constant[j]:
            at = _zeros(facts, Z[:, ~constant])
            between = say("random.between", many=facts.many) + (f", {at}" if at else "")
            band = next((k for k, one in enumerate(facts.coefficients) if not one.parts), None)
            what = f"level {at}".strip()
            found.append(Varying(name, "level", what, "level", *who, between, band))
        else:
            # Without a constant, zeros and ones are a level, not the difference that has the same values.
            level = not constant.any() and set(np.unique(Z[:, j])) == {0.0, 1.0}
            found.append(_change(facts, name, None if level else Z[:, j], "change", *who))
    for name, matrices in zip(map(str, model.exog_vc.names), model.exog_vc.mats, strict=True):
        many = facts.levels_of.get(name, ("", say("random.levels", component=code(name))))[1]
        levels = level_of_rows(matrices)
        if levels is not None:
            number, between = len(np.unique(levels)), say("random.between", many=many)
            found.append(Varying(name, "set", "level", "level", many, number, between))
            continue
        values, columns = np.full(len(facts.y), np.nan), sum(m.shape[1] for m in matrices)
        for label, m in zip(model.group_labels, map(dense, matrices), strict=True):
            if np.all(np.count_nonzero(m, axis=1) <= 1):
                values[model.row_indices[label]] = m.sum(axis=1)
        if columns > facts.groups and not np.isnan(values).any():  # C(person):x, over all rows
            found.append(_change(facts, name, values, "slopes", many, columns))
        else:
            found.append(_change(facts, name, values, "change", *who))
    return found


def _change(
    facts: FittedModel, name: str, values: Any, kind: str, many: str, number: int
) -> Varying:
    """Of a column that is no constant: by the reader's words, a level, or what the coefficient with its values is."""
    what, noun, band = say("random.coefficient", column=code(name)), "", None
    k = _same(facts, values)
    if k is not None:
        (part,) = facts.coefficients[k].parts
        if part.kind == "pair" and part.gap == 1:
            what, band = say("random.difference", part.words), k
            noun = say("random.difference_in", factor=part.factor.called)
        elif part.kind == "slope":
            what, band = say("random.change", part.words), k
    for factor in facts.factors.values():
        for level, words in factor.levels.items():
            if name in (f"{factor.name}[{level}]", f"{factor.variable}[{level}]"):
                what = say("random.level", where=say("words.at_level", level=words))
    if kind == "change" and name in facts.levels_of:
        what, noun, band = facts.levels_of[name][0], "", None
    between = say("random.of", what=what, many=many)
    return Varying(name, kind, what, noun or what, many, number, between, band)


def _same(facts: FittedModel, values: Any) -> int | None:
    """The coefficient, if any, whose column has these values: one part, not an interaction."""
    single = (k for k, one in enumerate(facts.coefficients) if len(one.parts) == 1)
    return next((k for k in single if np.array_equal(facts.model.exog[:, k], values)), None)


def _zeros(facts: FittedModel, columns: np.ndarray) -> str:
    """Where columns (n, k) are zero, as for the intercept: "for the session of 20", "where `Days` is 0"."""
    means = [one for one in facts.coefficients if not one.parts]
    places = {place.factor: place.place for one in means for place in one.places}
    same = [k for k in (_same(facts, z) for z in columns.T) if k is not None]
    factors = [factor for k in same for factor in facts.coefficients[k].factors]
    zeros = {x: places.get(x, say("words.at_zero", factor=x.called)) for x in factors}
    return joined(list(zeros.values()))


def random_part(facts: FittedModel) -> str:
    """The random part in half a sentence: "a random intercept for each athlete"."""
    things = random_effects(facts)
    columns, components = things[: facts.model.k_re], things[facts.model.k_re :]
    column = f" ({code(facts.group)})" if facts.group != "Group" else ""
    group = say("random.each", one=facts.one) + column
    phrases = []
    if columns:
        slopes = [code(thing.name) for thing in columns if thing.kind != "level"]
        kind = "effects" if len(slopes) == len(columns) else "intercept"
        number = "_several" if len(slopes) > 1 else "_one" if slopes else ""
        phrases.append(say(f"random.{kind}{number}", {"group": group, "names": joined(slopes)}))
    for thing in components:
        kind = thing.kind if thing.kind in ("set", "slopes") else "independent"
        given = {"what": thing.what, "number": str(thing.number), "many": thing.many}
        phrases.append(say(f"random.{kind}", {**given, "group": group}))
    return joined(phrases)


@dataclass(frozen=True)
class SpreadRow:
    """A variance (of one thing; the residual's of none), or a covariance (of two). label: as printed; at: its row in
    `variances`."""

    label: str
    things: tuple[Varying, ...]
    at: int


def spread_rows(facts: FittedModel) -> list[SpreadRow]:
    """In the order of the printout: of the random-effect columns the lower triangle; of components; of single rows."""
    things, q = random_effects(facts), int(facts.model.k_re)
    found: list[tuple[tuple[Varying, ...], int]] = []
    for i in range(q):
        found += [((things[j], things[i]), q + i * (i - 1) // 2 + j) for j in range(i)]
        found += [((things[i],), i)]
    for own in [*((thing,) for thing in things[q:]), ()]:
        found.append((own, len(found)))
    labels = [*map(str, facts.rows.index[len(facts.coefficients) :]), "Scale"]
    return [SpreadRow(label, *row) for label, row in zip(labels, found, strict=True)]


def spread_sentence(facts: FittedModel, row: SpreadRow) -> str:
    """An SD, or a correlation, with its interval: "SD 24.7 ms between people (95 % interval 14.4 to 37.7 ms)"."""
    exact = facts.spreads.iloc[row.at]
    if len(row.things) < 2:
        of = row.things[0].between if row.things else say("spread.residual")
        key = "spread.perhaps_none" if exact["low"] == 0 else "spread.sd"
        return say(key, sd_words(facts, exact), of=of)
    pair = dict(zip(("one", "other"), (thing.noun for thing in row.things), strict=True))
    if not np.isfinite(exact["correlation"]):
        return say("spread.no_correlation", **pair)
    nothing = exact["high"] - exact["low"] > KNOWN
    key = "spread.unknown_correlation" if nothing else "spread.correlation"
    ends = {"low": two(exact["low"]), "high": two(exact["high"])}
    return say(key, r=two(exact["correlation"]), **ends, **pair)


def sd_words(facts: FittedModel, row: Any) -> dict[str, str]:
    """An SD and the ends of its interval, with unit; row: of `variances`."""
    sd, low, high = (three(row[name]) for name in ("sd", "low", "high"))
    return {"sd": sd + facts.unit, "low": low, "high": high + facts.unit}


def nesting(facts: FittedModel) -> dict[str, str]:
    """Component whose labels occur in several groups → that each is a new one in each, and how to write the other."""
    shared, entry = facts.shared, component_of_groups(facts.model)
    more = code(entry) if entry else say("spread.component_of_groups", shared)
    return {
        name: say("spread.nested", shared, name=code(name), label=code(label), more=more)
        for name, label in labels_in_several_groups(facts.model).items()
    }


def intraclass(facts: FittedModel) -> str:
    """The intraclass correlation, where one pair of rows has it: with a random intercept for each group alone."""
    correlations = list(facts.spreads.attrs["icc"].values())
    if facts.model.k_vc or not correlations:
        return ""
    return say("spread.alike", facts.shared, r=two(correlations[0]))


def fit_words(facts: FittedModel) -> dict[str, str]:
    """For all sentences that have places for it: the model, its rows and groups."""
    y, sizes = facts.y, facts.sizes
    p, low, high = len(facts.coefficients), int(sizes.min()), int(sizes.max())
    found = facts.shared | {
        "model": code(facts.formula) if facts.formula else say("open.arrays", facts.shared),
        "formula": code(facts.formula) if facts.formula else facts.outcome,
        "random": random_part(facts),
        "average_rows": counted(p, "row"),
        "random_rows": counted(len(facts.rows) - p, "row"),
        "name": code(facts.model.endog_names),
        "y_low": three(y.min()),
        "y_mean": three(y.mean()),
        "y_high": three(y.max()) + facts.unit,
        "unit": facts.unit.strip() or say("words.its_unit"),
        "rows": counted(len(y), "row"),
        "group": code(facts.group),
        "number": str(facts.groups),
        "groups": listed(sizes.index, 6),
        "smallest": counted(low, "row"),
        "smallest_of": listed(sizes.index[sizes == low], 3),
        "largest": counted(high, "row"),
        "largest_of": listed(sizes.index[sizes == high], 3),
        "mean_size": f"{sizes.mean():.1f}",
        "each": str(low) if low == high else f"{low} to {high}",
        "loglik": signed(f"{float(facts.result.llf):.4f}"),
        "aic": two(facts.result.aic),
        "bic": two(facts.result.bic),
        "boundary": facts.boundary,
        "shortfall": f"{facts.shortfall:.2g}",
    }
    found["sample"] = say("open.groups", found) if facts.groups > 1 else found["rows"]
    return found


def _remarks(section: str, given: dict[str, str], variants: Collection[str] = ()) -> list[Remark]:
    """(lead, text) of the sentences of a section, each in the first of the variants in which it exists."""
    found = []
    for lead in ("what", "how", "here", "isnt"):
        keys = [f"{section}.{lead}_{variant}" for variant in variants] + [f"{section}.{lead}"]
        for key in [key for key in keys if key in sentences()][:1]:
            found.append((say(f"lead.{lead}"), say(key, given)))
    return found


def labelled_line(facts: FittedModel, label: str) -> Passage:
    """A line of the header, or a column of the lower table."""
    earned = {
        "unfinished": not facts.finished,
        "block": facts.groups == 1,
        "known": facts.groups > 1 and facts.group != "Group",
        "equal": facts.sizes.min() == facts.sizes.max(),
        "false_alarm": label == "Converged" and facts.finished and facts.false_alarm,
        "short": facts.short,
        "intercept": facts.model.k_vc and facts.model.k_re and facts.groups > 1,
        "reml": facts.reml,
        "ml": not facts.reml,
    }
    given = fit_words(facts)
    if label == "Scale" and facts.finished:
        given |= sd_words(facts, facts.spreads.iloc[-1])
    remarks = _remarks(label, given, [variant for variant, so in earned.items() if so])
    title = f"{label}: {facts.header[label]}" if label in facts.header else label
    return Passage(title, remarks=remarks or _remarks("unknown", given))


def row_line(facts: FittedModel, at: int) -> Passage:
    """A row of the lower table: each printed number with its"""
    k = at - len(facts.coefficients)
    cells, remarks = _coefficient(facts, at) if k < 0 else _variance(facts, k)
    if not facts.finished:
        cells, remarks = {}, [r for r in remarks if r[0] == say("lead.what")]
        remarks.append((say("lead.isnt"), say("lead.no_estimate")))
    printed = {str(c): str(v) for c, v in facts.rows.iloc[at].items() if str(v).strip()}
    rows = [ScreenRow(name, f"{v:>8}", cells.get(name, "")) for name, v in printed.items()]
    return Passage(str(facts.rows.index[at]), rows=rows, remarks=remarks)


def _coefficient(facts: FittedModel, k: int) -> tuple[dict[str, str], list[Remark]]:
    """Words for the printed numbers of coefficient k, by column; and what else is to be said."""
    one = facts.coefficients[k]
    named = facts.called.get(one.name)
    remarks = [(say("lead.what"), f"{named[0].upper()}{named[1:]}.")] if named else []
    if not facts.finished:
        return {}, remarks
    row, unit = facts.fixed.iloc[k], facts.unit
    b, se, z_95 = float(facts.estimates[k]), float(facts.printed_errors[k]), stats.norm.ppf(0.975)
    cells = {"Coef.": meaning(facts, one, b, se if se > 0 else facts.right_errors[k])}
    if se > 0:  # the printed numbers in words
        low, high = b - z_95 * se, b + z_95 * se
        given = {
            "se": rounded(se, se) + unit,
            "z": two(abs(b / se)),
            "side": "above" if b > 0 else "below",
            "p": signed(p_is(2 * stats.norm.sf(abs(b / se)))),
            "low": rounded(low, se) + unit,
            "high": rounded(high, se) + unit,
        }
        keys = ("error", "z", "p", "low", "high_over" if low <= 0 <= high else "high")
        columns = map(str, facts.rows.columns[1:])
        cells |= {name: say(f"cell.{key}", given) for name, key in zip(columns, keys, strict=True)}
    longer = (row["high"] - row["low"]) / (2 * z_95 * se)
    given = {"sentence": effect_row(facts, k).text, "times": f"{longer:.2g}"}
    here = [say("row.longer" if longer > 1 + OFF else "row.report", given)]
    here += [say("row.refitted")] * facts.fixed.attrs["refitted"]
    for term in facts.terms:
        if k in term.coefficients and (term.kind != "single" or term.partners):
            here.append(say("row.term", sentence=term_sentence(facts, term)))
    if one.name in facts.fixed.attrs["paired"]:
        t, df, p = facts.fixed.attrs["paired"][one.name]
        test = f"t({df}) = {two(t)}, {p_is(p, journal_p)}"
        here.append(say("row.paired", facts.shared, test=test))
    remarks.append((say("lead.here"), " ".join(here)))
    remarks += [(say("lead.isnt"), text) for text in _limits(facts, one)]
    return cells, remarks


def _limits(facts: FittedModel, one: Coefficient) -> Iterator[str]:
    """What a coefficient does not mean."""
    if one.is_mean:
        yield say("limit.mean")
        return
    yield say("limit.average" if facts.groups == 1 else "limit.one", facts.shared)
    mine = one.factors
    if one.places:
        others = names_of([place.factor for place in one.places])
        where = {"where": one.where, "factor": names_of(mine)}
        yield say("limit.place", others=others, **where)
    variables = frozenset[str]().union(*(factor.variables for factor in mine))
    relatives = [f for f in facts.factors.values() if f not in mine and f.variables & variables]
    if relatives:
        yield say("limit.shared", names=joined([code(f.name) for f in mine + relatives]))


def _variance(facts: FittedModel, k: int) -> tuple[dict[str, str], list[Remark]]:
    """As `_coefficient`, of the kth variance or covariance."""
    row = spread_rows(facts)[k]
    thing = row.things[-1]
    cells = {"Coef.": spread_sentence(facts, row)} if facts.finished else {}
    if len(row.things) == 2:
        given = {"many": thing.many, "first": row.things[0].noun, "second": thing.noun}
        cells["Std.Err."] = say("covariance.error")
        return cells, _remarks("covariance", given)
    given = {"many": thing.many, "number": str(thing.number), "noun": thing.what}
    remarks = _remarks("variance", given, (thing.kind, "reml" if facts.reml else "ml"))
    if not facts.finished:
        return cells, remarks
    exact, unit, here = facts.spreads.iloc[row.at], facts.unit, []
    # The printed error is that of a ratio of variances, times √Scale.
    errors = np.asarray(facts.result.bse)[len(facts.coefficients) :]
    printed = errors[k] * np.sqrt(facts.result.scale)
    if not np.isfinite(exact["se"]):
        cells["Std.Err."] = say("variance.no_error")
    elif abs(printed / exact["se"] - 1) <= OFF:
        cells["Std.Err."] = say("variance.error")
    else:
        cells["Std.Err."] = say("variance.other_error", right=three(exact["se"]))
    if thing.band is not None and exact["low"] > 0:
        b, sd = facts.estimates[thing.band], exact["sd"]
        half_width = stats.norm.ppf(0.975) * sd
        given |= {
            "name": code(facts.coefficients[thing.band].name),
            "centre": rounded(b, sd) + unit,
            "low": rounded(b - half_width, sd),
            "high": rounded(b + half_width, sd) + unit,
        }
        here.append(say("variance.band", given))
    here += filter(None, [nesting(facts).get(thing.name), intraclass(facts)])
    if here:
        remarks.insert(-1, (say("lead.here"), " ".join(here)))
    return cells, remarks
