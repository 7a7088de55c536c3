"""Find teachers, rollout engines, curations and objectives by name, as entry points of installed packages.

A package declares a plugin in its `pyproject.toml`. DRP declares its built-in plugins in the same way:

    [project.entry-points."drp.curations"]
    shortest_right = "my_package:shortest_right"

A teacher is a class or function that returns a `Teacher` when called without arguments, which must be cheap.
An engine is an `EnginePlugin`, a curation is a function, and an objective is an `Objective`. Install the
package in every environment that DRP uses (`.venv`, `.venv-training`, `.venv-inference`), because each
validates the whole recipe. `examples/` has a teacher and a curation.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

from drp.core.errors import BadInputError

PluginKind: TypeAlias = Literal["teachers", "engines", "curations", "objectives"]


class UnknownPluginError(BadInputError):
    """No installed package provides a teacher, engine, curation or objective of this name."""

    def __init__(self, kind: PluginKind, name: str) -> None:
        super().__init__(
            f"no installed package provides {name!r} as one of the {kind}, which are"
            f" {', '.join(plugin_names(kind))}",
            state="Nothing was read or written",
            next_command="install the package that provides it (pip install ...), then run the same command"
            " again",
        )


def plugin_names(kind: PluginKind) -> list[str]:
    """Return the names of all plugins of a kind, in alphabetical order."""
    return sorted(_entry_points(kind))


def load_plugin(kind: PluginKind, name: str) -> Any:
    """Import the plugin of this name.

    Raises:
        UnknownPluginError: there is no plugin of this name.
    """
    entry_point = _entry_points(kind).get(name)
    if entry_point is None:
        raise UnknownPluginError(kind, name)
    return entry_point.load()


def check_plugin_name(kind: PluginKind, name: str) -> str:
    """Return `name` if there is a plugin of this name. Meant for validators.

    Raises:
        ValueError: there is no such plugin; the message lists the installed ones.
    """
    if name not in _entry_points(kind):
        raise ValueError(f"there is no {name!r} among the {kind}: {', '.join(plugin_names(kind))}")
    return name


@cache
def _entry_points(kind: PluginKind) -> dict[str, EntryPoint]:
    return {entry_point.name: entry_point for entry_point in entry_points(group=f"drp.{kind}")}
