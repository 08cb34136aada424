import type { Duplex } from 'node:stream';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Backing, Exchange, Scribe } from '../protocol.ts';
import { actionOf } from './actions.ts';
import { ChannelPort, type Opening } from './channel-port.ts';
import { SshLens } from './lens.ts';

/** One channel of a client's connection. */
export class SshExchange implements Exchange {
  readonly opening: Exchange['opening'];
  readonly settings = {};
  readonly client: Duplex;
  readonly lens: SshLens;
  readonly port: ChannelPort;

  constructor(opening: Opening, backing: Pick<Backing, 'veil'>) {
    this.opening = actionOf(opening.request);
    this.port = new ChannelPort(opening);
    this.client = this.port;
    this.lens = new SshLens(backing.veil);
  }

  begin(): Buffer {
    return Buffer.alloc(0);
  }

  record(scribe: Scribe): void {
    this.lens.record(scribe);
  }

  farewell(denial: Denial): Buffer {
    return this.lens.farewell(denial);
  }

  fail(denial: Denial): void {
    this.port.end(this.lens.farewell(denial));
  }

  end(): void {
    this.lens.end();
  }
}
