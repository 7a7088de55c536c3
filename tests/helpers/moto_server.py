"""A moto server that handles one request at a time: python -m tests.helpers.moto_server -H 127.0.0.1 -p PORT

moto checks the condition of a write and then writes, without a lock. Of two concurrent writers both could
win, which cannot happen with a real store that supports conditional writes.
"""

import threading
from typing import Any

from moto import server


class SerialApplication(server.DomainDispatcherApplication):  # type: ignore[misc] # moto has no types
    """moto's application, behind a lock."""

    request_lock = threading.Lock()

    def __call__(self, *request: Any) -> Any:
        """Answer a request."""
        with self.request_lock:
            return super().__call__(*request)


if __name__ == "__main__":
    server.DomainDispatcherApplication = SerialApplication
    server.main()
