"""What brings requests to a provider and answers back, whatever happens on the way."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from drp.ledger import TeacherReply, TeacherRequest


class Driver(Protocol):
    """Online, or by batches."""

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Exactly one reply for each request, in any order, each as it lands.

        What the ledger has is not asked for again. Requests are taken as there is room for them.

        Raises:
            TeacherError: nothing more can be had now; what landed is in the ledger.
        """
