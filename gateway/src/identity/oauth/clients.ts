/** A program that may ask for tokens in a person's name. All are public: none of them can keep a secret (RFC 8252, 8.4). */
export interface Client {
  readonly id: string;
  /** What the person is told. */
  readonly label: string;
  /** The person is asked before it gets anything; not for the gateway's own pages. */
  readonly asks: boolean;
  mayRedirectTo(uri: string): boolean;
}

/** The path of the console to which its sign-in returns. */
export const consoleReturnPath = '/signed-in';

export function clientsOf(publicUrl: string): ReadonlyMap<string, Client> {
  const all: Client[] = [
    { id: 'sallyport-cli', label: 'the sallyport command', asks: true, mayRedirectTo: isLoopback },
    {
      id: 'sallyport-console',
      label: 'the web console',
      asks: false,
      mayRedirectTo: (uri) => uri === new URL(consoleReturnPath, publicUrl).href,
    },
    // libpq says whatever client the user configured; it uses the device grant only.
    { id: 'psql', label: 'a PostgreSQL client', asks: true, mayRedirectTo: () => false },
    // The gateway asks for it: ssh knows nothing of OAuth.
    { id: 'ssh', label: 'an SSH client', asks: true, mayRedirectTo: () => false },
  ];
  return new Map(all.map((client) => [client.id, client]));
}

/** Any port, by address and never by name. @see RFC 8252, 7.3 and 8.3 */
function isLoopback(uri: string): boolean {
  const url = URL.parse(uri);
  if (url === null || url.protocol !== 'http:' || url.username !== '' || url.password !== '' || url.hash !== '') {
    return false;
  }
  return (url.hostname === '127.0.0.1' || url.hostname === '[::1]') && url.port !== '';
}
