"""The stages in order, without Airflow."""

__all__ = ["evaluate_models", "nightly", "train_eval"]
