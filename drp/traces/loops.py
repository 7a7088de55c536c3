"""Does a text loop? A rule on its tail, in linear time.

A student that loops says the same thing until it is cut, so the end of its text compresses far better than
reasoning does, be it as repetitive as mathematics is. The limits were chosen on real long traces: their
last 8,000 characters compress to a quarter or a third, enumerations of cases included; loops to a tenth or
less.
"""

import zlib

TAIL_RATIOS = {2_000: 0.12, 8_000: 0.15}
"""Length of a tail in characters -> a tail that deflates to less than this share of its bytes loops."""
MIN_CHARACTERS = 1_000
"""Shorter texts cannot be told: a table of ten rows is as regular."""


def is_degenerate(text: str) -> bool:
    """Whether `text` ends in a loop: the same words over and over."""
    if len(text) < MIN_CHARACTERS:
        return False
    return any(_deflated(text[-length:]) < ratio for length, ratio in TAIL_RATIOS.items())


def _deflated(text: str) -> float:
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, level=6)) / len(data)
