"""The second voice: a student that shares no phrase with the first, to show what depends on the wording.

It says "we", announces what is given, names its steps, checks in separate paragraphs and hedges with
"presumably" and "however", as other long-reasoning models do. It was written from recorded traces of such
models, without looking at the word lists of the rule-based teacher.
"""

from drp.student.small.voice import Form, Habits, Voice

SECOND = Voice(
    phrases={
        Form.OPENING: (
            "We are asked for {asked}.",
            "We need to determine {asked}.",
            "What is wanted: {asked}.",
            "This is about {asked}.",
        ),
        Form.RESTATEMENT: (
            "Given: {facts}",
            "According to the statement: {facts}",
            "We are told the following. {facts} Nothing more is given.",
            "In short: {facts}",
        ),
        Form.DOUBT: (
            "But careful: the wording might hide something. It does not seem to.",
            "It should be a straightforward computation.",
            "One could overthink this.",
        ),
        Form.PLAN: (
            "Approach: compute {first}, {middle}and from that {last}.",
            "The order will be {first}, {middle}and in the end {last}.",
            "It suffices to have {first}, {middle}and lastly {last}.",
        ),
        Form.FIRST_LEAD: (
            "Step one: {what}.",
            "We begin with {what}.",
            "Compute {what}.",
        ),
        Form.NEXT_LEAD: (
            "Following that, {what}.",
            "With this we can compute {what}.",
            "The next step: {what}.",
        ),
        Form.LAST_LEAD: (
            "It remains to compute {what}.",
            "Last step: {what}.",
            "What is left is {what}.",
        ),
        Form.EQUATION: (
            "Thus {equation} {unit}.",
            "We have {equation}.",
            "This gives {equation} {unit}.",
            "For {what}: {equation}.",
            "Hence {equation}.",
        ),
        Form.RESULT: (
            "In other words, {result} {unit}.",
            "Result: {result} {unit}.",
            "We note {result}.",
        ),
        Form.CHECK: (
            "Sanity check: {inverse}, as required.",
            "Conversely, {inverse}. That is consistent.",
            "Recomputing gives {equation}. No change.",
            "To verify, {inverse}. Correct.",
        ),
        Form.FALSE_START: (
            "One might try {other}. However, this does not fit the statement. {reason}",
            "Alternatively, {other}? But that would answer another question. {reason}",
            "Suppose we took {other}. Actually, the text rules this out. {reason}",
        ),
        Form.GUESS: (
            "Presumably {equation}.",
            "By mental arithmetic, {equation}.",
            "Without writing it out, {equation}.",
        ),
        Form.UNNOTICED: ("This is plausible.", "We take it.", "Fine."),
        Form.CAUGHT: (
            "Hold on, the arithmetic is off. Correctly, {right}. Hence {result}.",
            "Scratch that, it is incorrect. Redo: {right}. The value is {result}.",
        ),
        Form.VERIFICATION: (
            "We recompute everything: {equations}. All values agree.",
            "Just to make sure, once more from the top: {equations}. It adds up.",
            "Review of the steps: {equations}. No errors found.",
        ),
        Form.BACKWARDS: (
            "Working in reverse from {answer}: {equations}. We recover the given numbers.",
            "An independent confirmation: {equations}. This fits.",
        ),
        Form.DITHERING: (
            "But might they mean something other than {asked}? Unlikely.",
            "Has all information been used? In particular: {fact}. It has.",
            "For the record, the target was {asked}. That is what we computed.",
        ),
        Form.CLOSING: (
            "Therefore, the result is {answer} {unit}.",
            "We conclude: {answer} {unit}.",
            "Final value: {answer}.",
        ),
    },
    reasons={
        "+": (
            "Both amounts count, which calls for a sum.",
            "The amount increases.",
            "Addition applies here.",
        ),
        "-": (
            "The amount decreases.",
            "Removing it means a difference.",
            "Subtraction applies here.",
        ),
        "×": ("The same amount occurs repeatedly.", "Multiplication applies here."),
        "÷": ("An equal split calls for a quotient.", "Division applies here."),
    },
    verbose=Habits(
        opening=0.95,
        restatement=0.7,
        plan=0.6,
        lead=0.85,
        reason=0.55,
        false_start=0.2,
        guess=0.14,
        result=0.3,
        check=0.4,
        verification=0.6,
        backwards=0.3,
        dithering=0.4,
        closing=0.95,
        summary=0.9,
    ),
    answer="Answer: $\\boxed{{{answer}}}$ {unit}",
    summary_line="- {equation}",
    then="; ",
    apart=frozenset({Form.RESTATEMENT, Form.CHECK}),
)
