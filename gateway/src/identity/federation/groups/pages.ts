import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { explain, readBounded } from '../../../outbound/answer.ts';
import { refusal } from '../../denial.ts';

const MAX_PAGES = 20;
const MAX_GROUPS = 10_000;
const TIMEOUT_MS = 10_000;

/** One answer of a directory. */
export interface Page {
  readonly groups: readonly string[];
  /** Where the next one is; undefined: this was the last. */
  readonly next: URL | undefined;
}

/** A directory that is asked page by page. */
export interface Directory {
  /** For people: `Microsoft Graph`. */
  readonly title: string;
  readonly first: URL;
  readonly read: (answer: Readonly<Record<string, unknown>>, asked: URL) => Page;
}

/**
 * All groups, or a denial: some alone would make a rule that denies the others not match.
 * @throws Unavailable where the directory does not answer
 */
export async function allGroups(
  directory: Directory,
  accessToken: string,
  signal?: AbortSignal,
): Promise<readonly string[] | Denial> {
  const groups = new Set<string>();
  let next: URL | undefined = directory.first;
  for (let page = 0; next !== undefined; page++) {
    if (page === MAX_PAGES || groups.size > MAX_GROUPS) return tooMany(directory);
    const asked = await ask(directory, next, accessToken, signal);
    if (!('answer' in asked)) return asked;
    const read: Page = directory.read(asked.answer, next);
    for (const group of read.groups) groups.add(group);
    // The access token goes to nobody but who was configured.
    if (read.next !== undefined && read.next.origin !== directory.first.origin) {
      throw unavailable(directory, 'its next page is on another host');
    }
    next = read.next;
  }
  return [...groups];
}

interface Answered {
  readonly answer: Readonly<Record<string, unknown>>;
}

async function ask(directory: Directory, url: URL, token: string, signal?: AbortSignal): Promise<Answered | Denial> {
  let response: Response;
  let text: string;
  try {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    text = await readBounded(response);
  } catch (cause) {
    throw unavailable(directory, explain(cause), cause);
  }
  if ([401, 403].includes(response.status)) return forbidden(directory);
  if (response.status !== 200) throw unavailable(directory, `it answered with status ${response.status}`);
  return { answer: parse(directory, text) };
}

function parse(directory: Directory, text: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) return { ...answer };
  } catch {
    // Told below, as any other nonsense.
  }
  throw unavailable(directory, 'its answer cannot be read');
}

const forbidden = ({ title }: Directory): Denial =>
  refusal(
    `your groups could not be looked up: ${title} refused`,
    "Ask an administrator to give the gateway's application the permission to read groups (docs/sign-in.md).",
  );

const tooMany = ({ title }: Directory): Denial =>
  refusal(
    `you are in too many groups: ${title} lists more than ${MAX_GROUPS}, or on more than ${MAX_PAGES} pages`,
    'Ask an administrator to assign to the application only the groups that rules name.',
  );

const unavailable = ({ title }: Directory, why: string, cause?: unknown): Unavailable =>
  new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', `${title} cannot be asked for groups: ${why}`, { cause });
