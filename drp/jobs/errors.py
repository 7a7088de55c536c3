"""What can go wrong with a job: a subprocess in another environment."""

from drp.core import TerminalError, TransientError


class EnvironmentMissingError(TerminalError):
    """The environment that a job needs was not set up on this machine."""


class JobFailedError(TerminalError):
    """A job ended with an error that is a bug, or none of ours."""


class JobLostError(TransientError):
    """A job was killed: by a person, or for want of memory."""


class ScratchUnwritableError(TransientError):
    """The folder for what can be made again (DRP_SCRATCH) takes no file: a full disk, most often."""
