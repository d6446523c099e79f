-- The support desk's application database: SQLite, a second engine, so that questions cross systems.
create table agents (agent_id integer primary key, display_name text not null, email text not null, team text);
create table tickets (
    ticket_id integer primary key,
    customer_id integer not null,
    order_id integer,
    agent_id integer references agents (agent_id),
    subject text not null,
    priority text not null default 'normal',
    status text not null default 'open',
    opened_at text not null,
    closed_at text
);
create table ticket_messages (
    message_id integer primary key,
    ticket_id integer not null references tickets (ticket_id),
    sender text not null,
    body text not null,
    sent_at text not null
);
create table satisfaction_scores (ticket_id integer primary key references tickets (ticket_id), score integer not null, comment text);
create index tickets_by_customer on tickets (customer_id);
create view open_tickets as select ticket_id, customer_id, priority, opened_at from tickets where status <> 'closed';
create view agent_workload as
    select a.agent_id, a.display_name, count(t.ticket_id) as open_tickets
    from agents a left join open_tickets o on 1 = 1 left join tickets t on t.ticket_id = o.ticket_id and t.agent_id = a.agent_id
    group by a.agent_id, a.display_name;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 8)
insert into agents select i, 'Agent ' || i, 'agent' || i || '@harbor.example', case when i % 2 then 'first line' else 'returns' end from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 600)
insert into tickets select i, 1 + i * 37 % 2000, 1 + i * 53 % 5000, 1 + i % 8, 'Question ' || i,
    case when i % 9 = 0 then 'high' else 'normal' end, case when i % 5 = 0 then 'open' else 'closed' end,
    datetime('2025-01-01', '+' || i || ' hours'), case when i % 5 then datetime('2025-01-02', '+' || i || ' hours') end from n;
insert into ticket_messages select ticket_id, ticket_id, 'customer', 'Where is my parcel?', opened_at from tickets;
insert into satisfaction_scores select ticket_id, 1 + ticket_id % 5, null from tickets where status = 'closed';
