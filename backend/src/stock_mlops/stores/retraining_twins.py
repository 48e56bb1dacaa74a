"""Retrainings in memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from stock_mlops.retraining.cycle import Event, State, after
from stock_mlops.retraining.policy import Policy
from stock_mlops.stores.retrainings import (
    Found,
    NewRetraining,
    Note,
    Retraining,
    RetrainingOpenError,
    RetrainingRecord,
    Step,
    StoredPolicy,
)
from stock_mlops.stores.shadow_predictions import SettledShadow, ShadowPrediction

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryRetrainings:
    """See :class:`stock_mlops.stores.retrainings.Retrainings`; each change is a second later than the one before."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Retraining] = {}
        self.steps: dict[UUID, list[Step]] = {}
        self.own_policies: dict[UUID, Policy] = {}
        self.problems: dict[UUID, str] = {}
        self._at = _FIRST

    def policy(self, model_id: UUID) -> Policy | None:
        return self.own_policies.get(model_id)

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> None:  # noqa: ARG002  the protocol's
        self.own_policies[model_id] = policy
        self.problems.pop(model_id, None)

    def policies(self) -> dict[UUID, StoredPolicy]:
        return {
            model_id: StoredPolicy(f"model {model_id.int}", policy, self.problems.get(model_id, ""))
            for model_id, policy in self.own_policies.items()
        }

    def begin(self, new: NewRetraining, note: Note) -> Retraining:
        if any(row.registered_name == new.registered_name for row in self.open()):
            raise RetrainingOpenError(f"{new.registered_name}: a retraining is under way")
        at = self._now()
        known: dict[str, Any] = {name: getattr(new, name) for name in NewRetraining.__slots__}
        row = Retraining(
            id=uuid4(),
            challenger=None,
            job_id=None,
            since=None,
            revision=0,
            created_at=at,
            updated_at=at,
            ended_at=None,
            **known,
        )
        self._enter(row, Event.BEGAN, None, note)
        return row

    def move(self, seen: Retraining, event: Event, note: Note, found: Found | None = None) -> Retraining | None:
        state = after(seen.state, event)
        if self.rows[seen.id].revision != seen.revision:
            return None
        known = {name: value for name, value in asdict(found or Found()).items() if value is not None}
        at = self._now()
        row = replace(
            seen,
            state=state,
            revision=seen.revision + 1,
            updated_at=at,
            ended_at=at if state.is_final else None,
            **known,
        )
        self._enter(row, event, seen.state, note)
        return row

    def get(self, retraining_id: UUID) -> Retraining | None:
        return self.rows.get(retraining_id)

    def open(self) -> list[Retraining]:
        return [row for row in self.rows.values() if row.ended_at is None]

    def current(self) -> list[RetrainingRecord]:
        newest = {row.registered_name: row for row in sorted(self.rows.values(), key=lambda row: row.created_at)}
        lately = self._at - timedelta(hours=1)
        return [
            RetrainingRecord(row, self.steps[row.id])
            for row in newest.values()
            if row.ended_at is None or row.ended_at > lately
        ]

    def newest(self, registered_name: str) -> Retraining | None:
        found = [row for row in self.rows.values() if row.registered_name == registered_name]
        return max(found, key=lambda row: row.created_at, default=None)

    def records(self, model_id: UUID | None, limit: int, states: Sequence[State] = ()) -> list[RetrainingRecord]:
        found = [
            RetrainingRecord(row, self.steps[row.id])
            for row in sorted(self.rows.values(), key=lambda row: row.created_at, reverse=True)
            if model_id in (None, row.model_id) and (not states or row.state in states)
        ]
        return found[:limit]

    def _enter(self, row: Retraining, event: Event, before: State | None, note: Note) -> None:
        self.rows[row.id] = row
        step = Step(
            row.revision, row.updated_at, note.session, event, before, row.state, note.actor, note.detail, note.checks
        )
        self.steps.setdefault(row.id, []).append(step)

    def _now(self) -> datetime:
        self._at += timedelta(seconds=1)
        return self._at


class MemoryShadow:
    """See :class:`stock_mlops.stores.shadow_predictions.ShadowPredictions`; ``outcomes`` are by ticker, session and
    horizon."""

    def __init__(self, outcomes: dict[tuple[str, date, int], float]) -> None:
        self.rows: dict[tuple[UUID, str, int, int, date], ShadowPrediction] = {}
        self.outcomes = outcomes

    def add(self, rows: Sequence[ShadowPrediction]) -> None:
        for row in rows:
            self.rows[row.retraining_id, row.ticker, row.model_version, row.horizon, row.session] = row

    def newest(self, retraining_id: UUID) -> dict[tuple[str, int], date]:
        newest: dict[tuple[str, int], date] = {}
        for owner, ticker, version, _, session in sorted(self.rows):
            if owner == retraining_id:
                newest[ticker, version] = max(session, newest.get((ticker, version), session))
        return newest

    def settled(self, retraining_id: UUID, since: date, until: date) -> list[SettledShadow]:
        return [
            SettledShadow(
                row.ticker,
                row.session,
                row.target_session,
                row.horizon,
                row.model_version,
                row.predicted_return,
                row.half_width,
                self.outcomes[row.ticker, row.session, row.horizon],
            )
            for row in self.rows.values()
            if row.retraining_id == retraining_id
            and row.session >= since
            and row.target_session <= until
            and (row.ticker, row.session, row.horizon) in self.outcomes
        ]
