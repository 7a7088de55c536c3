"""Detect texts that end in a loop. The rule looks at the tail only and takes linear time.

A looping student repeats itself until it is cut off, so the end of its text compresses far better than
reasoning does, even reasoning as repetitive as mathematics. The limits were chosen on real long traces: their
last 8,000 characters compress to a quarter or a third of their size, including enumerations of cases; loops
compress to a tenth or less.
"""

import zlib

TAIL_RATIOS = {2_000: 0.12, 8_000: 0.15}
"""Length of a tail in characters -> compression ratio below which the tail is a loop."""
MIN_CHARACTERS = 1_000
"""Shorter texts are never loops: a table of ten rows is just as regular."""


def is_degenerate(text: str) -> bool:
    """Return whether `text` ends in a loop, that is, repeats the same words over and over."""
    if len(text) < MIN_CHARACTERS:
        return False
    return any(_compression_ratio(text[-length:]) < ratio for length, ratio in TAIL_RATIOS.items())


def _compression_ratio(text: str) -> float:
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, level=6)) / len(data)
