"""What the caller asks `fit` for: read, checked, and made a statsmodels model; nothing is dropped or guessed."""

import ast
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from numbers import Real
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import patsy.builtins
from patsy import EvalEnvironment
from patsy.categorical import guess_categorical
from scipy import sparse
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from fewgroups.arguments import check_columns, label_array, refuse_rows, some
from fewgroups.structure import dense
from fewgroups.wording import say

Array = np.ndarray
LARGE = 2**22  # numbers in the columns of one group from which on they are sparse: 32 MB
KINDS = dict.fromkeys(("floating", "mixed-integer-float", "decimal"), "float64")
KINDS |= {"boolean": "bool", "integer": "int64", "string": "object"}
BARS = (
    "R's (1 | a) is groups='a'; (x | a) is groups='a', re_formula='~x'; (x || a) is groups='a', re_formula='~1', "
    "vc_formula={'x': '0 + x'}; (1 | a/b) is groups='a', re_formula='~1', vc_formula={'b': '0 + C(b)'}; "
    "(1 | a) + (1 | b), crossed, is groups=np.ones(len(data)), re_formula=None, "
    "vc_formula={'a': '0 + C(a)', 'b': '0 + C(b)'}"
)


def _name(node: ast.AST) -> str | None:
    """The variable that a node of a syntax tree is: x, or Q("a b")."""
    match node:
        case ast.Name(id=name) | ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=name)]):
            return str(name)
    return None


def column_of(code: str) -> str | None:
    """The column that a factor's code is, bare, quoted or as labels: x, Q("x"), C(x, Sum); None if it is none."""
    node = ast.parse(code, mode="eval").body
    if isinstance(node, ast.Call) and node.args and _name(node.func) == "C":
        node = node.args[0]
    return _name(node)


def _nodes(terms: Iterable[patsy.Term]) -> list[ast.AST]:
    """The nodes of the syntax trees of the terms' code; SyntaxError for what is no Python."""
    codes = [factor.name() for term in terms for factor in term.factors]
    return [node for code in codes for node in ast.walk(ast.parse(code, mode="eval"))]


