"""A training example: one question with the response that the student is to learn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One question with the response to learn; a row of a training job's `examples.parquet`."""

    example_id: str
    question_id: str
    question: str
    thinking: str
    response: str
    weight: float = 1.0
    """Of each of its tokens in the loss."""
