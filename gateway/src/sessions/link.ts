import type { Visitor } from '../protocols/protocol.ts';

/** A sign-in that somebody finishes in a browser. */
export interface SignInLink {
  readonly link: string;
  /** What the browser shows, so that nobody confirms another's sign-in. */
  readonly userCode: string;
  /** The token, once somebody said yes; undefined where nobody did, or the signal came first. */
  token(signal: AbortSignal): Promise<string | undefined>;
}

/** `address`: where the client is, for the person at the browser, as its protocol. @throws Unavailable */
export type BeginLink = (address: string, protocol?: string) => Promise<SignInLink>;

/** Lets a visitor without a secret prove itself in a browser. Undefined when it left, or nobody did in time. */
export type AskByLink = (visitor: Visitor) => Promise<string | undefined>;

/** `settled` is aborted when the visitor was admitted or turned away. */
export function byLink(begin: BeginLink, settled: AbortSignal): AskByLink {
  return async (visitor) => {
    const gone = new AbortController();
    visitor.gone(settled).then(() => gone.abort());
    const { link, userCode, token } = await begin(visitor.greeting.origin.address, visitor.greeting.protocol);
    visitor.tell(`sign in with your browser: ${link}`, `It shows the code ${userCode}. Ctrl-C gives up.`);
    return token(gone.signal);
  };
}
