from __future__ import annotations

import gc
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4
from weakref import ref

import orjson
import pytest
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import Provenance, Subject, make_event
from stock_mlops.services.known_forecasts import KnownForecasts, Made
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Champion

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle, MakeVector

AAPL = Instrument("US", "AAPL")
FIRST = datetime(2012, 7, 1, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def subject(make_vector: MakeVector, make_bundle: MakeBundle) -> Subject:
    model = ServedModel(Champion(AAPL.registered_model, 3, "run3", "uri"), make_bundle())
    return Subject(AAPL, make_vector(), AAPL.sessions, model)


def made(subject: Subject, prediction_id: UUID | None = None, made_at: datetime = FIRST) -> Made:
    model = subject.model
    forecast = None if model is None else model.bundle.predict(subject.vector.values, 2, model.intervals)
    return Made.of(make_event(subject, 2, forecast, Provenance(prediction_id or uuid4(), made_at, "api")))


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize("micros", [0, 1, 500_000, 123_456])
def test_the_same_forecast_again_is_what_would_have_been_made_anew(
    subject: Subject, with_model: bool, micros: int
) -> None:
    subject = subject if with_model else subject._replace(model=None)
    known = KnownForecasts()
    known.keep(subject, 2, "api", made(subject))
    found = known.find(subject, 2, "api")
    assert found is not None
    prediction_id, made_at = uuid4(), datetime(2012, 7, 2, 9, 0, 5, micros, tzinfo=UTC)
    again, anew = found.again(str(prediction_id), made_at), made(subject, prediction_id, made_at)
    assert (again.event, again.row, again.shown, again.tally) == (anew.event, anew.row, anew.shown, anew.tally)
    assert again.row.payload == again.event.model_dump_json()


def test_an_answer_is_the_event_without_the_models_inputs(subject: Subject) -> None:
    # A text that looks like the field which is left out.
    event = made(subject).event.model_copy(update={"data_version": 'v,"inputs":[1]', "out_of_range": ("rsi_14",)})
    assert event.inputs
    shown = Made.of(event).shown
    assert orjson.loads(shown) == event.model_dump(mode="json", exclude={"inputs"})


def test_what_a_forecast_comes_from_has_to_be_the_same(
    subject: Subject, make_vector: MakeVector, make_bundle: MakeBundle
) -> None:
    known = KnownForecasts()
    known.keep(subject, 2, "api", made(subject))
    model = subject.model
    assert model is not None
    state = AdaptiveState.start(model.bundle.horizon)
    others = (
        subject._replace(vector=make_vector()),
        subject._replace(model=ServedModel(model.ref, make_bundle())),
        subject._replace(model=replace(model, intervals=model.bundle.intervals, adapted_through=date(2012, 6, 29))),
        subject._replace(model=model.adapted(state)),
        subject._replace(model=None),
    )
    assert [known.find(other, 2, "api") for other in others] == [None] * len(others)
    assert known.find(subject, 3, "api") is None
    assert known.find(subject, 2, "replay") is None
    assert known.find(subject, 2, "api") is not None


def test_those_asked_for_last_are_kept(subject: Subject) -> None:
    known = KnownForecasts(most=2)
    subjects = [subject._replace(instrument=Instrument("US", ticker)) for ticker in ("AAPL", "IBM", "GOOG")]
    for one in subjects[:2]:
        known.keep(one, 2, "api", made(one))
    known.find(subjects[0], 2, "api")
    known.keep(subjects[2], 2, "api", made(subjects[2]))
    assert [known.find(one, 2, "api") is not None for one in subjects] == [True, False, True]


def test_a_model_that_no_longer_serves_leaves_the_memory_and_its_forecast_is_not_the_random_walks(
    make_vector: MakeVector, make_bundle: MakeBundle
) -> None:
    known, model = KnownForecasts(), ServedModel(Champion(AAPL.registered_model, 3, "run3", "uri"), make_bundle())
    subject = Subject(AAPL, make_vector(), AAPL.sessions, model)
    known.keep(subject, 2, "api", made(subject))
    gone, without = ref(model), subject._replace(model=None)
    del subject, model
    gc.collect()
    assert gone() is None
    assert known.find(without, 2, "api") is None
