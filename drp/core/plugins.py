"""Find teachers, rollout engines, curations and objectives by name, as entry points of installed packages.

A package adds one in its `pyproject.toml`; those of DRP are declared there in the same way:

    [project.entry-points."drp.curations"]
    shortest_right = "my_package:shortest_right"
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

from drp.core.errors import BadInputError

PluginKind: TypeAlias = Literal["teachers", "engines", "curations", "objectives"]


class UnknownPluginError(BadInputError):
    """No installed package has a teacher, engine, curation or objective of this name."""

    def __init__(self, kind: PluginKind, name: str) -> None:
        super().__init__(
            f"no installed package has {name!r} among its {kind}: {', '.join(plugin_names(kind))}",
            state="Nothing was read or written",
            next_command="install the package that has it (pip install ...), then run the same command again",
        )


def plugin_names(kind: PluginKind) -> list[str]:
    """Names of all plugins of a kind, in alphabetical order."""
    return sorted(_found(kind))


def load_plugin(kind: PluginKind, name: str) -> Any:
    """Import the plugin of this name.

    Raises:
        UnknownPluginError: there is none.
    """
    if (found := _found(kind).get(name)) is None:
        raise UnknownPluginError(kind, name)
    return found.load()


def check_plugin_name(kind: PluginKind, name: str) -> str:
    """Return `name` if there is such a plugin; for validators.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    if name not in _found(kind):
        raise ValueError(f"there is no {name!r} among the {kind}: {', '.join(plugin_names(kind))}")
    return name


@cache
def _found(kind: PluginKind) -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=f"drp.{kind}")}
