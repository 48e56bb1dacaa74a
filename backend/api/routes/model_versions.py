"""The registered versions of a model: their evidence, and which of them serves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.forecasting.backtest.settings import BacktestSettings
from stock_mlops.instruments import Instrument
from stock_mlops.stores import catalog as store
from stock_mlops.stores.promotions import CHAMPION, Change

from api.dependencies import Actor, ModelCatalog, Train
from api.errors import problems
from api.routes.models import find_model
from api.schemas.backtests import Backtest, BacktestRequest, CostPoint
from api.schemas.models import (
    CompareQuery,
    Curves,
    FitHistory,
    FitQuery,
    HorizonComparison,
    ModelComparison,
    ModelVersion,
    Promoted,
    PromoteRequest,
    RollbackRequest,
    RolledBack,
    SettledAccuracy,
    Verdict,
    VersionNumber,
)

if TYPE_CHECKING:
    from stock_mlops.services.promotion import Comparison

router = APIRouter(prefix="/api/models/{model_id:uuid}", tags=["models"])

Version = Annotated[VersionNumber, Path(description="as the model's detail lists it")]
MARKDOWN = "text/markdown; charset=utf-8"


@router.get(
    "/versions/{version}/card",
    response_class=Response,
    responses={**problems(404, 503), 200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
    summary="A version's model card",
)
def get_model_card(model_id: UUID, version: Version, resources: Train) -> Response:
    """What it is, what it was made of, how good it is and what it must not be used for (Mitchell et al. 2019)."""
    card = resources.models.card(_find_version(resources.catalog, model_id, version))
    return Response(card, media_type=MARKDOWN)


@router.get("/versions/{version}/curves", responses=problems(404, 503), summary="A version's curves")
def get_model_curves(model_id: UUID, version: Version, resources: Train) -> Curves:
    """Learning curve, importance of the features, skill gained over time, calibration and coverage."""
    found = _find_version(resources.catalog, model_id, version)
    curves = asdict(resources.models.curves(found))
    return Curves.model_validate(
        {
            "learning_curve": found.metrics.get("learning_curve", []),
            "importance": found.metrics.get("importance", []),
            "cumulative_skill": curves["skill"],
            "calibration": curves["calibration"],
            "coverage": curves["coverage"],
        }
    )


@router.get("/versions/{version}/fit", responses=problems(404, 503), summary="How a version's fit went")
def get_model_fit(
    model_id: UUID, version: Version, query: Annotated[FitQuery, Query()], resources: Train
) -> FitHistory:
    """Loss by iteration of the model that serves one horizon; empty for models that are fitted in one step."""
    found = _find_version(resources.catalog, model_id, version)
    return FitHistory.model_validate(resources.models.fit(found, query.horizon), from_attributes=True)


@router.post("/versions/{version}/promote", responses=problems(404, 409, 503), summary="Let a version serve")
def promote_version(model_id: UUID, version: Version, body: PromoteRequest, resources: Train, actor: Actor) -> Promoted:
    """Once it has passed the gate against the version that serves now; `force` does not ask the gate."""
    found = _find_version(resources.catalog, model_id, version)
    verdict = resources.models.promote(found.registered_name, version, Change(actor, body.reason), force=body.force)
    told = None if verdict is None else Verdict.model_validate(verdict.to_dict())
    return Promoted(registered_name=found.registered_name, version=version, verdict=told)


@router.post("/rollback", responses=problems(404, 409, 503), summary="Let the version serve again that did before")
def roll_back(model_id: UUID, body: RollbackRequest, resources: Train, actor: Actor) -> RolledBack:
    """Of the model's registered name, which may be another definition's version."""
    name = find_model(resources.catalog, model_id).registered_name
    before, after = resources.models.rollback(name, Change(actor, body.reason))
    return RolledBack(registered_name=name, version_before=before, version=after)


@router.get("/compare", responses=problems(404, 503), summary="Two versions side by side")
def compare_versions(model_id: UUID, query: Annotated[CompareQuery, Query()], resources: Train) -> ModelComparison:
    """Of the model's registered name: what serves a ticker, whichever definitions they were trained by."""
    name = find_model(resources.catalog, model_id).registered_name
    return _comparison(name, resources.models.compare(name, query.a, query.b))


@router.post("/backtest", responses=problems(404, 503), summary="Backtest a version with given costs")
def backtest_model(model_id: UUID, body: BacktestRequest, resources: Train) -> Backtest:
    """On the forecasts that its training made of sessions that it had not seen."""
    definition = find_model(resources.catalog, model_id)
    version = _chosen(resources.catalog, model_id, body.version)
    ticker = body.ticker or definition.ticker
    if ticker is None:
        message = "expected one of the panel's tickers"
        raise InvalidRequestError(f"ticker: {message}", errors=[{"field": "body.ticker", "message": message}])
    settings = BacktestSettings(body.mode, body.threshold, cost_bps=body.cost_bps, slippage_bps=body.slippage_bps)
    instrument = Instrument(definition.exchange, ticker)
    result = resources.models.backtest(version.ref, instrument, body.horizon, settings, body.signal).result
    told = result.to_dict()
    return Backtest.model_validate(
        {
            **told,
            "model_id": model_id,
            "registered_name": version.registered_name,
            "version": version.version,
            "exchange": instrument.exchange,
            "ticker": instrument.ticker,
            "sessions": [day.astype("datetime64[D]").item() for day in result.sessions],
            "equity": result.equity.tolist(),
            "buy_and_hold_equity": result.buy_and_hold_equity.tolist(),
            "costs": [CostPoint.model_validate(asdict(point)) for point in result.cost_sweep(body.sweep_bps)],
        }
    )


def _find_version(catalog: ModelCatalog, model_id: UUID, version: int) -> store.ModelVersion:
    find_model(catalog, model_id)
    versions = catalog.versions(model_id)
    found = next((item for item in versions if item.version == version), None)
    if found is None:
        known = ", ".join(str(item.version) for item in versions[:10]) or "none yet"
        raise NotFoundError(f"model {model_id} has no version {version}; expected one of its own: {known}")
    return found


def _chosen(catalog: ModelCatalog, model_id: UUID, version: int | None) -> store.ModelVersion:
    """The version that was asked for, else the one that serves, else the newest."""
    if version is not None:
        return _find_version(catalog, model_id, version)
    versions = catalog.versions(model_id)
    if not versions:
        raise NotFoundError(f"model {model_id} has not been trained yet; POST /api/train with its model_id")
    return next((item for item in versions if item.alias == CHAMPION), versions[0])


def _comparison(name: str, found: Comparison) -> ModelComparison:
    a, b = (ModelVersion.model_validate(version, from_attributes=True) for version in found.versions)
    return ModelComparison(
        registered_name=name,
        a=a,
        b=b,
        window=found.window,
        horizons=[
            HorizonComparison(
                horizon=row.horizon,
                sessions=row.sessions,
                rmse_a=row.rmse[0],
                rmse_b=row.rmse[1],
                p_a_worse=row.p_worse[0],
                p_b_worse=row.p_worse[1],
            )
            for row in found.horizons
        ],
        settled=[
            SettledAccuracy.model_validate({**asdict(row), "version": version.version})
            for version, rows in zip((a, b), found.settled, strict=True)
            for row in rows
        ],
    )
