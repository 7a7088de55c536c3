"""Compare two expressions by exact algebra: `compare_expressions(gold, prediction)`.

math-verify's parser turns them into SymPy. Whether they are equal is decided here, without the tolerances by
which math-verify calls 1/2^30 and 1/2^31 equal: rational numbers are compared exactly, others at up to 1,000
digits, relative to their size, and expressions with variables at random points. math-verify decides only on
what has no such comparison.
"""

import random
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from drp.core import Verdict
from drp.grading.modified_numbers import modifiers
from drp.grading.notation import latex, plain, unwrapped
from drp.grading.quantities import ShownNumber, parse_quantity
from drp.grading.units import MeasurementUnit, parse_unit

_DIGITS, _MORE_DIGITS = 120, 1_000
"""Digits at which irrational numbers are told apart, and at which those are that are the same so far."""
_SAME = Fraction(1, 10**100)
"""Relative difference below which two numbers computed at 120 digits are the same."""
_POINTS = 8
_ENOUGH = 3
# A text with mathematics in it: inner delimiters, a box, or two words in a row.
_TEXT = re.compile(
    r"[^$]\$[^$]|\\\(|\\\[|boxed|(?<![\\A-Za-z{])[A-Za-z]{2,40}[ ,]{1,3}[A-Za-z]{2,40}|[\u4e00-\u9fff]{4}"
)
_UNIT_LABEL = re.compile(
    r"(?P<number>.*[\d)}\w]\s?)\\(?:text|mbox|textrm|mathrm|textnormal)\s?\{(?P<unit>[^{}]{1,60})\}"
    r"(?P<power>\s?\^\s?\{?-?\d\}?)?",
    re.DOTALL,
)
# A numeral in a base, whose base the parser would drop: 204_5, 12_{seven}.
_NUMERAL_IN_BASE = re.compile(r"\d\s?_")
_VARIABLE = re.compile(r"(?<![\\A-Za-z])[a-z](?![A-Za-z])")
# Numbers that math-verify recognises only outside of LaTeX: 1 000 and 1000,99 .
_EUROPEAN = re.compile(r"-?\d{1,3}(?: \d{3})+(?:[.,]\d+)?|-?\d+,\d\d")
_DECIMAL = re.compile(r"(?<![\w.])(\d{0,40})\.(\d{1,40})(?![\d.])")


def compare_expressions(gold: str, prediction: str) -> Verdict:
    """Compare two expressions or texts; undecided if one cannot be parsed or evaluated. May never return."""
    if _NUMERAL_IN_BASE.search(gold) or _NUMERAL_IN_BASE.search(prediction):
        return "undecided"
    if modifiers(gold) != modifiers(prediction):
        return "undecided"  # the parser would take the number alone
    (gold, unit), (prediction, other_unit) = _without_unit(gold), _without_unit(prediction)
    if unit and other_unit and unit != other_unit:
        are_known = unit.known and other_unit.known and not (unit.generic or other_unit.generic)
        return "different" if are_known and unit.dimensions != other_unit.dimensions else "undecided"
    is_text = any(_TEXT.search(each) or _EUROPEAN.fullmatch(each.strip()) for each in (gold, prediction))
    references, candidates = (_parsed(each, is_text=is_text) for each in (gold, prediction))
    if (rounded := _rounding(gold, prediction, references, candidates)) is not None:
        return rounded
    failed = compared = False
    for reference, candidate in product(references, candidates):
        if isinstance(reference, str) or isinstance(candidate, str):
            continue
        compared = True
        same = _equal(reference, candidate)
        if same:
            return "equal"
        failed = failed or same is None
    return "different" if compared and not failed else "undecided"


def _without_unit(text: str) -> tuple[str, MeasurementUnit | None]:
    """Take the unit in a LaTeX label off the end of an expression: `2\\sqrt{3}\\text{ cm}^2`."""
    match = _UNIT_LABEL.fullmatch(unwrapped(text))
    unit = parse_unit(match["unit"] + (match["power"] or "")) if match else None
    return (match["number"], unit) if match and unit else (text, None)


def _parsed(text: str, *, is_text: bool) -> list[Any]:
    """Parse an answer into SymPy expressions; a text with math-verify, which finds the mathematics in it."""
    import sympy
    from latex2sympy2_extended import latex2sympy
    from math_verify import parse

    if not is_text:
        text = _exact(latex(unwrapped(text)))
        try:
            return [latex2sympy(text).subs(sympy.Symbol("i"), sympy.I)]
        except Exception:  # its errors have no common class
            letters = set(_VARIABLE.findall(text))
            found = [each for each in parse(f"${text}$", parsing_timeout=None) if not isinstance(each, str)]
            return [each for each in found if letters <= {str(symbol) for symbol in each.free_symbols}]
    text = latex(text)
    if not _TEXT.search(text) and not _EUROPEAN.fullmatch(text.strip()):
        text = f"${text}$"
    return list(parse(text, parsing_timeout=None))


