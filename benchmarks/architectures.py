"""Which architectures of models can be students: the table of docs/architectures.md.

    OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.architectures [--only gemma2] [--work FOLDER]

For each architecture it makes a small model with random weights, in the folder layout of the hub, and does
with it what a night and a training run do: rolls out, trains 3 steps with adapters and 3 with all weights,
merges, stores and exports the checkpoint. The exported folder must give in plain transformers the greedy
texts that DRP's engine gives, and for adapters also those of PEFT with the unmerged adapter. Results are kept
in the folder `--work`, so that a run that was stopped goes on where it was. It takes three minutes on a core.
"""

import argparse
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast

from drp.config import CHANNELS, THINK, Sampling, StudentPrompt, ThinkingMarks
from drp.config.training import Sft
from drp.core import BadInputError, Question
from drp.curation import Example
from drp.questions.generators.generate import generate
from drp.registry import Checkpoint, CheckpointFile, fetch, folder_key, store_folder
from drp.storage import open_store
from drp.student import SampleRequest, Student, small
from drp.student.engines import render_prompt
from drp.student.engines.library_decoders import PlainDecoder
from drp.student.engines.transformers_engine import TransformersEngine
from drp.training import ADAPTER, MERGED, TrainingJob, read_manifest, write_job
from drp.training.model import check_packing, load_base, load_encoder
from drp.training.sft import train

WORK = Path(__file__).resolve().parent.parent / "build/architectures"
STEPS, TOKENS = 3, 48
CONTEXT = 512
PROMPT = StudentPrompt(question="{question}")
GREEDY = Sampling(temperature=0, max_tokens=TOKENS)
SAMPLED = Sampling(temperature=1.0, top_p=0.95, max_tokens=TOKENS)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n"
    "{{ message.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message.role == 'assistant' else message.role }}\n{{ message.content | trim }}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
INSTRUCTIONS = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}"
    "[INST] {{ message.content }} [/INST]{% else %} {{ message.content }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
ENDS = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
HARMONY = (
    "{% for message in messages %}{% if message.role == 'assistant' %}"
    "<|start|>assistant<|channel|>final<|message|>{{ message.content }}"
    "{{ '<|return|>' if loop.last and not add_generation_prompt else '<|end|>' }}"
    "{% else %}<|start|>{{ message.role }}<|message|>{{ message.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
THINKS = ["<think>", "</think>"]


@dataclass(frozen=True)
class Architecture:
    """A kind of model, and how its family writes turns."""

    models: str
    """Models that are built so."""
    config: str
    """Class of the configuration in transformers."""
    template: str
    marks: tuple[str, ...]
    """Special tokens of the template; the first ends whole texts, the second ends a turn."""
    sizes: dict[str, Any]
    """What differs from the common sizes."""
    thinking: ThinkingMarks = THINK


COMMON = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.2,
    "tie_word_embeddings": False,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "decoder_sparse_step": 1}
