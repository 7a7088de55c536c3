"""The families of generated word problems: each creates a problem from a random generator.

Where something is divided, the numbers are drawn so that every result is a whole number. Any change here
changes the problems of every seed and requires a new `generate.VERSION`.
"""

import random
from collections.abc import Callable

from drp.questions.generators.problem_types import Operator, Problem, Solution, write_problem

_PEOPLE = (
    *(("Maya", "she"), ("Omar", "he"), ("Lena", "she"), ("Tomás", "he"), ("Priya", "she"), ("Jonas", "he")),
    *(
        ("Aiko", "she"),
        ("Samuel", "he"),
        ("Farah", "she"),
        ("Viktor", "he"),
        ("Nadia", "she"),
        ("Elias", "he"),
    ),
    *(("Chloe", "she"), ("Kwame", "he"), ("Ingrid", "she"), ("Mateo", "he"), ("Zoe", "she"), ("Ravi", "he")),
)
_THINGS = (
    "marbles",
    "stickers",
    "seashells",
    "trading cards",
    "beads",
    "stamps",
    "coins",
    "buttons",
    "postcards",
)
_GOODS = (
    "notebooks",
    "mugs",
    "candles",
    "plants",
    "puzzles",
    "scarves",
    "lamps",
    "paint sets",
    "board games",
)
_TREATS = ("cookies", "oranges", "muffins", "plums", "pencils", "tulip bulbs", "eggs", "tiles")
_PLACES = ("a bakery", "a farm shop", "a school", "a museum", "a garden centre", "a small factory")


def _people(rng: random.Random, count: int) -> list[tuple[str, str]]:
    return rng.sample(_PEOPLE, count)


def gains_and_losses(rng: random.Random) -> Problem:
    """A stock that grows and shrinks."""
    (name, they), (friend, _) = _people(rng, 2)
    things = rng.choice(_THINGS)
    solution = Solution()
    stock = rng.randint(30, 200)
    facts = [rng.choice((f"{name} has {stock} {things}", f"{name} starts the week with {stock} {things}"))]
    gains = ("finds {n} more", "buys {n} more", f"gets {{n}} from {friend}", "wins {n} at the fair")
    losses = (f"gives {{n}} to {friend}", "loses {n}", "sells {n} of them", "trades {n} away")
    left = solution.do(*_event(rng, facts, gains, losses, they, things, stock))
    for _ in range(rng.randint(1, 3)):
        what, _, operator, change = _event(rng, facts, gains, losses, they, things, left.value)
        left = solution.do(what, left, operator, change)
    asks = (
        f"How many {things} does {name} have now?",
        f"How many {things} does {they} have in the end?",
        f"What is the number of {things} that {name} has at the end?",
    )
    asked = f"how many {things} {name} has in the end"
    return Problem(write_problem(rng, facts, asks), tuple(facts), asked, things, tuple(solution.computations))


def _event(
    rng: random.Random,
    facts: list[str],
    gains: tuple[str, ...],
    losses: tuple[str, ...],
    they: str,
    things: str,
    stock: int,
) -> tuple[str, int, Operator, int]:
    when = ("Then", "Later", "After that", "The next day")[min(len(facts) - 1, 3)]
    operator: Operator = "+" if stock < 25 or rng.random() < 0.5 else "-"
    change = rng.randint(5, 95) if operator == "+" else rng.randint(4, stock - 10)
    done = rng.choice(gains if operator == "+" else losses).format(n=change)
    facts.append(f"{when} {they} {done}")
    return f"the number of {things} after {they} {done}", stock, operator, change


