"""Every setting, in one place: the only reader of the environment.

The field `llm_url` is read from `FOOTNOTE_LLM_URL`, and so on. The descriptions are the ones of the
README's table; a test compares them. A secret `x` may also stand in the file named by
`FOOTNOTE_X_FILE`, which nobody but its owner may read.
"""

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from engine.errors import AppError

Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
PositiveSeconds = Annotated[float, Meta(gt=0, le=31_536_000)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=1)]
Provider = Literal["", "extractive", "openai", "ollama"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "FOOTNOTE_"
# What may stand in the header of a page; a semicolon would begin another rule of it.
_SITES = re.compile(r"[A-Za-z0-9:/.*_\[\]' -]*")
_OLLAMA_URL = "http://127.0.0.1:11434"


class BadConfig(AppError):
    """One or more settings are wrong; the message lists all of them."""


def _setting(default: Any, description: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"description": description})


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator may decide. Durations are seconds, sizes are bytes."""

    data: Path = _setting(Path("data"), "folder that holds everything the server keeps")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: Annotated[int, Meta(ge=0, le=65535)] = _setting(
        8080, "port to listen on; 0 takes a free one and prints it"
    )
    public_url: str = _setting(
        "", "address people use to reach the server, when a proxy stands before it"
    )
    tls_certificate: str = _setting(
        "", "file with the certificate, in PEM, to answer by HTTPS without a proxy"
    )
    tls_key: str = _setting("", "file with the certificate's key, readable by nobody else")
    trusted_proxies: str = _setting(
        "", "addresses or networks, with commas, of proxies whose `X-Forwarded-For` is believed"
    )
    frame_ancestors: str = _setting(
        "", "sites, with blanks, whose pages may show this server in a frame; none by default"
    )
    sample: bool = _setting(True, "make a sample knowledge base on the very first start")
    session_s: PositiveSeconds = _setting(2_592_000, "how long a sign-in lasts")
    link_s: PositiveSeconds = _setting(86_400, "how long the one-use sign-in link is good")
    access_token_s: PositiveSeconds = _setting(
        900, "how long an access token is good before it must be refreshed"
    )
    proxy_user_header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]*$")] = _setting(
        "", "header in which a trusted proxy names the user it has signed in; empty believes none"
    )
    registration: Literal["open", "invite", "off"] = _setting(
        "off", "who may make an account: anybody, who has an invitation, or nobody"
    )
    invite_s: PositiveSeconds = _setting(604_800, "how long an invitation is good")
    oidc_issuer: str = _setting(
        "",
        "issuer address of an OpenID Connect provider to sign in with, for instance of a company",
    )
    oidc_client_id: str = _setting("", "name under which the provider knows this server")
    oidc_client_secret: str = _setting("", "secret that the provider gave out", secret=True)
    oidc_name: str = _setting("your company", "what the button says one signs in with")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "INFO", "how much is logged to standard error"
    )

    llm_provider: Provider = _setting(
        "",
        "who writes: `extractive`, `openai` (any compatible endpoint) or `ollama`;"
        " by default `openai` when a URL is set, else `extractive`",
    )
    llm_url: str = _setting(
        "",
        "base URL of the model server, for instance `http://host:8000/v1`;"
        " that of Ollama is `http://127.0.0.1:11434` by default",
    )
    llm_key: str = _setting("", "key for the model server", secret=True)
    llm_model: str = _setting(
        "default", "model to ask for; servers of a single model take any name"
    )
    user_models: str = _setting(
        "",
        "models, with commas, that people who are no administrators may ask for instead;"
        " empty allows every one",
    )
    llm_idle_timeout_s: PositiveSeconds = _setting(
        60, "a model that makes no progress for so long has failed"
    )
    llm_connect_timeout_s: PositiveSeconds = _setting(5, "time to reach the model server")
    llm_max_tokens: Annotated[int, Meta(ge=0)] = _setting(
        0, "limit of tokens asked of the model for one text; 0 leaves it to the model server"
    )
    llm_temperature: Annotated[float, Meta(ge=0, le=2)] = _setting(
        0.2, "how freely the model chooses its words"
    )
    ollama_num_ctx: Annotated[int, Meta(ge=256, le=10_000_000)] = _setting(
        16_384, "tokens that Ollama's model may read and write together for one text"
    )
    extractive_words_per_s: Annotated[float, Meta(ge=0)] = _setting(
        60, "pace of the extractive writer; 0 is as fast as it can"
    )

    heartbeat_s: PositiveSeconds = _setting(15, "silence on a stream before a heartbeat is sent")
    grace_s: Seconds = _setting(30, "how long a run goes on that nobody reads")
    coalesce_s: PositiveSeconds = _setting(0.05, "text is sent in portions of about this long")
    coalesce_busy_s: PositiveSeconds = _setting(0.2, "as long as this while the server is busy")
    chunk_words: Count = _setting(10, "most words in one portion of text")
    write_timeout_s: PositiveSeconds = _setting(
        20, "a reader that takes nothing for so long is cut off and may resume"
    )
    run_timeout_s: PositiveSeconds = _setting(900, "most time one run may take")
    run_retention_s: Seconds = _setting(3600, "how long a finished run can be replayed")
    audit_days: Annotated[int, Meta(ge=1, le=36_500)] = _setting(
        400, "days for which the audit log is kept"
    )
    max_streams_per_user: Annotated[int, Meta(ge=0)] = _setting(
        0, "open runs per user and family; 0 is 5 for drafts and 3 for others"
    )
    max_streams: Count = _setting(200, "open runs on the whole server")
    storage_patience_s: PositiveSeconds = _setting(
        10, "how long runs wait for a disk that does not accept writes"
    )
    shutdown_s: PositiveSeconds = _setting(3, "time that open streams get to end at shutdown")

    costly_per_minute: Count = _setting(
        120, "drafts, answers and searches that a user may ask for in a minute"
    )
    uploads_per_minute: Count = _setting(
        120, "uploads, and second readings of a document, that a user may ask for in a minute"
    )
    typing_per_minute: Count = _setting(
        600, "what a user's typing may ask for in a minute: quick searches and edited text drawn"
    )
    sign_in_per_minute: Count = _setting(
        20, "attempts to sign in or register from one address in a minute"
    )
    max_body_bytes: Bytes = _setting(10_485_760, "largest JSON body")
    max_upload_bytes: Bytes = _setting(52_428_800, "largest uploaded file")
    body_timeout_s: PositiveSeconds = _setting(
        30, "time for a body to arrive; a large one has a second more for every 10 kB"
    )
    header_timeout_s: PositiveSeconds = _setting(
        10, "time in which a new connection must ask for something"
    )
    idle_timeout_s: PositiveSeconds = _setting(
        75, "how long a connection may rest between two requests"
    )
    max_connections: Count = _setting(
        1000, "open connections on the whole server, at most half of its open files"
    )
    parse_memory_bytes: Bytes = _setting(
        1_610_612_736, "memory a document may take while it is read"
    )
    parse_timeout_s: PositiveSeconds = _setting(120, "time a document may take to be read")
    parse_unpacked_bytes: Bytes = _setting(
        524_288_000, "most bytes a packed document may unpack to"
    )
    parse_pages: Count = _setting(5000, "most pages of one document")
    parse_characters: Annotated[int, Meta(ge=1)] = _setting(
        10_000_000, "most characters of one document"
    )
    # Fitted by bench/relevance.py over nine knowledge bases: the mean of good questions answered
    # and of others refused is flat around its best from 0.18 to 0.30; the lowest of these is taken.
    # It answers 97 % of good questions, refuses all nonsense and 98 % of what is off the topic.
    relevance_floor: Annotated[float, Meta(ge=0, le=1)] = _setting(
        0.18, "passages scored below this do not answer a question; then the answer is I don't know"
    )
    chat_rewrite: bool = _setting(
        True, "ask the model to put a follow-up question so that it stands alone, for retrieval"
    )
    chat_rewrite_timeout_s: PositiveSeconds = _setting(
        15, "time the model gets for that; then the words of the last turns are looked for"
    )
    search_grace_s: Seconds = _setting(5, "the grace time of searches")
    query_grace_s: Seconds = _setting(0, "the grace time of queries")
    pipeline_heartbeat_s: PositiveSeconds = _setting(
        10, "silence on a pipeline's stream before a heartbeat is sent"
    )
    pipeline_starts_per_minute: Count = _setting(
        10, "pipeline runs that a user may start in any minute"
    )
    search_timeout_s: PositiveSeconds = _setting(60, "most time one search may take")
    max_sources: Annotated[int, Meta(ge=1, le=100)] = _setting(
        36, "most passages offered to the writer for one draft"
    )

    def heartbeat_of(self, family: str) -> float:
        """Return the silence before a heartbeat on a stream of this family."""
        return self.pipeline_heartbeat_s if family == "pipeline" else self.heartbeat_s

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **given: Any) -> "Config":
        """Read settings from the environment; `given` values (of the command line) win.

        Raises:
            BadConfig: lists every setting that is wrong.
        """
        environ = os.environ if environ is None else environ
        kinds = get_type_hints(cls, include_extras=True)
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            raw = given.get(item.name)
            try:
                raw = _given(environ, item) if raw is None else raw
                if raw is not None:
                    values[item.name] = _cast(raw, kinds[item.name])
            except (msgspec.ValidationError, _Unusable) as error:
                problems.append(f"{PREFIX}{item.name.upper()}: {error}")
        config = cls(**values)
        problems += config._contradictions()
        if problems:
            raise BadConfig("Some settings are wrong.\n  " + "\n  ".join(problems))
        return config

    def _contradictions(self) -> list[str]:
        problems = []
        if self.provider == "openai" and not self.llm_url:
            problems.append(f"{PREFIX}LLM_URL: the provider `openai` needs it")
        if self.llm_url and not self.llm_url.startswith(("http://", "https://")):
            problems.append(f"{PREFIX}LLM_URL: must begin with http:// or https://")
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            problems.append(f"{PREFIX}OIDC_ISSUER: needs OIDC_CLIENT_ID and PUBLIC_URL as well")
        if bool(self.tls_certificate) != bool(self.tls_key):
            problems.append(f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY: need each other")
        if self.tls_key and (problem := _exposure(Path(self.tls_key))):
            problems.append(f"{PREFIX}TLS_KEY: {problem}")
        if not _SITES.fullmatch(self.frame_ancestors):
            problems.append(f"{PREFIX}FRAME_ANCESTORS: must be 'self' or sites, with blanks")
        return problems + _bad_networks(self.trusted_proxies)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the server by HTTPS, through a proxy or not."""
        return bool(self.tls_certificate) or self.public_url.startswith("https://")

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the trusted proxies."""
        return tuple(map(ipaddress.ip_network, _listed(self.trusted_proxies)))

    @property
    def provider(self) -> str:
        """Who writes, after the default is worked out."""
        return self.llm_provider or ("openai" if self.llm_url else "extractive")

    @property
    def models_of_users(self) -> frozenset[str] | None:
        """The models that everybody may ask for; None when that is every one."""
        return frozenset(_listed(self.user_models)) | {self.llm_model} if self.user_models else None

    @property
    def rewrites(self) -> bool:
        """Whether a model is asked to put follow-up questions."""
        return self.chat_rewrite and self.provider != "extractive"

    @property
    def model_url(self) -> str:
        """Where the model server is; Ollama's native API stands beside `/v1`, not below it."""
        if self.provider != "ollama":
            return self.llm_url
        return (self.llm_url or _OLLAMA_URL).rstrip("/").removesuffix("/v1")


