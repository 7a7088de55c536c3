"""Rollout engine `vllm`: a model in a folder, run by vLLM in this process, without a server.

    for rollout in VllmEngine(student).sample(samples): ...

Only the inference environment can import it. Requests are added as soon as there is room and rollouts are
returned as they are completed, which keeps vLLM's batch full. On CPUs it computes in 32 bits, like the engine
`transformers`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch

from drp.core import Rollout
from drp.student.engines.chat_prompt import Dialogue, EncodedPrompt, sampling_error
from drp.student.protocol import SampleRequest, Student
from drp.student.response import sample_seed

for _variable, _value in {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine runs in this process and ends with it
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # otherwise parallel engines would all share the first core
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}.items():
    os.environ.setdefault(_variable, _value)  # vLLM reads them on import

from vllm import LLM, SamplingParams, TokensPrompt  # noqa: E402
from vllm.sampling_params import RequestOutputKind  # noqa: E402

_AHEAD = 2
"""Batches queued in vLLM at once: one in progress, and one that replaces completed requests."""
_CACHE_BYTES = 2**30
"""Size of the KV cache without a GPU, unless VLLM_CPU_KVCACHE_SPACE (GiB) is set."""


class VllmEngine:
    """Question, seed and k seed each sample; other samples in a batch may still change its rounding."""

    name = "vllm"

    def __init__(self, student: Student) -> None:
        """Read config and a tokenizer with a chat template from the folder `student.model`.

        Raises:
            BadInputError: they cannot be read.
        """
        self._student = student
        self._dialogue = Dialogue(student, self.name)
        self._llm: LLM | None = None
        self._room = 0

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Load the weights, and yield the requested rollouts as they are completed.

        vLLM reserves memory for the longest prompt with its response, not for the model's whole context.

        Raises:
            BadInputError: the weights cannot be read, this machine has too little memory for them, or a
                prompt fills the model's context and leaves no room for a response.
        """
        requests = [(sample, self._dialogue.encode_prompt(sample.question)) for sample in samples]
        longest = max((len(encoded.tokens) + encoded.max_tokens for _, encoded in requests), default=0)
        if requests:
            yield from self._sample(self.load(longest), requests)

    def load(self, longest: int) -> LLM:
        """Return vLLM's engine with room for `longest` tokens of a prompt and its response.

        Raises:
            BadInputError: the weights cannot be read, or this machine has too little memory for them.
        """
        if self._llm is None or longest > self._room:
            self._llm = None  # frees the memory of a smaller one
            student = self._student
            here = {} if torch.cuda.is_available() else _without_gpu(longest)
            options = {
                "max_model_len": longest,
                "tensor_parallel_size": student.tensor,
                **here,
                **student.vllm,
            }
            try:
                self._llm = LLM(student.model, **options)
            except (OSError, ValueError, RuntimeError, TypeError) as error:
                raise sampling_error(
                    f"vLLM cannot run {student.model} as a language model here, with {options}: {error}"
                ) from error
            self._room = longest
        return self._llm

    def _sample(self, llm: LLM, requests: Sequence[tuple[SampleRequest, EncodedPrompt]]) -> Iterator[Rollout]:
        engine, queue = llm.llm_engine, iter(requests)
        size = _AHEAD * engine.vllm_config.scheduler_config.max_num_seqs
        pending: dict[str, tuple[SampleRequest, EncodedPrompt]] = {}
        try:
            while True:
                for sample, encoded in islice(queue, size - len(pending)):
                    request_id = f"{sample.question.question_id}-{sample.k}"
                    (rendered,) = engine.renderer.render_cmpl([TokensPrompt(prompt_token_ids=encoded.tokens)])
                    engine.add_request(request_id, rendered, self._sampling_params(sample, encoded))
                    pending[request_id] = sample, encoded
                if not pending:
                    return
                for output in engine.step():
                    completion = output.outputs[0]
                    is_finished = completion.finish_reason == "stop"
                    tokens = list(completion.token_ids[:-1] if is_finished else completion.token_ids)
                    sample, encoded = pending.pop(output.request_id)
                    yield self._dialogue.rollout(sample, encoded, tokens, is_finished=is_finished)
        finally:
            engine.abort_request(list(pending))

    def _sampling_params(self, sample: SampleRequest, encoded: EncodedPrompt) -> SamplingParams:
        sampling = self._student.sampling
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=encoded.max_tokens,
            seed=sample_seed(self._student, sample),
            ignore_eos=True,  # stop at the same tokens as the other engines
            stop_token_ids=sorted(self._dialogue.stops),
            detokenize=False,  # the dialogue decodes the tokens
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


def _without_gpu(longest: int) -> dict[str, Any]:
    return {
        "dtype": "float32",
        "enforce_eager": True,  # compilation would take a minute
        "kv_cache_memory_bytes": _CACHE_BYTES,
        # on a CPU, vLLM 0.32 crashes on seeded requests whose prompt is processed in chunks
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(longest, 4096),
    }
