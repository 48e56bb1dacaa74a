"""What backend1's retraining routes ask. The service imports polars, so it is made when it is first asked: a backend
starts without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from stock_kit.settings import Settings
from stock_mlops.retraining.cycle import State
from stock_mlops.retraining.policy import Policy
from stock_mlops.stores.queue import JobQueue
from stock_mlops.stores.retrainings import Retraining, RetrainingRecord

if TYPE_CHECKING:
    from stock_mlops.services.retraining_desk import RetrainingDesk
    from stock_mlops.services.retraining_evidence import Standing


class RetrainingOffice(Protocol):
    """``services.retraining_desk.RetrainingDesk``."""

    def policy(self, model_id: UUID) -> Policy: ...

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> Policy: ...

    def policies(self) -> Mapping[UUID, Policy]: ...

    def records(
        self, model_id: UUID | None, limit: int, states: Sequence[State] = ()
    ) -> Sequence[RetrainingRecord]: ...

    def standing(self, model_id: UUID) -> Standing: ...

    def start(self, model_id: UUID, actor: str, reason: str) -> Retraining: ...

    def approve(self, retraining_id: UUID, actor: str) -> Retraining: ...

    def cancel(self, retraining_id: UUID, actor: str, reason: str) -> Retraining: ...


class LateRetraining:
    """The real :class:`RetrainingOffice`."""

    def __init__(self, settings: Settings, queue: JobQueue) -> None:
        self._settings = settings
        self._queue = queue

    @cached_property
    def _desk(self) -> RetrainingDesk:
        from stock_mlops.services.alert_reporting import open_reporter
        from stock_mlops.services.retraining_desk import make_retraining_desk

        return make_retraining_desk(self._settings, self._queue, open_reporter(self._settings))

    def policy(self, model_id: UUID) -> Policy:
        return self._desk.policy(model_id)

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> Policy:
        return self._desk.set_policy(model_id, policy, actor)

    def policies(self) -> Mapping[UUID, Policy]:
        return self._desk.policies()

    def records(self, model_id: UUID | None, limit: int, states: Sequence[State] = ()) -> Sequence[RetrainingRecord]:
        return self._desk.records(model_id, limit, states)

    def standing(self, model_id: UUID) -> Standing:
        return self._desk.standing(model_id)

    def start(self, model_id: UUID, actor: str, reason: str) -> Retraining:
        return self._desk.start(model_id, actor, reason)

    def approve(self, retraining_id: UUID, actor: str) -> Retraining:
        return self._desk.approve(retraining_id, actor)

    def cancel(self, retraining_id: UUID, actor: str, reason: str) -> Retraining:
        return self._desk.cancel(retraining_id, actor, reason)
