"""Start the workflows service: ``python -m stock_mlops.workflows.serve``.

It serves the Prefect deployments, moves the replay's clock, sends lost jobs again, and answers ``/metrics``,
``/health`` and ``/ready``. Several replicas may run: each flow run, each replay step and each lost job is taken by one
of them.
"""

from __future__ import annotations

from stock_kit.logging import configure_logging
from stock_kit.settings import get_settings

from stock_mlops.workflows.environment import configure_prefect


def main() -> None:
    settings = get_settings()
    configure_prefect(settings)
    # Prefect reads its environment and sets up logging when it is imported; ours replaces that.
    from stock_mlops.workflows.service import WorkflowsService

    configure_logging(settings.log, "workflows")
    WorkflowsService(settings).run()


if __name__ == "__main__":
    main()
