"""CloudWatch's metric math, as far as our alarms and widgets speak it.

FILL, IF, comparisons and arithmetic over time series; missing values are NaN (Amazon CloudWatch
User Guide, "Using math expressions with CloudWatch metrics").
"""

import ast
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from arca.errors import ArcaError

Series = NDArray[np.float64]
Operator = Callable[[Series, Series], Series]
BINARY: Mapping[type[ast.operator], Operator] = {
    ast.Add: cast("Operator", np.add),
    ast.Sub: cast("Operator", np.subtract),
    ast.Mult: cast("Operator", np.multiply),
    ast.Div: cast("Operator", np.divide),
}
COMPARE: Mapping[type[ast.cmpop], Operator] = {
    ast.Lt: cast("Operator", np.less),
    ast.LtE: cast("Operator", np.less_equal),
    ast.Gt: cast("Operator", np.greater),
    ast.GtE: cast("Operator", np.greater_equal),
    ast.Eq: cast("Operator", np.equal),
    ast.NotEq: cast("Operator", np.not_equal),
}


def evaluate(expression: str, series: Mapping[str, Series]) -> Series:
    """Return the expression's series; raises ArcaError for a function that is not known here."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise _unknown(expression, error.msg) from None
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.asarray(_value(tree.body, series, expression), dtype=float)
    # A division by zero leaves no value, as in CloudWatch.
    result[np.isinf(result)] = np.nan
    return result


def _value(node: ast.expr, series: Mapping[str, Series], text: str) -> Series:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.asarray(node.value, dtype=float)
    if isinstance(node, ast.Name) and node.id in series:
        return series[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        left, right = _value(node.left, series, text), _value(node.right, series, text)
        return BINARY[type(node.op)](left, right)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        left = _value(node.left, series, text)
        right = _value(node.comparators[0], series, text)
        return np.where(COMPARE[type(node.ops[0])](left, right), 1.0, 0.0)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = [_value(argument, series, text) for argument in node.args]
        if node.func.id == "FILL" and len(arguments) == 2:
            return np.where(np.isnan(arguments[0]), arguments[1], arguments[0])
        if node.func.id == "IF" and len(arguments) == 3:
            return np.where(np.nan_to_num(arguments[0]) != 0, arguments[1], arguments[2])
    raise _unknown(text, ast.unparse(node))


def _unknown(expression: str, part: str) -> ArcaError:
    return ArcaError(
        f"The metric math is not understood here: {part}",
        where=expression,
        wanted="FILL, IF, comparisons, arithmetic and the ids of readings",
        do="correct the expression, or teach arca/monitoring/slo/metric_math.py",
    )
