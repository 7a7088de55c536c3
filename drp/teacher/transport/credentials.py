"""Read the API key of a teacher from the environment variable that its profile names."""

import os

from drp.config import TeacherProfile
from drp.teacher.transport.errors import TeacherRefusedError


def api_key(name: str, profile: TeacherProfile) -> str:
    """Return the API key of the teacher `name`, or `none` if its profile names no variable.

    Raises:
        TeacherRefusedError: the variable is not set.
    """
    if not profile.api_key_env:
        return "none"
    if key := os.environ.get(profile.api_key_env):
        return key
    if profile.base_url.startswith(("http://127.0.0.1", "http://localhost")):
        return "none"  # servers on this machine rarely need a key
    raise TeacherRefusedError(
        name,
        f"the environment variable {profile.api_key_env}, which holds its API key, is not set",
        next_command=f"export {profile.api_key_env}=..., then run the same night again",
    )
