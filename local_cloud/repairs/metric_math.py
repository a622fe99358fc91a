"""CloudWatch metric math, evaluated safely: the expression is parsed, never executed."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any

Series = dict[float, float]
Value = float | Series | list[Series]


class MetricMathError(ValueError):
    """The expression is not one that CloudWatch would accept; the text says why."""


@dataclass(frozen=True)
class Grid:
    """The datapoints that a time series could have.

    Parameters
    ----------
    starts : tuple of float
        Start of each period, in seconds since 1970, ascending.
    period_s : int
        Length of a period in seconds.
    """

    starts: tuple[float, ...]
    period_s: int


def evaluate(
    expression: str, known: Mapping[str, Value], grid: Grid, metrics: Collection[str] | None = None
) -> Value:
    """Compute a metric math expression.

    Arithmetic between time series has a datapoint only where all of them have one. ``SUM([m1, m2])`` and the
    other aggregations over an array use the datapoints that exist.

    Parameters
    ----------
    expression : str
        In CloudWatch's syntax, e.g. ``IF(m1 > 0 AND m2 > 0, m1 / m2, 0)``.
    known : mapping of str to Value
        The time series and results that the expression may name, by id.
    grid : Grid
        Which datapoints ``FILL`` fills.
    metrics : collection of str, optional
        Ids of the time series that are metrics: ``METRICS()`` returns these and no results of expressions. Default:
        all.

    Returns
    -------
    float, dict of float to float, or list of dict
        A scalar, a time series (start of period to value), or an array of time series.

    Raises
    ------
    MetricMathError
        If the syntax, a name or a function is unknown, or a function's arguments are of the wrong kind.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

    Examples
    --------
    >>> grid = Grid((0.0, 60.0), 60)
    >>> evaluate("100 * errors / calls", {"errors": {0.0: 1.0}, "calls": {0.0: 4.0, 60.0: 5.0}}, grid)
    {0.0: 25.0}
    >>> evaluate("FILL(m1, 0)", {"m1": {60.0: 7.0}}, grid)
    {0.0: 0.0, 60.0: 7.0}
    >>> evaluate("MAX(METRICS())", {"m1": {0.0: 1.0}, "m2": {0.0: 3.0, 60.0: 2.0}}, grid)
    {0.0: 3.0, 60.0: 2.0}
    """
    return _Evaluation(known, grid, known if metrics is None else metrics).value(_parse(expression))


def names_in(expression: str) -> set[str]:
    """Return the ids that an expression refers to.

    >>> sorted(names_in("IF(m1 > 5 AND e2, m1, FILL(m3, REPEAT))"))
    ['e2', 'm1', 'm3']
    """
    tree = _parse(expression)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in _FILLINGS
    }


_FILLINGS = ("REPEAT", "LINEAR")
_STRING_OR_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|&&|\|\||\bAND\b|\bOR\b|\^")
_IN_PYTHON = {"&&": " and ", "||": " or ", "AND": "and", "OR": "or", "^": "**"}


def _parse(expression: str) -> ast.expr:
    python = _STRING_OR_WORD.sub(lambda token: _IN_PYTHON.get(token[0], token[0]), expression)
    try:
        return ast.parse(python.strip(), mode="eval").body
    except SyntaxError as error:
        raise MetricMathError(f"Invalid syntax in metric math expression '{expression}'") from error


_OPERATORS: dict[type[ast.AST], Callable[[float, float], float | None]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else None,
    ast.Pow: operator.pow,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
_SIGNS: dict[type[ast.AST], Callable[[float], float | None]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_PER_VALUE: dict[str, Callable[[float], float | None]] = {
    "ABS": abs,
    "CEIL": lambda x: float(math.ceil(x)),
    "FLOOR": lambda x: float(math.floor(x)),
    "LOG": lambda x: math.log(x) if x > 0 else None,
    "LOG10": lambda x: math.log10(x) if x > 0 else None,
}
_AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
    "AVG": fmean,
    "STDDEV": pstdev,
}


def _map(function: Callable[..., float | None], *values: Value) -> Value:
    """Apply to each period that all the time series have, or to the scalars; None drops the datapoint."""
    if lists := [value for value in values if isinstance(value, list)]:
        parts = range(len(lists[0]))
        rows = [[value[i] if isinstance(value, list) else value for value in values] for i in parts]
        return [_series(_map(function, *row)) for row in rows]
    series = [value for value in values if isinstance(value, dict)]
    if not series:
        result = function(*values)
        return math.nan if result is None else float(result)
    shared = sorted(set(series[0]).intersection(*series[1:]))
    computed = {
        t: function(*(value[t] if isinstance(value, dict) else value for value in values)) for t in shared
    }
    return {t: float(result) for t, result in computed.items() if result is not None}


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MetricMathError("a time series is needed here")
    return value


class _Evaluation:
    """One expression over the values it may name."""

    def __init__(self, known: Mapping[str, Value], grid: Grid, metrics: Collection[str]) -> None:
        self._known = known
        self._metric_ids = metrics
        self._grid = grid
        self._nodes: dict[type[ast.expr], Callable[[Any], Value]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.BinOp: lambda node: _map(
                self._operator(node.op), self.value(node.left), self.value(node.right)
            ),
            ast.UnaryOp: lambda node: _map(_pick(_SIGNS, node.op), self.value(node.operand)),
            ast.BoolOp: self._logic,
            ast.Compare: self._comparison,
            ast.List: self._array,
            ast.Call: self._call,
        }
        self._functions: dict[str, Callable[[list[ast.expr]], Value]] = {
            "METRICS": self._metrics,
            "METRIC_COUNT": lambda arguments: float(len(self._members(arguments[0]))),
            "DATAPOINT_COUNT": self._datapoint_count,
            "FILL": self._fill,
            "IF": self._if,
            "PERIOD": lambda arguments: float(self._grid.period_s),
        }

    def value(self, node: ast.expr) -> Value:
        if type(node) not in self._nodes:
            raise MetricMathError(f"metric math has no {type(node).__name__.lower()}")
        return self._nodes[type(node)](node)

    # --- syntax

    def _constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise MetricMathError(f"{node.value!r} is not a number")
        return float(node.value)

    def _name(self, node: ast.Name) -> Value:
        if node.id not in self._known:
            raise MetricMathError(f"the expression names '{node.id}', which is not defined")
        return self._known[node.id]

    def _operator(self, node: ast.AST) -> Callable[..., float | None]:
        return _pick(_OPERATORS, node)

    def _comparison(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            raise MetricMathError("comparisons cannot be chained")
        return _map(self._operator(node.ops[0]), self.value(node.left), self.value(node.comparators[0]))

    def _logic(self, node: ast.BoolOp) -> Value:
        decide = all if isinstance(node.op, ast.And) else any
        return _map(lambda *values: float(decide(values)), *map(self.value, node.values))

    def _array(self, node: ast.List) -> Value:
        return [series for element in node.elts for series in self._members(element)]

    def _members(self, node: ast.expr) -> list[Series]:
        value = self.value(node)
        return value if isinstance(value, list) else [self._as_series(value)]

    def _as_series(self, value: float | Series) -> Series:
        return value if isinstance(value, dict) else dict.fromkeys(self._grid.starts, value)

    # --- functions

    def _call(self, node: ast.Call) -> Value:
        name = node.func.id if isinstance(node.func, ast.Name) else "?"
        if name in self._functions:
            return self._functions[name](node.args)
        if name in _PER_VALUE:
            return _map(_PER_VALUE[name], *map(self.value, node.args))
        if name in _AGGREGATIONS:
            return self._aggregate(_AGGREGATIONS[name], list(map(self.value, node.args)))
        raise MetricMathError(f"unknown metric math function {name}")

    def _aggregate(self, reduce: Callable[[Sequence[float]], float], arguments: list[Value]) -> Value:
        """Reduce one time series to a scalar, an array (or several arguments) period by period."""
        if len(arguments) == 1 and isinstance(arguments[0], dict):
            points = list(arguments[0].values())
            return reduce(points) if points else math.nan
        members = [series for value in arguments for series in self._spread(value)]
        periods = sorted({t for series in members for t in series})
        return {t: reduce([series[t] for series in members if t in series]) for t in periods}

    def _spread(self, value: Value) -> list[Series]:
        return value if isinstance(value, list) else [self._as_series(value)]

    def _metrics(self, arguments: list[ast.expr]) -> Value:
        containing = str(arguments[0].value) if arguments and isinstance(arguments[0], ast.Constant) else ""
        return [
            value
            for name, value in self._known.items()
            if name in self._metric_ids and containing in name and isinstance(value, dict)
        ]

    def _datapoint_count(self, arguments: list[ast.expr]) -> Value:
        value = self.value(arguments[0])
        if isinstance(value, list):
            periods = {t for series in value for t in series}
            return {t: float(sum(t in series for series in value)) for t in sorted(periods)}
        return float(len(self._as_series(value)))

    def _if(self, arguments: list[ast.expr]) -> Value:
        """Choose per period; without a third argument a false condition leaves no datapoint."""
        condition, then, *otherwise = map(self.value, arguments)
        return _map(lambda c, a, *b: a if c else (b[0] if b else None), condition, then, *otherwise)

    def _fill(self, arguments: list[ast.expr]) -> Value:
        value, filling = self.value(arguments[0]), arguments[1]
        if isinstance(value, list):
            return [self._filled(series, filling) for series in value]
        return self._filled(self._as_series(value), filling)

    def _filled(self, series: Series, filling: ast.expr) -> Series:
        if isinstance(filling, ast.Name) and filling.id in _FILLINGS:
            estimate = _repeated if filling.id == "REPEAT" else _interpolated
            filled = {t: series.get(t, estimate(series, t)) for t in self._grid.starts}
        else:
            other = self._as_series(_scalar_or_series(self.value(filling)))
            filled = {t: series.get(t, other.get(t)) for t in self._grid.starts}
        return {t: v for t, v in filled.items() if v is not None}


def _pick(
    table: Mapping[type[ast.AST], Callable[..., float | None]], node: ast.AST
) -> Callable[..., float | None]:
    if type(node) not in table:
        raise MetricMathError(f"metric math has no operator {type(node).__name__}")
    return table[type(node)]


def _scalar_or_series(value: Value) -> float | Series:
    if isinstance(value, list):
        raise MetricMathError("FILL takes a scalar or a time series, not an array")
    return value


def _before(times: Iterable[float], t: float) -> float | None:
    return max((known for known in times if known < t), default=None)


def _repeated(series: Series, t: float) -> float | None:
    last = _before(series, t)
    return None if last is None else series[last]


def _interpolated(series: Series, t: float) -> float | None:
    last, following = _before(series, t), min((known for known in series if known > t), default=None)
    if last is None or following is None:
        return None
    return series[last] + (series[following] - series[last]) * (t - last) / (following - last)