class Names(NamedTuple):
    """Names in the code of factors: variables; functions that are called; labels, which stand in C(...) or [...]."""

    variables: frozenset[str]
    functions: frozenset[str]
    labels: frozenset[str]

    @classmethod
    def of(cls, terms: Iterable[patsy.Term]) -> Self:
        """Of terms; columns that are quoted by Q(...) are variables."""
        nodes = _nodes(terms)
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        called: set[ast.AST] = {call.func for call in calls}
        labels: list[ast.AST] = [call for call in calls if _name(call.func) == "C"]
        labels += [node.slice for node in nodes if isinstance(node, ast.Subscript)]
        inside = {node for one in labels for node in ast.walk(one)}
        found = set(nodes) - called, called, inside - called
        return cls(*(frozenset(filter(None, map(_name, kind))) for kind in found))

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The variables among the columns of `frame`, which `plain` made; whole numbers as float, so that no power of
        them overflows, except labels, which would be renamed."""
        table = {name: frame[name] for name in frame.columns if name in self.variables}
        for name, column in table.items():
            if column.dtype.kind == "i" and name not in self.labels:
                table[name] = column.astype(float)
        return pd.DataFrame(table, frame.index)


class Formula(NamedTuple):
    """One formula of a request: its text, with the argument as it was given, patsy's reading of it, and its names."""

    text: str
    given: str
    terms: patsy.ModelDesc
    names: Names

    @classmethod
    def read(cls, argument: str, text: str, data: pd.DataFrame) -> Self:
        """ValueError, saying what to write instead, for what is no formula, or means something else in R."""
        try:
            terms = patsy.ModelDesc.from_formula(text)
            both = [*terms.lhs_termlist, *terms.rhs_termlist]
            wrong, names = _misread(both, data), Names.of(both)
        except (patsy.PatsyError, SyntaxError) as error:
            wrong = "cannot be read: " + first_line(error).removesuffix(" (<unknown>, line 1)")
        if not wrong and bool(terms.lhs_termlist) != (argument == "formula"):
            form = "outcome ~ predictors" if argument == "formula" else "~ predictors"
            wrong = f"must have the form {form!r}"
        if wrong:
            raise ValueError(f"{argument} {text!r} {wrong}{_advice(text, data)}")
        return cls(text, f"{argument} {text!r}", terms, names)

    def matrices(self, frame: pd.DataFrame, env: EvalEnvironment) -> list[pd.DataFrame]:
        """The predictors' columns, before them the outcome's if there is one; ValueError for what is no number."""
        make = patsy.dmatrices if self.terms.lhs_termlist else patsy.dmatrix
        made = self.evaluated(make, self.terms, frame, env, "drop", "dataframe")
        matrices = [*made] if isinstance(made, tuple) else [made]
        self.check_values(pd.concat(matrices, axis=1).reindex(frame.index), frame)
        for factor, info in matrices[-1].design_info.factor_infos.items():
            if info.type == "categorical" and len(info.categories) == 1:
                raise ValueError(
                    f"{self.given}: {factor.name()} has one level only, {some(info.categories)}: leave it out"
                )
        return matrices

    def component(
        self, frame: pd.DataFrame, env: EvalEnvironment, known: frozenset[str], number: Any
    ) -> tuple[list[list[str]], list[Any]]:
        """A component's names and columns in each group, whose number each row (n,) has; ValueError where another model
        would be fitted than was meant. known: the variables of the other formulas, over which a slope may vary."""
        terms = self.terms.rhs_termlist
        if len(terms) != 1:
            alone = [f"'0 + {term.name()}'" for term in terms if term.factors] or ["'0 + C(cask)'"]
            raise ValueError(
                f"{self.given} must be one term, without intercept (two share a variance), such as {' or '.join(alone)}"
            )
        factors = terms[0].factors
        codes, values, names = self.evaluated(component_columns, factors, frame, env)
        self.check_values(values, frame)
        slopes = {column_of(factor.name()) for factor in factors} - known - self.names.labels
        for name in slopes.intersection(frame.columns):
            column = frame[name]
            if column.dtype.kind in "if" and (column % 1 == 0).all() and column.nunique() > 2:
                raise ValueError(
                    f"{self.given} is a slope over {name!r}, which holds whole numbers: if they name something, "
                    f"write C({name}), one effect for each; if a slope is meant, write I({name})"
                )
        labels, matrices = in_groups(codes, values, names, number)
        if sum(map(len, labels)) == len(frame) and np.all(values == 1):
            raise ValueError(
                f"{self.given} has as many levels as rows, which cannot be told from the residuals: leave it out"
            )
        return labels, matrices

    def check_values(self, values: Any, frame: pd.DataFrame) -> None:
        """ValueError naming the rows whose values (n, k) are missing or infinite."""
        wrong = ~np.isfinite(np.asarray(values)).all(axis=1)
        refuse_rows(wrong, frame, f"have no value of {self.text!r}, or an infinite one")

    def evaluated(self, make: Any, terms: Any, frame: pd.DataFrame, *more: Any) -> Any:
        """What `make` gives of the terms and the columns that they read; ValueError if their code fails."""
        try:
            with np.errstate(all="ignore"):
                return make(terms, self.names.table(frame), *more)
        except Exception as error:  # a formula may call anything
            raise ValueError(
                f"{self.given} does not work with these data: {first_line(error)}{_advice(self.text, frame)} "
                f"(columns: {some(frame.columns)})"
            ) from error


