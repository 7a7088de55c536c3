"""Input and output folders of a training, which are passed between the environments. Needs no torch.

    write_job(folder, TrainingJob(base="models/student", settings=Sft()), examples)
    manifest = read_manifest(out)

A job folder holds `job.json` and `examples.parquet`. The manifest of a checkpoint is written last, so that a
checkpoint folder with a manifest is complete.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked
from pydantic import BaseModel, ConfigDict, ValidationError

from drp.config import THINK, StudentPrompt, ThinkingMarks, Training, settings
from drp.core import BadInputError, content_id
from drp.curation import Example
from drp.training.atomic_files import FileDigest, file_digest, folder_digest, write_atomically
from drp.training.errors import CheckpointDamagedError, WrongBaseError

JOB, EXAMPLES, MANIFEST = "job.json", "examples.parquet", "manifest.json"
ADAPTER: Literal["adapter"] = "adapter"
MERGED: Literal["merged"] = "merged"
"""Folders of a checkpoint: the adapter, as PEFT loads it (method `lora` only), and the merged model."""

_SCHEMA = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("question", pa.large_string(), nullable=False),
        pa.field("thinking", pa.large_string(), nullable=False),
        pa.field("response", pa.large_string(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)
_ROW_GROUP = 1024


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingJob(_Document):
    """The base model and the settings of a training."""

    base: str
    """Folder of the base model; a relative path is relative to the repository's root."""
    base_sha256: str | None = None
    """Expected `folder_digest` of the base model; None accepts any."""
    settings: Training
    prompt: StudentPrompt = StudentPrompt(question="{question}")
    """What surrounds the questions of the examples, which are whole user messages."""
    thinking: ThinkingMarks = THINK
    """The marks that the student writes around its thinking."""

    @property
    def chat(self) -> list[Any]:
        """For the hash of the job, which named neither prompt nor marks when there was only the default."""
        default = type(self).model_fields
        parts = {"prompt": self.prompt, "thinking": self.thinking}
        return [part.model_dump(mode="json") for name, part in parts.items() if part != default[name].default]

    @property
    def base_folder(self) -> Path:
        """The base model's absolute path."""
        return settings().home / self.base


class Point(_Document):
    """A point of the loss curve.

    `loss` is the mean over the steps since the previous point, in nats per token; `learning_rate` is that of
    the last of these steps.
    """

    step: int
    loss: float
    validation_loss: float | None
    learning_rate: float


class Manifest(_Document):
    """The outcome of a training, and the files it wrote."""

    job: str
    """`job_id` of the training job."""
    objective: str
    method: Literal["lora", "full"]
    base: str
    base_sha256: str
    """`folder_digest` of the base model."""
    steps: int
    epochs: int
    examples_used: int
    examples_validation: int
    examples_dropped: int
    """Examples longer than `max_length`."""
    tokens_trained: int
    """Response tokens over which the loss was taken, in all epochs together."""
    tokens_per_second: float
    """Tokens per second of training steps, including prompts and excluding padding."""
    seconds: float
    """Training and validation time, over all attempts; work lost to a kill is not counted."""
    validation_loss: float | None
    """After the last step, in nats per token; None without validation questions."""
    best_validation_loss: float | None
    curve: tuple[Point, ...]
    files: dict[str, FileDigest]
    """All files of `adapter` and `merged`, by path relative to the checkpoint folder."""
    peak_memory_bytes: int
    """Peak memory of the GPU if there is one, else of the process."""
    versions: dict[str, str]


def write_job(folder: Path, job: TrainingJob, examples: Iterable[Example]) -> int:
    """Write a job folder, `job.json` last; return the number of examples."""
    written = 0
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JOB).unlink(missing_ok=True)
    with pq.ParquetWriter(folder / EXAMPLES, _SCHEMA, compression="zstd", compression_level=3) as writer:
        for rows in chunked(examples, _ROW_GROUP):
            writer.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA))
            written += len(rows)
    write_atomically(folder / JOB, job.model_dump_json(indent=2))
    return written


def read_job(folder: Path) -> TrainingJob:
    """Read the job from its folder.

    Raises:
        BadInputError: the folder has no valid `job.json`.
    """
    return _read(TrainingJob, folder / JOB, "job")


def read_examples(folder: Path) -> Iterator[Example]:
    """Read the examples of a job, in file order.

    Raises:
        BadInputError: the file is missing or has other columns.
    """
    try:
        with pq.ParquetFile(folder / EXAMPLES) as file:
            if not file.schema_arrow.equals(_SCHEMA):
                raise pa.ArrowInvalid(f"its columns are {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(_ROW_GROUP):
                yield from (Example(**row) for row in batch.to_pylist())
    except (OSError, pa.ArrowInvalid) as error:
        raise _no_examples(folder, error) from error


def job_id(folder: Path, job: TrainingJob, base_sha256: str) -> str:
    """Return the content id of everything that determines the outcome.

    It covers the settings, the examples file and the files of the base model.

    Raises:
        BadInputError: the examples file is missing.
    """
    settings = job.settings.model_dump(mode="json")
    try:
        return content_id("training", settings, file_digest(folder / EXAMPLES), base_sha256, *job.chat)
    except OSError as error:
        raise _no_examples(folder, error) from error


def base_digest(job: TrainingJob) -> str:
    """Return the `folder_digest` of the job's base model.

    Raises:
        BadInputError: the folder does not exist.
        WrongBaseError: the digest differs from the one that the job expects.
    """
    folder = job.base_folder
    if not folder.is_dir():
        raise BadInputError(
            f"there is no base model at {folder}",
            state="Nothing was trained",
            next_command="set `student` in the recipe (or DRP_STUDENT) to the folder of a model",
        )
    digest = folder_digest(folder)
    if job.base_sha256 not in (None, digest):
        raise WrongBaseError(
            f"the model in {folder} is not the one that the job names: its digest is {digest[:12]}, not"
            f" {str(job.base_sha256)[:12]}",
            state="Nothing was trained",
            next_command="restore the previous model, or run drp train to train the current one",
        )
    return digest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a finished training and verify the files it lists.

    Raises:
        BadInputError: there is no manifest, because the training has not finished, or it is not valid.
        CheckpointDamagedError: a file is missing or has changed.
    """
    manifest = _read(Manifest, folder / MANIFEST, "finished training")
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointDamagedError(folder, name, "is missing")
        if path.stat().st_size != file.bytes or file_digest(path) != file.sha256:
            raise CheckpointDamagedError(folder, name, "is not the file that was written")
    return manifest


def _no_examples(folder: Path, cause: Exception) -> BadInputError:
    return BadInputError(
        f"{folder / EXAMPLES} has no examples to train on: {cause}",
        state="Nothing was trained",
        next_command="drp train, which writes the file again",
    )


_D = TypeVar("_D", bound=_Document)


def _read(kind: type[_D], path: Path, name: str) -> _D:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        problem = f"there is no {name} in {path.parent}"
        cause: Exception = error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors())
        problem = f"{path} is not a valid {name}: {faults}"
        cause = error
    raise BadInputError(problem, state="Nothing was read or changed", next_command="drp train") from cause
