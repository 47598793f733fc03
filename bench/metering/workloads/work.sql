create table person (id integer primary key, name text, city integer, born integer);
create table city (id integer primary key, name text, people integer default 0);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200)
  insert into city (id, name) select i, 'city-' || printf('%03d', i * 7919 % 1000) from n;
begin;
with recursive n(i, seed) as (
  select 1, 42 union all select i + 1, (seed * 1103515245 + 12345) % 2147483648 from n where i < 80000)
  insert into person
  select i, hex(seed) || '-' || lower(hex(i)), seed / 65536 % 200 + 1, 1900 + seed / 1024 % 120 from n;
create index person_city on person (city, born);
commit;
update city set people = (select count(*) from person where person.city = city.id);
select name, people from city order by people desc, name limit 5;
select city.name, count(*), min(born), max(born), round(avg(length(person.name)), 3)
  from person join city on city.id = person.city
  group by city.id having count(*) > 350 order by 2 desc, 1 limit 5;
select substr(name, 1, 3) as start, count(*), group_concat(id % 10, '')
  from person where name like '%3a%' group by start order by 2 desc, 1 limit 5;
select sum(rank) from (select rank() over (partition by city order by born, id) as rank from person);
with recursive
  x(v) as (values (-2.0) union all select v + 0.02 from x where v < 1.2),
  y(v) as (values (-1.0) union all select v + 0.05 from y where v < 1.0),
  m(i, cx, cy, a, b) as (
    select 0, x.v, y.v, 0.0, 0.0 from x, y
    union all select i + 1, cx, cy, a * a - b * b + cx, 2 * a * b + cy from m
      where a * a + b * b < 4.0 and i < 28)
  select cy, sum(most) from (select max(i) as most, cx, cy from m group by cx, cy)
    group by cy order by cy limit 3;
delete from person where id % 3 = 0;
select count(*), total(born) from person where city in (select id from city where people % 2 = 0);
pragma integrity_check;
drop table person;
drop table city;
