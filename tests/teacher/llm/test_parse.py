"""Every wrong reply is refused with its fault and place; a right one is parsed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from drp.core.records import Decision, Revision
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise, whole
from drp.teacher.llm.reply_schemas import UnusableReplyError
from tests.teacher.llm.replies import DRAFT, right_reply, trace_of, with_steps

TRACE = DRAFT.trace


def indexed(reply: Any) -> Any:
    return read_decompose(TRACE, "skill", "indexed", json.dumps(reply))


def verbatim(reply: Any) -> Any:
    return read_decompose(TRACE, "skill", "verbatim", json.dumps(reply))


def fused(reply: Any) -> Any:
    return read_fused(TRACE, "skill", json.dumps(reply))


def synthesised(reply: Any) -> Any:
    return read_fused(TRACE, "skill", json.dumps(reply), is_synthesised=True)


def runs(reply: Any) -> Any:
    return read_revise(DRAFT, "indexed", json.dumps(reply))


def revised(reply: Any) -> Any:
    return read_revise(DRAFT, "verbatim", json.dumps(reply))


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a function that sets `path`, e.g. `steps.2.end`, to `value`."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]

    def spoil(reply: Any) -> None:
        for parent in parents:
            reply = reply[parent]
        reply[last] = value

    return spoil


def drop(path: str) -> Callable[[dict[str, Any]], None]:
    """Return a function that deletes `path`, e.g. `steps.2`."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]

    def spoil(reply: Any) -> None:
        for parent in parents:
            reply = reply[parent]
        del reply[last]

    return spoil


