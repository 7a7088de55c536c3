"""Sound revisions to plant faults in: recorded traces, reference solutions, generated word problems."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from benchmarks.planting import text
from benchmarks.planting.thinking_aloud import thought_aloud
from drp.questions.generators import Problem, generate
from drp.questions.generators.generate import problem_from_source


class Revision(NamedTuple):
    """A sound revision and the original that it was made from; `source` is the id of the row."""

    source: str
    form: str
    question: str
    answer: str
    original: str
    response: str
    revised: str
    revised_response: str
    problem: Problem | None = None


class Item(NamedTuple):
    """A revision with one planted fault (or none: kind `sound`).

    `field` and `span` say where in the revision the fault is; an empty span is where something was taken out.
    """

    kind: str
    subkind: str
    source: str
    question: str
    original_thinking: str
    response: str
    revised_thinking: str
    revised_response: str
    change: str
    field: str
    span: tuple[int, int]
    split: str


_ANSWERS = (
    "The answer is $\\boxed{{{0}}}$.",
    "\\boxed{{{0}}}",
    "**Final answer:** $\\boxed{{{0}}}$",
    "So the answer is $\\boxed{{{0}}}$.",
    "Therefore, the final answer is \\(\\boxed{{{0}}}\\).",
)


def plain_answer(rng: random.Random, answer: str) -> str:
    """A summary that says no more than the answer."""
    return rng.choice(_ANSWERS).format(answer)


def summary_of(rng: random.Random, solution: str, answer: str) -> str:
    """The last sentence with the boxed answer, if it stands on its own; else the answer alone."""
    for unit in reversed(text.units(solution)):
        sentence = unit.text.strip()
        words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\\[a-z]+", "", sentence))
        if "\\boxed" in sentence and len(words) >= 5 and len(sentence) < 240 and sentence[0].isupper():
            return sentence
    return plain_answer(rng, answer)


_REFERS = re.compile(
    r"thought process|thinking process|reasoning above|\b(?:diagram|figure|picture|shown below)\b", re.I
)
"""What a solution may refer to that is not in it: such a solution is not a sound revision."""


def _holds(solution: str) -> bool:
    """Whether a solution stands on its own and has no false equation."""
    return not _REFERS.search(solution) and len(list(text.equations(solution))) == len(
        list(text.true_equations(solution))
    )


def recorded(rows: list[dict[str, str]], seed: int) -> Iterator[Revision]:
    """The student's own summary as the revision of its thinking; right and finished traces only."""
    for row in rows:
        if not (row["boxed_match"] and row["closed_think"]) or len(row["response"]) > 0.8 * len(
            row["thinking"]
        ):
            continue
        rng = text.seeded(seed, "trace", row["id"])
        response = re.sub(r"\n*-{3,}\n+", "\n\n", row["response"].strip())
        if not _holds(response):
            continue
        summary = summary_of(rng, response, row["answer"])
        yield Revision(
            row["id"],
            "trace",
            row["question"],
            row["answer"],
            row["thinking"],
            row["response"],
            response,
            summary,
        )


def reference(row: dict[str, str], solution: str, form: str, seed: int) -> Revision:
    """A reference solution; half of the originals are the same solution, thought aloud."""
    rng = text.seeded(seed, "reference", row["id"])
    summary = summary_of(rng, solution, row["answer"])
    original = thought_aloud(rng, solution, row["question"]) if rng.random() < 0.5 else solution
    return Revision(row["id"], form, row["question"], row["answer"], original, summary, solution, summary)


def olympiad(rows: list[dict[str, str]], seed: int) -> Iterator[Revision]:
    """MATH: solutions without drawings and neither very short nor very long."""
    for row in rows:
        solution = row["solution"].strip()
        if "[asy]" in solution + row["question"] or not _holds(solution) or not 150 <= len(solution) <= 2_000:
            continue
        if f"\\boxed{{{row['answer']}}}" in solution and solution.count("\\boxed") == 1:
            yield reference(row, solution, "math", seed)


