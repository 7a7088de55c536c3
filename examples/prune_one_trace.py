"""Prune one reasoning trace with the rule-based teacher; needs no lake, no model and no network.

    .venv/bin/python examples/prune_one_trace.py

Prints each step with its skill and what the teacher decided, and the shorter trace.
"""

import drp

QUESTION = (
    "A library buys 12 shelves. Each shelf holds 45 books, and 38 books are already on them."
    " How many more books fit?"
)
THINKING = """\
Okay, so I need to find how many more books fit on the shelves. Let me read the problem again.

There are 12 shelves and each holds 45 books. So all shelves hold 12 * 45 = 540 books.

Hmm, wait. Let me check that: 10 * 45 = 450 and 2 * 45 = 90. So 450 + 90 = 540. Yes, that is right.

There are 38 books on the shelves already, so 540 - 38 = 502 more books fit.

Let me double-check by adding: 502 + 38 = 540. Good, that matches. So the answer is 502."""
RESPONSE = "The shelves hold 540 books, and 38 are there already. The answer is $\\boxed{502}$."


def main() -> None:
    """Prune the trace and print what was done to it."""
    draft = drp.prune_trace(QUESTION, THINKING, RESPONSE, kind="step")
    if draft.revision is None:
        raise SystemExit(f"the teacher refused the trace: {draft.refusal}")
    for step, decision in zip(draft.steps, draft.decisions, strict=True):
        text = " ".join(THINKING[step.char_start : step.char_end].split())
        print(f"{decision.action:<20} {step.skill}: {text}")
        if decision.revised_text:
            print(f"{'':<20} becomes: {decision.revised_text}")
    before, after = len(THINKING + RESPONSE), len(draft.revision.thinking + draft.revision.response)
    print(f"\n{draft.revision.thinking}\n\n{draft.revision.response}\n")
    print(f"{before} characters before, {after} after: {1 - after / before:.0%} shorter")


if __name__ == "__main__":
    main()