def build(
    formula: str,
    data: pd.DataFrame,
    groups: Any,
    re_formula: str | None,
    vc_formula: Mapping[str, str] | None,
    caller: EvalEnvironment,
) -> tuple[MixedLM, list[str]]:
    """The MixedLM of a request, all of whose rows are used, and notes on how it was read; errors as in `fit`. Each
    formula is evaluated once, over all rows, and may use the caller's variables and functions besides the columns."""
    labels = _labels(formula, data, groups, re_formula, vc_formula)
    fixed = Formula.read("formula", formula, data)
    random = Formula.read("re_formula", "0" if re_formula is None else re_formula, data)
    parts = {
        name: Formula.read(f"vc_formula[{name!r}]", text, data)
        for name, text in sorted((vc_formula or {}).items())
    }
    frame, env = _prepared(data, labels, [fixed, random, *parts.values()], caller)
    known = fixed.names.variables | random.names.variables
    bare = known - fixed.names.labels - random.names.labels
    notes = [note for name in frame if name in bare for note in numbers_as_text(name, frame[name])]
    y, X = fixed.matrices(frame, env)
    if y.shape[1] != 1:
        raise ValueError(
            f"{fixed.given}: the outcome must be one column of numbers: use .astype(float), or I(a + b) for a sum"
        )
    if not X.shape[1]:
        raise ValueError(f"formula {formula!r} has no fixed effect; '~ 1' is the overall mean")
    _check_cells(X.design_info, frame)
    (Z,) = random.matrices(frame, env)
    if not parts and not Z.shape[1]:
        raise ValueError("re_formula leaves no random effect; '~1' lets groups differ in level")
    number = pd.factorize(labels, sort=True)[0]
    made = [part.component(frame, env, known, number) for part in parts.values()]
    components = VCSpec(list(parts), [names for names, _ in made], [mats for _, mats in made])
    group = groups if isinstance(groups, str) else "Group"
    Z = Z.rename(columns={"Intercept": group}) if Z.shape[1] else None
    model = MixedLM(y, X, labels, Z, components, formula=formula, model_spec=X.design_info)
    model.formula, model.data.frame, model.data.vcomp_names = formula, frame, list(parts)
    names = list(model.data.param_names)
    for name in (*parts, group):
        if names.count(f"{name} Var") > 1 or name == "residual":
            raise ValueError(f"{name!r} would be the name of two parts of the model: rename one")
    return model, [*notes, *nesting_notes(model)]


def _labels(formula: Any, data: Any, groups: Any, re_formula: Any, vc_formula: Any) -> np.ndarray:
    """The group of each row (n,), labels of one kind; TypeError or ValueError for arguments that are no such thing."""
    components = "names with their formulas, such as {'cask': '0 + C(cask)'}, or None"
    for name, given, kind, right in (
        ("formula", formula, str, "text such as 'score ~ treatment'"),
        ("data", data, pd.DataFrame, "a pandas DataFrame, one row per observation"),
        ("re_formula", re_formula, str | None, "text such as '~treatment', or None"),
        ("vc_formula", vc_formula, Mapping | None, components),
    ):
        if not isinstance(given, kind):
            raise TypeError(f"{name} must be {right}; given {type(given).__name__}")
    if not all(isinstance(text, str) for pair in (vc_formula or {}).items() for text in pair):
        raise TypeError(f"vc_formula must be {components}; given {vc_formula!r}")
    if len(data) < 3:
        raise ValueError(f"data has {len(data) or 'no'} rows; a fit needs three at least")
    check_columns(data)
    if isinstance(groups, str):
        if groups not in data.columns:
            raise ValueError(
                f"groups must name a column of data ({some(data.columns)}); given {groups!r}{_advice(groups, data)}"
            )
        groups = data[groups]
    series = isinstance(groups, pd.Series) and len(groups) == len(data)
    if series and not groups.index.equals(data.index):
        raise ValueError(
            "groups is a Series with another index than data, so it is unclear which label belongs to which row: give "
            "the column's name, or groups.to_numpy() if the order is the same"
        )
    return label_array(groups, len(data))


