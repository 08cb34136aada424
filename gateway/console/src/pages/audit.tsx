import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Event } from '@sallyport/proto/api/v1/audit_pb';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Empty, ErrorNote } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { nameOf } from '../parts/party.ts';
import { Scroll } from '../parts/scroll.tsx';

const LAST = 300;

interface Filter {
  readonly type: string;
  readonly connection: string;
}

async function read({ type, connection }: Filter): Promise<Event[]> {
  const found: Event[] = [];
  const types = type.trim() === '' ? [] : type.trim().split(/[\s,]+/);
  const request = { from: { case: 'last' as const, value: LAST }, types, connection: connection.trim() };
  for await (const { events } of api.audit.tailEvents(request)) found.push(...events);
  return found.reverse();
}

export default function Audit() {
  const [filter, setFilter] = useState<Filter>({ type: '', connection: '' });
  const events = useQuery({ queryKey: ['audit', filter], queryFn: () => read(filter) });
  return (
    <Page
      title="Audit"
      about={`The last ${LAST} events that match, newest first. The whole journal: sallyport audit export.`}
      actions={<Verify />}
    >
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          const fields = new FormData(event.currentTarget);
          setFilter({ type: String(fields.get('type')), connection: String(fields.get('connection')) });
        }}
      >
        <input name="type" type="search" aria-label="Types" placeholder="postgres.* policy.decision" />
        <input name="connection" type="search" aria-label="Connection" placeholder="Connection" />
        <button type="submit">Search</button>
        <button type="button" className="quiet" onClick={() => void events.refetch()}>
          Again
        </button>
      </form>
      <section className="panel flush">
        <Scroll label="Events">
          <Found query={events}>{(found) => <Events events={found} />}</Found>
        </Scroll>
      </section>
    </Page>
  );
}

function toneOf(type: string, data: Record<string, unknown> | undefined): Tone {
  if (type === 'session.rejected' || data?.['verdict'] === 'deny' || type.endsWith('.failed')) return 'bad';
  if (type.startsWith('approval.') || type.startsWith('admin.')) return 'warn';
  return 'plain';
}

function Events({ events }: { readonly events: readonly Event[] }) {
  if (events.length === 0)
    return (
      <Empty title="No event matches">Types are words such as session.start, or a prefix such as postgres.*</Empty>
    );
  return (
    <table>
      <thead>
        <tr>
          <th className="number">#</th>
          <th>When</th>
          <th>Type</th>
          <th>Who</th>
          <th>Connection</th>
          <th>What</th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ sequence, time, type, principal, connection, sessionId, data }) => (
          <tr key={String(sequence)}>
            <td className="number dim">{String(sequence)}</td>
            <td className="dim">{time === undefined ? '' : timestampDate(time).toLocaleTimeString()}</td>
            <td>
              <Badge tone={toneOf(type, data)}>{type}</Badge>
            </td>
            <td>{nameOf(principal)}</td>
            <td>{sessionId === '' ? connection : <Link href={`/sessions/${sessionId}`}>{connection}</Link>}</td>
            <td>
              <code>{gist(data)}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What an event says in a line. */
function gist(data: Record<string, unknown> | undefined): string {
  const { text, message, reason, ...rest } = data ?? {};
  const said = text ?? message ?? reason;
  const line = typeof said === 'string' && said !== '' ? said : JSON.stringify(rest);
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function Verify() {
  const [state, setState] = useState<'idle' | 'busy' | { readonly intact: boolean; readonly text: string }>('idle');
  const [problem, setProblem] = useState<Problem>();
  async function verify(): Promise<void> {
    setState('busy');
    setProblem(undefined);
    try {
      const { intact, events, problem: wrong, brokenAt } = await api.audit.verifyJournal({});
      const text = intact
        ? `${events.toLocaleString('en')} events, the chain holds`
        : `broken at ${brokenAt}: ${wrong}`;
      setState({ intact, text });
    } catch (error) {
      setProblem(problemOf(error));
      setState('idle');
    }
  }
  return (
    <>
      {problem !== undefined && <ErrorNote problem={problem} />}
      {typeof state === 'object' && <Badge tone={state.intact ? 'good' : 'bad'}>{state.text}</Badge>}
      <button type="button" disabled={state === 'busy'} onClick={() => void verify()}>
        {state === 'busy' ? 'Reading the journal…' : 'Verify the chain'}
      </button>
    </>
  );
}