def _exact(text: str) -> str:
    """Write decimals as fractions, so that SymPy does not compute with floats."""
    return _DECIMAL.sub(lambda d: f"\\frac{{{int(d[1] + d[2])}}}{{{10 ** len(d[2])}}}", text)


def _rounding(gold: str, prediction: str, references: list[Any], candidates: list[Any]) -> Verdict | None:
    """The verdict on an exact expression against a decimal, which may be its rounded form."""
    for decimal_text, exact in ((gold, candidates), (prediction, references)):
        quantity = parse_quantity(plain(decimal_text))
        if quantity is None or len(quantity.parts) > 1 or quantity.parts[0][0].place is None:
            continue
        number = quantity.parts[0][0]
        values = [_value(each) for each in exact if not isinstance(each, str)]
        return _of_decimal(number, [value for value in values if value is not None])
    return None


def _of_decimal(number: ShownNumber, values: list[Fraction]) -> Verdict | None:
    if not values:
        return None
    same = any(
        value == number.value
        or abs(value - number.value) <= _SAME * abs(value)
        or number.is_rounding_of(value)
        for value in values
    )
    return "equal" if same else "different"


def _value(expression: Any) -> Fraction | None:
    """The value of a real number."""
    number = _evaluated(expression)
    if number is None or abs(number.imaginary) > abs(number.real) * _SAME:
        return None
    return number.real


class _ComplexNumber(NamedTuple):
    """A complex number; `error` is its relative error, 0 if it is exact."""

    real: Fraction
    imaginary: Fraction
    error: Fraction


def _evaluated(expression: Any, digits: int = _DIGITS) -> _ComplexNumber | None:
    """The value: exact if rational, else with so many digits; None if it has no finite one."""
    import sympy

    if not isinstance(expression, sympy.Expr) or expression.free_symbols:
        return None
    try:
        exact = expression.doit()
        if exact.is_Rational:
            return _ComplexNumber(_fraction(exact), Fraction(0), Fraction(0))
        value = sympy.N(expression, digits)
        if not value.is_number or value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            return None
        parts = value.as_real_imag()
        return _ComplexNumber(_fraction(parts[0]), _fraction(parts[1]), Fraction(1, 10 ** (digits - 20)))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None


def _fraction(number: Any) -> Fraction:
    import sympy

    rational = sympy.Rational(number)
    return Fraction(int(rational.p), int(rational.q))


def _equal(first: Any, second: Any) -> bool | None:
    """Whether two SymPy objects are equal; None if that cannot be decided."""
    import sympy
    from sympy.core.relational import Relational

    first, second = (each.doit() if isinstance(each, sympy.MatrixExpr) else each for each in (first, second))
    if first == second:
        return not (isinstance(first, sympy.Expr) and first.has(sympy.nan, sympy.zoo))
    if isinstance(first, sympy.MatrixBase) or isinstance(second, sympy.MatrixBase):
        return _equal_matrices(first, second)
    if isinstance(first, Relational) or isinstance(second, Relational):
        return _equal_relations(first, second)
    if isinstance(first, sympy.Expr) and isinstance(second, sympy.Expr):
        return _equal_expressions(first, second)
    if isinstance(first, sympy.FiniteSet) and isinstance(second, sympy.FiniteSet):
        return len(first.args) == len(second.args) and _match(list(first.args), list(second.args))
    if isinstance(first, sympy.FiniteSet) and len(first.args) == 1 and isinstance(second, sympy.Expr):
        return _equal(first.args[0], second)
    if isinstance(second, sympy.FiniteSet) and len(second.args) == 1 and isinstance(first, sympy.Expr):
        return _equal(first, second.args[0])
    if type(first) is type(second) and isinstance(first, (sympy.Union, sympy.And, sympy.Or)):
        return len(first.args) == len(second.args) and _match(list(first.args), list(second.args))
    if type(first) is type(second) and isinstance(first, (sympy.Interval, sympy.Tuple)):
        return len(first.args) == len(second.args) and _all(first.args, second.args)
    return _by_math_verify(first, second)


