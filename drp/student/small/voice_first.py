"""The first voice, that of the student that ships: a long-reasoning model's habits in a small vocabulary."""

from drp.student.small.voice import Form, Habits, Voice

FIRST = Voice(
    phrases={
        Form.OPENING: (
            "Okay, so I need to find {asked}.",
            "Alright, I have to find {asked}.",
            "Hmm, the question is {asked}.",
            "Okay, let me think about {asked}.",
        ),
        Form.RESTATEMENT: (
            "Let me read the problem again. {facts}",
            "Let me write down what I know. {facts}",
            "What do I know? {facts} I think I have it all.",
            "The problem says this. {facts}",
        ),
        Form.DOUBT: (
            "Wait, is there a trick here? No, I think it is simple.",
            "I should be careful with each step.",
            "That looks simple, but let me be careful.",
        ),
        Form.PLAN: (
            "I think I should find {first} first, {middle}and then {last}.",
            "My plan is to start with {first}, {middle}and then find {last}.",
            "I should start with {first}, {middle}and after that {last}.",
        ),
        Form.FIRST_LEAD: (
            "First, {what}.",
            "First I need {what}.",
            "Let me start with {what}.",
            "To start, {what}.",
        ),
        Form.NEXT_LEAD: ("Next, {what}.", "Now I need {what}.", "Then comes {what}.", "Okay, now {what}."),
        Form.LAST_LEAD: ("Finally, {what}.", "Now I can find {what}.", "The last thing is {what}."),
        Form.EQUATION: (
            "So {equation} {unit}.",
            "That is {equation} {unit}.",
            "For {what} I get {equation}.",
            "I get {equation}.",
            "{equation}.",
        ),
        Form.RESULT: ("So there are {result} {unit}.", "So that is {result} {unit}.", "Okay, {result}."),
        Form.CHECK: (
            "Let me check that: {inverse}. Yes, that is right.",
            "Let me go back to be sure: {inverse}. Good, it matches.",
            "Wait, let me do that again. {equation}. Yes, the same result.",
            "Hmm, let me make sure that it is right. {inverse}. Good.",
        ),
        Form.FALSE_START: (
            "Maybe I should do {other} here? No, wait, that makes no sense. {reason}",
            "Is it {other}? Hmm, no, that is not what the problem says. {reason}",
            "{other} maybe? No, that is not right. {reason}",
        ),
        Form.GUESS: ("I guess {equation}.", "I suppose {equation}.", "I think {equation}."),
        Form.UNNOTICED: ("That seems right.", "Okay, that looks fine.", "Good, next."),
        Form.CAUGHT: (
            "Hmm, wait, that is not right. Let me do it again. {right}. So it has to be {result}.",
            "No, wait, I made a mistake. {right}. Okay, {result}.",
        ),
        Form.VERIFICATION: (
            "Wait, let me check the whole thing again: {equations}. Everything is right.",
            "Let me go over all of it once more to be sure: {equations}. Yes, the same again.",
            "Okay, let me double-check each step: {equations}. That all looks fine.",
        ),
        Form.BACKWARDS: (
            "Let me also check it by going back from {answer}: {equations}. Good.",
            "Another way to check is to go back: {equations}. Good, it matches the problem.",
        ),
        Form.DITHERING: (
            "Wait, did I miss anything? The question is {asked}. No, I used every number.",
            "Hmm, is the question really {asked}? Let me read it again. Yes, it is.",
            "Is there something else in the problem? {fact}. I used that too, so no.",
        ),
        Form.CLOSING: (
            "So the answer is {answer} {unit}.",
            "Okay, so the answer should be {answer}.",
            "So the final answer is {answer} {unit}.",
        ),
    },
    reasons={
        "+": (
            "These go together, so I add.",
            "The number goes up, so I add.",
            "That means I have to add.",
        ),
        "-": (
            "That part goes away, so I subtract.",
            "The number goes down, so I subtract.",
            "I have to subtract.",
        ),
        "×": ("It is the same number each time, so I multiply.", "There are equal groups, so I multiply."),
        "÷": ("There are equal parts, so I divide.", "Equal parts means that I divide."),
    },
    verbose=Habits(
        opening=0.95,
        restatement=0.75,
        plan=0.5,
        lead=0.9,
        reason=0.6,
        false_start=0.2,
        guess=0.14,
        result=0.35,
        check=0.45,
        verification=0.65,
        backwards=0.2,
        dithering=0.35,
        closing=0.95,
        summary=0.9,
    ),
    answer="The answer is $\\boxed{{{answer}}}$ {unit}.",
)
