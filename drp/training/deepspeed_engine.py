"""Training in several processes with DeepSpeed's ZeRO (Rajbhandari et al. 2020), one GPU per process.

    join_process_group()
    engine = DeepSpeedEngine(student.objective, settings)

Stage 2 partitions gradients and optimiser state across the processes, stage 3 the weights as well. Each
process loads the whole model before it keeps its partition. Without a GPU the processes communicate through
gloo.
"""

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import distributed

from drp.config import Sft
from drp.training.cross_entropy import SftLoss
from drp.training.engine import BETAS, MAX_GRADIENT_NORM, restore_rng_states, rng_states
from drp.training.errors import CheckpointUnwritableError
from drp.training.sequence_packing import TensorBatch

# Without this DeepSpeed probes for other accelerators on import, and transformers imports it on every save.
os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")

PERSISTENCE_THRESHOLD = 100_000
"""Stage 3 keeps tensors of at most this many elements in every process, which saves communication."""
_TAG = "zero"


def join_process_group() -> None:
    """Join the process group that torchrun started. If there are GPUs, take the one of this local rank."""
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if has_gpu else "gloo")


class DeepSpeedEngine:
    """One rank of a distributed training; see `TrainingEngine`."""

    def __init__(self, objective: SftLoss, settings: Sft) -> None:
        """Train all parameters that require gradients. All processes call this after `join_process_group`."""
        import deepspeed  # imported late because it takes seconds

        deepspeed.ops.__compatible_ops__ = {}  # otherwise it compiles ops that only CPU inference uses
        self.rank, self.processes = distributed.get_rank(), distributed.get_world_size()
        self._device = next(objective.model.parameters()).device
        self._trained = [weight for weight in objective.model.parameters() if weight.requires_grad]
        self._is_zero3 = settings.deepspeed == "zero3"
        self._zero, *_ = deepspeed.initialize(
            model=objective,
            optimizer=torch.optim.AdamW(
                self._trained, betas=BETAS, weight_decay=settings.weight_decay, fused=True
            ),
            config={
                "train_micro_batch_size_per_gpu": 1,  # used only for DeepSpeed's statistics
                "managed_gradient_accumulation": False,  # the training loop decides when a step ends
                "gradient_clipping": MAX_GRADIENT_NORM,
                "zero_optimization": {
                    "stage": 3 if self._is_zero3 else 2,
                    "overlap_comm": False,  # stage 3 does not support it with unmanaged accumulation
                    "stage3_param_persistence_threshold": PERSISTENCE_THRESHOLD,
                },
            },
        )
        torch.manual_seed(settings.seed + self.rank)  # a different dropout mask in each process

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """See `TrainingEngine`."""
        loss: torch.Tensor = self._zero(batch)
        return loss

    def train(self, is_training: bool) -> None:
        """See `TrainingEngine`."""
        self._zero.train(is_training)

    def backward(self, loss: torch.Tensor) -> None:
        """See `TrainingEngine`."""
        self._zero.backward(loss * self.processes)  # DeepSpeed averages over the processes

    def update(self, rate: float) -> float:
        """See `TrainingEngine`."""
        for group in self._zero.optimizer.param_groups:
            group["lr"] = rate
        self._zero.step()
        return float(self._zero.get_global_grad_norm())

    def total(self, *values: float) -> list[float]:
        """See `TrainingEngine`."""
        # The extra 0.0 keeps the tensor non-empty: gloo returns an empty one without waiting for the others.
        sums = torch.tensor([*values, 0.0], dtype=torch.float64, device=self._device)
        distributed.all_reduce(sums)
        summed: list[float] = sums[:-1].tolist()
        return summed

    def save(self, folder: Path) -> None:
        """See `TrainingEngine`. Each process writes its partition, in DeepSpeed's format.

        Raises:
            CheckpointUnwritableError: the disk is full, or the folder may not be written.
        """
        try:
            self._zero.save_checkpoint(str(folder), _TAG, save_latest=False, exclude_frozen_parameters=True)
            save_file(rng_states(), folder / self._rng_file)
        except (OSError, RuntimeError) as error:  # torch raises RuntimeError when the disk is full
            raise CheckpointUnwritableError(folder, error) from error

    def resume(self, folder: Path) -> None:
        """See `TrainingEngine`. Needs as many processes as wrote the state."""
        # not strict: the state does not contain the frozen weights
        self._zero.load_checkpoint(str(folder), _TAG, load_module_strict=False)
        restore_rng_states(load_file(folder / self._rng_file))

    def gather(self) -> None:
        """See `TrainingEngine`."""
        from deepspeed.runtime.zero import GatheredParameters

        for weight in self._trained if self._is_zero3 else ():
            with GatheredParameters([weight]):
                gathered = weight.detach().to("cpu", copy=True) if self.rank == 0 else None
            if gathered is not None:
                weight.data = gathered

    @property
    def _rng_file(self) -> str:
        return f"generators-{self.rank}.safetensors"
