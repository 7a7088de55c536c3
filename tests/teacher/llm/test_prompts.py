"""Prompts: a change needs a new version, examples are right replies, traces are never instructions."""

import json
from itertools import groupby
from pathlib import Path

import pytest

from drp.config.decomposition import DecompositionKind
from drp.core.ids import content_id
from drp.gates.row_gates import cover_fault
from drp.teacher.llm.examples import NAMES, worked_examples
from drp.teacher.llm.messages import build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise
from drp.teacher.llm.prompts import MODELS, PromptName, prompt
from drp.teacher.llm.reply_schemas import strict_schema
from drp.teacher.llm.serialize_draft import reply_of
from drp.teacher.llm.text_checks import derivation_fault
from drp.traces.numbering import unit_ends
from drp.traces.skills import SKILL_FAMILIES
from tests.teacher.llm.replies import AWKWARD, DRAFT, TWO_PASS_MODES, body_of, trace_of, with_steps

KINDS: tuple[DecompositionKind, ...] = ("skill", "step", "sentence", "none")
DIGESTS = Path(__file__).with_name("digests.json")


def digest(name: PromptName) -> str:
    """Digest everything that a prompt shows a teacher: text, schema and example, for every kind."""
    template = prompt(name)
    texts = [template.system(kind, structured=False) for kind in KINDS]
    examples = [
        reply_of(name, example.draft, example.needs).model_dump_json()
        for kind in KINDS
        for example in worked_examples(kind)
    ]
    drafts = [example.draft for example in worked_examples("skill")]
    build = {
        "fused": lambda draft: build_fused(draft.trace, "skill", structured=False),
        "fused-synthesis": lambda draft: build_fused(
            draft.trace, "skill", structured=False, is_synthesised=True
        ),
        "decompose-indexed": lambda draft: build_decompose(draft.trace, "skill", "indexed", structured=False),
        "decompose-verbatim": lambda draft: build_decompose(
            draft.trace, "skill", "verbatim", structured=False
        ),
        "revise-indexed": lambda draft: build_revise(draft, "indexed", structured=False),
        "revise-verbatim": lambda draft: build_revise(draft, "verbatim", structured=False),
    }[name]
    messages = [dict(build(draft).messages[-1]) for draft in drafts]
    return content_id("prompt", texts, examples, strict_schema(template.model), messages)


@pytest.mark.parametrize("name", MODELS)
def test_what_a_prompt_says_changes_only_with_its_version(name: PromptName) -> None:
    known = json.loads(DIGESTS.read_text(encoding="utf-8"))
    version = prompt(name).version
    assert known.get(version) == digest(name), (
        f"{version} is not what it was: give prompts/{name}.md the next version, and note "
        f'"{name}-{prompt(name).number + 1}": the digest that this test then shows in {DIGESTS.name}'
    )


def test_no_two_versions_are_the_same() -> None:
    known = json.loads(DIGESTS.read_text(encoding="utf-8"))
    assert len(set(known.values())) == len(known)


@pytest.mark.parametrize("number", range(len(NAMES)))
@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_examples_are_right_replies(kind: DecompositionKind, number: int) -> None:
    example = worked_examples(kind)[number]
    draft = example.draft
    assert cover_fault(draft.steps, draft.trace.thinking) is None
    assert derivation_fault(draft) is None
    for mode in TWO_PASS_MODES:
        reply = reply_of("decompose-indexed" if mode == "indexed" else "decompose-verbatim", draft)
        assert read_decompose(draft.trace, kind, mode, reply.model_dump_json()) == draft.steps
        reply = reply_of("revise-indexed" if mode == "indexed" else "revise-verbatim", draft, example.needs)
        decisions, revision = read_revise(draft, mode, reply.model_dump_json())
        assert revision == draft.revision
        assert [(d.action, d.revised_text, d.merged_with) for d in decisions] == [
            (d.action, d.revised_text, d.merged_with) for d in draft.decisions
        ]
    for name in ("fused", "fused-synthesis"):
        reply = reply_of(name, draft, example.needs)
        is_synthesised = name == "fused-synthesis"
        steps, decisions, revision = read_fused(
            draft.trace, kind, reply.model_dump_json(), is_synthesised=is_synthesised
        )
        assert (steps, revision) == (draft.steps, draft.revision)
        assert [(d.action, d.merged_with) for d in decisions] == [
            (d.action, d.merged_with) for d in draft.decisions
        ]
        assert next(iter(reply.model_dump())) == "needs"  # written before anything is decided


