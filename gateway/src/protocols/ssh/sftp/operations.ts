import { posix } from 'node:path';
import type { Action } from '@sallyport/shared/access/action.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  FieldReader,
  MAX_HANDLE_BYTES,
  openFlags,
  type Packet,
  type PacketType,
} from '@sallyport/shared/wire/sftp/packets.ts';

/** What a client asks for, as far as it matters here. */
export interface Operation {
  readonly id: number;
  readonly type: PacketType;
  /** What is judged; undefined for what is part of something that was, or tells nothing. */
  readonly action: Action | undefined;
  /** Looking only: a denial counts, nothing is journalled. */
  readonly isLook: boolean;
  /** Handles that it works with, as they came. */
  readonly handles: readonly string[];
  /** For OPEN and OPENDIR: what the handle will be for. */
  readonly opens?: { readonly path: string; readonly reads: boolean; readonly writes: boolean };
  readonly read?: { readonly offset: bigint };
}

/** Extensions that are known here; others are not offered. @see OpenSSH's PROTOCOL, 4 */
const extensions: Readonly<Record<string, (fields: Fields) => Omit<Operation, 'id' | 'type'>>> = {
  'posix-rename@openssh.com': ({ path }) => act('rename', ['write', 'delete'], path(), path()),
  'hardlink@openssh.com': ({ path }) => act('hardlink', ['link'], path(), path()),
  'lsetstat@openssh.com': ({ path }) => act('setstat', ['permit'], path()),
  'statvfs@openssh.com': ({ path }) => look('stat', path()),
  'fstatvfs@openssh.com': ({ handle }) => by(handle()),
  'fsync@openssh.com': ({ handle }) => by(handle()),
  'limits@openssh.com': () => free,
  'expand-path@openssh.com': ({ path }) => {
    path();
    return free;
  },
  'home-directory': ({ path }) => {
    path();
    return free;
  },
  // Two arrays of numbers.
  'users-groups-by-id@openssh.com': ({ blob }) => {
    blob();
    blob();
    return free;
  },
  'copy-data': (fields) => {
    const from = fields.handle();
    fields.uint64();
    fields.uint64();
    const to = fields.handle();
    fields.uint64();
    return by(from, to);
  },
};

export const isKnownExtension = (name: string): boolean => Object.hasOwn(extensions, name);

/** Kinds of actions on files. */
export const sftpKinds = [
  'open-read',
  'open-write',
  'list',
  'remove',
  'mkdir',
  'rmdir',
  'rename',
  'stat',
  'setstat',
  'symlink',
  'hardlink',
  'readlink',
].map((name) => `sftp.${name}`);

interface Fields {
  readonly path: () => string;
  readonly handle: () => string;
  readonly uint64: () => bigint;
  readonly blob: () => void;
}

const MAX_PATH_BYTES = 8 * 1024;

function fieldsOf(reader: FieldReader): Fields {
  return {
    path() {
      const bytes = reader.bytes();
      if (bytes.length > MAX_PATH_BYTES) throw malformed('a path that is too long');
      if (bytes.includes(0)) throw malformed('a path with a NUL in it');
      return bytes.toString('utf8');
    },
    handle() {
      const bytes = reader.bytes();
      if (bytes.length > MAX_HANDLE_BYTES) throw malformed('a handle that is too long');
      return bytes.toString('latin1');
    },
    uint64: () => reader.uint64(),
    blob: () => void reader.bytes(),
  };
}

const malformed = (text: string): WireError => new WireError('ERR_WIRE_MALFORMED', `SFTP: ${text}.`);

/** As a server sees it where nothing is a link: `//`, `.` and `..` are gone. */
export const normalised = (path: string): string => (path === '' ? '.' : posix.normalize(path).replace(/(.)\/$/, '$1'));

type Meant = Omit<Operation, 'id' | 'type'>;

const free: Meant = { action: undefined, isLook: true, handles: [] };
const by = (...handles: readonly string[]): Meant => ({ action: undefined, isLook: true, handles });
function act(name: string, effects: readonly string[], ...raw: readonly string[]): Meant {
  const paths = raw.map(normalised);
  const [verb = ''] = effects;
  return {
    action: { kind: `sftp.${name}`, verb, effects, text: `${name} ${paths.join(' ')}`, paths },
    isLook: false,
    handles: [],
  };
}

const look = (name: string, path: string): Meant => ({ ...act(name, ['read'], path), isLook: true });

/** Reads a request. Undefined for a kind that is not known: it is refused and not forwarded. @throws WireError */
export function operationOf({ type, body }: Packet): Operation | { readonly id: number; readonly unknown: string } {
  const reader = new FieldReader(body);
  const id = reader.uint32();
  const fields = fieldsOf(reader);
  if (type === 'EXTENDED') {
    const name = reader.bytes().toString('latin1');
    const read = Object.hasOwn(extensions, name) ? extensions[name] : undefined;
    return read === undefined ? { id, unknown: `the extension ${name.slice(0, 64)}` } : { id, type, ...read(fields) };
  }
  const read = type === undefined ? undefined : requests[type];
  if (type === undefined || read === undefined) return { id, unknown: 'this kind of request' };
  return { id, type, ...read(fields, reader) };
}

const requests: { readonly [T in PacketType]?: (fields: Fields, reader: FieldReader) => Meant } = {
  OPEN: ({ path }, reader) => {
    const name = path();
    const flags = reader.uint32();
    const writes = (flags & (openFlags.WRITE | openFlags.APPEND | openFlags.CREAT | openFlags.TRUNC)) !== 0;
    const reads = (flags & openFlags.READ) !== 0;
    const effects = [...(writes ? ['write'] : []), ...(reads || !writes ? ['read'] : [])];
    const meant = act(writes ? 'open-write' : 'open-read', effects, name);
    return { ...meant, opens: { path: normalised(name), reads, writes } };
  },
  OPENDIR: ({ path }) => {
    const name = path();
    return { ...act('list', ['read'], name), opens: { path: normalised(name), reads: false, writes: false } };
  },
  CLOSE: ({ handle }) => by(handle()),
  READ: ({ handle, uint64 }) => {
    const name = handle();
    return { ...by(name), read: { offset: uint64() } };
  },
  READDIR: ({ handle }) => by(handle()),
  FSTAT: ({ handle }) => by(handle()),
  FSETSTAT: ({ handle }) => ({ ...by(handle()), isLook: false }),
  LSTAT: ({ path }) => look('stat', path()),
  STAT: ({ path }) => look('stat', path()),
  SETSTAT: ({ path }) => act('setstat', ['permit'], path()),
  REMOVE: ({ path }) => act('remove', ['delete'], path()),
  MKDIR: ({ path }) => act('mkdir', ['write'], path()),
  RMDIR: ({ path }) => act('rmdir', ['delete'], path()),
  REALPATH: ({ path }) => {
    path();
    return free;
  },
  RENAME: ({ path }) => act('rename', ['write', 'delete'], path(), path()),
  READLINK: ({ path }) => look('readlink', path()),
  SYMLINK: ({ path }) => act('symlink', ['link'], path(), path()),
};

/** An FSETSTAT changes the file that its handle is for. */
export const setstatOf = (path: string): Action => act('setstat', ['permit'], path).action as Action;
