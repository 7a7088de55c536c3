"""JSON and skills of a reply: what is accepted, what is not."""

import json

import pytest

from drp.core.records import Step
from drp.teacher.llm.parse import read_decompose, read_fused
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.serialize_draft import reply_of
from tests.teacher.llm.replies import DRAFT, right_reply, trace_of, with_steps

TRACE = DRAFT.trace


def indexed(reply: object) -> tuple[Step, ...]:
    return read_decompose(TRACE, "skill", "indexed", json.dumps(reply))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the reply is empty"),
        ("  \n", "the reply is empty"),
        ("Sure! Here are the steps.", "the reply is not what the schema asks for: Invalid JSON"),
        ('{"steps": [', "the reply is not what the schema asks for: Invalid JSON"),
        ("[]", "the reply is not what the schema asks for: "),
        ("null", "the reply is not what the schema asks for: "),
        ('{"steps":"\\ud800","response":"x"}', "the reply is not what the schema asks for: Invalid JSON"),
        ("[" * 100_000, "the reply is not what the schema asks for: "),
        (
            'Here:\n```json\n{"steps":[],"response":"x"}\n```',
            "the reply is not what the schema asks for: Invalid JSON",
        ),
        ("x" * 4_000_001, "the reply has more than 4,000,000 characters"),
    ],
)
def test_what_is_not_json_is_malformed(text: str, fault: str) -> None:
    with pytest.raises(UnusableReplyError) as caught:
        read_fused(TRACE, "skill", text)
    assert caught.value.reason == "malformed"
    assert caught.value.fault.startswith(fault)
    assert len(caught.value.fault) <= 401


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "  ```\n{}\n```\n", "\n{}\n"])
def test_one_fence_around_the_json_is_forgiven(wrapped: str) -> None:
    text = wrapped.replace("{}", json.dumps(right_reply("fused"), indent=1))
    assert read_fused(TRACE, "skill", text) == read_fused(TRACE, "skill", json.dumps(right_reply("fused")))


@pytest.mark.parametrize(
    ("skill", "family", "expected"),
    [
        ("Adding", "Arithmetic", ("adding", "arithmetic")),
        ("Applying  the\nformula", "shapes", ("applying the formula", "recalling")),
        ("zzz", "unknown", ("zzz", "reading")),
    ],
)
def test_skills_are_names_in_one_of_ten_families(skill: str, family: str, expected: tuple[str, str]) -> None:
    reply = right_reply("decompose-indexed")
    reply["skills"][0] = f"a {family}: {skill}"
    step = indexed(reply)[0]
    assert (step.skill, step.skill_family) == expected


def test_a_skill_without_a_family_has_the_one_that_fits() -> None:
    reply = right_reply("decompose-indexed")
    reply["skills"][0] = "a adding"
    assert (indexed(reply)[0].skill, indexed(reply)[0].skill_family) == ("adding", "arithmetic")


def test_a_skill_has_a_letter_of_its_own() -> None:
    for wrong in ("reading: adding", "b reading: adding", "A reading: adding"):
        reply = right_reply("decompose-indexed")
        reply["skills"][0] = wrong
        with pytest.raises(UnusableReplyError, match="it has no letter of its own"):
            indexed(reply)


def test_there_are_letters_for_any_number_of_skills() -> None:
    thinking = "So. " * 800
    steps = tuple(Step(4 * i, 4 * i + 4, f"skill {i}", "reading") for i in range(800))
    draft = with_steps(trace=trace_of(thinking), steps=steps)
    reply = reply_of("decompose-indexed", draft).model_dump_json()
    assert read_decompose(draft.trace, "skill", "indexed", reply) == steps
