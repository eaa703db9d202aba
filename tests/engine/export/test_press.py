import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import html

from engine.errors import Invalid, LimitReached, TooLarge
from engine.export.manuscript import Format, Order
from engine.export.press import Press
from engine.export.reading import read
from engine.ingest import confinement
from engine.ingest.limits import MIB, Limits
from tests.exporting import (
    docx_part,
    docx_text,
    long_text,
    manuscript,
    markdown_tree,
    pdf_text,
    said,
    text_of,
    tokens,
)

SLEEP = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def order(format_: Format, content: str = "Text [1].", **changes: str) -> Order:
    return Order(manuscript=manuscript(content, citations=200), format=format_, **changes)


async def written(wanted: Order, press: Press | None = None) -> bytes:
    async with asyncio.timeout(90):
        return await (press or Press()).write(wanted)


def words_of(data: bytes, format_: Format, folder: Path) -> Counter[str]:
    match format_:
        case "docx":
            parts = ("word/document.xml", "word/footnotes.xml")
            return tokens(" ".join(docx_text(docx_part(data, part)) for part in parts))
        case "pdf":
            return tokens(pdf_text(data, folder))
        case "markdown":
            return tokens(text_of(markdown_tree(data)))
        case _:
            return tokens(text_of(html.fromstring(data)))


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["docx", "pdf", "markdown", "html"])
async def test_twenty_thousand_words_are_written(
    format_: Format, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    content = long_text(20_000)
    began = asyncio.get_running_loop().time()
    data = await written(order(format_, content))
    record_property(f"seconds_{format_}", asyncio.get_running_loop().time() - began)
    wanted = said(read(manuscript(content, citations=200)))
    assert wanted.total() > 18_000
    assert (wanted - words_of(data, format_, tmp_path)).keys() <= {"References"}


async def test_a_file_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_BOOTSTRAP", SLEEP)
    with pytest.raises(TooLarge, match="too long to be written as pdf"):
        await written(order("pdf"), Press(Limits(wall_s=0.2)))


async def test_a_file_that_needs_too_much_memory_is_given_up() -> None:
    limits = Limits(memory_bytes=64 * MIB, max_files=512)
    with pytest.raises(TooLarge):
        await written(order("docx"), Press(limits))


async def test_a_refusal_in_the_child_arrives(tmp_path: Path) -> None:
    path = tmp_path / "no.docx"
    path.write_bytes(b"no archive")
    with pytest.raises(Invalid) as refused:
        await written(order("docx", base=str(path)))
    assert refused.value.field == "template"


async def test_only_so_many_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_BOOTSTRAP", SLEEP)
    press = Press(Limits(wall_s=30))
    tasks = [asyncio.create_task(press.write(order("pdf"))) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(LimitReached) as refused:
        await written(order("pdf"), press)
    assert refused.value.code == "RATE_LIMITED"
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(10):
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
