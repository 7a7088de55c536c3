"""Prompts: a change needs a new version, examples are right replies, traces are never instructions."""

import json
from pathlib import Path

import pytest

from drp.config.decomposition import DecompositionKind
from drp.core.ids import content_id
from drp.teacher.llm.messages import build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise
from drp.teacher.llm.prompts import MODELS, PromptName, example, prompt
from drp.teacher.llm.reply_schemas import strict_schema
from drp.teacher.llm.serialize_draft import reply_of
from drp.traces.skills import SKILL_FAMILIES
from tests.teacher.llm.replies import AWKWARD, DRAFT, TWO_PASS_MODES, body_of, trace_of, with_steps

KINDS: tuple[DecompositionKind, ...] = ("skill", "step", "sentence", "none")
DIGESTS = Path(__file__).with_name("digests.json")


def digest(name: PromptName) -> str:
    """Digest everything that a prompt shows a teacher: text, schema and example, for every kind."""
    template = prompt(name)
    texts = [template.system(kind, structured=False) for kind in KINDS]
    examples = [reply_of(name, example(kind)).model_dump_json() for kind in KINDS]
    shown = example("skill").trace
    message = {
        "fused": lambda: build_fused(shown, "skill", structured=False),
        "decompose-indexed": lambda: build_decompose(shown, "skill", "indexed", structured=False),
        "decompose-verbatim": lambda: build_decompose(shown, "skill", "verbatim", structured=False),
        "revise-indexed": lambda: build_revise(example("skill"), "indexed", structured=False),
        "revise-verbatim": lambda: build_revise(example("skill"), "verbatim", structured=False),
    }[name]().messages[-1]
    return content_id("prompt", texts, examples, strict_schema(template.model), dict(message))


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_example_is_a_right_reply(kind: DecompositionKind) -> None:
    draft = example(kind)
    for mode in TWO_PASS_MODES:
        reply = reply_of("decompose-indexed" if mode == "indexed" else "decompose-verbatim", draft)
        assert read_decompose(draft.trace, kind, mode, reply.model_dump_json()) == draft.steps
        reply = reply_of("revise-indexed" if mode == "indexed" else "revise-verbatim", draft)
        decisions, revision = read_revise(draft, mode, reply.model_dump_json())
        assert revision == draft.revision
        assert [(d.action, d.revised_text, d.merged_with) for d in decisions] == [
            (d.action, d.revised_text, d.merged_with) for d in draft.decisions
        ]
    steps, decisions, revision = read_fused(draft.trace, kind, reply_of("fused", draft).model_dump_json())
    assert (steps, revision) == (draft.steps, draft.revision)
    assert [d.action for d in decisions] == [d.action for d in draft.decisions]


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
    draft = with_steps(trace=trace, steps=example("none").steps[:0])
    return [
        *[build_decompose(trace, "skill", mode, **options) for mode in TWO_PASS_MODES],
        *[build_revise(draft, mode, **options) for mode in TWO_PASS_MODES],
        build_fused(trace, "skill", **options),
    ]


@pytest.mark.parametrize("thinking", AWKWARD)
def test_whatever_a_trace_says_it_stays_inside_its_delimiters(thinking: str) -> None:
    for request, plain in zip(
        all_prompts(thinking, structured=True), all_prompts("So.", structured=True), strict=True
    ):
        body = body_of(request)  # can be sent
        assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
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
