"""Columns are recognised by names and contents, or given with --map; a doubtful guess is refused."""

from typing import Any

import pytest

from drp.core.errors import BadInputError
from drp.questions.importers.columns import ColumnMapping, ImportCommand
from drp.questions.importers.guess import recognise

LONG = "First I add the two numbers. Then I look at the sum again, and it is right, so I am done with it."
OTHER = "Let me multiply instead of adding. The product of the two numbers is what was asked for, I believe."


def mapping(
    row: dict[str, Any], *pairs: str, kind: Any = "traces", student: str | None = "m"
) -> ColumnMapping:
    return recognise([row], ImportCommand(kind, "f", pairs, student)).mapping


def refusal(*rows: dict[str, Any], pairs: tuple[str, ...] = (), student: str | None = "m") -> str:
    with pytest.raises(BadInputError) as refused:
        recognise(rows, ImportCommand("traces", "traces.csv", pairs, student))
    return str(refused.value)


def row(**values: Any) -> dict[str, Any]:
    return {
        "question": "What is 1 + 1?",
        "answer": "2",
        "response": f"<think>{LONG}</think>It is 2.",
    } | values


def test_usual_names_in_any_spelling() -> None:
    found = mapping({"Problem": "What is 1 + 1?", "Final-Answer": "2", "trace": LONG, "model": "r1"})
    assert dict(found.columns) == {
        "question": "Problem",
        "gold_answer": "Final-Answer",
        "response": "trace",
        "student": "model",
    }


def test_a_pair_overrides_and_takes_its_column_away() -> None:
    values = {"question": "What is 1 + 1?", "answer": LONG, "truth": "2"}
    found = mapping(values, "response=answer", "gold_answer=truth")
    assert found.columns["response"] == "answer"
    assert found.columns["gold_answer"] == "truth"
    with pytest.raises(BadInputError, match="recognised as gold_answer"):
        mapping({"question": "q?", "answer": LONG}, "response=answer")


def test_a_dot_reaches_into_a_struct_unless_a_column_has_that_name() -> None:
    values = {"prompt": "q?", "reward_model": {"ground_truth": "7"}}
    found = mapping(values, kind="questions")
    assert found.value(values, "gold_answer") == "7"
    assert found.value({"reward_model": None}, "gold_answer") is None
    found = mapping({"question": "q?", "a.b": "7"}, "gold_answer=a.b", kind="questions")
    assert found.value({"a.b": "7"}, "gold_answer") == "7"


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("messages[0].info.answer", "2"),
        ("messages[-1].text", "two"),
        ("checks.truth", "2"),  # through JSON text
        ("choices[*].text", ["a", "b"]),
        ("first+second", "one\n\ntwo"),
        ("messages[9].info", None),
        ("messages.info", None),
    ],
)
def test_addresses(address: str, value: Any) -> None:
    values = {
        "messages": [{"info": {"answer": "2"}}, {"text": "two"}],
        "checks": '{"truth": "2"}',
        "choices": [{"text": "a"}, {"text": "b"}],
        "first": "one",
        "second": " two ",
    }
    assert ColumnMapping({"gold_answer": address}).value(values, "gold_answer") == value


def test_a_field_that_is_given_no_column_is_not_read() -> None:
    assert "response" not in mapping(row(thinking=LONG), "response=")
    assert "split" not in mapping(row(split="train"), "split=")


