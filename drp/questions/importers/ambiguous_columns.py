"""Compare columns that may hold the same field: the guess among them is certain only where they agree."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drp.grading import extract_answer
from drp.questions.importers.chat import is_chat, read_chat, read_raw_conversation
from drp.questions.importers.column_contents import is_worked
from drp.questions.importers.column_readings import (
    Generation,
    agree,
    as_generations,
    is_nothing,
    is_switch,
    readings,
    same_generations,
)
from drp.questions.importers.columns import ColumnMapping
from drp.questions.importers.input_rows import RowFault
from drp.questions.importers.value_paths import value_at

_QUESTION_WORDS = 5


def rival_fault(values: Mapping[str, Any], mapping: ColumnMapping) -> RowFault | None:
    """Return the fault of a row in which two columns hold different values for one field, or None."""
    for name, rivals in mapping.rivals.items():
        chosen = mapping.columns[name]
        value = value_at(values, chosen)
        for rival in rivals:
            if _differ(name, value, value_at(values, rival), rival):
                detail = f"{chosen} and {rival} both may be the {name}, and they differ"
                is_joinable = mapping.columns.get("messages") not in (chosen, rival)
                return RowFault("ambiguous", detail, _choices(name, chosen, rival, is_joinable=is_joinable))
    return None


def complements(name: str, sample: Sequence[Mapping[str, Any]], mapping: ColumnMapping) -> list[str]:
    """Return the columns that hold a field in different rows, never two in one, as those of shards may."""
    columns = [mapping.columns[name], *mapping.rivals.get(name, ())]
    filled = [{c for c in columns if not is_nothing(value_at(row, c))} for row in sample]
    found = [c for c in columns if any(c in row for row in filled)]
    return found if len(found) > 1 and all(len(row) <= 1 for row in filled) else []


def _differ(name: str, value: Any, other: Any, rival: str) -> bool:
    if is_nothing(other) or (name == "gold_answer" and rival.lower() == "solution" and not _is_marked(other)):
        return False
    if is_nothing(value):  # the row has nothing where the others have it, and something here
        return not is_switch(other) and name in ("question", "thinking", "response")
    return not _SAME[name](value, other)


def _choices(name: str, chosen: str, rival: str, *, is_joinable: bool) -> tuple[str, ...]:
    pairs = (f"{name}={chosen}", f"{name}={rival}")
    return (f"{name}={_joined(chosen, rival)}", *pairs) if name == "question" and is_joinable else pairs


def _joined(chosen: str, rival: str) -> str:
    """Return the address that joins two columns, instructions before inputs."""
    first, second = sorted((chosen, rival), key=lambda column: column.lower() in ("input", "context"))
    return f"{first}+{second}"


def question_text(value: Any) -> str:
    """Return the question in a text, a conversation, or a conversation's raw text."""
    value = as_generations(value)
    if isinstance(value, str):
        raw = read_raw_conversation(value)
        return raw.question if raw and raw.question else value
    if isinstance(value, list) and is_chat(value):
        chat = read_chat(value)
        return "" if isinstance(chat, str) else chat.question
    return str(value)


def _same_question(one: Any, other: Any) -> bool:
    if isinstance(as_generations(one), str) and isinstance(as_generations(other), str):
        texts = (" ".join(question_text(value).split()) for value in (one, other))
        shorter, longer = sorted(texts, key=len)
        return shorter == longer or _is_prompt_around(longer, shorter)
    # The user's message of a conversation usually has an instruction around the question.
    return agree(question_text(one), question_text(other))


def _is_prompt_around(prompt: str, question: str) -> bool:
    """Whether a prompt is a question with an instruction in front of it or behind it.

    A few words at an end are no question: an instruction may end with the numbers that its input repeats.
    """
    is_at_an_end = prompt.startswith(question) or prompt.endswith(question)
    return is_at_an_end and len(question.split()) >= _QUESTION_WORDS


def same_gold(one: Any, other: Any) -> bool:
    """Whether two gold answers say the same, or one is a solution whose answer is not marked."""
    answers = [_answer(value) for value in (one, other)]
    return None in answers or answers[0] == answers[1]


def _is_marked(value: Any) -> bool:
    return any(mark in str(value) for mark in ("####", "\\boxed", "\\fbox"))


def _answer(value: Any) -> str | None:
    """Return a gold answer in a form to compare; None for a solution whose answer is not marked."""
    text = str(value)
    if "####" in text:
        text = text.rpartition("####")[2]
    elif _is_marked(text):
        extracted = extract_answer(text)
        text = extracted.answer if extracted else ""
    elif is_worked(text) or re.search(r"[.:;]\s", text.strip()):
        return None
    text = text.rpartition("=")[2]
    text = re.sub(r"[\s$,{}]|\\left|\\right|\\!|\.$", "", text).casefold().replace("\\dfrac", "\\frac")
    try:
        return str(float(text))
    except ValueError:
        return text or None


def _same_thinking(one: Any, other: Any) -> bool:
    if is_switch(one) or is_switch(other):
        return True
    texts = [_thinking(value) for value in (one, other)]
    return all(len(text) == len(texts[0]) for text in texts) and all(map(agree, *texts))


def _thinking(value: Any) -> list[str]:
    return [r.thinking or r.response for r in readings(as_generations(value)) if isinstance(r, Generation)]


def _same_response(one: Any, other: Any) -> bool:
    return same_generations(readings(as_generations(one)), readings(as_generations(other)))


_SAME: Mapping[str, Callable[[Any, Any], bool]] = {
    "question": _same_question,
    "gold_answer": same_gold,
    "thinking": _same_thinking,
    "response": _same_response,
    "student": lambda one, other: str(one) == str(other),
}
"""Field -> whether two values of it say the same. Other fields have no rivals: all their columns are kept."""
