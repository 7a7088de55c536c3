"""Training (paper, section 3.3 and appendix B): examples in, a checkpoint out.

    .venv-training/bin/python -m drp.training.worker_main JOBFOLDER OUTFOLDER

The names exported here need no torch. All other modules run in the training environment.
"""

from drp.training.atomic_files import folder_digest
from drp.training.errors import (
    CheckpointDamagedError,
    CheckpointUnwritableError,
    DivergedError,
    WrongBaseError,
)
from drp.training.job import ADAPTER, MANIFEST, MERGED, Manifest, Point, TrainingJob, read_manifest, write_job
from drp.training.objectives import SFT, Objective

__all__ = [
    "ADAPTER",
    "MANIFEST",
    "MERGED",
    "SFT",
    "CheckpointDamagedError",
    "CheckpointUnwritableError",
    "DivergedError",
    "Manifest",
    "Objective",
    "Point",
    "TrainingJob",
    "WrongBaseError",
    "folder_digest",
    "preflight",
    "read_manifest",
    "worker_main",
    "write_job",
]
