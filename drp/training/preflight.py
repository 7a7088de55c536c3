"""Job: check that a student can be trained, without loading its weights. Runs in the training environment.

It asks the same code that trains: the encoder, the adapters and the check of the output head. The model is
made on the meta device, where it takes no memory.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from transformers import GenerationConfig

from drp.core import BadInputError
from drp.curation import Example
from drp.jobs import HealthCheck, read_job_document, write_checks
from drp.training.encode import Encoder
from drp.training.job import TrainingJob, read_examples, read_job
from drp.training.model import Architecture, check_architecture, load_encoder

REVISED = "revised"
"""Prefix of the ids of examples that are revisions; the others are traces before they are pruned."""


def main() -> None:
    """Check the student of a job folder, with some examples of what it would be trained on."""
    with read_job_document() as document:
        folder = Path(document["job"])
        job = read_job(folder)
        examples = list(read_examples(folder))
        write_checks(Path(document["out"]), _checks(job, examples))


def _checks(job: TrainingJob, examples: list[Example]) -> Iterator[HealthCheck]:
    base, settings = job.base_folder, job.settings
    weights = check_weights(base)
    yield weights
    encoder, architecture = None, None
    try:
        encoder = load_encoder(base, job.prompt, job.thinking)
        yield HealthCheck("tokenizer", "ok", "it has a chat template, marks of thinking and an end mark")
    except BadInputError as error:
        yield _failed("tokenizer", error)
    try:
        architecture = check_architecture(base, settings)
        head = (
            ""
            if architecture.is_head_checked
            else "; what follows its output head is too large to be checked"
        )
        yield HealthCheck(
            "architecture", "ok", f"{architecture.name}, {architecture.parameters:,} parameters{head}"
        )
    except BadInputError as error:
        yield _failed("architecture", error)
    if encoder is not None and architecture is not None:
        try:
            encoder.check(architecture.rows, _stops(base, architecture))
            yield HealthCheck("end mark", "ok", "sampling stops at the mark that is taught")
        except BadInputError as error:
            yield _failed("end mark", error)
        yield check_lengths(encoder, examples, min(settings.max_length, architecture.context))


def _failed(name: str, error: BadInputError) -> HealthCheck:
    return HealthCheck(name, "failed", error.problem, error.next_command)


def _stops(base: Path, architecture: Architecture) -> list[int]:
    """Token ids at which sampling stops; empty if the model defines none."""
    try:
        ids = GenerationConfig.from_pretrained(base).eos_token_id
    except OSError:
        ids = architecture.stops
    return [] if ids is None else ids if isinstance(ids, list) else [ids]


def check_weights(base: Path) -> HealthCheck:
    """Check that the files of the weights are there and have the length that they state."""
    mend = f"copy the model to {base} again"
    files = sorted(base.glob("*.safetensors"))
    for index in base.glob("*.safetensors.index.json"):
        named = {base / name for name in json.loads(index.read_bytes())["weight_map"].values()}
        if missing := sorted(file.name for file in named if not file.is_file()):
            return HealthCheck("weights", "failed", f"{base} lacks {', '.join(missing)}", mend)
    if damaged := [file.name for file in files if not _is_whole(file)]:
        return HealthCheck("weights", "failed", f"{base}: {', '.join(damaged)} is not whole", mend)
    if not files and not [*base.glob("*.bin")]:
        return HealthCheck("weights", "failed", f"{base} has no weights", mend)
    size = sum(file.stat().st_size for file in files)
    return HealthCheck("weights", "ok", f"{len(files)} files, {size / 1e9:.2f} GB")


def _is_whole(file: Path) -> bool:
    """Whether a safetensors file has all the bytes that its header names."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header = json.loads(stream.read(min(length, file.stat().st_size)))
        except ValueError:
            return False
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return file.stat().st_size == 8 + length + max(ends, default=0)


def check_lengths(encoder: Encoder, examples: list[Example], max_length: int) -> HealthCheck:
    """Check that examples fit into `max_length` tokens.

    It fails only if training would have nothing to train on: no revision fits, or no question.
    """
    name, mend = "lengths", "raise training.max_length in the recipe"
    if not examples:
        return HealthCheck(name, "not checked", "the lake has no right trace of the student yet")
    encoded, _ = encoder.encode(examples, 2**62)
    if all(example.prompt >= max_length for example in encoded):
        seen = f"the questions alone have {max_length:,} tokens or more, which is max_length or the context"
        return HealthCheck(name, "failed", seen, mend)
    of_revisions = [
        len(tokens.tokens)
        for tokens, example in zip(encoded, examples, strict=True)
        if example.example_id.startswith(REVISED)
    ]
    lengths = of_revisions or [len(tokens.tokens) for tokens in encoded]
    too_long = sum(length > max_length for length in lengths)
    what = "revisions" if of_revisions else "traces before they are pruned"
    seen = (
        f"{too_long:,} of {len(lengths):,} {what} are longer than {max_length:,} tokens (median"
        f" {median(lengths):,.0f}, longest {max(lengths):,})"
    )
    if of_revisions and too_long == len(lengths):
        return HealthCheck(name, "failed", seen, mend)
    return HealthCheck(name, "ok", seen + ("; such examples are dropped" if too_long else ""))


if __name__ == "__main__":
    main()
