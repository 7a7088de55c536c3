"""What Airflow does when a DRP task fails: DRP's errors say themselves whether trying again can help."""

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
"""Any other exception is a bug, which would come again. Workers that were lost Airflow itself tries again."""

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "drp",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
    "retry_policy": RETRY_POLICY,
}
