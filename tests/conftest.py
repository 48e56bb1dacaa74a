"""The running local profile, started once per test run on free ports with its data in a temporary folder.

With ``TEST_SERVERS=running`` nothing is started: the servers are those that the settings name (``make
integration-containers``: PostgreSQL, ClickHouse and Redis in their official images).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from stock_kit.settings import load_settings
from stock_local.testing import LocalStack, stack_environment


class RunningServers:
    """Servers that somebody else started, for the tests that need nothing but connections."""

    def __init__(self) -> None:
        self.settings = load_settings()
        self.env = dict(os.environ)

    def require(self, *names: str) -> None:
        """They run."""


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack | RunningServers]:
    """A supervisor without any service yet: ``local_stack.require("kafka", "clickhouse")`` starts what a test needs."""
    if os.environ.get("TEST_SERVERS") == "running":
        yield RunningServers()
        return
    stack = LocalStack(stack_environment(tmp_path_factory.mktemp("stack")))
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def servers(local_stack: LocalStack) -> LocalStack:
    """The stack with its databases, broker and S3 running, but none of our services."""
    local_stack.require_servers()
    return local_stack


@pytest.fixture(scope="session")
def stack(local_stack: LocalStack) -> LocalStack:
    """The stack with everything running."""
    local_stack.require()
    return local_stack


@pytest.fixture(scope="session")
def sample_loaded(stack: LocalStack) -> None:
    """The sample's prices are in the warehouse, loaded by a flow run."""
    done = stack.cli("etl", "--source", "sample")
    assert done.returncode == 0, done.stdout + done.stderr
