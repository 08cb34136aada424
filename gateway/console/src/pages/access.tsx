import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Token } from '@sallyport/proto/api/v1/identity_pb';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { Empty, ErrorNote } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { When } from '../parts/when.tsx';
import { useMe } from '../shell/me.ts';

const HOUR_MS = 3_600_000;
const lives = [
  ['1 hour', HOUR_MS],
  ['8 hours', 8 * HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['7 days', 7 * 24 * HOUR_MS],
] as const;

export function Access() {
  const me = useMe();
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => api.identity.listTokens({}) });
  return (
    <Page title="My access">
      <section className="panel">
        <dl className="facts">
          <dt>Name</dt>
          <dd>{me.name}</dd>
          <dt>Id</dt>
          <dd>
            <code>{me.id}</code>
          </dd>
          <dt>Groups</dt>
          <dd className="row">
            {me.groups.length === 0 ? (
              <span className="dim">none</span>
            ) : (
              me.groups.map((group) => <Badge key={group}>{group}</Badge>)
            )}
          </dd>
        </dl>
      </section>
      <NewToken />
      <section className="panel flush">
        <Scroll label="Tokens">
          <Found query={tokens}>{({ tokens: all }) => <Tokens tokens={all} />}</Found>
        </Scroll>
      </section>
    </Page>
  );
}

function NewToken() {
  const [secret, setSecret] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const client = useQueryClient();
  async function mint(fields: FormData): Promise<void> {
    setProblem(undefined);
    try {
      const { token } = await api.identity.mintToken({
        connection: String(fields.get('connection')).trim(),
        label: String(fields.get('label')).trim(),
        from: String(fields.get('from'))
          .split(/[\s,]+/)
          .filter((range) => range !== ''),
        ttl: durationFromMs(Number(fields.get('life'))),
      });
      setSecret(token?.secret);
      await client.invalidateQueries({ queryKey: ['tokens'] });
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  return (
    <section className="panel">
      <h2>A new token</h2>
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          void mint(new FormData(event.currentTarget));
        }}
      >
        <input name="connection" aria-label="Connection" placeholder="Only for this connection (any)" />
        <input name="from" aria-label="Only from these addresses" placeholder="Only from 10.0.0.0/8 (anywhere)" />
        <input name="label" aria-label="Label" placeholder="What it is for" maxLength={100} />
        <select name="life" aria-label="How long it lives">
          {lives.map(([name, ms]) => (
            <option key={ms} value={ms}>
              {name}
            </option>
          ))}
        </select>
        <button type="submit" className="primary">
          Make
        </button>
      </form>
      {problem !== undefined && <ErrorNote problem={problem} />}
      {secret !== undefined && (
        <>
          <p className="small">It is a password for every client, and is not shown again.</p>
          <Copyable text={secret} label="the token" />
        </>
      )}
    </section>
  );
}

function Tokens({ tokens }: { readonly tokens: readonly Token[] }) {
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  async function revoke(id: string): Promise<void> {
    try {
      await api.identity.revokeToken({ id });
      await client.invalidateQueries({ queryKey: ['tokens'] });
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  if (tokens.length === 0) return <Empty title="No tokens" />;
  return (
    <>
      {problem !== undefined && <ErrorNote problem={problem} />}
      <table>
        <thead>
          <tr>
            <th>Token</th>
            <th>For</th>
            <th>Made</th>
            <th>Ends</th>
            <th>
              <span className="visually-hidden">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map(({ id, label, connection, principal, from, issuedAt, expiresAt, revokedAt }) => (
            <tr key={id}>
              <td>
                <code>{id}</code> {principal?.actor !== undefined && <Badge>{principal.actor.name}</Badge>}{' '}
                <span className="dim">{label}</span>
              </td>
              <td>
                {connection || 'any connection'}
                {from.length > 0 && <span className="dim"> from {from.join(' and ')}</span>}
              </td>
              <td className="dim">
                <When at={issuedAt} />
              </td>
              <td>{revokedAt === undefined ? <When at={expiresAt} /> : <Badge tone="bad">revoked</Badge>}</td>
              <td>
                {revokedAt === undefined && (
                  <button type="button" className="danger" onClick={() => void revoke(id)}>
                    Revoke
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
