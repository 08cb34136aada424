import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Failure, usage } from '../failures.ts';
import { type Credentials, loadCredentials } from './credentials.ts';

/** Which gateway, who asks, and whom to trust. */
export interface Settings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly saved: Credentials | undefined;
}

export interface GlobalOptions {
  readonly url?: string;
  readonly ca?: string;
}

const defaultUrl = 'http://127.0.0.1:8080';

/** From the command line, then the environment, then what `login` saved. */
export async function findSettings(options: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Settings> {
  const named = options.url ?? given(env['SALLYPORT_URL']);
  const token = given(env['SALLYPORT_TOKEN']);
  const caFile = options.ca ?? given(env['SALLYPORT_CA']);
  const saved = await loadCredentials(env);
  const url = checkedUrl(named ?? saved?.url ?? defaultUrl, env);
  // A token is for the gateway that gave it: it is never sent to another.
  const own = saved?.url === url ? saved : undefined;
  const ca = caFile === undefined ? own?.ca : await readCa(caFile);
  return { url, token: token ?? own?.token, ca, saved: own };
}

/** @throws Failure where a token would cross a network in the clear. */
export function checkedUrl(text: string, env: NodeJS.ProcessEnv): string {
  if (!URL.canParse(text)) throw usage(`"${text}" is no URL`, 'Such as: https://access.example.com');
  const { protocol, hostname, origin } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') throw usage(`"${text}" is neither https:// nor http://`);
  if (protocol === 'http:' && !isLoopback(hostname) && env['SALLYPORT_ALLOW_HTTP'] !== '1') {
    throw usage(
      `${origin} would send your token in the clear`,
      'Use https://, or set SALLYPORT_ALLOW_HTTP=1 where the network is yours.',
    );
  }
  return origin;
}

function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(`the CA file ${file} cannot be read`, { cause: error });
  }
}

const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
