import type { Directory, UserDraft } from '../../identity/directory/directory.ts';
import type { DirectoryUser } from '../../identity/directory/model.ts';
import type { DirectoryProvider } from '../../identity/directory/provider.ts';
import { type Document, documentOf, externalIdOf, nameOf } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { patched } from './patch.ts';
import type { View } from './query.ts';
import { shownUser, userDocument } from './representation.ts';
import { userType } from './resource-type.ts';
import { isWanted, viewed } from './view.ts';

/** `/Users` of one directory. */
export function usersEndpoint(
  directory: Directory,
  provider: DirectoryProvider,
  base: string,
): Endpoint<DirectoryUser> {
  const { store } = directory;
  const shown = async (user: DirectoryUser, view: View): Promise<Document> => {
    const groups = isWanted(view, 'groups') ? await store.groupsOf(user.id) : [];
    return viewed(shownUser(user, groups, base), view, userType);
  };
  return {
    type: userType,
    shown,
    find: (id) => store.user(provider.name, id),
    source: (view) => ({
      type: userType,
      page: (after, limit) => store.users(provider.name, { after, limit }),
      find: (name, value) => {
        if (name === 'userName') return store.usersBy(provider.name, { userName: value });
        if (name === 'externalId') return store.usersBy(provider.name, { externalId: value });
        return name === 'id'
          ? store.user(provider.name, value).then((one) => (one === undefined ? [] : [one]))
          : undefined;
      },
      idOf: ({ id }) => id,
      document: async (user) => shownUser(user, [], base),
      shown: (user) => shown(user, view),
    }),
    create: (body) => directory.createUser(provider, draftOf(documentOf(userType, body), true)),
    replace: (id, body, isExpected) => {
      const document = documentOf(userType, body);
      return directory.changeUser(provider, id, (old) => draftOf(document, old.active), isExpected);
    },
    patch: (id, body, isExpected) =>
      directory.changeUser(
        provider,
        id,
        (old) => draftOf(patched(userType, userDocument(old), body), old.active),
        isExpected,
      ),
    remove: (id, isExpected) => directory.removeUser(provider, id, isExpected),
  };
}

/** Where nothing is said of it, somebody stays as active as they are: a replacement does not let anybody in again. */
function draftOf(document: Document, wasActive: boolean): UserDraft {
  const { userName: _, externalId: __, active = wasActive, ...attributes } = document;
  return {
    userName: nameOf(document, 'userName'),
    externalId: externalIdOf(document),
    active: active === true,
    attributes,
  };
}
