import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Client } from './client.ts';
import type { Dialect } from './dialect.ts';
import { type Problem, problemOf } from './problem.ts';
import type { ReadRequest } from './request.ts';
import { sendProblem } from './send-problem.ts';

/** A request that was read and is not answered yet. */
export class Waiting {
  readonly client: Client;
  readonly dialect: Dialect;
  readonly read: ReadRequest;
  readonly #left = Promise.withResolvers<void>();
  #isOver = false;

  constructor(client: Client, dialect: Dialect, read: ReadRequest) {
    this.client = client;
    this.dialect = dialect;
    this.read = read;
    const leave = (): void => {
      this.#isOver = true;
      this.#left.resolve();
    };
    client.response.once('close', leave);
    client.upgrade?.socket.once('close', leave);
  }

  /** It was answered, or its client has gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Why it takes so long. */
  notice(_text: string, _hint: string): void {}

  /** Its exchange is open. */
  served(): void {}

  turnAway(denial: Denial): void {
    this.answer(problemOf(denial));
  }

  answer(problem: Problem): void {
    if (this.#isOver) return;
    this.#isOver = true;
    sendProblem(this.client, this.dialect, problem);
  }
}
