"""The small student's voices, the roles of their phrases, and the oracle teacher that recognises them."""

import random
import re
from itertools import product

import pytest

from benchmarks.oracle_teacher import OracleTeacher
from benchmarks.small_student_phrases import phrases_of, voice_of
from drp.core.records import Draft, StudentTrace
from drp.gates.row_gates import cover_fault
from drp.grading.extract_answer import extract_answer
from drp.questions.generators.small_student_problems import draw
from drp.student.small.trace_writer import VOICES, Trace, TraceSettings, VoiceName, write, write_bare
from drp.student.small.voice import ROLES, Form, Role

STEPS = (2, 3, 4)
ALL = {name: TraceSettings(name, brief_share=0.1, unopened_share=0.15, steps=STEPS) for name in VOICES}
_EQUATION = re.compile(r"\d+ [-+*/] \d+ = \d+")


def holds(text: str) -> bool:
    """Whether the equation in a text is right."""
    left, sign, right, result = re.search(r"(\d+) ([-+*/]) (\d+) = (\d+)", text).groups()  # type: ignore[union-attr]
    a, b, c = int(left), int(right), int(result)
    return {"+": a + b == c, "-": a - b == c, "*": a * b == c, "/": a == b * c}[sign]


def made(settings: TraceSettings, count: int = 300) -> list[tuple[list[str], Trace]]:
    """Traces with the right equations of their problems."""
    pairs = []
    for number in range(count):
        problem = draw(random.Random(number), "pretrain", settings.steps)  # noqa: S311
        trace = write(random.Random(f"t{number}"), problem, settings)  # noqa: S311
        signs = {"×": "*", "÷": "/"}
        equations = [
            f"{c.left.value} {signs.get(c.operator, c.operator)} {c.right.value} = {c.result}"
            for c in problem.computations
        ]
        pairs.append((equations, trace))
    return pairs


def test_the_voices_share_no_phrase() -> None:
    first, second = (
        {phrase for several in (*voice.phrases.values(), *voice.reasons.values()) for phrase in several}
        for voice in VOICES.values()
    )
    assert not first & second

    def openings(phrases: set[str]) -> set[tuple[str, ...]]:
        return {tuple(phrase.split()[:2]) for phrase in phrases if "{" not in phrase.split()[0]}

    assert not openings(first) & openings(second)


@pytest.mark.parametrize("voice", VOICES.values())
def test_a_voice_has_a_phrase_for_every_form(voice) -> None:  # type: ignore[no-untyped-def]
    assert voice.phrases.keys() | {Form.REASON} == set(Form) == ROLES.keys()
    assert voice.reasons.keys() == {"+", "-", "×", "÷"}
    assert all(voice.phrases.values())


@pytest.mark.parametrize("name", VOICES)
def test_the_forms_that_the_writer_records_are_read_back_from_the_text(name: VoiceName) -> None:
    for _, trace in made(ALL[name]):
        thinking = trace.thinking
        found = [(phrase.form, thinking[phrase.start : phrase.end]) for phrase in phrases_of(thinking, name)]
        assert found == [(phrase.form, phrase.text) for phrase in trace.phrases]
        assert voice_of(thinking) == name


def test_what_no_form_matches_is_found_too() -> None:
    thinking = (
        "So 3 + 4 = 7 pens. Blah blah 3.\n\nI guess 7 - 2 = 5. Good, next.\n\nAnd an end without a stop"
    )
    found = [(phrase.form, thinking[phrase.start : phrase.end]) for phrase in phrases_of(thinking, "first")]
    assert found == [
        (Form.EQUATION, "So 3 + 4 = 7 pens."),
        (None, "Blah blah 3."),
        (Form.GUESS, "I guess 7 - 2 = 5."),
        (Form.UNNOTICED, "Good, next."),
        (None, "And an end without a stop"),
    ]
    assert phrases_of("", "first") == []


