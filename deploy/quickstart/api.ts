/** The few calls of the gateway's API that a start needs, as curl would make them. */
export class Api {
  readonly #port: number;
  secret = '';

  constructor(port: number) {
    this.#port = port;
  }

  async signIn(password: string): Promise<void> {
    const { token } = await this.#call<{ token: { secret: string } }>('IdentityService/SignIn', {
      user: 'admin',
      password,
      ttl: `${12 * 3600}s`,
    });
    this.secret = token.secret;
  }

  async joinToken(name: string): Promise<string> {
    return (await this.#call<{ token: string }>('AgentService/CreateJoinToken', { name })).token;
  }

  async apply(file: string, text: string): Promise<void> {
    await this.#call('ResourceService/ApplyResources', { documents: [{ file, text }] });
  }

  async token(user: string, hours: number): Promise<string> {
    const order = { user, ttl: `${hours * 3600}s`, label: 'quickstart' };
    return (await this.#call<{ token: { secret: string } }>('IdentityService/MintToken', order)).token.secret;
  }

  async #call<T>(method: string, body: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/sallyport.api.v1.${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.secret === '' ? {} : { authorization: `Bearer ${this.secret}` }),
      },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { message?: string };
    if (!response.ok) throw new Error(`${method}: ${answer.message ?? response.statusText}`);
    return answer;
  }
}
