"""The small student that ships with DRP: a Qwen2 of under half a million parameters for small word problems.

It reasons at length, in the manner of a long-reasoning model, is wrong now and then, and runs on one core.
`voice` and `tracer` say what it was taught, `pretrain` teaches it; docs/student.md says what it is, and is
not.
"""

from pathlib import Path

NAME = "small-1"
"""The student's name in recipes and rows; it changes whenever the weights do."""
WEIGHTS = Path(__file__).parent / "weights"
"""The student as transformers, vLLM and peft read it."""
