import {
  type Attribute,
  commonAttributes,
  enterpriseSchema,
  groupSchema,
  type Schema,
  userSchema,
} from './attributes.ts';

/** A kind of resource: its endpoint and schemas. @see RFC 7643, 6 */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  readonly endpoint: '/Users' | '/Groups';
  readonly schema: Schema;
  readonly extensions: readonly Schema[];
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: userSchema,
  extensions: [enterpriseSchema],
};
export const groupType: ResourceType = { name: 'Group', endpoint: '/Groups', schema: groupSchema, extensions: [] };

/** Where an attribute lies in a resource: the schema's URN in front where it is an extension's. */
export interface Place {
  readonly extension: string | undefined;
  readonly attribute: Attribute;
  readonly sub: Attribute | undefined;
}

/** Names are compared without regard to case. @see RFC 7643, 2.1 */
export function named(attributes: readonly Attribute[] | undefined, name: string): Attribute | undefined {
  const wanted = name.toLowerCase();
  return attributes?.find((one) => one.name.toLowerCase() === wanted);
}

/**
 * Finds `userName`, `name.givenName`, `urn:…:User:department`. `unknown` where no schema has such an attribute;
 * `extension` where a whole extension is meant.
 */
export function placeOf({ schema, extensions }: ResourceType, path: string): Place | { extension: Schema } | 'unknown' {
  const lower = path.toLowerCase();
  for (const one of [schema, ...extensions]) {
    const urn = one.id.toLowerCase();
    if (lower === urn) return { extension: one };
    if (!lower.startsWith(`${urn}:`)) continue;
    const inner = path.slice(urn.length + 1);
    return one === schema
      ? within([...schema.attributes, ...commonAttributes], inner, undefined)
      : within(one.attributes, inner, one.id);
  }
  return within([...schema.attributes, ...commonAttributes], path, undefined);
}

function within(attributes: readonly Attribute[], path: string, extension: string | undefined): Place | 'unknown' {
  const [name = '', subName, ...rest] = path.split('.');
  const attribute = named(attributes, name);
  if (attribute === undefined || rest.length > 0) return 'unknown';
  if (subName === undefined) return { extension, attribute, sub: undefined };
  const sub = named(attribute.subAttributes, subName);
  return sub === undefined ? 'unknown' : { extension, attribute, sub };
}
