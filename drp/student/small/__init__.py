"""The small student: a Qwen2 of under half a million parameters for small word problems (level `small`).

It reasons at length like a long-reasoning model, makes occasional mistakes, and runs on a single core.
`trace_writer` and the voices define its training texts, and `pretrain` trains it.
"""

from pathlib import Path

from drp.config import parse_student_name

__all__ = ["LABEL", "NAME", "WEIGHTS", "is_small", "label"]

WEIGHTS = Path(__file__).parent / "weights"
"""The model folder written by `pretrain`, in the format of transformers, vLLM and peft."""
NAME = "small"
"""Its name in recipes."""
LABEL = "the small student (0.4M parameters), not the paper's model"
"""Its name in reports."""


def is_small(student: str) -> bool:
    """Return whether a student is the small student or one of its checkpoints."""
    return parse_student_name(student).line == NAME


def label(student: str) -> str:
    """Return a student's display name, which marks the small student as different from the paper's model."""
    line, checkpoint = parse_student_name(student)
    name = LABEL if line == NAME else line
    return f"{name}, checkpoint {checkpoint}" if checkpoint else name
