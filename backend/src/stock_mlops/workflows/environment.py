"""Prefect reads its own environment when it is imported; this puts our settings into it."""

from __future__ import annotations

import os

from stock_kit.settings import Settings


def prefect_environment(settings: Settings) -> dict[str, str]:
    """The variables that make Prefect's client talk to the server of our settings, and to nobody else."""
    return {
        "PREFECT_API_URL": settings.prefect.api_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": settings.log.level,
        # The runner tries again for ever; long retries inside one call would only hide the outage from its log.
        "PREFECT_CLIENT_MAX_RETRIES": "2",
    }


def configure_prefect(settings: Settings) -> None:
    """Set the environment of this process; to be called before anything imports prefect."""
    os.environ.update(prefect_environment(settings))
