"""Pairs that a grader gets wrong easily, made from real gold answers.

    adversarial_pairs(golds, count, seed) -> [AdversarialPair(gold, prediction, equal, kind), ...]

Mutations change a gold answer a little: a digit, the sign, the unit, an exponent, a bracket, the order of a
tuple, the rounding, an item. Rewrites write the same answer in another way. A rule skips gold answers that it
does not fit, so that the label is right by construction.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

_INTEGER = re.compile(r"-?[1-9]\d*")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_FRACTION = re.compile(r"(-?)\\frac\{(\d+)\}\{(\d+)\}")
_TUPLE = re.compile(r"[(\[]([^()\[\],]+),([^()\[\],]+)[)\]]")
_ROOT = re.compile(r"(\d+)\\sqrt\{(\d+)\}")


@dataclass(frozen=True)
class AdversarialPair:
    """A gold answer, a prediction, whether they are equal, and the rule that made the prediction."""

    gold: str
    prediction: str
    equal: bool
    kind: str


Rule: TypeAlias = Callable[[random.Random, str], str | tuple[str, str] | None]
"""Makes a prediction from a gold answer, or a pair of its own; None where it does not fit."""


def _digit(rng: random.Random, gold: str) -> str | None:
    """Change one digit of a number; never a leading zero, and no digit of a command."""
    if not (_INTEGER.fullmatch(gold) or _DECIMAL.fullmatch(gold) or _FRACTION.fullmatch(gold)):
        return None
    places = [m.start() for m in re.finditer(r"\d", gold)]
    at = rng.choice(places)
    digit = rng.choice([d for d in "123456789" if d != gold[at]])
    changed = gold[:at] + digit + gold[at + 1 :]
    return None if _value(changed) == _value(gold) else changed


def _sign(_: random.Random, gold: str) -> str | None:
    if _value(gold) in (None, 0):
        return None
    return gold[1:] if gold.startswith("-") else f"-{gold}"


def _unit(rng: random.Random, gold: str) -> tuple[str, str] | None:
    if not _INTEGER.fullmatch(gold):
        return None
    first, second = rng.choice(
        [
            (r"\text{ cm}", r"\text{ m}"),
            (r"\text{ hours}", r"\text{ minutes}"),
            (r"\text{ cm}^2", r"\text{ cm}^3"),
            (r"\text{ km/h}", r"\text{ m/s}"),
            (r"\text{ dollars}", r"\text{ cents}"),
            (r"\text{ m}^2", r"\text{ m}"),
        ]
    )
    return gold + first, gold + second


def _exponent(rng: random.Random, gold: str) -> str | None:
    match = re.search(r"\^\{?(\d+)\}?", gold)
    if not match or "=" in gold or re.search(r"(?<!\d)[01]\^", gold):
        return None
    other = int(match[1]) + rng.choice([1, 2])
    return f"{gold[: match.start()]}^{{{other}}}{gold[match.end() :]}"


def _bracket(rng: random.Random, gold: str) -> str | None:
    gold = re.sub(r"\\(?:left|right)", "", gold)
    if not _TUPLE.fullmatch(gold) or not re.search(r"\\infty|\[|\]", gold):
        return None
    left = "[" if gold[0] == "(" else "("
    right = "]" if gold[-1] == ")" else ")"
    return rng.choice([left + gold[1:], gold[:-1] + right])


def _order(_: random.Random, gold: str) -> str | None:
    gold = re.sub(r"\\(?:left|right)", "", gold)
    match = _TUPLE.fullmatch(gold)
    if not match or match[1].strip() == match[2].strip():
        return None
    return f"{gold[0]}{match[2].strip()}, {match[1].strip()}{gold[-1]}"


def _rounding(rng: random.Random, gold: str) -> str | None:
    """A fraction rounded to two to four digits, or an integer off by a little."""
    value = _value(gold)
    if value is None or value == 0:
        return None
    if value.denominator == 1:
        return f"{gold}.{rng.choice(['4', '0001', '00000004', '5'])}"
    rounded = f"{float(value):.{rng.choice([2, 3, 4])}f}"
    return None if abs(Fraction(rounded) - value) <= abs(value) / 10**5 else rounded


def _more(rng: random.Random, gold: str) -> str | None:
    if _value(gold) is None:
        return None
    return rng.choice([f"{gold}, {rng.randint(1, 99)}", f"{gold}\\pi", f"{gold} \\text{{ or }} -7919"])


def _inverse(_: random.Random, gold: str) -> str | None:
    match = _FRACTION.fullmatch(gold)
    if not match or match[2] == match[3] or int(match[2]) == 0:
        return None
    return f"{match[1]}\\frac{{{match[3]}}}{{{match[2]}}}"


def _scale(rng: random.Random, gold: str) -> str | None:
    if not _INTEGER.fullmatch(gold):
        return None
    return rng.choice(
        [gold + "0", gold + "00", f"{gold[:-1]}.{gold[-1]}" if len(gold.lstrip("-")) > 1 else gold + "0"]
    )


def _tiny(rng: random.Random, gold: str) -> tuple[str, str] | None:
    """Two small numbers whose difference is smaller than any fixed tolerance."""
    if not _INTEGER.fullmatch(gold):
        return None
    number = abs(int(gold))
    power = rng.randint(25, 700)
    return rng.choice(
        [
            (f"\\frac{{1}}{{2^{{{power}}}}}", f"\\frac{{1}}{{2^{{{power + 1}}}}}"),
            (f"\\frac{{{number}}}{{10^{{{power}}}}}", f"\\frac{{{number + 1}}}{{10^{{{power}}}}}"),
            (f"{number} \\times 10^{{-{power}}}", f"{number + 1} \\times 10^{{-{power}}}"),
            (f"{number}e-{power}", f"{number + 1}e-{power}"),
            (f"1-\\frac{{1}}{{3^{{{power}}}}}", f"1-\\frac{{1}}{{3^{{{power + 1}}}}}"),
        ]
    )


def _styled(rng: random.Random, gold: str) -> str | None:
    wrapped = [f"${gold}$", f"\\({gold}\\)", f"\\boxed{{{gold}}}", f" {gold} ", f"{gold}."]
    if "\\frac" in gold:
        wrapped += [gold.replace("\\frac", "\\dfrac"), gold.replace("\\frac", "\\tfrac")]
    if "(" in gold and "\\left" not in gold and "=" not in gold:
        wrapped.append(
            gold.replace("(", "\\left(").replace(")", "\\right)")
            if gold.count("(") == gold.count(")")
            else gold
        )
    return rng.choice(wrapped)


def _same_number(rng: random.Random, gold: str) -> str | None:
    value = _value(gold)
    if value is None:
        return None
    forms = [f"x = {gold}", f"{gold}\\text{{ units}}"]
    if value.denominator == 1:
        forms += [f"{gold}.0", f"{gold}.00", f"{value * 3}/3", f"\\frac{{{value * 7}}}{{7}}"]
        if abs(value) >= 1_000:
            forms += [
                f"{int(value):,}",
                f"{int(value):,}".replace(",", "{,}"),
                f"{int(value):,}".replace(",", "\\,"),
            ]
            forms += [f"{int(value):,}".replace(",", " "), f"\\${int(value):,}"]
    else:
        forms.append(f"{value.numerator}/{value.denominator}")
        forms.append(f"\\frac{{{value.numerator * 3}}}{{{value.denominator * 3}}}")
        is_finite = 10**12 % value.denominator == 0
        forms.append(f"{float(value):.12f}".rstrip("0") if is_finite else f"{float(value):.10f}")
    return rng.choice(forms)


def _same_root(_: random.Random, gold: str) -> str | None:
    match = _ROOT.fullmatch(gold)
    return f"\\sqrt{{{int(match[1]) ** 2 * int(match[2])}}}" if match else None


def _same_set(rng: random.Random, gold: str) -> str | None:
    items = gold.split(",")
    if (
        len(items) < 2
        or any(re.search(r"[(){}\[\]=\\]|[a-z]", item) for item in items)
        or re.search(r",\d{3}", gold)
    ):
        return None
    rng.shuffle(items)
    joint = rng.choice([", ", ",", " and " if len(items) == 2 else ", "])
    return rng.choice(["{}", "\\{{{}\\}}"]).format(joint.join(item.strip() for item in items))


def _same_sum(_: random.Random, gold: str) -> str | None:
    """Exchange the terms of a sum of two."""
    match = re.fullmatch(
        r"(\d+|\d*\\(?:sqrt|frac)\{[^{}]+\}(?:\{[^{}]+\})?|\d*[a-z])\s?\+\s?"
        r"(\d+|\d*\\sqrt\{[^{}]+\}|\d*[a-z])",
        gold,
    )
    return f"{match[2]} + {match[1]}" if match else None


MUTATIONS: dict[str, Rule] = {
    "digit": _digit,
    "sign": _sign,
    "unit": _unit,
    "exponent": _exponent,
    "bracket": _bracket,
    "order": _order,
    "rounding": _rounding,
    "one more": _more,
    "inverse": _inverse,
    "scale": _scale,
    "tiny": _tiny,
}
REWRITES: dict[str, Rule] = {
    "style": _styled,
    "same number": _same_number,
    "same root": _same_root,
    "same set": _same_set,
    "same sum": _same_sum,
}


def adversarial_pairs(golds: Sequence[str], count: int, seed: int = 0) -> list[AdversarialPair]:
    """Make `count` pairs from the gold answers: every rule as often, as far as the answers allow."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    golds = [gold.strip() for gold in golds]
    rules = [(name, rule, False) for name, rule in MUTATIONS.items()]
    rules += [(name, rule, True) for name, rule in REWRITES.items()]
    made = {name: _made_by(rng, rule, golds) for name, rule, _ in rules}
    pairs: dict[tuple[str, str], AdversarialPair] = {}
    while len(pairs) < count and any(made.values()):
        for name, _, equal in rules:
            if made[name] and len(pairs) < count:
                pair = made[name].pop()
                pairs.setdefault(pair, AdversarialPair(*pair, equal, name))
    return list(pairs.values())


def _made_by(rng: random.Random, rule: Rule, golds: Sequence[str]) -> list[tuple[str, str]]:
    """Gold answers, in random order, with what a rule makes of them."""
    pairs = []
    for gold in rng.sample(golds, len(golds)):
        made = rule(rng, gold)
        if made:
            pairs.append(made if isinstance(made, tuple) else (gold, made))
    return pairs


def _value(gold: str) -> Fraction | None:
    if match := _FRACTION.fullmatch(gold):
        return int(f"{match[1]}{match[2]}") / Fraction(int(match[3])) if int(match[3]) else None
    return Fraction(gold) if _INTEGER.fullmatch(gold) or _DECIMAL.fullmatch(gold) else None
