"""Models: their definitions and registered versions, and who decides which one serves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from api.schemas.common import (
    BodyModel,
    Exchange,
    JsonObject,
    Limit,
    Offset,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)
from api.schemas.definitions import ModelType, known_type

Metrics = dict[str, object]
Tag = Annotated[SafeText, Field(min_length=1, max_length=40)]
Reason = Annotated[SafeText, Field(max_length=500, description="why, for the audit trail")]
VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class GateCheck(ResponseModel):
    """One condition of the gate."""

    name: str
    passed: bool
    expected: str
    got: str
    numbers: dict[str, float]
    alarm: bool = Field(description="a fault of data or training rather than a weak model; bars a first version too")


class Verdict(ResponseModel):
    """Whether a version may serve in the champion's place, and why not."""

    passed: bool
    champion: int | None = Field(description="the version it was judged against; null: there was none")
    window: Literal["new_sessions", "out_of_fold", "none"] = Field(description="what both were compared on")
    sessions: int
    checks: list[GateCheck]


class ModelVersion(ResponseModel):
    registered_name: str
    version: int
    run_id: str
    alias: Literal["champion", "challenger"] | None = None
    horizon: int
    data_version: str
    feature_version: str
    trained_until: date
    metrics: Metrics
    verdict: Verdict | None = Field(None, description="of the gate; null: it was entered before there was one")
    created_at: datetime


class Model(ResponseModel):
    model_id: UUID
    name: str
    exchange: str
    ticker: str | None = Field(description="null of a panel")
    panel: str | None = None
    model_type: str
    registered_name: str
    spec: JsonObject
    description: str
    tags: list[str]
    created_at: datetime


class ModelDetail(Model):
    aliases: dict[str, int] = Field(description="which of its versions serves (champion) or was refused (challenger)")
    versions: list[ModelVersion] = Field(description="newest first")


class NewestVersion(ResponseModel):
    """A model's newest version at a glance."""

    version: int
    alias: Literal["champion", "challenger"] | None
    trained_until: date
    created_at: datetime
    skill: float | None = Field(description="one session ahead: 1 - MSE / MSE of the random walk")
    beats_random_walk: list[int] = Field(description="horizons at which it does, beyond chance (5 %)")


class ListedModel(Model):
    versions: int = Field(description="how many there are")
    champion: int | None = Field(description="its version that serves; null: none of its own")
    newest: NewestVersion | None = Field(description="null: not trained yet")


class ModelPage(ResponseModel):
    items: list[ListedModel]
    total: int


class ModelQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    panel: Annotated[SafeText, Field(min_length=1, max_length=40)] | None = None
    model_type: Annotated[ModelType, AfterValidator(known_type)] | None = None
    tag: Tag | None = None
    limit: Limit = 50
    offset: Offset = 0


