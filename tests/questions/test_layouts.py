"""The layouts of public data sets: every generation of a row becomes a trace with its own thinking."""

import json
from pathlib import Path
from typing import Any

import pytest

from drp.core import DeadLetter
from drp.core.errors import BadInputError
from drp.grading import extract_answer
from drp.questions.importers.files import import_traces, open_traces
from drp.questions.importers.parsing import RecordedTrace

QUESTION = "A box holds 3 rows of 4 eggs. How many eggs are in it?"
THINKING = "There are 3 rows.\n\nEach row has 4 eggs, so 3 * 4 = 12.\n\nWait, 4 + 4 + 4 = 12 as well."
SECOND = "Hmm, 3 rows. I count 4, 8, 12, so there are 12 eggs."
RESPONSE = "3 rows of 4 eggs are 12 eggs.\n\n\\boxed{12}"
ASKED = {"role": "user", "content": QUESTION}
GOLD = {"answer": "12", "model": "m"}


def items(
    tmp_path: Path, *rows: dict[str, Any], pairs: tuple[str, ...] = ()
) -> list[RecordedTrace | DeadLetter]:
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return list(import_traces(path, pairs=pairs, student="m"))


def read(tmp_path: Path, row: dict[str, Any], *pairs: str) -> list[tuple[str, str, str, str]]:
    found = items(tmp_path, row, pairs=pairs)
    assert all(isinstance(item, RecordedTrace) for item in found), found
    return [
        (item.question.question, item.thinking, item.response, item.question.gold_answer)
        for item in found
        if isinstance(item, RecordedTrace)
    ]


WHOLE = [(QUESTION, THINKING, RESPONSE, "12")]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>\n", "\n</think>\n\n"),
        ("<THINK>", "</THINK>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<Thought>\n", "\n</Thought>\n"),
        ("<reasoning>", "</reasoning>\n"),
        ("<analysis>", "</analysis>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>\n\n"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<unused94>thought\n", "<unused95>"),
        ("<|channel>thought\n", "<channel|>"),
        ("Here is my thought process:\n", "\nHere is my response:\n"),
        ("## Thinking\n\n", "\n\n## Final Response\n\n"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("analysis", "assistantfinal"),
        ("", "</think>"),
        ("<|im_start|>assistant\n<think>\n", "</think>\n"),
    ],
)
@pytest.mark.parametrize("end", ["", "<|im_end|>\n", "<|return|>", "<｜end▁of▁sentence｜>"])
def test_marks_of_thinking(tmp_path: Path, opening: str, closing: str, end: str) -> None:
    row = {"question": QUESTION, "response": f"{opening}{THINKING}{closing}{RESPONSE}{end}"} | GOLD
    assert read(tmp_path, row) == WHOLE


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<answer>", "</answer>"),
        ("<solution>\n", "\n</solution>"),
        ("<output>", "</output>"),
        ("<|begin_of_solution|>\n\n", "\n\n<|end_of_solution|>"),
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ("<answer>", ""),
    ],
)
def test_marks_of_the_answer(tmp_path: Path, opening: str, closing: str) -> None:
    row = {"question": QUESTION, "response": f"<think>{THINKING}</think>{opening}{RESPONSE}{closing}"} | GOLD
    assert read(tmp_path, row) == WHOLE


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("<answer>12</answer>", "12"),
        ("<answer>\n No \n</answer>", "No"),
        ("So it is not.\n<answer>No</answer>", "No"),
        ("So it is 12.\n<answer>12</answer>", "12"),
        ("<final_answer>Monday</final_answer>", "Monday"),
    ],
)
def test_the_answer_is_still_found_without_its_marks(tmp_path: Path, response: str, answer: str) -> None:
    row = {"question": QUESTION, "response": f"<think>{THINKING}</think>{response}"} | GOLD
    ((_, _, kept, _),) = read(tmp_path, row)
    assert "answer>" not in kept
    found = extract_answer(kept)
    assert found is not None
    assert found.answer == answer


TEXT_PART = {"type": "text", "text": RESPONSE}


