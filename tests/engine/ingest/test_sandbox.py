import asyncio
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_files import docx_of, flate_bomb, lines, paragraph, pdf_of

from engine.errors import AppError, Unsupported
from engine.ingest import confinement, sandbox
from engine.ingest.kinds import PDF, TEXT
from engine.ingest.limits import MIB, Limits
from engine.ingest.parsed import Parsed, ParseFailed

ONE_PAGE = pdf_of([lines((72, 700, 12, "Words of the page."))])
FLATE = b"/Filter/FlateDecode"


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


async def parse(
    tmp_path: Path, data: bytes, name: str = "a", limits: Limits | None = None
) -> Parsed:
    path = tmp_path / "content"
    path.write_bytes(data)
    async with asyncio.timeout(60):
        return await sandbox.parse(path, name=name, limits=limits or Limits())


async def reason(tmp_path: Path, data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(AppError) as failure:
        await parse(tmp_path, data, limits=limits)
    assert isinstance(failure.value, ParseFailed | Unsupported)
    return failure.value.message


async def test_a_document_comes_back_whole(tmp_path: Path) -> None:
    parsed = await parse(tmp_path, ONE_PAGE)
    assert (parsed.media_type, parsed.text) == (PDF, "Words of the page.")
    (chunk,) = parsed.chunks
    assert parsed.text[chunk.char_start : chunk.char_end] == parsed.text
    assert chunk.page == 1


@pytest.mark.parametrize(
    "name", ["../../x.txt", "CON", "x" * 300, "\u202etxt", "a\r\nb", "😀", "\0", "\ud800", "-c", ""]
)
async def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    assert (await parse(tmp_path, b"Words.", name)).media_type == TEXT


async def test_a_pdf_called_docx_is_read_as_pdf(tmp_path: Path) -> None:
    assert (await parse(tmp_path, ONE_PAGE, "plan.docx")).media_type == PDF


async def test_a_file_that_is_two_things_is_read_as_its_first(tmp_path: Path) -> None:
    both = ONE_PAGE + docx_of(paragraph("hidden")) + b"<html>hidden"
    assert (await parse(tmp_path, both)).text == "Words of the page."


async def test_other_types_are_unsupported(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="Allowed are PDF"):
        await parse(tmp_path, b"\x89PNG\r\n\x1a\n\0\0\0")


@pytest.mark.parametrize("data", [b"", b" \n\n "])
async def test_an_empty_file_fails_in_plain_words(tmp_path: Path, data: bytes) -> None:
    assert await reason(tmp_path, data) == "This document has no text."


async def test_memory_is_limited(tmp_path: Path) -> None:
    bomb = pdf_of([flate_bomb(400)], entries=FLATE)
    message = await reason(tmp_path, bomb, Limits(memory_bytes=400 * MIB))
    assert message == "This file needs more memory to read than is allowed."


async def test_processor_time_is_limited(tmp_path: Path) -> None:
    many = zlib.compress(b"BT /F 12 Tf 72 700 Td (word) Tj ET\n" * 1_000_000, 9)
    message = await reason(tmp_path, pdf_of([many], entries=FLATE), Limits(cpu_s=1))
    assert message == "This file takes longer to read than is allowed."


async def test_waiting_time_is_limited(tmp_path: Path) -> None:
    message = await reason(tmp_path, ONE_PAGE, Limits(wall_s=0.01))
    assert message == "This file takes longer to read than is allowed."


async def test_the_amount_of_text_is_limited(tmp_path: Path) -> None:
    message = await reason(tmp_path, b"word " * 1000, Limits(max_characters=100))
    assert "more than 100 characters" in message


async def test_output_over_the_limit_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_OVERHEAD_BYTES", 0)
    endless = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    monkeypatch.setattr(confinement, "_BOOTSTRAP", endless)
    assert "more text than is allowed" in await reason(tmp_path, b"Words.")


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("raise SystemExit(1)", "may be damaged"),
        ("print('no outcome')", "may be damaged"),
        ("import os; os.kill(os.getpid(), 11)", "may be damaged"),
        ("import os; os.abort()", "more memory"),
        ("import os; os.kill(os.getpid(), 9)", "more memory"),
    ],
)
async def test_a_child_that_dies_is_a_failed_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, sentence: str
) -> None:
    monkeypatch.setattr(confinement, "_BOOTSTRAP", program)
    assert sentence in await reason(tmp_path, b"Words.")


async def test_the_child_knows_nothing_of_its_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM_KEY", "secret")
    look = (
        "import os, sys\n"
        "known = {'LC_ALL', 'MALLOC_ARENA_MAX', 'LC_CTYPE'}\n"
        "assert set(os.environ) <= known and not sys.stdin.read()\n"
        "assert os.getpgid(0) == os.getpid()\n"
        "sys.exit(7 if os.getcwd() == '/' else 1)"
    )
    monkeypatch.setattr(confinement, "_BOOTSTRAP", look)
    codes: list[int] = []
    monkeypatch.setattr(sandbox, "_reason", lambda code: codes.append(code) or "ended")
    await reason(tmp_path, b"Words.")
    assert codes == [7]


async def test_a_cancelled_parse_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grandchild = "import subprocess; subprocess.run(['sleep', '60'])"
    monkeypatch.setattr(confinement, "_BOOTSTRAP", f"print('x', flush=True)\n{grandchild}")
    reading = asyncio.Event()
    read = sandbox._read

    async def noticed(*arguments: object) -> bytes:
        reading.set()
        return await read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sandbox, "_read", noticed)
    task = asyncio.create_task(parse(tmp_path, b"Words."))
    async with asyncio.timeout(5):
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_single_line_of_megabytes_is_read(tmp_path: Path) -> None:
    parsed = await parse(tmp_path, b"word " * 600_000)
    assert len(parsed.text) == 3_000_000
    assert all(chunk.char_end - chunk.char_start < 1500 for chunk in parsed.chunks)