class ModelChange(BodyModel):
    """What people call a model and note of it; what is left out stays as it is."""

    name: Annotated[SafeText, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[SafeText, Field(max_length=5000)] | None = None
    tags: Annotated[list[Tag], Field(max_length=20, json_schema_extra={"uniqueItems": True})] | None = Field(
        None, description="each once"
    )

    @model_validator(mode="after")
    def _something(self) -> ModelChange:
        if self.name is None and self.description is None and self.tags is None:
            raise ValueError("expected a name, a description or tags; everything else is what makes the model")
        if self.tags is not None and len(set(self.tags)) < len(self.tags):
            raise ValueError("tags: expected each tag once")
        return self


class DeleteQuery(RequestModel):
    force: bool = Field(False, description="also when one of its versions serves")
    reason: Reason = ""


class SkillCurve(ResponseModel):
    """Share of the random walk's squared error that was saved up to each session; it rises where the model is better.
    At most 500 points."""

    horizon: int
    sessions: list[date]
    gained: list[float]


class CalibrationBin(ResponseModel):
    """Forecasts with about the same stated chance of a rise."""

    stated: float = Field(description="mean of the stated chances")
    observed: float = Field(description="share that rose")
    n: int


class CalibrationCurve(ResponseModel):
    """A reliability diagram over bins of equal counts, the lowest chance first; empty with too few forecasts."""

    horizon: int
    bins: list[CalibrationBin]


class CoverageCurve(ResponseModel):
    """Share of returns inside their intervals over the newest `window` sessions up to each; empty with fewer. At most
    500 points."""

    horizon: int
    level: float = Field(description="stated coverage")
    window: int
    sessions: list[date]
    covered: list[float]


class LearningPoint(ResponseModel):
    """After training on the newest rows."""

    rows: int
    train_rmse: float
    validation_rmse: float


class Importance(ResponseModel):
    """What shuffling one feature costs, in shares of the random walk's squared error."""

    feature: str
    mean: float
    deviation: float


class Curves(ResponseModel):
    learning_curve: list[LearningPoint] = Field(description="one session ahead, on the newest test window")
    importance: list[Importance] = Field(description="the most important feature first")
    cumulative_skill: list[SkillCurve] = Field(description="by horizon")
    calibration: list[CalibrationCurve] = Field(description="by horizon")
    coverage: list[CoverageCurve] = Field(description="by horizon")


class FitQuery(RequestModel):
    horizon: Annotated[int, Field(ge=1, le=60, description="sessions ahead")] = 1


class FitHistory(ResponseModel):
    """How the final fit of one horizon went, by iteration (epoch, tree); empty where there are none."""

    horizon: int
    train_loss: list[float]
    validation_loss: list[float] = Field(description="empty when nothing was held out")
    gradient_norm: list[float] = Field(description="of a perceptron; near zero from the start: vanishing gradients")


class PromoteRequest(BodyModel):
    reason: Reason = ""
    force: bool = Field(False, description="without asking the gate")


class Promoted(ResponseModel):
    registered_name: str
    version: int
    verdict: Verdict | None = Field(description="of the gate; null: it was not asked")


class RollbackRequest(BodyModel):
    reason: Reason = ""


class RolledBack(ResponseModel):
    registered_name: str
    version_before: int
    version: int


class CompareQuery(RequestModel):
    a: VersionNumber
    b: VersionNumber


class HorizonComparison(ResponseModel):
    """Both versions on the same sessions."""

    horizon: int
    sessions: int
    rmse_a: float
    rmse_b: float
    p_a_worse: float | None = Field(
        description="how likely it is by luck that a's squared errors are so much larger (Diebold-Mariano, adjusted for"
        " the number of horizons by Holm)"
    )
    p_b_worse: float | None


class SettledAccuracy(ResponseModel):
    """How the predictions fared that a version served."""

    version: int
    exchange: str
    ticker: str
    horizon: int
    n: int
    rmse: float
    skill: float | None
    hit_rate: float | None
    coverage: float | None


class ModelComparison(ResponseModel):
    registered_name: str
    a: ModelVersion
    b: ModelVersion
    window: Literal["new_sessions", "out_of_fold", "none"] = Field(
        description="what both were compared on: sessions after the older one's training, those that both had held out"
    )
    horizons: list[HorizonComparison]
    settled: list[SettledAccuracy]


class AuditQuery(RequestModel):
    registered_name: Annotated[SafeText, Field(min_length=1, max_length=200)] | None = Field(
        None, description="e.g. stock-US-AAPL"
    )
    before: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(None, description="id of an entry; older ones")
    limit: Limit = 50


class AuditEntry(ResponseModel):
    id: int
    at: datetime
    actor: str
    action: Literal["accept", "refuse", "shadow", "promote", "rollback", "delete", "purge"]
    registered_name: str
    from_version: int | None = Field(description="what served before; of a deletion, what was deleted")
    to_version: int | None
    reason: str
    verdict: Verdict | None
    job_id: UUID | None


class AuditPage(ResponseModel):
    items: list[AuditEntry] = Field(description="newest first")
    next_before: int | None = Field(None, description="null on the last page")
