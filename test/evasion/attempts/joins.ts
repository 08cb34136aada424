import { type AttemptClass, expecting } from '../attempt.ts';

export const joins: AttemptClass = {
  name: 'joins',
  against: 'vault',
  attempts: [
    ...expecting('answered', [
      'select p.t from people p join orders o on o.person_id = p.id',
      'select l.x from orders o, lateral (select p.t as x from people p where p.id = o.person_id) l',
      'select l.* from orders o left join lateral (select p.t, p.i from people p where p.id = o.person_id) l on true',
      'select t from orders cross join people',
      'select p.t from people p full join orders o on o.id = p.id',
      'select q.t from people p join people q using (id)',
      'select id, q.v from people p join people q using (id) where q.id = 1',
      'select u.id, q.t from people p join people q using (id) as u',
    ]),
    ...expecting('refused', [
      'select p.id from people p join people q using (t)',
      'select t from people p join people q using (t)',
      'select p.id from people p join people q on p.t = q.t',
      'select count(*) from people p join people q on p.i = q.i',
      'select o.id from orders o join people p on p.i = o.id',
      'select o.id from orders o left join people p on p.i > o.id',
      'select p.id from people p natural join people q',
      'select count(*) from people natural join staff',
      "select o.id from orders o join lateral (select 1 from people p where p.t like 'k%') l on true",
      'select p.id from people p, people q where p.t = q.v',
      "select v.x from (values ('osprey@secret.' || 'example')) v (x) join people p on p.t = v.x",
      'select p.id from people p join people_view v on v.reach = p.t',
      'select p.id from people p join people_loud l on l.loud = upper(p.name)',
      "select id from people p join (select id as pid, t as tt from people) x on x.pid = p.id and x.tt > 'm'",
      'select u.* from people p join people q using (t) as u',
    ]),
    'select * from people p natural join orders o',
    'select * from (select t as k, id from people) a join (select name as k from people) b using (k)',
  ],
};
