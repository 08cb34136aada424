import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Minute } from '@sallyport/proto/api/v1/activity_pb';
import type { Session } from '@sallyport/proto/api/v1/sessions_pb';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { usePending } from '../api/approvals.ts';
import { api } from '../api/client.ts';
import { Empty } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { nameOf } from '../parts/party.ts';
import { Plot } from '../parts/plot.tsx';
import { When } from '../parts/when.tsx';
import { useMe } from '../shell/me.ts';

const REFRESH_MS = 10_000;

export default function Overview() {
  const me = useMe();
  const live = useQuery({
    queryKey: ['sessions', 'live'],
    queryFn: () => api.sessions.listSessions({ live: true, limit: 500 }),
    refetchInterval: REFRESH_MS,
  });
  const sessions = live.data?.sessions ?? [];
  const waiting = usePending();
  return (
    <Page title="Overview">
      <div className="tiles">
        <Tile figure={live.data === undefined ? '…' : sessions.length} what="sessions now" href="/sessions" />
        <Tile figure={waiting.length} what="approvals waiting" href="/approvals" />
        {me.isReader && <AgentsTile />}
        {me.isReader && <LeasesTile />}
      </div>
      {me.isReader && <ActivityPanel />}
      <div className="columns">
        <section className="panel">
          <h2>Sessions now</h2>
          <Found query={live}>{() => <SessionList sessions={sessions.slice(0, 8)} />}</Found>
        </section>
        <section className="panel">
          <h2>Top connections</h2>
          <TopConnections sessions={sessions} />
        </section>
      </div>
    </Page>
  );
}

function Tile({
  figure,
  what,
  href,
}: {
  readonly figure: number | string;
  readonly what: string;
  readonly href?: string;
}) {
  const body = (
    <>
      <span className="figure">{figure}</span>
      <span className="what">{what}</span>
    </>
  );
  return (
    <div className="panel tile">
      {href === undefined ? (
        body
      ) : (
        <Link href={href} className="tile-link">
          {body}
        </Link>
      )}
    </div>
  );
}

function AgentsTile() {
  const { data } = useQuery({
    queryKey: ['agents'],
    queryFn: () => api.agents.listAgents({}),
    refetchInterval: REFRESH_MS,
  });
  const up = data?.agents.filter(({ online }) => online).length;
  return <Tile figure={data === undefined ? '…' : `${up} / ${data.agents.length}`} what="agents up" href="/agents" />;
}

function LeasesTile() {
  const { data } = useQuery({
    queryKey: ['leases'],
    queryFn: () => api.leases.listLeases({}),
    refetchInterval: REFRESH_MS,
  });
  return <Tile figure={data?.leases.length ?? '…'} what="credentials lent out" />;
}

function ActivityPanel() {
  const activity = useQuery({
    queryKey: ['activity'],
    queryFn: () => api.activity.getActivity({}),
    refetchInterval: REFRESH_MS,
  });
  return (
    <section className="panel">
      <div className="row">
        <h2>Actions per minute</h2>
        <div className="legend">
          <span>
            <i className="allow" />
            allowed
          </span>
          <span>
            <i className="approve" />
            approved by people
          </span>
          <span>
            <i className="deny" />
            denied
          </span>
        </div>
      </div>
      <Found query={activity}>{({ minutes }) => <ActivityPlot minutes={minutes} />}</Found>
    </section>
  );
}

function ActivityPlot({ minutes }: { readonly minutes: readonly Minute[] }) {
  const sum = (of: (minute: Minute) => number): number => minutes.reduce((total, minute) => total + of(minute), 0);
  const spoken = `In the last hour ${sum(({ allowed }) => allowed)} actions were allowed, ${sum(({ approved }) => approved)} approved, ${sum(({ denied }) => denied)} denied.`;
  return (
    <Plot
      label={spoken}
      times={minutes.map(({ at }) => (at === undefined ? 0 : timestampMs(at) / 1000))}
      series={[
        { name: 'allowed', colour: '#14a085', values: minutes.map(({ allowed }) => allowed) },
        { name: 'approved', colour: '#e0a030', values: minutes.map(({ approved }) => approved) },
        { name: 'denied', colour: '#d9534a', values: minutes.map(({ denied }) => denied) },
      ]}
    />
  );
}

function SessionList({ sessions }: { readonly sessions: readonly Session[] }) {
  if (sessions.length === 0) {
    return (
      <Empty title="Nobody is connected">
        <Link href="/connections">See what you may reach</Link>
      </Empty>
    );
  }
  return (
    <table>
      <tbody>
        {sessions.map(({ id, principal, connection, startedAt }) => (
          <tr key={id}>
            <td>
              <Link href={`/sessions/${id}`}>{nameOf(principal)}</Link>
            </td>
            <td>{connection}</td>
            <td className="dim">
              <When at={startedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TopConnections({ sessions }: { readonly sessions: readonly Session[] }) {
  const counts = Map.groupBy(sessions, ({ connection }) => connection);
  const top = [...counts].sort(([, a], [, b]) => b.length - a.length).slice(0, 6);
  if (top.length === 0) return <p className="dim">No connection is in use.</p>;
  const most = top[0]?.[1].length ?? 1;
  return (
    <div className="bars">
      {top.map(([name, { length }]) => (
        <div key={name}>
          <span>{name}</span>
          <meter min={0} max={most} value={length} aria-label={`${length} sessions on ${name}`} />
          <span className="dim">{length}</span>
        </div>
      ))}
    </div>
  );
}
