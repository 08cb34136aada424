import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';

type Alg = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA';
type Claims = Readonly<Record<string, unknown>>;

interface SigningKey {
  readonly alg: Alg;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** An OpenID Connect issuer in this process, with what can go wrong with one. */
export class TestIssuer {
  readonly #server: Server;
  /** The last one signs. */
  readonly #keys: SigningKey[] = [];
  /** Requests for the document of keys. */
  fetches = 0;
  discoveries = 0;
  /** Put in place of what discovery would say. */
  discovery: Claims | undefined;
  /** Answers nothing but this status. */
  status: number | undefined;
  /** Accepts requests and never answers. */
  silent = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(alg: Alg = 'ES256'): Promise<TestIssuer> {
    const server = createServer();
    const issuer = new TestIssuer(server);
    server.on('request', (request, response) => {
      if (issuer.silent) return;
      const { status = 200, url } = issuer;
      const document = request.url === '/keys' ? issuer.#keySet() : issuer.#discover(url);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    });
    await issuer.rotate(alg);
    await issuer.up();
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The key that signs now, as it is published. */
  get publicJwk(): JWK {
    return this.#signing.publicJwk;
  }

  #port = 0;

  async up(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Signs with a new key from now on; the old ones are published still, unless `alone`. */
  async rotate(alg: Alg = 'ES256', { alone = false, kid = true } = {}): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const named = kid ? { kid: `key-${this.#keys.length}` } : {};
    if (alone) this.#keys.length = 0;
    this.#keys.push({ alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), ...named, alg, use: 'sig' } });
  }

  /** A token for `alice`, valid for five minutes, with `claims` over it; a claim that is undefined is left out. */
  async token(claims: Claims = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const { alg, publicJwk, privateKey } = this.#signing;
    const named = publicJwk.kid === undefined ? {} : { kid: publicJwk.kid };
    return new SignJWT(this.claims(claims)).setProtectedHeader({ alg, ...named, ...header }).sign(privateKey);
  }

  claims(claims: Claims = {}): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000);
    const usual = {
      iss: this.url,
      aud: 'sallyport',
      sub: 'alice',
      email: 'alice@example.com',
      iat: now,
      exp: now + 300,
    };
    return Object.fromEntries(Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined));
  }

  get #signing(): SigningKey {
    const key = this.#keys.at(-1);
    if (key === undefined) throw new Error('the issuer has no key');
    return key;
  }

  #discover(url: string): Claims {
    this.discoveries += 1;
    return this.discovery ?? { issuer: url, jwks_uri: `${url}/keys` };
  }

  #keySet(): Claims {
    this.fetches += 1;
    return { keys: this.#keys.map(({ publicJwk }) => publicJwk) };
  }
}
