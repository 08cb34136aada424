import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** Where a key comes from: a file, a variable of the gateway's environment, or what a command prints. */
export type KeySource =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'command'; readonly line: string };

export const KEY_BYTES = 32;
const COMMAND_MS = 30_000;
const MAX_OUTPUT_BYTES = 4096;

/** The key. @throws Unavailable ERR_SECRETS_UNAVAILABLE that names the source and never what it holds */
export async function readKey(source: KeySource): Promise<Buffer> {
  const key = keyOf(await textOf(source));
  if (key !== undefined) return key;
  const what = `${spoken(source)} holds no key: 32 bytes are needed, in base64, in hex or as they are`;
  throw unavailable(`${what} (make one with: openssl rand -base64 32)`);
}

/** Makes a key file that only its owner reads, whole and on the disk before it has its name. */
export function makeKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
}

/** Without anything secret: a command's arguments may hold what they should not. */
export function spoken(source: KeySource): string {
  if (source.from === 'file') return `the file ${source.path}`;
  if (source.from === 'env') return `the variable ${source.name}`;
  return `the command "${source.line.split(/\s/)[0]} …"`;
}

async function textOf(source: KeySource): Promise<Buffer> {
  if (source.from === 'file') return readFile(source);
  if (source.from === 'command') return outputOf(source);
  const text = process.env[source.name];
  if (text === undefined || text === '') throw unavailable(`${spoken(source)} is not set`);
  return Buffer.from(text);
}

function readFile(source: Extract<KeySource, { from: 'file' }>): Buffer {
  if (!existsSync(source.path)) throw unavailable(`${spoken(source)} does not exist`);
  try {
    return readFileSync(source.path);
  } catch (error) {
    throw unavailable(`${spoken(source)} cannot be read: ${(error as Error).message}`);
  }
}

const run = promisify(execFile);

/** What it prints is the key; what it says on standard error is for the operator, who sees it when they run it. */
async function outputOf(source: Extract<KeySource, { from: 'command' }>): Promise<Buffer> {
  try {
    const options = { encoding: 'buffer', timeout: COMMAND_MS, maxBuffer: MAX_OUTPUT_BYTES } as const;
    const { stdout } = await run('/bin/sh', ['-c', source.line], options);
    return stdout;
  } catch (error) {
    const { code, killed } = error as { code?: number | string; killed?: boolean };
    const how = killed === true ? `took longer than ${COMMAND_MS / 1000} s` : `ended with ${code ?? 'an error'}`;
    // Neither its output nor its words are repeated: they may hold the key.
    throw unavailable(`${spoken(source)} ${how}: run it by hand to see why`);
  }
}

function keyOf(bytes: Buffer): Buffer | undefined {
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  return undefined;
}

export const unavailable = (message: string): Unavailable =>
  new Unavailable('secrets', 'ERR_SECRETS_UNAVAILABLE', `the secrets cannot be opened: ${message}`);
