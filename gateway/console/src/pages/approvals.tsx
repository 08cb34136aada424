import { type Approval, ApprovalState, Choice } from '@sallyport/proto/api/v1/approvals_pb';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { usePending, type Waiting } from '../api/approvals.ts';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Empty, ErrorNote } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { nameOf } from '../parts/party.ts';
import { Scroll } from '../parts/scroll.tsx';
import { Sql } from '../parts/sql.tsx';
import { When } from '../parts/when.tsx';

const states: Readonly<Record<ApprovalState, readonly [string, Tone]>> = {
  [ApprovalState.UNSPECIFIED]: ['unknown', 'plain'],
  [ApprovalState.PENDING]: ['waiting', 'warn'],
  [ApprovalState.APPROVED]: ['approved', 'good'],
  [ApprovalState.REJECTED]: ['rejected', 'bad'],
  [ApprovalState.EXPIRED]: ['expired', 'plain'],
  [ApprovalState.CANCELLED]: ['withdrawn', 'plain'],
};

/** j and k move, a approves, r rejects: as long as no field is being written in. */
function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isWriting = event.target instanceof HTMLElement && event.target.closest('input, textarea, select') !== null;
      if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      keys[event.key]?.();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [keys]);
}

export function Approvals({ chosen }: { readonly chosen: string | undefined }) {
  const waiting = usePending();
  const [, go] = useLocation();
  const recent = useQuery({
    queryKey: ['approvals', waiting.length],
    queryFn: () => api.approvals.listApprovals({ limit: 50 }),
  });
  const at = waiting.findIndex(({ approval }) => approval.id === chosen);
  const move = (by: number): void => {
    const next = waiting[Math.min(waiting.length - 1, Math.max(0, at + by))];
    if (next !== undefined) go(`/approvals/${next.approval.id}`);
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  return (
    <Page
      title="Approvals"
      about="What waits for consent, and what was decided. Consent holds for exactly what is shown, once."
      actions={
        <span className="small dim">
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>a</kbd> approve · <kbd>r</kbd> reject
        </span>
      }
    >
      <div className="split">
        <section className="panel flush" aria-label="Waiting">
          <WaitingList waiting={waiting} chosen={chosen} />
        </section>
        {chosen === undefined ? (
          <section className="panel">
            <Empty title={waiting.length === 0 ? 'All is decided' : 'Choose a request'}>
              {waiting.length === 0 ? 'New requests appear here by themselves.' : 'Or press j.'}
            </Empty>
          </section>
        ) : (
          <Request key={chosen} id={chosen} mayDecide={waiting[at]?.mayDecide ?? false} />
        )}
      </div>
      <section className="panel flush">
        <Scroll label="Decided">
          <Found query={recent}>{({ approvals }) => <Decided approvals={approvals} />}</Found>
        </Scroll>
      </section>
    </Page>
  );
}

function WaitingList({
  waiting,
  chosen,
}: {
  readonly waiting: readonly Waiting[];
  readonly chosen: string | undefined;
}) {
  const [, go] = useLocation();
  if (waiting.length === 0) return <Empty title="Nothing waits" />;
  return (
    <div className="timeline">
      {waiting.map(({ approval: { id, requester, connection, action, requestedAt }, mayDecide }) => (
        <button
          key={id}
          type="button"
          aria-current={id === chosen ? 'true' : undefined}
          onClick={() => go(`/approvals/${id}`)}
        >
          <span className="small dim">
            <When at={requestedAt} />
          </span>
          <span>
            <strong>{nameOf(requester)}</strong> <span className="dim">on {connection}</span>
            <span className="text" style={{ display: 'block' }}>
              {action?.text || action?.kind}
            </span>
          </span>
          {mayDecide ? <Badge tone="warn">yours</Badge> : <span />}
        </button>
      ))}
    </div>
  );
}

function Request({ id, mayDecide }: { readonly id: string; readonly mayDecide: boolean }) {
  const request = useQuery({ queryKey: ['approval', id], queryFn: () => api.approvals.getApproval({ id }) });
  return (
    <section className="panel" aria-label="Request">
      <Found query={request}>
        {({ approval }) =>
          approval === undefined ? <Empty title="It is gone" /> : <Details approval={approval} mayDecide={mayDecide} />
        }
      </Found>
    </section>
  );
}

function Details({ approval, mayDecide }: { readonly approval: Approval; readonly mayDecide: boolean }) {
  const { action, requester, connection, role, rule, decisions, count, approverGroups, approverUsers, state } =
    approval;
  const [word, tone] = states[state];
  return (
    <>
      <div className="row">
        <h2>
          {nameOf(requester)} on {connection}
        </h2>
        <Badge tone={tone}>{word}</Badge>
      </div>
      {action?.text ? <Sql text={action.text} /> : <p>Opening a session.</p>}
      {(action?.parameters.length ?? 0) > 0 && (
        <ol className="small" aria-label="Parameters">
          {action?.parameters.map(({ text }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parameters are numbered
            <li key={index}>{text === undefined ? <em className="dim">NULL</em> : <code>{text}</code>}</li>
          ))}
        </ol>
      )}
      <dl className="facts">
        <dt>Rule</dt>
        <dd>{rule}</dd>
        <dt>Role at the target</dt>
        <dd>{role}</dd>
        {(action?.tables.length ?? 0) > 0 && (
          <>
            <dt>Tables</dt>
            <dd>{action?.tables.join(', ')}</dd>
          </>
        )}
        {action?.estimatedRows !== undefined && (
          <>
            <dt>Estimated rows</dt>
            <dd>{Math.round(action.estimatedRows).toLocaleString('en')}</dd>
          </>
        )}
        <dt>Decided by</dt>
        <dd>
          {count} of {[...approverGroups, ...approverUsers].join(', ')}
        </dd>
        <dt>Until</dt>
        <dd>
          <When at={approval.expiresAt} />
        </dd>
      </dl>
      {decisions.map(({ by, choice, reason, at }) => (
        <p key={by?.id} className="small">
          <Badge tone={choice === Choice.APPROVE ? 'good' : 'bad'}>
            {choice === Choice.APPROVE ? 'approved' : 'rejected'}
          </Badge>{' '}
          by {by?.name} <When at={at} /> {reason !== '' && <span className="dim">“{reason}”</span>}
        </p>
      ))}
      {state === ApprovalState.PENDING && <Decide id={approval.id} mayDecide={mayDecide} />}
    </>
  );
}

function Decide({ id, mayDecide }: { readonly id: string; readonly mayDecide: boolean }) {
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const client = useQueryClient();

  async function decide(choice: Choice): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      await api.approvals.decideApproval({ id, choice, reason });
      await client.invalidateQueries({ queryKey: ['approval', id] });
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }
  const reject = (): void => {
    if (reason.trim() === '') field.current?.focus();
    else void decide(Choice.REJECT);
  };
  useKeys(mayDecide && !isBusy ? { a: () => void decide(Choice.APPROVE), r: reject } : {});
  if (!mayDecide) return <p className="small dim">Others decide this one.</p>;
  return (
    <>
      {problem !== undefined && <ErrorNote problem={problem} />}
      <label>
        Reason (needed to reject; the requester reads it)
        <input
          ref={field}
          value={reason}
          maxLength={500}
          onChange={({ target }) => setReason(target.value)}
          onKeyDown={({ key }) => key === 'Escape' && field.current?.blur()}
        />
      </label>
      <div className="row">
        <button type="button" className="primary" disabled={isBusy} onClick={() => void decide(Choice.APPROVE)}>
          Approve
        </button>
        <button type="button" className="danger" disabled={isBusy || reason.trim() === ''} onClick={reject}>
          Reject
        </button>
      </div>
    </>
  );
}

function Decided({ approvals }: { readonly approvals: readonly Approval[] }) {
  const [, go] = useLocation();
  const over = approvals.filter(({ state }) => state !== ApprovalState.PENDING);
  if (over.length === 0) return <Empty title="Nothing was decided yet" />;
  return (
    <table>
      <thead>
        <tr>
          <th>When</th>
          <th>State</th>
          <th>Who</th>
          <th>Connection</th>
          <th>What</th>
          <th>Decided by</th>
        </tr>
      </thead>
      <tbody>
        {over.map(({ id, requestedAt, state, requester, connection, action, decisions }) => (
          <tr key={id} className="link" onClick={() => go(`/approvals/${id}`)}>
            <td className="dim">
              <When at={requestedAt} />
            </td>
            <td>
              <Badge tone={states[state][1]}>{states[state][0]}</Badge>
            </td>
            <td>{nameOf(requester)}</td>
            <td>{connection}</td>
            <td>
              <code>{(action?.text || action?.kind || '').slice(0, 120)}</code>
            </td>
            <td>{decisions.map(({ by }) => by?.name).join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
