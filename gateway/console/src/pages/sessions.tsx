import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Session } from '@sallyport/proto/api/v1/sessions_pb';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import { problemOf } from '../api/problem.ts';
import { Badge } from '../parts/badge.tsx';
import { Empty, ErrorNote, Loading } from '../parts/notes.tsx';
import { Page } from '../parts/page.tsx';
import { nameOf } from '../parts/party.ts';
import { clock, When } from '../parts/when.tsx';
import { useMe } from '../shell/me.ts';

const PAGE = 200;
const ROW_PX = 42;
const REFRESH_MS = 10_000;

export function Sessions() {
  const me = useMe();
  const [isLive, setLive] = useState(false);
  const [words, setWords] = useState('');
  const found = useInfiniteQuery({
    queryKey: ['sessions', isLive],
    initialPageParam: undefined as Timestamp | undefined,
    queryFn: ({ pageParam }) =>
      api.sessions.listSessions({
        live: isLive,
        limit: PAGE,
        ...(pageParam === undefined ? {} : { before: pageParam }),
      }),
    getNextPageParam: ({ sessions, more }) => (more ? sessions.at(-1)?.startedAt : undefined),
    refetchInterval: isLive ? REFRESH_MS : false,
  });
  const all = found.data?.pages.flatMap(({ sessions }) => sessions) ?? [];
  const shown = all.filter((session) => matches(session, words));
  return (
    <Page
      title="Sessions"
      about={me.isReader ? 'Every login to a connection, living and recorded.' : 'Your logins, living and recorded.'}
    >
      <div className="toolbar">
        <input
          type="search"
          placeholder="Person, connection, address, program"
          aria-label="Search"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <label className="row">
          <input type="checkbox" checked={isLive} onChange={({ target }) => setLive(target.checked)} /> living only
        </label>
        <span className="small dim" role="status">
          {shown.length.toLocaleString('en')}
          {found.hasNextPage ? '+' : ''} sessions
        </span>
      </div>
      {found.error !== null && <ErrorNote problem={problemOf(found.error)} />}
      {found.isPending && <Loading />}
      {found.data !== undefined && (
        <section className="panel flush">
          <List
            sessions={shown}
            onEnd={() => {
              if (found.hasNextPage && !found.isFetchingNextPage) void found.fetchNextPage();
            }}
          />
        </section>
      )}
    </Page>
  );
}

function matches({ principal, connection, sourceAddress, application, id }: Session, words: string): boolean {
  const text = [nameOf(principal), connection, sourceAddress, application, id].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Thousands of rows, of which only those in sight exist. */
function List({ sessions, onEnd }: { readonly sessions: readonly Session[]; readonly onEnd: () => void }) {
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: sessions.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= sessions.length - 30) onEnd();
  }, [last, sessions.length, onEnd]);
  if (sessions.length === 0) {
    return (
      <Empty title="No sessions">
        <Link href="/connections">See what you may reach</Link>
      </Empty>
    );
  }
  return (
    <>
      <div className="grid-head sessions-grid" aria-hidden="true">
        <span>Started</span>
        <span>Who</span>
        <span>Connection</span>
        <span>Lasted</span>
        <span>Program</span>
        <span>Statements</span>
        <span>Refused</span>
      </div>
      <div ref={frame} className="scroll sessions-frame" style={{ height: rows.getTotalSize() + 1 }}>
        <div className="virtual" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const session = sessions[index];
            return session && <Row key={session.id} session={session} top={start} />;
          })}
        </div>
      </div>
    </>
  );
}

function Row({ session, top }: { readonly session: Session; readonly top: number }) {
  const { id, principal, connection, application, startedAt, endedAt, statements, refused } = session;
  return (
    <Link href={`/sessions/${id}`} className="line sessions-grid" style={{ top, height: ROW_PX }}>
      <span className="dim">
        <When at={startedAt} />
      </span>
      <span>{nameOf(principal)}</span>
      <span>{connection}</span>
      <span>{endedAt === undefined ? <Badge tone="good">live</Badge> : clock(lasted(startedAt, endedAt))}</span>
      <span className="dim">{application}</span>
      <span>{String(statements)}</span>
      <span>{refused > 0n ? <Badge tone="bad">{String(refused)}</Badge> : '0'}</span>
    </Link>
  );
}

const lasted = (from: Timestamp | undefined, to: Timestamp): number =>
  from === undefined ? 0 : timestampMs(to) - timestampMs(from);