@pytest.mark.parametrize(
    ("values", "pairs", "message"),
    [
        (
            {"question": "q?", "x": "2"},
            [],
            r"recognised as gold_answer.*columns: question, x.*--map gold_answer=COLUMN",
        ),
        ({"x": LONG, "answer": "2"}, [], "--map question=x"),
        ({"question": "q?", "answer": "2", "cot": LONG}, [], "--map thinking=cot"),
        ({"question": "q?", "answer": "2"}, [], "--map thinking=COLUMN"),
        ({"question": "q?", "answer": "2"}, ["thinking=cot"], "no column 'cot'"),
        ({"question": "q?", "answer": "2"}, ["thinking=answer[x"], r"no column 'answer\[x'"),
        (
            {"question": "q?", "answer": "2"},
            ["cot=thinking"],
            "'cot' is not one of question, gold_answer, thinking",
        ),
        ({"question": "q?", "answer": "2"}, ["thinking"], "no column ''"),
        ({"question": "q?", "answer": "2", "cot": LONG}, ["cot=thinking"], "--map thinking=cot$"),
        ({"question": "q?", "answer": "2", "cot": LONG}, ["thoughts=cot"], "--map thinking=cot$"),
        ({"question": "q?", "answer": "2", "cot": LONG}, ["thinkin=cot"], "--map thinking=cot$"),
        ({"question": "q?", "answer": "2", "cot": LONG}, ["x=cot"], "--map FIELD=COLUMN$"),
        ({"question": "q?", "answer": "2", "my_cot": LONG}, ["thinking=mycot"], "--map thinking=my_cot$"),
    ],
)
def test_files_that_cannot_be_mapped(values: dict[str, Any], pairs: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        mapping(values, *pairs)


def test_traces_need_the_name_of_their_model() -> None:
    assert "Next: drp import traces traces.csv --student NAME" in refusal(row(), student=None)
    assert "student" not in mapping(row())


def test_a_switch_named_reasoning_is_not_thinking() -> None:
    for switch in ("on", "off", True, 1, "high", "detailed thinking on", "Number Theory", "", None):
        found = mapping(row(reasoning=switch))
        assert "thinking" not in found or found.value(row(reasoning=switch), "thinking") in ("", None)
        assert found.columns["response"] == "response"


def test_labels_that_repeat_are_not_thinking() -> None:
    rows = [row(reasoning=f"Kind of problem {n % 2}: sums.") for n in range(8)]
    found = recognise(rows, ImportCommand("traces", "f", (), "m")).mapping
    assert "thinking" not in found
    assert found.notes == ("reasoning holds labels (Kind of problem 0: sums.), not reasoning",)


def test_a_file_with_nothing_but_a_switch_is_refused_with_what_it_holds() -> None:
    message = refusal({"question": "q?", "answer": "2", "reasoning": "on", "notes": LONG})
    assert "no column is recognised as thinking (reasoning holds labels (on), not reasoning)" in message
    assert "--map thinking=notes" in message


@pytest.mark.parametrize(
    ("values", "first", "second"),
    [
        ({"problem": "What is 2 + 2?"}, "question=question", "question=problem"),
        ({"final_answer": "3"}, "gold_answer=answer", "gold_answer=final_answer"),
        ({"solution": r"We get \boxed{3}."}, "gold_answer=answer", "gold_answer=solution"),
        ({"thinking": LONG, "reasoning": OTHER}, "thinking=thinking", "thinking=reasoning"),
        ({"output": f"<think>{OTHER}</think>It is 2."}, "response=response", "response=output"),
        ({"model": "a", "generator": "b"}, "student=model", "student=generator"),
        (
            {"messages": [{"role": "user", "content": "What is 9?"}]},
            "question=question",
            "question=messages",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": "What is 1 + 1?"},
                    {"role": "assistant", "content": f"<think>{OTHER}</think>It is 2."},
                ]
            },
            "response=response",
            "response=messages",
        ),
    ],
)
def test_two_columns_that_differ_are_refused_with_both_choices(
    values: dict[str, Any], first: str, second: str
) -> None:
    message = refusal(row(**values))
    assert "both may be the" in message
    assert f"--map {first}" in message
    assert f"--map {second}" in message
    name = first.partition("=")[0]
    for pair in (first, second):
        others = ("thinking=",) if name == "response" else ()
        assert mapping(row(**values), pair, *others).columns[name] == pair.partition("=")[2]


@pytest.mark.parametrize(
    "values",
    [
        {"problem": " What is  1 + 1?"},
        {"prompt": "Solve this: What is 1 + 1?"},
        {"prompt": "What is 1 + 1?\nPlease reason step by step."},
        {"final_answer": "2.0"},
        {"solution": r"We get $\boxed{2}$."},
        {"solution": "We add 1 and 1. The sum is two, as everybody knows."},  # no final answer is marked
        {"label": True},
        {"input": ""},
        {"thinking": LONG, "reasoning": f" {LONG}\n"},
        {"output": "It is 2."},
        {"generations": [f"<think>{LONG}</think>It is 2.", f"<think>{OTHER}</think>It is 3."]},
        {"messages": [{"role": "user", "content": "Think. What is 1 + 1?"}]},
    ],
)
def test_columns_that_agree_are_no_doubt(values: dict[str, Any]) -> None:
    found = mapping(row(**values))
    assert found.columns["question"] == "question"
    assert found.columns["gold_answer"] == "answer"
    assert found.columns["response"] == ("generations" if "generations" in values else "response")


