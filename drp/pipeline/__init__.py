"""The stages in order, without Airflow."""

__all__ = ["nightly", "train_eval"]
