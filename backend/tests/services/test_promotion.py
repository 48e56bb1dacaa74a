from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest
from stock_kit.model_settings import GateSettings
from stock_mlops.errors import DependencyUnavailableError, NotFoundError
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.gate import Check, Verdict
from stock_mlops.instruments import Instrument
from stock_mlops.services.promotion import GateRefusedError, Promotion
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.promotions import Change
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

NAME = "stock-US-AAPL"
ME = Change("me", "because")
REFUSAL = Verdict(False, 1, "out_of_fold", 500, (Check("calibrated", False, "90 %", "50 %"),))
PASS = Verdict(True, 1, "out_of_fold", 500, ())


def version(number: int, *, day: int = 3) -> ModelVersion:
    return ModelVersion(
        uuid4(), NAME, number, f"run{number}", "uri", "champion" if number == 1 else None, "d", "f", 1,
        {"horizons": []}, date(2012, 1, day), None, datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@dataclass
class Stores:
    """Catalog, aliases, gate, MLflow and settlements in one, as far as a promotion looks at them."""

    versions: dict[int, ModelVersion] = field(default_factory=lambda: {1: version(1), 2: version(2, day=10)})
    verdict: Verdict = PASS
    champion: int = 1
    mirrored: dict[str, int] = field(default_factory=lambda: {"champion": 1, "stray": 2})
    mlflow_is_up: bool = True
    noted: list[tuple[int, int | None, Change]] = field(default_factory=list)
    judged: list[int | None] = field(default_factory=list)
    limits: GateSettings = field(default_factory=lambda: GateSettings(min_sessions=10))

    def version_of(self, registered_name: str, version: int) -> ModelVersion | None:
        return self.versions.get(version) if registered_name == NAME else None

    def versions_of(self, registered_name: str) -> list[ModelVersion]:
        return list(self.versions.values()) if registered_name == NAME else []

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        return self.versions[self.champion]

    def definition(self, model_id: UUID) -> None:
        return None

    def promote(self, name: str, version: int, expected: int | None, change: Change) -> None:
        self.noted.append((version, expected, change))
        self.champion = version

    def aliases(self, name: str | None = None) -> dict[str, Any]:
        return {NAME: {"champion": self.champion}}

    def judge(self, name: str, challenger: Contender) -> Verdict:
        self.judged.append(challenger.version)
        return self.verdict

    def contender(self, version: ModelVersion) -> Contender:
        """Version 1 is off by 2 %, version 2 by 1 %, now above and now below."""
        sessions = pl.date_range(date(2012, 1, 1), date(2012, 4, 9), eager=True)
        sign = [1.0 if number % 3 else -1.0 for number in range(100)]
        y = [0.001 * number for number in range(100)]
        size = 0.02 if version.version == 1 else 0.01
        y_hat = [value + size * way * (1 + number % 5) for number, (value, way) in enumerate(zip(y, sign, strict=True))]
        frame = pl.DataFrame({"ticker": "AAPL", "session": sessions, "y": y, "y_hat": y_hat}).with_columns(
            horizon=pl.lit(1, pl.Int64), probability_up=pl.lit(0.5), fold=pl.lit(0, pl.Int64)
        )
        return Contender(version.version, "US", ("AAPL",), "regression", 1, version.trained_until, frame)

    def opponent(self, version: ModelVersion, challenger: Contender) -> Contender:
        return self.contender(version)

    def rolling(self, wanted: AccuracyFilter, windows: Sequence[int], limit: int) -> list[RollingAccuracy]:
        first, last = date(2012, 1, 3), date(2012, 3, 3)
        numbers = (0.02, 0.01, 0.0, 0.01, 0.5, 0.9, 0.9, 0.06)
        return [RollingAccuracy("US", "AAPL", NAME, "2", 1, 63, 40, first, last, *numbers)]


class Mirror:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def aliases(self, name: str) -> dict[str, int]:
        if not self._stores.mlflow_is_up:
            raise DependencyUnavailableError("MLflow", "no answer")
        return dict(self._stores.mirrored)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        self._stores.mirrored[alias] = version

    def remove_alias(self, name: str, alias: str) -> None:
        del self._stores.mirrored[alias]


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def promotion(stores: Stores) -> Promotion:
    def adapt(instruments: Collection[Instrument]) -> None:
        raise AssertionError("there is no definition to adapt")

    return Promotion(stores, stores, stores, Mirror(stores), stores, adapt)  # type: ignore[arg-type]


def test_a_version_that_passes_serves_with_its_verdict_in_the_trail(promotion: Promotion, stores: Stores) -> None:
    assert promotion.promote(NAME, 2, ME) is PASS
    [(after, before, change)] = stores.noted
    assert (after, before) == (2, 1)
    assert (change.actor, change.reason, change.verdict) == ("me", "because", PASS.to_dict())
    assert stores.mirrored == {"champion": 2}


def test_the_trail_names_the_job_that_a_promotion_came_from(promotion: Promotion, stores: Stores) -> None:
    job_id = uuid4()
    promotion.promote(NAME, 2, Change("retraining", "retraining 7", job_id=job_id))
    assert stores.noted[0][2].job_id == job_id


def test_a_refusal_changes_nothing_and_tells_the_reasons(promotion: Promotion, stores: Stores) -> None:
    stores.verdict = REFUSAL
    with pytest.raises(GateRefusedError, match="calibrated: expected 90 %, got 50 %") as refused:
        promotion.promote(NAME, 2, ME)
    assert refused.value.status == 409
    assert stores.noted == []


def test_force_does_not_ask_the_gate(promotion: Promotion, stores: Stores) -> None:
    stores.verdict = REFUSAL
    assert promotion.promote(NAME, 2, ME, force=True) is None
    assert stores.judged == []
    assert stores.champion == 2


def test_without_mlflow_the_change_holds_and_is_mirrored_later(promotion: Promotion, stores: Stores) -> None:
    stores.mlflow_is_up = False
    promotion.promote(NAME, 2, ME)
    assert stores.champion == 2
    assert stores.mirrored["champion"] == 1
    assert promotion.repair_aliases() == [NAME]
    stores.mlflow_is_up = True
    assert promotion.repair_aliases() == []
    assert stores.mirrored == {"champion": 2}


def test_an_unknown_version_is_not_found_and_the_known_ones_are_named(promotion: Promotion) -> None:
    with pytest.raises(NotFoundError, match="no version 9; there are 1, 2"):
        promotion.promote(NAME, 9, ME)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_two_versions_are_compared_in_the_order_that_was_asked(promotion: Promotion, first: int, second: int) -> None:
    found = promotion.compare(NAME, first, second)
    assert [item.version for item in found.versions] == [first, second]
    assert found.window == "out_of_fold"
    [row] = found.horizons
    assert row.sessions == 100
    by_version = dict(zip((first, second), zip(row.rmse, row.p_worse, strict=True), strict=True))
    assert by_version[1][0] == pytest.approx(2 * by_version[2][0])
    assert by_version[1][1] is not None
    assert by_version[1][1] < 0.01
    assert by_version[2][1] == pytest.approx(1 - by_version[1][1])
    settled = dict(zip((first, second), found.settled, strict=True))
    assert (len(settled[1]), len(settled[2])) == (0, 1)