@pytest.mark.parametrize(
    "answer",
    [
        [{"role": "assistant", "content": f"<think>{THINKING}</think>{RESPONSE}"}],
        [{"role": "assistant", "reasoning_content": THINKING, "content": RESPONSE}],
        [{"role": "assistant", "reasoning": THINKING, "content": RESPONSE}],
        [{"role": "assistant", "thinking": THINKING, "content": RESPONSE}],
        [{"role": "assistant", "content": [{"type": "thinking", "thinking": THINKING}, TEXT_PART]}],
        [{"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}, {"type": "thinking",
          "thinking": THINKING, "signature": "s"}, TEXT_PART]}],
        [{"role": "assistant", "content": [{"type": "thinking", "thinking": [{"text": THINKING}]},
          TEXT_PART]}],
        [{"role": "assistant", "content": [{"type": "reasoning", "summary": [{"type": "summary_text",
          "text": THINKING}]}, {"type": "output_text", "text": RESPONSE}]}],
        [{"role": "assistant", "content": [{"type": "think", "think": THINKING}, TEXT_PART]}],
        [{"role": "assistant", "content": RESPONSE, "reasoning_details": [
          {"type": "reasoning.text", "text": THINKING}, {"type": "reasoning.encrypted", "data": "x"}]}],
        [{"role": "model", "parts": [{"text": THINKING, "thought": True}, {"text": RESPONSE}]}],
        [{"role": "assistant", "channel": "analysis", "content": THINKING},
         {"role": "assistant", "channel": "final", "content": RESPONSE}],
        [{"role": "thinking", "content": THINKING}, {"role": "assistant", "content": RESPONSE}],
        [{"role": "assistant", "content": None, "reasoning_content": THINKING},
         {"role": "assistant", "content": RESPONSE}],
        [{"role": "assistant", "content": f"<think>{THINKING}</think>{RESPONSE}",
          "reasoning_content": THINKING}],
    ],
)  # fmt: skip
def test_thinking_in_messages(tmp_path: Path, answer: list[dict[str, Any]]) -> None:
    system = {"role": "system", "content": "Put your reasoning into <think> tags."}
    assert read(tmp_path, {"messages": [system, ASKED, *answer]} | GOLD) == WHOLE
    assert read(tmp_path, {"prompt": [system, ASKED], "completion": answer} | GOLD) == WHOLE


def test_share_gpt(tmp_path: Path) -> None:
    turns = [
        {"from": "system", "value": "Think."},
        {"from": "human", "value": QUESTION},
        {"from": "gpt", "value": f"<think>\n{THINKING}\n</think>\n{RESPONSE}"},
    ]
    assert read(tmp_path, {"conversations": turns} | GOLD) == WHOLE


@pytest.mark.parametrize(
    "text",
    [
        f"<|start|>system<|message|>Reasoning: high<|end|><|start|>user<|message|>{QUESTION}<|end|>"
        f"<|start|>assistant<|channel|>analysis<|message|>{THINKING}<|end|>"
        f"<|start|>assistant<|channel|>final<|message|>{RESPONSE}<|return|>",
        f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n<think>{THINKING}</think>{RESPONSE}<|im_end|>",
        f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{QUESTION}<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n<think>{THINKING}</think>{RESPONSE}<|eot_id|>",
        f"<｜begin▁of▁sentence｜><｜User｜>{QUESTION}<｜Assistant｜><think>\n{THINKING}</think>{RESPONSE}"
        "<｜end▁of▁sentence｜>",
        f"<start_of_turn>user\n{QUESTION}<end_of_turn>\n<start_of_turn>model\n<think>{THINKING}</think>{RESPONSE}",
    ],
)
def test_the_raw_text_of_a_conversation(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, {"text": text} | GOLD) == WHOLE


def test_a_prompt_may_be_the_raw_text_of_a_template(tmp_path: Path) -> None:
    prompt = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n<think>\n"
    assert read(tmp_path, {"prompt": prompt, "output": f"{THINKING}\n</think>\n{RESPONSE}"} | GOLD) == WHOLE


