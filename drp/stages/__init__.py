"""The stages, one file for each task of the DAGs: functions of the run context, safe to run again."""

__all__ = [
    "compare",
    "decompose",
    "evaluate",
    "gate",
    "ingest",
    "plan",
    "prepare",
    "promote",
    "prune",
    "publish",
    "register",
    "report",
    "rollout",
    "train",
    "train_report",
]
