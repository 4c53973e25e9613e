"""Agents for the contract suite, one for each Python of this machine, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_agents import INTERPRETERS, Agent, start


@pytest.fixture(scope="session", params=list(INTERPRETERS))
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent under each Python of this machine in turn."""
    it = start(INTERPRETERS[request.param])
    yield it
    it.session.close()


@pytest.fixture(scope="session")
def newest() -> Iterator[Agent]:
    """An agent under the newest Python of this machine, for what does not depend on the version."""
    it = start(list(INTERPRETERS.values())[-1])
    yield it
    it.session.close()
