"""Our fine-tuning beside TRL's stock SFTTrainer and LLaMA-Factory: same model, rows and settings, in turns.

    OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.sft [--rows 512] [--rounds 3] [--student FOLDER]

An epoch of each per round, float32 on the CPU, LoRA on all linear layers; tokens a second of CPU, prompts
included and padding not, and the ratio. Both get the same token ids and learn the same of them; packed, both
fill rows of `max_length`. `batch_tokens` is ours alone: beside it stand the others with the plain settings.

LLaMA-Factory, which the paper used, is measured in a separate environment (make build/llamafactory/ready),
as it wants transformers of at most 5.6 and PEFT of at most 0.18."""

import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2ForCausalLM
from trl import SFTConfig, SFTTrainer, pack_dataset

from drp.config.training import Sft
from drp.curation.training_example import Example
from drp.questions.generators.small_student_problems import draw
from drp.student import small
from drp.student.small import tokenizer
from drp.student.small import trace_writer as tracer
from drp.student.small.pretrain import config
from drp.training.encode import Encoded
from drp.training.engine import SingleProcessEngine
from drp.training.loop import Loop
from drp.training.model import TrainableStudent, load_encoder
from drp.training.resume_state import States

PAPER = Sft(epochs=1, validation_share=0, max_length=1024)
"""Batches of 2, 4 of them a step (appendix B)."""
PACKED = PAPER.model_copy(update={"packing": True})
"""8 examples fill two rows and a half; TRL counts rows, and runs one at a time as we do."""
WIDE = PAPER.model_copy(update={"batch_size": 16, "accumulation": 1})
SETTINGS = {
    "2 x 4": (PAPER, PAPER),
    "packed": (PACKED, PACKED.model_copy(update={"batch_size": 1, "accumulation": 3})),
    "16 x 1": (WIDE, WIDE),
    "batch_tokens 4096": (WIDE.model_copy(update={"batch_tokens": 4096}), WIDE),
}
"""Ours and the others'."""
ROOT = Path(__file__).resolve().parent.parent
LLAMA_FACTORY = ROOT / "build/llamafactory/bin/python"


def rows(count: int) -> Iterator[Example]:
    """Verbose traces of the small student's problems."""
    rng = random.Random("benchmarks/sft")  # noqa: S311
    for number in range(count):
        problem = draw(rng, "pretrain")
        said = tracer.write(rng, problem)
        yield Example(str(number), str(number), problem.text, said.thinking, said.response)


def untaught() -> tuple[Any, Any]:
    """A student of the small one's size with random weights, and its tokenizer."""
    tokens = tokenizer.train_tokenizer(0)
    model = Qwen2ForCausalLM(config(len(tokens)))
    model.generation_config.eos_token_id = tokens.eos_token_id
    return model, tokens


def taught(folder: Path) -> tuple[Any, Any]:
    """The student in a folder."""
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def ours(student: Path, encoded: Sequence[Encoded], settings: Sft) -> float:
    """Seconds of CPU of our epoch."""
    torch.manual_seed(0)
    model = TrainableStudent(student, "", settings)
    loop = Loop(SingleProcessEngine(model.objective, settings), settings, encoded, (), model.device)
    with tempfile.TemporaryDirectory() as out:
        started = time.process_time()
        loop.run(States(Path(out)), "", None)
        return time.process_time() - started


def stock(student: Path, encoded: Sequence[Encoded], settings: Sft) -> float:
    """Seconds of CPU of TRL's epoch."""
    columns = {
        "input_ids": [example.tokens.tolist() for example in encoded],
        "labels": [[-100] * one.prompt + one.tokens[one.prompt :].tolist() for one in encoded],
    }
    data, lora = Dataset.from_dict(columns), settings.lora
    if settings.packing:
        data = pack_dataset(data, settings.max_length, "bfd")
    with tempfile.TemporaryDirectory() as out:
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32),
            processing_class=AutoTokenizer.from_pretrained(student),
            train_dataset=data,
            peft_config=LoraConfig(
                r=lora.rank, lora_alpha=lora.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
            args=SFTConfig(
                output_dir=out,
                num_train_epochs=settings.epochs,
                per_device_train_batch_size=settings.batch_size,
                gradient_accumulation_steps=settings.accumulation,
                learning_rate=settings.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=settings.warmup,
                max_length=settings.max_length,
                packing=settings.packing,
                gradient_checkpointing=False,  # its default computes everything a second time
                dataset_kwargs={"skip_prepare_dataset": True},
                bf16=False,
                use_cpu=True,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                logging_steps=1000,
            ),
        )
        started = time.process_time()
        trainer.train()
        return time.process_time() - started


def factory(student: Path, encoded: Sequence[Encoded], settings: Sft) -> float:
    """Seconds of CPU of LLaMA-Factory's epoch (benchmarks/sft_llamafactory)."""
    write = AutoTokenizer.from_pretrained(student).decode
    job = {
        "student": str(student),
        "rows": [[write(one.tokens[: one.prompt]), write(one.tokens[one.prompt :])] for one in encoded],
        "settings": {
            "lora_rank": settings.lora.rank,
            "lora_alpha": settings.lora.alpha,
            "cutoff_len": settings.max_length,
            "packing": settings.packing,
            "neat_packing": settings.packing,  # without leaks
            "num_train_epochs": settings.epochs,
            "per_device_train_batch_size": settings.batch_size,
            "gradient_accumulation_steps": settings.accumulation,
            "learning_rate": settings.learning_rate,
            "warmup_ratio": settings.warmup,
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "job.json").write_text(json.dumps(job), encoding="utf-8")
        asked = [LLAMA_FACTORY, "-m", "benchmarks.sft_llamafactory", Path(folder) / "job.json"]
        ended = subprocess.run(asked, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603
    said = json.loads(ended.stdout.splitlines()[-1])
    if not settings.packing:  # packed, it counts the padding of its rows too
        assert said["tokens"] == sum(len(example.tokens) for example in encoded)
    return float(said["seconds"])


def main() -> None:
    """Print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--student", type=Path, help="the small one, or one of its size that was taught nothing"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = asked.student or (small.WEIGHTS if small.WEIGHTS.is_dir() else None)
        model, tokens_of = taught(source) if source else untaught()
        student = Path(folder)
        model.float().save_pretrained(student)  # LLaMA-Factory computes in what the weights are stored in
        tokens_of.save_pretrained(student, save_jinja_files=False)
        encoded, _ = load_encoder(student).encode(rows(asked.rows), PAPER.max_length)
        tokens = sum(len(example.tokens) for example in encoded)
        print(f"{len(encoded)} rows, {tokens:,} tokens, {torch.get_num_threads()} thread(s)", flush=True)
        others = {"TRL": stock} | ({"LLaMA-Factory": factory} if LLAMA_FACTORY.exists() else {})
        for name, (settings, plain) in SETTINGS.items():
            own: list[float] = []
            took: dict[str, list[float]] = {other: [] for other in others}
            for _ in range(asked.rounds):
                own.append(ours(student, encoded, settings))
                for other, train in others.items():
                    took[other].append(train(student, encoded, plain))
            print(f"{name}: {tokens / statistics.median(own):,.0f} tokens a second of CPU", flush=True)
            for other, seconds in took.items():
                ratios = [its / mine for mine, its in zip(own, seconds, strict=True)]
                print(
                    f"    {other} {tokens / statistics.median(seconds):,.0f}:"
                    f" {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})",
                    flush=True,
                )
        if len(others) == 1:
            print("LLaMA-Factory was not measured: make build/llamafactory/ready")


if __name__ == "__main__":
    main()
