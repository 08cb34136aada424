import { createHash } from 'node:crypto';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import { actorsOf, type Principal } from '@sallyport/shared/access/principal.ts';
import type { Verdict } from '@sallyport/shared/access/verdict.ts';
import type { AccessCase } from '../approvals/grants/requests.ts';
import type { Identity } from '../identity/identity.ts';
import type { SessionFacts } from '../policy/facts.ts';
import type { CurrentAccess } from './access.ts';

/** What somebody would need to open a connection; undefined where they may not even ask, or where nobody knows it. */
export type Way =
  | { readonly outcome: 'open'; readonly rule: string }
  | { readonly outcome: 'ask'; readonly of: AccessCase };

/** The way into a connection by the rules of now. */
export function wayInto(
  access: CurrentAccess,
  name: string,
  principal: Principal,
  session: SessionFacts,
): Way | undefined {
  const connection = access.now.connections.get(name);
  if (connection === undefined) return undefined;
  const verdict = access.now.policy.mayOpen(principal, connection, session);
  if (verdict.outcome === 'deny') return undefined;
  const of = verdict.outcome === 'approve' ? accessCase(principal, connection, verdict) : undefined;
  return of === undefined ? { outcome: 'open', rule: verdict.rule } : { outcome: 'ask', of };
}

/** Undefined where the rule asks people at each session. */
export function accessCase(
  principal: Principal,
  connection: Connection,
  { rule, approvers, access }: Extract<Verdict, { outcome: 'approve' }>,
): AccessCase | undefined {
  if (access === undefined) return undefined;
  const role = connection.credential.username;
  const terms = termsOf(access.digest, connection, principal);
  // Claims are judged anew at each session; they are nobody else's matter and are not kept.
  const person = { ...principal, claims: {} };
  return { principal: person, connection: connection.name, role, rule, approvers, access, terms };
}

/** The terms of a rule and a connection for somebody who asked earlier, as they are now; undefined where there are none. */
export async function termsNow(
  access: CurrentAccess,
  identity: Pick<Identity, 'current'>,
  { principal, connection: name, rule }: Pick<AccessCase, 'principal' | 'connection' | 'rule'>,
): Promise<string | undefined> {
  const current = await identity.current(principal);
  const connection = access.now.connections.get(name);
  if ('message' in current || connection === undefined) return undefined;
  const digest = access.now.policy.accessDigest(rule, current, connection);
  return digest === undefined ? undefined : termsOf(digest, connection, current);
}

/** Consent is for what stands behind a name: another target under it is another matter. */
function termsOf(
  digest: string,
  { name, protocol, agent, target, credential }: Connection,
  principal: Principal,
): string {
  const logins = [credential.username, credential.postgresRole?.username ?? null];
  const { host, port, database = null, http } = target;
  // Consent to what a person does is none to what a program does on their behalf, and the other way round.
  const actors = actorsOf(principal).map(({ id }) => id);
  const api = http === undefined ? [] : [http.basePath, credential.http ?? null];
  const more = [...(actors.length === 0 ? [] : [actors]), ...api];
  const all = JSON.stringify([digest, name, protocol, agent, host, port, database, logins, ...more]);
  return createHash('sha256').update(all).digest('hex');
}
