-- A small shop, the same at every run: 500 customers, 2,000 orders, what they paid with, and who works there.
set client_min_messages = warning;
select setseed(0.4711);

create table customers (
  id int primary key,
  name text not null,
  email text not null unique,
  phone text,
  city text not null,
  birth_date date not null,
  created_at timestamptz not null
);

create table orders (
  id int primary key,
  customer_id int not null references customers,
  item text not null,
  amount numeric(10, 2) not null,
  status text not null,
  placed_at timestamptz not null
);
create index on orders (customer_id);

create table payments (
  order_id int primary key references orders,
  card_number text not null,
  card_holder text not null,
  paid_at timestamptz not null
);

create table employees (
  id int primary key,
  name text not null,
  team text not null,
  salary int not null,
  iban text not null
);

insert into customers
select i,
       first || ' ' || last,
       lower(first || '.' || last) || i || '@' || (array ['example.com', 'example.org', 'example.net'])[1 + i % 3],
       '+49 30 5550' || lpad((i * 7 % 1000)::text, 3, '0'),
       (array ['Berlin', 'Hamburg', 'Leipzig', 'Vienna', 'Zurich', 'Basel', 'Graz', 'Cologne'])[1 + (i * 5) % 8],
       date '1950-01-01' + (i * 7919 % 20000),
       timestamptz '2024-01-01 08:00+00' + i * interval '31 hours'
from generate_series(1, 500) i,
     lateral (select (array ['Anna', 'Ben', 'Clara', 'David', 'Ella', 'Finn', 'Greta', 'Hugo', 'Ida', 'Jonas', 'Klara',
                'Leo', 'Mia', 'Noah', 'Olga', 'Paul', 'Rosa', 'Simon', 'Tilda', 'Viktor'])[1 + i * 3 % 20] as first,
              (array ['Albrecht', 'Brandt', 'Castro', 'Dietrich', 'Engel', 'Fischer', 'Graf', 'Huber', 'Ivanov', 'Jung',
                'Keller', 'Lang', 'Maurer', 'Novak', 'Ott', 'Peters', 'Richter', 'Sommer', 'Wagner', 'Zimmer',
                'Weber', 'Koch', 'Bauer'])[1 + i * 11 % 23] as last) n;

insert into orders
select i,
       1 + (i * 37) % 500,
       (array ['desk lamp', 'office chair', 'notebook', 'fountain pen', 'monitor arm', 'keyboard', 'headphones',
         'standing desk', 'webcam', 'whiteboard'])[1 + i * 7 % 10],
       round((random() * 400 + 5)::numeric, 2),
       (array ['paid', 'paid', 'paid', 'shipped', 'shipped', 'returned', 'open'])[1 + i % 7],
       timestamptz '2025-01-01 09:00+00' + i * interval '4 hours'
from generate_series(1, 2000) i;

-- Numbers that pass the card's own check (Luhn), of a range that no bank has given out.
insert into payments
select o.id,
       body || ((10 - checksum % 10) % 10)::text,
       upper(c.name),
       o.placed_at + interval '3 minutes'
from orders o
     join customers c on c.id = o.customer_id,
     lateral (select '400000' || lpad((o.id * 48271 % 1000000000)::text, 9, '0') as body) b,
     lateral (select sum(case when p % 2 = 1 then case when d * 2 > 9 then d * 2 - 9 else d * 2 end else d end) as checksum
              from (select p, substr(body, p, 1)::int as d from generate_series(1, 15) p) digits) s
where o.status <> 'open';

insert into employees
select i,
       (array ['Maren', 'Tobias', 'Svenja', 'Ole', 'Birgit', 'Kemal', 'Lotte', 'Arne'])[1 + i % 8] || ' ' ||
       (array ['Hansen', 'Petersen', 'Demir', 'Kramer', 'Vogel'])[1 + i % 5],
       (array ['sales', 'warehouse', 'support', 'engineering'])[1 + i % 4],
       42000 + (i * 1733) % 38000,
       'DE89370400440532013000'
from generate_series(1, 40) i;

analyze;
