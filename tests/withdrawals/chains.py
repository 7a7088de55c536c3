"""Chains of rows, from a question to its training example, that are recognised by one letter."""

from typing import Any

from tests.helpers.row_factories import (
    make_dead_letter,
    make_decision,
    make_decomposition,
    make_example,
    make_question,
    make_revision,
    make_rollout,
    make_step,
)

Tables = dict[str, list[dict[str, Any]]]


def chain(name: str, *, source: str = "gsm8k.jsonl", recipe: str = "drp") -> Tables:
    """Return a row of each corpus table, from question q-NAME to example x-NAME; there are two steps."""
    return question(name, source=source) | revision(name, recipe=recipe)


def question(name: str, *, source: str = "gsm8k.jsonl") -> Tables:
    """Return the question q-NAME, its rollout r-NAME and a dead letter of its source."""
    return {
        "questions": [make_question(question_id=f"q-{name}", question=f"What is {name}?", source=source)],
        "rollouts": [make_rollout(rollout_id=f"r-{name}", question_id=f"q-{name}")],
        "dead_letters": [make_dead_letter(dead_letter_id=f"l-{name}", source=source)],
    }


def revision(name: str, *, of: str = "", recipe: str = "drp") -> Tables:
    """Return what is made of the rollout r-OF (default: r-NAME), from its decomposition to its example."""
    rollout = of or name
    return {
        "decompositions": [make_decomposition(decomposition_id=f"d-{name}", rollout_id=f"r-{rollout}")],
        "steps": [
            make_step(index, step_id=f"s-{name}-{index}", decomposition_id=f"d-{name}") for index in (0, 1)
        ],
        "revisions": [
            make_revision(
                revision_id=f"v-{name}",
                rollout_id=f"r-{rollout}",
                decomposition_id=f"d-{name}",
                recipe=recipe,
                recipe_hash=f"hash of {recipe}",
            )
        ],
        "decisions": [
            make_decision(index, decision_id=f"c-{name}-{index}", revision_id=f"v-{name}") for index in (0, 1)
        ],
        "examples": [
            make_example(example_id=f"x-{name}", question_id=f"q-{rollout}", revision_id=f"v-{name}")
        ],
    }


def together(*tables: Tables) -> Tables:
    """Return the rows of all these tables."""
    merged: Tables = {}
    for rows_by_table in tables:
        for table, rows in rows_by_table.items():
            merged.setdefault(table, []).extend(rows)
    return merged
