"""Content ids: blake2b-128, hex, over the canonical inputs that define a thing (32 characters).

The same content has the same id on every machine and in every order, so that running again finds what is
already there. See DESIGN: "Ids are content".
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

_canonical = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode
Canonical: TypeAlias = "str | int | float | bool | Sequence[Canonical] | Mapping[str, Canonical] | None"


def content_id(kind: str, *parts: Canonical) -> str:
    """Id of a thing of `kind` that is defined by `parts`.

    Canonical form: JSON with sorted keys, no white space, UTF-8; lone surrogates are kept as escapes.
    """
    return hashlib.blake2b(_canonical([kind, *parts]).encode(), digest_size=16).hexdigest()


def question_id(split: str, question: str, gold_answer: str) -> str:
    """A problem is its text and gold answer; one that is also in an evaluation split is another row there.

    The data set's name is no part of it: it may be no more than the name of the file.
    """
    return content_id("question", split, question, gold_answer)


def imported_rollout_id(question_id: str, student: str, thinking: str, response: str) -> str:
    """A recorded rollout is its text; where and when it was imported does not matter."""
    return content_id("rollout", "imported", question_id, student, thinking, response)


def sampled_rollout_id(
    question_id: str, student: str, prompt_version: str, sampling: Mapping[str, Canonical], sample_index: int
) -> str:
    """A sampled rollout is what was asked for: it can be looked up before it is paid for."""
    return content_id(
        "rollout", "sampled", question_id, student, prompt_version, dict(sampling), sample_index
    )


def decomposition_id(rollout_id: str, kind: str, teacher: str, prompt_version: str) -> str:
    """One cutting of one rollout by one teacher."""
    return content_id("decomposition", rollout_id, kind, teacher, prompt_version)


def revision_id(rollout_id: str, recipe_hash: str) -> str:
    """Every rollout ends in exactly one revision per recipe."""
    return content_id("revision", rollout_id, recipe_hash)


def row_id(kind: str, parent_id: str, index: int) -> str:
    """The `index`-th row of `kind` below `parent_id` (steps, decisions, examples)."""
    return content_id(kind, parent_id, index)
