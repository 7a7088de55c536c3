"""Give LaTeX and Unicode mathematics a single spelling, so that `\\frac{1}{2}` and `1/2` are equal texts.

Everything here is linear in the length of the text: repetition is bounded. Patterns start with a literal
character where possible and use a lookbehind for what precedes it, because `re` then skips directly to such
characters, which is several times as fast.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ"
_SUPERSCRIPTS = str.maketrans(_RAISED, "0123456789-n")
_SUPERSCRIPT = re.compile(f"[{_RAISED}]+")  # powers written in Unicode
_SPELLINGS = {
    "\\times": "*",
    "\\cdot": "*",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∗": "*",
    "÷": "/",
    "\\div": "/",
    "−": "-",
    "–": "-",
    "‑": "-",
    "\\pi": "π",
    "\\infty": "∞",
    "\\cup": "∪",
    "\\le": "≤",
    "\\leq": "≤",
    "\\ge": "≥",
    "\\geq": "≥",
    "\\%": "%",
    "\\$": "",
    "\\pm": "±",
    "\\neq": "≠",
    "\\ne": "≠",
    "\\approx": "≈",
    "\\equiv": "≡",
    "\\dfrac": "\\frac",
    "\\tfrac": "\\frac",
    "\\cfrac": "\\frac",
    "\\degree": "°",
    "^\\circ": "°",
    "^{\\circ}": "°",
    "\\implies": " ⇒ ",
    "\\Rightarrow": " ⇒ ",
    "\\to": "→",
    "\\rightarrow": "→",
    "\\left": "",
    "\\right": "",
    "\\big": "",
    "\\Big": "",
    "\\displaystyle": "",
    "\\quad": " ",
    "\\qquad": " ",
    "\\,": "",
    "\\!": "",
    "\\;": " ",
    "\\:": " ",
    "\\ ": " ",
    "\\[": " ",
    "\\]": " ",
    "\\(": "",
    "\\)": "",
    "$": "",
    "**": "",
    "`": "",
    "\\\\": " ",
    "&": "",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": "",
}
_SPELLED = re.compile(  # every key of _SPELLINGS, but no longer macro with the same beginning
    "|".join([r"\^\{?\\circ\}?", r"\\[a-zA-Z]+", r"\\[,!;:\[\]()\\%$ ]", r"\*\*"])
    + "".join("|" + re.escape(character) for character in "×·⋅∗÷−–‑$`&\u00a0\u202f\u2009")
)
_WRAPPER = re.compile(
    r"\\(?:text|mathrm|mathbf|textbf|operatorname|boxed|mbox|textit)\s?\{([^{}\n]{0,300})\}"
)  # only its content is shown
_BARE_FRACTION = re.compile(r"\\frac\s?(\d)\s?(\d)")  # \frac12
_ROOT = re.compile(r"\\sqrt\s?\{([^{}\n]{0,300})\}")  # innermost roots
_FRACTION = re.compile(r"\\frac\s?\{([^{}\n]{0,300})\}\s?\{([^{}\n]{0,300})\}")  # innermost fractions
_POWER = re.compile(r"([\^_])\{([^{}\n]{0,300})\}")  # braced powers and indices
_SPELLED_ROOT = re.compile(r"\bsqrt\s?\(?(\w{1,20})\)?")  # sqrt(3), sqrt 3
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d\d\d(?!\d))")  # 1,000
_COORDINATES = re.compile(r", (?<=[\d)], )(?=[-\d√(])")  # (1, 2) is (1,2)
_PRODUCT = re.compile(r"\*(?<=\d\*)(?=[a-zA-Z√π(])")  # 2*x is 2x
_SPACED = re.compile(r" (?:(?=[=+*/^√≤≥<>≈≡])|(?<=[=+*/^√≤≥<>≈≡] ))")  # these spaces carry no meaning
_ATOM = re.compile(r"-?[\w.√π]{1,60}")


def _grouped(inner: str) -> str:
    inner = inner.strip()
    return inner if _ATOM.fullmatch(inner) else f"({inner})"


def plain_lines(texts: Sequence[str]) -> list[str]:
    """Return each text in plain spelling: no LaTeX, no spaces around operators, one space between words."""
    joined = "\n".join(text.replace("\n", " ") for text in texts)
    if any(map(joined.__contains__, _RAISED)):
        joined = _SUPERSCRIPT.sub(lambda m: "^" + m.group().translate(_SUPERSCRIPTS), joined)
    joined = _SPELLED.sub(lambda m: _SPELLINGS.get(m[0], m[0]), joined)
    if "\\" in joined:
        if "\\frac" in joined:
            joined = _BARE_FRACTION.sub(r"\\frac{\1}{\2}", joined)
        for _ in range(4):  # deeper nesting is left unchanged
            before = joined
            joined = _WRAPPER.sub(r" \1 ", joined)
            if "\\sqrt" in joined:
                joined = _ROOT.sub(lambda m: "√" + _grouped(m[1]), joined)
            if "\\frac" in joined:
                joined = _FRACTION.sub(lambda m: _grouped(m[1]) + "/" + _grouped(m[2]), joined)
            if "^{" in joined or "_{" in joined:
                joined = _POWER.sub(lambda m: m[1] + _grouped(m[2]), joined)
            if joined == before:
                break
    if "sqrt" in joined:
        joined = _SPELLED_ROOT.sub(r"√\1", joined)
    joined = _THOUSANDS.sub("", joined)
    for leftover in "{}\\":
        joined = joined.replace(leftover, "")
    joined = "\n".join(" ".join(line.split()) for line in joined.split("\n"))
    joined = _SPACED.sub("", joined)
    joined = joined.replace(" - ", "-").replace("( ", "(").replace(" )", ")")
    joined = _COORDINATES.sub(",", joined)
    joined = _PRODUCT.sub("", joined)
    return [line.strip() for line in joined.split("\n")]


@lru_cache(maxsize=64)  # question and summary are read again and again while a trace is judged
def plain(text: str) -> str:
    """Return one text in plain spelling (see `plain_lines`)."""
    return plain_lines([text])[0]
