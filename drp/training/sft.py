"""Fine-tunes a student on the examples of a job (paper, section 3.3 and appendix B).

    manifest = train(job_folder, out)

A loop of our own: it computes no logits of prompts, and for a small student little else than the model's own
work (benchmarks/sft.py sets it beside TRL's). A killed training goes on from its last state along the same
curve; SIGTERM saves one and ends the process with status 143.
"""

import logging
import resource
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from drp.core import BadInputError, content_id
from drp.training.deepspeed_engine import DeepSpeedEngine
from drp.training.distributed import launch
from drp.training.encode import Encoded
from drp.training.engine import SingleProcessEngine, TrainingEngine
from drp.training.errors import CheckpointUnwritableError
from drp.training.files import files_in, replace
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
    """Train, unless `out` has it already: adapter, merged student and, last, the manifest.

    Raises:
        BadInputError: the job cannot be trained as it is, or `out` is of another one.
        DivergedError: the loss or its gradient is not finite.
        CheckpointUnwritableError: a state or the checkpoint cannot be written.
        JobLostError, JobFailedError: see `drp.training.distributed.launch`.
        SystemExit: with 143 after SIGTERM; the same call goes on.
    """
    job = read_job(job_folder)
    identity = job_id(job_folder, job, base_digest(job))
    if (out / MANIFEST).is_file():
        done = read_manifest(out)
        _same(out, done.job, identity)
        return done
    if job.settings.deepspeed:
        launch(job_folder, out, job.settings.processes)
    else:
        fine_tune(job_folder, out)
    return read_manifest(out)


def fine_tune(job_folder: Path, out: Path) -> None:
    """Train in this process, together with the others of its job where DeepSpeed spreads it.

    Raises:
        Exception: see `train`.
    """
    job = read_job(job_folder)
    base_sha256 = base_digest(job)
    identity = job_id(job_folder, job, base_sha256)
    states = States(out)
    state = states.newest()
    if state:
        _same(out, state.document["job"], identity)

    settings = job.settings
    torch.manual_seed(settings.seed)
    encoder = load_encoder(job.base_folder)
    student = TrainableStudent(job.base_folder, base_sha256, settings)
    encoder.check(student.rows, student.stops)
    longest = min(settings.max_length, student.context)
    encoded, dropped = encoder.encode(read_examples(job_folder), longest)
    taught, aside = split(encoded, settings.validation_share)
    engine: TrainingEngine = (DeepSpeedEngine if settings.deepspeed else SingleProcessEngine)(
        student.objective, settings
    )
    loop = Loop(engine, settings, taught, aside, student.device)
    _log.info(
        "training on %s examples in %s steps; %s for validation, %s with more than %s tokens dropped",
        *(f"{count:,}" for count in (len(taught), len(loop.steps), len(aside), dropped, longest)),
    )
    end = loop.run(states, identity, state)
    engine.gather()
    if engine.rank:
        return
    student.save(out)
    losses = [point["validation_loss"] for point in end.curve if point["validation_loss"] is not None]
    used = ("torch", "transformers", "peft", *(["deepspeed"] if settings.deepspeed else []))
    manifest = Manifest(
        job=identity,
        objective=settings.objective,
        method=settings.method,
        base=job.base,
        base_sha256=base_sha256,
        steps=len(loop.steps),
        epochs=settings.epochs,
        examples_used=len(taught),
        examples_validation=len(aside),
        examples_dropped=dropped,
        tokens_trained=loop.tokens_taught,
        tokens_per_second=loop.tokens_read / end.busy,
        seconds=end.seconds,
        validation_loss=losses[-1] if losses else None,
        best_validation_loss=min(losses, default=None),
        curve=tuple(Point(**point) for point in end.curve),
        files=files_in(out, ADAPTER) | files_in(out, MERGED),
        peak_memory_bytes=_peak_memory(),
        versions={name: version(name) for name in used},
    )
    _finish(out, manifest)
    states.clear()


def _finish(out: Path, manifest: Manifest) -> None:
    try:
        replace(out / MANIFEST, manifest.model_dump_json(indent=2))
    except OSError as error:
        raise CheckpointUnwritableError(out / MANIFEST, error) from error
    loss = manifest.validation_loss
    _log.info(
        "trained %s tokens in %.0f s, %s tokens/s; %s",
        f"{manifest.tokens_trained:,}",
        manifest.seconds,
        f"{manifest.tokens_per_second:,.0f}",
        "no validation" if loss is None else f"validation loss {loss:.4f}",
    )


def split(examples: Sequence[Encoded], share: float) -> tuple[list[Encoded], list[Encoded]]:
    """Examples to train on, and those of the questions that are set aside: every night the same questions.

    Raises:
        BadInputError: nothing is left to train on.
    """
    questions = {example.question_id for example in examples}
    aside = {one for one in questions if int(content_id("validation", one)[:8], 16) < share * 2**32}
    taught = [example for example in examples if example.question_id not in aside]
    if not taught:
        raise BadInputError(
            f"all {len(examples)} examples are of questions that are set aside for validation",
            state="Nothing was trained",
            next_command="train on more questions, or set validation_share to 0 in the recipe",
        )
    return taught, [example for example in examples if example.question_id in aside]


def _same(out: Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise BadInputError(
            f"{out} is of another training: other examples, settings or another base model",
            state="Nothing was trained or changed",
            next_command=f"name another folder, or rm -r {out} and train again",
        )


def _peak_memory() -> int:
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
