"""What a pruned text must not contain: letters of another script, and markup of models and teachers.

Both look at each character a bounded number of times.
"""

import re
import unicodedata

_MATHEMATICS = frozenset({"LATIN", "GREEK", "MICRO", "OHM", "KELVIN", "ANGSTROM"})
"""Scripts that mathematics in any language is written in, with the unit signs that are letters to Unicode."""


def foreign_scripts(text: str, question: str) -> dict[str, str]:
    """Scripts of letters in `text` that `question` does not use, each with the letters found.

    Latin, Greek and the alphabets of mathematics belong to every question.
    """
    allowed = _MATHEMATICS | {_script(letter) for letter in set(question) if letter.isalpha()}
    found: dict[str, str] = {}
    for letter in sorted(set(text)):
        if letter.isalpha() and (script := _script(letter)) not in allowed:
            found[script] = found.get(script, "") + letter
    return found


def _script(letter: str) -> str:
    # The name of a letter begins with its script; that of a mathematical variant with the variant
    # (DOUBLE-STRUCK, SCRIPT), and its decomposition is the plain letter.
    if unicodedata.decomposition(letter).startswith("<"):
        if 0x2135 <= ord(letter) <= 0x2138:  # alef to dalet: cardinals
            return "LATIN"
        letter = unicodedata.normalize("NFKC", letter)[0]
    return unicodedata.name(letter, "UNNAMED").split(" ", 1)[0]


# Tags of thinking, answers and structured replies, which chat templates and teachers' prompts use.
_THINK_TAG = re.compile(
    r"</?(?:think|thinking|thought|reasoning|answer|response|step|skill|trace)>", re.IGNORECASE
)
# Tokens of chat templates: <|im_start|>, DeepSeek's <｜User｜>, [INST], <s>, <start_of_turn>.
_TEMPLATE = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|\[/?INST\]|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>"
)
# HTML: named opening tags, since `a <b and c> d` is mathematics, and closing tags of any name, which is not.
_HTML = re.compile(
    r"<(?:br|code|div|em|font|h[1-6]|hr|img|li|ol|pre|span|strong|sub|sup|table|tbody|td|th|thead|tr|ul)"
    r"(?:\s[^<>=\n]{1,40}=[^<>\n]{0,200})?\s?/?>|</[a-z][a-z0-9]{0,20}>|<!--",
    re.IGNORECASE,
)
# A fence that announces a structured reply.
_FENCE = re.compile(r"```\s?(?:json|jsonl|xml|yaml|html|markdown)\b", re.IGNORECASE)
# Labels of a teacher's reply at the start of a line: the four actions, skills, step numbers, headings.
_LABEL = re.compile(
    r"^[ \t]{0,8}[-*#>]{0,4}[ \t]{0,2}[*_\[]{0,3}("
    r"(?:KEEP|DELETE|(?:SINGLE|MULTI)-STEP COMPRESS)\b(?=[\]*_: \t]|$)"
    r"|(?:Skill|Action|Decision|Step)[ \t]?\d{0,4}(?:[ \t]?\([^()\n]{1,60}\))?[*_]{0,3}:"
    r"|(?:Pruned|Revised|Compressed|Synthesi[sz]ed)[ \t](?:trace|step|thinking|reasoning|answer|summary)\b)",
    re.MULTILINE,
)

_ALWAYS = (_THINK_TAG, _TEMPLATE, _HTML, _FENCE)


def leaked_markup(text: str, own: str) -> str | None:
    """The first piece of markup in `text`, or None.

    Tags, template tokens and fences are never a student's. A label such as `Step 3:` is scaffolding only when
    the student's own text (`own`) has none of its sort: many students head their answers that way.
    """
    for pattern in _ALWAYS:
        if match := pattern.search(text):
            return match[0]
    labels = {_sort(match[1]): match[1] for match in _LABEL.finditer(text)}
    if not labels:
        return None
    habits = {_sort(match[1]) for match in _LABEL.finditer(own)}
    return next((label for sort, label in labels.items() if sort not in habits), None)


def _sort(label: str) -> str:
    """A label without its number."""
    return re.split(r"[\W\d_]", label, maxsplit=1)[0]
