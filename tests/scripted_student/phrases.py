"""The phrases of the scripted student, like those of a long-reasoning model: restating, hedging, re-checking.

Each tuple holds variants of one phrase; `tests.scripted_student.trace_writer` fills in the braces.
"""

OPENINGS = (
    "Okay, so I need to figure out {asked}.",
    "Alright, let me work out {asked}.",
    "Hmm, let me think about this. The question is {asked}.",
    "Okay, let's see. I have to find {asked}.",
    "So, the problem wants to know {asked}. Let me take it step by step.",
    "Alright, I've got a word problem here, and I'm supposed to say {asked}.",
)
RESTATEMENTS = (
    "Let me write down what I know first. {facts}",
    "So the problem says the following. {facts}",
    "First, let me go through what is given. {facts}",
    "Let me read it again carefully. {facts} Okay, I think I have all the pieces.",
    "What do I have? {facts} That's everything, I believe.",
)
PLANS = (
    "I think the way to go is to find {first} first, {middle}and finally {last}.",
    "My plan is this: start with {first}, {middle}and end with {last}. That should give me the answer.",
    "Hmm, where should I start? Probably with {first}, {middle}and then I can get {last}.",
    "To get there I would work out {first}, {middle}and after that {last}. The order matters.",
)
DOUBTS = (
    "Wait, do I need every number in the problem? {fact}. Yes, that one matters too.",
    "Hold on, let me make sure that I understand this part: {fact}. Okay, that seems clear enough.",
    "Hmm, is there some trick here? {fact}. No, I think it means exactly what it says.",
)
FIRST_LEADS = (
    "First, {what}.",
    "Let me start with {what}.",
    "Okay, so first I need {what}.",
    "Step one is {what}.",
)
NEXT_LEADS = (
    "Next, {what}.",
    "Now I need {what}.",
    "Then comes {what}.",
    "Okay, on to {what}.",
    "Now, what about {what}?",
)
LAST_LEADS = (
    "Finally, {what}.",
    "The last thing is {what}.",
    "And now I can get {what}, which is what the question asks for.",
    "So all that remains is {what}.",
)
REASONS = {
    "+": ("These two go together, so I add.", "That means adding the two amounts.", "I have to add here."),
    "-": (
        "That part goes away, so I subtract.",
        "So I take one from the other.",
        "This calls for a subtraction.",
    ),
    "×": (
        "Here I have to multiply.",
        "That's a multiplication.",
        "So I multiply.",
    ),
    "÷": ("Equal parts, so I divide.", "That means dividing.", "So this is a division."),
}
EQUATIONS = (
    "So {equation}.",
    "That's {equation}.",
    "{equation}.",
    "Let me compute it: {equation}.",
    "I get {equation}.",
)
RESULTS = (
    "So that's {result} for {what}.",
    "So I have {result} there.",
    "Okay, {result}.",
    "That gives {result} for {what}.",
)
WORKED_OUT = (
    "Breaking it down: {detail}.",
    "In my head: {detail}.",
    "Let me do it in pieces: {detail}.",
    "Slowly now: {detail}.",
)
CHECKS = (
    "Let me double-check that: {inverse}. Yes, that matches.",
    "To be sure, I can go the other way: {inverse}. Good.",
    "Let me verify: {inverse}. Yep, that works.",
    "Hmm, is that right? Checking with {inverse}, it is.",
)
CAUGHT_SLIPS = (
    "{wrong}. Hmm, wait, that doesn't look right. Let me recalculate. {right}. So it's {result}, not {slip}.",
    "I get {wrong}. No, hold on, I made a mistake there. {right}. Okay, {result}.",
    "{wrong}? Let me do that again, I was too fast. {right}. Right, it has to be {result}.",
)
FALSE_STARTS = (
    "Maybe I should do {other} here? No, wait, that wouldn't make sense. {reason}",
    "At first I wanted to write {other}, but that's not what the problem describes. {reason}",
    "Hmm, {other}? Actually, no. Let me think about what is happening here. {reason}",
)
UNNOTICED = ("That seems right.", "Okay, that looks reasonable.", "Good, moving on.", "That makes sense.")
VERIFICATIONS = (
    "Wait, let me double-check the whole thing. {equations}. Everything seems to fit.",
    "Let me go over all of it once more to make sure that I didn't slip. {equations}. Yes, the same again.",
    "Before I answer, a quick check of each step: {equations}. That all looks fine.",
)
ALTERNATIVES = (
    "Alternatively, I could write it as one expression: {expression}. That's the same answer, good.",
    "Another way to see it is all at once: {expression}. Same result, which is reassuring.",
    "Let me try it differently, in a single line: {expression}. It agrees with what I found before.",
)
BACKWARDS = (
    "Let me also work backwards from {answer}. {equations}. That's the number I started with, good.",
    "Going backwards as a test: {equations}. I land on the number from the problem, good.",
)
DITHERING = (
    "Hmm, did I miss anything? The problem asks {asked}, and that's what I computed. I don't see a catch.",
    "Wait, maybe I should reconsider whether the question really is {asked}. Reading it again, yes, it is.",
    "I wonder if there's a hidden condition somewhere. I've used all of the given numbers, so probably not.",
)
CLOSINGS = (
    "So the answer should be {answer} {unit}.",
    "Therefore, I'm confident that the answer is {answer} {unit}.",
    "Okay, so {answer} {unit} it is.",
    "Yeah, I think {answer} is right.",
)
LOOPS = (
    "Wait, let me check that again. {equation}. Hmm, but is that really what the problem asks?",
    "Hold on, I should verify this once more. {equation}. But maybe I misread the question.",
)
