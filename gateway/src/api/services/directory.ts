import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { DirectoryService } from '@sallyport/proto/api/v1/directory_pb';
import type { DirectoryToken } from '../../identity/directory/model.ts';
import { callerOf } from '../caller.ts';
import type { DirectoriesPort } from '../ports.ts';
import { invalid, notFound } from '../problems.ts';
import { optional, required } from './fields.ts';
import { durationMs, timestamp } from './times.ts';

export function directoryService(port: DirectoriesPort): ServiceImpl<typeof DirectoryService> {
  return {
    async mintDirectoryToken(request, context) {
      const provider = required('the provider', request.provider);
      const order = { provider, ttlMs: durationMs(request.ttl), label: optional('the label', request.label) };
      const minted = await port.mint({ ...order, by: callerOf(context).principal }).catch((error: unknown) => {
        throw error instanceof RangeError ? invalid(error.message) : error;
      });
      if (minted === undefined) throw notFound('IdentityProvider with "scim"', provider);
      const { token, id, expiresAt, url } = minted;
      return { secret: token, id, expiresAt: timestampFromMs(expiresAt), url };
    },
    async listDirectoryTokens({ provider }) {
      return { tokens: (await port.tokens(optional('the provider', provider))).map(listed) };
    },
    async revokeDirectoryToken(request, context) {
      const id = required('the id', request.id);
      if (!(await port.revoke(id, callerOf(context).principal))) throw notFound('living SCIM token', id);
      return {};
    },
  };
}

function listed({ id, provider, label = '', issuedAt, expiresAt, revokedAt }: DirectoryToken) {
  const { value } = timestamp(revokedAt);
  const times = { issuedAt: timestampFromMs(issuedAt), expiresAt: timestampFromMs(expiresAt) };
  return { id, provider, label, ...times, ...(value === undefined ? {} : { revokedAt: value }) };
}
