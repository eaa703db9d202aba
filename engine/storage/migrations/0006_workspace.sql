-- The draft workspace: what a text was before, who looked at its evidence, what was said of it, a team's own types.

alter table drafts add column previous_draft_id text;
-- Set while a deletion can still be taken back.
alter table drafts add column deleted_at text;

-- A checkpoint of a text. While `is_open`, the autosaves of its author join it.
create table draft_versions (
    draft_id text not null references drafts on delete cascade,
    number integer not null,
    made_by text not null check (made_by in ('human', 'machine')),
    reason text not null,
    name text not null default '',
    author_id text not null,
    title text not null,
    content text not null,
    citations text not null,
    word_count integer not null,
    is_open integer not null default 0,
    created_at text not null,
    updated_at text not null,
    primary key (draft_id, number)
) strict;

-- A tick belongs to the passage, so it stays when markers get other numbers.
create table verifications (
    draft_id text not null references drafts on delete cascade,
    chunk_id text not null,
    user_id text not null,
    verified_at text not null,
    primary key (draft_id, chunk_id)
) strict;

create table draft_feedback (
    id text primary key,
    draft_id text not null references drafts on delete cascade,
    user_id text not null,
    feedback_type text not null,
    comments text not null,
    created_at text not null
) strict;
create index draft_feedback_by_draft on draft_feedback (draft_id);

-- A type that was deleted stays readable, since drafts were made with it.
create table own_document_types (
    id text primary key,
    kb_id text not null references knowledge_bases on delete cascade,
    author_id text not null,
    name text not null,
    definition text not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text
) strict;
create index own_document_types_by_kb on own_document_types (kb_id);
