"""Small word problems: numbers up to 60 and two or three computations, for a student with under a million
parameters. Longer problems, with four computations, show whether fine-tuning on shorter ones leaves a student
able to solve them.

    problem = draw(random.Random(7), "test")            # 2 or 3 computations
    problem = draw(random.Random(7), "test", LONGER)    # 4

There are five families: a changing stock, shopping, comparison, sharing and work. The splits for
pre-training, training, model selection and evaluation are disjoint, because the text of a problem decides its
split (`split_of`). Any change here changes the problems of every seed and requires a new
`generate.SMALL_VERSION`.
"""

import hashlib
import random
from collections.abc import Callable
from typing import Literal, TypeAlias

from drp.questions.generators.problem_types import Operand, Operator, Problem, Solution, write_problem

SmallSplit: TypeAlias = Literal["pretrain", "train", "validation", "test"]
Steps: TypeAlias = tuple[int, ...]

LARGEST = 60
"""Upper bound of all numbers in a problem and its computations."""
SHORT: Steps = (2, 3)
"""Possible numbers of computations in a problem."""
LONGER: Steps = (4,)
"""One computation more than in the problems of level `small`, which students are fine-tuned with."""
SHARES: dict[SmallSplit, int] = {"pretrain": 12, "train": 6, "validation": 1, "test": 1}
"""How many of twenty problems belong to each split."""

_BUCKETS = [split for split, share in SHARES.items() for _ in range(share)]
_NAMES = ("Mia", "Tom", "Ana", "Ben", "Lily", "Sam", "Zoe", "Max", "Eva", "Leo", "Ruby", "Jack")
_THINGS = (
    *("apples", "books", "cards", "coins", "cookies"),
    *("flowers", "marbles", "pencils", "shells", "stickers"),
)


