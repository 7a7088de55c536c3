"""DRP: Distilled Reasoning Pruning as a nightly production pipeline.

The stages, in order: questions -> student (rollouts) -> teacher and pruning (steps, revisions) -> gates ->
lake (publish) -> report. `drp --help` lists the commands.
"""

__version__ = "0.1.0"
