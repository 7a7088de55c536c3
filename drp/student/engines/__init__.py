"""Rollout engines: they run a student, each in its environment."""

from drp.student.engines.gpus import take_gpus
from drp.student.engines.select import (
    SERVER,
    TRANSFORMERS,
    VLLM,
    EnginePlugin,
    checkpoint_folder,
    environment_of,
    longest_response,
    make_engine,
    model_folder,
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
    "environment_of",
    "longest_response",
    "make_engine",
    "model_folder",
    "student_of",
    "take_gpus",
]