def split_of(text: str) -> SmallSplit:
    """Return the split that a problem with this text belongs to."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return _BUCKETS[int.from_bytes(digest, "little") % len(_BUCKETS)]


def draw(rng: random.Random, split: SmallSplit, steps: Steps = SHORT) -> Problem:
    """Return a random problem of `split`; `steps` are the possible numbers of computations."""
    family, count = rng.choice(FAMILIES), rng.choice(steps)
    while True:
        problem = family(rng, count)
        if split_of(problem.text) == split and _is_small(problem):
            return problem


def _is_small(problem: Problem) -> bool:
    return all(
        2 <= number <= LARGEST
        for computation in problem.computations
        for number in (computation.left.value, computation.right.value, computation.result)
    )


def stock(rng: random.Random, steps: int) -> Problem:
    """A stock that grows and shrinks."""
    name, friend = rng.sample(_NAMES, 2)
    things = rng.choice(_THINGS)
    solution = Solution()
    has = Operand(rng.randint(5, 40))
    facts = [f"{name} has {has.value} {things}"]
    for when in ("", "Then ", "Later ", "At last ")[:steps]:
        gains = has.value < 10 or (has.value < 45 and rng.random() < 0.5)
        operator: Operator = "+" if gains else "-"
        change = rng.randint(2, 20 if gains else min(20, has.value - 2))
        ways = ("buys {n} more", "finds {n} more", "gets {n} from {friend}")
        if not gains:
            ways = ("gives {n} to {friend}", "loses {n}", "sells {n}")
        done = rng.choice(ways).format(n=change, friend=friend)
        has = solution.do(f"the {things} after {name} {done}", has, operator, change)
        facts.append(f"{when}{name} {done}")
    asks = (f"How many {things} does {name} have now?", f"How many {things} does {name} have in the end?")
    asked = f"how many {things} {name} has in the end"
    return Problem(write_problem(rng, facts, asks), tuple(facts), asked, things, tuple(solution.computations))


def shopping(rng: random.Random, steps: int) -> Problem:
    """Goods with unit prices: their total cost, or the change."""
    name = rng.choice(_NAMES)
    solution = Solution()
    facts, costs = [], []
    for things in rng.sample(_THINGS, 1 if steps == 2 else 2):
        count, price = rng.randint(2, 9), rng.randint(2, 9)
        facts.append(f"{name} buys {count} {things} for {price} dollars each")
        costs.append(solution.do(f"the cost of {count} {things} at {price} dollars each", count, "×", price))
    cost = costs[0] if steps == 2 else solution.do("the cost of everything", costs[0], "+", costs[1])
    asked, ask = f"how many dollars {name} spends", f"How many dollars does {name} spend?"
    if steps != 3:
        paid = cost.value + rng.randint(2, 20)
        facts.append(f"{name} pays with {paid} dollars")
        solution.do(f"the change from {paid} dollars", paid, "-", cost)
        asked, ask = "the change", "What is the change?"
    return Problem(
        write_problem(rng, facts, (ask,)), tuple(facts), asked, "dollars", tuple(solution.computations)
    )


def comparison(rng: random.Random, steps: int) -> Problem:
    """Times as many, more and fewer; the answer is for one, two or all three people."""
    first, second, third = rng.sample(_NAMES, 3)
    things = rng.choice(_THINGS)
    solution = Solution()
    base, times = rng.randint(3, 20), rng.randint(2, 5)
    other = solution.do(f"the {things} of {second}, {times} times {base}", times, "×", base)
    operator: Operator = rng.choice(("+", "-"))
    difference = rng.randint(2, max(2, min(15, other.value - 2)))
    compared = f"{difference} {'more' if operator == '+' else 'fewer'}"
    last = solution.do(f"the {things} of {third}, {compared} than {second}", other, operator, difference)
    facts = [
        f"{first} has {base} {things}",
        f"{second} has {times} times as many {things} as {first}",
        f"{third} has {compared} {things} than {second}",
    ]
    asked, ask = f"how many {things} {third} has", f"How many {things} does {third} have?"
    if steps > 2:
        both = solution.do(f"the {things} of {second} and {third}", other, "+", last)
        asked = f"how many {things} {second} and {third} have together"
        ask = f"How many {things} do {second} and {third} have together?"
    if steps > 3:
        solution.do(f"the {things} with the {base} of {first}", both, "+", base)
        asked, ask = f"how many {things} all three have", f"How many {things} do all three have together?"
    return Problem(
        write_problem(rng, facts, (ask,)), tuple(facts), asked, things, tuple(solution.computations)
    )


def sharing(rng: random.Random, steps: int) -> Problem:
    """Boxes of things; some are lost and the rest are shared equally."""
    name = rng.choice(_NAMES)
    things = rng.choice(_THINGS)
    groups = rng.choice(("classes", "friends", "tables", "teams"))
    solution = Solution()
    boxes, in_box, parts = rng.randint(2, 9), rng.randint(3, 12), rng.randint(2, 6)
    lost = boxes * in_box % parts + parts * rng.randint(0, 3) if steps > 2 else 0
    if (boxes * in_box - lost) % parts or lost >= boxes * in_box:  # shares must be whole numbers: draw again
        return sharing(rng, steps)
    have = solution.do(f"the {things} in {boxes} boxes of {in_box}", boxes, "×", in_box)
    facts = [f"{name} has {boxes} boxes with {in_box} {things} each"]
    if steps > 2:
        have = solution.do(f"the {things} left without {lost}", have, "-", lost)
        facts.append(f"{name} loses {lost} {things}")
    share = solution.do(f"the {things} for each of the {parts} {groups}", have, "÷", parts)
    facts.append(f"{parts} {groups} share {'the rest' if steps > 2 else 'them'} equally")
    asked, ask = f"how many {things} each gets", "How many does each get?"
    if steps > 3:
        more = rng.randint(2, 12)
        solution.do(f"the {things} with the {more} more", share, "+", more)
        facts.append(f"Then each finds {more} more {things}")
        asked, ask = f"how many {things} each has", "How many does each have?"
    return Problem(
        write_problem(rng, facts, (ask,)), tuple(facts), asked, things, tuple(solution.computations)
    )


def work(rng: random.Random, steps: int) -> Problem:
    """Hourly output over hours and days; some is given away and the rest is put into bags."""
    name, friend = rng.sample(_NAMES, 2)
    things = rng.choice(_THINGS)
    solution = Solution()
    rate, hours, days = rng.randint(2, 9), rng.randint(2, 6), rng.randint(2, 5)
    daily = solution.do(f"the {things} of one day, {rate} an hour for {hours} hours", rate, "×", hours)
    made = solution.do(f"the {things} of {days} days", daily, "×", days)
    facts = [
        f"{name} works for {days} days, {hours} hours a day",
        f"{name} makes {rate} {things} an hour",
    ]
    asked, ask = f"how many {things} {name} makes", f"How many {things} does {name} make?"
    if steps > 2:
        bags = rng.randint(2, 6)
        given = made.value % bags + bags * rng.randint(0, 3) if steps > 3 else rng.randint(2, 20)
        if given >= made.value:
            return work(rng, steps)
        left = solution.do(f"the {things} left without {given}", made, "-", given)
        facts.append(f"Then {name} gives {given} to {friend}")
        asked, ask = f"how many {things} {name} has left", f"How many {things} does {name} have left?"
    if steps > 3:
        solution.do(f"the {things} in each of the {bags} bags", left, "÷", bags)
        facts.append(f"{name} puts the rest equally into {bags} bags")
        asked, ask = f"how many {things} are in each bag", f"How many {things} are in each bag?"
    return Problem(
        write_problem(rng, facts, (ask,)), tuple(facts), asked, things, tuple(solution.computations)
    )


FAMILIES: tuple[Callable[[random.Random, int], Problem], ...] = (stock, shopping, comparison, sharing, work)
