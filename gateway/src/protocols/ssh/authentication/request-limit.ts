import type { Connection } from 'ssh2';

/** What is private in ssh2 1.17.0 and of use here; a test with a real client shows that it still works. */
interface Inner {
  readonly _protocol: { readonly _handlers: { USERAUTH_REQUEST(...request: unknown[]): void } };
}

/**
 * Ends a connection that asks to be let in more often than this. ssh2 keeps requests for as long as one before them is not
 * decided, which may be while people are asked: without a bound a stranger could fill the memory with them.
 */
export function atMost(limit: number, connection: Connection): void {
  const { _handlers: handlers } = (connection as unknown as Inner)._protocol;
  const hear = handlers.USERAUTH_REQUEST;
  let requests = 0;
  handlers.USERAUTH_REQUEST = (...request) => {
    if (++requests <= limit) hear(...request);
    else connection.end();
  };
}
