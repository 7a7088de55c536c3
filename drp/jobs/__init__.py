"""Run jobs as subprocesses in another Python environment of this machine, and hold locks for them."""

from drp.jobs.checks import GPU, HealthCheck, Outcome, read_checks, write_checks
from drp.jobs.environments import PACKAGES, Environment, in_environment, lock_digest, python_of
from drp.jobs.errors import EnvironmentMissingError, JobFailedError, JobLostError, ScratchUnwritableError
from drp.jobs.process_lock import process_lock
from drp.jobs.runner import decode_error, encode_error, read_job_document, run_jobs
from drp.jobs.tied_process import tied_process

__all__ = [
    "GPU",
    "PACKAGES",
    "Environment",
    "EnvironmentMissingError",
    "HealthCheck",
    "JobFailedError",
    "JobLostError",
    "Outcome",
    "ScratchUnwritableError",
    "decode_error",
    "encode_error",
    "in_environment",
    "lock_digest",
    "process_lock",
    "python_of",
    "read_checks",
    "read_job_document",
    "run_jobs",
    "tied_process",
    "write_checks",
]
