"""Our fine-tuning beside TRL's stock SFTTrainer: same model, same rows, same settings, in turns.

    OMP_NUM_THREADS=1 build/training/bin/python -m benchmarks.sft [--rows 512] [--rounds 3] [--student FOLDER]

An epoch of each per round, float32 on the CPU, LoRA on all linear layers; tokens a second of CPU, prompts
included and padding not, and the ratio. Both get the same token ids and learn the same of them; packed, both
fill rows of `max_length`. `batch_tokens` is ours alone: beside it stands TRL with the plain settings.

TRL stands in for LLaMA-Factory, which the paper used: 0.9.5 wants transformers of at most 5.6 and PEFT of at
most 0.18, and this environment has 5.23 and 0.21. Both train with the loop of transformers' Trainer."""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2ForCausalLM
from trl import SFTConfig, SFTTrainer, pack_dataset

from drp.questions.small import draw
from drp.student import small
from drp.student.small import tokenizer, tracer
from drp.student.small.pretrain import config
from drp.training.checkpoint import States
from drp.training.encode import Encoded
from drp.training.engine import Alone
from drp.training.job import Example
from drp.training.loop import Loop
from drp.training.model import Student, load_encoder
from drp.training.settings import Sft

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
"""Ours and TRL's."""


def rows(count: int) -> Iterator[Example]:
    """Verbose traces of the small student's problems."""
    rng = random.Random("benchmarks/sft")  # noqa: S311
    for number in range(count):
        problem = draw(rng, "pretrain")
        said = tracer.write(rng, problem)
        yield Example(str(number), str(number), problem.text, said.thinking, said.response)


def untaught(folder: Path) -> Path:
    """A student of the small one's size with random weights."""
    tokens = tokenizer.train_tokenizer(0)
    model = Qwen2ForCausalLM(config(len(tokens)))
    model.generation_config.eos_token_id = tokens.eos_token_id
    model.save_pretrained(folder)
    tokens.save_pretrained(folder, save_jinja_files=False)
    return folder


def ours(student: Path, encoded: Sequence[Encoded], settings: Sft) -> float:
    """Seconds of CPU of our epoch."""
    torch.manual_seed(0)
    model = Student(student, "", settings)
    loop = Loop(Alone(model.objective, settings), settings, encoded, (), model.device)
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
        student = asked.student or (small.WEIGHTS if small.WEIGHTS.is_dir() else untaught(Path(folder)))
        encoded, _ = load_encoder(student).encode(rows(asked.rows), PAPER.max_length)
        tokens = sum(len(example.tokens) for example in encoded)
        print(f"{len(encoded)} rows, {tokens:,} tokens, {torch.get_num_threads()} thread(s)", flush=True)
        for name, (settings, trl_settings) in SETTINGS.items():
            pairs = [
                (ours(student, encoded, settings), stock(student, encoded, trl_settings))
                for _ in range(asked.rounds)
            ]
            mine, its = (tokens / statistics.median(times) for times in zip(*pairs, strict=True))
            ratios = [other / own for own, other in pairs]
            print(
                f"{name}: {mine:,.0f} tokens a second of CPU, TRL {its:,.0f}:"
                f" {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
