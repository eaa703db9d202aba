-- Who did what, when and from where. Entries are added and never changed; only age takes them away.

create table audit (
    id integer primary key autoincrement,
    at text not null,
    action text not null,
    user_id text,
    username text not null default '',
    kb_id text,
    subject text not null default '' check (length(subject) <= 200),
    detail text not null default '' check (length(detail) <= 200),
    address text not null default '',
    request_id text not null default ''
) strict;
create index audit_by_time on audit (at);
create index audit_by_action on audit (action, id);

-- What lies before this time may be deleted, nothing else; the last day is kept whatever anybody sets.
create table audit_kept_since (
    id integer primary key check (id = 1),
    at text not null
) strict;
insert into audit_kept_since (id, at) values (1, '');

create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'the audit log is never changed');
end;

create trigger audit_is_not_replaced before insert on audit
when exists (select 1 from audit where id = new.id)
begin
    select raise(abort, 'the audit log is never changed');
end;

create trigger audit_is_not_deleted before delete on audit
when old.at >= (select at from audit_kept_since)
begin
    select raise(abort, 'the audit log is kept');
end;

create trigger audit_keeps_a_day before update on audit_kept_since
when new.at > strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 day')
begin
    select raise(abort, 'the audit log is kept for a day at least');
end;

create trigger audit_keeps_its_bound before delete on audit_kept_since
begin
    select raise(abort, 'the audit log is kept');
end;
