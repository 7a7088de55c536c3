"""Run jobs as subprocesses in another Python environment of this machine, and hold locks for them."""

from drp.jobs.environments import Environment, in_environment, lock_digest, python_of
from drp.jobs.errors import EnvironmentMissingError, JobFailedError, JobLostError, ScratchUnwritableError
from drp.jobs.process_lock import process_lock
from drp.jobs.runner import decode_error, encode_error, read_job_document, run_jobs
from drp.jobs.tied_process import tied_process

__all__ = [
    "Environment",
    "EnvironmentMissingError",
    "JobFailedError",
    "JobLostError",
    "ScratchUnwritableError",
    "decode_error",
    "encode_error",
    "in_environment",
    "lock_digest",
    "process_lock",
    "python_of",
    "read_job_document",
    "run_jobs",
    "tied_process",
]
