"""Fences around data: what stands between them is never an instruction, and nothing in it can close them.

    <trace-481516>
    …
    </trace-481516>

The number is made from the data, so that the same request is the same text, and is never in the data.
"""

import hashlib
from collections.abc import Mapping
from itertools import count


def fenced(data: Mapping[str, str]) -> str:
    """Every text of `data` between marks with its name, in order. The texts are encodable as UTF-8."""
    number = _number("\n".join(data.values()))
    return "\n".join(f"<{name}-{number}>\n{text}\n</{name}-{number}>" for name, text in data.items())


def _number(text: str) -> str:
    """Six digits that are not in `text`; more digits where it has them all."""
    seed = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    numbers = (_candidate(seed, attempt) for attempt in count())
    return next(number for number in numbers if number not in text)


def _candidate(seed: str, attempt: int) -> str:
    digest = hashlib.blake2b(f"{seed}{attempt}".encode(), digest_size=16).digest()
    digits = 6 + attempt // 20
    return f"{int.from_bytes(digest) % 10**digits:0{digits}d}"
