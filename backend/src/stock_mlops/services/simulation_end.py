"""The last acts of a simulation: sampled days are computed again, what the days add up to is reported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from stock_kit.settings import Settings

from stock_mlops.prices.adjustment import adjust
from stock_mlops.services.retraining_evidence import validated_rmse
from stock_mlops.services.simulation_check import Lived, NoLookAhead
from stock_mlops.services.simulation_report import SimulationReport
from stock_mlops.services.simulation_source import StoredHistory
from stock_mlops.simulation.summary import Checked, summarise
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.retrainings import Retrainings
from stock_mlops.stores.simulated_outcomes import SimulatedOutcomes
from stock_mlops.stores.simulations import Simulation, Simulations

_LOADED = 256


class Pages(Protocol):
    """``stores.simulation_reports.SimulationReports``."""

    def put(self, simulation_id: UUID, kind: str, content: bytes) -> None: ...


class Ending:
    """
    Args:
        world: settings whose databases are the simulation's.
    """

    def __init__(
        self, world: Settings, simulation: Simulation, history: StoredHistory, table: Simulations, pages: Pages
    ) -> None:
        self._world = world
        self._simulation = simulation
        self._plan = simulation.plan
        self._history = history
        self._table = table
        self._pages = pages
        self._outcomes = SimulatedOutcomes(get_client(world.clickhouse))
        self._catalog = Catalog(get_engine(world.model_meta_db))
        self._checked: Checked | None = None

    def verify(self) -> None:
        """Compute the sampled days again, unless none was asked for."""
        if not self._plan.verify:
            return
        retrainings = Retrainings(get_engine(self._world.model_meta_db))

        def champion(retraining_id: UUID) -> int | None:
            found = retrainings.get(retraining_id)
            return None if found is None else found.champion

        with closing(MlflowRest(self._world.mlflow)) as mlflow:
            files = ModelFiles(mlflow, self._world.path(self._world.serving.cache_dir))
            lived = Lived(
                self._plan.sessions(),
                self._decisions(),
                self._outcomes.of,
                lambda instrument, version: self._catalog.version_of(instrument.registered_model, version),
                champion,
                lru_cache(maxsize=_LOADED)(files.load),
            )
            check = NoLookAhead(self._plan, self._history, lived, mlflow, self._world.gate)
            self._checked = check.run(self._plan.verify)

    def report(self) -> Mapping[str, Any]:
        """Write the report; returns the summary that it rests on."""
        if self._checked is None:
            self.verify()  # by a process that died since
        summary = summarise(
            self._plan,
            self._outcomes.all(),
            {str(key[0]): rows for key, rows in self._prices()},
            self._decisions(),
            self._table.alerts(self._simulation.id),
            {
                (version.registered_name.split("-", 2)[2], str(version.version)): validated_rmse(version)
                for version in self._catalog.versions_of()
            },
            self._checked,
        )
        report = SimulationReport(
            self._plan,
            self._simulation.name,
            summary,
            self._decisions(),
            self._table.alerts(self._simulation.id),
        )
        self._pages.put(self._simulation.id, "html", report.html().encode())
        self._pages.put(self._simulation.id, "markdown", report.markdown().encode())
        return summary

    def _decisions(self) -> list[Any]:
        return list(reversed(self._table.decisions(self._simulation.id)[1]))

    def _prices(self) -> Any:
        clean = adjust(self._history.until(self._plan.last))
        return clean.partition_by("ticker", as_dict=True).items()
