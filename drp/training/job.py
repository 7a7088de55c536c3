"""What a training is given and what it leaves: folders that pass between the environments. Needs no torch.

    write_job(folder, Job(base="models/student", settings=Sft()), examples)
    manifest = read_manifest(out)

A job is `job.json` and `examples.parquet`. The manifest is written last: a folder that has one is complete.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from drp.config import Training, settings
from drp.core import BadInputError, batched, content_id
from drp.curation import Example
from drp.training.errors import CheckpointDamagedError, WrongBaseError
from drp.training.files import FileDigest, file_digest, folder_digest, replace

JOB, EXAMPLES, MANIFEST = "job.json", "examples.parquet", "manifest.json"
ADAPTER: Literal["adapter"] = "adapter"
MERGED: Literal["merged"] = "merged"
"""Folders of a checkpoint: what was trained, as PEFT loads it (method `lora`); the whole student."""

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
_ROWS = 1024  # of a row group


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingJob(_Document):
    """What to train, and how."""

    base: str
    """Folder of the base model; a relative path counts from the repository's root."""
    base_sha256: str | None = None
    """`folder_digest` of it, where the caller insists on these very files."""
    settings: Training

    @property
    def base_folder(self) -> Path:
        """The base model's absolute path."""
        return settings().home / self.base


class Point(_Document):
    """The losses (nats a token) of the steps since the last point, and the rate of the last one."""

    step: int
    loss: float
    validation_loss: float | None
    learning_rate: float


class Manifest(_Document):
    """What a training did, and the files it made."""

    job: str
    """`job_id` of what was asked for."""
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
    """They were longer than max_length."""
    tokens_trained: int
    """Tokens of responses that the loss was taken over, all epochs together."""
    tokens_per_second: float
    """Tokens that went through the model in training steps, prompts included, padding not."""
    seconds: float
    """Of the training with its validation, over all its starts; what was lost to a kill is not counted."""
    validation_loss: float | None
    """After the last step, nats a token; None when no question was set aside."""
    best_validation_loss: float | None
    curve: tuple[Point, ...]
    files: dict[str, FileDigest]
    """By path in the folder: all of `adapter` and `merged`."""
    peak_memory_bytes: int
    """Of the GPU where there is one, else of the process."""
    versions: dict[str, str]


def write_job(folder: Path, job: TrainingJob, examples: Iterable[Example]) -> None:
    """Write a job's folder; `job.json` comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JOB).unlink(missing_ok=True)
    with pq.ParquetWriter(folder / EXAMPLES, _SCHEMA, compression="zstd", compression_level=3) as writer:
        for rows in batched(examples, _ROWS):
            writer.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA))
    replace(folder / JOB, job.model_dump_json(indent=2))


def read_job(folder: Path) -> TrainingJob:
    """The job in a folder.

    Raises:
        BadInputError: there is none, or it is none.
    """
    return _read(TrainingJob, folder / JOB, "job")


def read_examples(folder: Path) -> Iterator[Example]:
    """The examples of a job, in the order of the file.

    Raises:
        BadInputError: there are none, or not such columns.
    """
    try:
        with pq.ParquetFile(folder / EXAMPLES) as file:
            if not file.schema_arrow.equals(_SCHEMA):
                raise pa.ArrowInvalid(f"its columns are {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(_ROWS):
                yield from (Example(**row) for row in batch.to_pylist())
    except (OSError, pa.ArrowInvalid) as error:
        raise _no_examples(folder, error) from error


def job_id(folder: Path, job: TrainingJob, base_sha256: str) -> str:
    """Id of all that decides the outcome: the settings, the examples' file, the base model's files.

    Raises:
        BadInputError: there are no examples.
    """
    settings = job.settings.model_dump(mode="json")
    try:
        return content_id("training", settings, file_digest(folder / EXAMPLES), base_sha256)
    except OSError as error:
        raise _no_examples(folder, error) from error


def base_digest(job: TrainingJob) -> str:
    """`folder_digest` of the job's base model.

    Raises:
        BadInputError: there is no such folder.
        WrongBaseError: it is not the one that the job names.
    """
    folder = job.base_folder
    if not folder.is_dir():
        raise BadInputError(
            f"there is no base model at {folder}",
            state="Nothing was trained",
            next_command="set `student` in the recipe (or DRP_STUDENT) to the folder of a model",
        )
    found = folder_digest(folder)
    if job.base_sha256 not in (None, found):
        raise WrongBaseError(
            f"the model in {folder} is not the one that the job names: its digest is {found[:12]}, not"
            f" {str(job.base_sha256)[:12]}",
            state="Nothing was trained",
            next_command="put the model back that was there, or drp train for the one that is",
        )
    return found


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished training, whose files are those that were written.

    Raises:
        BadInputError: there is none: the training has not ended.
        CheckpointDamagedError: a file is missing or was changed.
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
        next_command="drp train, which writes it anew",
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
        problem = f"{path} is no {name}: {faults}"
        cause = error
    raise BadInputError(problem, state="Nothing was read or changed", next_command="drp train") from cause
