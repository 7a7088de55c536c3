"""Rollout engine `vllm`: a model in a folder, run by vLLM in this process, without a server.

    for rollout in VllmEngine(student).sample(wanted): ...

Only the inference environment can import it. Samples are asked for as there is room and land as they end, so
that vLLM's batch is never half empty. On CPUs it computes in 32 bits, as the engine `transformers` does.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from drp.core import Rollout
from drp.student.engines.dialogue import Asked, Dialogue, refusal
from drp.student.protocol import SampleRequest, Student
from drp.student.response import sample_seed

for _variable, _value in {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # its engine lives and dies with this process
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # engines side by side would all sit on the first core
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}.items():
    os.environ.setdefault(_variable, _value)  # it reads them when it is imported

from vllm import LLM, SamplingParams, TokensPrompt  # noqa: E402
from vllm.sampling_params import RequestOutputKind  # noqa: E402

_AHEAD = 2
"""Batches that vLLM is given at once: one to work on, and what takes the place of what ends."""
_CACHE_BYTES = 2**30
"""Of keys and values, without a GPU, unless VLLM_CPU_KVCACHE_SPACE (GiB) is set."""


class VllmEngine:
    """Question, seed and k decide what a sample is drawn with; its company may still round it differently."""

    name = "vllm"

    def __init__(self, student: Student) -> None:
        """The folder `student.model` has config, weights, and a tokenizer with a chat template.

        Raises:
            BadInputError: they cannot be read, or this machine has too little memory for them.
        """
        self._student, folder = student, Path(student.model)
        self._dialogue = Dialogue(student, self.name)
        context = self._dialogue.context
        try:
            self.llm = LLM(
                str(folder),
                max_model_len=context,
                tensor_parallel_size=student.tensor,
                **({} if torch.cuda.is_available() else _without_gpu(context)),
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise refusal(f"{folder} is no language model that vLLM can run here: {error}") from error

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """The rollouts that are wanted, as they land.

        Raises:
            BadInputError: a question fills the model's context, so that nothing could follow it.
        """
        engine, source = self.llm.llm_engine, iter(wanted)
        size = _AHEAD * engine.vllm_config.scheduler_config.max_num_seqs
        waiting: dict[str, tuple[SampleRequest, Asked]] = {}
        try:
            while True:
                for sample in islice(source, size - len(waiting)):
                    asked = self._dialogue.ask(sample.question)
                    name = f"{sample.question.question_id}-{sample.k}"
                    (told,) = engine.renderer.render_cmpl([TokensPrompt(prompt_token_ids=asked.tokens)])
                    engine.add_request(name, told, self._how(sample, asked))
                    waiting[name] = sample, asked
                if not waiting:
                    return
                for ended in engine.step():
                    said = ended.outputs[0]
                    is_finished = said.finish_reason == "stop"
                    tokens = list(said.token_ids[:-1] if is_finished else said.token_ids)
                    sample, asked = waiting.pop(ended.request_id)
                    yield self._dialogue.rollout(sample, asked, tokens, is_finished=is_finished)
        finally:
            engine.abort_request(list(waiting))

    def _how(self, sample: SampleRequest, asked: Asked) -> SamplingParams:
        sampling = self._student.sampling
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=asked.room,
            seed=sample_seed(self._student, sample),
            ignore_eos=True,  # the stop tokens are the student's own, as every engine reads them
            stop_token_ids=sorted(self._dialogue.stops),
            detokenize=False,  # the dialogue makes text of the tokens
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


def _without_gpu(context: int) -> dict[str, Any]:
    return {
        "dtype": "float32",
        "enforce_eager": True,  # it would compile for a minute first
        "kv_cache_memory_bytes": _CACHE_BYTES,
        # vLLM 0.32 on a CPU dies of a seed when a prompt is read in more than one go
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(context, 4096),
    }
