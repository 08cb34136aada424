import { type Principal, partyOf } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Greeting } from '../protocols/protocol.ts';

/** Events told one by one in this time; beyond it they are counted, so that a flood cannot fill the disk. */
const windowMs = 10_000;
const eachWindow = 200;

/** What is known of somebody who was turned away. */
export type Rejected = Pick<Greeting, 'protocol' | 'origin'> & Partial<Greeting>;

/** Writes down who was turned away and why. */
export class Rejections {
  readonly #journal: Pick<Journal, 'append'>;
  #since = 0;
  #told = 0;
  #untold = 0;

  constructor(journal: Pick<Journal, 'append'>) {
    this.#journal = journal;
  }

  tell(greeting: Rejected, principal: Principal | undefined, { reason, message, rule }: Denial): void {
    if (!this.#mayTell()) return;
    const { protocol, origin, user = null, connection, application = null } = greeting;
    const data = {
      protocol,
      sourceAddress: origin.address,
      user,
      wanted: connection ?? null,
      application,
      reason,
      message,
      rule: rule ?? null,
    };
    const who = principal === undefined ? {} : { principal: partyOf(principal) };
    // The connection is what a stranger wrote: it is data here, not part of an event's subject.
    this.#journal.append(newEvent('session.rejected', { ...who, data }));
  }

  #mayTell(): boolean {
    const now = Date.now();
    if (now - this.#since > windowMs) {
      if (this.#untold > 0) {
        this.#journal.append(
          newEvent('session.rejected', { data: { message: 'more were turned away', count: this.#untold } }),
        );
      }
      [this.#since, this.#told, this.#untold] = [now, 0, 0];
    }
    if (this.#told < eachWindow) this.#told += 1;
    else this.#untold += 1;
    return this.#told < eachWindow || this.#untold === 0;
  }
}
