-- Everything a first draft needs: who asks, which documents, which drafts, and the journal all streams are read from.

create table users (
    id text primary key,
    username text not null unique,
    is_admin integer not null default 0,
    created_at text not null
) strict;

-- Secrets are stored as SHA-256 of 256 random bits; the secret itself is shown once and never kept.
create table credentials (
    fingerprint text primary key,
    user_id text not null references users on delete cascade,
    kind text not null check (kind in ('link', 'session', 'token')),
    created_at text not null,
    expires_at text not null,
    used_at text
) strict;

create table knowledge_bases (
    id text primary key,
    owner_id text not null references users on delete cascade,
    name text not null,
    index_version integer not null default 0,
    created_at text not null,
    updated_at text not null,
    unique (owner_id, name)
) strict;

create table documents (
    id text primary key,
    kb_id text not null references knowledge_bases on delete cascade,
    name text not null,
    created_at text not null,
    unique (kb_id, name)
) strict;

-- A version is immutable once it is ready: its bytes are addressed by their hash, its text by (id, range).
create table document_versions (
    id text primary key,
    document_id text not null references documents on delete cascade,
    version integer not null,
    run_id text not null,
    sha256 text not null,
    size integer not null,
    media_type text not null default '',
    status text not null check (status in ('queued', 'processing', 'ready', 'failed')),
    reason text not null default '',
    warnings text not null default '[]',
    title text not null default '',
    characters integer not null default 0,
    words integer not null default 0,
    pages text not null default '[]',
    created_at text not null,
    unique (document_id, version)
) strict;

create table document_texts (
    version_id text primary key references document_versions on delete cascade,
    text text not null
) strict;

create table chunks (
    id integer primary key,
    chunk_id text not null unique,
    version_id text not null references document_versions on delete cascade,
    document_id text not null,
    kb_id text not null,
    ordinal integer not null,
    char_start integer not null,
    char_end integer not null,
    page integer,
    section text
) strict;
create index chunks_by_version on chunks (version_id, ordinal);
create index chunks_by_kb on chunks (kb_id, document_id, ordinal);

-- While a draft is streaming, `content` and `citations` hold what was there before its current run; the rest
-- is in the journal, so that one more word never rewrites the whole text.
create table drafts (
    id text primary key,
    kb_id text not null references knowledge_bases on delete cascade,
    owner_id text not null references users on delete cascade,
    document_type text not null,
    title text not null,
    context text not null,
    request text not null,
    status text not null check (status in ('streaming', 'partial', 'complete', 'editing', 'exported')),
    content text not null default '',
    citations text not null default '[]',
    confidence real not null default 0,
    word_count integer not null default 0,
    sources_used integer not null default 0,
    version integer not null default 1,
    run_id text,
    created_at text not null,
    updated_at text not null
) strict;
create index drafts_by_kb on drafts (kb_id, updated_at);

create table runs (
    id text primary key,
    family text not null,
    user_id text not null,
    kb_id text,
    draft_id text,
    document_id text,
    state text not null check (state in ('running', 'completed', 'failed', 'cancelled')),
    request blob not null,
    request_hash text not null,
    idempotency_key text,
    keep_going integer not null default 0,
    model text not null default '',
    usage text not null default '{}',
    error text,
    created_at text not null,
    first_event_at text,
    first_text_at text,
    ended_at text
) strict;
create unique index runs_by_key on runs (user_id, idempotency_key) where idempotency_key is not null;
create index runs_by_state on runs (state, created_at);
create index runs_by_kb on runs (kb_id);

-- No foreign key: an event is written on the hot path, in one transaction for all runs, and must never fail for one.
create table events (
    run_id text not null,
    seq integer not null,
    data blob not null,
    primary key (run_id, seq)
) strict, without rowid;
