import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { Empty, ErrorNote } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { useMe } from '../shell/me.ts';

const REFRESH_MS = 5_000;

export function Agents() {
  const me = useMe();
  const found = useQuery({
    queryKey: ['agents'],
    queryFn: () => api.agents.listAgents({}),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Page title="Agents" about="They stand inside the networks and dial out; nobody dials in.">
      <section className="panel flush">
        <Scroll label="Agents">
          <Found query={found}>
            {({ agents }) =>
              agents.length === 0 ? (
                <Empty title="No agent has enrolled">Make a join token below and start one next to a database.</Empty>
              ) : (
                <table>
                  <thead>
                    <tr>
                      <th>Name</th>
                      <th>State</th>
                      <th>Labels</th>
                      <th className="number">Exchanges</th>
                      <th>Version</th>
                    </tr>
                  </thead>
                  <tbody>
                    {agents.map(({ name, online, labels, exchanges, version }) => (
                      <tr key={name}>
                        <td>{name}</td>
                        <td>
                          <Badge tone={online ? 'good' : 'bad'}>{online ? 'up' : 'away'}</Badge>
                        </td>
                        <td>
                          {Object.entries(labels).map(([key, value]) => (
                            <Badge key={key}>
                              {key}={value}
                            </Badge>
                          ))}
                        </td>
                        <td className="number">{exchanges}</td>
                        <td className="dim">{version}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )
            }
          </Found>
        </Scroll>
      </section>
      {me.isAdmin && <Join />}
    </Page>
  );
}

/** The token is shown this once. */
function Join() {
  const [made, setMade] = useState<{ token: string; command: string }>();
  const [problem, setProblem] = useState<Problem>();
  async function make(name: string): Promise<void> {
    setProblem(undefined);
    try {
      const { token, command } = await api.agents.createJoinToken({ name });
      setMade({ token, command });
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  return (
    <section className="panel">
      <h2>A new agent</h2>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          void make(String(new FormData(event.currentTarget).get('name')));
        }}
      >
        <input
          name="name"
          aria-label="Its name"
          placeholder="prod-vpc"
          required
          pattern="[a-z0-9]([a-z0-9.\-]{0,61}[a-z0-9])?"
        />
        <button type="submit" className="primary">
          Make a join token
        </button>
      </form>
      {problem !== undefined && <ErrorNote problem={problem} />}
      {made !== undefined && (
        <>
          <p className="small">Good once, for an hour. It is not shown again.</p>
          <Copyable text={`SALLYPORT_JOIN_TOKEN=${made.token} ${made.command}`} label="the command" />
        </>
      )}
    </section>
  );
}
