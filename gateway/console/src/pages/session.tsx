import type { Session } from '@sallyport/proto/api/v1/sessions_pb';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge } from '../parts/badge.tsx';
import { ErrorNote, Loading } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { nameOf } from '../parts/party.ts';
import { When } from '../parts/when.tsx';
import { Player } from '../replay/player.tsx';
import type { Tape } from '../replay/tape.ts';
import { useTranscript } from '../replay/use-transcript.ts';

/** The player and its terminal are larger than the rest of the console. */
const Terminal = lazy(() => import('../replay/terminal.tsx'));

export function SessionPage({ id }: { readonly id: string }) {
  const found = useQuery({ queryKey: ['session', id], queryFn: () => api.sessions.getSession({ id }) });
  return (
    <Found query={found}>{({ session }) => (session === undefined ? <Loading /> : <Shown session={session} />)}</Found>
  );
}

function Shown({ session }: { readonly session: Session }) {
  const { id, principal, connection, endedAt } = session;
  const isLive = endedAt === undefined;
  const [parameters, setParameters] = useSearchParams();
  const { transcript, tapes, isWhole, problem } = useTranscript(id, isLive);
  const startUs = Math.round(Number(parameters.get('at') ?? 0) * 1_000_000) || 0;
  return (
    <Page
      title={`${nameOf(principal)} on ${connection}`}
      crumb={<Link href="/sessions">Sessions</Link>}
      actions={isLive && <Kill id={id} />}
    >
      <section className="panel">
        <Facts session={session} />
      </section>
      {problem !== undefined && <ErrorNote problem={problem} />}
      {!isWhole && transcript.steps.length === 0 && problem === undefined && !isLive && <Loading />}
      <Terminals tapes={tapes.all} isLive={isLive} isWhole={isWhole} id={id} />
      {(isWhole || transcript.steps.length > 0 || isLive) && (
        <Player
          steps={transcript.steps}
          endUs={transcript.endUs}
          startUs={isLive ? Number.MAX_SAFE_INTEGER : startUs}
          onMoment={(us) => setParameters({ at: (us / 1_000_000).toFixed(6) }, { replace: true })}
        />
      )}
      {transcript.isCut && (
        <p className="small dim">There is more than a page can show: sallyport sessions replay {id}</p>
      )}
    </Page>
  );
}

interface TerminalsProps {
  readonly tapes: readonly Tape[];
  readonly isLive: boolean;
  readonly isWhole: boolean;
  readonly id: string;
}

/** What the session's terminals and commands showed, one at a time. */
function Terminals({ tapes, isLive, isWhole, id }: TerminalsProps) {
  const [chosen, choose] = useState(0);
  const tape = tapes.find(({ channel }) => channel === chosen) ?? tapes[0];
  if (tape === undefined) return null;
  return (
    <section className="panel">
      <div className="row">
        {tapes.length > 1 && (
          <label>
            Channel{' '}
            <select value={tape.channel} onChange={(event) => choose(Number(event.target.value))}>
              {tapes.map(({ channel, events }) => (
                <option key={channel} value={channel}>
                  {channel + 1} ({events.length} events)
                </option>
              ))}
            </select>
          </label>
        )}
        {isLive && (
          <span className="small dim">
            as far as it has come; all of it goes by with: sallyport sessions watch {id}
          </span>
        )}
      </div>
      <Suspense fallback={<Loading />}>
        <Terminal key={tape.channel} tape={tape} length={isWhole || isLive ? tape.events.length : 0} />
      </Suspense>
    </section>
  );
}

function Facts({ session }: { readonly session: Session }) {
  const { id, sourceAddress, application, agent, startedAt, endedAt, endReason, statements, refused, protocol } =
    session;
  return (
    <dl className="facts">
      <dt>State</dt>
      <dd>{endedAt === undefined ? <Badge tone="good">live</Badge> : `ended: ${endReason}`}</dd>
      <dt>Started</dt>
      <dd>
        <When at={startedAt} />
        {endedAt !== undefined && (
          <>
            , ended <When at={endedAt} />
          </>
        )}
      </dd>
      <dt>From</dt>
      <dd>
        {sourceAddress} {application !== '' && <span className="dim">{application}</span>}
      </dd>
      <dt>Through</dt>
      <dd>
        {protocol}
        {agent !== '' && `, agent ${agent}`}
      </dd>
      <dt>Statements</dt>
      <dd>
        {String(statements)} {refused > 0n && <Badge tone="bad">{String(refused)} refused</Badge>}
      </dd>
      <dt>Id</dt>
      <dd>
        <code>{id}</code>
      </dd>
    </dl>
  );
}

function Kill({ id }: { readonly id: string }) {
  const [problem, setProblem] = useState<Problem>();
  const [isAsking, setAsking] = useState(false);
  const [isDone, setDone] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isAsking) field.current?.focus();
  }, [isAsking]);
  async function kill(reason: string): Promise<void> {
    try {
      await api.sessions.killSession({ id, reason });
      setDone(true);
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  if (isDone) return <Badge>it was ended</Badge>;
  if (problem !== undefined) return <ErrorNote problem={problem} />;
  if (!isAsking) {
    return (
      <button type="button" className="danger" onClick={() => setAsking(true)}>
        End session
      </button>
    );
  }
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        void kill(String(new FormData(event.currentTarget).get('reason')));
      }}
    >
      <input ref={field} name="reason" aria-label="Reason" placeholder="Why? The person reads it." maxLength={200} />
      <button type="submit" className="danger">
        End it
      </button>
      <button type="button" className="quiet" onClick={() => setAsking(false)}>
        Keep it
      </button>
    </form>
  );
}
