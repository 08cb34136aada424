import { Code, type HandlerContext } from '@connectrpc/connect';
import { addressKey, admitCaller, type Caller } from './caller.ts';
import type { IdentityPort } from './ports.ts';
import { granted, isDenial, type Log, problem, tell } from './problems.ts';
import { type Requirement, type RoleGroups, requirements, rolesOf } from './roles.ts';

export interface GateParts {
  readonly identity: Pick<IdentityPort, 'authenticate'>;
  readonly groups: RoleGroups;
  readonly log: Log;
}

/** Longer than any token; an issuer's JWT with many groups is a few kilobytes. */
const MAX_SECRET_CHARS = 8192;

/** Lets a call in before its body is read: who is it, and may they. The only place where the API decides that. */
export function createGate({ identity, groups, log }: GateParts): (context: HandlerContext) => Promise<void> {
  const admit = async (context: HandlerContext): Promise<void> => {
    const requirement = requirementOf(context);
    if (requirement.roles === 'anybody') return;
    const secret = bearer(context.requestHeader);
    const address = context.values.get(addressKey);
    const authenticated = granted(await identity.authenticate(secret, { address }));
    const stillValid = async () => !isDenial(await identity.authenticate(secret, { address }));
    const caller = { ...authenticated, roles: rolesOf(authenticated.principal, groups), stillValid };
    check(caller, requirement, requirement.roles);
    admitCaller(context.values, caller);
  };
  return (context) =>
    admit(context).catch((error: unknown) => {
      const told = tell(error, log);
      if (told.code === Code.Unauthenticated)
        context.responseHeader.set('www-authenticate', 'Bearer realm="sallyport"');
      throw told;
    });
}

function requirementOf({ service, method }: HandlerContext): Requirement {
  const name = `${service.name}.${method.name}`;
  const requirement = Object.hasOwn(requirements, name) ? requirements[name] : undefined;
  if (requirement === undefined) throw new Error(`no role is written down for ${name}`);
  return requirement;
}

function bearer(headers: Headers): string {
  const [, secret] = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.get('authorization') ?? '') ?? [];
  if (secret === undefined || secret.length > MAX_SECRET_CHARS) {
    const hint = 'Sign in with: sallyport login. With curl: -H "Authorization: Bearer $SALLYPORT_TOKEN".';
    throw problem(Code.Unauthenticated, 'this needs a token', { hint });
  }
  return secret;
}

/** @throws ConnectError */
function check(caller: Caller, { scoped, delegated }: Requirement, roles: readonly Caller['roles'][number][]): void {
  if (caller.connection !== undefined && scoped !== true) {
    const message = `this token opens the connection "${caller.connection}" and nothing else`;
    throw problem(Code.PermissionDenied, message, { hint: 'Sign in with: sallyport login' });
  }
  const { actor, name } = caller.principal;
  if (actor !== undefined && delegated !== true) {
    const message = `${actor.name} acts on behalf of ${name} and may not do this: ${name} does it in person`;
    throw problem(Code.PermissionDenied, message);
  }
  if (roles.some((role) => caller.roles.includes(role))) return;
  const message = `${caller.principal.name} may not do this: it is for ${roles.map((role) => `${role}s`).join(' and ')}`;
  throw problem(Code.PermissionDenied, message, { hint: 'Ask an administrator for the group.' });
}
