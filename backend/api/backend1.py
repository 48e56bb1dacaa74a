"""backend1 as an ASGI application factory, for uvicorn --factory api.backend1:create."""

from __future__ import annotations

from stock_kit.logging import configure_logging
from stock_kit.settings import get_settings

from api.main import Backend, create_app


def create() -> Backend:
    settings = get_settings()
    # Also here: worker processes begin anew and know nothing of what their parent configured.
    configure_logging(settings.log, service="backend1")
    return create_app("train", settings)
