"""The product: everything here runs in a test or a script without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from engine.auth.passwords import Passwords
from engine.auth.tokens import Tokens, load_key
from engine.clock import Beat
from engine.config import Config
from engine.flows import document_types
from engine.flows.accepting import Accepting
from engine.flows.accounts import Accounts
from engine.flows.answer import Answering
from engine.flows.audit import Audit
from engine.flows.chat import FAMILY as CHAT
from engine.flows.chat import Chat
from engine.flows.checking import Checking
from engine.flows.doctor import Doctor
from engine.flows.document_types import Catalogue
from engine.flows.draft import FAMILY as GENERATE
from engine.flows.draft import Drafting
from engine.flows.editing import Editing
from engine.flows.export import Exporting
from engine.flows.identity import Identity
from engine.flows.ingest import FAMILY as INGEST
from engine.flows.ingest import Library
from engine.flows.own_types import DocumentTypes
from engine.flows.pipeline import FAMILY as PIPELINE
from engine.flows.pipeline import Pipeline
from engine.flows.pipeline_prompts import load_prompts
from engine.flows.planning import Planner
from engine.flows.query import FAMILY as QUERY
from engine.flows.query import Query
from engine.flows.rewriting import FAMILY as REWRITE
from engine.flows.rewriting import Rewriting
from engine.flows.search import FAMILY as SEARCH
from engine.flows.search import Search
from engine.flows.sharing import Sharing
from engine.flows.start_rate import StartRate
from engine.flows.versions import Versions
from engine.flows.watch import Watch
from engine.ingest.sandbox import Limits
from engine.metrics import Metrics
from engine.retrieval.search import Retriever
from engine.runs.journal import Journal
from engine.runs.measured import measured
from engine.runs.runner import Family, Runs
from engine.storage.database import Database, open_database
from engine.storage.files import FileStore
from engine.writers.extractive import ExtractiveWriter
from engine.writers.ollama import OllamaWriter
from engine.writers.openai_compat import OpenAIWriter
from engine.writers.writer import Writer

if TYPE_CHECKING:
    from engine.auth.provider import Provider

_DRAFT_STREAMS = 5
_OTHER_STREAMS = 3


@dataclass(frozen=True, slots=True)
class Engine:
    """The running product."""

    config: Config
    database: Database
    files: FileStore
    catalogue: Catalogue
    types: DocumentTypes
    retriever: Retriever
    writer: Writer
    identity: Identity
    tokens: Tokens
    provider: "Provider | None"
    accounts: Accounts
    sharing: Sharing
    watch: Watch
    library: Library
    drafting: Drafting
    editing: Editing
    exporting: Exporting
    versions: Versions
    checking: Checking
    rewriting: Rewriting
    accepting: Accepting
    query: Query
    chat: Chat
    search: Search
    pipeline: Pipeline
    journal: Journal
    metrics: Metrics
    doctor: Doctor
    runs: Runs
    audit: Audit


@asynccontextmanager
async def open_engine(config: Config, *, owns_data: bool = False) -> AsyncIterator[Engine]:
    """Open the data folder and bring everything up; close it in reverse.

    The server owns its data folder: it alone takes up what another process has left behind.

    Raises:
        StorageRefused: the data folder cannot be used. Invalid: a document type is wrong.
    """
    async with open_database(config.data / "footnote.db") as database:
        beat = Beat(config.coalesce_s, config.coalesce_busy_s)
        writer = make_writer(config, beat)
        try:
            engine = _assemble(config, database, writer, beat)
            engine.journal.start()
            if owns_data:
                engine.files.discard_incoming()
                await engine.runs.recover()
                await engine.audit.prune()
                await engine.editing.purge()
                engine.watch.start()
            try:
                yield engine
            finally:
                await engine.watch.close()
                await engine.runs.close()
                await engine.journal.close()
                engine.identity.close()
        finally:
            await writer.close()


def make_writer(config: Config, beat: Beat) -> Writer:
    """Return the writer that the settings ask for; models are read on the beat."""
    if config.provider == "extractive":
        return ExtractiveWriter(config.extractive_words_per_s)
    if config.provider == "ollama":
        return OllamaWriter(
            config.model_url,
            config.llm_key,
            config.llm_model,
            num_ctx=config.ollama_num_ctx,
            idle_timeout_s=config.llm_idle_timeout_s,
            connect_timeout_s=config.llm_connect_timeout_s,
            beat=beat,
        )
    return OpenAIWriter(
        config.model_url,
        config.llm_key,
        config.llm_model,
        idle_timeout_s=config.llm_idle_timeout_s,
        connect_timeout_s=config.llm_connect_timeout_s,
        beat=beat,
    )


def _assemble(config: Config, database: Database, writer: Writer, beat: Beat) -> Engine:
    audit = Audit(database, keep_days=config.audit_days)
    files = FileStore(config.data / "files")
    catalogue = document_types.load(config.data / "document_types")
    metrics = Metrics()
    retriever = Retriever(database, metrics.retrieved)
    journal = Journal(
        database,
        beat,
        chunk_words=config.chunk_words,
        patience_s=config.storage_patience_s,
    )
    library = Library(database, files, _limits(config))
    planner = Planner(retriever, config.max_sources)
    types = DocumentTypes(database, catalogue)
    versions = Versions(database)
    drafting = Drafting(
        database,
        journal,
        types,
        versions,
        planner,
        writer,
        config.llm_temperature,
        config.llm_max_tokens or None,
    )
    editing = Editing(database, types, versions)
    rewriting = Rewriting(
        database,
        retriever,
        writer,
        config.llm_temperature,
        config.llm_max_tokens or None,
    )
    answering = Answering(
        database,
        retriever,
        writer,
        floor=config.relevance_floor,
        rewrite_s=config.chat_rewrite_timeout_s if config.rewrites else 0.0,
    )
    query, search = Query(answering), Search(answering)
    chat = Chat(database, journal, answering)
    pipeline = Pipeline(
        writer,
        load_prompts(),
        StartRate(config.pipeline_starts_per_minute),
        has_model=config.provider != "extractive",
        temperature=config.llm_temperature,
        max_tokens=config.llm_max_tokens or None,
    )
    run = partial(
        Family,
        grace_s=config.grace_s,
        timeout_s=config.run_timeout_s,
        limit=config.max_streams_per_user or _OTHER_STREAMS,
    )
    draft_streams = config.max_streams_per_user or _DRAFT_STREAMS
    once = partial(run, can_continue=False)
    grace_s, timeout_s = config.search_grace_s, config.search_timeout_s
    families = (
        run(GENERATE, drafting.flow, drafting.settle, limit=draft_streams),
        once(REWRITE, rewriting.flow, rewriting.settle),
        once(QUERY, query.flow, query.settle, grace_s=config.query_grace_s),
        once(SEARCH, search.flow, search.settle, grace_s=grace_s, timeout_s=timeout_s),
        run(CHAT, chat.flow, chat.settle),
        once(PIPELINE, pipeline.flow, pipeline.settle),
        run(INGEST, library.flow, library.settle, limit=None),
    )
    runs = Runs(
        database,
        journal,
        {family.name: measured(family, metrics) for family in families},
        max_open=config.max_streams,
        retention_s=config.run_retention_s,
        on_start=audit.note_run,
    )
    passwords = Passwords()
    tokens = make_tokens(config)
    identity = make_identity(config, database, passwords, audit, tokens)
    return Engine(
        config=config,
        database=database,
        files=files,
        catalogue=catalogue,
        types=types,
        retriever=retriever,
        writer=writer,
        identity=identity,
        tokens=tokens,
        provider=_provider(config),
        accounts=make_accounts(config, database, passwords, audit),
        sharing=Sharing(database, audit),
        watch=Watch(database, identity, runs),
        library=library,
        drafting=drafting,
        editing=editing,
        rewriting=rewriting,
        accepting=Accepting(database, journal, editing),
        exporting=Exporting(database, audit, config.data / "templates"),
        versions=versions,
        checking=Checking(database),
        query=query,
        chat=chat,
        search=search,
        pipeline=pipeline,
        journal=journal,
        metrics=metrics,
        doctor=Doctor(database, writer, config.data, config.max_streams),
        audit=audit,
        runs=runs,
    )


def make_tokens(config: Config) -> Tokens:
    """Return what signs tokens with the key in the data folder.

    Raises:
        OSError: the key can be neither read nor made.
    """
    return Tokens(load_key(config.data / "token.key"), config.access_token_s)


def _provider(config: Config) -> "Provider | None":
    if not config.oidc_issuer:
        return None
    # Imported here because its libraries take a while, which others need not pay.
    from engine.auth.provider import Provider

    return Provider(
        config.oidc_issuer,
        config.oidc_client_id,
        config.oidc_client_secret,
        f"{config.public_url.rstrip('/')}/login/provider/callback",
    )


def make_identity(
    config: Config, database: Database, passwords: Passwords, audit: Audit, tokens: Tokens
) -> Identity:
    """Return what gives out secrets and recognises them."""
    return Identity(
        database,
        passwords,
        tokens,
        audit,
        session_s=config.session_s,
        link_s=config.link_s,
    )


def make_accounts(
    config: Config, database: Database, passwords: Passwords, audit: Audit
) -> Accounts:
    """Return what changes who may use the server."""
    return Accounts(
        database,
        passwords,
        audit,
        registration=config.registration,
        link_s=config.link_s,
        invite_s=config.invite_s,
    )


def _limits(config: Config) -> Limits:
    return Limits(
        memory_bytes=config.parse_memory_bytes,
        cpu_s=round(config.parse_timeout_s) + 1,
        wall_s=config.parse_timeout_s,
        max_unpacked_bytes=config.parse_unpacked_bytes,
        max_pages=config.parse_pages,
        max_characters=config.parse_characters,
    )