GEMMA_SIZES = {"initializer_range": 0.02, "query_pre_attn_scalar": 16, "tie_word_embeddings": True}
"""With larger embeddings Gemma, which scales them, repeats the last token whatever it is taught."""
SLIDING = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
PHI = ("<|endoftext|>", "<|end|>", "<|user|>", "<|assistant|>")
IM = ("<|endoftext|>", "<|im_end|>", "<|im_start|>")
GEMMA = ("<eos>", "<end_of_turn>", "<start_of_turn>", "<bos>")
ARCHITECTURES = {
    "qwen2": Architecture("Qwen2.5, R1-Distill-Qwen", "Qwen2Config", CHATML, IM, {}),
    "qwen3": Architecture("Qwen3", "Qwen3Config", CHATML, IM, {}),
    "qwen2_moe": Architecture(
        "Qwen1.5-MoE", "Qwen2MoeConfig", CHATML, IM, EXPERTS | {"shared_expert_intermediate_size": 32}
    ),
    "qwen3_moe": Architecture("Qwen3-30B-A3B", "Qwen3MoeConfig", CHATML, IM, EXPERTS),
    "llama": Architecture(
        "Llama 3, R1-Distill-Llama, SmolLM2",
        "LlamaConfig",
        HEADERS,
        ("<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>"),
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
                             "high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
    ),
    "gemma2": Architecture(
        "Gemma 2", "Gemma2Config", TURNS, GEMMA,
        SLIDING | GEMMA_SIZES | {"final_logit_softcapping": 3.0, "attn_logit_softcapping": 5.0},
    ),
    "gemma3": Architecture(
        "Gemma 3 (text)", "Gemma3TextConfig", TURNS, GEMMA,
        SLIDING | GEMMA_SIZES,
    ),
    "mistral": Architecture(
        "Mistral 7B, Magistral", "MistralConfig", INSTRUCTIONS, ("</s>", "</s>", "<s>", "[INST]", "[/INST]"),
        {"sliding_window": 16},
    ),
    "phi": Architecture("Phi-2", "PhiConfig", ENDS, PHI, {}),
    "phi3": Architecture(
        "Phi-3, Phi-4-mini", "Phi3Config", ENDS, PHI,
        {"pad_token_id": 0, "head_dim": 12, "original_max_position_embeddings": CONTEXT},
    ),
    "gpt_oss": Architecture(
        "gpt-oss-20b, after its weights are stored in 16 bits", "GptOssConfig", HARMONY,
        ("<|endoftext|>", "<|return|>", "<|end|>", "<|start|>", "<|channel|>", "<|message|>"),
        SLIDING | {"num_local_experts": 4, "num_experts_per_tok": 2,
                   "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}},
        CHANNELS,
    ),
    "falcon_h1": Architecture(
        "Falcon-H1 (attention and state spaces)", "FalconH1Config", CHATML, IM,
        {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_n_groups": 1,
         "lm_head_multiplier": 0.5, "initializer_range": 0.1},
    ),
    "gpt2": Architecture(
        "GPT-2, with a chat template", "GPT2Config", CHATML, IM,
        {"n_embd": 48, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT, "tie_word_embeddings": True},
    ),
}  # fmt: skip


@dataclass
class Row:
    """What was seen of one architecture."""

    architecture: str
    decoder: str = ""
    attention: str = ""
    rollouts: int = 0
    batched_like_alone: bool = False
    """Whether greedy texts are those of `generate`, one sample at a time."""
    end_mark: str = ""
    packs: bool = False
    """Whether packed examples do not attend to each other."""
    trained: dict[str, int] = field(default_factory=dict)
    """Steps by method."""
    same_text: dict[str, bool] = field(default_factory=dict)
    """By method: whether the exported checkpoint has the same greedy texts everywhere."""
    changed_text: dict[str, int] = field(default_factory=dict)
    """By method: greedy texts of the 6 that training changed. If it is 0, the same text proves nothing."""
    refusals: dict[str, str] = field(default_factory=dict)
    """By method: why it is not trained."""
    seconds: float = 0.0


def make_model(folder: Path, architecture: Architecture) -> None:
    """Write a model with random weights and a tokenizer, as a folder of the hub has them."""
    whole, turn, *_ = architecture.marks
    tokens = PreTrainedTokenizerFast(
        tokenizer_file=str(small.WEIGHTS / "tokenizer.json"), eos_token=whole, pad_token=whole
    )
    bos = architecture.marks[-1] if architecture.template.startswith("{{ bos_token") else None
    tokens.add_special_tokens({"additional_special_tokens": list(dict.fromkeys(architecture.marks))})
    if bos:
        tokens.bos_token = "<s>" if "<s>" in architecture.marks else bos
    if architecture.thinking == THINK:
        tokens.add_tokens(THINKS)
    tokens.chat_template = architecture.template
    tokens.save_pretrained(folder)
    ends = {"eos_token_id": [tokens.convert_tokens_to_ids(mark) for mark in (whole, turn)]}
    sizes = COMMON | architecture.sizes | {"vocab_size": len(tokens), "pad_token_id": tokens.pad_token_id}
    config = getattr(transformers, architecture.config)(**sizes, **ends, bos_token_id=tokens.bos_token_id)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.generation_config = GenerationConfig(**ends, pad_token_id=tokens.pad_token_id)
    model.save_pretrained(folder)


def student(folder: Path, architecture: Architecture, sampling: Sampling) -> Student:
    """The model in a folder as a student."""
    return Student(
        "random", str(folder), "transformers", None, "given", sampling,
        prompt_file=PROMPT, thinking=architecture.thinking,
    )  # fmt: skip


def questions() -> list[Question]:
    """Six questions of unequal length."""
    return sorted(generate(6, 0), key=lambda question: len(question.question))


def engine_texts(folder: Path, architecture: Architecture) -> list[tuple[str, str]]:
    """Thinking and response of DRP's engine, greedily."""
    engine = TransformersEngine(student(folder, architecture, GREEDY))
    by_id = {
        r.question_id: (r.thinking, r.response)
        for r in engine.sample(SampleRequest(q, 0) for q in questions())
    }
    return [by_id[question.question_id] for question in questions()]


def plain_texts(model: Any, folder: Path, architecture: Architecture) -> list[tuple[str, str]]:
    """The same with `generate` of transformers, one question at a time, knowing nothing of DRP's engine."""
    tokens = AutoTokenizer.from_pretrained(folder)
    texts = []
    for question in questions():
        prompt = render_prompt(tokens, PROMPT, question.question)
        ids = tokens(prompt, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            (output,) = model.generate(**ids, max_new_tokens=TOKENS, do_sample=False)
        written = output[ids["input_ids"].shape[1] :].tolist()
        if written[-1] in model.generation_config.eos_token_id:
            written.pop()
        text = tokens.decode(written, clean_up_tokenization_spaces=False)
        thinking, response, is_closed = architecture.thinking.split(text)
        is_open = text.lstrip().startswith(architecture.thinking.opening.strip())
        texts.append(
            (thinking, response) if is_closed else ((text.strip(), "") if is_open else ("", text.strip()))
        )
    return texts


def examples() -> Iterator[Example]:
    """As many examples as three steps take."""
    for number, question in enumerate(generate(2 * STEPS, 7)):
        thinking = f"First I take {number + 3}. Then I add {number}, which gives {2 * number + 3}."
        yield Example(
            f"e{number}", f"q{number}", question.question, thinking, f"It is {question.gold_answer}."
        )


def settings(method: str) -> Sft:
    """Three steps that change the weights visibly."""
    return Sft(
        method=method, epochs=1, batch_size=2, accumulation=1, validation_share=0, max_length=CONTEXT,
        warmup=0, learning_rate=3e-2 if method == "lora" else 3e-3,
    )  # fmt: skip


def exported(trained: Path, folder: Path) -> None:
    """Store the merged model as the stage `train` does, and export it as `drp registry export` does."""
    store, manifest = open_store(str(folder.parent / f"{folder.name}-store")), read_manifest(trained)
    keys = {part: folder_key("c", part) for part in (ADAPTER, MERGED) if (trained / part).is_dir()}
    for part, key in keys.items():
        store_folder(store, trained / part, key)
    files = tuple(CheckpointFile(path, file.bytes, file.sha256) for path, file in manifest.files.items())
    checkpoint = Checkpoint(
        checkpoint_id="c", arm="drp", student="random", base_model="random", base_sha256=manifest.base_sha256,
        corpus_version=1, recipe="none", recipe_hash="", objective="sft", code_commit="", environment="",
        files=files, adapter_key=keys.get(ADAPTER), merged_key=keys[MERGED], scores=[], curve=[],
        created_at=datetime.now(UTC),
    )  # fmt: skip
    fetch(store, checkpoint, MERGED, folder)


def packs(base: Path) -> bool:
    """Whether packed examples do not attend to each other."""
    try:
        check_packing(load_base(base, torch.float32, torch.device("cpu")).eval(), base)
    except BadInputError:
        return False
    return True


def examine(name: str, folder: Path) -> Row:
    """Do with one architecture what a night and a training run do."""
    architecture, row, base = ARCHITECTURES[name], Row(name), folder / "base"
    make_model(base, architecture)
    engine = TransformersEngine(student(base, architecture, SAMPLED))
    row.decoder, row.attention = type(engine._decoder).__name__, engine._model.config._attn_implementation
    row.rollouts = len(list(engine.sample(SampleRequest(question, 0) for question in questions())))
    before = engine_texts(base, architecture)
    plain = AutoModelForCausalLM.from_pretrained(base).eval()
    row.batched_like_alone = row.decoder != PlainDecoder.__name__ and before == plain_texts(
        plain, base, architecture
    )
    row.packs = packs(base)
    encoder = load_encoder(base, PROMPT, architecture.thinking)
    row.end_mark = AutoTokenizer.from_pretrained(base).convert_ids_to_tokens(encoder.end)
    for method in ("lora", "full"):
        try:
            train_and_compare(row, method, architecture, folder, before)
        except BadInputError as error:
            row.refusals[method] = error.problem
    return row


def train_and_compare(
    row: Row, method: str, architecture: Architecture, folder: Path, before: list[tuple[str, str]]
) -> None:
    """Train with a method, export the checkpoint, and compare the greedy texts of all ways to run it."""
    base = folder / "base"
    job, out, copy = (folder / f"{method}-{part}" for part in ("job", "out", "exported"))
    document = TrainingJob(base=str(base), settings=settings(method), thinking=architecture.thinking)
    write_job(job, document, examples())
    row.trained[method] = train(job, out).steps
    exported(out, copy)
    plain = AutoModelForCausalLM.from_pretrained(copy).eval()
    texts = [engine_texts(copy, architecture), plain_texts(plain, copy, architecture)]
    if method == "lora":
        adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), out / ADAPTER)
        texts.append(plain_texts(adapted.eval(), base, architecture))
    row.same_text[method] = all(other == texts[0] for other in texts)
    row.changed_text[method] = sum(map(lambda one, other: one != other, before, texts[0]))


