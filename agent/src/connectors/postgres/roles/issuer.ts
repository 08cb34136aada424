import { randomBytes, randomUUID } from 'node:crypto';
import type { RoleIssuer } from '@sallyport/shared/access/connection.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { AnswerError, type Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import type { IssuedLogin } from '../../../credentials/leases.ts';
import { addressOf } from '../failure.ts';
import { WallProblem, Walls } from '../wall/raise.ts';
import { copySettings } from './settings.ts';
import { identifier, literal } from './sql.ts';
import { dropRole, type RoleNote, sessionRolePrefix, sweep } from './sweep.ts';
import { scramVerifier } from './verifier.ts';

/** Logs in to the opening's target and database as the issuing role. */
export type ConnectAsIssuer = (opening: Opening, issuer: RoleIssuer) => Promise<Inquiry>;

const SWEEP_EVERY_MS = 10 * 60_000;
/** Where something was too young to be swept, or still in use. */
const SWEEP_AGAIN_MS = 70_000;

/** Makes a role for each session and takes it back; nobody but the agent ever knows its password. */
export class PostgresRoles {
  readonly #connect: ConnectAsIssuer;
  readonly #walls = new Walls();
  readonly #run = randomUUID();
  readonly #sweptAt = new Map<string, number>();

  constructor(connect: ConnectAsIssuer) {
    this.#connect = connect;
  }

  /** @throws Unavailable ERR_CREDENTIAL_UNRESOLVED that says what the issuing role lacks; what the login throws */
  async issue(opening: Opening, issuer: RoleIssuer): Promise<IssuedLogin> {
    const inquiry = await this.#connect(opening, issuer);
    try {
      return await this.#made(inquiry, opening, issuer);
    } catch (error) {
      throw explained(error, opening, issuer);
    } finally {
      inquiry.close();
    }
  }

  async #made(inquiry: Inquiry, opening: Opening, issuer: RoleIssuer): Promise<IssuedLogin> {
    const { credential, wall, session, connection } = opening;
    const of = credential.username;
    const place = addressOf(opening.target);
    await inquiry.ask(
      `set search_path = pg_catalog; set lock_timeout = 5000; set statement_timeout = 60000; set standard_conforming_strings = on`,
    );
    const [rows = []] = await inquiry.ask('select current_database()');
    const database = rows[0]?.[0] ?? '';
    await this.#sweep(inquiry, `${place} ${database}`, database);
    const walled =
      wall === undefined ? undefined : await this.#walls.raise(inquiry, place, database, of, wall, this.#run);
    const name = sessionRolePrefix + randomBytes(6).toString('hex');
    const password = randomBytes(24).toString('base64url');
    const issuedAt = Date.now();
    const expiresAt = issuedAt + issuer.validForSeconds * 1000;
    const note: RoleNote = { by: 'sallyport', of, run: this.#run, at: new Date(issuedAt).toISOString(), session };
    const settings = await copySettings(inquiry, of, name, database);
    await inTransaction(inquiry, [
      `create role ${identifier(name)} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls
        password ${literal(await scramVerifier(password))} valid until ${timestamp(expiresAt)}`,
      `comment on role ${identifier(name)} is ${literal(JSON.stringify(note))}`,
      `grant ${identifier(walled ?? of)} to ${identifier(name)}`,
      // To end its sessions and to hand over what it makes, the issuing role has to be a member.
      `grant ${identifier(name)} to current_user`,
      ...settings,
      // Objects are the configured role's, and row security sees it, as without a role of its own.
      ...(walled === undefined ? [`alter role ${identifier(name)} set role to ${literal(of)}`] : []),
      ...(wall?.readOnly === true ? [`alter role ${identifier(name)} set default_transaction_read_only to on`] : []),
    ]);
    const lease = { id: name, source: 'postgres-role', connection, session, username: name, issuedAt, expiresAt };
    return {
      lease,
      password,
      insists: true,
      revoke: () => this.#asIssuer(opening, issuer, (one) => dropRole(one, name, of)),
      renew: async () => {
        const until = Date.now() + issuer.validForSeconds * 1000;
        const text = `alter role ${identifier(name)} valid until ${timestamp(until)}`;
        await this.#asIssuer(opening, issuer, (one) => one.ask(text));
        return until;
      },
    };
  }

  async #asIssuer(opening: Opening, issuer: RoleIssuer, act: (inquiry: Inquiry) => Promise<unknown>): Promise<void> {
    const inquiry = await this.#connect(opening, issuer);
    try {
      await act(inquiry);
    } finally {
      inquiry.close();
    }
  }

  async #sweep(inquiry: Inquiry, place: string, database: string): Promise<void> {
    if (Date.now() - (this.#sweptAt.get(place) ?? 0) < SWEEP_EVERY_MS) return;
    const now = Date.now();
    this.#sweptAt.set(place, now);
    const { waiting } = await sweep(inquiry, this.#run, database);
    if (waiting > 0) this.#sweptAt.set(place, now - SWEEP_EVERY_MS + SWEEP_AGAIN_MS);
  }
}

async function inTransaction(inquiry: Inquiry, statements: readonly string[]): Promise<void> {
  try {
    await inquiry.ask(`begin; ${statements.map((one) => one.replace(/;$/, '')).join('; ')}; commit`);
  } catch (error) {
    await inquiry.ask('rollback');
    throw error;
  }
}

const timestamp = (at: number): string => literal(new Date(at).toISOString());

function explained(error: unknown, { credential, target }: Opening, issuer: RoleIssuer): unknown {
  if (!(error instanceof AnswerError || error instanceof WallProblem)) return error;
  const what =
    error instanceof WallProblem
      ? 'The wall of this connection cannot be built'
      : 'No role can be made for this session';
  const isDenied = error instanceof AnswerError && error.sqlState === '42501';
  const needs = `it needs CREATEROLE, and: GRANT ${identifier(credential.username)} TO ${identifier(issuer.username)} WITH ADMIN OPTION`;
  const text = `${what} by ${issuer.username} at ${addressOf(target)}: ${error.message}${isDenied ? `; ${needs}` : ''}.`;
  return new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', text, { cause: error });
}
