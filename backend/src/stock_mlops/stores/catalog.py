"""The model catalog: definitions and their registered versions, in model_meta_db.

The catalog decides which version serves; MLflow's alias of the same name is a copy for people. A version that was
registered in MLflow by an attempt that never committed has no row here and is never served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, Engine, Row, text

from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.instruments import Instrument
from stock_mlops.stores.promotions import CHALLENGER, CHAMPION, Action, Change, lock_name, note, set_alias, version_with


@dataclass(frozen=True, slots=True)
class ModelDefinition:
    id: UUID
    name: str
    exchange: str
    ticker: str | None
    """None: a panel's."""
    panel: str | None
    model_type: str
    registered_name: str
    spec: Mapping[str, Any]
    """Plain values of the :class:`ModelSpec`."""
    spec_hash: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    tags: tuple[str, ...] = ()

    def parsed(self) -> ModelSpec:
        """The spec, validated; raises ``InvalidSpecError`` when this version no longer knows what it names."""
        return parse_spec(self.spec)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that was registered in MLflow and is to be entered."""

    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    artifact_uri: str
    """Folder of the bundle in MLflow's artifact store."""
    data_version: str
    feature_version: str
    horizon: int
    metrics: Mapping[str, Any]
    trained_until: date
    verdict: Mapping[str, Any]
    """Of the gate: ``forecasting.gate.Verdict`` in plain values."""
    job_id: UUID | None = None
    remark: str = ""
    """What the audit trail says of its making."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    artifact_uri: str
    alias: str | None
    data_version: str
    feature_version: str
    horizon: int
    metrics: Mapping[str, Any]
    trained_until: date
    job_id: UUID | None
    created_at: datetime
    verdict: Mapping[str, Any] | None = None
    """Of the gate, when it was entered; None: before there was a gate."""

    @property
    def ref(self) -> Champion:
        return Champion(self.registered_name, self.version, self.run_id, self.artifact_uri)


@dataclass(frozen=True, slots=True)
class Champion:
    """What serving has to know of a champion; small, because all of them are asked for every few seconds."""

    registered_name: str
    version: int
    run_id: str
    artifact_uri: str
    members: tuple[str, ...] = ()
    """Keys of the instruments (``US:AAPL``) that it was trained for."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list tells of a model: how many versions it has, which serves, and how good the newest is."""

    versions: int
    champion: int | None
    """Its version that serves; None: none of its own does."""
    version: int
    """The newest; the rest is of it."""
    alias: str | None
    trained_until: date
    created_at: datetime
    skill: float | None
    """One session ahead."""
    beats_random_walk: tuple[int, ...]
    """Horizons at which it does, beyond chance."""


@dataclass(frozen=True, slots=True)
class DefinitionPage:
    items: list[ModelDefinition]
    total: int


_DEFINITION = (
    "id, name, exchange, ticker, panel, model_type, registered_name, spec, spec_hash, created_at, updated_at,"
    " description, tags"
)
_VERSION = (
    "model_id, registered_name, version, run_id, artifact_uri, alias, data_version, feature_version, horizon, metrics,"
    " trained_until, job_id, created_at, verdict"
)
# Metrics are large: only those of the newest version are opened.
_GLANCES = """
    SELECT model_id, versions, champion, version, alias, trained_until, created_at,
        jsonb_path_query_first(metrics, '$.horizons[*] ? (@.horizon == 1).skill') AS skill,
        jsonb_path_query_array(metrics, '$.horizons[*] ? (@.beats_random_walk == true).horizon') AS better
    FROM (
        SELECT DISTINCT ON (model_id) model_id, version, alias, trained_until, created_at, metrics,
            count(*) OVER same AS versions, max(version) FILTER (WHERE alias = :champion) OVER same AS champion
        FROM model_versions WHERE deleted_at IS NULL AND model_id = ANY (CAST(:ids AS uuid[]))
        WINDOW same AS (PARTITION BY model_id)
        ORDER BY model_id, version DESC
    ) newest
"""


def _definition(row: Row[Any]) -> ModelDefinition:
    values = dict(row._mapping)
    return ModelDefinition(**{**values, "id": UUID(str(values["id"])), "tags": tuple(values["tags"])})


def _version(row: Row[Any]) -> ModelVersion:
    values = dict(row._mapping)
    values["model_id"] = UUID(str(values["model_id"]))
    values["job_id"] = None if values["job_id"] is None else UUID(str(values["job_id"]))
    return ModelVersion(**values)


