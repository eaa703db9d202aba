"""Servers for the tests of the HTTP surface, each on its own copy of a small data folder."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_model import FakeModel
from tests.handlers.site import TOPICS, Site, open_site, with_model


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one knowledge base, read once for all tests."""
    data = tmp_path_factory.mktemp("prepared") / "data"

    async def prepare() -> None:
        async with open_site(data) as site:
            await site.kb("Topics", TOPICS)

    asyncio.run(prepare())
    return data


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own."""
    return Path(shutil.copytree(prepared, tmp_path / "data"))


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with FakeModel() as running:
        yield running


@pytest.fixture
async def site(data: Path) -> AsyncIterator[Site]:
    """A server with the extractive writer."""
    async with open_site(data) as running:
        yield running


@pytest.fixture
async def modelled(data: Path, model: FakeModel) -> AsyncIterator[Site]:
    """A server that asks the scripted model."""
    async with open_site(data, **with_model(model)) as running:
        yield running
