"""The base class of all sections of a configuration file, and their common number ranges."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of a recipe or of a teacher profile. It is immutable and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
