"""What the engines `vllm` and `transformers` make of the same questions, as JSON. Runs in vLLM's environment.

    .venv-inference/bin/python -m tests.vllm.engines FILE <asked.json

Asked is `{"questions": [...], "sampling": {name: {...}}}`; FILE gets `{engine: {name: ...}}`: the rollouts of
that sampling, or what was said instead.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from drp.config.student import EngineName, Sampling
from drp.core.errors import BadInputError
from drp.core.records import Question
from drp.student import small
from drp.student.engines.select import make_engine
from drp.student.protocol import SampleRequest, Student

ENGINES: tuple[EngineName, ...] = ("vllm", "transformers")


def main(file: Path) -> None:
    """Ask both."""
    asked = json.load(sys.stdin)
    questions = [Question(**row) for row in asked["questions"]]
    answers = {
        engine: {
            name: rollouts(engine, questions, Sampling(**how)) for name, how in asked["sampling"].items()
        }
        | {"too long": of_too_long(engine, questions[0]), "no weights": of_no_weights(engine, questions[0])}
        for engine in ENGINES
    }
    file.write_text(json.dumps(answers))


def student(engine: EngineName, sampling: Sampling) -> Student:
    """The small student, under the name that the recipe gives it."""
    return Student(small.NAME, str(small.WEIGHTS), engine, None, "small-1", sampling)


def rollouts(engine: EngineName, questions: list[Question], sampling: Sampling) -> list[dict[str, object]]:
    """The rollouts as rows, in the order of their ids."""

    def wanted() -> Iterator[SampleRequest]:
        yield from (SampleRequest(question, k) for question in questions for k in range(sampling.samples))

    found = make_engine(student(engine, sampling)).sample(wanted())
    return sorted((vars(rollout) for rollout in found), key=lambda row: row["rollout_id"])


def of_too_long(engine: EngineName, question: Question) -> str:
    """What is said of a question that fills the context."""
    long = Question("q", "d", "train", question.question * 40, "1", "f")
    return refusal(lambda: list(make_engine(student(engine, Sampling())).sample([SampleRequest(long, 0)])))


def of_no_weights(engine: EngineName, question: Question) -> str:
    """What is said of a folder that lacks the weights."""
    with TemporaryDirectory() as folder:
        for file in small.WEIGHTS.glob("*.json"):
            shutil.copy(file, folder)
        asked = replace(student(engine, Sampling()), model=folder)
        return refusal(lambda: list(make_engine(asked).sample([SampleRequest(question, 0)])))


def refusal(do: Callable[[], object]) -> str:
    """The error that it ends with; nothing if it ends well."""
    try:
        do()
    except BadInputError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
