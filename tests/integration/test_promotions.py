"""The registry over a real PostgreSQL: who serves, who is told, and what concurrent changes leave."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from stock_kit.service_settings import JobSettings
from stock_local.testing import LocalStack
from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.instruments import Instrument
from stock_mlops.stores.catalog import Catalog, ModelDefinition, NewVersion
from stock_mlops.stores.deletions import Deletions
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.jobs import JobKind, Jobs
from stock_mlops.stores.migrations import migrate_postgres
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.promotions import Change, Promotions

pytestmark = pytest.mark.integration

NAME, AAPL = "stock-US-AAPL", Instrument("US", "AAPL")
ME = Change("me", "because")


@pytest.fixture(scope="module")
def engine(local_stack: LocalStack) -> Iterator[Engine]:
    """Databases of its own: nothing of a running stack must see these models."""
    local_stack.require("model_meta_db")
    server = local_stack.settings.model_meta_db
    databases = {name: server.model_copy(update={"database": f"test_promotions_{name}"}) for name in ("meta", "raw")}
    with get_engine(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for settings in databases.values():
            connection.execute(text(f"CREATE DATABASE {settings.database}"))
    migrate_postgres(
        local_stack.settings.model_copy(update={"model_meta_db": databases["meta"], "raw_db": databases["raw"]})
    )
    yield get_engine(databases["meta"])
    get_engine(databases["meta"]).dispose()


@pytest.fixture
def catalog(engine: Engine) -> Iterator[Catalog]:
    yield Catalog(engine)
    with engine.begin() as tx:
        for table in ("model_audit", "interval_states", "model_versions", "model_definitions", "jobs"):
            tx.execute(text(f"DELETE FROM {table}"))  # noqa: S608


@pytest.fixture
def promotions(engine: Engine, catalog: Catalog) -> Promotions:
    return Promotions(engine)


@pytest.fixture
def definition(catalog: Catalog) -> ModelDefinition:
    return catalog.create_definition(parse_spec({"ticker": "AAPL", "horizon": 1}))


METRICS = {
    "horizons": [
        {"horizon": 1, "skill": -0.01, "beats_random_walk": False},
        {"horizon": 2, "skill": 0.02, "beats_random_walk": True},
    ]
}


def enter(
    engine: Engine,
    definition: ModelDefinition,
    version: int,
    *,
    passed: bool = True,
    against: int | None = None,
) -> str | None:
    """What a training does at its end."""
    verdict: dict[str, Any] = {"passed": passed, "champion": against, "checks": []}
    new = NewVersion(
        definition.id, NAME, version, f"run{version}", "mlflow-artifacts:/x", "d", "f", 1, METRICS, date(2012, 1, 3),
        verdict,
    )  # fmt: skip
    with engine.begin() as tx:
        return Catalog(engine).add_version(tx, new)


def champion(catalog: Catalog) -> int | None:
    found = catalog.serving(AAPL)
    return None if found is None else found.version


def test_a_version_serves_when_it_passed_against_what_serves_now(
    engine: Engine, catalog: Catalog, definition: ModelDefinition
) -> None:
    assert enter(engine, definition, 1) == "champion"
    assert enter(engine, definition, 2, passed=False, against=1) == "challenger"
    assert champion(catalog) == 1
    assert enter(engine, definition, 3, against=1) == "champion"
    assert enter(engine, definition, 4, passed=False, against=3) == "challenger"
    assert [(item.version, item.alias) for item in catalog.versions_of(NAME)] == [
        (4, "challenger"),
        (3, "champion"),
        (2, None),
        (1, None),
    ]
    assert catalog.versions_of(NAME)[1].verdict == {"passed": True, "champion": 1, "checks": []}


def test_a_verdict_about_another_champion_does_not_count(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    enter(engine, definition, 1)
    enter(engine, definition, 2, against=1)
    assert enter(engine, definition, 3, against=1) == "challenger"
    assert champion(catalog) == 2
    assert "version 2 became the champion" in promotions.audit(NAME)[0].reason


def test_two_first_versions_at_once_leave_one_champion(
    engine: Engine, catalog: Catalog, definition: ModelDefinition
) -> None:
    with ThreadPoolExecutor(8) as pool:
        aliases = list(pool.map(lambda number: enter(engine, definition, number), range(1, 9)))
    assert aliases.count("champion") == 1
    assert champion(catalog) == aliases.index("champion") + 1
    bearers = [item.version for item in catalog.versions_of(NAME) if item.alias == "challenger"]
    assert len(bearers) == 1


def test_promotions_and_rollbacks_move_the_champion_and_are_remembered(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    enter(engine, definition, 1)
    enter(engine, definition, 2, against=1)
    enter(engine, definition, 3, passed=False, against=2)
    promotions.promote(NAME, 3, 2, Change("me", "I know better", {"passed": False}))
    assert champion(catalog) == 3
    assert promotions.rollback(NAME, ME) == (3, 2)
    assert promotions.rollback(NAME, ME) == (2, 1)
    with pytest.raises(ConflictError, match="no predecessor"):
        promotions.rollback(NAME, ME)
    assert champion(catalog) == 1
    told = [(entry.action, entry.from_version, entry.to_version, entry.actor) for entry in promotions.audit(NAME)]
    assert told == [
        ("rollback", 2, 1, "me"),
        ("rollback", 3, 2, "me"),
        ("promote", 2, 3, "me"),
        ("refuse", 2, 3, "training"),
        ("accept", 1, 2, "training"),
        ("accept", None, 1, "training"),
    ]
    assert promotions.audit(NAME)[2].verdict == {"passed": False}
    assert promotions.aliases() == {NAME: {"champion": 1}}


def test_what_cannot_be_promoted_is_refused_and_changes_nothing(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    with pytest.raises(NotFoundError, match="no champion"):
        promotions.rollback(NAME, ME)
    enter(engine, definition, 1)
    enter(engine, definition, 2, against=1)
    with pytest.raises(NotFoundError, match="no version 9; there are 1, 2"):
        promotions.promote(NAME, 9, 2, ME)
    with pytest.raises(ConflictError, match="already"):
        promotions.promote(NAME, 2, 2, ME)
    with pytest.raises(ConflictError, match="version 2 by now, expected None"):
        promotions.promote(NAME, 1, None, ME)
    assert champion(catalog) == 2
    assert len(promotions.audit()) == 2


def test_of_many_promotions_at_once_that_expect_the_same_champion_one_wins(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    enter(engine, definition, 1)
    for number in range(2, 10):
        enter(engine, definition, number, passed=False, against=1)

    def promote(version: int) -> bool:
        try:
            promotions.promote(NAME, version, 1, ME)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(promote, range(2, 10)))
    assert won.count(True) == 1
    assert champion(catalog) == won.index(True) + 2


def test_the_trail_is_read_in_pages(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    for version in (1, 2, 3):
        enter(engine, definition, version, against=version - 1 or None)
    first = promotions.audit(NAME, 2)
    assert [entry.to_version for entry in first] == [3, 2]
    assert [entry.to_version for entry in promotions.audit(NAME, 2, before=first[-1].id)] == [1]


def test_what_people_note_of_a_model_is_kept_and_found(catalog: Catalog, definition: ModelDefinition) -> None:
    assert (definition.description, definition.tags) == ("", ())
    catalog.change_definition(definition.id, name="Apple", tags=["desk", "daily"])
    catalog.change_definition(definition.id, description="for the desk")
    again = catalog.create_definition(definition.parsed())
    assert (again.id, again.name, again.description, again.tags) == (
        definition.id,
        "Apple",
        "for the desk",
        ("desk", "daily"),
    )
    assert catalog.definitions(tag="daily").total == 1
    assert catalog.definitions(tag="weekly").total == 0
    assert catalog.change_definition(uuid4(), name="nobody") is None


def test_a_glance_tells_of_the_newest_version_and_of_the_one_that_serves(
    engine: Engine, catalog: Catalog, definition: ModelDefinition
) -> None:
    other = catalog.create_definition(parse_spec({"ticker": "IBM"}))
    assert catalog.glances([definition.id, other.id]) == {}
    enter(engine, definition, 1)
    enter(engine, definition, 2, passed=False, against=1)
    glance = catalog.glances([definition.id, other.id])[definition.id]
    assert (glance.versions, glance.champion, glance.version, glance.alias) == (2, 1, 2, "challenger")
    assert (glance.skill, glance.beats_random_walk) == (-0.01, (2,))


def test_a_deleted_model_serves_nobody_and_can_be_made_again_without_its_versions(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    other = catalog.create_definition(parse_spec({"ticker": "AAPL", "horizon": 1, "model_type": "random_walk"}))
    enter(engine, other, 1)
    enter(engine, definition, 2, against=1)
    deletions = Deletions(engine)
    with pytest.raises(ConflictError, match="version 2 of this model serves"):
        deletions.delete(definition.id, ME, force=False)
    assert [item.version for item in deletions.delete(definition.id, ME, force=True)] == [2]
    assert catalog.serving(AAPL) is None
    assert catalog.definition(definition.id) is None
    assert [item.version for item in catalog.versions_of(NAME)] == [1]
    with pytest.raises(NotFoundError):
        deletions.delete(definition.id, ME, force=True)
    with pytest.raises(NotFoundError, match="there are 1"):
        promotions.promote(NAME, 2, None, ME)
    assert catalog.create_definition(definition.parsed()).id == definition.id
    assert catalog.versions(definition.id) == []


def test_a_model_is_not_deleted_while_it_is_trained(
    engine: Engine, catalog: Catalog, definition: ModelDefinition
) -> None:
    jobs = Jobs(engine, JobSettings())
    job = jobs.submit(JobKind.TRAIN, {"model_id": str(definition.id)})
    with pytest.raises(ConflictError, match=str(job.id)):
        Deletions(engine).delete(definition.id, ME, force=True)
    jobs.cancel(job.id)
    assert Deletions(engine).delete(definition.id, ME, force=False) == []


def test_a_training_that_ends_after_its_model_was_deleted_serves_nobody(
    engine: Engine, catalog: Catalog, definition: ModelDefinition
) -> None:
    Deletions(engine).delete(definition.id, ME, force=False)
    assert enter(engine, definition, 1) is None
    assert catalog.serving(AAPL) is None
    assert [item.version for item in Deletions(engine).due(timedelta(0))] == [1]


def test_a_purge_leaves_nothing_but_the_trail(
    engine: Engine, catalog: Catalog, promotions: Promotions, definition: ModelDefinition
) -> None:
    enter(engine, definition, 1)
    states, key = IntervalStates(engine), StateKey(NAME, 1, AAPL)
    states.add(key, AdaptiveState.from_dict({**AdaptiveState.start(1).to_dict(), "through": "2012-01-04"}))
    deletions = Deletions(engine)
    deletions.delete(definition.id, ME, force=True)
    assert deletions.due(timedelta(days=30)) == []
    assert deletions.purge_definitions(timedelta(0)) == []  # a version is left
    [due] = deletions.due(timedelta(0))
    deletions.purge_version(due, Change("purge"))
    assert states.newest(key) is None
    assert deletions.purge_definitions(timedelta(0)) == [NAME]
    assert model_row(engine, definition.id) == 0
    assert [entry.action for entry in promotions.audit(NAME)] == ["purge", "delete", "accept"]


def model_row(engine: Engine, model_id: UUID) -> int:
    with engine.begin() as tx:
        found = tx.execute(text("SELECT count(*) FROM model_definitions WHERE id = :id"), {"id": str(model_id)})
        return int(found.scalar_one())


def test_an_unknown_model_cannot_be_deleted(engine: Engine, catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="there is no model"):
        Deletions(engine).delete(uuid4(), ME, force=True)
