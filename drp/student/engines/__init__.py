"""Rollout engines: they run a student, each in its environment."""

from drp.student.engines.chat_template import end_of_turn, knows_marks, render_prompt
from drp.student.engines.gpus import take_gpus
from drp.student.engines.model_folder import checkpoint_folder, model_folder
from drp.student.engines.select import (
    SERVER,
    TRANSFORMERS,
    VLLM,
    EnginePlugin,
    environment_of,
    longest_response,
    make_engine,
    mend_of_missing_model,
    student_of,
)
from drp.student.engines.tokenizer_check import check_vocabulary

__all__ = [
    "SERVER",
    "TRANSFORMERS",
    "VLLM",
    "EnginePlugin",
    "check_vocabulary",
    "checkpoint_folder",
    "end_of_turn",
    "environment_of",
    "knows_marks",
    "longest_response",
    "make_engine",
    "mend_of_missing_model",
    "model_folder",
    "render_prompt",
    "student_of",
    "take_gpus",
]
