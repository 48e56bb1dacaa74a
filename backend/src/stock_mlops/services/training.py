"""Training as a use case: definition -> data -> model and evaluation -> gate -> MLflow -> catalog, committed with its
job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from sqlalchemy import Connection
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import NotFoundError
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.evaluation import FoldGlance, Judged
from stock_mlops.forecasting.gate import Verdict
from stock_mlops.forecasting.plots import write_plots
from stock_mlops.forecasting.search import winner
from stock_mlops.forecasting.trainer import Progress, TrainingResult, train
from stock_mlops.instruments import Instrument
from stock_mlops.services.adaptation import adapt_loaded, open_adaptation
from stock_mlops.services.deletion import let_go
from stock_mlops.services.gatekeeping import contender_of, open_gatekeeper
from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.services.model_card import model_card
from stock_mlops.services.provenance import TrainedOn, write_provenance
from stock_mlops.services.training_record import Order, run_record, write_evaluation
from stock_mlops.services.worker_metrics import GATE_FAILURES, TRAINED, TRAINING_SECONDS
from stock_mlops.stores.catalog import Catalog, ModelDefinition, NewVersion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.deletions import DeletedVersion
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.promotions import CHAMPION
from stock_mlops.stores.registry import CARD, ModelFiles, ModelRegistry, Registered, RunRecord
from stock_mlops.stores.warehouse import TrainingFrame, Warehouse

if TYPE_CHECKING:
    from datetime import date

    from stock_mlops.forecasting.spec import ModelSpec

log = get_logger(__name__)

# Where the stages of a training lie on its progress bar.
_FITTING_FROM, _FITTING_TO, _JUDGED = 0.05, 0.80, 0.83
# A report is a transaction; this many seconds between two of them are often enough for anybody who watches.
_REPORT_EVERY = 0.25
_UNASKED = Order()


class TrainingData(Protocol):
    """Where training data come from; ``stores.warehouse.Warehouse``, or a frame in a test."""

    def training_frames(
        self, instruments: Sequence[Instrument], names: Sequence[str], start: date | None, end: date | None
    ) -> dict[Instrument, TrainingFrame]: ...


class Registry(Protocol):
    """Where models are registered; ``stores.registry.ModelRegistry``, or a list in a test."""

    def log_and_register(self, name: str, record: RunRecord, files: ModelFiles, workdir: Path) -> Registered: ...

    def promote(self, name: str, version: int, alias: str) -> None: ...


class Gate(Protocol):
    """Judges what was trained; ``services.gatekeeping.Gatekeeper``, or an open one in a test."""

    def judge(self, registered_name: str, challenger: Contender) -> Verdict: ...


class Training:
    """Trains definitions of the catalog."""

    def __init__(
        self,
        data: TrainingData,
        registry: Registry,
        catalog: Catalog,
        gate: Gate,
        adapt: Callable[[Collection[Instrument]], None] = lambda _: None,
        *,
        discard: Callable[[DeletedVersion], None] = lambda _: None,
        expiry_sessions: int,
        draw: Callable[[TrainingResult, Path], None] = write_plots,
    ) -> None:
        self._data = data
        self._registry = registry
        self._catalog = catalog
        self._gate = gate
        self._adapt = adapt
        self._discard = discard
        self._draw = draw
        self._expiry_sessions = expiry_sessions

    def train_job(self, run: JobRun) -> Completion:
        """Train what the job's payload names (``model_id``). With ``retraining`` it is the challenger of one, which
        decides whether it serves; with ``search_trials`` the winner of a search.

        Raises:
            InvalidSpecError: the definition's parameters cannot be searched for.
            NotFoundError: the definition does not exist.
            TrainingDataError: the stored history cannot carry the model.
            DependencyUnavailableError: MLflow does not answer.
        """
        model_id = UUID(run.payload["model_id"])
        definition = self._catalog.definition(model_id)
        if definition is None:
            raise NotFoundError(f"model {model_id} does not exist (any more); create it again (POST /api/models)")
        reporter = _Reporter(run)
        version = self.train_model(definition, reporter.progress, reporter.judged, _order(run))
        entered: dict[str, str | None] = {}

        def write(connection: Connection) -> Mapping[str, Any]:
            may_serve = "retraining" not in run.payload
            entered["alias"] = self._catalog.add_version(connection, version, may_serve=may_serve)
            return entered

        def after() -> None:
            alias = entered["alias"]
            TRAINED.labels(definition.model_type, alias or "deleted").inc()
            if alias == CHAMPION:
                # Sessions after the end of its training data are outcomes that its intervals can learn from at once.
                self._adapt(definition.parsed().instruments)
            if alias is not None:
                self._registry.promote(version.registered_name, version.version, alias)

        def undo() -> None:
            self._discard(DeletedVersion(version.registered_name, version.version, version.run_id))

        result = {
            "model_id": str(model_id),
            "registered_name": version.registered_name,
            "version": version.version,
            "run_id": version.run_id,
            "metrics": version.metrics,
            "verdict": version.verdict,
        }
        return Completion(result, write, after, undo)

    def train_model(
        self,
        definition: ModelDefinition,
        progress: Progress,
        judged: Judged = lambda _: None,
        order: Order = _UNASKED,
    ) -> NewVersion:
        """Train, judge and register in MLflow; the version serves only when the caller enters it in the catalog."""
        spec = definition.parsed().with_search(order.search_trials)
        progress(0.0, "reading data")
        data = self._read(spec)

        def fitting(fraction: float, stage: str) -> None:
            progress(_FITTING_FROM + fraction * (_FITTING_TO - _FITTING_FROM), stage)

        started = monotonic()
        result = train(
            spec,
            data.frame,
            data_version=data.version,
            feature_version=FEATURE_VERSION,
            progress=fitting,
            judged=judged,
        )
        seconds = monotonic() - started
        TRAINING_SECONDS.labels(definition.model_type).observe(seconds)
        log.info("model_trained", model=spec.name, rows=result.rows, seconds=round(seconds, 3))
        progress(_FITTING_TO, "comparing with the champion")
        verdict = self._gate.judge(spec.registered_model, contender_of(result))
        for check in verdict.reasons:
            GATE_FAILURES.labels(check.name).inc()
            log.info("gate_check_failed", model=spec.name, check=check.name, got=check.got)
        # The last moment at which a cancelled training leaves nothing behind that would have to be taken back.
        progress(_JUDGED, "registering in MLflow")
        registered = self._register(definition, spec, result, data, order)
        return NewVersion(
            model_id=definition.id,
            registered_name=registered.name,
            version=registered.version,
            run_id=registered.run_id,
            artifact_uri=registered.artifact_uri,
            data_version=data.version,
            feature_version=FEATURE_VERSION,
            horizon=spec.horizon,
            metrics=result.metrics,
            trained_until=result.bundle.info.trained_until,
            verdict=verdict.to_dict(),
            job_id=order.job_id,
            remark="" if result.search is None else winner(result.search.to_dict()),
        )

    def _read(self, spec: ModelSpec) -> TrainedOn:
        """The definition's data; a panel's are its members' one below the other."""
        read = self._data.training_frames(spec.instruments, spec.features, spec.start, spec.end)
        as_of = {instrument.key: part.as_of for instrument, part in read.items()}
        if spec.panel is None:
            (only,) = read.values()
            return TrainedOn(only.frame, only.data_version, as_of)
        import polars as pl

        versions = "".join(f"{instrument}={part.data_version}\n" for instrument, part in read.items())
        frames = [part.frame.with_columns(ticker=pl.lit(instrument.ticker)) for instrument, part in read.items()]
        return TrainedOn(pl.concat(frames), hashlib.sha256(versions.encode()).hexdigest()[:16], as_of)

    def _register(
        self, definition: ModelDefinition, spec: ModelSpec, result: TrainingResult, data: TrainedOn, order: Order
    ) -> Registered:
        with TemporaryDirectory(prefix="stock-training-") as temporary:
            workdir = Path(temporary)
            files = ModelFiles(
                bundle=workdir / "bundle",
                plots=workdir / "plots",
                evaluation=workdir / "evaluation",
                card=workdir / CARD,
                inputs=spec.features,
                outputs=[f"return_{horizon}" for horizon in range(1, spec.horizon + 1)],
                example=dict(zip(spec.features, result.example, strict=True)),
            )
            result.bundle.save(files.bundle)
            self._draw(result, files.plots)
            write_evaluation(result, files.evaluation)
            write_provenance(spec, data, files.evaluation)
            files.card.write_text(model_card(spec, result, data, self._expiry_sessions))
            record = run_record(definition, spec, result, order)
            return self._registry.log_and_register(spec.registered_model, record, files, workdir)


