/** Where an HTTP API is, beside its host and port. */
export interface HttpTarget {
  /** Goes before every path; empty, or a path without a slash at its end. */
  readonly basePath: string;
}

/**
 * How the agent proves itself to an HTTP API: one of these, or none, and a client certificate beside it. What is secret is
 * a reference that the agent resolves (`env:NAME`, `file:/path`, `vault:…`).
 */
export interface HttpCredential {
  readonly header?: HeaderCredential;
  readonly basic?: { readonly username: string; readonly password: string };
  /** Reference to the token. */
  readonly bearer?: string;
  readonly oauth?: OAuthCredential;
  readonly sigv4?: SigV4Credential;
  readonly clientCertificate?: ClientCertificate;
}

export interface HeaderCredential {
  readonly name: string;
  readonly secret: string;
  /** What is sent, with `{secret}` where the secret stands. */
  readonly format: string;
}

/** The client credentials grant. @see RFC 6749, 4.4 */
export interface OAuthCredential {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly audience?: string;
}

/** AWS Signature Version 4. */
export interface SigV4Credential {
  readonly region: string;
  readonly service: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** References to PEM texts. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a request asks, for rules. */
export interface HttpFacts {
  /** Upper case. */
  readonly method: string;
  /** Normalised, as it is sent; without the connection's prefix. */
  readonly path: string;
  /** Decoded names with their decoded values in order. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** The target's own host. */
  readonly host: string;
  /**
   * The body's JSON value, read only where a rule asks for it; an empty object where there is no body. Absent where it could
   * not be read: no JSON, too long, ambiguous.
   */
  readonly body?: unknown;
}
