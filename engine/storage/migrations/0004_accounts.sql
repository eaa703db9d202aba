-- Many people on one server: passwords, sessions, API keys, groups, and who may do what in which knowledge base.

alter table users add column password_hash text;
-- Who this is to a company's proxy or identity provider.
alter table users add column subject text;
alter table users add column disabled_at text;
create unique index users_by_subject on users (subject) where subject is not null;

-- One sign-in: its cookie, its access tokens and its refresh tokens live and die together.
create table sessions (
    id text primary key,
    user_id text not null references users on delete cascade,
    fingerprint text not null unique,
    agent text not null default '',
    created_at text not null,
    expires_at text not null,
    used_at text not null
) strict;
create index sessions_by_user on sessions (user_id);

create table refresh_tokens (
    fingerprint text primary key,
    session_id text not null references sessions on delete cascade,
    created_at text not null,
    spent_at text
) strict;
create index refresh_tokens_by_session on refresh_tokens (session_id);

-- `level` is the most that may be done with a key: 1 reads, 2 writes, 3 everything its user may do.
create table api_keys (
    id text primary key,
    user_id text not null references users on delete cascade,
    name text not null,
    fingerprint text not null unique,
    level integer not null check (level in (1, 2, 3)),
    kb_id text references knowledge_bases on delete cascade,
    created_at text not null,
    expires_at text,
    used_at text
) strict;
create index api_keys_by_user on api_keys (user_id);

create table links (
    fingerprint text primary key,
    user_id text not null references users on delete cascade,
    created_at text not null,
    expires_at text not null,
    used_at text
) strict;

create table invites (
    id text primary key,
    fingerprint text not null unique,
    created_by text references users on delete set null,
    created_at text not null,
    expires_at text not null,
    used_by text references users on delete set null,
    used_at text
) strict;

insert into links select fingerprint, user_id, created_at, expires_at, used_at from credentials where kind = 'link';
insert into sessions (id, user_id, fingerprint, created_at, expires_at, used_at)
    select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-'
        || hex(randomblob(2)) || '-' || hex(randomblob(6))), user_id, fingerprint, created_at, expires_at, created_at
    from credentials where kind = 'session';
insert into api_keys (id, user_id, name, fingerprint, level, created_at, expires_at)
    select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-'
        || hex(randomblob(2)) || '-' || hex(randomblob(6))), user_id, 'command line', fingerprint, 3, created_at, expires_at
    from credentials where kind = 'token';
drop table credentials;

create table groups (
    id text primary key,
    name text not null unique,
    created_at text not null
) strict;

create table group_members (
    group_id text not null references groups on delete cascade,
    user_id text not null references users on delete cascade,
    primary key (group_id, user_id)
) strict, without rowid;
create index group_members_by_user on group_members (user_id);

create table permissions (
    id text primary key,
    kb_id text not null references knowledge_bases on delete cascade,
    user_id text references users on delete cascade,
    group_id text references groups on delete cascade,
    level integer not null check (level in (1, 2, 3)),
    created_at text not null,
    check ((user_id is null) <> (group_id is null)),
    unique (kb_id, user_id),
    unique (kb_id, group_id)
) strict;
create index permissions_by_user on permissions (user_id) where user_id is not null;
create index permissions_by_group on permissions (group_id) where group_id is not null;

-- Every way in which somebody may use a knowledge base; the highest level counts.
create view rights as
select owner_id as user_id, id as kb_id, 3 as level from knowledge_bases
union all
select user_id, kb_id, level from permissions where user_id is not null
union all
select m.user_id, p.kb_id, p.level from permissions p join group_members m on m.group_id = p.group_id;

-- The knowledge bases that an unfinished or finished run has read, when they are several.
alter table runs add column kb_ids text not null default '[]';

-- Counts whatever takes a right away, so that an open stream notices it, whichever process did it.
create table revocations (number integer not null) strict;
insert into revocations values (0);
create trigger session_ended after delete on sessions begin update revocations set number = number + 1; end;
create trigger key_revoked after delete on api_keys begin update revocations set number = number + 1; end;
create trigger member_removed after delete on group_members begin update revocations set number = number + 1; end;
create trigger share_removed after delete on permissions begin update revocations set number = number + 1; end;
create trigger share_changed after update of level on permissions begin update revocations set number = number + 1; end;
create trigger user_disabled after update of disabled_at on users begin update revocations set number = number + 1; end;