class Catalog:
    """Definitions and versions. Every method is one short transaction; ``add_version`` joins its caller's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_definition(self, spec: ModelSpec, name: str | None = None) -> ModelDefinition:
        """Enter a definition; the same spec again gives the one that exists, or was deleted, then without its versions
        of before."""
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"""
                    INSERT INTO model_definitions (id, name, exchange, ticker, panel, model_type, registered_name, spec,
                        spec_hash)
                    VALUES (:id, :name, :exchange, :ticker, :panel, :model_type, :registered_name,
                        CAST(:spec AS jsonb), :spec_hash)
                    ON CONFLICT (spec_hash) DO UPDATE SET updated_at = now(), deleted_at = NULL RETURNING {_DEFINITION}
                """),  # noqa: S608  the columns are a constant
                {
                    "id": str(uuid4()),
                    "name": name or spec.name,
                    "exchange": spec.exchange,
                    "ticker": spec.ticker,
                    "panel": spec.panel,
                    "model_type": spec.model_type,
                    "registered_name": spec.registered_model,
                    "spec": orjson.dumps(spec.model_dump(mode="json")).decode(),
                    "spec_hash": spec.spec_hash,
                },
            ).one()
        return _definition(row)

    def definition(self, model_id: UUID) -> ModelDefinition | None:
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"SELECT {_DEFINITION} FROM model_definitions WHERE id = :id AND deleted_at IS NULL"),  # noqa: S608
                {"id": str(model_id)},
            ).first()
        return None if row is None else _definition(row)

    def change_definition(
        self,
        model_id: UUID,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> ModelDefinition | None:
        """Change what people call it and note of it (None: leave it); None when there is no such definition."""
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"""
                    UPDATE model_definitions SET updated_at = now(), name = COALESCE(:name, name),
                        description = COALESCE(:description, description),
                        tags = COALESCE(CAST(:tags AS text[]), tags)
                    WHERE id = :id AND deleted_at IS NULL RETURNING {_DEFINITION}
                """),  # noqa: S608
                {
                    "id": str(model_id),
                    "name": name,
                    "description": description,
                    "tags": None if tags is None else list(tags),
                },
            ).first()
        return None if row is None else _definition(row)

    def definitions(
        self,
        *,
        exchange: str | None = None,
        ticker: str | None = None,
        panel: str | None = None,
        model_type: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> DefinitionPage:
        """Definitions that match, the newest first, and how many there are in all."""
        where = """WHERE deleted_at IS NULL AND (CAST(:exchange AS text) IS NULL OR exchange = :exchange)
            AND (CAST(:ticker AS text) IS NULL OR ticker = :ticker)
            AND (CAST(:panel AS text) IS NULL OR panel = :panel)
            AND (CAST(:model_type AS text) IS NULL OR model_type = :model_type)
            AND (CAST(:tag AS text) IS NULL OR :tag = ANY (tags))"""
        wanted = {"exchange": exchange, "ticker": ticker, "panel": panel, "model_type": model_type, "tag": tag}
        with self._engine.begin() as tx:
            total = tx.execute(text(f"SELECT count(*) FROM model_definitions {where}"), wanted).scalar_one()  # noqa: S608
            rows = tx.execute(
                text(
                    f"SELECT {_DEFINITION} FROM model_definitions {where}"  # noqa: S608
                    " ORDER BY created_at DESC, id LIMIT :limit OFFSET :offset"
                ),
                {**wanted, "limit": limit, "offset": offset},
            ).all()
        return DefinitionPage([_definition(row) for row in rows], int(total))

    def glances(self, model_ids: Sequence[UUID]) -> dict[UUID, Glance]:
        """Of each of the models that has a version."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(_GLANCES), {"ids": [str(model_id) for model_id in model_ids], "champion": CHAMPION}
            ).all()
        return {
            UUID(str(row.model_id)): Glance(
                row.versions,
                row.champion,
                row.version,
                row.alias,
                row.trained_until,
                row.created_at,
                None if row.skill is None else float(row.skill),
                tuple(row.better),
            )
            for row in rows
        }

    def versions(self, model_id: UUID) -> Sequence[ModelVersion]:
        """The registered versions of a definition, the newest first."""
        return self._versions("model_id = :id", {"id": str(model_id)})

    def versions_of(self, registered_name: str | None = None) -> Sequence[ModelVersion]:
        """The versions of a registered name, or of all names, by name and the newest first."""
        return self._versions("CAST(:name AS text) IS NULL OR registered_name = :name", {"name": registered_name})

    def version_of(self, registered_name: str, version: int) -> ModelVersion | None:
        wanted = {"name": registered_name, "version": version}
        found = self._versions("registered_name = :name AND version = :version", wanted)
        return found[0] if found else None

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        found = self._versions(
            "registered_name = :name AND alias = :alias", {"name": registered_name, "alias": CHAMPION}
        )
        return found[0] if found else None

    def _versions(self, condition: str, values: Mapping[str, Any]) -> list[ModelVersion]:
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(
                    f"SELECT {_VERSION} FROM model_versions"  # noqa: S608  the conditions are constants
                    f" WHERE deleted_at IS NULL AND ({condition}) ORDER BY registered_name, version DESC"
                ),
                dict(values),
            ).all()
        return [_version(row) for row in rows]

    def version(self, registered_name: str, version: int) -> Champion | None:
        """Where the files of a version are, whatever its alias."""
        with self._engine.begin() as tx:
            row = tx.execute(
                text("""
                    SELECT registered_name, version, run_id, artifact_uri FROM model_versions
                    WHERE registered_name = :name AND version = :version
                """),
                {"name": registered_name, "version": version},
            ).first()
        return None if row is None else Champion(*row)

    def serving(self, instrument: Instrument) -> Champion | None:
        """What serves an instrument: its own champion, else that of the newest panel that it belongs to; None when the
        random walk does."""
        serving: Champion | None = None
        for champion in self.champions(instrument):
            if champion.registered_name == instrument.registered_model:
                return champion
            serving = champion
        return serving

    def champions(self, instrument: Instrument | None = None) -> list[Champion]:
        """All champions (of an instrument: those that may serve it), the newest last, in one cheap query."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT v.registered_name, v.version, v.run_id, v.artifact_uri, d.exchange,
                        CASE WHEN d.ticker IS NULL THEN d.spec -> 'tickers' ELSE jsonb_build_array(d.ticker) END
                    FROM model_versions v JOIN model_definitions d ON d.id = v.model_id
                    WHERE v.alias = :alias AND (CAST(:ticker AS text) IS NULL OR (d.exchange = :exchange
                        AND (d.ticker = :ticker OR d.spec -> 'tickers' @> to_jsonb(CAST(:ticker AS text)))))
                    ORDER BY v.created_at
                """),
                {
                    "alias": CHAMPION,
                    "exchange": None if instrument is None else instrument.exchange,
                    "ticker": None if instrument is None else instrument.ticker,
                },
            ).all()
        return [
            Champion(name, version, run_id, uri, tuple(Instrument(exchange, ticker).key for ticker in tickers))
            for name, version, run_id, uri, exchange, tickers in rows
        ]

    def add_version(self, connection: Connection, new: NewVersion, *, may_serve: bool = True) -> str | None:
        """Enter a version inside the caller's transaction: as the champion when it passed the gate, else (or when it
        may not serve yet) as the challenger; returns its alias, None when its definition was deleted meanwhile."""
        # Two trainings of one ticker may commit at once; without the lock both would demote the same champion.
        lock_name(connection, new.registered_name)
        deleted_at = connection.execute(
            text("SELECT deleted_at FROM model_definitions WHERE id = :id FOR SHARE"), {"id": str(new.model_id)}
        ).scalar()
        champion = version_with(connection, new.registered_name, CHAMPION)
        # The verdict compares with one version; when another serves by now, it says nothing about that one.
        current = new.verdict["champion"] == champion
        accepted = may_serve and new.verdict["passed"] and current
        alias = None if deleted_at is not None else CHAMPION if accepted else CHALLENGER
        self._insert(connection, new, deleted_at)
        if alias is None:
            return None
        set_alias(connection, new.registered_name, alias, new.version)
        late = "" if current else f"version {champion} became the champion while this one was judged"
        reason = "; ".join(filter(None, (new.remark, late)))
        note(
            connection,
            Action.ACCEPT if accepted else Action.REFUSE if may_serve else Action.SHADOW,
            new.registered_name,
            (champion, new.version),
            Change("training", reason, new.verdict, new.job_id),
        )
        return alias

    @staticmethod
    def _insert(connection: Connection, new: NewVersion, deleted_at: datetime | None) -> None:
        connection.execute(
            text("""
                INSERT INTO model_versions (id, model_id, registered_name, version, run_id, artifact_uri, data_version,
                    feature_version, horizon, metrics, trained_until, job_id, verdict, deleted_at)
                VALUES (:id, :model_id, :registered_name, :version, :run_id, :artifact_uri, :data_version,
                    :feature_version, :horizon, CAST(:metrics AS jsonb), :trained_until, :job_id,
                    CAST(:verdict AS jsonb), :deleted_at)
            """),
            {
                "id": str(uuid4()),
                "model_id": str(new.model_id),
                "registered_name": new.registered_name,
                "version": new.version,
                "run_id": new.run_id,
                "artifact_uri": new.artifact_uri,
                "data_version": new.data_version,
                "feature_version": new.feature_version,
                "horizon": new.horizon,
                "metrics": orjson.dumps(new.metrics).decode(),
                "trained_until": new.trained_until,
                "job_id": None if new.job_id is None else str(new.job_id),
                "verdict": orjson.dumps(new.verdict).decode(),
                "deleted_at": deleted_at,
            },
        )
