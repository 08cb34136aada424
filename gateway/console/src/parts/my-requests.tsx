import { durationMs } from '@bufbuild/protobuf/wkt';
import { type Approval, ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Badge } from './badge.tsx';
import { ErrorNote } from './notes.tsx';
import { Found } from './page.tsx';
import { spoken } from './request-access.tsx';
import { Scroll } from './scroll.tsx';
import { When } from './when.tsx';

/** While something waits, its decision is looked for this often. Milliseconds. */
const LOOK_MS = 3_000;

/** What the person has asked for, and how it went; what waits can be taken back. */
export function MyRequests() {
  const client = useQueryClient();
  const found = useQuery({
    queryKey: ['requests'],
    queryFn: async () => {
      const { approvals } = await api.approvals.listApprovals({ own: true, limit: 100 });
      const wanted = approvals.filter(({ access }) => access !== undefined);
      const before = client.getQueryData<readonly Approval[]>(['requests']);
      // A decision changes what the cards above say.
      if (
        before !== undefined &&
        wanted.some(({ id, state }) => before.find((one) => one.id === id)?.state !== state)
      ) {
        void client.invalidateQueries({ queryKey: ['connections'] });
      }
      return wanted;
    },
    refetchInterval: ({ state: { data } }) => (data?.some(isWaiting) === true ? LOOK_MS : false),
  });
  return (
    <section className="panel" aria-labelledby="my-requests">
      <h2 id="my-requests">My requests</h2>
      <Scroll label="What you have asked for">
        <Found query={found}>{(requests) => <Requests requests={requests} />}</Found>
      </Scroll>
    </section>
  );
}

const isWaiting = ({ state }: Approval): boolean => state === ApprovalState.PENDING;

function Requests({ requests }: { readonly requests: readonly Approval[] }) {
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  async function withdraw(id: string): Promise<void> {
    setProblem(undefined);
    try {
      await api.access.cancelRequest({ id });
    } catch (error) {
      setProblem(problemOf(error));
    }
    await Promise.all(['connections', 'requests'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  }
  if (requests.length === 0) return <p className="small dim">You have asked for nothing yet.</p>;
  return (
    <>
      {problem !== undefined && <ErrorNote problem={problem} />}
      <table>
        <thead>
          <tr>
            <th>Connection</th>
            <th>For</th>
            <th>Reason</th>
            <th>State</th>
            <th>Asked</th>
            <th>
              <span className="visually-hidden">Withdraw</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={request.id}>
              <td>{request.connection}</td>
              <td>{request.access?.duration === undefined ? '' : spoken(durationMs(request.access.duration))}</td>
              <td>{request.access?.reason}</td>
              <td>
                <State request={request} />
              </td>
              <td className="dim">
                <When at={request.requestedAt} />
              </td>
              <td>
                {isWaiting(request) && (
                  <button type="button" className="danger" onClick={() => void withdraw(request.id)}>
                    Withdraw<span className="visually-hidden"> the request for {request.connection}</span>
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

function State({ request }: { readonly request: Approval }) {
  const { state, decisions } = request;
  const last = decisions.at(-1);
  const by = last?.by?.name === undefined ? '' : ` by ${last.by.name}`;
  if (state === ApprovalState.PENDING) return <Badge tone="warn">{by === '' ? 'waits' : `waits; approved${by}`}</Badge>;
  if (state === ApprovalState.APPROVED) return <Badge tone="good">{`approved${by}`}</Badge>;
  if (state === ApprovalState.REJECTED) {
    return (
      <>
        <Badge tone="bad">{`rejected${by}`}</Badge> <span className="dim">{last?.reason}</span>
      </>
    );
  }
  return <Badge>{state === ApprovalState.EXPIRED ? 'nobody decided in time' : 'taken back'}</Badge>;
}
