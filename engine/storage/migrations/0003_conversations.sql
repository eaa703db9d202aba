-- Chat: turns that belong together, and answers that can be given again. A turn is written with its run's end.

create table conversations (
    id text primary key,
    user_id text not null references users on delete cascade,
    kb_id text not null references knowledge_bases on delete cascade,
    title text not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text
) strict;
create index conversations_by_user on conversations (user_id, updated_at);

create table turns (
    id integer primary key,
    conversation_id text not null references conversations on delete cascade,
    role text not null check (role in ('user', 'assistant')),
    content text not null,
    sources text not null default '[]',
    details text not null default '{}',
    run_id text not null,
    created_at text not null
) strict;
create index turns_by_conversation on turns (conversation_id, id);

-- The key holds everything an answer depends on, the version of the index included, so nothing is ever invalidated.
create table answers (
    key text primary key,
    kb_id text not null references knowledge_bases on delete cascade,
    answer text not null,
    sources text not null,
    verified text,
    created_at text not null
) strict;
create index answers_by_kb on answers (kb_id, created_at);