def listed(by_method: Iterable[tuple[str, str]]) -> str:
    """What holds of each method, in a cell."""
    return ", ".join(f"{method}: {value}" for method, value in by_method) or "–"


COLUMNS: dict[str, Callable[[Row], str]] = {
    "architecture": lambda row: f"`{row.architecture}`",
    "models": lambda row: ARCHITECTURES[row.architecture].models,
    "rolled out": lambda row: f"{row.rollouts} of 6",
    "batched": lambda row: ("yes" if row.batched_like_alone else "no") + f", `{row.decoder}`",
    "attention": lambda row: row.attention,
    "end mark of the test": lambda row: f"`{row.end_mark}`".replace("|", "\\|"),
    "trained": lambda row: listed((method, f"{steps} steps") for method, steps in row.trained.items()),
    "exported, same text": lambda row: listed(
        (method, "yes" if same and row.changed_text[method] else "NO")
        for method, same in row.same_text.items()
    ),
    "packing": lambda row: "yes" if row.packs else "refused",
    "refused": lambda row: listed(row.refusals.items()),
}


def table(rows: list[Row]) -> str:
    """The table in Markdown."""
    lines = [" | ".join(COLUMNS), " | ".join("---" for _ in COLUMNS)]
    lines += [" | ".join(column(row) for column in COLUMNS.values()) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    """Examine what has not been examined yet, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--again", action="store_true", help="examine those again that have a result")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    transformers.utils.logging.disable_progress_bar()
    rows = []
    for name in asked.only:
        result = asked.work / f"{name}.json"
        if asked.again or not result.is_file():
            shutil.rmtree(asked.work / name, ignore_errors=True)
            (asked.work / name).mkdir(parents=True)
            start = time.monotonic()
            row = examine(name, asked.work / name)
            row.seconds = round(time.monotonic() - start, 1)
            result.write_text(json.dumps(asdict(row), indent=1))
            print(f"{name}: {row.seconds} s", flush=True)
        rows.append(Row(**json.loads(result.read_text())))
    print(table(rows))


if __name__ == "__main__":
    main()
