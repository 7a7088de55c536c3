"""The job and the manifest of a training, written and read without torch, as by the orchestrator."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from drp.config.training import Sft
from drp.core.errors import BadInputError
from drp.curation.training_example import Example
from drp.training.atomic_files import files_in, folder_digest, write_atomically
from drp.training.errors import CheckpointDamagedError, WrongBaseError
from drp.training.job import (
    EXAMPLES,
    JOB,
    MANIFEST,
    Manifest,
    Point,
    TrainingJob,
    base_digest,
    job_id,
    read_examples,
    read_job,
    read_manifest,
    write_job,
)

ROWS = [Example(f"e{n}", f"q{n}", "2 + 2?", "I add.\n\n4.", "$\\boxed{4}$", 0.5 * n) for n in range(1, 1500)]


@pytest.fixture
def job(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.safetensors").write_bytes(b"weights")
    folder = tmp_path / "job"
    written = write_job(folder, TrainingJob(base=str(base), settings=Sft()), iter(ROWS))
    assert written == len(ROWS)
    return folder


def manifest(files, **changes) -> Manifest:
    fields = {
        "job": "j", "objective": "sft", "method": "lora", "base": "b", "base_sha256": "0", "steps": 2,
        "epochs": 1, "examples_used": 9, "examples_validation": 1, "examples_dropped": 0,
        "tokens_trained": 99, "tokens_per_second": 10.5,
        "seconds": 9.0, "validation_loss": None, "best_validation_loss": None,
        "curve": (Point(step=2, loss=1.5, validation_loss=None, learning_rate=1e-5),),
        "files": files, "peak_memory_bytes": 1, "versions": {"torch": "2"},
    }  # fmt: skip
    return Manifest.model_validate(fields | changes)


def test_a_job_comes_back_as_it_was_written(job):
    assert list(read_examples(job)) == ROWS
    assert read_job(job).settings == Sft()
    assert read_job(job).base_folder.name == "base"
    assert pq.ParquetFile(job / EXAMPLES).metadata.num_row_groups == 2


def test_the_defaults_are_the_papers():
    paper = Sft()
    assert (paper.epochs, paper.learning_rate, paper.max_length) == (3, 3e-5, 4096)
    assert (paper.batch_size, paper.accumulation, paper.eval_steps) == (2, 4, 300)
    assert (paper.validation_share, paper.warmup, paper.method) == (0.05, 0.1, "lora")


@pytest.mark.parametrize(
    "fault",
    [
        {"epochs": 0}, {"learning_rate": 0}, {"warmup": 1}, {"unknown": 1}, {"validation_share": 1},
        {"batch_tokens": 100}, {"processes": 2}, {"objective": "other"}, {"lora": {"rank": 0}},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_settings_are_refused(fault):
    with pytest.raises(ValidationError):
        Sft.model_validate(fault)


def test_what_can_change_the_outcome_changes_the_jobs_id(job, tmp_path):
    first = job_id(job, read_job(job), "base")
    assert job_id(job, read_job(job), "base") == first
    assert job_id(job, read_job(job), "other base") != first
    other = read_job(job).model_copy(update={"settings": Sft(seed=1)})
    assert job_id(job, other, "base") != first
    assert job_id(job, read_job(job).model_copy(update={"base": "elsewhere"}), "base") == first
    write_job(tmp_path / "fewer", read_job(job), ROWS[:-1])
    assert job_id(tmp_path / "fewer", read_job(job), "base") != first
    (job / EXAMPLES).unlink()
    with pytest.raises(BadInputError, match="no examples"):
        job_id(job, read_job(job), "base")


def test_folders_that_are_no_job_are_refused(job, tmp_path):
    with pytest.raises(BadInputError, match="there is no job in"):
        read_job(tmp_path)
    (job / JOB).write_text('{"base": "b", "settings": {"epochs": 0, "nonsense": 1}}')
    with pytest.raises(BadInputError, match=r"settings.epochs: .*; settings.nonsense: "):
        read_job(job)
    pq.write_table(pa.table({"text": ["a"]}), job / EXAMPLES)
    with pytest.raises(BadInputError, match="its columns are text"):
        list(read_examples(job))
    (job / EXAMPLES).write_bytes(b"PAR")
    with pytest.raises(BadInputError, match="no examples to train on"):
        list(read_examples(job))


def test_the_base_is_the_one_that_was_meant(job):
    request = read_job(job)
    digest = base_digest(request)
    assert digest == folder_digest(request.base_folder)
    assert base_digest(request.model_copy(update={"base_sha256": digest})) == digest
    (request.base_folder / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(WrongBaseError, match=f"not {digest[:12]}"):
        base_digest(request.model_copy(update={"base_sha256": digest}))
    with pytest.raises(BadInputError, match="no base model at"):
        base_digest(request.model_copy(update={"base": "/nowhere"}))


def test_a_digest_covers_names_contents_and_folders(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one").write_text("1")
    seen = {folder_digest(tmp_path)}
    (tmp_path / "a/one").write_text("2")
    seen.add(folder_digest(tmp_path))
    (tmp_path / "a/one").rename(tmp_path / "a/two")
    seen.add(folder_digest(tmp_path))
    (tmp_path / "three").write_text("")
    seen.add(folder_digest(tmp_path))
    assert len(seen) == 4
    assert folder_digest(tmp_path, without="three") in seen


def test_a_manifest_vouches_for_its_files(tmp_path):
    with pytest.raises(BadInputError, match="there is no finished training in"):
        read_manifest(tmp_path)
    for name in ("adapter", "merged"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "log").write_text("not listed")
    files = files_in(tmp_path, "adapter") | files_in(tmp_path, "merged")
    written = manifest(files)
    assert list(written.files) == ["adapter/model.safetensors", "merged/model.safetensors"]
    write_atomically(tmp_path / MANIFEST, written.model_dump_json())
    assert read_manifest(tmp_path) == written

    (tmp_path / "merged/model.safetensors").write_bytes(b"Weights")
    with pytest.raises(CheckpointDamagedError, match=r"merged/model.safetensors .* is not the file"):
        read_manifest(tmp_path)
    (tmp_path / "merged/model.safetensors").unlink()
    with pytest.raises(CheckpointDamagedError, match="is missing"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(BadInputError, match="is not a valid finished training"):
        read_manifest(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_atomically(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "file", "new \ud800")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_none_of_it_needs_torch():
    code = "import sys, drp.training.job, drp.training.errors; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
