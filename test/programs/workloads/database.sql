-- Scores are whole: .dump prints numbers by long double, which is wider in a guest than on x86-64.
-- Ten thousand rows, indexes, transactions, full text, and files of all kinds that SQLite makes.
.headers on
.mode list
create table person (id integer primary key, name text not null, city text, score real, note blob);
begin;
with recursive number(n) as (select 1 union all select n + 1 from number where n < 10000)
insert into person
  select n, printf('person-%05d', n * 7919 % 10007), 'city-' || (n % 97), n * 3.0,
         case when n % 10 = 0 then zeroblob(n % 5000) end
    from number;
commit;
create index by_city on person (city, score desc);
create unique index by_name on person (name);
create view top as select city, max(score) as best, count(*) as people from person group by city;
select * from top order by best desc limit 5;
select count(*), sum(length(note)), avg(score), total(id) from person;
explain query plan select name from person where city = 'city-5' order by score desc;

begin;
update person set score = score * 2 where id % 3 = 0;
delete from person where id % 100 = 99;
savepoint inner;
delete from person;
select count(*) as none from person;
rollback to inner;
select count(*) as kept from person;
rollback;
select count(*) as all_again, sum(score) from person;

begin immediate;
delete from person where city = 'city-13' order by id desc limit 50;
update person set note = null where id between 5000 and 6000;
insert into person values (20001, 'zoë', 'münchen', 1e-3, x'00ff'), (20002, 'Жанна', null, null, null);
commit;
insert into person (id, name) values (1, 'taken');
insert into person (id) values (30000);
select name, hex(name), upper(name), unicode(name), typeof(note), quote(note) from person where id > 20000;

create table change (at integer primary key, id integer, old real, new real);
create trigger on_score after update of score on person
begin insert into change (id, old, new) values (new.id, old.score, new.score); end;
update person set score = -1 where id <= 200;
select count(*), min(old), max(old) from change;
create table child (id integer references person (id) on delete cascade, v text);
pragma foreign_keys = on;
insert into child select id, name from person where id <= 1000;
delete from person where id <= 500;
select count(*) from child;
insert into child values (-1, 'nobody');

create virtual table words using fts5 (body);
insert into words select 'the quick ' || name || ' of ' || coalesce(city, 'nowhere') from person where id < 3000;
select count(*), min(rowid) from words where words match 'quick AND "city 7"';
create virtual table boxes using rtree (id, x0, x1, y0, y1);
insert into boxes select id, id % 100, id % 100 + 1, id / 100, id / 100 + 2 from person where id < 2000;
select count(*) from boxes where x0 > 40 and x1 < 60 and y0 > 5;

select json_group_array(json_object('id', id, 'n', name)) from person where id between 600 and 603;
select id, row_number() over w, round(sum(score) over w, 3), lag(name) over w
  from person where id between 700 and 705 window w as (order by score desc);
select round(sqrt(2), 12), round(pi(), 12), printf('%.12g', 1 / 3.0), 1e308 * 10, soundex('Robert');
select strftime('%Y-%m-%d %H:%M:%S', 981173106, 'unixepoch', '+1 month'), julianday('2001-02-03');

attach 'other.db' as other;
create table other.copy as select * from person where id % 5 = 0;
begin;
insert into other.copy (id, name) values (-1, 'both');
insert into person (id, name) values (-1, 'both');
commit;
select (select count(*) from other.copy), (select count(*) from person);
detach other;

drop index by_city;
delete from person where id % 2 = 0;
vacuum;
pragma integrity_check;
pragma page_count;
pragma page_size;
pragma freelist_count;
analyze;
select tbl, idx, stat from sqlite_stat1 order by tbl, idx;

.output people.csv
.mode csv
select id, name, city, score from person order by id limit 1000;
.output stdout
.mode list
.import --csv people.csv imported
select count(*), sum(length(name)) from imported;
.once dump.sql
.dump person
.backup main copy.db
.read more.sql
.open copy.db
pragma integrity_check;
select count(*) from person;
.open --readonly other.db
insert into copy (id) values (0);
.open none/none.db
select 1;
