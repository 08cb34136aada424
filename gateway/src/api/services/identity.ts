import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { type IdentityService, Role as ProtoRole } from '@sallyport/proto/api/v1/identity_pb';
import type { Sources } from '../../identity/source.ts';
import type { StoredToken } from '../../identity/store.ts';
import { addressKey, type Caller, callerOf, isAny } from '../caller.ts';
import type { IdentityPort, MintedToken, MintOrder } from '../ports.ts';
import { granted, invalid, isDenial, notFound, problem, refused } from '../problems.ts';
import type { Role } from '../roles.ts';
import { Throttle } from '../throttle.ts';
import { optional, required } from './fields.ts';
import { shownParty } from './parties.ts';
import { durationMs, timestamp } from './times.ts';

const MAX_PASSWORD_CHARS = 1024;
const roleNumbers: Readonly<Record<Role, ProtoRole>> = {
  user: ProtoRole.USER,
  approver: ProtoRole.APPROVER,
  auditor: ProtoRole.AUDITOR,
  admin: ProtoRole.ADMIN,
};

/** Sign-ins that cost nothing, for an address (many people may share one) and for a name. */
const perAddress = { burst: 30, refillMs: 2_000 };
const perName = { burst: 10, refillMs: 6_000 };

export function identityService(port: IdentityPort, clock?: () => number): ServiceImpl<typeof IdentityService> {
  const addresses = new Throttle(perAddress, clock);
  const names = new Throttle(perName, clock);
  const throttle = (address: string, name: string): void => {
    const waitMs = addresses.take(address) || names.take(name);
    if (waitMs === 0) return;
    const hint = `Wait ${Math.ceil(waitMs / 1000)} s and try again.`;
    throw problem(Code.ResourceExhausted, 'too many attempts to sign in', { hint });
  };
  return {
    async signIn(request, { values }) {
      const address = values.get(addressKey);
      const user = required('the user', request.user, 128);
      throttle(address, user);
      const password = required('the password', request.password, MAX_PASSWORD_CHARS);
      const [ttlMs, label] = [durationMs(request.ttl), optional('the label', request.label)];
      const signedIn = granted(await wordedRange(port.signIn({ user, password, address, ttlMs, label })));
      const { id, name, groups } = signedIn.principal;
      return { token: minted(signedIn), principal: { id, name, groups: [...groups] } };
    },
    whoAmI(_, context) {
      const { principal, roles, tokenId = '' } = callerOf(context);
      const { id, name, groups } = principal;
      const actor = principal.actor === undefined ? {} : { actor: shownParty(principal.actor) };
      const shown = { id, name, groups: [...groups], ...actor };
      return { principal: shown, roles: roles.map((role) => roleNumbers[role]), tokenId };
    },
    async mintToken(request, context) {
      const caller = callerOf(context);
      const order = mintOrder(caller, request.for);
      const token = await wordedRange(
        port.mint({
          ...order,
          sources: boundTo(caller, order.for, request.from),
          connection: optional('the connection', request.connection),
          ttlMs: durationMs(request.ttl),
          label: optional('the label', request.label),
        }),
      );
      if (token === undefined)
        throw notFound(order.for?.kind === 'user' ? 'user' : 'service account', order.for?.name ?? '');
      return { token: minted(granted(token)) };
    },
    async listTokens({ all }, context) {
      const caller = callerOf(context);
      if (all && !isAny(caller, 'admin', 'auditor')) throw adminsOnly("list everybody's tokens");
      return { tokens: (await port.tokens(all ? undefined : caller.principal.id)).map(listed) };
    },
    async revokeToken(request, context) {
      const caller = callerOf(context);
      const id = required('the id', request.id);
      const token = await port.token(id);
      // Whose token it is is not told to others: to them it is not there.
      const own =
        token?.principal.id === caller.principal.id && (caller.connection === undefined || caller.tokenId === id);
      if (token === undefined || !(own || (caller.connection === undefined && isAny(caller, 'admin')))) {
        throw notFound('token', id);
      }
      await port.revoke(id, caller.principal);
      return {};
    },
    async setPassword(request, context) {
      const caller = callerOf(context);
      const { user, current, own } = whosePassword(caller, request.user, request.currentPassword);
      const address = context.values.get(addressKey);
      if (own) throttle(address, user);
      const password = required('the new password', request.newPassword, MAX_PASSWORD_CHARS);
      const done = await wordedRange(port.setPassword({ by: caller.principal, user, address, current, password }));
      if (done === undefined) throw notFound('user', user);
      if (done !== true && isDenial(done)) throw refused(done);
      return {};
    },
  };
}

type For = { case: 'user' | 'serviceAccount'; value: string } | { case: undefined; value?: undefined };

const MAX_RANGES = 100;

/** One's own token is bound to all that the one is bound to with which it was asked for. */
function boundTo(caller: Caller, whom: MintOrder['for'], asked: readonly string[]): Sources {
  if (asked.length > MAX_RANGES) throw invalid(`a token is bound to ${MAX_RANGES} ranges at most`);
  const own = whom === undefined ? (caller.sources ?? []) : [];
  return [...own, ...(asked.length === 0 ? [] : [asked])];
}

/** A token never outlives the one that it was asked with; an administrator's order for others is not bound by that. */
function mintOrder(caller: Caller, wanted: For): Pick<MintOrder, 'by' | 'for' | 'notAfter'> {
  const by = caller.principal;
  if (wanted.case === undefined) return { by, for: undefined, notAfter: caller.expiresAt };
  if (!isAny(caller, 'admin')) throw adminsOnly('get tokens for others');
  const name = required('the name', wanted.value);
  return { by, for: { kind: wanted.case === 'user' ? 'user' : 'service', name }, notAfter: undefined };
}

function whosePassword(caller: Caller, asked: string, currentPassword: string) {
  const name = asked === '' ? caller.principal.name : required('the user', asked, 128);
  const own = caller.principal.id === `user:${name}`;
  if (!own && !isAny(caller, 'admin')) throw adminsOnly("set others' passwords");
  // Whoever finds a token must not be able to keep the account by it, an administrator's neither.
  const current = own ? required('the current password', currentPassword, MAX_PASSWORD_CHARS) : undefined;
  return { user: name, current, own };
}

/** Ports say with a RangeError that what a person wrote cannot be. */
async function wordedRange<T>(outcome: Promise<T>): Promise<T> {
  try {
    return await outcome;
  } catch (error) {
    throw error instanceof RangeError ? invalid(error.message) : error;
  }
}

const adminsOnly = (what: string) => problem(Code.PermissionDenied, `only administrators ${what}`);

const minted = ({ token, id, expiresAt }: MintedToken) => ({
  secret: token,
  id,
  expiresAt: timestampFromMs(expiresAt),
});

function listed({ id, principal, connection = '', label = '', issuedAt, expiresAt, revokedAt, ...rest }: StoredToken) {
  const { value } = timestamp(revokedAt);
  return {
    id,
    principal: shownParty(principal),
    connection,
    label,
    from: (rest.sources ?? []).map((ranges) => ranges.join(',')),
    issuedAt: timestampFromMs(issuedAt),
    expiresAt: timestampFromMs(expiresAt),
    ...(value === undefined ? {} : { revokedAt: value }),
  };
}
