"""What a model definition may choose from, and the trail of who let what serve."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Train
from api.errors import problems
from api.schemas.models import AuditEntry, AuditPage, AuditQuery
from api.schemas.options import Feature, FeatureCatalogue, FeatureGroup, ModelTypeCatalogue, ModelTypeOption

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("/features", responses=problems(), summary="The features that a model may be trained on")
def list_features(resources: Train) -> FeatureCatalogue:
    """In groups, whose names stand for all of their features in a definition."""
    options = resources.models.feature_options()
    return FeatureCatalogue(
        feature_version=options.feature_version,
        groups=[FeatureGroup.model_validate(asdict(group)) for group in options.groups],
        features=[Feature.model_validate(asdict(feature)) for feature in options.features],
    )


@router.get("/types", responses=problems(), summary="The model types and their parameters")
def list_model_types(resources: Train) -> ModelTypeCatalogue:
    """With a JSON Schema of each one's parameters: what a form needs, and what definitions are validated by."""
    return ModelTypeCatalogue(
        items=[
            ModelTypeOption(
                name=item.name,
                title=item.title,
                description=item.description,
                tasks=list(item.tasks),
                available=item.unavailable is None,
                unavailable_because=item.unavailable,
                params=dict(item.params),
                search_space={name: dict(values) for name, values in item.search_space.items()},
            )
            for item in resources.models.model_types()
        ]
    )


@router.get("/audit", responses=problems(503), summary="Who let which version serve, when and why")
def list_model_changes(query: Annotated[AuditQuery, Query()], resources: Train) -> AuditPage:
    """Newest first; what the gate decided about trainings included."""
    entries = resources.models.audit(query.registered_name, query.limit + 1, query.before)
    items = [AuditEntry.model_validate(asdict(entry)) for entry in entries[: query.limit]]
    return AuditPage(items=items, next_before=items[-1].id if len(entries) > query.limit else None)
