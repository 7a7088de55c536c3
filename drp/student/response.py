"""Convert sampled responses to rollouts and derive their random seeds, in the same way for every engine."""

from typing import NamedTuple

from drp.core import FinishReason, Rollout, content_id
from drp.student.protocol import SampleRequest, Student


class Response(NamedTuple):
    """A response as returned by an engine; lengths are in units of `token_counter`."""

    thinking: str
    response: str
    finish_reason: FinishReason
    think_tokens: int
    total_tokens: int
    token_counter: str


def sample_key(student: Student, sample: SampleRequest) -> str:
    """Return the key that seeds a sample; it depends only on the question, the sampling seed and k."""
    return content_id("sample", sample.question.question_id, student.sampling.seed, sample.k)


def sample_seed(student: Student, sample: SampleRequest) -> int:
    """Return the key as a 31-bit number, the range that servers accept."""
    return int(sample_key(student, sample)[:8], 16) >> 1


def to_rollout(student: Student, engine: str, sample: SampleRequest, response: Response) -> Rollout:
    """Return the rollout of a response that `engine` sampled."""
    question_id = sample.question.question_id
    return Rollout(
        rollout_id=student.sampling.rollout_id(question_id, student.name, student.prompt_version, sample.k),
        question_id=question_id,
        student=student.name,
        engine=engine,
        prompt_version=student.prompt_version,
        sample_index=sample.k,
        seed=student.sampling.seed,
        **response._asdict(),
    )
