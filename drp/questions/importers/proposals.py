"""Propose the `--map` of a field that was not found: columns, or addresses inside their structures.

People run a proposal unchanged, and a false gold answer is stored without an error. Therefore a column is
only proposed if its name or its content speaks for the field, and scores, counts, ids and indexes never are.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from drp.grading import extract_answer
from drp.questions.importers.ambiguous_columns import same_gold
from drp.questions.importers.column_contents import content_of
from drp.questions.importers.column_readings import Generation, as_generations, is_nothing, readings
from drp.questions.importers.thinking_marks import split_marked
from drp.questions.importers.value_paths import nested_paths, value_at


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORDS: dict[str, frozenset[str]] = {
    "question": _set(
        "q question questions problem problems prompt prompts query instruction input inputs task user "
        "statement exercise"
    ),
    "gold_answer": _set(
        "a answer answers ans gold golden gt gts truth truths expected reference target targets label "
        "key correct solution solutions final"
    ),
    "thinking": _set(
        "think thinking reasoning reasonings reason thought thoughts cot rationale rationales "
        "trajectory trajectories"
    ),
    "response": _set(
        "r response responses completion completions output outputs generation generations attempt "
        "attempts reply a answer answers assistant solution solutions prediction generated chosen result"
    ),
}
"""Field -> words that speak for it in the name of a column."""
_WORDS_OF_FIELDS = frozenset[str]().union(*_WORDS.values())
_MEASURES = _set(
    "num count counts id ids uid uuid idx index step steps quality score scores reward rewards grade grades "
    "rating rank token tokens len length level difficulty type format source is has rate accuracy acc pass "
    "budget seed epoch time date year version weight loss unit units name system choices options"
)
"""Words of columns that say something about a row, or offer several answers. They are never proposed."""
_OF_A_MODEL = _set(
    "model models llm student pred predicted prediction predictions generated extracted response content"
)
"""Words of columns whose answer is a model's, and not the right one."""
_NAMELESS = frozenset(["value", "text", "content"])
"""Keys that say nothing: the one around them does."""
_ROWS = 100
_DEPTH = 5


