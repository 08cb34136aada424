/** An element of the verified assertion, as the library gives it: attributes in `$`, text in `_`. */
export interface Parsed {
  readonly [name: string]: unknown;
}

/** What an assertion must agree with. */
export interface Wanted {
  readonly idpEntityId: string;
  readonly spEntityId: string;
  readonly acsUrl: string;
  /** Undefined: nobody asked (IdP-initiated). */
  readonly requestId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a verified assertion says. Times in milliseconds since the epoch. */
export interface Asserted {
  readonly id: string;
  readonly nameId: string;
  readonly nameIdFormat: string | undefined;
  readonly sessionIndex: string | undefined;
  /** Until when the provider's session lasts, where it said so. */
  readonly sessionEnd: number | undefined;
  /** From when on the assertion is worth nothing by itself. */
  readonly ends: number;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** What two clocks may differ by. */
export const SKEW_MS = 60_000;
const MAX_LIFE_MS = 24 * 3_600_000;
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

/** Why an assertion is not accepted, in words for the person and the administrator. */
export class AssertionRefused extends Error {}

const refuse = (why: string): never => {
  throw new AssertionRefused(why);
};

/**
 * Checks a verified assertion: issuer, audience, recipient, request and times must all be there and right.
 * @see SAML 2.0 Profiles, 4.1.4.2 and 4.1.4.3 @throws AssertionRefused
 */
export function readAssertion(assertion: Parsed, wanted: Wanted): Asserted {
  if (textOf(one(assertion, 'Issuer')) !== wanted.idpEntityId) refuse('it is from another issuer');
  const { ID: id = '', IssueInstant: issued = '' } = attributesOf(assertion);
  if (id === '') refuse('it has no ID');
  if (!(timeOf(issued) <= wanted.now + SKEW_MS)) refuse('it is from the future: compare the clocks');
  const subject = one(assertion, 'Subject');
  const nameId = one(subject, 'NameID');
  const name = textOf(nameId);
  if (name === '' || name.length > 255) refuse('it names nobody: its NameID is missing or too long');
  const { Format: nameIdFormat } = attributesOf(nameId);
  if (nameIdFormat === TRANSIENT) refuse('its NameID is transient: the person would be somebody else each time');
  const ends = checkConfirmation(subject, wanted);
  checkConditions(one(assertion, 'Conditions'), wanted);
  const [authentication] = childrenOf(assertion, 'AuthnStatement');
  if (authentication === undefined) return refuse('it does not say that the person signed in');
  const { SessionIndex: sessionIndex, SessionNotOnOrAfter: end } = attributesOf(authentication);
  const sessionEnd = end === undefined ? undefined : timeOf(end);
  if (sessionEnd !== undefined && !(sessionEnd > wanted.now)) refuse("the provider's own session is over");
  return {
    id,
    nameId: name,
    nameIdFormat,
    sessionIndex,
    sessionEnd,
    ends,
    attributes: readAttributes(assertion),
  };
}

/** At least one confirmation must be for us, by this request, now; resolves to its end. */
function checkConfirmation(subject: Parsed, wanted: Wanted): number {
  const reasons: string[] = [];
  for (const confirmation of childrenOf(subject, 'SubjectConfirmation')) {
    const [data] = childrenOf(confirmation, 'SubjectConfirmationData');
    const wrong = wrongConfirmation(attributesOf(confirmation)['Method'], data, wanted);
    if (wrong === undefined) return timeOf(attributesOf(data as Parsed)['NotOnOrAfter'] ?? '') + SKEW_MS;
    reasons.push(wrong);
  }
  return refuse(reasons[0] ?? 'it has no confirmation of its subject');
}

function wrongConfirmation(method: string | undefined, data: Parsed | undefined, wanted: Wanted): string | undefined {
  if (method !== BEARER || data === undefined) return 'its subject is not confirmed for a browser';
  const { Recipient, NotOnOrAfter = '', NotBefore, InResponseTo } = attributesOf(data);
  if (Recipient !== wanted.acsUrl) return 'it was made for another recipient';
  if (InResponseTo !== wanted.requestId) return 'it answers another request';
  const end = timeOf(NotOnOrAfter);
  if (!(end + SKEW_MS > wanted.now)) return 'it has expired';
  if (!(end <= wanted.now + MAX_LIFE_MS)) return 'it holds for more than a day';
  return NotBefore !== undefined && !(timeOf(NotBefore) - SKEW_MS <= wanted.now) ? 'it does not hold yet' : undefined;
}

function checkConditions(conditions: Parsed, { now, spEntityId }: Wanted): void {
  const { NotBefore: from, NotOnOrAfter: until } = attributesOf(conditions);
  if (from !== undefined && !(timeOf(from) - SKEW_MS <= now)) refuse('it does not hold yet');
  if (until !== undefined && !(timeOf(until) + SKEW_MS > now)) refuse('it has expired');
  const restrictions = childrenOf(conditions, 'AudienceRestriction');
  const isForUs = (restriction: Parsed) =>
    childrenOf(restriction, 'Audience').some((audience) => textOf(audience) === spEntityId);
  if (restrictions.length === 0 || !restrictions.every(isForUs)) refuse('it was made for another audience');
  // Core, 2.5.1: what is not understood makes the assertion's validity unknown.
  const known = ['$', '_', 'AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  if (Object.keys(conditions).some((name) => !known.includes(name))) refuse('it has a condition that is not known');
}

function readAttributes(assertion: Parsed): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const statement of childrenOf(assertion, 'AttributeStatement')) {
    for (const attribute of childrenOf(statement, 'Attribute')) {
      const { Name: name } = attributesOf(attribute);
      const values = childrenOf(attribute, 'AttributeValue')
        .map(textOf)
        .filter((value) => value !== '');
      if (name !== undefined) found.set(name, [...(found.get(name) ?? []), ...values]);
    }
  }
  return Object.fromEntries(found);
}

function one(parent: Parsed, name: string): Parsed {
  const [first, second] = childrenOf(parent, name);
  if (first === undefined || second !== undefined) return refuse(`it has not exactly one ${name}`);
  return first;
}

/** An element without attributes and children comes as its text alone. */
function childrenOf(parent: Parsed, name: string): readonly Parsed[] {
  const children = Object.hasOwn(parent, name) ? parent[name] : [];
  if (!Array.isArray(children)) return [];
  return children.map((child: unknown) =>
    typeof child === 'object' && child !== null ? (child as Parsed) : { _: child },
  );
}

const textOf = ({ _: text }: Parsed): string => (typeof text === 'string' ? text.trim() : '');

const attributesOf = ({ $: attributes }: Parsed): Readonly<Record<string, string>> =>
  typeof attributes === 'object' && attributes !== null ? (attributes as Record<string, string>) : {};

/** SAML's times are in UTC. NaN, which no comparison accepts, for anything else. @see SAML 2.0 Core, 1.3.3 */
const timeOf = (text: string): number =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
