"""Evaluates the arithmetic that a writer declares for a key: exactly, and within bounds.

An expression has numbers, + - * / % and ** (or × ÷ ^ √ π and raised digits), sqrt, max, min, brackets, and
earlier steps by name: "ع = 90/5; ع*2". The last step is the result. 25% is a quarter; 7 % 3 is a remainder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from generation.normalization import normalize
from generation.value import PI, Value, exact


class ExpressionRejected(ValueError):
    """The text is no expression, has no value, or is larger than any key of an exam needs."""


MAX_CHARS: Final = 300
MAX_STEPS: Final = 8
MAX_NESTING: Final = 16
MAX_DIGITS: Final = 15
MAX_EXPONENT: Final = 64
#: Of numerator and denominator, of every intermediate value.
MAX_BITS: Final = 512
#: Sums of roots and π that are multiplied with each other double their terms.
MAX_TERMS: Final = 16
#: Roots and π are raised by repeated multiplication: the product of all their exponents in one expression.
MAX_IRRATIONAL_EXPONENTS: Final = 64


def evaluate(expression: str) -> Value:
    """The value of the last step. Raises ExpressionRejected; its cost is bounded for any text."""
    if len(expression) > MAX_CHARS:
        raise ExpressionRejected(f"an expression has at most {MAX_CHARS} characters")
    steps = [step for step in re.split("[;؛\n]", expression) if step.strip()]
    if not 0 < len(steps) <= MAX_STEPS:
        raise ExpressionRejected(f"an expression has 1 to {MAX_STEPS} steps")
    names: dict[str, Value] = {}
    try:
        for step in steps:
            name, *sides = step.split("=")
            value = _value_of(sides if _is_name(name) and sides else [name, *sides], names)
            if sides and _is_name(name):
                names[normalize(name)] = value
    except ArithmeticError as err:
        raise ExpressionRejected("the expression divides by zero or overflows") from err
    return value


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same: exactly if both are exact, otherwise to nine digits."""
    if one.is_exact and other.is_exact:
        return one == other
    try:
        first, second = float(one), float(other)
    except OverflowError:
        return False
    return abs(first - second) <= _TOLERANCE * max(1.0, abs(first), abs(second))


def compare(one: Value, other: Value) -> int:
    """-1, 0 or 1. Raises ExpressionRejected for values that are too large to be compared."""
    try:
        return 0 if equal(one, other) else 1 if other < one else -1
    except OverflowError as err:
        raise ExpressionRejected("the values are too large") from err


def _is_name(text: str) -> bool:
    """Whether it is one word that means nothing else."""
    name = normalize(text)
    return _NAME.fullmatch(name) is not None and name not in {*_FUNCTIONS, *_ROOT_NAMES, *_PI_NAMES}


def _value_of(sides: Sequence[str], names: Mapping[str, Value]) -> Value:
    """The value that all sides of an equation have: a step may state its result, as in 6*12=72."""
    value, *others = [_Reader(side, names).whole() for side in sides]
    if not all(equal(value, other) for other in others):
        raise ExpressionRejected("the sides of an equation differ")
    return value


def _bounded(value: Value) -> Value:
    if not value.is_within(terms=MAX_TERMS, bits=MAX_BITS):
        raise ExpressionRejected("a value has too many terms or digits")
    return value


