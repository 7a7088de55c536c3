"""An oracle teacher: it knows what each phrase of the small student is, and keeps exactly the derivation.

Where the derivation does not lead to the student's answer, it refuses the trace. This happens when the
student overlooks a mistake, and its verification at the end has the right numbers nevertheless.

It is a bound for `benchmarks.effect_of_pruning` and no product: it recognises the phrases of the small
student (`benchmarks.small_student_phrases`), which is possible for no other student. `install` makes it a
plug-in.

    OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.oracle_teacher [--questions 300]

measures how reliable that is on fresh rollouts: the share of phrases that are recognised, and for how many
right rollouts the oracle keeps the computations of the problem, all and no others.
"""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from benchmarks.small_student_phrases import Phrase, phrases_of, voice_of
from drp.config import DecompositionKind
from drp.config.recipe import load_recipe
from drp.core.records import Action, Decision, Draft, Question, Refusal, Revision, Rollout, Step, StudentTrace
from drp.questions.generators.generate import generate, problem_from_source
from drp.student import small
from drp.student.engines.select import student_of
from drp.student.small.voice import ROLES, Form, Role
from drp.traces import UNLABELLED, joined

_FAMILIES: Mapping[Role, str] = {
    Role.RESTATEMENT: "reading",
    Role.PLAN: "planning",
    Role.DERIVATION: "arithmetic",
    Role.REPETITION: "arithmetic",
    Role.CHECK: "checking",
    Role.ASIDE: "checking",
    Role.GUESS: "arithmetic",
    Role.CORRECTION: "checking",
    Role.WITHDRAWN: "planning",
    Role.ANSWER: "deduction",
}
_COMPUTATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
_SIGNS = {"×": "*", "÷": "/"}


class OracleTeacher:
    """Implements `drp.teacher.Teacher`. A step is a phrase, whatever the kind of decomposition is."""

    name = "oracle"
    prompt_version = "oracle-1"

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into the student's phrases, labelled with their roles."""
        for draft in drafts:
            thinking = draft.trace.thinking
            phrases = phrases_of(thinking, voice_of(thinking))
            starts = [0, *(phrase.start for phrase in phrases[1:]), len(thinking)]
            steps = [
                _step(start, end, phrase)
                for (start, end), phrase in zip(pairwise(starts), phrases, strict=True)
            ]
            yield draft if draft.refusal else replace(draft, steps=steps)

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Keep the derivation and the answer, correct what was corrected, and delete the rest."""
        for draft in drafts:
            yield draft if draft.refusal or draft.revision else _revised(draft)


def _step(start: int, end: int, phrase: Phrase) -> Step:
    if phrase.form is None:
        return Step(start, end, UNLABELLED.name, UNLABELLED.family)
    role = ROLES[phrase.form]
    return Step(start, end, role.value, _FAMILIES[role])


def _revised(draft: Draft) -> Draft:
    thinking = draft.trace.thinking
    phrases = phrases_of(thinking, voice_of(thinking))
    following = [phrase.form for phrase in phrases[1:]]
    decisions = [
        Decision(index, *_action(phrase, after), phrase.form or "not recognised")
        for index, (phrase, after) in enumerate(zip(phrases, [*following, None], strict=True))
    ]
    derivation = joined(thinking, draft.steps, decisions)
    results = [result for *_, result in _COMPUTATION.findall(derivation)]
    if not results or results[-1] != draft.trace.answer:
        return replace(draft, refusal=Refusal("unanswered", "the derivation does not lead to the answer"))
    return replace(draft, decisions=decisions, revision=Revision(derivation, draft.trace.response))


def _action(phrase: Phrase, following: Form | None) -> tuple[Action, str | None]:
    """Return the action for a phrase and its new text. A phrase that is not recognised is kept."""
    if phrase.form is Form.CAUGHT:
        return "SINGLE-STEP COMPRESS", f"{phrase.words['right']}."
    if phrase.form is Form.FALSE_START:
        return "SINGLE-STEP COMPRESS", phrase.words["reason"]
    if phrase.form is Form.GUESS:
        return ("DELETE" if following is Form.CAUGHT else "KEEP"), None
    is_kept = phrase.form is None or ROLES[phrase.form] in (Role.DERIVATION, Role.ANSWER)
    return ("KEEP" if is_kept else "DELETE"), None


def install(folder: Path) -> None:
    """Declare the plug-in `oracle` to this process and to those that it starts.

    Args:
        folder: gets the metadata of a package that names this module as its teacher.
    """
    metadata = folder / "drp_oracle-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: drp-oracle\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[drp.teachers]\noracle = {__name__}:OracleTeacher\n")
    added = [str(folder), str(Path(__file__).parent.parent)]
    sys.path += added
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*inherited, *added]))


def reliability(rollouts: Sequence[tuple[Question, Rollout]], right: Sequence[bool]) -> str:
    """Return a line on how well the oracle reads these rollouts, and what it keeps of the right ones."""
    counts: Counter[str] = Counter()
    teacher = OracleTeacher()
    for (question, rollout), is_right in zip(rollouts, right, strict=True):
        phrases = phrases_of(rollout.thinking, voice_of(rollout.thinking))
        counts["phrases"] += len(phrases)
        counts["recognised"] += sum(phrase.form is not None for phrase in phrases)
        if not is_right:
            continue
        trace = StudentTrace(
            rollout.rollout_id, question.question, rollout.thinking, rollout.response, question.gold_answer
        )
        (draft,) = teacher.revise(teacher.decompose([Draft(trace)], "skill"))
        counts["right"] += 1
        if draft.revision is None:
            continue
        counts["revised"] += 1
        problem = problem_from_source(question.source)
        assert problem is not None
        kept = [match.groups() for match in _COMPUTATION.finditer(draft.revision.thinking)]
        derivation = [
            (str(c.left.value), _SIGNS.get(c.operator, c.operator), str(c.right.value), str(c.result))
            for c in problem.computations
        ]
        counts["exact"] += kept == derivation
        counts["complete"] += set(derivation) <= set(kept)
    recognised, revised = counts["recognised"] / counts["phrases"], counts["revised"] / counts["right"]
    complete, exact = (counts[name] / counts["revised"] for name in ("complete", "exact"))
    return (
        f"{recognised:.2%} of {counts['phrases']:,} phrases recognised; the oracle revises {revised:.1%} of"
        f" {counts['right']} right rollouts. Of these it keeps all of the problem's computations in"
        f" {complete:.1%}, and these in order and no others in {exact:.1%}"
    )


def main() -> None:
    """Sample rollouts and print how the oracle reads them."""
    from benchmarks.student import is_right, sampled  # imports torch, which teachers must not

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--student", default=str(small.WEIGHTS))
    parser.add_argument("--questions", type=int, default=300)
    asked = parser.parse_args()
    student = student_of(load_recipe("drp", student=asked.student))
    rollouts, _ = sampled(student, list(generate(asked.questions, 0, "small", "train")))
    print(reliability(rollouts, [is_right(*pair) for pair in rollouts]))


if __name__ == "__main__":
    main()
