"""Fine-tuning from a job folder to a checkpoint: it learns, is reproducible, and writes a true manifest."""

import json
import resource
import shutil
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from peft import PeftModel  # noqa: E402

from drp.core.errors import BadInputError  # noqa: E402
from drp.training.atomic_files import folder_digest  # noqa: E402
from drp.training.errors import CheckpointUnwritableError, DivergedError, WrongBaseError  # noqa: E402
from drp.training.job import EXAMPLES, Manifest, read_manifest  # noqa: E402
from drp.training.model import merge  # noqa: E402
from drp.training.sft import split, train  # noqa: E402
from tests.training.tiny_students import edit_json, encoded, examples, make_job, make_student  # noqa: E402

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def trained(student, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    job = make_job(folder / "job", student, epochs=4, eval_steps=5)
    return job, folder / "out", train(job, folder / "out")


def losses(manifest: Manifest) -> list[float]:
    return [point.loss for point in manifest.curve]


def weights(folder) -> torch.nn.Module:
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def test_it_learns_and_says_what_it_did(student, trained):
    _, out, manifest = trained
    assert manifest == read_manifest(out)
    rows = encoded(student)
    training, validation = split(rows, 0.2)
    assert (manifest.examples_used, manifest.examples_validation) == (len(training), len(validation))
    assert (manifest.examples_dropped, manifest.epochs) == (0, 4)
    assert manifest.steps == 4 * -(-len(training) // 8) == manifest.curve[-1].step
    assert manifest.tokens_trained == 4 * sum(row.taught for row in training)
    assert manifest.base_sha256 == folder_digest(student)
    first, last = manifest.curve[0], manifest.curve[-1]
    assert last.loss < 0.95 * first.loss
    validation_losses = {
        point.step: point.validation_loss for point in manifest.curve if point.validation_loss is not None
    }
    assert validation_losses.keys() == {*range(5, manifest.steps + 1, 5), manifest.steps}
    assert validation_losses[manifest.steps] == manifest.validation_loss < validation_losses[5]
    assert manifest.best_validation_loss == min(validation_losses.values())
    assert manifest.versions.keys() == {"torch", "transformers", "peft"}
    assert manifest.tokens_per_second > 0
    assert manifest.seconds > 0
    assert manifest.peak_memory_bytes > 10_000_000
    assert {path.name for path in out.iterdir()} == {"adapter", "merged", "manifest.json"}


def test_the_merged_student_says_what_base_and_adapter_say(student, trained):
    out = trained[1]
    tokens = encoded(student)[0].tokens.long()[None]
    with torch.inference_mode():
        base = weights(student)(tokens).logits
        adapted = PeftModel.from_pretrained(weights(student), out / "adapter").eval()(tokens).logits
        merged = weights(out / "merged")(tokens).logits
    assert (adapted - base).abs().max() > 1
    assert torch.allclose(merged, adapted, atol=0.05)  # the merged weights are rounded to 16 bits
    assert not torch.allclose(merged, base, atol=0.5)


def test_the_merged_folder_is_like_that_of_the_base(student, trained):
    merged = trained[1] / "merged"
    names = {path.name for path in student.iterdir()}
    assert {path.name for path in merged.iterdir()} == names
    assert {"generation_config.json", "tokenizer.json", "chat_template.jinja"} < names
    for name in names - {"model.safetensors"}:
        assert (merged / name).read_bytes() == (student / name).read_bytes()
    one, other = (
        transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
        for folder in (student, merged)
    )
    assert one.dtype == other.dtype == torch.float16
    assert one.state_dict().keys() == other.state_dict().keys()


def test_training_again_does_nothing_and_another_job_is_refused(student, trained, tmp_path):
    job, out, manifest = trained
    before = (out / "manifest.json").stat().st_mtime_ns
    assert train(job, out) == manifest
    assert (out / "manifest.json").stat().st_mtime_ns == before
    other = make_job(tmp_path / "job", student, epochs=4, eval_steps=5, seed=1)
    with pytest.raises(BadInputError, match="belongs to another training"):
        train(other, out)


def test_the_seed_decides_all(student, trained, tmp_path):
    _, out, manifest = trained
    options = {"epochs": 4, "eval_steps": 5}
    same = train(make_job(tmp_path / "same", student, **options), tmp_path / "out")
    assert same.curve == manifest.curve
    assert same.files == manifest.files or losses(same) == losses(manifest)
    assert folder_digest(tmp_path / "out" / "merged") == folder_digest(out / "merged")
    other = train(make_job(tmp_path / "other", student, **options, seed=1), tmp_path / "other-out")
    assert losses(other) != losses(manifest)


@pytest.mark.parametrize(
    "layout",
    [
        {"batch_size": 8, "accumulation": 1},
        {"batch_size": 1, "accumulation": 8},
        {"packing": True},
        {"gradient_checkpointing": True},
    ],
    ids=str,
)
def test_the_curve_does_not_depend_on_how_steps_are_computed(student, trained, tmp_path, layout):
    other = train(make_job(tmp_path / "job", student, epochs=4, eval_steps=5, **layout), tmp_path / "out")
    assert losses(other) == pytest.approx(losses(trained[2]), rel=1e-3)
    assert other.validation_loss == pytest.approx(trained[2].validation_loss, rel=1e-3)


def test_a_step_with_half_the_weight_on_some_examples_learns_less_of_them(student, tmp_path):
    rows = [replace(r, weight=1e-6 if i % 2 else 1.0) for i, r in enumerate(examples())]
    light, heavy = rows[1::2], rows[::2]
    settings = {"validation_share": 0, "epochs": 2}
    mixed = train(make_job(tmp_path / "mixed", student, rows, **settings), tmp_path / "mixed-out")
    alone = train(
        make_job(tmp_path / "alone", student, heavy, **settings, batch_size=1), tmp_path / "alone-out"
    )
    assert len(light) == len(heavy)
    assert mixed.curve[-1].loss == pytest.approx(alone.curve[-1].loss, rel=0.2)


@pytest.mark.parametrize(
    "batching", [{}, {"batch_tokens": 1024}, {"batch_tokens": 1024, "packing": True}], ids=str
)
def test_all_weights_can_be_trained(student, tmp_path, batching):
    job = make_job(tmp_path / "job", student, method="full", epochs=4, accumulation=1, **batching)
    manifest = train(job, tmp_path / "out")
    assert manifest.curve[-1].loss < 0.8 * manifest.curve[0].loss
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"merged", "manifest.json"}
    old, new = weights(student).state_dict(), weights(tmp_path / "out/merged").state_dict()
    assert all(not torch.equal(old[name], new[name]) for name in old)


def test_adapters_go_where_they_are_told(student, tmp_path):
    lora = {"rank": 2, "alpha": 4, "dropout": 0.1, "target_modules": ["q_proj", "v_proj"]}
    train(make_job(tmp_path / "job", student, epochs=1, lora=lora), tmp_path / "out")
    config = json.loads((tmp_path / "out/adapter/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (2, 4, 0.1)
    assert config["target_modules"] == ["q_proj", "v_proj"]
    job = make_job(tmp_path / "job2", student, lora={"target_modules": ["nowhere"]})
    with pytest.raises(BadInputError, match="no adapters could be added"):
        train(job, tmp_path / "out2")


def test_no_question_is_both_trained_on_and_set_aside(student):
    rows = encoded(student)
    training, validation = split(rows, 0.3)
    assert len(training) + len(validation) == len(rows)
    assert validation
    assert not {row.question_id for row in training} & {row.question_id for row in validation}
    fewer = split(rows[:20], 0.3)[1]
    assert [row.question_id for row in fewer] == [
        row.question_id for row in rows[:20] if row.question_id in {a.question_id for a in validation}
    ]
    assert split(rows, 0) == (rows, [])
    with pytest.raises(BadInputError, match="all 2 examples belong to questions that are held out"):
        split([row for row in rows if row.question_id == validation[0].question_id], 0.3)


def test_without_validation_there_is_no_validation_loss(student, tmp_path):
    manifest = train(make_job(tmp_path / "job", student, validation_share=0, epochs=1), tmp_path / "out")
    assert (manifest.validation_loss, manifest.best_validation_loss, manifest.examples_validation) == (
        None,
        None,
        0,
    )


def test_a_training_that_diverges_stops_and_keeps_its_last_state(student, tmp_path):
    job = make_job(tmp_path / "job", student, method="full", learning_rate=1e30, warmup=0, save_steps=1)
    with pytest.raises(DivergedError, match=r"diverged at step 2: loss .*The state after step 1 is kept"):
        train(job, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/state").iterdir()] == ["00000001"]
    job = make_job(tmp_path / "job2", student, method="full", learning_rate=1e30, warmup=0)
    with pytest.raises(DivergedError, match="No state was saved yet"):
        train(job, tmp_path / "out2")


@pytest.mark.parametrize(("limit", "kept"), [(20_000, 0), (50_000, 2)], ids=["state", "checkpoint"])
def test_a_full_disk_leaves_nothing_half_written(student, tmp_path, limit, kept):
    lora = {"rank": 1, "target_modules": ["q_proj"]} if kept else {}
    job = make_job(tmp_path / "job", student, epochs=1, save_steps=2, lora=lora)
    out = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(CheckpointUnwritableError, match="free disk space"):
            train(job, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (out / "manifest.json").exists()
    assert not (out / "merged").exists()
    states = list((out / "state").iterdir())
    assert len(states) == kept
    assert not [path for path in out.rglob("*") if path.name.startswith(".partial")]
    assert train(job, out).steps > 0


def test_a_model_that_is_not_the_jobs_is_refused(student, tmp_path):
    job = make_job(tmp_path / "job", student)
    edit_json(job / "job.json", base_sha256="0" * 64)
    with pytest.raises(WrongBaseError, match="not the one that the job names"):
        train(job, tmp_path / "out")
    edit_json(job / "job.json", base_sha256=folder_digest(student), base="no/such/folder")
    with pytest.raises(BadInputError, match=r"no base model at .*no/such/folder"):
        train(job, tmp_path / "out")


def test_an_adapter_of_another_base_is_refused(trained, tmp_path):
    other = make_student(tmp_path / "other", seed=1)
    with pytest.raises(WrongBaseError, match="was trained on"):
        merge(other, folder_digest(other), trained[1] / "adapter")


def test_a_tokenizer_of_another_model_is_refused(student, tmp_path):
    mixed = shutil.copytree(student, tmp_path / "mixed")
    make_student(tmp_path / "small", vocab_size=600)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tmp_path / "small" / name, mixed / name)
    with pytest.raises(BadInputError, match="the model's embedding has 600 rows"):
        train(make_job(tmp_path / "job", mixed), tmp_path / "out")


def test_examples_longer_than_the_models_context_are_dropped(student, tmp_path):
    long = examples(1, 1)[0]
    long = replace(long, thinking=long.thinking * 40)
    job = make_job(tmp_path / "job", student, [*examples(), long], max_length=100_000, epochs=1)
    assert train(job, tmp_path / "out").examples_dropped == 1


def test_a_job_without_examples_is_refused(student, tmp_path):
    job = make_job(tmp_path / "job", student, [])
    with pytest.raises(BadInputError, match="no examples"):
        train(job, tmp_path / "out")
    (job / EXAMPLES).unlink()
    with pytest.raises((BadInputError, FileNotFoundError)):
        train(job, tmp_path / "out")