def _prepared(
    data: pd.DataFrame, labels: np.ndarray, formulas: list[Formula], caller: EvalEnvironment
) -> tuple[pd.DataFrame, EvalEnvironment]:
    """The data, in plain types and without missing values where the formulas read them; and those of the caller's names
    that the formulas use, none of which hides a function of patsy's."""
    variables = {name for one in formulas for name in one.names.variables}
    functions = {name for one in formulas for name in one.names.functions}
    used = [name for name in data.columns if name in variables]
    missing = pd.isna(labels) | data[used].isna().any(axis=1)
    refuse_rows(missing, data, "have missing values")
    hidden = {"Intercept", *functions}.intersection(used)
    if hidden:
        raise ValueError(
            f"data[{min(hidden)!r}] has a function's or the intercept's name: rename it"
        )
    frame = data.assign(**{name: plain(name, data[name]) for name in used})
    if not frame.index.is_unique:
        frame.index = pd.RangeIndex(len(frame), name=frame.index.name)
    found = {}
    for name in functions | variables.difference(used):
        value = caller.namespace.get(name)
        hides = name in ("C", "I", "Q") or name in patsy.builtins.__all__ and not callable(value)
        if isinstance(value, np.ndarray | pd.Series) and value.dtype.kind in ("i", "u"):
            value = value.astype("int64")  # small integers would wrap
        if value is not None and not hides:
            found[name] = value
    return frame, EvalEnvironment([found])


def _check_cells(design: patsy.DesignInfo, frame: pd.DataFrame) -> None:
    """ValueError, naming one, if an interaction of labels has combinations without rows."""
    for term in design.terms:
        infos = [(factor.name(), design.factor_infos[factor]) for factor in term.factors]
        columns = [column_of(code) for code, info in infos if info.type == "categorical"]
        if len(columns) < 2 or not set(columns) <= set(frame.columns):
            continue
        cells = pd.MultiIndex.from_product([frame[name].unique() for name in columns])
        empty = cells.difference(pd.MultiIndex.from_frame(frame[columns]), sort=False)
        if len(empty):
            named = zip(columns, empty[0], strict=True)
            which = " and ".join(f"{name} = {some([value])}" for name, value in named)
            raise ValueError(
                f"formula: no row has {which}: leave out {term.name()}, or the rows of one of these levels"
            )


def _misread(terms: Iterable[patsy.Term], data: pd.DataFrame) -> str:
    """What Python would make of R's operators in the terms' code; nothing where it means the same."""
    for node in _nodes(terms):
        if isinstance(node, ast.BinOp):
            sides = [_logical(side, data) for side in (node.left, node.right)]
            if isinstance(node.op, ast.BitOr | ast.BitXor | ast.BitAnd) and False in sides:
                return "would be computed bit by bit: in Python, | & ^ are for truth values"
            if isinstance(node.op, ast.Add) and sides == [True, True]:
                return "adds truth values, which gives True in numpy: write 1.0 * (a > 1) + (b > 1)"
    return ""


def _logical(node: ast.AST, data: pd.DataFrame) -> bool | None:
    """Whether an operand is a truth value; None where that cannot be seen."""
    match node:
        case ast.Compare() | ast.BinOp(op=ast.BitOr() | ast.BitXor() | ast.BitAnd()):
            return True
        case ast.Constant() | ast.BinOp():
            return False
    name = _name(node)
    return pd.api.types.is_bool_dtype(data[name]) if name in data.columns else None


def _advice(text: str, data: pd.DataFrame) -> str:
    """What to write instead, for what people are used to from R or from their own columns."""
    if "|" in text:
        return f"; {BARS}"
    if "^" in text:
        return "; a power is written **, as in I(x**2) or (a + b)**2"
    for typed in "∼−–—‘’“”×":
        if typed in text:
            return f"; {typed!r} is none of Python's signs: type ~ - ' \" or * in its place"
    for name in map(str, data.columns):
        letters = unicodedata.normalize("NFKC", name)  # Python reads µ (micro) as μ (mu)
        if letters != name or not name.isidentifier() or keyword.iskeyword(name):
            if name in text and f"Q('{name}')" not in text and f'Q("{name}")' not in text:
                return f"; {name!r} is a column, but no name in Python: write Q({name!r})"
    for name in data.index.names:
        if name and re.search(rf"\b{re.escape(str(name))}\b", text):
            return f"; {name!r} is the index of data: make it a column, with data.reset_index()"
    return ""


