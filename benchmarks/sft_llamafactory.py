"""LLaMA-Factory's fine-tuning, for benchmarks/sft.py: one epoch, and what it took.

python -m benchmarks.sft_llamafactory JOB, by an interpreter that has LLaMA-Factory and not drp
(infra/install-llamafactory). JOB is a JSON file {"student": folder, "rows": [[prompt, response], ...],
"settings": {...}}. Prints one line: CPU seconds of the training alone, tokens it read and its mean loss.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llamafactory.train.tuner import run_exp
from transformers import TrainerCallback


class Watch(TrainerCallback):
    """Times what happens between the first step and the last."""

    def on_train_begin(self, *_: Any, train_dataloader: Any, **__: Any) -> None:
        """Count what it is about to read."""
        self.tokens = sum(len(row["input_ids"]) for row in train_dataloader.dataset)
        self.started = time.process_time()

    def on_train_end(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        """Stop the clock."""
        self.seconds = time.process_time() - self.started
        self.loss = sum(entry["loss"] for entry in state.log_history if "loss" in entry) / state.global_step


def main() -> None:
    """Train, with the settings that the job names and the defaults of LLaMA-Factory for all others."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    watch = Watch()
    with TemporaryDirectory() as folder:
        rows = [{"instruction": prompt, "input": "", "output": response} for prompt, response in job["rows"]]
        Path(folder, "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        Path(folder, "dataset_info.json").write_text(json.dumps({"rows": {"file_name": "rows.json"}}))
        told = {
            "model_name_or_path": job["student"],
            "stage": "sft",
            "do_train": True,
            "finetuning_type": "lora",
            "lora_target": "all",
            "dataset_dir": folder,
            "dataset": "rows",
            "template": "empty",  # prompts and responses are written out already
            "output_dir": str(Path(folder, "out")),
            "lr_scheduler_type": "cosine",
            "disable_gradient_checkpointing": True,  # its default computes everything a second time
            "use_cpu": True,
            "bf16": False,
            "fp16": False,
            "save_strategy": "no",
            "report_to": "none",
            "logging_steps": 1,
            "disable_tqdm": True,
        }
        run_exp(told | job["settings"], callbacks=[watch])
    print(json.dumps({"seconds": watch.seconds, "tokens": watch.tokens, "loss": watch.loss}))


if __name__ == "__main__":
    main()
