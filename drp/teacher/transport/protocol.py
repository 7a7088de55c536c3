"""The interface of a driver, which sends requests to a provider and returns the answers."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from drp.ledger import TeacherReply, TeacherRequest


class Driver(Protocol):
    """Sends requests online or in batches."""

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Yield exactly one reply for each request, in any order, as soon as it is in the ledger.

        Requests that the ledger can answer are not sent. `requests` is consumed as room becomes free.

        Raises:
            DrpError: no more answers can be fetched now; those that arrived are in the ledger.
        """
