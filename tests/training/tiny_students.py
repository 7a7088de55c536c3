"""A tiny student with random weights, training examples for it, and training jobs."""

import json
import random
from pathlib import Path
from unittest.mock import patch

import torch
from transformers import AutoTokenizer, GenerationConfig, Qwen2Config, Qwen2ForCausalLM

from drp.config.training import Sft
from drp.curation.training_example import Example
from drp.questions.generators.small_student_problems import draw
from drp.student.small import tokenizer, trace_writer
from drp.training.encode import Encoded
from drp.training.job import TrainingJob, write_job
from drp.training.model import load_encoder

CONTEXT = 512
FAST = {"validation_share": 0.2, "learning_rate": 1e-2, "max_length": CONTEXT}
"""Settings for few, short steps."""


def make_student(folder: Path, *, seed: int = 0, **sizes: float) -> Path:
    """Write a two-layer Qwen2 in float16 and a tokenizer like that of the small student."""
    with patch.object(tokenizer, "_TEXTS", 60):
        tokens = tokenizer.train_tokenizer(0)
    config = {
        "vocab_size": len(tokens) + 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.1,
    }
    ends = {
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(Qwen2Config(**(config | sizes), **ends, tie_word_embeddings=True))
    model.generation_config = GenerationConfig(do_sample=True, temperature=0.6, **ends)
    model.half().save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def examples(count: int = 16, samples: int = 2) -> list[Example]:
    """Return `samples` short traces for each of `count` questions."""
    rng = random.Random(1)  # noqa: S311
    drawn = []
    for number in range(count):
        problem = draw(rng, "pretrain")
        for sample in range(samples):
            trace = trace_writer.write(rng, problem)
            short = ". ".join(trace.thinking.split(". ")[: rng.randint(2, 6)])
            drawn.append(Example(f"e{number}/{sample}", f"q{number}", problem.text, short, trace.response))
    return drawn


def encoded(student: Path, rows: list[Example] | None = None, longest: int = CONTEXT) -> list[Encoded]:
    """Return the examples as tokens."""
    return load_encoder(student).encode(rows or examples(), longest)[0]


def make_job(folder: Path, student: Path, rows: list[Example] | None = None, **settings: object) -> Path:
    """Write a job folder."""
    job = TrainingJob(base=str(student), settings=Sft.model_validate(FAST | settings))
    write_job(folder, job, rows if rows is not None else examples())
    return folder


def edit_json(file: Path, **changes: object) -> None:
    """Change some values of a document."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def change_tokenizer(folder: Path, **attributes: object) -> None:
    """Give the tokenizer in a folder other attributes."""
    tokens = AutoTokenizer.from_pretrained(folder)
    for name, value in attributes.items():
        setattr(tokens, name, value)
    tokens.save_pretrained(folder)
