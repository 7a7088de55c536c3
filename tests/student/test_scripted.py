"""The script: the same words for the same question, and mistakes at the rates it states."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from drp.errors import TerminalError
from drp.ids import sampled_rollout_id
from drp.questions.synthetic import generate
from drp.recipe import Recipe, load_recipe
from drp.records import Question, Rollout
from drp.student.degenerate import is_degenerate
from drp.student.scripted import LOOPING_RATE, UNFINISHED_RATE, WRONG_RATE, ScriptedStudent

_BOXED = re.compile(r"\\boxed\{(\d+)\}")
_EQUATION = re.compile(r"(\d+) ([-+×*÷/]) (\d+) = (\d+)")  # bounded by the numbers of a line


def recipe(**sampling: int) -> Recipe:
    loaded = load_recipe("drp")
    return loaded.model_copy(update={"sampling": loaded.sampling.model_copy(update=sampling)})


def rollouts(size: int, **sampling: int) -> list[tuple[Question, Rollout]]:
    questions = list(generate(size, seed=0))
    by_id = {question.question_id: question for question in questions}
    return [
        (by_id[found.question_id], found) for found in ScriptedStudent(recipe(**sampling)).sample(questions)
    ]


def fate(question: Question, rollout: Rollout) -> str:
    if rollout.finish_reason == "length":
        return "looping" if is_degenerate(rollout.thinking) else "unfinished"
    boxed = _BOXED.search(rollout.response)
    assert boxed is not None
    return "right" if boxed[1] == question.gold_answer else "wrong"


def holds(equation: tuple[str, str, str, str]) -> bool:
    left, sign, right, result = int(equation[0]), equation[1], int(equation[2]), int(equation[3])
    found = {"+": left + right, "-": left - right, "×": left * right, "*": left * right}
    return found[sign] == result if sign in found else left == right * result


def test_rates_are_the_stated_ones() -> None:
    fates = Counter(fate(*pair) for pair in rollouts(4_000))
    assert fates["wrong"] / 4_000 == pytest.approx(WRONG_RATE, abs=0.02)
    assert fates["unfinished"] / 4_000 == pytest.approx(UNFINISHED_RATE, abs=0.01)
    assert fates["looping"] / 4_000 == pytest.approx(LOOPING_RATE, abs=0.006)


def test_the_same_question_seed_and_index_give_the_same_words() -> None:
    first, second = rollouts(50, samples=2), rollouts(50, samples=2)
    assert first == second
    assert len({rollout.thinking for _, rollout in first}) == 100
    other = rollouts(50, samples=2, seed=1)
    assert not {r.rollout_id for _, r in first} & {r.rollout_id for _, r in other}
    assert not {r.thinking for _, r in first} & {r.thinking for _, r in other}


def test_ids_are_what_the_plan_looks_up() -> None:
    asked = recipe(samples=2)
    expected = [
        sampled_rollout_id(
            question.question_id,
            asked.student,
            asked.prompt_version,
            asked.sampling.identity,
            index,
        )
        for question in generate(5, seed=0)
        for index in range(2)
    ]
    assert [rollout.rollout_id for _, rollout in rollouts(5, samples=2)] == expected


def test_finished_traces_are_long_and_counted_in_characters() -> None:
    for _, rollout in rollouts(500):
        if rollout.finish_reason == "stop":
            assert 300 <= len(rollout.thinking) <= 2_500
            assert rollout.response
        else:
            assert rollout.response == ""
        assert rollout.think_tokens == len(rollout.thinking)
        assert rollout.total_tokens == len(rollout.thinking) + len(rollout.response)
        assert (rollout.engine, rollout.token_counter) == ("scripted", "characters")


def test_right_summaries_hold_and_wrong_ones_carry_one_false_equation() -> None:
    for question, rollout in rollouts(1_000):
        plain = rollout.response.replace(r"\times", "×").replace(r"\div", "÷")
        false = [equation for equation in _EQUATION.findall(plain) if not holds(equation)]
        expected = {"right": 0, "wrong": 1}.get(fate(question, rollout), 0)
        assert len(false) == expected, (rollout.response, question.gold_answer)


def test_mistakes_that_are_caught_stand_in_right_traces() -> None:
    right = [r.thinking for q, r in rollouts(200) if fate(q, r) == "right"]
    slips = [text for text in right if any(not holds(equation) for equation in _EQUATION.findall(text))]
    assert len(slips) > len(right) / 5


@pytest.mark.parametrize("change", [{"source": "gsm8k.parquet"}, {"question": "What is 2 + 2?"}])
def test_questions_of_others_are_refused(change: dict[str, str]) -> None:
    (question,) = generate(1, seed=0)
    with pytest.raises(TerminalError, match=r"only answer generated problems.*drp import traces"):
        list(ScriptedStudent(recipe()).sample([replace(question, **change)]))
