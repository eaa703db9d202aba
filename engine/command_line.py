"""The product without a server: documents in, drafts and answers out, on the same road."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from getpass import getpass
from pathlib import Path

from engine import Engine, make_accounts, make_identity, make_tokens, open_engine
from engine.auth.passwords import Passwords
from engine.config import Config
from engine.errors import Invalid, NotFound
from engine.flows.accounts import Accounts
from engine.flows.audit import Audit
from engine.flows.draft_request import DraftRequest
from engine.flows.export import ExportRequest
from engine.flows.identity import Identity
from engine.flows.pipeline_request import PipelineRequest
from engine.flows.query import QueryRequest
from engine.flows.sample import arrive
from engine.flows.search import SearchRequest
from engine.ingest.decoding import decode
from engine.runs.dialects import shortened
from engine.runs.events import (
    Cited,
    Completed,
    Delta,
    Event,
    Failed,
    OfferedSource,
    Sources,
    Stage,
    Token,
)
from engine.storage import knowledge
from engine.storage.database import open_database
from engine.storage.documents import Document
from engine.storage.identities import User
from engine.storage.knowledge import KnowledgeBase
from engine.types import Citation, Id

_WAIT_S = 3600.0


async def ingest(config: Config, kb_name: str, paths: list[Path]) -> int:
    """Put files, and the files of folders, into a knowledge base; return the exit status."""
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        kb_id = await _found_or_made(engine, user, kb_name)
        failed = 0
        for path in _files(paths):
            document = await engine.library.add(
                engine.runs, user, kb_id, arrive(engine.files, path)
            )
            failed += not await _told(engine, document, path)
    return 1 if failed else 0


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and p.name[0] != ".")
        else:
            yield path


async def _found_or_made(engine: Engine, user: User, name: str) -> Id:
    async with engine.database.transaction() as tx:
        found = await knowledge.find(tx, user, name)
        return found.id if found else await knowledge.create(tx, user.id, name)


async def _told(engine: Engine, document: Document, path: Path) -> bool:
    """Wait until a file has been read, say how it went, and return whether it went well."""
    end: Event | None = None
    if document.status not in ("ready", "failed"):
        async for event in _events(engine, document.run_id):
            end = event
    if isinstance(end, Failed):
        print(f"failed  {path}: {end.message}", file=sys.stderr)
        return False
    warnings = end.warnings if isinstance(end, Completed) else document.warnings
    print(f"ready   {path}", *warnings)
    return True


async def draft(config: Config, kb_name: str, document_type: str, context: str) -> int:
    """Write a draft to standard output, then its citations; return the exit status."""
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        kb = await _kb(engine, user, kb_name)
        request = DraftRequest(
            kb_id=kb.id, document_type=document_type, context=context, on_disconnect="cancel"
        )
        run = await engine.drafting.start(engine.runs, user, request, key=None, body_hash="")
        citations: list[Citation] = []
        end: Event | None = None
        async for end in _events(engine, run.id):
            match end:
                case Delta(text=text):
                    print(text, end="", flush=True)
                case Cited(citation=citation):
                    citations.append(citation)
                case Stage(name="waiting", message=message):
                    print(message, file=sys.stderr)
    print("\n")
    for citation in citations:
        print(f"[{citation.number}] {_place(citation)}\n    {_quote(citation)}")
    if isinstance(end, Completed):
        print(f"\n{end.word_count} words. {end.summary} Confidence {end.confidence:.0%}.")
        return 0
    print(f"\n{end.message if isinstance(end, Failed) else 'Stopped.'}", file=sys.stderr)
    return 1


async def export(config: Config, draft_id: Id, request: ExportRequest, path: Path | None) -> int:
    """Write a draft to a file, by default one named after its id; return the exit status."""
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        file = await engine.exporting.export(user, draft_id, request)
    path = path or Path(draft_id).with_suffix(file.type.suffix)
    path.write_bytes(file.data)
    print(path)
    return 0


async def ask(config: Config, question: str, kb_name: str | None) -> int:
    """Answer one question on standard output, then list its passages; return the exit status."""
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        kb_ids = [(await _kb(engine, user, kb_name)).id] if kb_name else None
        request = QueryRequest(query=question, kb_ids=kb_ids)
        run = await engine.query.start(engine.runs, user, request, key=None, body_hash="")
        return await _answered(engine, run.id)


async def search(config: Config, query: str, limit: int) -> int:
    """Sum up what is found on standard output, then list it; return the exit status."""
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        request = SearchRequest(query=query, limit=limit)
        run = await engine.search.start(engine.runs, user, request, key=None, body_hash="")
        return await _answered(engine, run.id)


async def _answered(engine: Engine, run_id: Id) -> int:
    found: list[OfferedSource] = []
    end: Event | None = None
    async for end in _events(engine, run_id):
        match end:
            case Sources(items=items):
                found = items
            case Delta(text=text):
                print(text, end="", flush=True)
    print()
    for number, item in enumerate(found, start=1):
        page = f", page {item.page}" if item.page else ""
        print(f"\n{number}. {item.document_name}{page} ({item.score:.0%})")
        print(f"    {shortened(' '.join(item.excerpt.split()))}")
    if isinstance(end, Completed):
        for warning in end.warnings:
            print(warning, file=sys.stderr)
        return 0
    print(end.message if isinstance(end, Failed) else "Stopped.", file=sys.stderr)
    return 1


async def pipeline(config: Config, path: Path, content_type: str, questions: int) -> int:
    """Put the notes of a file into form on standard output; return the exit status.

    A terminal shows the text while it is written. A file or a pipe gets it at the end, so that an
    attempt that broke the rules is not in it.
    """
    request = PipelineRequest(
        content_type=content_type, input_text=_notes(path), num_questions=questions
    )
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        run = await engine.pipeline.start(engine.runs, user, request, key=None, body_hash="")
        is_live = sys.stdout.isatty()
        end: Event | None = None
        async for end in _events(engine, run.id):
            match end:
                case Token(stage="formatted", text=text) if is_live:
                    print(text, end="", flush=True)
                case Stage(message=message):
                    print(f"\n{message}" if is_live else message, file=sys.stderr)
    if not isinstance(end, Completed):
        print(end.message if isinstance(end, Failed) else "Stopped.", file=sys.stderr)
        return 1
    if not is_live:
        print(end.result["output"] or end.result["partial_output"])
    for one in end.result["validation_errors"]:
        print(f"line {one['line']}, {one['section']}: {one['message']}", file=sys.stderr)
    return 0 if end.result["success"] else 1


def _notes(path: Path) -> str:
    text = decode(path.read_bytes())
    if text is None:
        raise Invalid(f"{path} is not a text file.")
    return text


async def _kb(engine: Engine, user: User, name: str) -> KnowledgeBase:
    async with engine.database.read() as connection:
        found = await knowledge.find(connection, user, name)
        names = [kb.name for kb in await knowledge.list_all(connection, user)]
    if found is None:
        known = ", ".join(names) or "none yet"
        raise NotFound(f"There is no knowledge base called “{name}”. There is: {known}.")
    return found


async def _events(engine: Engine, run_id: Id) -> AsyncIterator[Event]:
    async with engine.runs.attach(run_id, 0) as tail:
        while (records := await tail.next(_WAIT_S)) is not None:
            for record in records:
                yield record.event


def _place(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page else ""
    section = f", {citation.section}" if citation.section else ""
    return citation.document_name + page + section


def _quote(citation: Citation) -> str:
    quote = citation.excerpt[citation.quote_start : citation.quote_end] or citation.excerpt
    return " ".join(quote.split())


async def print_token(config: Config) -> None:
    """Print a fresh bearer token of the local administrator."""
    async with _directory(config) as (identity, _):
        print(await identity.new_token())


async def manage_user(config: Config, action: str, name: str, *, is_admin: bool) -> None:
    """Add, disable or enable a user, or set a password; the server may run meanwhile.

    Raises:
        AppError: says what stands against it.
    """
    async with _directory(config) as (identity, accounts):
        if action == "add":
            account = await accounts.create(None, name, None, is_admin=is_admin)
            link = await identity.new_link(account.id)
            base = config.public_url.rstrip("/") or f"http://{config.host}:{config.port}"
            print(f"{account.username} signs in once with {base}/login?link={link}")
            return
        user_id = await accounts.id_of(name)
        if action == "password":
            await accounts.set_password(user_id, _new_password())
            print(f"{name} has a new password, and all sessions have ended.")
            return
        account = await accounts.set_disabled(None, user_id, disabled=action == "disable")
        print(f"{account.username} is {'disabled' if account.is_disabled else 'enabled'}.")


def _new_password() -> str:
    """Ask for a password, or read it from standard input."""
    if sys.stdin.isatty():
        return getpass("New password: ")
    return sys.stdin.readline().rstrip("\n")


@asynccontextmanager
async def _directory(config: Config) -> AsyncIterator[tuple[Identity, Accounts]]:
    """Open who may use the server, and nothing else."""
    passwords = Passwords()
    async with open_database(config.data / "footnote.db", readers=1) as database:
        audit = Audit(database, keep_days=config.audit_days)
        tokens = make_tokens(config)
        yield (
            make_identity(config, database, passwords, audit, tokens),
            make_accounts(config, database, passwords, audit),
        )
    passwords.close()
