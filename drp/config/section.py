"""The base class of every section in a configuration file, and the number ranges that they share."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of a recipe or of a teacher profile: immutable, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
