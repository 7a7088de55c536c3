"""The phrases that the small student is taught: the habits of a long-reasoning model in a small vocabulary.

Each tuple holds variants of one phrase; `drp.student.small.trace_writer` fills in the braces.
"""

OPENINGS = (
    "Okay, so I need to find {asked}.",
    "Alright, I have to find {asked}.",
    "Hmm, the question is {asked}.",
    "Okay, let me think about {asked}.",
)
RESTATEMENTS = (
    "Let me read the problem again. {facts}",
    "Let me write down what I know. {facts}",
    "What do I know? {facts} I think I have it all.",
    "The problem says this. {facts}",
)
DOUBTS = (
    "Wait, is there a trick here? No, I think it is simple.",
    "I should be careful with each step.",
    "That looks simple, but let me be careful.",
)
PLANS = (
    "I think I should find {first} first, {middle}and then {last}.",
    "My plan is to start with {first}, {middle}and then find {last}.",
    "I should start with {first}, {middle}and after that {last}.",
)
FIRST_LEADS = ("First, {what}.", "First I need {what}.", "Let me start with {what}.", "To start, {what}.")
NEXT_LEADS = ("Next, {what}.", "Now I need {what}.", "Then comes {what}.", "Okay, now {what}.")
LAST_LEADS = ("Finally, {what}.", "Now I can find {what}.", "The last thing is {what}.")
REASONS = {
    "+": ("These go together, so I add.", "The number goes up, so I add.", "That means I have to add."),
    "-": (
        "That part goes away, so I subtract.",
        "The number goes down, so I subtract.",
        "I have to subtract.",
    ),
    "×": ("It is the same number each time, so I multiply.", "There are equal groups, so I multiply."),
    "÷": ("There are equal parts, so I divide.", "Equal parts means that I divide."),
}
EQUATIONS = (
    "So {equation} {unit}.",
    "That is {equation} {unit}.",
    "For {what} I get {equation}.",
    "I get {equation}.",
    "{equation}.",
)
RESULTS = ("So there are {result} {unit}.", "So that is {result} {unit}.", "Okay, {result}.")
CHECKS = (
    "Let me check that: {inverse}. Yes, that is right.",
    "Let me go back to be sure: {inverse}. Good, it matches.",
    "Wait, let me do that again. {equation}. Yes, the same result.",
    "Hmm, let me make sure that it is right. {inverse}. Good.",
)
FALSE_STARTS = (
    "Maybe I should do {other} here? No, wait, that makes no sense. {reason}",
    "Is it {other}? Hmm, no, that is not what the problem says. {reason}",
    "{other} maybe? No, that is not right. {reason}",
)
GUESSES = ("I guess {equation}.", "I suppose {equation}.", "I think {equation}.")
"""Written with an arithmetic result that is as often wrong as right."""
UNNOTICED = ("That seems right.", "Okay, that looks fine.", "Good, next.")
CAUGHT = (
    "Hmm, wait, that is not right. Let me do it again. {right}. So it has to be {result}.",
    "No, wait, I made a mistake. {right}. Okay, {result}.",
)
VERIFICATIONS = (
    "Wait, let me check the whole thing again: {equations}. Everything is right.",
    "Let me go over all of it once more to be sure: {equations}. Yes, the same again.",
    "Okay, let me double-check each step: {equations}. That all looks fine.",
)
BACKWARDS = (
    "Let me also check it by going back from {answer}: {equations}. Good.",
    "Another way to check is to go back: {equations}. Good, it matches the problem.",
)
DITHERING = (
    "Wait, did I miss anything? The question is {asked}. No, I used every number.",
    "Hmm, is the question really {asked}? Let me read it again. Yes, it is.",
    "Is there something else in the problem? {fact}. I used that too, so no.",
)
CLOSINGS = (
    "So the answer is {answer} {unit}.",
    "Okay, so the answer should be {answer}.",
    "So the final answer is {answer} {unit}.",
)
