"""Proof that nothing of a simulation knew the future: sampled days are computed again from history cut at their close,
without the warehouse, and have to give the same forecasts and the same decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from stock_kit.events import PredictionEvent
from stock_kit.model_settings import GateSettings

from stock_mlops.features import FEATURE_VERSION, compute_features
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.gate import Check
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.evidence import judge_probation, judge_shadow
from stock_mlops.services.gatekeeping import Gatekeeper, Runs, contender_of
from stock_mlops.services.retraining_evidence import validated_rmse
from stock_mlops.services.shadowing import paired, shadow_forecasts
from stock_mlops.services.simulation_source import StoredHistory
from stock_mlops.simulation.plan import HORIZON, Plan
from stock_mlops.simulation.summary import Checked
from stock_mlops.stores.catalog import Champion, ModelVersion
from stock_mlops.stores.shadow_predictions import SettledShadow
from stock_mlops.stores.simulations import Decision
from stock_mlops.stores.warehouse import TrainingFrame, content_hash, version_time

# Features of a new session are computed from the newest rows alone; moving averages without an end then differ in the
# tenth digit, forecasts (of some 1e-2) by less than this.
_SAME = 1e-7
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Lived:
    """What the simulation says of itself.

    Attributes:
        forecasts: of each day.
        champion: the version that served when a retraining began.
    """

    days: Sequence[date]
    decisions: Sequence[Decision]
    """The oldest first."""
    forecasts: Callable[[date], Sequence[PredictionEvent]]
    version: Callable[[Instrument, int], ModelVersion | None]
    champion: Callable[[UUID], int | None]
    load: Callable[[Champion], ForecastBundle]


class CutHistory:
    """Prices and features of a day, from raw rows until its close; ``services.gatekeeping.Sessions``."""

    def __init__(self, history: StoredHistory, plan: Plan, day: date) -> None:
        rows = history.until(day)
        clean = adjust(rows)
        names = parse_spec(plan.definition(plan.instruments[0])).features
        features = compute_features(clean, names)
        extra = [name for name in features.columns if name not in clean.columns]
        frame = clean.join(
            features.select("exchange", "ticker", "session", *extra), on=["exchange", "ticker", "session"]
        )
        self._frames = frame.sort("session").partition_by("exchange", "ticker", as_dict=True)

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame:
        known = self._frames[instrument.exchange, instrument.ticker]
        span = pl.col("session").is_between(start or date.min, end or date.max)
        columns = list(dict.fromkeys(["session", "open", "close", *names]))
        frame = known.filter(span).select(columns)
        return TrainingFrame(frame, content_hash(frame), version_time(0))


class NoLookAhead:
    def __init__(self, plan: Plan, history: StoredHistory, lived: Lived, runs: Runs, limits: GateSettings) -> None:
        self._plan = plan
        self._history = history
        self._lived = lived
        self._runs = runs
        self._limits = limits
        self._by_day: Mapping[date, list[Decision]] = {
            day: list(items)
            for day, items in groupby(
                sorted(lived.decisions, key=lambda item: item.session), key=lambda item: item.session
            )
        }

    def run(self, days: int) -> Checked:
        """Compute ``days`` sampled days again; half of them, as far as there are so many, are days of decisions."""
        chosen = self._sample(days)
        differences: list[str] = []
        equal = 0
        for day in chosen:
            found = list(self.differences(day))
            equal += not found
            differences += [f"{day}: {text}" for text in found]
        return Checked(len(chosen), equal, differences[:_TOLD])

    def differences(self, day: date) -> Iterator[str]:
        """What does not come out as it did."""
        cut = CutHistory(self._history, self._plan, day)
        yield from self._forecasts(cut, day)
        for decision in self._by_day.get(day, []):
            yield from self._decision(cut, day, decision)

    def _sample(self, days: int) -> list[date]:
        rng = np.random.default_rng(self._plan.seed)
        # The first models were judged before the first day.
        judged = sorted({item.session for item in self._lived.decisions if item.checks and item.from_state})
        first = _drawn(rng, judged, min(days // 2, len(judged)))
        rest = [day for day in self._lived.days if day not in first]
        return sorted([*first, *_drawn(rng, rest, min(days - len(first), len(rest)))])

    def _forecasts(self, cut: CutHistory, day: date) -> Iterator[str]:
        for event in self._lived.forecasts(day):
            instrument = Instrument(event.exchange, event.ticker)
            version = None if event.model_version is None else self._lived.version(instrument, int(event.model_version))
            if version is None:
                if event.predicted_return != 0.0:
                    yield f"{instrument}: version {event.model_version} is not there any more"
                continue
            bundle = self._lived.load(version.ref)
            if bundle.info.trained_until > day:
                yield f"{instrument}: version {version.version} was trained until {bundle.info.trained_until}"
            again = self._shadow(cut, version, instrument, day, day)
            if len(again) != 1:
                yield f"{instrument}: expected a forecast, the cut data give none"
                continue
            half = 0.0 if event.upper is None else float(np.log(event.upper / event.predicted_close))
            apart = max(abs(again[0].predicted_return - event.predicted_return), abs(again[0].half_width - half))
            if not apart <= _SAME:
                yield f"{instrument}: the forecast differs by {apart:.2g}"

    def _decision(self, cut: CutHistory, day: date, decision: Decision) -> Iterator[str]:
        again = self._judged(cut, day, decision)
        if again is None:
            return
        then = {str(check["name"]): bool(check["passed"]) for check in decision.checks}
        now = {check.name: check.passed for check in again}
        if then != now:
            yield f"{decision.ticker}: {decision.event}: the checks were {then}, from the cut data they are {now}"

    def _judged(self, cut: CutHistory, day: date, decision: Decision) -> Sequence[Check] | None:
        """The checks of a decision made again; None of one that rests on none."""
        instrument = Instrument(self._plan.exchange, decision.ticker)
        champion = self._lived.champion(decision.retraining_id)
        serving = None if champion is None else self._lived.version(instrument, champion)
        if serving is None or not decision.checks:
            return None
        if decision.from_state == State.TRAINING:
            return self._trained(cut, instrument, serving)
        if decision.challenger is None or (challenger := self._lived.version(instrument, decision.challenger)) is None:
            return None
        if decision.from_state == State.JUDGED:
            gate = self._gate(cut, serving)
            return gate.judge(instrument.registered_model, gate.contender(challenger)).checks
        if decision.from_state == State.SHADOW:
            since = self._since(decision, Event.TRAINED)
            return judge_shadow(
                self._pairs(cut, (challenger, serving), instrument, since, day), self._limits.significance
            )
        if decision.from_state == State.PROBATION:
            pairs = self._pairs(cut, (challenger, serving), instrument, self._since(decision, Event.PROMOTED), day)
            return judge_probation(pairs, validated_rmse(challenger), self._plan.policy.probation_error)
        return None

    def _trained(self, cut: CutHistory, instrument: Instrument, serving: ModelVersion) -> Sequence[Check]:
        """Train the challenger again on the cut data, and let the gate judge it again."""
        spec = parse_spec(self._plan.definition(instrument)).with_search(self._plan.policy.searched)
        data = cut.training_frame(instrument, spec.features, None, None)
        result = train(spec, data.frame, data_version=data.data_version, feature_version=FEATURE_VERSION)
        return self._gate(cut, serving).judge(spec.registered_model, contender_of(result)).checks

    def _gate(self, cut: CutHistory, serving: ModelVersion) -> Gatekeeper:
        return Gatekeeper(_Serving(serving), self._runs, cut, self._lived.load, self._limits)

    def _pairs(
        self,
        cut: CutHistory,
        versions: tuple[ModelVersion, ModelVersion],
        instrument: Instrument,
        since: date,
        day: date,
    ) -> list[Any]:
        closes = dict(cut.training_frame(instrument, (), None, None).frame.select("session", "close").iter_rows())
        rows = [
            replace(row, actual_return=float(np.log(closes[row.target_session] / closes[row.session])))
            for version in versions
            for row in self._shadow(cut, version, instrument, since, day)
            if row.target_session in closes
        ]
        return list(paired(rows, (versions[0].version, versions[1].version), day))

    def _shadow(
        self, cut: CutHistory, version: ModelVersion, instrument: Instrument, since: date, until: date
    ) -> list[SettledShadow]:
        """What a version said at the close of each session, without what came of it."""
        bundle, sessions = self._lived.load(version.ref), instrument.sessions
        start = sessions.previous(min(bundle.info.trained_until, since), bundle.horizon)
        frame = cut.training_frame(instrument, bundle.features, start, until).frame
        return [
            SettledShadow(
                ticker=instrument.ticker,
                session=item.session,
                target_session=sessions.next(item.session, item.horizon),
                horizon=item.horizon,
                model_version=version.version,
                predicted_return=item.predicted_return,
                half_width=item.half_width,
                actual_return=0.0,
            )
            for item in shadow_forecasts(bundle, instrument, frame, since)
            if item.horizon == HORIZON
        ]

    def _since(self, decision: Decision, event: Event) -> date:
        """When a retraining came to where the decision was made."""
        of = (item for item in self._lived.decisions if item.retraining_id == decision.retraining_id)
        return next(item.session for item in of if item.event == event)


@dataclass(frozen=True, slots=True)
class _Serving:
    """``services.gatekeeping.Champions``: the version that served then."""

    version: ModelVersion

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        return self.version if self.version.registered_name == registered_name else None


def _drawn(rng: np.random.Generator, days: Sequence[date], count: int) -> list[date]:
    return [days[place] for place in sorted(rng.choice(len(days), count, replace=False))] if count else []
