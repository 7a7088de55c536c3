"""Errors of jobs, which are subprocesses in another environment."""

from drp.core import TerminalError, TransientError


class EnvironmentMissingError(TerminalError):
    """The environment that a job needs is not set up on this machine."""


class JobFailedError(TerminalError):
    """A job ended with an exception that is not an error of DRP, such as a bug."""


class JobLostError(TransientError):
    """A job was killed: by a person, or because memory ran out."""


class ScratchUnwritableError(TransientError):
    """The scratch folder (DRP_SCRATCH) cannot be written to, most often because the disk is full."""
