import { connect } from 'node:net';
import { type KeyPair, secretFields, string, uint32 } from './key.ts';

/** Message numbers. @see draft-miller-ssh-agent, 6.1 */
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SUCCESS = 6;
const REMOVE_IDENTITY = 18;
const ADD_ID_CONSTRAINED = 25;
const CONSTRAIN_LIFETIME = 1;

const MAX_ANSWER_BYTES = 1024 * 1024;
const TIMEOUT_MS = 5_000;

export interface AgentIdentity {
  readonly blob: Buffer;
  readonly comment: string;
}

/** The ssh-agent that listens at `path` (SSH_AUTH_SOCK). Every method rejects where it does not answer. */
export class SshAgent {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds a certificate with its key; the agent forgets both after `lifetimeS` seconds. */
  async add(pair: KeyPair, certificateLine: string, comment: string, lifetimeS: number): Promise<void> {
    const [type = '', base64 = ''] = certificateLine.split(' ');
    const body = [string(type), string(Buffer.from(base64, 'base64')), secretFields(pair), string(comment)];
    const constraint = [Buffer.of(CONSTRAIN_LIFETIME), uint32(lifetimeS)];
    await this.#demand(Buffer.concat([Buffer.of(ADD_ID_CONSTRAINED), ...body, ...constraint]));
  }

  async list(): Promise<readonly AgentIdentity[]> {
    const answer = await this.#ask(Buffer.of(REQUEST_IDENTITIES));
    if (answer[0] !== IDENTITIES_ANSWER) throw new Error('the ssh-agent does not list its keys');
    return identitiesOf(answer);
  }

  async remove({ blob }: AgentIdentity): Promise<void> {
    await this.#demand(Buffer.concat([Buffer.of(REMOVE_IDENTITY), string(blob)]));
  }

  async #demand(message: Buffer): Promise<void> {
    if ((await this.#ask(message))[0] !== SUCCESS) throw new Error('the ssh-agent refused');
  }

  /** One message, one answer. */
  async #ask(message: Buffer): Promise<Buffer> {
    const socket = connect(this.#path);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the ssh-agent does not answer')));
    try {
      socket.write(string(message));
      let answer = Buffer.alloc(0);
      for await (const chunk of socket) {
        answer = Buffer.concat([answer, chunk as Buffer]);
        if (answer.length < 4) continue;
        const lengthBytes = answer.readUInt32BE();
        if (lengthBytes > MAX_ANSWER_BYTES) throw new Error('the ssh-agent answers too much');
        if (answer.length >= 4 + lengthBytes) return answer.subarray(4, 4 + lengthBytes);
      }
      throw new Error('the ssh-agent hung up');
    } finally {
      socket.destroy();
    }
  }
}

/** @throws RangeError where the answer ends too early */
function identitiesOf(answer: Buffer): AgentIdentity[] {
  let at = 5;
  const next = (): Buffer => {
    const lengthBytes = answer.readUInt32BE(at);
    at += 4 + lengthBytes;
    if (at > answer.length) throw new RangeError('the ssh-agent answers half a list');
    return answer.subarray(at - lengthBytes, at);
  };
  const count = answer.readUInt32BE(1);
  const found: AgentIdentity[] = [];
  while (found.length < count) found.push({ blob: next(), comment: next().toString('utf8') });
  return found;
}
