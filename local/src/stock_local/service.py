"""What the supervisor must know of a service to run it."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stock_local.probes import Probe
from stock_local.processes import Account


@dataclass(frozen=True)
class Service:
    """One process of the local profile.

    ``prepare`` runs in a thread before each start, ``clean_up`` after each end; ``provision`` once the service answers,
    before it counts as ready.
    """

    name: str
    argv: tuple[str, ...]
    ready: Probe
    address: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)  # what for -> number, for messages about ports in use
    host: str = "127.0.0.1"
    needs: tuple[str, ...] = ()  # ready before this one starts
    uses: tuple[str, ...] = ()  # started with it, in no order: it waits for them itself
    niceness: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    prepare: Callable[[], None] | None = None
    clean_up: Callable[[], None] | None = None
    provision: Callable[[], Awaitable[None]] | None = None
    stop_signal: int = signal.SIGTERM
    stop_grace: float = 10.0
    start_timeout: float = 120.0
