"""What a simulation is asked for, and the sessions that it goes through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stock_mlops.instruments import Instrument
from stock_mlops.retraining.policy import Policy, TriggerRule

Source = Literal["sample", "stored"]
HORIZON = 1
"""Sessions that a simulation's models forecast ahead: each day's forecast is settled by the next day's close."""


def monthly(sessions: int = 21) -> Policy:
    """Train again after every so many new sessions; shadow and probation end before the next time.

    They are as long as their tests need at least: five sessions beside each other, eight of serving.
    """
    return Policy(
        new_sessions=TriggerRule(mode="automatic", threshold=sessions),
        shadow_sessions=min(max(5, sessions // 4), 20),
        probation_sessions=min(max(8, sessions // 2), 20),
        cooldown_sessions=sessions,
    )


class Plan(BaseModel):
    """In plain values, as it is stored and shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    first: date = Field(description="first session that is forecast from")
    last: date = Field(description="last session")
    tickers: tuple[str, ...] = Field(min_length=1, max_length=20)
    exchange: str = "US"
    source: Source = Field("sample", description="the shipped sample, or what raw_db holds")
    model_type: str = Field("ridge", description="of every ticker's models")
    features: tuple[str, ...] = Field((), description="names of features or groups; none: the default set")
    policy: Policy = Field(default_factory=monthly, description="when models are trained again")
    cost_bps: float = Field(5.0, ge=0, le=1000, description="cost of one side of a trade in basis points")
    verify: int = Field(20, ge=0, le=500, description="sampled days that are computed again from data cut there")
    seed: int = Field(7, ge=0, le=2**31 - 1, description="of the trainings and of that sample")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.first >= self.last:
            raise ValueError(f"first: expected a day before last ({self.last}), got {self.first}")
        object.__setattr__(self, "tickers", tuple(dict.fromkeys(self.tickers)))
        _ = self.instruments  # each checks its exchange and ticker
        return self

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(self.exchange, ticker) for ticker in self.tickers)

    def sessions(self) -> Sequence[date]:
        """The days that are simulated, the oldest first."""
        return self.instruments[0].sessions.between(self.first, self.last)

    def definition(self, instrument: Instrument) -> dict[str, object]:
        """Of a ticker's model, in the plain values of ``forecasting.spec.ModelSpec``."""
        return {
            "exchange": instrument.exchange,
            "ticker": instrument.ticker,
            "model_type": self.model_type,
            "features": list(self.features),
            "horizon": HORIZON,
            "seed": self.seed,
        }
