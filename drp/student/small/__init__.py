"""The small student: a Qwen2 of under half a million parameters for small word problems (level `small`).

It reasons at length, in the manner of a long-reasoning model, is wrong now and then, and runs on one core.
`phrases` and `trace_writer` say what it is taught, `pretrain` teaches it.
"""

from pathlib import Path

from drp.config import parse_student_name

__all__ = ["LABEL", "NAME", "WEIGHTS", "is_small", "label"]

WEIGHTS = Path(__file__).parent / "weights"
"""Where `pretrain` writes the student, as transformers, vLLM and peft read it."""
NAME = "small"
"""What a recipe calls it."""
LABEL = "the small student (0.4M parameters), not the paper's model"
"""What reports call it."""


def is_small(student: str) -> bool:
    """Whether a student is the small one, or a checkpoint of it."""
    return parse_student_name(student).line == NAME


def label(student: str) -> str:
    """A student's name for a reader: the small one is never passed off as the paper's."""
    line, checkpoint = parse_student_name(student)
    name = LABEL if line == NAME else line
    return f"{name}, checkpoint {checkpoint}" if checkpoint else name
