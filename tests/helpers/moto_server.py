"""moto that serves one request after the other: python -m tests.helpers.moto_server -H 127.0.0.1 -p PORT

Its own threads check the condition of a write and then write, in two steps: of two writers at once both may
win, which no real store with conditional writes lets happen.
"""

import threading
from typing import Any

from moto import server


class OneByOne(server.DomainDispatcherApplication):  # type: ignore[misc] # moto has no types
    """The application behind a lock."""

    one = threading.Lock()

    def __call__(self, *request: Any) -> Any:
        """Answer a request."""
        with self.one:
            return super().__call__(*request)


if __name__ == "__main__":
    server.DomainDispatcherApplication = OneByOne
    server.main()
