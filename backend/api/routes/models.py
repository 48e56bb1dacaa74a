"""Model definitions and their versions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.stores.catalog import ModelDefinition

from api.dependencies import ModelCatalog, Train
from api.errors import problems
from api.routes.training import spec_values
from api.schemas.training import Model, ModelDetail, ModelPage, ModelQuery, ModelRequest, ModelVersion

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("/", responses=problems(503), summary="List the models")
def list_models(query: Annotated[ModelQuery, Query()], resources: Train) -> ModelPage:
    """Newest first."""
    page = resources.catalog.definitions(
        exchange=query.exchange,
        ticker=query.ticker,
        panel=query.panel,
        model_type=query.model_type,
        limit=query.limit,
        offset=query.offset,
    )
    return ModelPage(items=[_model(definition) for definition in page.items], total=page.total)


@router.post("/", status_code=201, responses=problems(503), summary="Define a model")
def create_model(body: ModelRequest, resources: Train, response: Response) -> Model:
    """The same definition again gives the model that is there already."""
    definition = resources.catalog.create_definition(parse_spec(spec_values(body)))
    response.headers["Location"] = f"/api/models/{definition.id}"
    return _model(definition)


@router.get("/{model_id}", responses=problems(404, 503), summary="One model with its versions and metrics")
def get_model(model_id: UUID, resources: Train) -> ModelDetail:
    definition = find_model(resources.catalog, model_id)
    versions = [
        ModelVersion.model_validate(version, from_attributes=True) for version in resources.catalog.versions(model_id)
    ]
    return ModelDetail(**_model(definition).model_dump(), versions=versions)


def find_model(catalog: ModelCatalog, model_id: UUID) -> ModelDefinition:
    definition = catalog.definition(model_id)
    if definition is None:
        raise NotFoundError(f"there is no model {model_id}; GET /api/models lists what there is")
    return definition


def _model(definition: ModelDefinition) -> Model:
    return Model(
        model_id=definition.id,
        name=definition.name,
        exchange=definition.exchange,
        ticker=definition.ticker,
        panel=definition.panel,
        model_type=definition.model_type,
        registered_name=definition.registered_name,
        spec=dict(definition.spec),
        created_at=definition.created_at,
    )