def shopping(rng: random.Random) -> Problem:
    """Two kinds of goods and the change from a note."""
    ((name, they),) = _people(rng, 1)
    first, second = rng.sample(_GOODS, 2)
    counts, prices = (rng.randint(2, 9), rng.randint(2, 6)), (rng.randint(3, 24), rng.randint(2, 19))
    solution = Solution()
    one = solution.do(f"the cost of the {first}", counts[0], "×", prices[0])
    two = solution.do(f"the cost of the {second}", counts[1], "×", prices[1])
    total = solution.do("the cost of everything", one, "+", two)
    paid = -(-(total.value + 1) // 50) * 50
    facts = [
        rng.choice(
            (
                f"{name} buys {counts[0]} {first} for ${prices[0]} each",
                f"At a market, {name} picks {counts[0]} {first} that cost ${prices[0]} each",
            )
        ),
        rng.choice(
            (
                f"{they.capitalize()} also buys {counts[1]} {second} at ${prices[1]} apiece",
                f"{they.capitalize()} adds {counts[1]} {second} at ${prices[1]} each",
            )
        ),
        f"{they.capitalize()} pays with ${paid}",
    ]
    solution.do("the change", paid, "-", total)
    asks = (f"How much change does {name} get?", "How many dollars of change are due?")
    asked = f"how much change {name} gets"
    return Problem(
        write_problem(rng, facts, asks), tuple(facts), asked, "dollars", tuple(solution.computations)
    )


def comparison(rng: random.Random) -> Problem:
    """Times as many, more and fewer."""
    (first, _), (second, _), (third, _) = _people(rng, 3)
    things = rng.choice(_THINGS)
    base, times = rng.randint(8, 60), rng.randint(2, 6)
    more = rng.random() < 0.5
    difference = rng.randint(3, base - 2)
    solution = Solution()
    other = solution.do(f"the number of {things} that {second} has", base, "×", times)
    last = solution.do(f"the number of {things} that {third} has", other, "+" if more else "-", difference)
    facts = [
        f"{first} has {base} {things}",
        rng.choice(
            (f"{second} has {times} times as many as {first}", f"{second} owns {times} times that number")
        ),
        f"{third} has {difference} {'more' if more else 'fewer'} than {second}",
    ]
    if rng.random() < 0.6:
        pair = solution.do(f"what {first} and {second} have together", base, "+", other)
        solution.do(f"the number of {things} of all three", pair, "+", last)
        asks = (f"How many {things} do the three have together?", f"How many {things} do they have in all?")
        asked = f"how many {things} all three have together"
    else:
        solution.do(f"how many more {things} {third} has than {first}", last, "-", base)
        asks = (
            f"How many more {things} does {third} have than {first}?",
            f"By how many {things} is {third} ahead of {first}?",
        )
        asked = f"how many more {things} {third} has than {first}"
    return Problem(write_problem(rng, facts, asks), tuple(facts), asked, things, tuple(solution.computations))


def journey(rng: random.Random) -> Problem:
    """Speeds and hours of a trip in two parts, and the remaining distance."""
    ((name, they),) = _people(rng, 1)
    speeds, hours = (rng.randint(12, 95), rng.randint(12, 95)), (rng.randint(2, 6), rng.randint(2, 6))
    way = rng.choice(("drives", "rides", "travels"))
    solution = Solution()
    one = solution.do("the distance of the first part", speeds[0], "×", hours[0])
    two = solution.do("the distance of the second part", speeds[1], "×", hours[1])
    total = solution.do("the distance so far", one, "+", two)
    facts = [
        f"{name} {way} for {hours[0]} hours at {speeds[0]} kilometres per hour",
        rng.choice(
            (
                f"After a break {they} goes on for {hours[1]} hours at {speeds[1]} kilometres per hour",
                f"For the next {hours[1]} hours the speed is {speeds[1]} kilometres per hour",
            )
        ),
    ]
    asks: tuple[str, ...] = (
        f"How many kilometres does {name} cover?",
        "How long is the whole way, in kilometres?",
    )
    asked = f"how many kilometres {name} covers"
    if rng.random() < 0.5:
        whole = total.value + rng.randint(15, 240)
        solution.do("the distance that is left", whole, "-", total)
        facts.insert(0, f"A trip is {whole} kilometres long")
        asks = ("How many kilometres are left?", f"How far does {name} still have to go, in kilometres?")
        asked = "how many kilometres are left"
    return Problem(
        write_problem(rng, facts, asks), tuple(facts), asked, "kilometres", tuple(solution.computations)
    )


def sharing(rng: random.Random) -> Problem:
    """Boxes of goods; some are spoilt and the rest are shared without remainder."""
    things, place = rng.choice(_TREATS), rng.choice(_PLACES)
    boxes, in_box = rng.randint(6, 18), rng.randint(8, 24)
    groups = rng.randint(3, 9)
    spoilt = boxes * in_box % groups + groups * rng.randint(1, 3)
    who = rng.choice(("tables", "classes", "families", "baskets", "teams"))
    solution = Solution()
    total = solution.do(f"all the {things}", boxes, "×", in_box)
    good = solution.do(f"the {things} that can be used", total, "-", spoilt)
    each = solution.do(f"what each of the {groups} {who} gets", good, "÷", groups)
    facts = [
        rng.choice(
            (
                f"{place.capitalize()} receives {boxes} boxes with {in_box} {things} in each",
                f"There are {boxes} boxes at {place}, and every box holds {in_box} {things}",
            )
        ),
        rng.choice(
            (
                f"{spoilt} of the {things} are damaged and thrown away",
                f"{spoilt} {things} turn out to be spoilt",
            )
        ),
        f"The rest are shared equally among {groups} {who}",
    ]
    asks: tuple[str, ...] = (
        f"How many {things} does each of the {who} get?",
        f"How many {things} are there for each?",
    )
    asked = f"how many {things} each of the {who} gets"
    if rng.random() < 0.4:
        extra = rng.randint(2, 12)
        solution.do("what each has after the extra ones", each, "+", extra)
        facts.append(f"Each of the {who} already had {extra}")
        asks = (f"How many {things} does each of the {who} have now?",)
        asked = f"how many {things} each of the {who} has now"
    return Problem(write_problem(rng, facts, asks), tuple(facts), asked, things, tuple(solution.computations))


def fractions(rng: random.Random) -> Problem:
    """A fraction of a stock, and a fraction of what is left."""
    ((name, they),) = _people(rng, 1)
    things = rng.choice(_THINGS)
    parts, taken = rng.choice(((3, 1), (3, 2), (4, 1), (4, 3), (5, 2), (5, 3), (6, 1), (8, 3)))
    second = rng.randint(2, 5)
    stock = parts * second * rng.randint(2, 14)
    solution = Solution()
    part = solution.do(f"one {_ORDINALS[parts]} of the {things}", stock, "÷", parts)
    given = part if taken == 1 else solution.do(f"{taken}/{parts} of the {things}", part, "×", taken)
    rest = solution.do(f"the {things} that remain", stock, "-", given)
    sold = solution.do(f"one {_ORDINALS[second]} of the rest", rest, "÷", second)
    facts = [
        f"{name} has {stock} {things}",
        rng.choice(
            (
                f"{they.capitalize()} gives away {taken}/{parts} of them",
                f"{taken}/{parts} of them go to a friend",
            )
        ),
        f"Then {they} sells 1/{second} of what is left",
    ]
    if rng.random() < 0.5:
        solution.do(f"the {things} at the end", rest, "-", sold)
        asks = (f"How many {things} does {name} still have?", f"How many {things} are left in the end?")
        asked = f"how many {things} {name} still has"
    else:
        asks = (f"How many {things} does {name} sell?", f"How many {things} are sold?")
        asked = f"how many {things} {name} sells"
    return Problem(write_problem(rng, facts, asks), tuple(facts), asked, things, tuple(solution.computations))


_ORDINALS = {2: "half", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 8: "eighth"}


def discount(rng: random.Random) -> Problem:
    """A discount in percent, plus delivery."""
    ((name, they),) = _people(rng, 1)
    thing = rng.choice(("bicycle", "desk", "camera", "guitar", "tent", "coat", "bookshelf", "telescope"))
    percent = rng.choice((5, 10, 15, 20, 25, 30, 40))
    price, delivery = 20 * rng.randint(3, 45), rng.randint(4, 35)
    solution = Solution()
    hundredfold = solution.do(f"{percent} times the price", price, "×", percent)
    off = solution.do(f"{percent}% of the price", hundredfold, "÷", 100)
    reduced = solution.do("the reduced price", price, "-", off)
    solution.do("the price with delivery", reduced, "+", delivery)
    facts = [
        rng.choice((f"A {thing} costs ${price}", f"The regular price of a {thing} is ${price}")),
        rng.choice((f"In a sale it is reduced by {percent}%", f"{name} has a voucher for {percent}% off")),
        rng.choice(
            (f"{name} also pays ${delivery} for delivery", f"Delivery costs {name} another ${delivery}")
        ),
    ]
    asks = (
        f"How many dollars does {name} pay in total?",
        f"How much does {they} pay altogether, in dollars?",
    )
    asked = f"how many dollars {name} pays in total"
    return Problem(
        write_problem(rng, facts, asks), tuple(facts), asked, "dollars", tuple(solution.computations)
    )


def garden(rng: random.Random) -> Problem:
    """The area or perimeter of a rectangle, and its cost."""
    ((name, _),) = _people(rng, 1)
    place = rng.choice(("garden", "yard", "field", "courtyard"))
    width, price = rng.randint(6, 30), rng.randint(2, 15)
    length = width + rng.randint(3, 20)
    solution = Solution()
    facts = [f"{name}'s rectangular {place} is {length} metres long and {width} metres wide"]
    if rng.random() < 0.5:
        pond = rng.randint(4, 40)
        area = solution.do(f"the area of the {place}", length, "×", width)
        free = solution.do("the area without the pond", area, "-", pond)
        solution.do("the cost of the grass", free, "×", price)
        facts += [
            f"A pond takes up {pond} square metres of it",
            f"Grass for the rest costs ${price} per square metre",
        ]
        asks = ("How many dollars does the grass cost?", "What is the cost of the grass, in dollars?")
        asked = "how many dollars the grass costs"
    else:
        gate = rng.randint(2, 6)
        half = solution.do("half of the perimeter", length, "+", width)
        perimeter = solution.do("the whole perimeter", half, "×", 2)
        fence = solution.do("the length of the fence", perimeter, "-", gate)
        solution.do("the cost of the fence", fence, "×", price)
        facts += [
            f"A fence goes all around it, except for a gate of {gate} metres",
            f"One metre of fence costs ${price}",
        ]
        asks = ("How many dollars does the fence cost?", f"What does {name} pay for the fence, in dollars?")
        asked = "how many dollars the fence costs"
    return Problem(
        write_problem(rng, facts, asks), tuple(facts), asked, "dollars", tuple(solution.computations)
    )


def production(rng: random.Random) -> Problem:
    """Hourly output over hours and days, packed into boxes."""
    things = rng.choice(("bottles", "chairs", "bulbs", "toys", "bricks", "jars", "cups"))
    rate, hours, days, in_box = rng.randint(5, 15), rng.randint(4, 9), rng.randint(3, 7), rng.randint(4, 9)
    kept = rng.randint(0, 3) * in_box + rate * hours * days % in_box
    solution = Solution()
    daily = solution.do(f"the {things} of one day", rate, "×", hours)
    total = solution.do(f"the {things} of all days", daily, "×", days)
    facts = [
        rng.choice(
            (f"A machine makes {rate} {things} an hour", f"A workshop finishes {rate} {things} every hour")
        ),
        f"It runs {hours} hours a day for {days} days",
    ]
    if kept:
        total = solution.do(f"the {things} to be packed", total, "-", kept)
        facts.append(f"{kept} of the {things} {'is' if kept == 1 else 'are'} kept as samples")
    solution.do("the number of boxes", total, "÷", in_box)
    facts.append(f"The {things} {'that remain ' if kept else ''}are packed into boxes of {in_box}")
    asks = ("How many boxes are filled?", "How many boxes are needed?")
    return Problem(
        write_problem(rng, facts, asks),
        tuple(facts),
        "how many boxes are filled",
        "boxes",
        tuple(solution.computations),
    )


FAMILIES: tuple[Callable[[random.Random], Problem], ...] = (
    gains_and_losses,
    shopping,
    comparison,
    journey,
    sharing,
    fractions,
    discount,
    garden,
    production,
)
