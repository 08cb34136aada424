import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { SignCertificateResponse } from '@sallyport/proto/api/v1/keys_pb';
import { Failure } from '../../failures.ts';
import type { Api } from '../api.ts';
import { credentialsPath } from '../credentials.ts';
import { SshAgent } from './agent.ts';
import { type KeyPair, newKeyPair, privateFile, publicLine } from './key.ts';

/** Where the certificate is, and until when it holds. Nothing secret. */
export interface KeptCertificate {
  readonly url: string;
  readonly principal: string;
  readonly serial: string;
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** The path of the private key; undefined: the running ssh-agent has it. */
  readonly file: string | undefined;
}

export type Life = Parameters<Api['keys']['signCertificate']>[0]['ttl'];

export const sshFolder = (env: NodeJS.ProcessEnv): string => join(dirname(credentialsPath(env)), 'ssh');

const statePath = (env: NodeJS.ProcessEnv): string => join(sshFolder(env), 'certificate.json');
const keyPath = (env: NodeJS.ProcessEnv): string => join(sshFolder(env), 'id_ed25519');
const commentOf = (url: string): string => `sallyport ${url}`;

/** Gets a certificate for a fresh key and leaves both where ssh finds them: in the ssh-agent, else in files. */
export async function keepCertificate(
  env: NodeJS.ProcessEnv,
  api: Api,
  url: string,
  ttl: Life,
): Promise<KeptCertificate> {
  const pair = newKeyPair();
  const signed = await api.keys.signCertificate({ publicKey: publicLine(pair), ...(ttl === undefined ? {} : { ttl }) });
  if (signed.expiresAt === undefined) throw new Failure('the gateway answered without a certificate');
  const file = (await intoAgent(env, pair, signed, url)) ? undefined : await intoFiles(env, pair, signed, url);
  const { principal, serial, fingerprint } = signed;
  const expiresAt = timestampDate(signed.expiresAt).toISOString();
  const kept = { url, principal, serial, fingerprint, expiresAt, file };
  await writePrivate(statePath(env), `${JSON.stringify(kept, null, 2)}\n`);
  return kept;
}

/** Undefined where there is none, or it cannot be read. */
export async function keptCertificate(env: NodeJS.ProcessEnv): Promise<KeptCertificate | undefined> {
  try {
    const read = JSON.parse(await readFile(statePath(env), 'utf8')) as KeptCertificate;
    return typeof read.expiresAt === 'string' && typeof read.url === 'string' ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Takes it out of the ssh-agent and off the disk. */
export async function forgetCertificate(env: NodeJS.ProcessEnv, url: string): Promise<void> {
  const agent = agentOf(env);
  if (agent !== undefined) await removeOld(agent, url).catch(() => undefined);
  const files = [statePath(env), keyPath(env), `${keyPath(env)}.pub`, `${keyPath(env)}-cert.pub`];
  await Promise.all(files.map((file) => rm(file, { force: true })));
}

function agentOf(env: NodeJS.ProcessEnv): SshAgent | undefined {
  const path = env['SSH_AUTH_SOCK'];
  return path === undefined || path === '' ? undefined : new SshAgent(path);
}

/** False where there is no agent, or one that takes no certificates. */
async function intoAgent(
  env: NodeJS.ProcessEnv,
  pair: KeyPair,
  signed: SignCertificateResponse,
  url: string,
): Promise<boolean> {
  const agent = agentOf(env);
  const { certificate, expiresAt } = signed;
  if (agent === undefined || expiresAt === undefined) return false;
  const lifetimeS = Math.max(1, Math.floor((timestampDate(expiresAt).getTime() - Date.now()) / 1000));
  try {
    await removeOld(agent, url);
    await agent.add(pair, certificate, commentOf(url), lifetimeS);
    return true;
  } catch {
    return false;
  }
}

async function removeOld(agent: SshAgent, url: string): Promise<void> {
  for (const identity of await agent.list()) if (identity.comment === commentOf(url)) await agent.remove(identity);
}

async function intoFiles(
  env: NodeJS.ProcessEnv,
  pair: KeyPair,
  { certificate }: SignCertificateResponse,
  url: string,
): Promise<string> {
  const file = keyPath(env);
  // The certificate last: with a new key beside an old one ssh would use neither.
  await rm(`${file}-cert.pub`, { force: true });
  await writePrivate(file, privateFile(pair, commentOf(url)));
  await writePrivate(`${file}.pub`, `${publicLine(pair)} ${commentOf(url)}\n`);
  await writePrivate(`${file}-cert.pub`, `${certificate}\n`);
  return file;
}

/** Whole or not at all, for the owner's eyes only. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}
