"""The real :class:`RetrainingDesk` over stores in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.instruments import Instrument
from stock_mlops.retraining.cycle import State
from stock_mlops.retraining.policy import Evidence, Policy
from stock_mlops.services.alerting import Condition
from stock_mlops.services.retraining_desk import RetrainingDesk
from stock_mlops.services.retraining_evidence import Moment
from stock_mlops.services.retraining_trail import Trail
from stock_mlops.stores.catalog import ModelDefinition, ModelVersion
from stock_mlops.stores.jobs import Job
from stock_mlops.stores.retraining_twins import MemoryRetrainings
from stock_mlops.stores.retrainings import NewRetraining, Note, Retraining

from .office import make_version

MODEL = UUID(int=11)
NAME, SESSION = "stock-US-AAPL", date(2012, 6, 29)
_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Loop:
    """Catalog, trainings, market and reporter; ``desk`` is the real one over them."""

    table: MemoryRetrainings = field(default_factory=MemoryRetrainings)
    champion: int | None = 3
    end: str | None = None
    model_type: str = "ridge"
    cancelled: list[UUID] = field(default_factory=list)

    @property
    def desk(self) -> RetrainingDesk:
        return RetrainingDesk(self.table, Trail(self.table, self), self, self, self, self)

    def begin(self, state: State) -> Retraining:
        new = NewRetraining(MODEL, NAME, state, [], Policy(), 3, SESSION)
        return self.table.begin(new, Note("retraining", "age 70 (threshold 63)", SESSION))

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        assert {condition.subject for condition in conditions} <= set(subjects)

    def definition(self, model_id: UUID) -> ModelDefinition | None:
        if model_id != MODEL:
            return None
        spec = parse_spec({"ticker": "AAPL", "horizon": 5, "end": self.end, "model_type": self.model_type})
        plain = spec.model_dump(mode="json")
        return ModelDefinition(model_id, spec.name, "US", "AAPL", None, "ridge", NAME, plain, "h", _AT, _AT)

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        return None if self.champion is None else make_version(MODEL, self.champion)

    def version_of(self, registered_name: str, version: int) -> ModelVersion | None:
        return make_version(MODEL, version)

    def submit(self, model_id: UUID, retraining_id: UUID, search_trials: int | None) -> UUID:
        return retraining_id

    def get(self, job_id: UUID) -> Job | None:
        return None

    def cancel(self, job_id: UUID) -> bool:
        self.cancelled.append(job_id)
        return True

    def at(self, instruments: Sequence[Instrument], as_of: datetime | None = None) -> Moment | None:
        return Moment(SESSION, SESSION)

    def of(self, champion: ModelVersion, instruments: Sequence[Instrument], moment: Moment) -> Evidence:
        return Evidence(age=float(champion.version), coverage=-0.2)
