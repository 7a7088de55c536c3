"""The training loop: steps, validation, the loss curve and saved states, for any engine.

The loss of a step is the weighted mean over all its response tokens, independent of how they are batched or
distributed over processes. A resumed training continues exactly as the uninterrupted one would have.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

import torch

from drp.config import Sft
from drp.console import Progress
from drp.training.encode import Encoded
from drp.training.engine import TrainingEngine
from drp.training.errors import DivergedError
from drp.training.resume_state import State, States
from drp.training.sequence_packing import (
    BatchIndices,
    PlannedStep,
    TensorBatch,
    batches,
    collate,
    plan,
    total_weight,
)

CURVE_POINTS = 200
"""Approximate number of points of the loss curve, not counting those with a validation loss."""
TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM."""


@dataclass
class Position:
    """Progress of a training. Together with the engine's state it determines the remaining steps."""

    step: int = 0
    """Number of finished steps."""
    loss: float = 0.0
    """Summed loss since the last point of the curve."""
    weight: float = 0.0
    """Summed weight since the last point of the curve."""
    curve: list[dict[str, Any]] = field(default_factory=list)
    """Fields of `drp.training.job.Point`."""
    seconds: float = 0.0
    """Elapsed time."""
    busy: float = 0.0
    """Elapsed time in training steps only."""


class _TerminatedError(Exception):
    """SIGTERM was received."""


def learning_rate_at(step: int, total: int, settings: Sft) -> float:
    """Return the learning rate of a step (from 0): linear warm-up, then cosine decay. It is never 0."""
    warmup_steps = math.ceil(settings.warmup * total)
    if step < warmup_steps:
        return settings.learning_rate * (step + 1) / warmup_steps
    decayed = (step - warmup_steps) / (total - warmup_steps)
    return settings.learning_rate * (1 + math.cos(math.pi * decayed)) / 2


