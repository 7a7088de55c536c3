"""A student that is no model: a script that reasons at length about the generated problems.

It stands in where no model can run, says so in every row (engine and student `scripted`), and is worth
pruning: it restates, doubts, checks each step and checks again, makes mistakes that it catches and, at the
rates below, some that it does not.
"""

import random
from collections.abc import Iterable, Iterator

from drp.errors import TerminalError
from drp.ids import content_id, sampled_rollout_id
from drp.questions.problems import Problem
from drp.questions.synthetic import problem_from_source
from drp.recipe import Recipe
from drp.records import CHARACTERS, FinishReason, Question, Rollout
from drp.student.slips import slipped
from drp.student.writing import Working, Writer

LOOPING_RATE = 0.01
"""Share of rollouts that never get out of a step."""
UNFINISHED_RATE = 0.02
"""Share that is cut before its answer."""
WRONG_RATE = 0.12
"""Share with a slip that nobody notices, and so a wrong answer."""

_SLIPS = (-10, -2, -1, 1, 2, 10)


class NotGeneratedError(TerminalError):
    """The scripted student was asked a question that has no script."""


class ScriptedStudent:
    """Deterministic: question, sampling seed and sample index decide every word."""

    name = "scripted"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def sample(self, questions: Iterable[Question]) -> Iterator[Rollout]:
        """`sampling.samples` rollouts of each question, in the order of the questions.

        Raises:
            NotGeneratedError: a question is not one of `drp.questions.synthetic`.
        """
        for question in questions:
            problem = problem_from_source(question.source)
            if problem is None or problem.text != question.question:
                raise NotGeneratedError(
                    f"the scripted student can only answer generated problems, not {question.question_id}"
                    f" of {question.source!r}",
                    state="What was rolled out before it is kept",
                    next_command="drp import traces FILE, or set DRP_STUDENT to another student",
                )
            for index in range(self._recipe.sampling.samples):
                yield self._rollout(question, problem, index)

    def _rollout(self, question: Question, problem: Problem, index: int) -> Rollout:
        sampling = self._recipe.sampling
        key = content_id("scripted", question.source, sampling.seed, index)
        thinking, response, finish_reason = _write(random.Random(key), problem)  # noqa: S311
        return Rollout(
            rollout_id=sampled_rollout_id(
                question.question_id,
                self._recipe.student,
                self._recipe.prompt_version,
                sampling.identity,
                index,
            ),
            question_id=question.question_id,
            student=self._recipe.student,
            engine=self.name,
            prompt_version=self._recipe.prompt_version,
            sample_index=index,
            seed=sampling.seed,
            thinking=thinking,
            response=response,
            finish_reason=finish_reason,
            think_tokens=len(thinking),
            total_tokens=len(thinking) + len(response),
            token_counter=CHARACTERS,
        )


def _write(rng: random.Random, problem: Problem) -> tuple[str, str, FinishReason]:
    """Thinking, response and how it ended."""
    results = tuple(computation.result for computation in problem.computations)
    right = Working(problem, problem.computations, results)
    fate = rng.random()
    if fate < LOOPING_RATE:
        return "\n\n".join(Writer(rng, right).loop()), "", "length"
    if fate < LOOPING_RATE + UNFINISHED_RATE:
        text = "\n\n".join(Writer(rng, right).thinking())
        return text[: int(len(text) * rng.uniform(0.4, 0.9))].rstrip(), "", "length"
    is_wrong = fate < LOOPING_RATE + UNFINISHED_RATE + WRONG_RATE
    writer = Writer(rng, slipped(rng, right, _SLIPS) if is_wrong else right)
    return "\n\n".join(writer.thinking()), writer.response(), "stop"