def proposed(name: str, sample: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return the pairs that may give a field, the likeliest first.

    Args:
        name: the field.
        sample: the first rows of a file.
        columns: its columns that are not read for another field.
    """
    rows = sample[:_ROWS]
    unused = [{column: row.get(column) for column in columns} for row in rows]
    if name == "thinking":  # what marks its thinking inside is a response
        pairs = [f"response={path}" for path in marked_addresses(unused)]
    else:  # a gold answer may be inside what is read for another field
        pairs = [f"{name}={path}" for path in _addresses(name, rows if name == "gold_answer" else unused)]
    named = [c for c in columns if speaks_for(name, c) and _fits(name, rows, c)]
    silent = [c for c in columns if not _words(c) & (_WORDS_OF_FIELDS | _MEASURES) and _shows(name, rows, c)]
    return [*pairs, *(f"{name}={column}" for column in (*named, *silent))][:3]


def speaks_for(name: str, column: str) -> bool:
    """Whether the name of a column has a word of the field, and none of scores, counts and ids."""
    words = _words(column)
    others = _MEASURES
    if name == "gold_answer":
        others |= _OF_A_MODEL
    if name == "question":
        others |= _WORDS_OF_FIELDS - _WORDS[name]
    return bool(words & _WORDS.get(name, frozenset())) and not words & others


def is_measure(path: str) -> bool:
    """Whether the last key of an address is that of a score, a type, a unit and the like."""
    return bool(_words(_last_key(path)) & _MEASURES)


def kinship(column: str, other: str) -> int:
    """Number of words that two names share: `r1_attempt` belongs to `r1_thinking`."""
    return len(_words(column) & _words(other))


def _words(column: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", column)}


def _fits(name: str, rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether a column whose name speaks for a field can hold it."""
    content = content_of(rows, column)
    if content.kind in ("nothing", "verdicts", "conversations"):
        return False
    if name == "gold_answer":
        is_readable = content.kind != "prose" or _share(rows, column, _has_final_answer)
        return content.is_plain and is_readable and not content.is_marked and not _is_structure(rows, column)
    if name == "thinking":
        return content.kind == "prose"
    return content.kind in ("prose", "values") and (content.is_plain or name == "response")


def _shows(name: str, rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether the content of a column speaks for a field."""
    content = content_of(rows, column)
    if not content.is_plain or content.is_repeated:
        return False
    if name == "gold_answer":  # it is what responses or solutions end with
        return sum(_is_final_answer(row, column) for row in rows) * 2 > len(rows)
    has_thinking = name == "question" and _share(rows, column, _has_thinking)
    return content.kind == "prose" and not has_thinking and not _is_structure(rows, column)


def _is_final_answer(row: Mapping[str, Any], column: str) -> bool:
    text = str(row.get(column, "")).strip()
    others = (value for name, value in row.items() if name != column and isinstance(value, str))
    return bool(text) and any(
        found is not None and found.source == "boxed" and found.answer.strip() == text
        for found in (extract_answer(other) for other in others if "\\boxed" in other)
    )


def _has_final_answer(value: Any) -> bool:
    return isinstance(value, str) and ("####" in value or "\\boxed" in value)


def _has_thinking(value: Any) -> bool:
    return isinstance(value, str) and bool(split_marked(value).thinking)


def _is_structure(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    return any(True for row in rows for _ in nested_paths({column: row.get(column)}))


def _share(rows: Sequence[Mapping[str, Any]], column: str, holds: Callable[[Any], bool]) -> bool:
    values = [value for row in rows if not is_nothing(value := row.get(column))]
    return sum(map(holds, values)) * 2 > len(values)


def _addresses(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return addresses inside structures whose last key speaks for a field, the most frequent first."""
    found: Counter[str] = Counter()
    for row in rows:
        for path, value in nested_paths(row):
            is_option = bool({"choices", "options"} & _words(path))
            is_one_of_several = name == "response" and path.endswith("]")  # the column has them all
            is_value = not (is_nothing(value) or isinstance(value, bool) or is_one_of_several)
            if is_value and not is_option and speaks_for(name, _last_key(path)):
                found[path] += 1
    return [path for path, _ in found.most_common(3)]


def _last_key(path: str) -> str:
    """Return the last key of an address that says something: `answer` of `answer.value` and `answer[0]`."""
    keys = [key for key in re.split(r"[.\[\]]+", path) if key and not key.lstrip("-").isdigit()]
    return next((key for key in reversed(keys) if key not in _NAMELESS), "")


def marked_addresses(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return addresses inside structures at which every generation has thinking, the shallowest first."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update(path for column, value in row.items() for path in _marked(row, column, value, _DEPTH))
    return [path for path, _ in found.most_common(3)]


def addresses_inside(name: str, values: Mapping[str, Any], column: str) -> list[str]:
    """Return where a column that is a structure holds a field; nothing where this does not show."""
    value = value_at(values, column)
    if name == "response" and (marked := list(_marked(values, column, value, _DEPTH))):
        return marked[:3]
    leaves = [
        path
        for path, leaf in nested_paths({column: value})
        if isinstance(leaf, str) or (name == "gold_answer" and not isinstance(leaf, bool))
    ]
    named = [path for path in leaves if speaks_for(name, _last_key(path.removeprefix(column)))]
    if (
        name == "gold_answer"
        and isinstance(value, list)
        and all(same_gold(value[0], other) for other in value)
    ):
        named = named or leaves
    if not named and len(leaves) == 1 and (name == "question" or "[" not in leaves[0].removeprefix(column)):
        return leaves
    return named[:1]


def _marked(row: Mapping[str, Any], path: str, value: Any, depth: int) -> Iterator[str]:
    generations = readings(as_generations(value_at(row, path)))
    if generations and all(isinstance(each, Generation) and each.thinking for each in generations):
        yield path
    elif isinstance(value, Mapping) and depth:
        for key, inner in value.items():
            yield from _marked(row, f"{path}.{key}", inner, depth - 1)
    elif isinstance(value, list) and value and depth:
        yield from _marked(row, f"{path}[*]", value[0], depth - 1)
