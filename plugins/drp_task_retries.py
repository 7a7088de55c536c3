"""Whether Airflow retries a failed DRP task: the class of the error says if a retry can help."""

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from drp.core import TerminalError, TransientError

RETRY_POLICY = ExceptionRetryPolicy(
    [
        RetryRule(TerminalError, RetryAction.FAIL, reason="a person is needed: docs/runbook.md"),
        RetryRule([TransientError, OSError], RetryAction.RETRY, reason="the same call may succeed later"),
    ],
    default=RetryAction.FAIL,
)
"""Any other exception is a bug that a retry would repeat. Airflow itself retries tasks of lost workers."""

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "drp",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
    "retry_policy": RETRY_POLICY,
}