class _Unusable(Exception):
    """A secret cannot be taken from its file; says why."""


def _given(environ: Mapping[str, str], item: "Field[Any]") -> str | None:
    """Return a setting as it stands in the environment, or, if it is a secret, in a file."""
    name = PREFIX + item.name.upper()
    if item.repr or f"{name}_FILE" not in environ:
        return environ.get(name)
    if name in environ:
        raise _Unusable(f"is given twice, also as {name}_FILE")
    return _secret_in(Path(environ[f"{name}_FILE"]))


def _secret_in(path: Path) -> str:
    if problem := _exposure(path):
        raise _Unusable(problem)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _Unusable(f"the file {path} cannot be read: {error}") from error


def _exposure(path: Path) -> str | None:
    """Say why a file is no place for a secret: it is not there, or others may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"the file {path} cannot be read: {error.strerror}"
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"the file {path} may be read by others (mode {mode:o}). Run: chmod 600 {path}"
    return None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _bad_networks(text: str) -> list[str]:
    problems = []
    for network in _listed(text):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            problems.append(f"{PREFIX}TRUSTED_PROXIES: {error}")
    return problems


def _cast(raw: Any, kind: Any) -> Any:
    if kind is Path:
        return Path(raw)
    return msgspec.convert(raw, kind, strict=False)
