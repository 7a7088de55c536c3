"""Configure a fake provider as the teacher."""

from pathlib import Path
from typing import Any

import yaml

from tests.fake_provider.running import Provider

PACE = {"poll_first_s": 0.05, "poll_most_s": 0.2, "settle_s": 0.3, "backoff_s": 0.05}


def as_teacher(server: Provider, folder: Path, backend: str, **changes: Any) -> dict[str, str]:
    """Return variables that make `server` the teacher, `online` or `batch`; `changes` go into its profile."""
    profile: dict[str, Any] = {"backend": backend, "base_url": server.base_url, "model": "stand-in"}
    prices = {"input": 2.5, "cached_input": 1.25, "output": 10.0, "batch_discount": 0.5}
    profile |= {"api_key_env": "STAND_IN_KEY", "prices": prices | {"read_on": "2026-11-01"}, "pace": PACE}
    profile |= {"supports": ["json_schema", "batch", "seed"], "sampling": {"temperature": 0, "seed": 0}}
    path = folder / f"{backend}.yaml"
    path.write_text(yaml.safe_dump({"teachers": {"stand-in": profile | changes}}))
    return {
        "DRP_TEACHER": "stand-in",
        "DRP_TEACHERS_FILE": str(path),
        "DRP_BUDGET_USD": "5",
        "STAND_IN_KEY": server.key,
    }