def _all(first: Any, second: Any) -> bool | None:
    verdicts = [_equal(a, b) for a, b in zip(first, second, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def _match(first: list[Any], second: list[Any]) -> bool | None:
    """Match items that have no order."""
    unsure = False
    for item in first:
        verdicts = [_equal(item, other) for other in second]
        if True in verdicts:
            del second[verdicts.index(True)]
        elif None in verdicts:
            unsure = True
        else:
            return False
    return None if unsure else True


def _equal_matrices(first: Any, second: Any) -> bool | None:
    shapes = getattr(first, "shape", None), getattr(second, "shape", None)
    if shapes[0] != shapes[1] or shapes[0] is None:
        return False
    return _all(list(first), list(second))


def _equal_expressions(first: Any, second: Any) -> bool | None:
    import sympy

    infinite = [each for each in (first, second) if each.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan)]
    if infinite:
        return False if not any(each.has(sympy.zoo, sympy.nan) for each in infinite) else None
    if not first.free_symbols and not second.free_symbols:
        same = _same_value(_evaluated(first), _evaluated(second))
        return same and _same_value(_evaluated(first, _MORE_DIGITS), _evaluated(second, _MORE_DIGITS))
    return _at_points(first, second, lambda a, b: bool(_same_value(a, b)))


def _same_value(first: _ComplexNumber | None, second: _ComplexNumber | None) -> bool | None:
    if first is None or second is None:
        return None
    size = max(abs(part) for part in (first.real, first.imaginary, second.real, second.imaginary))
    error = size * max(first.error, second.error)
    return abs(first.real - second.real) <= error and abs(first.imaginary - second.imaginary) <= error


def _at_points(
    first: Any, second: Any, same: Callable[[_ComplexNumber, _ComplexNumber], bool]
) -> bool | None:
    """Whether `same` holds at random points, the same ones each time; None if too few can be evaluated."""
    import sympy

    symbols = sorted(first.free_symbols | second.free_symbols, key=str)
    rng = random.Random(len(symbols))  # noqa: S311 - no secret
    evaluated = 0
    for point in range(_POINTS):
        sign = 1 if point % 2 else -1  # half of the points are positive
        values = {
            symbol: sympy.Rational(
                sign * rng.randint(1, 400) if point < 6 else rng.randint(2, 9), 97 if point < 6 else 1
            )
            for symbol in symbols
        }
        found = _evaluated(first.subs(values)), _evaluated(second.subs(values))
        if found[0] is None or found[1] is None:
            continue
        if not same(found[0], found[1]):
            return False
        evaluated += 1
    return True if evaluated >= _ENOUGH else None


def _equal_relations(first: Any, second: Any) -> bool | None:
    """Whether two equations or inequalities are the same up to a constant factor."""
    from sympy.core.relational import Eq, Ne, Relational

    if not (isinstance(first, Relational) and isinstance(second, Relational)):
        return _named_value(first, second)
    if not all(
        hasattr(side, "free_symbols") and hasattr(side, "is_Boolean") for side in (*first.args, *second.args)
    ):
        return _by_math_verify(first, second)
    first, second = _upward(first), _upward(second)
    if type(first) is not type(second):
        return False
    try:
        sides = first.lhs - first.rhs, second.lhs - second.rhs
    except TypeError:  # x = {1, 2}
        return _all(first.args, second.args)
    factors: list[Fraction] = []

    def proportional(a: _ComplexNumber, b: _ComplexNumber) -> bool:
        is_zero = [not (number.real or number.imaginary) for number in (a, b)]
        if any(is_zero):
            return all(is_zero)
        if a.imaginary or b.imaginary:
            return bool(_same_value(a, b))
        factors.append(b.real / a.real)
        return abs(factors[-1] - factors[0]) <= abs(factors[0]) * _SAME

    if not sides[0].free_symbols and not sides[1].free_symbols:
        return _all(first.args, second.args)
    same = _at_points(sides[0], sides[1], proportional)
    if same and not isinstance(first, (Eq, Ne)) and factors and factors[0] < 0:
        return False
    return same


def _upward(relation: Any) -> Any:
    """Write `a > b` as `b < a`."""
    from sympy.core.relational import GreaterThan, StrictGreaterThan

    return relation.reversed if isinstance(relation, (GreaterThan, StrictGreaterThan)) else relation


def _named_value(first: Any, second: Any) -> bool | None:
    """`x = 5` against 5; the name may be any symbol."""
    import sympy

    relation, value = (first, second) if hasattr(first, "rel_op") else (second, first)
    if not isinstance(relation, sympy.Eq):
        return False
    left = relation.lhs
    if isinstance(left, (sympy.Symbol, sympy.core.function.AppliedUndef)) or not left.free_symbols:
        return _equal(relation.rhs, value) if relation is second else _equal(value, relation.rhs)
    return False


def _by_math_verify(first: Any, second: Any) -> bool | None:
    from math_verify import verify

    try:
        return bool(verify(first, second, timeout_seconds=None, raise_on_error=True))
    except Exception:  # SymPy raises arbitrary exceptions for values it cannot compare
        return None
