import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** What a client is given to cancel with: bytes of the key by protocol version, 4 before 3.2. */
export interface CancelKey {
  readonly processId: number;
  readonly secretKey: Buffer;
}

/** Keys of our own making, so that a client never learns the target's; each cancels only its owner's session. */
export class CancelKeys {
  readonly #held = new Map<number, { readonly secretKey: Buffer; readonly cancel: () => Promise<void> }>();

  issue(minor: number, cancel: () => Promise<void>): CancelKey {
    let processId = randomInt(1, 2 ** 31 - 1);
    while (this.#held.has(processId)) processId = randomInt(1, 2 ** 31 - 1);
    const secretKey = randomBytes(minor >= 2 ? 32 : 4);
    this.#held.set(processId, { secretKey, cancel });
    return { processId, secretKey };
  }

  revoke({ processId }: CancelKey): void {
    this.#held.delete(processId);
  }

  /** Settles when the cancel has been passed on; a wrong key is told by nothing, as PostgreSQL does. */
  async cancel({ processId, secretKey }: CancelKey): Promise<void> {
    const held = this.#held.get(processId);
    if (held === undefined || held.secretKey.length !== secretKey.length) return;
    if (timingSafeEqual(held.secretKey, secretKey)) await held.cancel();
  }
}