class _Reader:
    """Reads one step from left to right, by recursive descent."""

    def __init__(self, text: str, names: Mapping[str, Value]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._irrational_exponents = 1
        self._names = names

    def whole(self) -> Value:
        value = self._sum()
        if self._next():
            raise ExpressionRejected("an operator or a bracket is missing")
        return value

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        """The next token if it is one of these, or nothing."""
        token = self._next()
        if token in wanted:
            self._at += 1
            return token
        return ""

    def _sum(self) -> Value:
        value = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            value = _bounded(value + right if sign == "+" else value - right)
        return value

    def _product(self) -> Value:
        value = self._signed()
        while True:
            if sign := self._take("*", "/", "%"):
                value = _bounded(_PRODUCTS[sign](value, self._signed()))
            elif self._starts_factor():
                value = _bounded(value * self._power())
            else:
                return value

    def _starts_factor(self) -> bool:
        """After an operand: π, a root, a bracket or an earlier step multiplies without a sign, as in 2π and 5√3."""
        return self._next() in {"√", "(", *_PI_NAMES, *self._names}

    def _signed(self) -> Value:
        signs = 0
        while sign := self._take("-", "+"):
            signs += sign == "-"
        value = self._power()
        return value * -1 if signs % 2 else value

    def _power(self) -> Value:
        base = self._percent()
        if not self._take("**"):
            return base
        self._enter()
        exponent = self._signed()
        self._depth -= 1
        return self._raised(base, exponent)

    def _percent(self) -> Value:
        value = self._operand()
        while self._next() == "%" and not self._operand_follows():
            self._at += 1
            value = value / 100
        return value

    def _operand_follows(self) -> bool:
        after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ")"
        return after in {"(", "√"} or after[0].isalnum()

    def _operand(self) -> Value:
        word = self._next()
        self._at += 1
        if word == "(":
            return self._bracket()
        if word == "√" or word in _ROOT_NAMES:
            return self._root()
        if word in _FUNCTIONS:
            return self._function(_FUNCTIONS[word])
        if word in _PI_NAMES:
            return PI
        if word in self._names:
            return self._names[word]
        if not _NUMBER.fullmatch(word):
            raise ExpressionRejected("a number, a bracket or the name of an earlier step is missing")
        return exact(Fraction(word))

    def _bracket(self) -> Value:
        self._enter()
        value = self._sum()
        self._depth -= 1
        if not self._take(")"):
            raise ExpressionRejected("a bracket is not closed")
        return value

    def _root(self) -> Value:
        self._enter()
        value = self._operand()
        self._depth -= 1
        if float(value) < 0:
            raise ExpressionRejected("a negative number has no real root")
        return value.sqrt()

    def _function(self, choose: Callable[[list[Value]], Value]) -> Value:
        if not self._take("("):
            raise ExpressionRejected("a function needs its bracket")
        self._enter()
        values = [self._sum()]
        while self._take(","):
            values.append(self._sum())
        self._depth -= 1
        if not self._take(")"):
            raise ExpressionRejected("a bracket is not closed")
        return choose(values)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ExpressionRejected(f"brackets are nested at most {MAX_NESTING} times")

    def _raised(self, base: Value, exponent: Value) -> Value:
        power = exponent.rational
        if power is not None and power.denominator == _HALVES:
            base, power = base.sqrt(), Fraction(power.numerator)
        if power is None or power.denominator != 1 or abs(power) > MAX_EXPONENT:
            raise ExpressionRejected(f"an exponent is whole or half, and at most {MAX_EXPONENT}")
        times, known = int(power), base.rational
        if known is not None:
            bits = max(known.numerator.bit_length(), known.denominator.bit_length())
            if bits * abs(times) > MAX_BITS:
                raise ExpressionRejected("a power is too large")
            return exact(known**times)
        self._irrational_exponents *= max(1, abs(times))
        if self._irrational_exponents > MAX_IRRATIONAL_EXPONENTS:
            raise ExpressionRejected("a power of a root or of π is too large")
        value = exact(Fraction(1))
        for _ in range(abs(times)):
            value = _bounded(value * base)
        return value if times >= 0 else exact(Fraction(1)) / value


def _tokens(text: str) -> list[str]:
    text = _RAISED.sub(lambda found: "**" + found[0].translate(_RAISED_DIGITS), text)
    text = text.translate(_SAME_SIGNS).replace("^", "**")
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        raise ExpressionRejected("an expression has numbers, operators, brackets and names of steps only")
    if any(sum(map(str.isdigit, token)) > MAX_DIGITS for token in tokens):
        raise ExpressionRejected(f"a number has at most {MAX_DIGITS} digits")
    return [token if token[0].isdigit() else normalize(token) or token for token in tokens]


def _remainder(value: Value, divisor: Value) -> Value:
    if value.rational is None or divisor.rational is None:
        raise ExpressionRejected("only rational numbers have a remainder")
    return exact(value.rational % divisor.rational)


_PRODUCTS: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": _remainder,
}
_FUNCTIONS: Final[Mapping[str, Callable[[list[Value]], Value]]] = {"max": max, "min": min}
_ROOT_NAMES: Final = frozenset({"sqrt", "جذر"})
_PI_NAMES: Final = frozenset({"π", "pi", "ط"})
_TOLERANCE: Final = 1e-9
_HALVES: Final = 2

_RAISED_DIGITS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SAME_SIGNS: Final = str.maketrans(
    "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫×∗·⋅∙÷∕⁄−–٪،[]{}", "01234567890123456789.*****///--%,()()", "٬"
)
_RAISED: Final = re.compile("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?|\*\*|[-+*/%(),√π]|[^\W\d]+")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_NAME: Final = re.compile(r"[^\W\d]+")