def grade_school(rows: list[dict[str, str]], seed: int) -> Iterator[Revision]:
    """GSM8K without calculator marks, and without rows whose solution ends with another answer."""
    for row in rows:
        steps = row["solution"].split("####")[0].strip()
        marks = re.findall(r"<<([^=<>]*)=([^<>]*)>>", steps)
        if not 2 <= len(marks) <= 6:
            continue
        solution = re.sub(r"<<.*?>>", "", steps)
        solution = "\n".join(line.strip() for line in solution.splitlines() if line.strip())
        if text.numbers(solution)[-1:] != [text.spoken(row["answer"])] and marks[-1][1] != row["answer"]:
            continue
        if not solution.isascii() or "#" in solution or not _holds(solution):
            continue
        solution = "\n".join(
            line if line.endswith((".", "!", ":")) else line + "." for line in solution.splitlines()
        )
        yield reference(row, solution, "gsm8k", seed)


_STYLES = (
    "First, {what} is {sum}.|Next, {what}: {sum}.|Then {what} comes to {sum}.|So {what} is {sum}.",
    "{what}: {sum}.|{what}: {sum}.|{what}: {sum}.|{what}: {sum}.",
    "Start with {what}, which is {sum}.|From there, {what} is {sum}.|That makes {what} equal to {sum}.|"
    "Now {what} is {sum}.",
    (
        "We need {what}. {sum}.|Now we look for {what}. {sum}.|Next we want {what}. {sum}.|"
        "After that, {what}. {sum}."
    ),
    "For {what} we calculate {sum}.|For {what} we then have {sum}.|Going on, {what} must be {sum}.|"
    "This leads to {what}, {sum}.",
)


def worked(rng: random.Random, problem: Problem) -> str:
    """A solution of a generated problem in one of several styles."""
    style = rng.choice(_STYLES).split("|")
    sign = rng.choice(({"×": "×", "÷": "÷"}, {"×": "*", "÷": "/"}, {"×": "\\times", "÷": "\\div"}))
    lines = []
    for index, step in enumerate(problem.computations):
        operator = sign.get(step.operator, step.operator)
        total = f"{step.left.value} {operator} {step.right.value} = {step.result}"
        line = style[index % len(style)].format(
            what=step.what, sum=f"${total}$" if "\\" in operator else total
        )
        lines.append(line[0].upper() + line[1:])
    lines.append(
        rng.choice(("So {0} is {1}.", "Hence {0}: {1}.", "This answers {0}: {1}.")).format(
            problem.asked, problem.answer
        )
    )
    return rng.choice(("\n", " ", "\n\n")).join(lines)


def generated(size: int, seed: int) -> Iterator[Revision]:
    """Word problems of DRP's generators, solved step by step."""
    for question in generate(size, seed):
        problem = problem_from_source(question.source)
        assert problem is not None
        rng = text.seeded(seed, question.source)
        solution, answer = worked(rng, problem), str(problem.answer)
        original = thought_aloud(rng, solution, problem.text)
        summary = f"{solution.split(chr(10))[-1].split('. ')[-1]} {plain_answer(rng, answer)}"
        yield Revision(
            question.source, "generated", problem.text, answer, original, summary, solution, summary, problem
        )


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one file, or none where it is absent."""
    path = folder / name
    return pq.read_table(path).to_pylist() if path.is_file() else []


def key_of(question: str) -> str:
    """Equal for the same question in two files: a trace and its MATH problem are one source."""
    return re.sub(r"\W+", "", question).lower()


def revisions(folder: Path, seed: int, size: int) -> list[Revision]:
    """All sound revisions: every trace, and up to `size` of each other form, in a seeded order."""
    result = list(recorded(read(folder, "traces.parquet"), seed))
    for make, name in ((olympiad, "math.parquet"), (grade_school, "gsm8k.parquet")):
        rows = read(folder, name)
        text.seeded(seed, name).shuffle(rows)
        made = make(rows, seed)
        result += [revision for revision, _ in zip(made, range(size), strict=False)]
    result += list(generated(size // 6, seed))
    text.seeded(seed, "order").shuffle(result)
    return result
