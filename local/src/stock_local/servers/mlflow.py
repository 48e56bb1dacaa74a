"""``python -m stock_local.servers.mlflow``: MLflow's tracking server in one process.

``mlflow server`` prepares the database in one process and then serves from a second one, while the first stays: 250 MB
more and a second import of MLflow, which is most of its start. This does the same steps in one.
"""

from __future__ import annotations

import os

import uvicorn
from stock_kit.settings import get_settings


def main() -> None:
    settings = get_settings()
    store = settings.mlflow_db.url
    artifacts = f"s3://{settings.s3.mlflow_bucket}"

    from mlflow.server import constants

    # The names under which `mlflow server` hands its options to the application.
    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = store
    os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = store
    os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
    os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = artifacts
    os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"

    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(store, store, "mlflow-artifacts:/")
    uvicorn.run("mlflow.server.fastapi_app:app", host=settings.mlflow.host, port=settings.mlflow.port, access_log=False)


main()
