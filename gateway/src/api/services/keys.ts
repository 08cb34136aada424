import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import type { KeyService } from '@sallyport/proto/api/v1/keys_pb';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import { fingerprint, type PublicKey, readKeyLine, readPublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import type { StoredKey } from '../../identity/ssh/store.ts';
import { addressKey, callerOf, isAny } from '../caller.ts';
import type { KeysPort } from '../ports/keys.ts';
import { granted, invalid, notFound, problem } from '../problems.ts';
import { optional, required } from './fields.ts';
import { durationMs, timestamp } from './times.ts';

const MAX_LINE_CHARS = 16 * 1024;
const MAX_PASSWORD_CHARS = 1024;

export function keyService(port: KeysPort): ServiceImpl<typeof KeyService> {
  return {
    getSshServer() {
      const { host = '', port: number = 0, knownHosts = [] } = port.server() ?? {};
      const { line, fingerprint: authority } = port.authority;
      const authorities = { userAuthority: line, userAuthorityFingerprint: authority };
      return { host, port: number, knownHosts: [...knownHosts], ...authorities };
    },
    async signCertificate(request, context) {
      const { key } = publicKeyOf(request.publicKey);
      const order = { key, ttlMs: durationMs(request.ttl), address: context.values.get(addressKey) };
      const made = await worded(port.sign({ ...order, by: callerOf(context) }));
      const { certificate, serial, expiresAt, principal } = made;
      const times = { expiresAt: timestampFromMs(expiresAt) };
      return { certificate, serial: String(serial), principal, fingerprint: fingerprint(key.blob), ...times };
    },
    async addKey(request, context) {
      const { key, comment } = publicKeyOf(request.publicKey);
      const name = optional('the name', request.name) ?? comment.slice(0, 128);
      const password = optional('the current password', request.currentPassword, MAX_PASSWORD_CHARS);
      const [by, address] = [callerOf(context).principal, context.values.get(addressKey)];
      return { key: listed(granted(await worded(port.add({ by, name, key, password, address })))) };
    },
    async listKeys({ all }, context) {
      const caller = callerOf(context);
      if (all && !isAny(caller, 'admin', 'auditor')) {
        throw problem(Code.PermissionDenied, "only administrators list everybody's keys");
      }
      return { keys: (await port.list(all ? undefined : caller.principal.id)).map(listed) };
    },
    async removeKey(request, context) {
      const caller = callerOf(context);
      const id = required('the id', request.id);
      const key = await port.key(id);
      // Whose key it is is not told to others: to them it is not there.
      if (key === undefined || !(key.principal.id === caller.principal.id || isAny(caller, 'admin'))) {
        throw notFound('key', id);
      }
      if (!(await port.remove(key, caller.principal))) throw notFound('key', id);
      return {};
    },
  };
}

/** @throws ConnectError that says what is wrong with it */
function publicKeyOf(line: string): { key: PublicKey; comment: string } {
  try {
    const { blob, comment } = readKeyLine(required('the public key', line, MAX_LINE_CHARS));
    return { key: readPublicKey(blob), comment };
  } catch (error) {
    throw error instanceof WireError ? invalid(error.message) : error;
  }
}

async function worded<T>(outcome: Promise<T>): Promise<T> {
  try {
    return await outcome;
  } catch (error) {
    throw error instanceof RangeError ? invalid(error.message) : error;
  }
}

function listed({ id, principal, name, type, fingerprint, addedAt, addedFrom, lastUsedAt, lastUsedFrom }: StoredKey) {
  const { value } = timestamp(lastUsedAt);
  return {
    ...{ id, name, type, fingerprint, addedFrom, lastUsedFrom: lastUsedFrom ?? '' },
    principal: { id: principal.id, name: principal.name },
    addedAt: timestampFromMs(addedAt),
    ...(value === undefined ? {} : { lastUsedAt: value }),
  };
}