def test_a_guess_that_is_corrected_is_wrong_and_the_correction_is_right() -> None:
    seen = 0
    for equations, trace in made(ALL["first"]):
        for phrase, following in zip(trace.phrases, trace.phrases[1:], strict=False):
            if following.form is Form.CAUGHT:
                seen += 1
                assert phrase.form is Form.GUESS
                assert not holds(phrase.text)
                assert holds(following.text)
        assert all(phrase.role is not Role.CHECK or "=" in phrase.text for phrase in trace.phrases)
        assert equations
    assert seen > 10


@pytest.mark.parametrize("name", VOICES)
def test_the_oracle_keeps_exactly_the_derivation(name: VoiceName) -> None:
    teacher = OracleTeacher()
    right = 0
    for equations, trace in made(ALL[name]):
        found = extract_answer(trace.response)
        assert found is not None
        draft = Draft(StudentTrace("r", "?", trace.thinking, trace.response, found.answer))
        (done,) = teacher.revise(teacher.decompose([draft], "skill"))
        assert cover_fault(done.steps, trace.thinking) is None
        assert len(done.decisions) == len(done.steps)
        assert done.revision is not None
        assert done.revision.response == trace.response
        kept = _EQUATION.findall(done.revision.thinking)
        if all(map(holds, kept)):
            right += 1
            assert kept == equations
        assert len(kept) == len(equations)
    assert right > 200


def test_an_unknown_sentence_is_kept() -> None:
    thinking = "Okay, so I need to find the change. It is a sunny day.\n\nSo 3 + 4 = 7 pens."
    draft = Draft(StudentTrace("r", "?", thinking, "It is 7.", "7"))
    teacher = OracleTeacher()
    (done,) = teacher.revise(teacher.decompose([draft], "skill"))
    assert done.revision is not None
    assert done.revision.thinking == "It is a sunny day.\n\nSo 3 + 4 = 7 pens."
    assert [decision.action for decision in done.decisions] == ["DELETE", "KEEP", "KEEP"]


def test_a_derivation_that_does_not_lead_to_the_answer_is_refused() -> None:
    thinking = (
        "First, the pens. I guess 3 + 4 = 8. Good, next.\n\nWait, let me check the whole thing again:"
        " 3 + 4 = 7. Everything is right.\n\nSo the answer is 7 pens."
    )
    teacher = OracleTeacher()
    for answer, reason in (("7", "unanswered"), ("8", None)):
        draft = Draft(StudentTrace("r", "?", thinking, f"It is {answer}.", answer))
        (done,) = teacher.revise(teacher.decompose([draft], "skill"))
        assert (done.refusal.reason if done.refusal else None) == reason
        assert (done.revision is None) == bool(reason)


@pytest.mark.parametrize(("name", "count"), [*product(VOICES, (2, 4))])
def test_without_brief_traces_every_trace_is_long_and_some_begin_without_the_problem(
    name: VoiceName, count: int
) -> None:
    settings = TraceSettings(name, brief_share=0, unopened_share=0.3, steps=(count,))
    traces = [trace for _, trace in made(settings)]
    by_role = [{phrase.role for phrase in trace.phrases} for trace in traces]
    unopened = sum(Role.RESTATEMENT not in roles for roles in by_role) / len(traces)
    assert 0.2 < unopened < 0.4
    checks = sum(Role.CHECK in roles for roles in by_role if Role.RESTATEMENT not in roles)
    assert checks > 0.7 * unopened * len(traces), "without an opening they are still verbose"


@pytest.mark.parametrize("name", VOICES)
def test_bare_solutions_of_a_student_without_brief_traces_are_equations(name: VoiceName) -> None:
    settings = TraceSettings(name, brief_share=0)
    for number in range(100):
        problem = draw(random.Random(number), "pretrain")  # noqa: S311
        *lines, _, answer = write_bare(random.Random(number), problem, settings).split("\n")  # noqa: S311
        assert len(lines) == len(problem.computations)
        assert all(_EQUATION.fullmatch(line.removeprefix("- ")) for line in lines)
        assert f"\\boxed{{{problem.answer}}}" in answer
