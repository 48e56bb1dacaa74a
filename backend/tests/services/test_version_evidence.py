from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
from stock_mlops.errors import NotFoundError
from stock_mlops.services.version_evidence import VersionEvidence
from stock_mlops.stores.catalog import ModelVersion

VERSION = ModelVersion(
    model_id=uuid4(),
    registered_name="stock-US-panel-tech",
    version=1,
    run_id="run",
    artifact_uri="mlflow-artifacts:/1/run/artifacts/model/artifacts/bundle",
    alias=None,
    data_version="d",
    feature_version="f",
    horizon=2,
    metrics={},
    trained_until=date(2012, 6, 29),
    job_id=None,
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)


class Files:
    """Runs whose artifacts are in a dictionary."""

    def __init__(self, scheme: str = "expanding", **files: bytes) -> None:
        self._scheme = scheme
        self._files = files

    def run(self, run_id: str) -> dict[str, Any]:
        return {
            "info": {"artifact_uri": f"mlflow-artifacts:/1/{run_id}/artifacts"},
            "data": {
                "params": [{"key": "validation.scheme", "value": self._scheme}],
                "metrics": [{"key": "train_loss_h2", "value": 0.5}],
            },
        }

    def metric_history(self, run_id: str, metric: str) -> list[float]:
        return {"train_loss_h2": [0.9, 0.5]}[metric]

    def content(self, artifact_uri: str) -> bytes:
        name = artifact_uri.removeprefix("mlflow-artifacts:/1/run/artifacts/")
        try:
            return self._files[name.replace("/", "_").partition(".")[0]]
        except KeyError:
            raise NotFoundError(f"MLflow does not know {artifact_uri}") from None


def forecasts(sessions: int, scheme: str = "expanding") -> tuple[pl.DataFrame, Files]:
    """Of two tickers and horizons, out of order, in two test windows."""
    rng = np.random.default_rng(1)
    days = np.busday_offset("2020-01-06", list(range(sessions))).astype("datetime64[D]")
    frame = pl.concat(
        pl.DataFrame(
            {
                "ticker": ticker,
                "session": days,
                "horizon": horizon,
                "y": rng.normal(0, 0.01, sessions),
                "y_hat": rng.normal(0, 0.002, sessions),
                "probability_up": rng.uniform(0.4, 0.6, sessions),
                "fold": np.arange(sessions) * 2 // sessions,
            }
        )
        for horizon in (2, 1)
        for ticker in ("IBM", "AAPL")
    )
    buffer = BytesIO()
    frame.write_parquet(buffer)
    return frame, Files(scheme, evaluation_out_of_fold=buffer.getvalue())


def test_a_skill_curve_ends_at_the_skill_over_all_forecasts_of_its_horizon() -> None:
    frame, files = forecasts(40)
    curves = VersionEvidence(files).curves(VERSION).skill
    assert [curve.horizon for curve in curves] == [1, 2]
    for curve in curves:
        mine = frame.filter(horizon=curve.horizon)
        y, y_hat = mine["y"].to_numpy(), mine["y_hat"].to_numpy()
        assert curve.gained[-1] == pytest.approx(1 - np.sum((y - y_hat) ** 2) / np.sum(y**2))
        assert list(curve.sessions) == sorted(set(frame["session"]))  # a panel's rows of one session are one point


def test_a_long_history_is_shown_by_at_most_500_points_its_ends_included() -> None:
    frame, files = forecasts(1300)
    (curve, _) = VersionEvidence(files).curves(VERSION).skill
    assert len(curve.sessions) == len(curve.gained) == 500
    assert (curve.sessions[0], curve.sessions[-1]) == (frame["session"].min(), frame["session"].max())


def test_chances_are_held_against_all_forecasts_of_their_horizon() -> None:
    frame, files = forecasts(600)
    curves = VersionEvidence(files).curves(VERSION).calibration
    assert [curve.horizon for curve in curves] == [1, 2]
    assert sum(item.n for item in curves[0].bins) == frame.filter(horizon=1).height


@pytest.mark.parametrize(("scheme", "judged"), [("expanding", 300), ("purged_kfold", 600)])
def test_coverage_is_told_of_windows_that_others_can_judge_over_a_years_sessions(scheme: str, judged: int) -> None:
    frame, files = forecasts(600, scheme)
    (curve, _) = VersionEvidence(files).curves(VERSION).coverage
    assert len(curve.sessions) == len(curve.covered) == judged - 250 + 1
    assert curve.sessions[-1] == frame["session"].max()
    assert all(0.8 < share < 1 for share in curve.covered)


def test_a_short_history_has_no_coverage_over_time() -> None:
    (curve, _) = VersionEvidence(forecasts(400)[1]).curves(VERSION).coverage
    assert (curve.sessions, curve.covered) == ([], [])


def test_a_card_is_the_runs_own_file_and_a_lost_one_is_not_found() -> None:
    assert VersionEvidence(Files(model_card=b"# Card\n")).card(VERSION) == "# Card\n"
    with pytest.raises(NotFoundError):
        VersionEvidence(Files()).card(VERSION)


def test_a_fit_is_told_by_what_its_run_logged_of_the_horizon() -> None:
    evidence = VersionEvidence(Files())
    fit = evidence.fit(VERSION, 2)
    assert (fit.train_loss, fit.validation_loss, fit.gradient_norm) == ([0.9, 0.5], [], [])
    assert evidence.fit(VERSION, 1).train_loss == []
    with pytest.raises(NotFoundError, match="no horizon 3; expected 1 to 2"):
        evidence.fit(VERSION, 3)