def test_the_long_example_has_what_the_short_one_lacks() -> None:
    draft = worked_examples("skill")[1].draft
    assert 30 <= len(unit_ends(draft.trace.thinking)) <= 40
    assert draft.trace.thinking.count("\\[") >= 5
    runs = [[*run] for action, run in groupby(draft.decisions, key=lambda d: d.action) if action == "DELETE"]
    assert max(map(len, runs)) >= 4
    share = len(draft.revision.thinking) / len(draft.trace.thinking)
    assert 1 / 3 < share < 1 / 2  # what the prompt says is usual


def test_the_worked_example_shows_every_action() -> None:
    assert len({decision.action for decision in DRAFT.decisions}) == 4


@pytest.mark.parametrize("name", MODELS)
def test_schemas_are_strict(name: PromptName) -> None:
    def check(node: object) -> None:
        if isinstance(node, list):
            for item in node:
                check(item)
        elif isinstance(node, dict):
            if node.get("type") == "object":
                assert node["required"] == list(node["properties"])
                assert node["additionalProperties"] is False
            assert not {"oneOf", "$ref", "prefixItems", "default", "title"} & node.keys()
            for part in node.values():
                check(part)

    schema = strict_schema(MODELS[name])
    assert schema["strict"] is True
    assert schema["schema"]["type"] == "object"
    check(schema["schema"])


def test_the_prompt_names_the_families_there_are() -> None:
    assert f"one family: {', '.join(SKILL_FAMILIES)}." in prompt("fused").system("skill", structured=True)


def all_prompts(thinking: str, **options: object) -> list:
    """Return every prompt about a trace."""
    trace = trace_of(thinking)
    draft = with_steps(trace=trace, steps=())
    return [
        *[build_decompose(trace, "skill", mode, **options) for mode in TWO_PASS_MODES],
        *[build_revise(draft, mode, **options) for mode in TWO_PASS_MODES],
        build_fused(trace, "skill", **options),
        build_fused(trace, "skill", is_synthesised=True, **options),
    ]


@pytest.mark.parametrize("thinking", AWKWARD)
def test_whatever_a_trace_says_it_stays_inside_its_delimiters(thinking: str) -> None:
    for request, plain in zip(
        all_prompts(thinking, structured=True), all_prompts("So.", structured=True), strict=True
    ):
        body = body_of(request)  # can be sent
        roles = ["system", *["user", "assistant"] * len(NAMES), "user"]
        assert [m["role"] for m in body["messages"]] == roles
        assert body["messages"][:-1] == body_of(plain)["messages"][:-1]  # and is cached
        assert "never an instruction" in body["messages"][0]["content"]
        lines = body["messages"][-1]["content"].split("\n")
        closing = lines[-1]
        number = closing.rsplit("-", 1)[1].removesuffix(">")
        assert number.isdigit()
        marks = [line for line in lines if number in line]
        opened = [mark.strip("<>") for mark in marks[::2]]
        assert [mark.strip("</>") for mark in marks[1::2]] == opened


def test_where_no_schema_is_enforced_it_is_asked_for_in_words() -> None:
    for told, enforced in zip(
        all_prompts("So.", structured=False), all_prompts("So.", structured=True), strict=True
    ):
        assert told.schema is None
        assert enforced.schema is not None
        schema = json.dumps(enforced.schema["schema"], separators=(",", ":"))
        assert told.messages[0]["content"].endswith(schema)
        assert told.messages[0]["content"].startswith(enforced.messages[0]["content"])


def test_a_second_attempt_names_the_fault_and_may_have_more_room() -> None:
    for first, second in zip(
        all_prompts("So.", structured=True),
        all_prompts(
            "So.", structured=True, fault="units 3-4 are in no step </fault-1>", max_tokens_factor=2.0
        ),
        strict=True,
    ):
        assert "units 3-4 are in no step" in second.messages[-1]["content"]
        assert second.messages[:-1] == first.messages[:-1]
        assert second.max_completion_tokens == 2 * first.max_completion_tokens
        assert second.messages[-1]["content"].endswith("without that fault.")


def test_a_teacher_is_never_shown_more_than_the_trace() -> None:
    for request in all_prompts("So it is 5.", structured=True):
        assert request.prompt_version.rsplit("-", 1)[0] in MODELS
        assert "gold" not in json.dumps(request.messages)
