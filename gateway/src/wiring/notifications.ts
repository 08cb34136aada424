import { join } from 'node:path';
import { type Principal, partyOf } from '@sallyport/shared/access/principal.ts';
import { covers } from '@sallyport/shared/access/scope.ts';
import type { HooksPort } from '../api/hooks.ts';
import type { NotifiersPort } from '../api/ports/notifiers.ts';
import type { Log } from '../api/problems.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Specs } from '../config/kinds.ts';
import type { Identity } from '../identity/identity.ts';
import { Undeliverable } from '../notifications/channel.ts';
import { type NamedNotifier, Notifications } from '../notifications/notifications.ts';
import { isFromSlack, readAction } from '../notifications/slack-action.ts';
import { resolveReference } from '../outbound/reference.ts';
import type { CurrentAccess } from '../sessions/access.ts';

export interface NotificationsWiring {
  readonly journal: Journal;
  readonly data: string;
  readonly publicUrl: string;
  readonly log: Log;
}

export function openNotifications({ journal, data, publicUrl, log }: NotificationsWiring): Notifications {
  return new Notifications({
    journal,
    publicUrl: publicUrl.replace(/\/+$/, ''),
    progressFile: join(data, 'notified.json'),
    tell: (type, facts) => {
      log(type === 'notifier.recovered' ? 'a notifier works again' : 'a notifier fails', facts);
      journal.append(newEvent(type, { data: facts }));
    },
    onError: (error) => log('notifications have stopped: they go on after the next change or start', { error }),
  });
}

type Stored = { readonly name: string; readonly spec: Specs['Notifier'] };

/** `access` is asked at each event: labels may change. */
export const notifierOf =
  (access: CurrentAccess) =>
  ({ name, spec }: Stored): NamedNotifier => ({
    name,
    spec,
    covers: (connection) => {
      if (spec.connections === undefined) return true;
      const place = connection === undefined ? undefined : access.now.connections.get(connection);
      return place !== undefined && covers(scopeOf(spec.connections), place);
    },
  });

/** Without keys that are there and undefined. */
const scopeOf = (given: NonNullable<Specs['Notifier']['connections']>) =>
  JSON.parse(JSON.stringify(given)) as Parameters<typeof covers>[0];

/** The API's view of notifiers. */
export function notifiersPort(notifications: Notifications): NotifiersPort {
  return {
    list: () => notifications.status().sort((a, b) => a.name.localeCompare(b.name)),
    async test(name, by) {
      const data = { note: `${by.name} tries whether notifications arrive` };
      const event = newEvent('notifier.test', { principal: partyOf(by), data });
      try {
        return (await notifications.try(name, event)) ? { problem: undefined } : undefined;
      } catch (error) {
        return { problem: error instanceof Undeliverable ? error.message : 'the gateway met an error of its own' };
      }
    },
  };
}

export interface HooksWiring {
  readonly notifications: Pick<Notifications, 'find'>;
  readonly approvals: Pick<ApprovalDesk, 'decide'>;
  readonly identity: Pick<Identity, 'current' | 'users'>;
  readonly log: Log;
}

/** One answer for all that is not Slack's: nobody learns which notifiers there are. */
const unsigned = { status: 401, text: 'this was not signed by Slack\n' };

/** Decides approvals by buttons in Slack: as whom the notifier says that the member is, by the same rules as anywhere. */
export function hooksPort({ notifications, approvals, identity, log }: HooksWiring): HooksPort {
  return {
    async slack(name, headers, body) {
      const slack = notifications.find(name)?.slack;
      if (slack?.signingSecret === undefined) return unsigned;
      const secret = await resolveReference(slack.signingSecret, (why) => new Error(`the signing secret ${why}`));
      if (!isFromSlack(secret, headers, body, Date.now())) return unsigned;
      const action = readAction(body);
      // Buttons that only open a page are told of as well.
      if (action === undefined) return { status: 200, text: '' };
      const said = await decide(action, new Map(Object.entries(slack.approvers ?? {})));
      if (action.responseUrl !== undefined) tellSlack(action.responseUrl, said, log);
      return { status: 200, text: '' };
    },
  };

  async function decide(
    { approval, approved, user }: NonNullable<ReturnType<typeof readAction>>,
    approvers: ReadonlyMap<string, string>,
  ): Promise<string> {
    const name = approvers.get(user);
    if (name === undefined)
      return `<@${user}> stands for nobody in Sallyport: the notifier’s approvers do not name them.`;
    const principal = await identity.current(personOf(name));
    if ('message' in principal) return `<@${user}> stands for ${name}, who may not come in: ${principal.message}.`;
    const outcome = await approvals.decide(approval, principal, approved, 'in Slack');
    if ('message' in outcome) return `Not done: ${outcome.message}.`;
    return `${approved ? 'Approved' : 'Rejected'} by <@${user}> (${name}); the request is ${outcome.state}.`;
  }
}

/** A local user by name, anybody else by their principal's id. */
const personOf = (name: string): Principal => ({
  id: name.includes(':') ? name : `user:${name}`,
  name,
  groups: [],
  claims: {},
});

function tellSlack(url: string, text: string, log: Log): void {
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, replace_original: false, response_type: 'in_channel' }),
    redirect: 'error',
    signal: AbortSignal.timeout(5_000),
  })
    .then((response) => response.body?.cancel())
    .catch((error: unknown) => log('Slack was not told how a decision went', { error }));
}
