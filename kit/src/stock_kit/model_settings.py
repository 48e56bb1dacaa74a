"""How data and models are made, judged, watched and kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from stock_kit.setting_types import Duration, Group


class ServingSettings(Group):
    refresh_interval: Duration = Field(timedelta(seconds=2), description="how often new model versions are looked for")
    retry_after: Duration = Field(timedelta(seconds=5), description="Retry-After of a 503")
    max_days: int = Field(60, ge=1, le=250, description="longest path of sessions one request may ask for")
    expiry_sessions: int = Field(
        63, ge=1, le=2500, description="sessions after its training data for which a model counts as fresh"
    )
    resident_models: int = Field(500, ge=1, le=100_000, description="models one process keeps in memory")
    cache_dir: Path = Field(Path(".local/cache/models"), description="folder of downloaded models; may be lost")


class GateSettings(Group):
    """What a new model version has to pass before it serves in the present one's place."""

    significance: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="a version is refused as worse when a test says so at this level, all horizons counted",
    )
    new_sessions: int = Field(
        250, ge=20, le=5000, description="sessions since the champion's training that suffice to judge on those alone"
    )
    min_sessions: int = Field(40, ge=10, le=5000, description="fewest sessions that a version may be judged on")
    coverage_tolerance: float = Field(
        0.05, gt=0, lt=0.5, description="how far the intervals' realised coverage may be from the stated one"
    )
    random_walk_margin: float = Field(
        0.01, ge=0, lt=1, description="how much larger than the random walk's squared errors may be without saying much"
    )
    max_skill: float = Field(
        0.05, gt=0, lt=1, description="share of the variance explained above which a leak is suspected"
    )
    stale_sessions: int = Field(
        5, ge=0, le=2500, description="sessions that the training data may end before the champion's"
    )
    changed_outcomes: float = Field(
        0.05, gt=0, lt=1, description="share of sessions whose return may differ from what the champion was judged by"
    )


class RegistrySettings(Group):
    retention: Duration = Field(
        timedelta(days=30), description="how long a deleted model can still be brought back before it is purged"
    )


class MonitoringSettings(Group):
    """What is looked at after each session, and from when on it is told."""

    window: int = Field(10, ge=5, le=250, description="newest sessions whose distribution drift is told by")
    false_discovery_rate: float = Field(
        0.02, gt=0, lt=0.5, description="share of the features called drifted that may be so by chance"
    )
    persistence: int = Field(4, ge=1, le=50, description="of the newest persistence_of sessions so many have to drift")
    persistence_of: int = Field(5, ge=1, le=50, description="see persistence")
    error_window: int = Field(60, ge=20, le=1000, description="settled sessions that errors and coverage are told by")
    judged_sessions: int = Field(20, ge=1, le=250, description="newest sessions whose prices and vectors are judged")
    parity_share: float = Field(0.1, gt=0, le=1, description="share of served vectors that is computed again")
    late_after: Duration = Field(
        timedelta(hours=6), description="a session that is not there so long after its close is late"
    )
    replay_every: int = Field(10, ge=1, le=1000, description="the replay is looked at every so many sessions")
    retention: Duration = Field(timedelta(days=730), description="how long what was measured is kept")
    report_retention: Duration = Field(timedelta(days=90), description="how long a report is kept")
    shadow_retention: Duration = Field(
        timedelta(days=180), description="how long forecasts on trial are kept after their retraining has ended"
    )

    @model_validator(mode="after")
    def _possible(self) -> MonitoringSettings:
        if self.persistence > self.persistence_of:
            raise ValueError(f"persistence: expected at most {self.persistence_of} (persistence_of)")
        return self


class EtlSettings(Group):
    export_dir: Path = Field(Path(".local/exports"), description="folder of the Parquet exports")
    overlap_sessions: int = Field(10, ge=1, le=250, description="stored sessions fetched again by an incremental load")
    concurrency: int = Field(2, ge=1, le=32, description="tickers loaded at once")
    daily_source: Literal["", "yfinance"] = Field(
        "yfinance", description="whose instruments are loaded after each close of their exchange; empty: none"
    )
    source_concurrency: int = Field(
        1, ge=1, le=32, description="loads from one outside source at once, over all runs and replicas"
    )
    yfinance_rate: float = Field(0.4, gt=0, le=10, description="requests per second to Yahoo")
    max_move: float = Field(0.5, gt=0, le=10, description="a move beyond this share without a split is quarantined")
