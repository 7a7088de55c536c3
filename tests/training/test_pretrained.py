"""A real pretrained model, SmolLM2-135M, from its folder to an exported checkpoint that is evaluated.

It answers little correctly: what is tested is that a model that DRP did not make is read, prompted, sampled,
taught, written and measured as such. `make build/smollm2/ready` fetches it.
"""

import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.config import Sampling, StudentPrompt  # noqa: E402
from drp.config.training import Sft  # noqa: E402
from drp.core.records import Draft, StudentTrace  # noqa: E402
from drp.curation import Example  # noqa: E402
from drp.evaluation import Samples  # noqa: E402
from drp.grading import Grader  # noqa: E402
from drp.questions.generators.generate import generate  # noqa: E402
from drp.questions.generators.small_student_problems import draw  # noqa: E402
from drp.registry import Checkpoint, CheckpointFile, fetch, folder_key, store_folder  # noqa: E402
from drp.storage import open_store  # noqa: E402
from drp.student import SampleRequest, Student, grade_rollouts  # noqa: E402
from drp.student.engines.decoder import Decoder  # noqa: E402
from drp.student.engines.transformers_engine import TransformersEngine  # noqa: E402
from drp.student.small import trace_writer  # noqa: E402
from drp.teacher.heuristic import HeuristicTeacher  # noqa: E402
from drp.training.cross_entropy import SftLoss  # noqa: E402
from drp.training.job import ADAPTER, MERGED, TrainingJob, read_manifest, write_job  # noqa: E402
from drp.training.model import load_base, load_encoder  # noqa: E402
from drp.training.sequence_packing import collate  # noqa: E402
from drp.training.sft import train  # noqa: E402
from tests.helpers.repository import ROOT  # noqa: E402

MODEL = Path(os.environ.get("DRP_TEST_PRETRAINED", ROOT / "build/smollm2/model"))
pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(
        not (MODEL / "config.json").is_file(), reason="needs SmolLM2-135M: make build/smollm2/ready"
    ),
]

PROMPT = StudentPrompt(
    question="{question}",
    system="Reason between <think> and </think>, then write the answer as \\boxed{answer}.",
)
QUESTIONS = list(generate(4, 0))
TOKENS = 24


def student(folder: Path, **sampling: float) -> Student:
    how = Sampling(max_tokens=TOKENS, **sampling)
    return Student("smollm2", str(folder), "transformers", None, "given", how, prompt_file=PROMPT)


