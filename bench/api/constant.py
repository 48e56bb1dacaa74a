"""A FastAPI route with the schemas of POST /api/predict/ that returns a constant: what the framework alone takes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from api.schemas.predictions import Prediction, PredictRequest
from fastapi import FastAPI

_ANSWER = Prediction(
    prediction_id=UUID(int=1),
    exchange="US",
    ticker="AAPL",
    made_at=datetime(2026, 1, 1, tzinfo=UTC),
    as_of=date(2012, 6, 29),
    target_session=date(2012, 7, 2),
    horizon=1,
    last_close=584.0,
    predicted_return=0.001,
    predicted_close=584.6,
    lower=560.0,
    upper=610.0,
    level=0.9,
    levels=(0.8, 0.9, 0.95),
    lowers=(565.0, 560.0, 555.0),
    uppers=(605.0, 610.0, 615.0),
    probability_up=0.52,
    model_name="stock-US-AAPL",
    model_version="1",
    model_type="lightgbm",
    run_id="0" * 32,
    feature_version="1",
    data_version="1",
)

app = FastAPI()


@app.post("/api/predict/")
async def predict(body: PredictRequest) -> Prediction:  # noqa: ARG001  it is validated
    return _ANSWER