FIRST_TEXT, SECOND_TEXT = (f"<think>\n{thinking}\n</think>\n\n{RESPONSE}" for thinking in (THINKING, SECOND))
BOTH = [*WHOLE, (QUESTION, SECOND, RESPONSE, "12")]


@pytest.mark.parametrize(
    "generations",
    [
        {"generations": [FIRST_TEXT, SECOND_TEXT]},
        {"responses": [FIRST_TEXT, SECOND_TEXT], "correct": [True, False], "scores": [1.0, 0.0]},
        {"completions": [{"text": FIRST_TEXT}, {"text": SECOND_TEXT}]},
        {
            "outputs": [
                {"reasoning": THINKING, "content": RESPONSE},
                {"reasoning": SECOND, "content": RESPONSE},
            ]
        },
        {
            "choices": [
                {"message": {"role": "assistant", "content": text}} for text in (FIRST_TEXT, SECOND_TEXT)
            ]
        },
        {"responses": [[{"role": "assistant", "content": text}] for text in (FIRST_TEXT, SECOND_TEXT)]},
        {"thinking": [THINKING, SECOND], "response": [RESPONSE, RESPONSE]},
        {"samples": [{"thinking": THINKING, "answer": RESPONSE}, {"thinking": SECOND, "answer": RESPONSE}]},
        {"generations": json.dumps([FIRST_TEXT, SECOND_TEXT])},
        {"generations": [FIRST_TEXT, SECOND_TEXT], "generation": SECOND_TEXT},
    ],
)
def test_several_generations(tmp_path: Path, generations: dict[str, Any]) -> None:
    assert read(tmp_path, {"problem": QUESTION} | generations | GOLD) == BOTH


def test_each_generation_has_its_own_model_and_finish_reason(tmp_path: Path) -> None:
    row = {
        "problem": QUESTION,
        "answer": "12",
        "generations": [FIRST_TEXT, SECOND_TEXT, "", FIRST_TEXT],
        "model": ["a", "b", "c", "a"],
        "finish_reasons": ["stop", "length", "stop", "stop"],
    }
    first, second, empty, again = items(tmp_path, row)
    assert isinstance(first, RecordedTrace)
    assert isinstance(second, RecordedTrace)
    assert (first.student, first.finish_reason) == ("a", "stop")
    assert (second.student, second.finish_reason) == ("b", "length")
    assert isinstance(empty, DeadLetter)
    assert (empty.error, empty.detail[:13]) == ("no_thinking", "generation 3:")
    assert isinstance(again, DeadLetter)
    assert (again.error, again.detail) == ("duplicate", "the same as line 1")


def test_an_incomplete_generation_is_cut_off(tmp_path: Path) -> None:
    row = {
        "problem": QUESTION,
        "generations": [FIRST_TEXT, SECOND_TEXT],
        "is_reasoning_complete": [True, False],
    }
    found = items(tmp_path, row | GOLD)
    assert [item.finish_reason for item in found if isinstance(item, RecordedTrace)] == ["stop", "length"]


def test_lists_of_different_length_are_a_fault(tmp_path: Path) -> None:
    row = {"problem": QUESTION, "thinking": [THINKING], "response": [RESPONSE, RESPONSE]}
    good = {"problem": f"{QUESTION}!", "thinking": [THINKING], "response": [RESPONSE]}
    _, fault = items(tmp_path, good | GOLD, row | GOLD)
    assert isinstance(fault, DeadLetter)
    assert fault.detail == "2 generations, but 1 in column thinking"