def pairs(count: int) -> list[tuple[str, StudentTrace, str]]:
    """Questions, verbose traces, and their thinking as the rule-based teacher prunes it."""
    rng, teacher, drawn = random.Random(5), HeuristicTeacher(), []  # noqa: S311
    while len(drawn) < count:
        problem = draw(rng, "pretrain")
        written = trace_writer.write(rng, problem)
        trace = StudentTrace("r", problem.text, written.thinking, written.response, str(problem.answer))
        (draft,) = teacher.revise(teacher.decompose([Draft(trace)], "skill"))
        if draft.revision and len(draft.revision.thinking) < 0.7 * len(trace.thinking):
            drawn.append((problem.text, trace, draft.revision.thinking))
    return drawn


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A checkpoint after one step on two pruned traces, and its export."""
    folder = tmp_path_factory.mktemp("smollm2")
    examples = [
        Example(f"e{number}", f"q{number}", question, pruned, trace.response)
        for number, (question, trace, pruned) in enumerate(pairs(2))
    ]
    settings = Sft(epochs=1, batch_size=2, accumulation=1, validation_share=0, warmup=0, learning_rate=1e-3)
    job = TrainingJob(base=str(MODEL), settings=settings, prompt=PROMPT)
    write_job(folder / "job", job, examples)
    train(folder / "job", folder / "out")
    return folder


@pytest.fixture(scope="module")
def exported(trained) -> Path:
    """The checkpoint as `drp registry export` writes it."""
    store, manifest = open_store(str(trained / "store")), read_manifest(trained / "out")
    keys = {part: folder_key("c", part) for part in (ADAPTER, MERGED)}
    for part, key in keys.items():
        store_folder(store, trained / "out" / part, key)
    files = tuple(CheckpointFile(path, file.bytes, file.sha256) for path, file in manifest.files.items())
    checkpoint = Checkpoint(
        checkpoint_id="c", arm="drp", student="smollm2", base_model=str(MODEL),
        base_sha256=manifest.base_sha256, corpus_version=1, recipe="r", recipe_hash="", objective="sft",
        code_commit="", environment="", files=files, scores=[], curve=[], created_at=datetime.now(UTC),
        adapter_key=keys[ADAPTER], merged_key=keys[MERGED],
    )  # fmt: skip
    fetch(store, checkpoint, MERGED, trained / "exported")
    return trained / "exported"


def test_it_is_sampled_in_batches_and_writes_english():
    engine = TransformersEngine(student(MODEL, temperature=0.6))
    assert type(engine._decoder) is Decoder
    samples = [SampleRequest(question, k) for question in QUESTIONS for k in range(2)]
    rollouts = list(engine.sample(samples))
    assert len({rollout.rollout_id for rollout in rollouts}) == 8
    assert all(0 < rollout.total_tokens <= TOKENS for rollout in rollouts)
    text = " ".join(rollout.thinking + rollout.response for rollout in rollouts).lower()
    common = {"the", "a", "is", "of", "to", "and", "that", "we", "let", "first", "need", "in", "number", "so"}
    assert len(common & {*text.split()}) >= 4, text


def test_one_step_moves_few_weights_from_where_a_trained_model_stands(trained):
    manifest = read_manifest(trained / "out")
    assert (manifest.steps, manifest.method, manifest.examples_used) == (1, "lora", 2)
    assert 0.5 < manifest.curve[-1].loss < 4  # a model without knowledge has ln 49152 = 10.8
    base, merged = (
        transformers.AutoModelForCausalLM.from_pretrained(folder).state_dict()
        for folder in (MODEL, trained / "out" / MERGED)
    )
    moved = {name for name in base if not torch.equal(base[name], merged[name])}
    assert moved
    assert not any("embed" in name or "norm" in name for name in moved)


def test_the_export_is_an_ordinary_model_with_the_text_of_our_engine(exported):
    tokens = transformers.AutoTokenizer.from_pretrained(exported)
    model = transformers.AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    engine = TransformersEngine(student(exported, temperature=0))
    for rollout in engine.sample([SampleRequest(question, 0) for question in QUESTIONS[:2]]):
        (question,) = [q for q in QUESTIONS if q.question_id == rollout.question_id]
        messages = PROMPT.messages(question.question)
        ids = tokens.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            (output,) = model.generate(**ids, max_new_tokens=TOKENS, do_sample=False)
        written = tokens.decode(output[ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert "".join((rollout.thinking + rollout.response).split()) in "".join(written.split())
        assert rollout.thinking + rollout.response


def test_four_questions_are_evaluated(exported):
    engine = TransformersEngine(student(exported, temperature=0))
    by_id = {question.question_id: question for question in QUESTIONS}
    rollouts = engine.sample(SampleRequest(question, 0) for question in QUESTIONS)
    with Grader(workers=1) as grader:
        graded = list(grade_rollouts(((by_id[r.question_id], r) for r in rollouts), grader))
    assert {row.rollout.question_id for row in graded} == by_id.keys()
    rows = [
        vars(row.rollout) | vars(row.grade) | {"is_degenerate": row.is_degenerate}
        for row in sorted(graded, key=lambda row: row.rollout.question_id)
    ]
    samples = Samples.read(rows)
    assert samples.right.shape == (4, 1)
    assert [*samples.right[:, 0]] == [row["verdict"] == "equal" for row in rows]


def test_a_pruned_trace_is_text_that_the_model_expects_and_leads_to_its_answer():
    """Log-probabilities of pruned against original text, in nats per token, computed in two ways."""
    model, encoder = load_base(MODEL, torch.float32, torch.device("cpu")).eval(), load_encoder(MODEL, PROMPT)
    ((question, trace, pruned),) = pairs(1)

    def nats(thinking: str) -> float:
        example = Example("e", "q", question, thinking, trace.response)
        ((encoded,), _) = encoder.encode([example], 4096)
        with torch.inference_mode():
            loss = float(SftLoss(model, torch.float32)(collate([encoded], is_packed=False)))
            logits = model(input_ids=encoded.tokens[None].long()).logits[0].log_softmax(-1)
        targets = encoded.tokens[encoded.prompt :].long()
        plain = -logits[encoded.prompt - 1 : -1].gather(-1, targets[:, None]).sum()
        assert loss == pytest.approx(float(plain), rel=1e-4)
        return loss / encoded.taught

    words = pruned.split()
    random.Random(0).shuffle(words)  # noqa: S311
    original, shorter, shuffled = nats(trace.thinking), nats(pruned), nats(" ".join(words))
    assert original < 3
    assert shorter < shuffled - 1
    assert shorter < original + 1  # less repetition is less predictable, but it is no word salad
