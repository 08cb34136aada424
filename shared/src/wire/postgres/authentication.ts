import { openMessage } from './reader.ts';
import { Backend } from './types.ts';
import { MessageWriter } from './writer.ts';

/** What a server asks of a client before it lets it in. @see PostgreSQL manual 55.7 "Authentication…" */
export type Authentication =
  | { readonly kind: 'Ok' }
  | { readonly kind: 'CleartextPassword' }
  | { readonly kind: 'MD5Password'; readonly salt: Buffer }
  | { readonly kind: 'SASL'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'SASLContinue'; readonly data: Buffer }
  | { readonly kind: 'SASLFinal'; readonly data: Buffer }
  /** GSSAPI, SSPI, and whatever comes later. */
  | { readonly kind: 'unsupported'; readonly code: number };

const Code = { Ok: 0, CleartextPassword: 3, MD5Password: 5, SASL: 10, SASLContinue: 11, SASLFinal: 12 } as const;

/** Its buffers are parts of the message's. */
export function decodeAuthentication(buffer: Buffer, start: number, end: number): Authentication {
  const reader = openMessage(buffer, start, end, Backend.Authentication, 'AuthenticationOk');
  const code = reader.uint32();
  const authentication = read(code);
  if (authentication.kind !== 'unsupported') reader.done();
  return authentication;

  function read(code: number): Authentication {
    switch (code) {
      case Code.Ok:
        return { kind: 'Ok' };
      case Code.CleartextPassword:
        return { kind: 'CleartextPassword' };
      case Code.MD5Password:
        return { kind: 'MD5Password', salt: reader.bytes(4) };
      case Code.SASL:
        return { kind: 'SASL', mechanisms: mechanismsOf() };
      case Code.SASLContinue:
        return { kind: 'SASLContinue', data: reader.rest() };
      case Code.SASLFinal:
        return { kind: 'SASLFinal', data: reader.rest() };
      default:
        return { kind: 'unsupported', code };
    }
  }

  function mechanismsOf(): string[] {
    const names: string[] = [];
    for (let name = reader.text(); name !== ''; name = reader.text()) names.push(name);
    return names;
  }
}

export function authenticationOk(): Buffer {
  return authentication(Code.Ok).finish();
}

export function authenticationCleartextPassword(): Buffer {
  return authentication(Code.CleartextPassword).finish();
}

/** `salt`: 4 bytes. */
export function authenticationMD5Password(salt: Uint8Array): Buffer {
  return authentication(Code.MD5Password).bytes(salt).finish();
}

export function authenticationSASL(mechanisms: readonly string[]): Buffer {
  const writer = authentication(Code.SASL);
  for (const name of mechanisms) writer.text(name);
  return writer.byte(0).finish();
}

export function authenticationSASLContinue(data: Uint8Array): Buffer {
  return authentication(Code.SASLContinue).bytes(data).finish();
}

export function authenticationSASLFinal(data: Uint8Array): Buffer {
  return authentication(Code.SASLFinal).bytes(data).finish();
}

function authentication(code: number): MessageWriter {
  return new MessageWriter(Backend.Authentication).uint32(code);
}
