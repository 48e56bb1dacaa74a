"""Runs one backend: ``python -m api.serve backend1`` or ``backend2``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import uvicorn
from stock_kit.logging import configure_logging
from stock_kit.metrics import prepare_multiprocess
from stock_kit.settings import get_settings

from api.wire import GatheringProtocol

_USAGE = "expected: python -m api.serve backend1|backend2"
# Longer than any client of ours keeps an idle connection (nginx 60 s, the metrics publisher two of its intervals): who
# closes first must be the client, or a request is sent into a connection that is just being closed.
_KEEP_ALIVE_SECONDS = 75
# Requests that are running when the process is told to stop have so long to end.
_GRACE_SECONDS = 10


def main(arguments: list[str]) -> None:
    """Serve until told to stop; the settings give address, port and the number of worker processes."""
    if arguments not in (["backend1"], ["backend2"]):
        raise SystemExit(f"{_USAGE}, got: {' '.join(arguments) or 'nothing'}")
    name = arguments[0]
    settings = get_settings()
    configure_logging(settings.log, service=name)
    backend = settings.backend1 if name == "backend1" else settings.backend2
    if backend.workers > 1:
        prepare_multiprocess(Path(tempfile.gettempdir()) / f"stock-{name}-{backend.port}-metrics")
    uvicorn.run(
        f"api.{name}:create",
        factory=True,
        host=backend.host,
        port=backend.port,
        workers=backend.workers,
        log_config=None,
        # nginx logs every request with its id; here they are counted and timed.
        access_log=False,
        server_header=False,
        http=GatheringProtocol,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
