"""Updates of the weights in several processes: DeepSpeed's ZeRO (Rajbhandari et al. 2020), one GPU each.

    join()
    engine = Zero(student.objective, settings)

Stage 2 spreads the gradients and the optimiser over the processes, stage 3 the weights too. Each process
reads the whole model before it keeps its share. Without a GPU they talk through gloo.
"""

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import distributed

from drp.config import Sft
from drp.training.engine import BETAS, NORM, generators, set_generators
from drp.training.errors import CheckpointUnwritableError
from drp.training.loss import SftLoss
from drp.training.packing import TensorBatch

# or DeepSpeed looks for more kinds when it is imported, which transformers does whenever it writes a model
os.environ.setdefault("DS_ACCELERATOR", "cuda" if torch.cuda.is_available() else "cpu")

WHOLE = 100_000
"""At stage 3, weights of at most so many numbers stay whole in every process: less to wait for."""
_TAG = "zero"


def join() -> None:
    """Become one of the processes that torchrun started, with a GPU of its own where there are any."""
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if has_gpu else "gloo")


class DeepSpeedEngine:
    """One of the processes that train together; see `Engine`."""

    def __init__(self, objective: SftLoss, settings: Sft) -> None:
        """Trains what of the model wants gradients, after `join`; all processes call it together."""
        import deepspeed  # only now: it takes seconds

        deepspeed.ops.__compatible_ops__ = {}  # or it compiles what only inference on a CPU would use
        self.rank, self.processes = distributed.get_rank(), distributed.get_world_size()
        self._device = next(objective.model.parameters()).device
        self._trained = [weight for weight in objective.model.parameters() if weight.requires_grad]
        self._is_spread = settings.deepspeed == "zero3"
        self._zero, *_ = deepspeed.initialize(
            model=objective,
            optimizer=torch.optim.AdamW(
                self._trained, betas=BETAS, weight_decay=settings.weight_decay, fused=True
            ),
            config={
                "train_micro_batch_size_per_gpu": 1,  # for its own statistics, which nobody reads
                "managed_gradient_accumulation": False,  # a step ends when we say so
                "gradient_clipping": NORM,
                "zero_optimization": {
                    "stage": 3 if self._is_spread else 2,
                    "overlap_comm": False,  # with it stage 3 refuses steps that end when we say so
                    "stage3_param_persistence_threshold": WHOLE,
                },
            },
        )
        torch.manual_seed(settings.seed + self.rank)  # each drops other inputs of its adapters

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """See `Engine`."""
        loss: torch.Tensor = self._zero(batch)
        return loss

    def train(self, is_training: bool) -> None:
        """See `Engine`."""
        self._zero.train(is_training)

    def backward(self, loss: torch.Tensor) -> None:
        """See `Engine`."""
        self._zero.backward(loss * self.processes)  # it takes the mean over them

    def update(self, rate: float) -> float:
        """See `Engine`."""
        for group in self._zero.optimizer.param_groups:
            group["lr"] = rate
        self._zero.step()
        return float(self._zero.get_global_grad_norm())

    def total(self, *values: float) -> list[float]:
        """See `Engine`."""
        # never empty: gloo hands an empty one back without waiting for the others
        sums = torch.tensor([*values, 0.0], dtype=torch.float64, device=self._device)
        distributed.all_reduce(sums)
        summed: list[float] = sums[:-1].tolist()
        return summed

    def save(self, folder: Path) -> None:
        """See `Engine`; each process writes its share, in DeepSpeed's format.

        Raises:
            CheckpointUnwritableError: the disk is full, or the folder may not be written.
        """
        try:
            self._zero.save_checkpoint(str(folder), _TAG, save_latest=False, exclude_frozen_parameters=True)
            save_file(generators(), folder / self._generators)
        except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError
            raise CheckpointUnwritableError(folder, error) from error

    def resume(self, folder: Path) -> None:
        """See `Engine`; as many processes as wrote it."""
        self._zero.load_checkpoint(
            str(folder), _TAG, load_module_strict=False
        )  # frozen weights are not there
        set_generators(load_file(folder / self._generators))

    def gather(self) -> None:
        """See `Engine`."""
        from deepspeed.runtime.zero import GatheredParameters

        for weight in self._trained if self._is_spread else ():
            with GatheredParameters([weight]):
                whole = weight.detach().to("cpu", copy=True) if self.rank == 0 else None
            if whole is not None:
                weight.data = whole

    @property
    def _generators(self) -> str:
        return f"generators-{self.rank}.safetensors"