@pytest.mark.parametrize(
    ("name", "read", "spoil", "fault"),
    [
        # steps by number
        ("decompose-indexed", indexed, drop("steps.5"), "uncovered: units 7-7 are in no step"),
        ("decompose-indexed", indexed, change("steps", []), "uncovered: units 1-7 are in no step"),
        (
            "decompose-indexed",
            indexed,
            change("steps.1", "1b"),
            "uncovered: step 2 ends with unit 1, but the step bef",
        ),
        ("decompose-indexed", indexed, change("steps.0", "0a"), "uncovered: step 1 ends with unit 0"),
        (
            "decompose-indexed",
            indexed,
            change("steps.5", "8e"),
            "uncovered: step 6 ends with unit 8, but there are 7",
        ),
        ("decompose-indexed", indexed, change("steps.5", "7z"), "malformed: step 6 is '7z', not a"),
        ("decompose-indexed", indexed, change("steps.5", "7"), "malformed: step 6 is '7', not a"),
        (
            "decompose-indexed",
            indexed,
            change("steps.5", 7),
            "malformed: the reply is not what the schema asks",
        ),
        (
            "decompose-indexed",
            indexed,
            change("more", 1),
            "malformed: the reply is not what the schema asks for: more",
        ),
        (
            "decompose-indexed",
            indexed,
            drop("skills"),
            "malformed: the reply is not what the schema asks for: skills",
        ),
        (
            "decompose-indexed",
            indexed,
            change("skills.0", "a reading: \n"),
            "malformed: skill a has no skill",
        ),
        (
            "decompose-indexed",
            indexed,
            change("skills.0", "a " + "x" * 81),
            "malformed: the skill of skill a has more",
        ),
        # steps written out
        ("decompose-verbatim", verbatim, drop("steps.3"), "uncovered: step 4 is not the trace's own text"),
        ("decompose-verbatim", verbatim, drop("steps.5"), "uncovered: the steps end before the trace does"),
        (
            "decompose-verbatim",
            verbatim,
            change("steps.1.text", "It makes 42."),
            "uncovered: step 2 is not the",
        ),
        # fused
        (
            "fused",
            fused,
            change("runs.2.action", "REMOVE"),
            "malformed: the reply is not what the schema asks",
        ),
        (
            "fused",
            fused,
            change("runs.2.action", "SINGLE-STEP COMPRESS"),
            "malformed: the reply is not what the",
        ),
        ("fused", fused, change("runs.1.text", "Other."), "malformed: the reply is not what the schema asks"),
        ("fused", fused, change("runs.0.text", "  "), "malformed: the text of step 1 is empty"),
        ("fused", fused, change("runs.2.steps", []), "malformed: run 3 has no steps"),
        ("fused", fused, change("runs.2.steps", ["4z"]), "malformed: step 3 is '4z', not a last unit"),
        ("fused", fused, drop("needs"), "malformed: the reply is not what the schema asks for: needs"),
        ("fused", fused, change("response", ""), "malformed: the response is empty"),
        ("fused", fused, change("response", "</think> 37"), "malformed: the response has markup in it"),
        ("fused", fused, change("response", "<|im_end|> 37"), "malformed: the response has markup"),
        ("fused", fused, change("response", "\x0crac{1}{2}"), "malformed: the response has the control char"),
        ("fused", fused, change("response", "3 \times 4"), "malformed: the response has the control char"),
        ("fused", fused, change("response", "a \neq b"), "malformed: the response has the control character"),
        (
            "fused",
            fused,
            change("response", "37 " * 2000),
            "malformed: the response has 6,000 characters, of",
        ),
        ("fused", fused, change("runs.4.steps.0", "6e"), "uncovered: step 6 ends with unit 6"),
        ("fused-synthesis", synthesised, change("thinking", ""), "malformed: the thinking is empty"),
        (
            "fused-synthesis",
            synthesised,
            drop("thinking"),
            "malformed: the reply is not what the schema asks",
        ),
        # decisions in runs
        ("revise-indexed", runs, drop("runs.4"), "malformed: steps 6-6 are in no run"),
        (
            "revise-indexed",
            runs,
            change("runs.4.to", 5),
            "malformed: a run goes to step 5 after one to step 5",
        ),
        ("revise-indexed", runs, change("runs.4.to", 9), "malformed: a run goes to step 9"),
        (
            "revise-indexed",
            runs,
            change("runs", [{"to": 6, "action": "DELETE", "text": None}]),
            "malformed: nothing of the thinking",
        ),
        ("revise-indexed", runs, drop("runs.0.text"), "malformed: the reply is not what the schema asks"),
        # decisions by step
        ("revise-verbatim", revised, drop("decisions.3"), "malformed: not one decision for each of 6 steps"),
        ("revise-verbatim", revised, change("decisions.3.step", 3), "malformed: not one decision for each"),
        (
            "revise-verbatim",
            revised,
            change("decisions.1.text", "Other"),
            "malformed: step 2 is a KEEP with other",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.2.text", "Hm"),
            "malformed: step 3 is a DELETE with a text",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.0.text", None),
            "malformed: step 1 is a SINGLE-STEP COMPRESS w",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.3.merged_with", [6]),
            "malformed: step 4 is merged with a step t",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.3.merged_with", [99]),
            "malformed: step 4 is merged with a ste",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.3.merged_with", [0]),
            "malformed: step 4 is merged with a step",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.4.text", "Two texts."),
            "malformed: step 5 is merged, and of",
        ),
        (
            "revise-verbatim",
            revised,
            change("decisions.5.merged_with", [5]),
            "malformed: step 6 is a KEEP and yet",
        ),
        ("revise-verbatim", revised, change("thinking", ""), "malformed: the thinking is empty"),
        ("revise-verbatim", revised, change("thinking", "<think>So"), "malformed: the thinking has markup"),
    ],
)
def test_the_fault_of_a_wrong_reply_is_named(
    name: str, read: Callable[[Any], Any], spoil: Callable[[Any], None], fault: str
) -> None:
    reply = right_reply(name)
    read(reply)  # is right
    spoil(reply)
    with pytest.raises(UnusableReplyError) as caught:
        read(reply)
    assert str(caught.value).startswith(fault)


def test_merges_across_a_kept_step_are_no_neighbours() -> None:
    reply = right_reply("revise-verbatim")
    reply["decisions"][0] |= {"action": "MULTI-STEP COMPRESS", "merged_with": [3]}
    reply["decisions"][2] |= {"action": "MULTI-STEP COMPRESS", "merged_with": [1]}
    with pytest.raises(UnusableReplyError, match="step 1 is merged with a step that is not its neighbour"):
        revised(reply)


def test_a_merge_of_one_step_is_a_single_step_compress() -> None:
    reply = right_reply("fused")
    reply["runs"][3]["steps"] = ["6d"]
    steps, decisions, revision = fused(reply)
    assert len(steps) == 5
    assert decisions[3].action == "SINGLE-STEP COMPRESS"
    assert decisions[3].merged_with == ()
    assert revision == DRAFT.revision


