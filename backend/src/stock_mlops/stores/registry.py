"""MLflow: runs with their evidence, and registered models.

Imports mlflow (250 MB, seconds) when it is first used; only workers that train do.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stock_kit.clock import wall_seconds
from stock_kit.logging import get_logger
from stock_kit.server_settings import MlflowSettings

from stock_mlops.errors import DependencyUnavailableError

log = get_logger(__name__)

CARD = "model_card.md"
_MODEL_PATH = "model"
# Longest value of a parameter that MLflow's database takes.
_PARAM_LENGTH = 6000
# Longest description of a version that its database takes.
_DESCRIPTION_LENGTH = 5000
# Most metrics that the server takes at once.
_BATCH = 900
# MLflow's own default waits for minutes; a job that fails sooner is retried by its queue, with its owner told why.
_RETRIES = 2
_BACK_OFF = 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run says about itself."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Metrics with one value per step."""
    children: Sequence[RunRecord] = ()
    """Runs nested in this one: the trials of a search."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What a run keeps: the bundle's folder, its plots, what it was judged by, its card, and the columns that the model
    takes and gives."""

    bundle: Path
    plots: Path
    evaluation: Path
    card: Path
    """The model card, Markdown."""
    inputs: Sequence[str]
    outputs: Sequence[str]
    example: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in MLflow."""

    name: str
    version: int
    run_id: str
    artifact_uri: str
    """Folder of the bundle."""


class ModelRegistry:
    """The tracking server and its model registry.

    Raises:
        DependencyUnavailableError: any method, when MLflow does not answer or answers 5xx.
    """

    def __init__(self, settings: MlflowSettings) -> None:
        self._uri = settings.tracking_uri
        self._prefix = settings.prefix
        self._timeout = settings.request_timeout

    def log_and_register(self, name: str, record: RunRecord, files: ModelFiles, workdir: Path) -> Registered:
        """Record a run in the experiment ``name`` and register its model as a new version of ``name``.

        Nothing serves the version until the catalog names it: an attempt that dies in between leaves an orphan, which
        does no harm.
        """
        with self._client() as client:
            run = client.create_run(
                self._experiment(client, self._prefix + name),
                run_name=record.name,
                tags=dict(record.tags),
                start_time=_now(),
            )
            run_id = run.info.run_id
            try:
                self._log_values(client, run_id, record)
                self._log_files(client, run_id, files, workdir)
                for child in record.children:
                    self._log_child(client, run, child)
                version = self._register(client, self._prefix + name, run, _shortened(files.card.read_text()))
            except Exception:
                client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id, "FINISHED")
        bundle = f"{run.info.artifact_uri}/{_MODEL_PATH}/artifacts/{files.bundle.name}"
        return Registered(name, version, run_id, bundle)

    def promote(self, name: str, version: int, alias: str) -> None:
        """Let MLflow's alias follow the catalog."""
        with self._client() as client:
            client.set_registered_model_alias(self._prefix + name, alias, str(version))

    @contextmanager
    def _client(self) -> Iterator[Any]:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(self._timeout))
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(_RETRIES))
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", str(_BACK_OFF))
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from requests import RequestException

        logging.getLogger("mlflow").setLevel(logging.ERROR)  # it tells of its guesses about pip and type hints
        try:
            yield MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
        except MlflowException as error:
            status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
            if status < 500:
                raise
            raise DependencyUnavailableError("MLflow", _first_line(error)) from error
        except RequestException as error:
            raise DependencyUnavailableError("MLflow", _first_line(error)) from error

    @staticmethod
    def _experiment(client: Any, name: str) -> str:
        from mlflow.exceptions import MlflowException

        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return str(client.create_experiment(name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment = client.get_experiment_by_name(name)  # another worker was faster
        return str(experiment.experiment_id)

    @staticmethod
    def _log_values(client: Any, run_id: str, record: RunRecord) -> None:
        from mlflow.entities import Metric, Param

        now = _now()
        params = [Param(key, str(value)[:_PARAM_LENGTH]) for key, value in record.params.items()]
        metrics = [Metric(key, value, now, 0) for key, value in record.metrics.items()]
        metrics += [
            Metric(key, value, now, step) for key, values in record.series.items() for step, value in enumerate(values)
        ]
        client.log_batch(run_id, metrics=metrics[:_BATCH], params=params)
        for start in range(_BATCH, len(metrics), _BATCH):
            client.log_batch(run_id, metrics=metrics[start : start + _BATCH])

    def _log_child(self, client: Any, parent: Any, record: RunRecord) -> None:
        tags = {**record.tags, "mlflow.parentRunId": parent.info.run_id}
        run_id = client.create_run(
            parent.info.experiment_id, run_name=record.name, tags=tags, start_time=_now()
        ).info.run_id
        self._log_values(client, run_id, record)
        client.set_terminated(run_id, "FINISHED")

    def _log_files(self, client: Any, run_id: str, files: ModelFiles, workdir: Path) -> None:
        save_model(workdir / _MODEL_PATH, files, run_id)
        client.log_artifacts(run_id, str(workdir / _MODEL_PATH), _MODEL_PATH)
        client.log_artifacts(run_id, str(files.plots), "plots")
        client.log_artifacts(run_id, str(files.evaluation), "evaluation")
        client.log_artifact(run_id, str(files.card))

    @staticmethod
    def _register(client: Any, name: str, run: Any, description: str) -> int:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{run.info.artifact_uri}/{_MODEL_PATH}"
        return int(client.create_model_version(name, source, run.info.run_id, description=description).version)


def save_model(folder: Path, files: ModelFiles, run_id: str | None = None) -> None:
    """Write the bundle as an MLflow model with signature and input example, which ``mlflow models serve`` can load."""
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in files.inputs]),
        outputs=Schema([ColSpec("double", name) for name in files.outputs]),
    )
    mlflow.pyfunc.save_model(
        folder,
        python_model=str(Path(__file__).with_name("mlflow_model.py")),
        artifacts={"bundle": str(files.bundle)},
        signature=signature,
        input_example=pd.DataFrame([files.example]),
        # Named, because MLflow would otherwise start a process that loads the model to find out.
        pip_requirements=["stock-mlops"],
        mlflow_model=Model(run_id=run_id, artifact_path=_MODEL_PATH),
    )


def _shortened(card: str) -> str:
    """As much of a model card as the description of a version may hold."""
    hint = f"\n\nThe rest is in the run's artifact `{CARD}`."
    return card if len(card) <= _DESCRIPTION_LENGTH else card[: _DESCRIPTION_LENGTH - len(hint)] + hint


def _now() -> int:
    return int(wall_seconds() * 1000)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"
