"""Bring answers to one notation: `plain(text)` for comparison as text, `latex(text)` for a LaTeX parser."""

import re

LABEL = "\x01"
"""Precedes what was a LaTeX label: a word after it is a unit or a word, not a product of variables."""

# Full-width characters, as East Asian keyboards write them, and signs with a usual LaTeX form.
_CHARACTERS = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        "\u3000": " ",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "、": ",",
        "。": ".",
        "−": "-",
        "–": "-",
        "\u2011": "-",
        "×": "\\times ",
        "·": "\\cdot ",
        "⋅": "\\cdot ",
        "÷": "/",
        "π": "\\pi ",
        "≤": "\\le ",
        "≥": "\\ge ",
        "≠": "\\ne ",
        "≈": "\\approx ",
        "±": "\\pm ",
        "∞": "\\infty ",
        "∪": "\\cup ",
        "∩": "\\cap ",
        "∈": "\\in ",
        "∅": "\\emptyset ",
        "ℝ": "\\mathbb{R}",
        "½": "\\frac{1}{2}",
        "⅓": "\\frac{1}{3}",
        "⅔": "\\frac{2}{3}",
        "¼": "\\frac{1}{4}",
        "¾": "\\frac{3}{4}",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n")
_SUPERSCRIPT = re.compile(r"[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ]{1,20}")
# A Unicode root and its radicand.
_UNICODE_ROOT = re.compile(r"√\s?(?:\(([^()]{1,60})\)|(\d{1,40}|[a-z]))")
# A thousands separator that cannot be a list separator: 29,\!322  29{,}322  29\,322  29'322 .
_THOUSANDS = re.compile(r"(?<=\d)(?:\s?,\\!\s?|\s?\{\s?,\s?\}\s?(?:\\!)?|\\,|\\ |')(?=\d{3}(?!\d))")
# Groups of three digits separated by spaces: 10 500 .
_SPACED = re.compile(r"(?<![\d.,/}])\d{1,3}(?:[ ~]\d{3})+(?![\d/])")
# A number with separators that fills a pair of braces is not a list: \frac{1}{29,322,216}.
_BRACED_NUMBER = re.compile(r"(?<=\{)\d{1,3}(?:,\d{3}){1,8}(?=\})")
# e-notation: 6.02e23, 3.0E+08 .
_E_NOTATION = re.compile(r"(?<![\w.\\{])(-?\d{1,40}(?:\.\d{1,40})?|-?\.\d{1,40})[eE]([+-]?\d{1,4})(?![\w.])")

# A sign as a word: minus 5, negative $50. Not a subtraction: 12 minus 5.
_SIGN_WORD = re.compile(r"(?<![\w)}]\s)(?<!\w)(?:minus|negative)\s(?=\\?\$?\d)", re.IGNORECASE)

