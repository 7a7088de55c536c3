"""Print the address, then serve: python -m tests.fake_provider --port 0 --config FILE --folder FOLDER"""

import argparse
import socket
from pathlib import Path

import uvicorn

from tests.fake_provider.app import Application
from tests.fake_provider.config import Config


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--config", type=Path, help="JSON, as in config.py")
    parser.add_argument("--folder", type=Path, required=True, help="for its files and books")
    args = parser.parse_args()
    config = Config.model_validate_json(args.config.read_text()) if args.config else Config()
    args.folder.mkdir(parents=True, exist_ok=True)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", args.port))
    listener.listen(2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(
        uvicorn.Config(
            Application(config, args.folder),
            lifespan="off",
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            backlog=2048,
        )
    )
    server.run([listener])


if __name__ == "__main__":
    main()
