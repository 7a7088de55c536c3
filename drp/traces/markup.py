"""Find what a pruned text must not contain: letters of another script, and markup of models and teachers.

Both checks look at each character a bounded number of times.
"""

import re
import unicodedata

_MATHEMATICS = frozenset({"LATIN", "GREEK", "MICRO", "OHM", "KELVIN", "ANGSTROM"})
"""Scripts used for mathematics in any language, including unit signs that Unicode classifies as letters."""


def foreign_scripts(text: str, question: str) -> dict[str, str]:
    """Return the scripts of letters in `text` that `question` does not use, each with the letters found.

    Latin, Greek and the mathematical alphabets are always allowed.
    """
    allowed = _MATHEMATICS | {_script(letter) for letter in set(question) if letter.isalpha()}
    foreign: dict[str, str] = {}
    for letter in sorted(set(text)):
        if letter.isalpha() and (script := _script(letter)) not in allowed:
            foreign[script] = foreign.get(script, "") + letter
    return foreign


def _script(letter: str) -> str:
    # The Unicode name of a letter begins with its script. The name of a mathematical variant begins with the
    # variant (DOUBLE-STRUCK, SCRIPT); its decomposition is the plain letter.
    if unicodedata.decomposition(letter).startswith("<"):
        if 0x2135 <= ord(letter) <= 0x2138:  # alef to dalet denote cardinal numbers
            return "LATIN"
        letter = unicodedata.normalize("NFKC", letter)[0]
    return unicodedata.name(letter, "UNNAMED").split(" ", 1)[0]


# Tags around thinking, answers and structured replies in chat templates and teacher prompts.
_THINK_TAG = re.compile(
    r"</?(?:think|thinking|thought|reasoning|answer|response|step|skill|trace)>", re.IGNORECASE
)
# Tokens of chat templates: <|im_start|>, DeepSeek's <｜User｜>, [INST], <s>, <start_of_turn>.
_TEMPLATE = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|\[/?INST\]|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>"
)
# HTML: opening tags with a known name (`a <b and c> d` is mathematics), and closing tags with any name.
_HTML = re.compile(
    r"<(?:br|code|div|em|font|h[1-6]|hr|img|li|ol|pre|span|strong|sub|sup|table|tbody|td|th|thead|tr|ul)"
    r"(?:\s[^<>=\n]{1,40}=[^<>\n]{0,200})?\s?/?>|</[a-z][a-z0-9]{0,20}>|<!--",
    re.IGNORECASE,
)
# A code fence around a structured reply.
_FENCE = re.compile(r"```\s?(?:json|jsonl|xml|yaml|html|markdown)\b", re.IGNORECASE)
# Labels of a teacher's reply at the start of a line: the four actions, skills, step numbers and headings.
_LABEL = re.compile(
    r"^[ \t]{0,8}[-*#>]{0,4}[ \t]{0,2}[*_\[]{0,3}("
    r"(?:KEEP|DELETE|(?:SINGLE|MULTI)-STEP COMPRESS)\b(?=[\]*_: \t]|$)"
    r"|(?:Skill|Action|Decision|Step)[ \t]?\d{0,4}(?:[ \t]?\([^()\n]{1,60}\))?[*_]{0,3}:"
    r"|(?:Pruned|Revised|Compressed|Synthesi[sz]ed)[ \t](?:trace|step|thinking|reasoning|answer|summary)\b)",
    re.MULTILINE,
)

_NEVER_ALLOWED = (_THINK_TAG, _TEMPLATE, _HTML, _FENCE)


def leaked_markup(text: str, original: str) -> str | None:
    """Return the first piece of leaked markup in `text`, or None.

    Tags, template tokens and fences never come from a student. A label such as `Step 3:` counts as markup
    only if the student's `original` text has no label of that kind: many students use such headings.
    """
    for pattern in _NEVER_ALLOWED:
        if match := pattern.search(text):
            return match[0]
    labels = {_label_kind(match[1]): match[1] for match in _LABEL.finditer(text)}
    if not labels:
        return None
    original_kinds = {_label_kind(match[1]) for match in _LABEL.finditer(original)}
    return next((label for kind, label in labels.items() if kind not in original_kinds), None)


def _label_kind(label: str) -> str:
    """Return the first word of a label, without its number."""
    return re.split(r"[\W\d_]", label, maxsplit=1)[0]