# Commands that only change spacing, size or style.
_NO_SPACE = re.compile(
    r"\\!\s?|\\(?:left|right|displaystyle|textstyle|[bB]igg?[lr]?)(?![A-Za-z])|\\(?:limits|nolimits)"
)
_SPACING = re.compile(r"\\[,;: >]|\\q?quad(?![A-Za-z])|~")
_STYLED = re.compile(r"\\(?:mathbf|boldsymbol|textbf|bm|mathit|mathsf|underline|textsf)\s?\{([^{}]{0,200})\}")
_LABEL = re.compile(r"\\(?:text|mbox|textrm|textnormal|textit|mathrm|operatorname|hbox)\s?\{([^{}]{0,200})\}")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_SHORT_FRACTION = re.compile(r"\\frac\s?([0-9])\s?([0-9])(?!\d)")
_HALF_SHORT_FRACTION = re.compile(r"\\frac\s?([0-9])\s?\{")
_SHORT_ROOT = re.compile(r"\\sqrt\s?([0-9a-z])(?![0-9A-Za-z])")
_DEGREES = re.compile(r"\^\s?\{\s?\\circ\s?\}|\^\s?\\circ(?![a-z])|\\degree(?![a-z])|\^?°")
_DOLLAR = re.compile(r"\\\$|(?<=\d)\$|\$(?=\s?[-\d.])")
# Mathematics among words: $28$ percent, $1$ and $2$. Not two prices: $5 and $10.
_INNER_MATH = re.compile(r"(?<!\\)\$(?=\S)([^$]{1,300}?)(?<=[^\s\\])\$(?!\d)")
# White space that separates neither words nor numbers. In `32, 349` it shows that this is a list.
_LOOSE_SPACE = re.compile(r"(?<![0-9A-Za-z,\x01])\s+|(?<=,)\s+(?!\d{3}\b)|\s+(?![0-9A-Za-z\x01])")
_WRAPPINGS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"), ('"', '"'))
_SYNONYMS = (
    (
        re.compile(r"\ball\s(?:the\s)?real(?:s|\snumbers)?\b|\(-\\infty,\+?\\infty\)", re.IGNORECASE),
        "\\mathbb{R}",
    ),
    (re.compile(r"\\varnothing|\\emptyset|\\\{\s?\\\}|\bempty set\b"), "\\emptyset"),
    (re.compile(r"\\leqslant|\\leq?(?![a-z])|<="), "\\le"),
    (re.compile(r"\\geqslant|\\geq?(?![a-z])|>="), "\\ge"),
    (re.compile(r"\\neq?(?![a-z])|!="), "\\ne"),
    (re.compile(r"\\(?:lt)(?![a-z])"), "<"),
    (re.compile(r"\\(?:gt)(?![a-z])"), ">"),
    (re.compile(r"\\(?:dots|cdots|ldots)(?![a-z])|\.\.\.|…"), "\\ldots"),
)


def latex(text: str) -> str:
    """Rewrite Unicode mathematics as LaTeX, e-notation as a power of ten, and drop thousands separators."""
    text = _SUPERSCRIPT.sub(lambda power: f"^{{{power.group().translate(_SUPERSCRIPTS)}}}", text)
    text = text.translate(_CHARACTERS)
    text = _UNICODE_ROOT.sub(lambda root: f"\\sqrt{{{root.group(1) or root.group(2)}}}", text)
    text = _THOUSANDS.sub("", text)
    text = _E_NOTATION.sub(lambda number: f"{number[1]} \\times 10^{{{int(number[2])}}}", text)
    text = _SPACED.sub(lambda number: re.sub("[ ~]", "", number.group()), text)
    return _BRACED_NUMBER.sub(lambda number: number.group().replace(",", ""), text)


def unwrapped(answer: str) -> str:
    """Return an answer without the delimiters of mathematics, bold text or code around the whole of it."""
    answer = answer.strip().rstrip(".").strip()
    for left, right in _WRAPPINGS:
        inner = answer[len(left) : len(answer) - len(right)]
        if answer.startswith(left) and answer.endswith(right) and inner.strip() and left not in inner:
            answer = inner.strip()
    return answer


def plain(answer: str) -> str:
    """Return the normal form of an answer's notation; `LABEL` stands before what was a LaTeX label."""
    answer = latex(_SIGN_WORD.sub("-", _INNER_MATH.sub(r"\1", unwrapped(answer))))
    if "\\" in answer or "°" in answer:
        answer = _STYLED.sub(r"\1", _SPACING.sub(" ", _NO_SPACE.sub("", answer)))
        answer = answer.replace("\\%", "%").replace("\\#", "#").replace("\\&", "&").replace("\\_", "_")
        answer = _LABEL.sub(lambda label: f" {LABEL}{label[1].strip()} ", answer)
        answer = _DEGREES.sub(f" {LABEL}degrees ", answer)
        answer = _FRACTION.sub(r"\\frac", answer)
        answer = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", answer)
        answer = _HALF_SHORT_FRACTION.sub(r"\\frac{\1}{", answer)
        answer = _SHORT_ROOT.sub(r"\\sqrt{\1}", answer)
    for pattern, word in _SYNONYMS:
        answer = pattern.sub(word.replace("\\", r"\\"), answer)
    answer = _DOLLAR.sub("$", answer)
    return _LOOSE_SPACE.sub("", answer.strip().rstrip(".").strip())
