"""Put delimiters around data in a prompt: the data is not an instruction and cannot close its delimiters.

    <trace-481516>
    …
    </trace-481516>

The number is computed from the data, so that equal requests have equal text, and does not occur in the data.
"""

import hashlib
from collections.abc import Mapping
from itertools import count


def delimited(data: Mapping[str, str]) -> str:
    """Return the texts of `data`, each between marks with its name. They must be encodable as UTF-8."""
    number = _number("\n".join(data.values()))
    return "\n".join(f"<{name}-{number}>\n{text}\n</{name}-{number}>" for name, text in data.items())


def _number(text: str) -> str:
    """Return six digits that are not in `text`, or more if `text` contains many candidates."""
    seed = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    numbers = (_candidate(seed, attempt) for attempt in count())
    return next(number for number in numbers if number not in text)


def _candidate(seed: str, attempt: int) -> str:
    digest = hashlib.blake2b(f"{seed}{attempt}".encode(), digest_size=16).digest()
    digits = 6 + attempt // 20
    return f"{int.from_bytes(digest) % 10**digits:0{digits}d}"
