"""Content ids: the blake2b-128 hash (32 hex characters) of the canonical inputs that define an object.

The same content has the same id on every machine and in every order, so a repeated run finds what already
exists. See DESIGN: "Ids are content".
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

_canonical = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode
Canonical: TypeAlias = "str | int | float | bool | Sequence[Canonical] | Mapping[str, Canonical] | None"


def content_id(kind: str, *parts: Canonical) -> str:
    """Return the id of an object of `kind` that is defined by `parts`.

    The canonical form is JSON with sorted keys and without white space, in UTF-8. Lone surrogates are kept as
    escapes.
    """
    return hashlib.blake2b(_canonical([kind, *parts]).encode(), digest_size=16).hexdigest()


def question_id(split: str, question: str, gold_answer: str) -> str:
    """Return the id of a problem: its split, text and gold answer.

    A problem that is also in an evaluation split is a separate row there. The name of the data set does not
    count, because it may be just the name of a file.
    """
    return content_id("question", split, question, gold_answer)


def imported_rollout_id(question_id: str, student: str, thinking: str, response: str) -> str:
    """Return the id of a recorded rollout: its text. Where and when it was imported does not matter."""
    return content_id("rollout", "imported", question_id, student, thinking, response)


def sampled_rollout_id(
    question_id: str, student: str, prompt_version: str, sampling: Mapping[str, Canonical], sample_index: int
) -> str:
    """Return the id of a sampled rollout: its request. So it can be looked up before it is paid for."""
    return content_id(
        "rollout", "sampled", question_id, student, prompt_version, dict(sampling), sample_index
    )


def decomposition_id(rollout_id: str, kind: str, teacher: str, prompt_version: str) -> str:
    """Return the id of the decomposition of one rollout by one teacher."""
    return content_id("decomposition", rollout_id, kind, teacher, prompt_version)


def revision_id(rollout_id: str, recipe_hash: str) -> str:
    """Return the id of a revision. Every rollout ends in exactly one revision per recipe."""
    return content_id("revision", rollout_id, recipe_hash)


def row_id(kind: str, parent_id: str, index: int) -> str:
    """Return the id of the `index`-th row of `kind` below `parent_id` (steps, decisions, examples)."""
    return content_id(kind, parent_id, index)
