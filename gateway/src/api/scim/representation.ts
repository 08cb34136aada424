import type { DirectoryGroup, DirectoryUser, Named } from '../../identity/directory/model.ts';
import { urns } from './attributes.ts';
import type { Document, Json } from './document.ts';
import { groupType, type ResourceType, userType } from './resource-type.ts';

/** Weak: two answers of one version may list attributes in another order. @see RFC 7644, 3.14 */
export const entityTag = (version: number): string => `W/"${version}"`;

/** What filters and patches see of a person: all but groups and what the server writes. */
export function userDocument({ userName, externalId, active, attributes }: DirectoryUser): Document {
  return { ...attributes, userName, active, ...(externalId === undefined ? {} : { externalId }) };
}

/** @see RFC 7643, 8.2 */
export function shownUser(user: DirectoryUser, groups: readonly Named[], base: string): Document {
  const document = userDocument(user);
  const extensions = userType.extensions.map(({ id }) => id).filter((id) => Object.hasOwn(document, id));
  return {
    schemas: [urns.user, ...extensions],
    id: user.id,
    ...document,
    ...(groups.length === 0 ? {} : { groups: groups.map((group) => reference(group, groupType, base)) }),
    meta: metaOf(user, userType, base),
  };
}

/** Members undefined: not shown. @see RFC 7643, 8.4 */
export function shownGroup(group: DirectoryGroup, members: readonly Named[] | undefined, base: string): Document {
  const { id, displayName, externalId } = group;
  return {
    schemas: [urns.group],
    id,
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    ...(members === undefined || members.length === 0
      ? {}
      : { members: members.map((member) => ({ ...reference(member, userType, base), type: 'User' })) }),
    meta: metaOf(group, groupType, base),
  };
}

const reference = ({ id, name }: Named, { endpoint }: ResourceType, base: string): { [key: string]: Json } => ({
  value: id,
  $ref: `${base}${endpoint}/${id}`,
  display: name,
});

export function metaOf(one: DirectoryUser | DirectoryGroup, { name, endpoint }: ResourceType, base: string): Document {
  return {
    resourceType: name,
    created: new Date(one.createdAt).toISOString(),
    lastModified: new Date(one.updatedAt).toISOString(),
    location: `${base}${endpoint}/${one.id}`,
    version: entityTag(one.version),
  };
}
