import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PartySchema } from '@sallyport/proto/api/v1/identity_pb';
import type { Party } from '@sallyport/shared/access/principal.ts';

/** In the API's words, with who acts for them. */
export function shownParty({ id, name, actor }: Party): MessageInitShape<typeof PartySchema> {
  return { id, name, ...(actor === undefined ? {} : { actor: shownParty(actor) }) };
}
