"""Model definitions: made, listed, named, deleted."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.stores.catalog import Glance, ModelDefinition
from stock_mlops.stores.promotions import Change

from api.dependencies import Actor, ModelCatalog, Train
from api.errors import problems
from api.routes.training import spec_values
from api.schemas.definitions import ModelRequest
from api.schemas.models import (
    DeleteQuery,
    ListedModel,
    Model,
    ModelChange,
    ModelDetail,
    ModelPage,
    ModelQuery,
    ModelVersion,
    NewestVersion,
)

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("/", responses=problems(503), summary="List the models")
def list_models(query: Annotated[ModelQuery, Query()], resources: Train) -> ModelPage:
    """Newest first, each with its newest version at a glance."""
    page = resources.catalog.definitions(
        exchange=query.exchange,
        ticker=query.ticker,
        panel=query.panel,
        model_type=query.model_type,
        tag=query.tag,
        limit=query.limit,
        offset=query.offset,
    )
    glances = resources.catalog.glances([definition.id for definition in page.items])
    return ModelPage(
        items=[_listed(definition, glances.get(definition.id)) for definition in page.items], total=page.total
    )


@router.post("/", status_code=201, responses=problems(503), summary="Define a model")
def create_model(body: ModelRequest, resources: Train, response: Response) -> Model:
    """The same definition again gives the model that is there already."""
    definition = resources.catalog.create_definition(parse_spec(spec_values(body)))
    response.headers["Location"] = f"/api/models/{definition.id}"
    return _model(definition)


@router.get("/{model_id:uuid}", responses=problems(404, 503), summary="One model with its versions and metrics")
def get_model(model_id: UUID, resources: Train) -> ModelDetail:
    definition = find_model(resources.catalog, model_id)
    versions = [
        ModelVersion.model_validate(version, from_attributes=True) for version in resources.catalog.versions(model_id)
    ]
    aliases = {version.alias: version.version for version in versions if version.alias is not None}
    return ModelDetail(**_model(definition).model_dump(), aliases=dict(aliases), versions=versions)


@router.patch("/{model_id:uuid}", responses=problems(404, 503), summary="Name a model, describe it, tag it")
def change_model(model_id: UUID, body: ModelChange, resources: Train) -> Model:
    """What makes the model cannot be changed: another definition is another model."""
    changed = resources.catalog.change_definition(
        model_id, name=body.name, description=body.description, tags=body.tags
    )
    if changed is None:
        raise unknown_model(model_id)
    return _model(changed)


@router.delete("/{model_id:uuid}", status_code=204, responses=problems(404, 409, 503), summary="Delete a model")
def delete_model(model_id: UUID, query: Annotated[DeleteQuery, Query()], resources: Train, actor: Actor) -> None:
    """With its versions: nothing serves or trains it from now on. Files go after the registry's retention time."""
    resources.models.delete(model_id, Change(actor, query.reason), force=query.force)


def find_model(catalog: ModelCatalog, model_id: UUID) -> ModelDefinition:
    definition = catalog.definition(model_id)
    if definition is None:
        raise unknown_model(model_id)
    return definition


def unknown_model(model_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no model {model_id}; GET /api/models lists what there is")


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
        description=definition.description,
        tags=list(definition.tags),
        created_at=definition.created_at,
    )


def _listed(definition: ModelDefinition, glance: Glance | None) -> ListedModel:
    return ListedModel(
        **_model(definition).model_dump(),
        versions=0 if glance is None else glance.versions,
        champion=None if glance is None else glance.champion,
        newest=None if glance is None else NewestVersion.model_validate(glance, from_attributes=True),
    )