@pytest.mark.parametrize(
    ("row", "pairs"),
    [
        # s1K-1.1
        ({"question": QUESTION, "solution": "12", "deepseek_thinking_trajectory": THINKING,
          "deepseek_attempt": RESPONSE, "gemini_thinking_trajectory": SECOND, "gemini_attempt": RESPONSE},
         ["thinking=deepseek_thinking_trajectory", "response=deepseek_attempt"]),
        # AM-DeepSeek-R1-Distilled
        ({"messages": [ASKED | {"info": {"reference_answer": "12", "source": "s"}},
                       {"role": "assistant", "content": FIRST_TEXT, "info": {"think_content": THINKING}}]},
         ["gold_answer=messages[0].info.reference_answer"]),
        # OpenMathReasoning
        ({"problem": QUESTION, "generated_solution": FIRST_TEXT, "expected_answer": "12",
          "generation_model": "r1", "problem_type": "has_answer_extracted"}, []),
        # SYNTHETIC-1
        ({"prompt": QUESTION, "llm_response": FIRST_TEXT, "verification_info": '{"ground_truth": "12"}'},
         ["gold_answer=verification_info.ground_truth"]),
        # medical-o1-reasoning-SFT
        ({"Question": QUESTION, "Complex_CoT": THINKING, "Response": RESPONSE, "gold": "12"}, []),
        # Alpaca
        ({"instruction": "A box holds 3 rows of 4 eggs.", "input": "How many eggs are in it?",
          "output": FIRST_TEXT, "answer": "12"}, ["question=instruction+input"]),
        # DAPO, verl
        ({"prompt": [ASKED], "reward_model": {"ground_truth": "12", "style": "rule"}, "response": FIRST_TEXT,
          "ability": "MATH", "extra_info": {"index": 0}}, []),
    ],
)  # fmt: skip
def test_public_data_sets(tmp_path: Path, row: dict[str, Any], pairs: list[str]) -> None:
    ((question, *rest),) = read(tmp_path, row, *pairs)
    assert " ".join(question.split()) == QUESTION
    assert rest == [THINKING, RESPONSE, "12"]


def test_marked_thinking_must_agree_with_a_column(tmp_path: Path) -> None:
    row = {"question": QUESTION, "response": FIRST_TEXT, "reasoning": SECOND} | GOLD
    with pytest.raises(
        BadInputError, match="reasoning and the marks in response hold different thinking"
    ) as refused:
        items(tmp_path, row)
    assert "--map thinking=reasoning" in str(refused.value)
    assert str(refused.value).endswith("or --map thinking=")
    assert read(tmp_path, row, "thinking=reasoning") == [(QUESTION, SECOND, RESPONSE, "12")]
    assert read(tmp_path, row, "thinking=") == WHOLE
    assert read(tmp_path, row | {"reasoning": f"{THINKING}\n"}) == WHOLE


def test_a_row_beyond_the_sample_that_disagrees_is_a_dead_letter(tmp_path: Path) -> None:
    rows = [{"instruction": f"Is {n} even?", "input": "", "output": FIRST_TEXT} | GOLD for n in range(1_000)]
    *_, last = items(tmp_path, *rows, rows[0] | {"instruction": "Double it.", "input": "4"})
    assert isinstance(last, DeadLetter)
    assert (last.line, last.error) == (1_001, "ambiguous")
    assert last.detail == "instruction and input both may be the question, and they differ"


def test_text_in_front_of_the_thinking_is_not_dropped(tmp_path: Path) -> None:
    fine = {"question": QUESTION, "response": FIRST_TEXT} | GOLD
    row = fine | {"response": f"The answer is twelve, because of this. {FIRST_TEXT}"}
    twice = fine | {"response": f"{FIRST_TEXT} <think>Once more.</think> It is 12."}
    _, before, repeated = items(tmp_path, fine, row, twice)
    assert isinstance(before, DeadLetter)
    assert before.error == "ambiguous"
    assert "text in front of the thinking: The answer is twelve" in before.detail
    assert isinstance(repeated, DeadLetter)
    assert repeated.detail == "more than one block of thinking is marked in one text"
    prompted = fine | {"response": f"User: {QUESTION}\nAssistant: {FIRST_TEXT}"}
    assert read(tmp_path, prompted) == WHOLE


