import { type Party, spokenName } from '@sallyport/shared/access/principal.ts';

/** An audit event, as far as people are told of it. */
export interface NotableEvent {
  readonly id: string;
  readonly time: string;
  readonly type: string;
  readonly connection?: string;
  readonly sessionId?: string;
  readonly principal?: Party;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What people are told of an event, before a channel gives it its form. Plain text, no markup. */
export interface Notification {
  readonly event: NotableEvent;
  /** One line. */
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** A statement or command, shown as it is. */
  readonly code: string | undefined;
  /** Where to go from here. */
  readonly link: string | undefined;
  /** Written by whoever set the notifier up, in place of facts and code. */
  readonly text: string | undefined;
  /** The approval that may be decided. */
  readonly approval: string | undefined;
  /** Nobody needs to hear of it any more from then on. Milliseconds since the epoch. */
  readonly staleAt: number;
}

export interface Template {
  readonly title?: string | undefined;
  readonly text?: string | undefined;
}

/** Statements are shown up to here. Characters. */
const MAX_CODE = 1500;
const MAX_VALUE = 300;
const MAX_FACTS = 12;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Says an event for people. `publicUrl` without a slash at its end. */
export function notificationOf(event: NotableEvent, publicUrl: string, template: Template = {}): Notification {
  const told = event.type.startsWith('approval.') ? ofApproval(event, publicUrl) : ofOther(event, publicUrl);
  const fill = (text: string | undefined): string | undefined => text && filled(text, { ...told, event });
  return { ...told, title: oneLine(fill(template.title) ?? told.title), text: fill(template.text), event };
}

type Told = Omit<Notification, 'event' | 'text'>;

function ofApproval({ type, time, data, connection = '' }: NotableEvent, publicUrl: string): Told {
  const { id, requester, rule, action, access, expiresAt, state, decisions } = data as Partial<ApprovalFacts>;
  const who = requester === undefined ? 'somebody' : spokenName(requester);
  const last = decisions?.at(-1);
  const isOpen = type === 'approval.requested';
  const what = access === undefined ? '' : ' access';
  const title = isOpen
    ? `${who} asks for${what === '' ? ' approval' : what} on ${connection}`
    : `${who}'s request on ${connection}: ${state ?? type.slice('approval.'.length)}${last === undefined ? '' : ` by ${last.name}`}`;
  const facts: [string, string | undefined][] = [
    ['Who', who],
    ['Connection', connection],
    ['For', access && spoken(access.durationMs)],
    ['Why', access?.reason],
    ['Rule', rule],
    ['Tables', action?.tables?.map(({ schema, name }) => (schema ? `${schema}.${name}` : name)).join(', ')],
    ['Rows', action?.estimatedRows === undefined ? undefined : `about ${Math.round(action.estimatedRows)}`],
    ['Decision', last?.reason],
    ['Until', isOpen && expiresAt ? new Date(expiresAt).toISOString() : undefined],
  ];
  return {
    title: oneLine(title),
    facts: known(facts),
    code: cut(action?.text, MAX_CODE),
    link: id === undefined ? undefined : `${publicUrl}/approvals/${encodeURIComponent(id)}`,
    approval: isOpen ? id : undefined,
    staleAt: (isOpen ? expiresAt : undefined) ?? Date.parse(time) + DAY_MS,
  };
}

/** What of an approval is read here; it is stored as JSON. */
interface ApprovalFacts {
  readonly id: string;
  readonly requester: Party;
  readonly rule: string;
  readonly state: string;
  readonly expiresAt: number;
  readonly action: {
    readonly text?: string;
    readonly estimatedRows?: number;
    readonly tables?: readonly { readonly schema?: string; readonly name: string }[];
  };
  readonly access: { readonly durationMs: number; readonly reason: string };
  readonly decisions: readonly { readonly name: string; readonly reason: string }[];
}

function ofOther({ type, time, data, connection, sessionId, principal }: NotableEvent, publicUrl: string): Told {
  const scalars = Object.entries(data).filter(([key, value]) => key !== 'text' && isScalar(value));
  const facts: [string, string | undefined][] = [
    ['Who', principal && spokenName(principal)],
    ['Connection', connection],
    ...scalars.map(([key, value]): [string, string] => [key, String(value)]),
  ];
  const subject = [principal && spokenName(principal), connection].filter((part) => part !== undefined).join(' on ');
  return {
    title: oneLine(`${type}${subject === '' ? '' : `: ${subject}`}`),
    facts: known(facts),
    code: typeof data['text'] === 'string' ? cut(data['text'], MAX_CODE) : undefined,
    link: sessionId === undefined ? undefined : `${publicUrl}/sessions/${encodeURIComponent(sessionId)}`,
    approval: undefined,
    staleAt: Date.parse(time) + DAY_MS,
  };
}

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value) && value !== '';

const known = (facts: readonly [string, string | undefined][]): (readonly [string, string])[] =>
  facts
    .filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== '')
    .slice(0, MAX_FACTS)
    .map(([label, value]) => [label, cut(oneLine(value), MAX_VALUE) ?? '']);

/** `2 h`, `90 min`. */
function spoken(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

function cut(text: string | undefined, most: number): string | undefined {
  return text === undefined || text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;
}

/** A title is one line in every channel: line feeds would end a header of a mail. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

const MAX_FILLED = 16 * 1024;

/** Puts values for `{{a.b}}`; what there is none of is empty. Own properties only. */
function filled(template: string, values: object): string {
  const text = template.replace(/\{\{([A-Za-z][A-Za-z0-9_.]*)\}\}/g, (_, path: string) => {
    let value: unknown = values;
    for (const key of path.split('.')) {
      value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : '';
    }
    if (value === undefined || value === null) return '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
  return cut(text, MAX_FILLED) ?? '';
}
