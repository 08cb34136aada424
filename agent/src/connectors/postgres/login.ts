import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  type BackendKeyData,
  decodeAuthentication,
  decodeBackendKeyData,
  decodeFields,
  decodeParameterStatus,
} from '@sallyport/shared/wire/postgres/backend.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '@sallyport/shared/wire/postgres/frontend.ts';
import { backendLimit } from '@sallyport/shared/wire/postgres/limits.ts';
import { md5Password } from '@sallyport/shared/wire/postgres/md5.ts';
import { ScramClient } from '@sallyport/shared/wire/postgres/scram.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import { nextChunk } from './dial.ts';
import { serverEndPoint } from './endpoint.ts';
import { TargetRefusal } from './failure.ts';

const largestLoginMessageBytes = 30_000;

export interface LoginOptions {
  readonly username: string;
  readonly parameters: readonly (readonly [string, string])[];
  /** 0 for protocol 3.0, 2 for 3.2. */
  readonly minor: number;
  readonly maySendCleartext: boolean;
  password(): Promise<string>;
}

export interface Login {
  readonly greeting: Readonly<Record<string, string>>;
  readonly key: BackendKeyData | undefined;
  /** What arrived behind ReadyForQuery. */
  readonly rest: Buffer;
}

/** From the startup message to ReadyForQuery. @throws TargetRefusal, WireError, the socket's error */
export async function logIn(socket: Socket, options: LoginOptions): Promise<Login> {
  const greeting: Record<string, string> = {};
  let key: BackendKeyData | undefined;
  let scram: ScramClient | undefined;
  let hasSentSecret = false;
  let isIn = false;
  let held: Buffer = Buffer.alloc(0);
  socket.write(startupMessage(options.parameters, options.minor));
  for (;;) {
    const end = messageEnd(held);
    if (end === undefined) {
      const chunk = await nextChunk(socket);
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      continue;
    }
    const message = held.subarray(0, end);
    held = held.subarray(end);
    const type = message[0];
    if (type === Backend.ErrorResponse) throw new TargetRefusal(decodeFields(message, 0, end), !hasSentSecret);
    if (type === Backend.Authentication && !isIn) await authenticate(message);
    else if (type === Backend.ReadyForQuery && isIn) return { greeting, key, rest: held };
    else if (type === Backend.ParameterStatus && isIn) {
      const { name, value } = decodeParameterStatus(message, 0, end);
      greeting[name] = value;
    } else if (type === Backend.BackendKeyData && isIn) {
      const { processId, secretKey } = decodeBackendKeyData(message, 0, end);
      key = { processId, secretKey: Buffer.from(secretKey) };
    } else if (type !== Backend.NoticeResponse && type !== Backend.NegotiateProtocolVersion) {
      throw new WireError('ERR_WIRE_UNEXPECTED', `The server sent a message of type 0x${type?.toString(16)} at login.`);
    }
  }

  async function authenticate(message: Buffer): Promise<void> {
    const asked = decodeAuthentication(message, 0, message.length);
    if (asked.kind === 'Ok') {
      if (scram !== undefined && !scram.isVerified) throw outOfTurn();
      isIn = true;
    } else if (asked.kind === 'CleartextPassword') {
      if (!options.maySendCleartext) {
        throw unsupported('The server wants the password unencrypted; use tls: require, or tls: disable to allow it');
      }
      await send(async () => passwordMessage(await options.password()));
    } else if (asked.kind === 'MD5Password') {
      const salt = Buffer.from(asked.salt);
      await send(async () => passwordMessage(md5Password(options.username, await options.password(), salt)));
    } else if (asked.kind === 'SASL' && scram === undefined) {
      const password = await options.password();
      scram = new ScramClient({ password, mechanisms: asked.mechanisms, ...channelOf(socket) });
      socket.write(saslInitialResponse(scram.mechanism, scram.initialResponse()));
    } else if (asked.kind === 'SASLContinue' && scram !== undefined) {
      const exchange = scram;
      await send(async () => saslResponse(await exchange.respond(asked.data)));
    } else if (asked.kind === 'SASLFinal' && scram !== undefined) scram.verify(asked.data);
    else if (asked.kind === 'unsupported') {
      throw unsupported(`The server wants authentication of kind ${asked.code}, which is not spoken here`);
    } else throw outOfTurn();
  }

  /** One proof a login: a server that asks twice, or in another way after SCRAM began, is collecting. */
  async function send(make: () => Promise<Buffer>): Promise<void> {
    if (hasSentSecret) throw outOfTurn();
    const message = await make();
    hasSentSecret = true;
    socket.write(message);
  }
}

/** Where the first message ends; undefined while it is not whole. */
function messageEnd(bytes: Buffer): number | undefined {
  if (bytes.length < 5) return undefined;
  const lengthBytes = bytes.readUInt32BE(1);
  if (lengthBytes < 4 || lengthBytes > Math.min(backendLimit(bytes[0]!), largestLoginMessageBytes)) {
    throw new WireError('ERR_WIRE_MALFORMED', 'The server does not speak the PostgreSQL protocol');
  }
  return bytes.length < lengthBytes + 1 ? undefined : lengthBytes + 1;
}

function channelOf(socket: Socket): { isTls: boolean; serverEndPoint?: Uint8Array | undefined } {
  if (!(socket instanceof TLSSocket)) return { isTls: false };
  return { isTls: true, serverEndPoint: serverEndPoint(socket.getPeerCertificate().raw) };
}

function unsupported(text: string): WireError {
  return new WireError('ERR_WIRE_UNSUPPORTED', text);
}

function outOfTurn(): WireError {
  return new WireError('ERR_WIRE_UNEXPECTED', 'The server’s authentication messages came out of turn');
}