def test_no_response_but_a_column_that_may_hold_it_is_a_doubt(tmp_path: Path) -> None:
    answer = "There are 3 rows, and each of them has 4 eggs in it, so that makes \\boxed{12} eggs in all."
    row = {"question": QUESTION, "reasoning": THINKING, "answer": answer, "ground_truth": "12"}
    with pytest.raises(BadInputError, match="no response is recognised") as refused:
        items(tmp_path, row)
    assert "--map response=answer or --map response=" in str(refused.value)
    assert read(tmp_path, row, "response=answer") == [(QUESTION, THINKING, answer, "12")]
    assert read(tmp_path, row, "response=") == [(QUESTION, THINKING, "", "12")]


def test_an_answer_that_may_be_the_models_own_is_a_doubt(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--map response=answer or --map response="):
        items(tmp_path, {"question": QUESTION, "reasoning": THINKING, "answer": RESPONSE})


def test_a_gold_answer_that_is_a_structure_is_refused_with_its_addresses(tmp_path: Path) -> None:
    row = {"question": QUESTION, "response": FIRST_TEXT, "answer": {"value": "12", "unit": "eggs"}}
    with pytest.raises(BadInputError, match="column answer holds a structure") as refused:
        items(tmp_path, row)
    assert str(refused.value).endswith("--map gold_answer=answer.value")
    assert read(tmp_path, row, "gold_answer=answer.value") == WHOLE


def test_the_options_of_a_question_are_no_responses(tmp_path: Path) -> None:
    row = {"question": QUESTION, "choices": ["11", "12"], "response": FIRST_TEXT} | GOLD
    assert read(tmp_path, row) == WHOLE


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"question": QUESTION, "answer": "12", "response": RESPONSE},
            "none of the first 1 rows can be used",
        ),
        ({"question": QUESTION, "answer": "", "response": FIRST_TEXT}, "--map gold_answer="),
        ({"question": " ", "answer": "12", "response": FIRST_TEXT}, "--map question="),
    ],
)
def test_a_file_in_which_no_row_can_be_used_is_refused(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        items(tmp_path, row)


def test_optional_columns_of_another_type_cost_nothing(tmp_path: Path) -> None:
    row = {
        "question": QUESTION, "answer": 12, "response": FIRST_TEXT, "thinking": {"steps": 3},
        "model": {"id": 7},
        "dataset": ["a", "b"], "split": 1, "finish_reason": {"type": "stop"}, "level": 3, "subject": None,
        "license": "mit", "score": 0.5, "tags": ["x"],
    }  # fmt: skip
    (found,) = items(tmp_path, row)
    assert isinstance(found, RecordedTrace)
    assert (found.thinking, found.student, found.finish_reason) == (THINKING, "m", "unknown")
    question = found.question
    assert (question.dataset, question.split, question.level, question.subject) == ("traces", "1", "3", None)
    assert json.loads(question.meta or "") == {"license": "mit", "score": 0.5}


def test_questions_keep_what_their_source_says(tmp_path: Path) -> None:
    row = {
        "problem": QUESTION, "solution": "We multiply.", "answer": "12", "response": FIRST_TEXT, "model": "m",
        "source": "olympiads", "licence": "cc-by-4.0", "level": "Level 2", "type": "Algebra",
        "uuid": "u1", "is_hard": False, "long": "x" * 3_000, "bad": float("nan"),
    }  # fmt: skip
    (found,) = items(tmp_path, row)
    assert isinstance(found, RecordedTrace)
    question = found.question
    assert (question.dataset, question.level, question.subject) == ("olympiads", "Level 2", "Algebra")
    meta = json.loads(question.meta or "")
    assert meta.pop("long") == "x" * 2_000 + "…"
    assert meta == {
        "solution": "We multiply.", "source": "olympiads", "licence": "cc-by-4.0", "type": "Algebra",
        "uuid": "u1", "is_hard": False,
    }  # fmt: skip


def test_what_is_not_used_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"question": QUESTION, "response": FIRST_TEXT, "reasoning": "on"} | GOLD))
    assert open_traces(path).guess.mapping.notes == ("reasoning holds labels (on), not reasoning",)