def test_many_units_in_a_row_are_deleted_in_one_run() -> None:
    trace = trace_of("So 2 + 3 = 5. " + "Hm. " * 40 + "It is 5.")
    steps = [f"{unit}b" for unit in range(2, 42)]
    reply = {
        "needs": "2 + 3 = 5.",
        "skills": ["a arithmetic: addition", "b checking: doubting"],
        "runs": [
            {"steps": ["1a"], "action": "KEEP"},
            {"steps": steps, "action": "DELETE"},
            {"steps": ["42a"], "action": "KEEP"},
        ],
        "response": "5",
    }
    _, decisions, revision = read_fused(trace, "sentence", json.dumps(reply))
    assert [decision.action for decision in decisions] == ["KEEP", *["DELETE"] * 40, "KEEP"]
    assert revision.thinking == "So 2 + 3 = 5. It is 5."


def test_a_synthesis_is_taken_as_it_is_written() -> None:
    reply = right_reply("fused-synthesis") | {"thinking": "6 rows of 7 are 42, and 42 - 5 = 37."}
    _, decisions, revision = synthesised(reply)
    assert len(decisions) == 6
    assert revision.thinking == "6 rows of 7 are 42, and 42 - 5 = 37."


def test_a_run_of_several_steps_with_one_text_is_a_merge() -> None:
    reply = {
        "needs": "",
        "runs": [
            {"to": 5, "action": "SINGLE-STEP COMPRESS", "text": "All."},
            {"to": 6, "action": "KEEP", "text": None},
        ],
        "response": "37",
    }
    decisions, revision = runs(reply)
    assert decisions[0] == Decision(0, "MULTI-STEP COMPRESS", "All.", "not_asked", (1, 2, 3, 4))
    assert decisions[4] == Decision(4, "MULTI-STEP COMPRESS", None, "not_asked", (0, 1, 2, 3))
    assert revision == Revision("All. The answer is 37.", "37")


def test_a_kept_step_may_be_written_again() -> None:
    reply = right_reply("revise-verbatim")
    reply["decisions"][1]["text"] = "That makes 6 × 7 =\n42."
    reply["decisions"][2]["text"] = ""
    decisions, _ = revised(reply)
    assert decisions[1].action == "KEEP"
    assert decisions[1].revised_text is None
    assert decisions[1].reason == "a later step needs the 42"


def test_the_whole_trace_is_one_step_without_a_teacher() -> None:
    (step,) = whole(TRACE)
    assert (step.char_start, step.char_end) == (0, len(TRACE.thinking))
    assert whole(trace_of("")) == ()


def test_kind_none_has_one_step() -> None:
    with pytest.raises(UnusableReplyError, match="malformed: 6 steps where the whole trace is one"):
        read_fused(TRACE, "none", json.dumps(right_reply("fused")))


def test_markup_of_the_students_own_sort_is_no_fault() -> None:
    draft = with_steps(trace=trace_of(TRACE.thinking, "Step 1: do it. \\boxed{37}", "37"))
    _, _, revision = read_fused(
        draft.trace, "skill", json.dumps(right_reply("fused") | {"response": "Step 1: 37."})
    )
    assert revision.response == "Step 1: 37."


@pytest.mark.parametrize(
    ("run", "text", "fault"),
    [
        (1, "That makes 42.", "malformed: step 2 is a KEEP with a text"),
        (2, "Hm.", "malformed: step 3 is a DELETE with a text"),
        (0, None, "malformed: step 1 is a SINGLE-STEP COMPRESS without a text"),
        (3, None, "malformed: step 4 is a MULTI-STEP COMPRESS without a text"),
        (3, " ", "malformed: step 4 is a MULTI-STEP COMPRESS without a text"),
    ],
)
def test_a_run_has_a_text_where_it_is_compressed_and_only_there(
    run: int, text: str | None, fault: str
) -> None:
    reply = right_reply("revise-indexed")
    reply["runs"][run]["text"] = text
    with pytest.raises(UnusableReplyError) as caught:
        runs(reply)
    assert str(caught.value) == fault
