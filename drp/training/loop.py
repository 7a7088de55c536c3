"""The loop of steps: losses, looks at the validation examples, states; whatever the engine.

A step's loss is the mean over all its taught tokens (by their weights), however they are batched or dealt out
among processes. What a resumed training does is what it would have done.
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
from drp.training.packing import Places, PlannedStep, TensorBatch, batches, collate, plan, weight_of
from drp.training.resume_state import State, States

POINTS = 200
"""Points of the loss curve, beside those with a validation loss."""
TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM."""


@dataclass
class Position:
    """Where a training is; with what the engine saves, all that the rest of it depends on."""

    step: int = 0
    """Steps that are done."""
    loss: float = 0.0
    weight: float = 0.0
    """Summed since the last point of the curve."""
    curve: list[dict[str, Any]] = field(default_factory=list)
    """Fields of `drp.training.job.Point`."""
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds, and those of them in steps."""


class _TerminatedError(Exception):
    """SIGTERM came."""


def rate(step: int, total: int, settings: Sft) -> float:
    """Learning rate of a step, counted from 0: up along a line, then down along a cosine; never 0."""
    rising = math.ceil(settings.warmup * total)
    if step < rising:
        return settings.learning_rate * (step + 1) / rising
    return settings.learning_rate * (1 + math.cos(math.pi * (step - rising) / (total - rising))) / 2


class Loop:
    """Trains on `taught`, looking at `aside` now and then."""

    def __init__(
        self,
        engine: TrainingEngine,
        settings: Sft,
        taught: Sequence[Encoded],
        aside: Sequence[Encoded],
        device: torch.device,
    ) -> None:
        self._engine, self._settings, self._device = engine, settings, device
        self._taught, self._aside = taught, aside
        self.steps = plan([len(example.tokens) for example in taught], settings)
        self._looks = batches(range(len(aside)), [len(example.tokens) for example in aside], settings)
        read = (sum(len(example.tokens) for example in self._of(step)) for step in self.steps)
        self._read = list(accumulate(read))
        self._saved: int | None = None

    def run(self, states: States, job: str, state: State | None) -> Position:
        """All steps, going on from `state` if there is one; where that ended.

        Raises:
            DivergedError: the loss or its gradient is not finite.
            CheckpointUnwritableError: a state cannot be saved.
            SystemExit: SIGTERM came; a state is saved.
        """
        at = Position()
        if state:
            at = Position(**state.document["position"])
            self._engine.resume(state.folder)
            self._saved = at.step
        self._engine.train(True)
        began = time.monotonic() - at.seconds
        total = len(self.steps)

        def save() -> None:
            at.seconds = time.monotonic() - began
            if at.step and at.step != self._saved:
                states.save(at.step, self._engine, {"job": job, "position": asdict(at)})
                self._saved = at.step

        is_first = self._engine.rank == 0
        progress = Progress("training", total, unit="steps", done=at.step, bar=is_first)
        with _heeding_sigterm() as has_come, progress:

            def heed() -> None:
                if any(self._engine.total(has_come())):  # all processes, or none
                    raise _TerminatedError

            try:
                while True:
                    heed()
                    self._mark(at, heed)
                    if at.step == total:
                        break
                    loss = self._step(at)
                    if is_first:
                        pace = self._read[at.step - 1] / at.busy
                        progress.update(at.step, f"loss {loss:.4f}, {pace:,.0f} tokens/s")
                    if at.step % self._settings.save_steps == 0 or at.step == total:
                        save()
            except _TerminatedError:
                save()
                raise SystemExit(TERMINATED) from None
        at.seconds = time.monotonic() - began
        return at

    @property
    def tokens_read(self) -> int:
        """Tokens that all steps together send through the model, prompts included."""
        return self._read[-1]

    @property
    def tokens_taught(self) -> int:
        """Tokens that all steps together take the loss over."""
        return sum(example.taught for step in self.steps for example in self._of(step))

    def _of(self, step: PlannedStep) -> Iterator[Encoded]:
        return (self._taught[place] for places in step for place in places)

    def _step(self, at: Position) -> float:
        """One update; its loss in nats a token."""
        began = time.monotonic()
        step = self.steps[at.step]
        weight = weight_of(list(self._of(step)))
        summed = torch.zeros((), device=self._device)
        for places, share in self._dealt(step):
            loss = self._engine.loss(self._batch(self._taught, places)) * (share / weight)
            self._engine.backward(loss)
            summed += loss.detach()
        (loss,) = self._engine.total(float(summed))
        norm = math.nan
        if math.isfinite(loss):
            norm = self._engine.update(rate(at.step, len(self.steps), self._settings))
        if not math.isfinite(norm):
            raise DivergedError(at.step + 1, loss, norm, self._saved)
        at.step += 1
        at.loss += loss * weight
        at.weight += weight
        at.busy += time.monotonic() - began
        return loss

    def _mark(self, at: Position, heed: Callable[[], None]) -> None:
        """Add the curve's point at this step, if there should be one and is none."""
        step, last = at.step, at.step == len(self.steps)
        is_look = bool(self._aside) and (last or step % self._settings.eval_steps == 0)
        is_point = is_look or last or step % max(1, len(self.steps) // POINTS) == 0
        if not step or not is_point or (at.curve and at.curve[-1]["step"] == step):
            return
        validation = self._validation(heed) if is_look else None
        at.curve.append(
            {
                "step": step,
                "loss": at.loss / at.weight,
                "validation_loss": validation,
                "learning_rate": rate(step - 1, len(self.steps), self._settings),
            }
        )
        at.loss = at.weight = 0.0

    def _validation(self, heed: Callable[[], None]) -> float:
        """Mean loss of the examples that are set aside, nats a token."""
        summed = 0.0
        self._engine.train(False)
        with torch.no_grad():
            for places, share in self._dealt(self._looks):
                heed()
                summed += share * float(self._engine.loss(self._batch(self._aside, places)))
        self._engine.train(True)
        (summed,) = self._engine.total(summed)
        return summed / weight_of(self._aside)

    def _dealt(self, all_places: Sequence[Places]) -> Iterator[tuple[Places, float]]:
        """This process's share, with 1; and with 0 what it must go through because others have one more."""
        rank, processes = self._engine.rank, self._engine.processes
        for first in range(0, len(all_places), processes):
            is_mine = first + rank < len(all_places)
            yield all_places[first + rank if is_mine else first], float(is_mine)

    def _batch(self, examples: Sequence[Encoded], places: Places) -> TensorBatch:
        return collate([examples[p] for p in places], is_packed=self._settings.packing).to(self._device)


@contextmanager
def _heeding_sigterm() -> Iterator[Callable[[], bool]]:
    """Within, SIGTERM is only noted; yields what tells whether it came."""
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, before)
