"""What a model definition may choose from."""

from __future__ import annotations

from pydantic import Field
from stock_mlops.forecasting.estimators.base import Task

from api.schemas.common import JsonObject, ResponseModel


class Feature(ResponseModel):
    name: str
    group: str
    description: str
    inputs: list[str] = Field(description="columns of the price table")
    lookback: int = Field(description="earlier sessions that a value needs")
    stationary: bool = Field(description="free of the price level")
    default: bool


class FeatureGroup(ResponseModel):
    """A name that stands for several features in a definition."""

    name: str
    description: str
    features: list[str]


class FeatureCatalogue(ResponseModel):
    feature_version: str = Field(description="names this set of definitions")
    groups: list[FeatureGroup]
    features: list[Feature]


class ModelTypeOption(ResponseModel):
    name: str
    title: str
    description: str
    tasks: list[Task] = Field(description="the first is the default")
    available: bool
    unavailable_because: str | None = Field(description="and what to install")
    params: JsonObject = Field(description="JSON Schema of its parameters, by which definitions are validated")
    search_space: dict[str, JsonObject] = Field(description="what a search tries; empty: there is nothing to search")


class ModelTypeCatalogue(ResponseModel):
    items: list[ModelTypeOption] = Field(description="simpler ones first")
