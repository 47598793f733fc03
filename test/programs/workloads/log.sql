-- The write-ahead log, as far as it goes where no memory can be shared.
pragma locking_mode = exclusive;
pragma journal_mode = wal;
create table t (a integer primary key, b text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, 'row ' || i from n;
commit;
update t set b = upper(b) where a % 7 = 0;
pragma wal_checkpoint(full);
delete from t where a > 15000;
select count(*), sum(length(b)) from t;
pragma integrity_check;
pragma journal_mode = delete;
