"""A sample becomes a rollout: what decides it, and the row that it lands as. The same for every engine."""

from typing import NamedTuple

from drp.core import FinishReason, Rollout, content_id, sampled_rollout_id
from drp.student.protocol import SampleRequest, Student


class Response(NamedTuple):
    """A response as an engine gives it; lengths are in units of `token_counter`."""

    thinking: str
    response: str
    finish_reason: FinishReason
    think_tokens: int
    total_tokens: int
    token_counter: str


def sample_key(student: Student, sample: SampleRequest) -> str:
    """What a sample is drawn with: question, sampling seed and k decide it, and nothing else."""
    return content_id("sample", sample.question.question_id, student.sampling.seed, sample.k)


def sample_seed(student: Student, sample: SampleRequest) -> int:
    """The same as a number of 31 bits, which is what servers take."""
    return int(sample_key(student, sample)[:8], 16) >> 1


def to_rollout(student: Student, engine: str, sample: SampleRequest, said: Response) -> Rollout:
    """The rollout that `engine` sampled."""
    question_id = sample.question.question_id
    return Rollout(
        rollout_id=sampled_rollout_id(
            question_id, student.name, student.prompt_version, student.sampling.identity, sample.k
        ),
        question_id=question_id,
        student=student.name,
        engine=engine,
        prompt_version=student.prompt_version,
        sample_index=sample.k,
        seed=student.sampling.seed,
        **said._asdict(),
    )
