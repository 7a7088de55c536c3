"""Fine-tune a student on the examples of a job (paper, section 3.3 and appendix B).

    manifest = train(job_folder, out)

DRP uses a custom training loop. It computes no logits for prompts, and for a small student it adds little
overhead to the model's work (benchmarks/sft.py compares it with TRL). A killed training resumes from its last
state and follows the same loss curve. On SIGTERM it saves a state and exits with status 143.
"""

import logging
import resource
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from drp.core import BadInputError, content_id
from drp.training.atomic_files import files_in, write_atomically
from drp.training.deepspeed_engine import DeepSpeedEngine
from drp.training.distributed import launch
from drp.training.encode import Encoded
from drp.training.engine import SingleProcessEngine, TrainingEngine
from drp.training.errors import CheckpointUnwritableError
from drp.training.job import (
    ADAPTER,
    MANIFEST,
    MERGED,
    Manifest,
    Point,
    base_digest,
    job_id,
    read_examples,
    read_job,
    read_manifest,
)
from drp.training.loop import Loop
from drp.training.model import TrainableStudent, load_encoder
from drp.training.resume_state import States

_log = logging.getLogger(__name__)


def train(job_folder: Path, out: Path) -> Manifest:
    """Train a job, unless `out` already holds its checkpoint.

    Writes the adapter, the merged student and, last, the manifest.

    Raises:
        BadInputError: the job is not trainable, or `out` belongs to another job.
        DivergedError: the loss or its gradient is not finite.
        CheckpointUnwritableError: a state or the checkpoint cannot be written.
        JobLostError, JobFailedError: see `drp.training.distributed.launch`.
        SystemExit: with status 143 after SIGTERM. The same call resumes the training.
    """
    job = read_job(job_folder)
    identity = job_id(job_folder, job, base_digest(job))
    if (out / MANIFEST).is_file():
        existing = read_manifest(out)
        _check_same_job(out, existing.job, identity)
        return existing
    if job.settings.deepspeed:
        launch(job_folder, out, job.settings.processes)
    else:
        fine_tune(job_folder, out)
    return read_manifest(out)


def fine_tune(job_folder: Path, out: Path) -> None:
    """Train in this process, as one of several if the job uses DeepSpeed.

    Raises:
        Exception: see `train`.
    """
    job = read_job(job_folder)
    base_sha256 = base_digest(job)
    identity = job_id(job_folder, job, base_sha256)
    states = States(out)
    state = states.newest()
    if state:
        _check_same_job(out, state.document["job"], identity)

    settings = job.settings
    torch.manual_seed(settings.seed)
    encoder = load_encoder(job.base_folder, job.prompt, job.thinking)
    student = TrainableStudent(job.base_folder, base_sha256, settings)
    encoder.check(student.rows, student.stops)
    max_length = min(settings.max_length, student.context)
    encoded, dropped = encoder.encode(read_examples(job_folder), max_length)
    examples, validation = split(encoded, settings.validation_share)
    engine: TrainingEngine = (DeepSpeedEngine if settings.deepspeed else SingleProcessEngine)(
        student.objective, settings
    )
    loop = Loop(engine, settings, examples, validation, student.device)
    _log.info(
        "training on %s examples in %s steps; %s for validation; %s longer than %s tokens dropped",
        f"{len(examples):,}",
        f"{len(loop.steps):,}",
        f"{len(validation):,}",
        f"{dropped:,}",
        f"{max_length:,}",
    )
    position = loop.run(states, identity, state)
    engine.gather()
    if engine.rank:
        return
    student.save(out)
    losses = [point["validation_loss"] for point in position.curve if point["validation_loss"] is not None]
    packages = ("torch", "transformers", "peft", *(["deepspeed"] if settings.deepspeed else []))
    manifest = Manifest(
        job=identity,
        objective=settings.objective,
        method=settings.method,
        base=job.base,
        base_sha256=base_sha256,
        steps=len(loop.steps),
        epochs=settings.epochs,
        examples_used=len(examples),
        examples_validation=len(validation),
        examples_dropped=dropped,
        tokens_trained=loop.tokens_taught,
        tokens_per_second=loop.tokens_read / position.busy,
        seconds=position.seconds,
        validation_loss=losses[-1] if losses else None,
        best_validation_loss=min(losses, default=None),
        curve=tuple(Point(**point) for point in position.curve),
        files=files_in(out, ADAPTER) | files_in(out, MERGED),
        peak_memory_bytes=_peak_memory(),
        versions={name: version(name) for name in packages},
    )
    _finish(out, manifest)
    states.clear()


def _finish(out: Path, manifest: Manifest) -> None:
    try:
        write_atomically(out / MANIFEST, manifest.model_dump_json(indent=2))
    except OSError as error:
        raise CheckpointUnwritableError(out / MANIFEST, error) from error
    loss = manifest.validation_loss
    _log.info(
        "trained on %s tokens in %.0f s, %s tokens/s; %s",
        f"{manifest.tokens_trained:,}",
        manifest.seconds,
        f"{manifest.tokens_per_second:,.0f}",
        "no validation" if loss is None else f"validation loss {loss:.4f}",
    )


def split(examples: Sequence[Encoded], share: float) -> tuple[list[Encoded], list[Encoded]]:
    """Split examples into training and validation examples, by question.

    The choice depends only on the question's id, so that every run validates on the same questions.

    Raises:
        BadInputError: no training examples remain.
    """
    questions = {example.question_id for example in examples}
    held_out = {
        question_id
        for question_id in questions
        if int(content_id("validation", question_id)[:8], 16) < share * 2**32
    }
    training = [example for example in examples if example.question_id not in held_out]
    if not training:
        raise BadInputError(
            f"all {len(examples)} examples belong to questions that are held out for validation",
            state="Nothing was trained",
            next_command="train on more questions, or set validation_share to 0 in the recipe",
        )
    return training, [example for example in examples if example.question_id in held_out]


def _check_same_job(out: Path, existing: str, requested: str) -> None:
    if existing != requested:
        raise BadInputError(
            f"{out} belongs to another training, with other examples, settings or another base model",
            state="Nothing was trained or changed",
            next_command=f"choose another folder, or rm -r {out} and train again",
        )


def _peak_memory() -> int:
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
