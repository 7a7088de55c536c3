"""Read the API key of a teacher from the environment variable that its profile names."""

import os

from drp.teacher.transport.errors import TeacherRefusedError

NO_KEY = "none"
"""The key of a teacher that needs none: the client wants some text."""


def api_key(name: str, variable: str | None, base_url: str) -> str:
    """Return the API key of the teacher `name`, or `none` if its profile names no variable.

    Args:
        name: the teacher's name, for errors.
        variable: the environment variable that its profile names.
        base_url: its address.

    Raises:
        TeacherRefusedError: the variable is not set.
    """
    if not variable:
        return NO_KEY
    if key := os.environ.get(variable):
        return key
    if base_url.startswith(("http://127.0.0.1", "http://localhost")):
        return NO_KEY  # servers on this machine rarely need a key
    raise TeacherRefusedError(
        name,
        f"the environment variable {variable}, which holds its API key, is not set",
        next_command=mend_of_refusal(variable),
    )


def mend_of_refusal(variable: str | None) -> str:
    """Return what to do about a refused account: set the variable of its key if it is not set."""
    again = "then run the same night again"
    if variable and not os.environ.get(variable):
        return f"export {variable}=..., {again}"
    account = f"{variable} or the account behind it" if variable else "the account"
    return f"correct {account} or DRP_TEACHER_MODEL, {again}"
