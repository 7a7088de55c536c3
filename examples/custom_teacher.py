"""A teacher of your own: it keeps the sentences that hold an equation, and the last one.

    .venv/bin/python examples/custom_teacher.py

To use it in a night, put the class into a package, declare it in its pyproject.toml and install the package:

    [project.entry-points."drp.teachers"]
    equations = "my_package.teacher:EquationTeacher"

A recipe may then say `teacher: equations` (and `decomposition: sentence`). DRP calls the class without
arguments, once in each of its processes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import drp
from drp.config import DecompositionKind
from drp.core import Decision, Draft, Refusal, Revision
from drp.teacher.heuristic import decompose
from drp.traces import joined


class EquationTeacher:
    """Implements `drp.Teacher`. It reads the trace in each draft, never the gold answer."""

    name = "equations"
    prompt_version = "equations-1"  # change it together with the rules: revisions are then made anew

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into steps, which must cover it from first to last character."""
        for draft in drafts:
            yield draft if draft.refusal else replace(draft, steps=decompose(draft.trace, kind))

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decide one action for every step and write the shorter trace, or refuse the draft."""
        for draft in drafts:
            yield draft if draft.refusal or draft.revision else self._revised(draft)

    def _revised(self, draft: Draft) -> Draft:
        thinking, last = draft.trace.thinking, len(draft.steps) - 1
        decisions = []
        for index, step in enumerate(draft.steps):
            text = thinking[step.char_start : step.char_end]
            if "=" in text or index == last:
                decisions.append(Decision(index, "KEEP", None, "has an equation, or is the conclusion"))
            else:
                decisions.append(Decision(index, "DELETE", None, "has no equation"))
        shorter = joined(thinking, draft.steps, decisions)
        if not shorter or len(shorter) >= len(thinking):
            return replace(draft, refusal=Refusal("malformed", "nothing could be shortened"))
        return replace(draft, decisions=decisions, revision=Revision(shorter, draft.trace.response))


def main() -> None:
    """Prune one trace with the teacher."""
    thinking = (
        "Let me think about this. Each of the 6 boxes has 7 pens, so 6 * 7 = 42 pens. Hmm, is that all?"
        " No, 5 pens are lost. So 42 - 5 = 37 pens are left. I am sure now. The answer is 37."
    )
    response = "The answer is $\\boxed{37}$."
    question = "There are 6 boxes with 7 pens each, and 5 pens are lost. How many are left?"
    draft = drp.prune_trace(question, thinking, response, teacher=EquationTeacher(), kind="sentence")
    if draft.revision is None:
        raise SystemExit(f"the teacher refused the trace: {draft.refusal}")
    for decision, step in zip(draft.decisions, draft.steps, strict=True):
        print(f"{decision.action:<7} {thinking[step.char_start : step.char_end].strip()}")
    print(f"\n{draft.revision.thinking}\n{draft.revision.response}")


if __name__ == "__main__":
    main()
