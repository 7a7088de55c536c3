"""Rollout engine `vllm`: a model in a folder, run by vLLM in this process, without a server.

    for rollout in VllmEngine(student).sample(samples): ...

Only the inference environment can import it. Requests are added as soon as there is room and rollouts are
returned as they are completed, which keeps vLLM's batch full. On CPUs it computes in 32 bits, like the engine
`transformers`.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
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
        """Load config, weights, and a tokenizer with a chat template from the folder `student.model`.

        Raises:
            BadInputError: they cannot be read, or this machine has too little memory for them.
        """
        self._student = student
        folder = Path(student.model)
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
            raise sampling_error(f"vLLM cannot run {folder} as a language model here: {error}") from error

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Yield the requested rollouts as they are completed.

        Raises:
            BadInputError: a prompt fills the model's context and leaves no room for a response.
        """
        engine, queue = self.llm.llm_engine, iter(samples)
        size = _AHEAD * engine.vllm_config.scheduler_config.max_num_seqs
        pending: dict[str, tuple[SampleRequest, EncodedPrompt]] = {}
        try:
            while True:
                for sample in islice(queue, size - len(pending)):
                    encoded = self._dialogue.encode_prompt(sample.question)
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


def _without_gpu(context: int) -> dict[str, Any]:
    return {
        "dtype": "float32",
        "enforce_eager": True,  # compilation would take a minute
        "kv_cache_memory_bytes": _CACHE_BYTES,
        # on a CPU, vLLM 0.32 crashes on seeded requests whose prompt is processed in chunks
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(context, 4096),
    }
