"""The type of training examples: a question with the response that the student should learn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A question with the response to learn; a row of a training job's `examples.parquet`."""

    example_id: str
    question_id: str
    question: str
    thinking: str
    response: str
    weight: float = 1.0
    """Weight of each of its tokens in the loss."""