def test_an_instruction_with_an_input_is_joined_on_request() -> None:
    values = {
        "instruction": "Add the numbers.",
        "input": "1 and 1",
        "output": f"<think>{LONG}</think>2",
        "answer": "2",
    }
    message = refusal(values)
    assert "Next: drp import traces traces.csv --student m --map question=instruction+input" in message
    assert message.endswith("--map question=instruction")
    assert "--map question=input or" in message
    found = mapping(values, "question=instruction+input")
    assert found.value(values, "question") == "Add the numbers.\n\n1 and 1"
    assert found.value(values | {"input": ""}, "question") == "Add the numbers."


def test_the_question_is_the_shorter_text_whatever_its_column_is_called() -> None:
    values = row(question="Solve this: What is 1 + 1?", prompt="What is 1 + 1?")
    assert mapping(values).columns["question"] == "prompt"
    short = {"instruction": "What is the sum of 3, 4 and 5", "input": "3, 4 and 5"}
    message = refusal({"answer": "12", "response": f"<think>{LONG}</think>12"} | short)
    assert "--map question=instruction+input or" in message


def test_columns_of_shards_are_joined() -> None:
    first = row(thinking=LONG, response="It is 2.")
    second = {"problem": "What is 2 + 1?", "ground_truth": "3", "thinking": OTHER, "output": ["It is 3."]}
    message = refusal(first, second)
    pairs = ("question=question+problem", "gold_answer=answer+ground_truth", "response=response+output")
    assert "some rows have question, and others problem in its place" in message
    assert message.endswith(" ".join(f"--map {pair}" for pair in pairs))
    found = recognise([first, second], ImportCommand("traces", "f", pairs, "m")).mapping
    read = [[found.value(values, pair.partition("=")[0]) for pair in pairs] for values in (first, second)]
    assert read == [["What is 1 + 1?", "2", "It is 2."], ["What is 2 + 1?", "3", ["It is 3."]]]


def test_an_answer_with_thinking_is_a_response() -> None:
    found = mapping({"question": "q?", "answer": f"<think>{LONG}</think>It is 2.", "ground_truth": "2"})
    assert found.columns["response"] == "answer"
    assert found.columns["gold_answer"] == "ground_truth"


def test_marked_thinking_tells_a_response_of_any_name() -> None:
    values = {"question": "q?", "answer": "2", "r1_text": f"<think>{LONG}</think>It is 2."}
    assert mapping(values).columns["response"] == "r1_text"
    prompt = "Reply as <think>your reasoning</think> and then the answer."
    assert mapping(values | {"system_prompt": prompt}).columns["response"] == "r1_text"
    assert "response=r1_text" in refusal(values | {"v3_text": f"<think>{OTHER}</think>It is 2."})


def test_all_columns_that_differ_are_named() -> None:
    texts = {f"r1_solution_{n}": f"<think>{LONG} {n}.</think>It is {n}." for n in range(3)}
    message = refusal({"question": "q?", "answer": "2"} | texts)
    assert all(f"--map response={column}" in message for column in texts)


def test_verdicts_are_no_gold_answers() -> None:
    message = refusal({"question": "q?", "label": "correct", "response": f"<think>{LONG}</think>2"})
    assert "label holds verdicts (correct), not gold answers" in message


def test_zero_and_one_may_be_answers_but_not_labels() -> None:
    rows = [row(answer=n % 2, label=n % 2) for n in range(4)]
    assert recognise(rows, ImportCommand("traces", "f", (), "m")).mapping.columns["gold_answer"] == "answer"
    only = [{"question": "q?", "label": n % 2, "response": f"<think>{LONG}</think>2"} for n in range(4)]
    assert "label holds verdicts (0), not gold answers" in refusal(*only)


def test_a_gold_answer_inside_a_structure_is_suggested_by_its_address() -> None:
    messages = [
        {"role": "user", "content": "What is 1 + 1?", "info": {"source": "s", "answer": "2"}},
        {"role": "assistant", "content": f"<think>{LONG}</think>It is 2.", "info": None},
    ]
    assert "--map 'gold_answer=messages[0].info.answer'" in refusal({"messages": messages})
    values = {"messages": messages}
    found = mapping(values, "gold_answer=messages[0].info.answer")
    assert found.value(values, "gold_answer") == "2"
    assert found.columns["response"] == "messages"


def test_the_next_command_repeats_what_was_given() -> None:
    message = refusal(row(problem="What is 2 + 2?", part="train"), pairs=("split=part",))
    assert "Next: drp import traces traces.csv --map split=part --student m --map question=" in message
