/** What is known of a type's values, so that what replaces one is valid for it. */
export type Family = 'text' | 'json' | 'jsonb' | 'bytes' | 'texts' | 'record' | 'plain' | 'other';

/** Built-in types by OID; they are fixed for good. @see PostgreSQL's pg_type.dat */
const families = new Map<number, Family>();

const members: Readonly<Record<Exclude<Family, 'other'>, readonly number[]>> = {
  // name, text, xml, unknown, bpchar, varchar, cstring.
  text: [19, 25, 142, 705, 1042, 1043, 2275],
  json: [114],
  jsonb: [3802],
  bytes: [17],
  // Arrays of xml, json, bytea, name, text, bpchar, varchar, jsonb, cstring, record.
  texts: [143, 199, 1001, 1003, 1009, 1014, 1015, 3807, 1263, 2287],
  record: [2249],
  // Numbers, times, addresses, identifiers: no detector looks at them.
  plain: [
    16, 20, 21, 23, 26, 27, 28, 29, 700, 701, 790, 1700, 5069, 1082, 1083, 1114, 1184, 1186, 1266, 829, 774, 869, 650,
    2950, 2970, 3220, 600, 601, 602, 603, 604, 628, 718, 1560, 1562, 2278, 3904, 3906, 3908, 3910, 3912, 3926, 1005,
    1007, 1016, 1021, 1022, 1231, 1000, 1115, 1182, 1185, 2951,
  ],
};
for (const [family, oids] of Object.entries(members)) for (const oid of oids) families.set(oid, family as Family);

/** OIDs of types that take any text but are made by extensions or people: citext, domains over text. */
export type TextTypes = ReadonlySet<number>;

/** `other` where the type is not known: nothing but NULL is surely valid for it. */
export function familyOf(typeOid: number | undefined, textTypes: TextTypes): Family {
  if (typeOid === undefined) return 'other';
  return families.get(typeOid) ?? (textTypes.has(typeOid) ? 'text' : 'other');
}