class Loop:
    """Train on `examples` and measure the loss of `validation` every `eval_steps` steps."""

    def __init__(
        self,
        engine: TrainingEngine,
        settings: Sft,
        examples: Sequence[Encoded],
        validation: Sequence[Encoded],
        device: torch.device,
    ) -> None:
        self._engine, self._settings, self._device = engine, settings, device
        self._examples, self._validation = examples, validation
        self.steps = plan([len(example.tokens) for example in examples], settings)
        self._validation_batches = batches(
            range(len(validation)), [len(example.tokens) for example in validation], settings
        )
        tokens = (sum(len(example.tokens) for example in self._examples_of(step)) for step in self.steps)
        self._tokens_until = list(accumulate(tokens))
        self._saved_step: int | None = None

    def run(self, states: States, job: str, state: State | None) -> Position:
        """Run all remaining steps, starting from `state` if there is one, and return the final position.

        Raises:
            DivergedError: the loss or its gradient is not finite.
            CheckpointUnwritableError: a state cannot be saved.
            SystemExit: SIGTERM was received and a state was saved.
        """
        position = Position()
        if state:
            position = Position(**state.document["position"])
            self._engine.resume(state.folder)
            self._saved_step = position.step
        self._engine.train(True)
        began = time.monotonic() - position.seconds
        total = len(self.steps)

        def save() -> None:
            position.seconds = time.monotonic() - began
            if position.step and position.step != self._saved_step:
                states.save(position.step, self._engine, {"job": job, "position": asdict(position)})
                self._saved_step = position.step

        is_first = self._engine.rank == 0
        progress = Progress("training", total, unit="steps", done=position.step, bar=is_first)
        with _deferred_sigterm() as was_received, progress:

            def check_sigterm() -> None:
                # summed over the processes, so that all of them stop at the same point
                if any(self._engine.total(was_received())):
                    raise _TerminatedError

            try:
                while True:
                    check_sigterm()
                    self._add_curve_point(position, check_sigterm)
                    if position.step == total:
                        break
                    loss = self._step(position)
                    if is_first:
                        speed = self._tokens_until[position.step - 1] / position.busy
                        progress.update(position.step, f"loss {loss:.4f}, {speed:,.0f} tokens/s")
                    if position.step % self._settings.save_steps == 0 or position.step == total:
                        save()
            except _TerminatedError:
                save()
                raise SystemExit(TERMINATED) from None
        position.seconds = time.monotonic() - began
        return position

    @property
    def tokens_read(self) -> int:
        """Tokens that all steps together send through the model, including prompts."""
        return self._tokens_until[-1]

    @property
    def tokens_taught(self) -> int:
        """Response tokens over which all steps together take the loss."""
        return sum(example.taught for step in self.steps for example in self._examples_of(step))

    def _examples_of(self, step: PlannedStep) -> Iterator[Encoded]:
        return (self._examples[index] for indices in step for index in indices)

    def _step(self, position: Position) -> float:
        """Run one optimiser step and return its loss, in nats per token."""
        began = time.monotonic()
        step = self.steps[position.step]
        weight = total_weight(list(self._examples_of(step)))
        summed = torch.zeros((), device=self._device)
        for indices, share in self._distribute(step):
            loss = self._engine.loss(self._batch(self._examples, indices)) * (share / weight)
            self._engine.backward(loss)
            summed += loss.detach()
        (loss,) = self._engine.total(float(summed))
        norm = math.nan
        if math.isfinite(loss):
            norm = self._engine.update(learning_rate_at(position.step, len(self.steps), self._settings))
        if not math.isfinite(norm):
            raise DivergedError(position.step + 1, loss, norm, self._saved_step)
        position.step += 1
        position.loss += loss * weight
        position.weight += weight
        position.busy += time.monotonic() - began
        return loss

    def _add_curve_point(self, position: Position, check_sigterm: Callable[[], None]) -> None:
        """Add a point to the curve if one is due at this step and not there yet."""
        step, is_last = position.step, position.step == len(self.steps)
        has_validation = bool(self._validation) and (is_last or step % self._settings.eval_steps == 0)
        is_due = has_validation or is_last or step % max(1, len(self.steps) // CURVE_POINTS) == 0
        if not step or not is_due or (position.curve and position.curve[-1]["step"] == step):
            return
        validation_loss = self._validation_loss(check_sigterm) if has_validation else None
        position.curve.append(
            {
                "step": step,
                "loss": position.loss / position.weight,
                "validation_loss": validation_loss,
                "learning_rate": learning_rate_at(step - 1, len(self.steps), self._settings),
            }
        )
        position.loss = position.weight = 0.0

    def _validation_loss(self, check_sigterm: Callable[[], None]) -> float:
        """Return the mean loss of the validation examples, in nats per token."""
        summed = 0.0
        self._engine.train(False)
        with torch.no_grad():
            for indices, share in self._distribute(self._validation_batches):
                check_sigterm()
                summed += share * float(self._engine.loss(self._batch(self._validation, indices)))
        self._engine.train(True)
        (summed,) = self._engine.total(summed)
        return summed / total_weight(self._validation)

    def _distribute(self, all_batches: Sequence[BatchIndices]) -> Iterator[tuple[BatchIndices, float]]:
        """Yield this process's batches with factor 1.

        All processes must run equally many batches. One without a batch in the last round gets another
        process's batch with factor 0.
        """
        rank, processes = self._engine.rank, self._engine.processes
        for first in range(0, len(all_batches), processes):
            has_batch = first + rank < len(all_batches)
            yield all_batches[first + rank if has_batch else first], float(has_batch)

    def _batch(self, examples: Sequence[Encoded], indices: BatchIndices) -> TensorBatch:
        batch = collate([examples[index] for index in indices], is_packed=self._settings.packing)
        return batch.to(self._device)


@contextmanager
def _deferred_sigterm() -> Iterator[Callable[[], bool]]:
    """Record SIGTERM instead of exiting within the block. Yields a function that returns whether it came."""
    received = False

    def record(*_: object) -> None:
        nonlocal received
        received = True

    previous = signal.signal(signal.SIGTERM, record)
    try:
        yield lambda: received
    finally:
        signal.signal(signal.SIGTERM, previous)
