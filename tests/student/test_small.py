"""The training texts of the small student: long, hesitant, wrong at the stated rate, and prunable."""

import random
import re
from collections import Counter

from drp.core.records import ACTIONS, Draft, StudentTrace
from drp.grading.arithmetic.check import false_equations
from drp.grading.extract_answer import extract_answer
from drp.questions.generators.small_student_problems import draw
from drp.student.small.trace_writer import WRONG_RATE, TraceSettings, drill, write, write_bare
from drp.teacher.heuristic import HeuristicTeacher


def chance(seed: int | str) -> random.Random:
    """Return a random generator with a fixed seed."""
    return random.Random(seed)  # noqa: S311


PROBLEMS = [draw(chance(number), "pretrain") for number in range(600)]
TRACES = [write(chance(f"trace/{number}"), problem) for number, problem in enumerate(PROBLEMS)]
_EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")


def holds(equation: tuple[str, str, str, str]) -> bool:
    left, sign, right, result = int(equation[0]), equation[1], int(equation[2]), int(equation[3])
    results = {"+": left + right, "-": left - right, "*": left * right}
    return results[sign] == result if sign in results else left == right * result


def answers() -> list[int]:
    return [int(found.answer) for trace in TRACES if (found := extract_answer(trace.response))]


def test_the_wrong_rate_is_as_stated():
    wrong = sum(answer != problem.answer for answer, problem in zip(answers(), PROBLEMS, strict=True))
    assert abs(wrong / len(PROBLEMS) - WRONG_RATE) < 0.04


def test_the_summary_holds_unless_the_answer_is_wrong():
    for trace, answer, problem in zip(TRACES, answers(), PROBLEMS, strict=True):
        if equations := _EQUATION.findall(trace.response):
            assert all(map(holds, equations)) == (answer == problem.answer)


def test_right_traces_contain_corrected_mistakes():
    right = [t.thinking for t, a, p in zip(TRACES, answers(), PROBLEMS, strict=True) if a == p.answer]
    slips = [text for text in right if not all(map(holds, _EQUATION.findall(text)))]
    assert len(slips) > len(right) / 20


def test_the_same_generator_state_gives_the_same_text():
    problem = PROBLEMS[0]
    assert write(chance(5), problem) == write(chance(5), problem)
    assert write(chance(5), problem) != write(chance(6), problem)


def test_without_thinking_all_are_right_and_short():
    solutions = [write_bare(chance(number), problem) for number, problem in enumerate(PROBLEMS)]
    for bare, problem in zip(solutions, PROBLEMS, strict=True):
        assert extract_answer(bare).answer == str(problem.answer)
        assert all(map(holds, _EQUATION.findall(bare)))
    assert sum(map(len, solutions)) < 0.5 * sum(len(trace.thinking) for trace in TRACES)


def test_the_stated_share_of_traces_is_brief():
    settings = TraceSettings(brief_share=0.12)
    traces = [write(chance(f"trace/{n}"), problem, settings) for n, problem in enumerate(PROBLEMS)]
    brief = sum(len(trace.thinking) < 300 for trace in traces) / len(traces)
    assert 0.05 < brief < 0.2


def test_drills_hold():
    equations = _EQUATION.findall(drill(chance(0), 300))
    assert len(equations) == 300
    assert all(map(holds, equations))


def test_the_heuristic_teacher_can_prune_them():
    teacher = HeuristicTeacher()
    drafts = [
        Draft(StudentTrace(str(number), problem.text, trace.thinking, trace.response, answer=str(answer)))
        for number, (problem, trace, answer) in enumerate(zip(PROBLEMS, TRACES, answers(), strict=True))
        if answer == problem.answer
    ]
    done = list(teacher.revise(teacher.decompose(drafts, "skill")))
    accepted = [d for d in done if d.revision and not false_equations(d.revision.thinking)]
    assert len(accepted) > 0.85 * len(drafts)
    actions = Counter(decision.action for draft in accepted for decision in draft.decisions)
    assert set(actions) == set(ACTIONS)
    del actions["MULTI-STEP COMPRESS"]  # rare: the student's paragraphs are short
    assert all(count > len(accepted) / 10 for count in actions.values()), actions
    for draft in accepted:
        assert len(draft.revision.thinking) < len(draft.trace.thinking)
        assert extract_answer(draft.revision.response).answer == draft.trace.answer