def open_training(settings: Settings, draw: Callable[[TrainingResult, Path], None] = write_plots) -> Training:
    """The use case over the servers that the settings name; ``draw`` makes the plots that a run keeps."""
    mlflow = MlflowRest(settings.mlflow)
    return Training(
        data=Warehouse(get_client(settings.clickhouse)),
        registry=ModelRegistry(settings.mlflow),
        catalog=Catalog(get_engine(settings.model_meta_db)),
        gate=open_gatekeeper(settings, mlflow),
        adapt=adapt_loaded(partial(open_adaptation, settings)),
        discard=partial(let_go, mlflow),
        expiry_sessions=settings.serving.expiry_sessions,
        draw=draw,
    )


def _order(run: JobRun) -> Order:
    retraining = run.payload.get("retraining")
    return Order(run.job.id, None if retraining is None else UUID(retraining), run.payload.get("search_trials"))


class _Reporter:
    """Writes a training's progress and test windows into its job, a few times a second at most; cancellation is
    noticed at every call."""

    def __init__(self, run: JobRun) -> None:
        self._run = run
        self._written = -_REPORT_EVERY
        self._folds: list[dict[str, Any]] = []

    def judged(self, fold: FoldGlance) -> None:
        self._run.check()
        self._folds.append(fold.to_dict())

    def progress(self, fraction: float, stage: str) -> None:
        self._run.check()
        if monotonic() - self._written >= _REPORT_EVERY or fraction >= _FITTING_TO:
            self._run.progress(fraction, stage, self._folds)
            self._folds = []
            self._written = monotonic()