def first_line(error: Exception) -> str:
    """What an error says, without what patsy adds below."""
    return str(error).strip().splitlines()[0].rstrip(".")


def plain(name: str, column: pd.Series) -> pd.Series:
    """The column as int64, float64, bool, text (object), or categories that occur, whatever kind of these it is;
    ValueError where a formula would take the values for something else than they are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    kind = pd.api.types.infer_dtype(column)
    if kind in KINDS:
        too_large = kind == "integer" and column.abs().max() >= 2**63
        return column.astype("float64" if too_large else KINDS[kind])
    held = ", ".join(sorted({type(value).__name__ for value in column}))
    advice = "make it numbers (of dates, the days since the first) or text, with .astype(str)"
    if all(isinstance(value, str | Real) for value in column):
        _, advice = _as_numbers(name, column)
    raise ValueError(
        f"data[{name!r}] holds {held} ({column.dtype}), which a formula would take for something else: {advice}"
    )


def numbers_as_text(name: str, column: pd.Series) -> list[str]:
    """A note if the texts of a column that `plain` made are whole numbers, which may be labels; ValueError if half or
    more are numbers otherwise: a formula takes every text for a label."""
    if column.dtype != object:
        return []
    numbers, repair = _as_numbers(name, column.drop_duplicates())
    if numbers.notna().mean() < 0.5:
        return []
    if (numbers % 1 == 0).all():
        return [say("reading.numbers", name=name, labels=str(len(numbers)), repair=repair)]
    raise ValueError(f"data[{name!r}] holds numbers as text: {repair}, or write C({name})")


def _as_numbers(name: str, column: pd.Series) -> tuple[pd.Series, str]:
    """Texts as numbers, nan for what is none; and how to make the whole column so."""
    texts = column.astype(str)
    numbers = pd.to_numeric(texts.str.replace(",", "."), errors="coerce")
    comma = ".str.replace(',', '.')" if texts.str.contains(",").any() else ""
    others = column[numbers.isna()]
    wrong = f"repair {others.iloc[0]!r} in row {others.index[0]!r}, and " if len(others) else ""
    return numbers, f"{wrong}make it numbers with data[{name!r}]{comma}.astype(float)"


def group_column(model: Any) -> str | None:
    """The column of a fitted MixedLM's data that holds the groups, if there is one."""
    frame, labels = getattr(model.data, "frame", {}), np.asarray(model.groups)
    found = [str(name) for name in frame if np.array_equal(frame[name].to_numpy(), labels)]
    named = str(model.data.exog_re_names[0]) if model.k_re else ""
    return named if named in found else next(iter(found), None)


