"""Are the ports that a stack needs free?"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

import psutil

from stock_local.service import Service


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do; only a listener is in the way
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Who listens there, as far as this user may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def ports_in_use(services: Iterable[Service]) -> list[str]:
    """One line for each port that somebody else listens on, or that two services of ours want."""
    problems = []
    wanted: dict[tuple[str, int], str] = {}
    for service in services:
        for purpose, port in service.ports.items():
            name = f"{service.name} ({purpose})"
            if (service.host, port) in wanted:
                problems.append(f"{name}: port {port} is also the port of {wanted[service.host, port]}")
            elif not is_free(service.host, port):
                problems.append(f"{name}: {service.host}:{port} is in use{_holder(port)}")
            wanted[service.host, port] = name
    return problems
