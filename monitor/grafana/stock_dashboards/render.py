"""All dashboards as the JSON that Grafana provisions."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from stock_dashboards import (
    api,
    celery,
    containers,
    drift,
    node,
    platform,
    predictions,
    probes,
    quality,
    stream,
    training,
)

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"
_BOARDS = (platform, api, predictions, drift, training, celery, stream, quality, probes, node, containers)


def rendered() -> dict[str, str]:
    """The text of each file by its name, the dashboard's uid."""
    boards = [module.dashboard() for module in _BOARDS]
    return {
        f"{board.uid}.json": json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True) + "\n" for board in boards
    }
