"""DRP: Distilled Reasoning Pruning as a nightly production pipeline.

The public API is what `__all__` names; docs/reference describes it. `drp --help` lists the commands, and
docs/architecture.md explains the packages.
"""

from typing import TYPE_CHECKING, Any

from drp.core import VERSION

__version__ = VERSION

__all__ = [
    "Draft",
    "RolloutEngine",
    "Teacher",
    "__version__",
    "grade_answer",
    "load_recipe",
    "open_corpus",
    "prune_trace",
    "run_night",
]

if TYPE_CHECKING:
    from drp.api import (
        Draft,
        RolloutEngine,
        Teacher,
        grade_answer,
        load_recipe,
        open_corpus,
        prune_trace,
        run_night,
    )


def __getattr__(name: str) -> Any:
    """Import the API when it is first used: `import drp.core` must not load DuckDB."""
    if name not in __all__:
        raise AttributeError(f"module 'drp' has no attribute {name!r}")
    from drp import api

    return getattr(api, name)
