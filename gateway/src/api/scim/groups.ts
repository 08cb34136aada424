import type { Directory, GroupDraft } from '../../identity/directory/directory.ts';
import type { DirectoryGroup, Named } from '../../identity/directory/model.ts';
import type { DirectoryProvider } from '../../identity/directory/provider.ts';
import { type Document, documentOf, externalIdOf, isObject, nameOf } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { patched } from './patch.ts';
import { bad } from './problem.ts';
import type { View } from './query.ts';
import { shownGroup } from './representation.ts';
import { groupType } from './resource-type.ts';
import { isWanted, viewed } from './view.ts';

/** `/Groups` of one directory. */
export function groupsEndpoint(
  directory: Directory,
  provider: DirectoryProvider,
  base: string,
): Endpoint<DirectoryGroup> {
  const { store } = directory;
  const shown = async (group: DirectoryGroup, view: View): Promise<Document> => {
    const members = isWanted(view, 'members') ? await store.members(group.id) : undefined;
    return viewed(shownGroup(group, members, base), view, groupType);
  };
  return {
    type: groupType,
    shown,
    find: (id) => store.group(provider.name, id),
    source: (view) => ({
      type: groupType,
      page: (after, limit) => store.groups(provider.name, { after, limit }),
      find: (name, value) => {
        const single = async (found: Promise<DirectoryGroup | undefined>) =>
          [await found].filter((one) => one !== undefined);
        if (name === 'displayName') return single(store.groupBy(provider.name, value));
        return name === 'id' ? single(store.group(provider.name, value)) : undefined;
      },
      idOf: ({ id }) => id,
      document: async (group) => shownGroup(group, await store.members(group.id), base),
      shown: (group) => shown(group, view),
    }),
    create: (body) => directory.createGroup(provider, draftOf(documentOf(groupType, body), [])),
    replace: (id, body, isExpected) => {
      const draft = draftOf(documentOf(groupType, body), []);
      return directory.changeGroup(provider, id, () => draft, isExpected);
    },
    patch: (id, body, isExpected) =>
      directory.changeGroup(
        provider,
        id,
        (group, members) => draftOf(patched(groupType, groupDocument(group, members), body), []),
        isExpected,
      ),
    remove: (id, isExpected) => directory.removeGroup(provider, id, isExpected),
  };
}

function groupDocument({ displayName, externalId }: DirectoryGroup, members: readonly Named['id'][]): Document {
  return {
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    ...(members.length === 0 ? {} : { members: members.map((value) => ({ value })) }),
  };
}

function draftOf(document: Document, none: readonly string[]): GroupDraft {
  const { members } = document;
  const ids = Array.isArray(members) ? members.map(memberId) : none;
  return {
    displayName: nameOf(document, 'displayName'),
    externalId: externalIdOf(document),
    members: [...new Set(ids)],
  };
}

function memberId(member: unknown): string {
  const { value, type } = isObject(member) ? member : {};
  // A rule would not see who is in the group within: better said than silently left out.
  if (typeof type === 'string' && type.toLowerCase() === 'group') {
    throw bad('invalidValue', 'groups within groups are not kept: send the people of the inner group as members');
  }
  if (typeof value !== 'string' || value === '') throw bad('invalidValue', 'a member needs a value: the id of a user');
  return value;
}