def component_columns(
    factors: Sequence[Any], table: pd.DataFrame, env: EvalEnvironment, fitted: int | None = None
) -> tuple[Array, Array, list[list[str]]]:
    """A component's term, such as C(cask), dose or C(cask):dose, evaluated once over all rows, as lme4 does: each row's
    combination of labels (n,), its numeric columns (n, k), of labels alone one of ones, nan without a level, and the
    names of the k columns of each combination. Transforms such as center learn from the first `fitted` rows, or from
    all. Errors are patsy's own, or ValueError for what is no column of a component."""
    codes, values = np.zeros(len(table), dtype=int), np.ones((len(table), 1))
    names = [[""]]
    for factor in factors:
        name = factor.name()
        state: dict[str, Any] = {}
        for number in range(factor.memorize_passes_needed(state, env)):
            factor.memorize_chunk(state, number, table.iloc[:fitted])
            factor.memorize_finish(state, number)
        found = factor.eval(state, table)
        if isinstance(found, pd.Series | pd.DataFrame) and not found.index.equals(table.index):
            raise ValueError(f"{name} has another index than data")
        if guess_categorical(found):
            box = patsy.builtins.C(found)
            if box.contrast is not None:
                raise ValueError(f"{name} has a contrast, which no component has: leave it out")
            labels = pd.Categorical(box.data, categories=box.levels)
            values[labels.codes < 0] = np.nan
            k = len(labels.categories)
            used, codes = np.unique(codes * k + labels.codes, return_inverse=True)
            pairs = [(names[code // k], labels.categories[code % k]) for code in used.tolist()]
            names = [[f"{start}:{name}[{level}]" for start in starts] for starts, level in pairs]
        else:
            numbers = np.asarray(found, dtype=float).reshape(len(table), -1)
            values = (values[:, :, None] * numbers[:, None, :]).reshape(len(table), -1)
            k = numbers.shape[1]
            columns = [f"{name}[{j}]" for j in range(k)] if k > 1 else [name]
            names = [[f"{s}:{column}" for s in starts for column in columns] for starts in names]
    return codes, values, [[name[1:] or "Intercept" for name in one] for one in names]


def in_groups(
    codes: Array, values: Array, names: list[list[str]], number: Array
) -> tuple[list[list[str]], list[Any]]:
    """Names (m,) and columns (rows, m) of a component in each group, whose combinations of labels alone have columns;
    number (n,) is that of each row's group, 0, 1, …. Large matrices are sparse."""
    k = values.shape[1]
    labels, matrices = [], []
    for at in np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1]):
        used = np.unique(codes[at])
        columns = np.searchsorted(used, codes[at])[:, None] * k + np.arange(k)
        rows, shape = np.arange(len(at))[:, None], (len(at), len(used) * k)
        if len(at) * len(used) * k > LARGE:
            where = np.broadcast_to(rows, columns.shape).ravel(), columns.ravel()
            matrix = sparse.csr_array((values[at].ravel(), where), shape=shape)
        else:
            matrix = np.zeros(shape)
            matrix[rows, columns] = values[at]
        labels.append([name for code in used for name in names[code]])
        matrices.append(matrix)
    return labels, matrices


def labels_in_several_groups(model: Any) -> dict[str, str]:
    """Component of a MixedLM → the first of its labels that occurs in several groups, in each of which it has an effect
    of its own: the component is nested. No component else, and no slope."""
    found, parts = {}, model.exog_vc
    for name, columns, matrices in zip(parts.names, parts.colnames, parts.mats, strict=True):
        if pd.Index([*chain.from_iterable(columns)]).is_unique:
            continue
        filled = [dense(matrix) != 0 for matrix in matrices]
        used = [np.array(c)[f.any(axis=0)] for c, f in zip(columns, filled, strict=True)]
        labels, often = np.unique(np.concatenate(used), return_counts=True)
        of_labels = len(labels) > 1 and all(np.all(f.sum(axis=1) <= 1) for f in filled)
        if of_labels and often.max() > 1:
            found[str(name)] = str(labels[often > 1][0])
    return found


def component_of_groups(model: Any) -> str:
    """The entry of vc_formula that a crossed model needs for the groups; "" if they are no column of the data."""
    group = group_column(model)
    if group is None:
        return ""
    code = f"0 + C({group})" if group.isidentifier() else f"0 + C(Q({group!r}))"
    return f"{group!r}: {code!r}"


def nesting_notes(model: Any) -> list[str]:
    """A note for each component whose labels occur in several groups: what was fitted, and how to write the other."""
    entry = component_of_groups(model) or say("reading.groups")
    nested = labels_in_several_groups(model).items()
    return [say("reading.nested", name=name, label=label, entry=entry) for name, label in nested]
