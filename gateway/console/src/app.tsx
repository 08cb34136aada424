import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Route, Switch } from 'wouter';
import { inbox } from './api/approvals.ts';
import { api, onSignedOut } from './api/client.ts';
import { problemOf } from './api/problem.ts';
import { signOutEverywhere } from './api/sign-in.ts';
import { forgetToken, keptToken } from './api/token.ts';
import { Access } from './pages/access.tsx';
import { Agents } from './pages/agents.tsx';
import { Approvals } from './pages/approvals.tsx';
import { Connections } from './pages/connections.tsx';
import { Policy } from './pages/policy.tsx';
import { SessionPage } from './pages/session.tsx';
import { Sessions } from './pages/sessions.tsx';
import { Empty, ErrorNote, Loading } from './parts/notes.tsx';
import { MeContext, meOf } from './shell/me.ts';
import { Shell } from './shell/shell.tsx';
import { SignIn } from './shell/sign-in.tsx';

const Overview = lazy(() => import('./pages/overview.tsx'));
const Audit = lazy(() => import('./pages/audit.tsx'));

const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 5_000, retry: 1, refetchOnWindowFocus: true } },
});

export function App() {
  const [token, setToken] = useState(keptToken());
  const [ended, setEnded] = useState(false);
  useEffect(() => {
    onSignedOut(() => {
      forgetToken();
      queries.clear();
      setEnded(true);
      setToken(undefined);
    });
  }, []);
  if (token === undefined)
    return (
      <SignIn
        ended={ended}
        onDone={(returnTo) => {
          history.replaceState(null, '', returnTo);
          setToken(keptToken());
        }}
      />
    );
  return (
    <QueryClientProvider client={queries}>
      <SignedIn
        onLeave={() => {
          void leave().finally(signOutEverywhere);
        }}
      />
    </QueryClientProvider>
  );
}

/** The token is of no use to anybody afterwards. */
async function leave(): Promise<void> {
  try {
    const { tokenId } = await api.identity.whoAmI({});
    if (tokenId !== '') await api.identity.revokeToken({ id: tokenId });
  } catch {
    // It ends by itself.
  }
  inbox.stop();
  forgetToken();
  queries.clear();
}

function SignedIn({ onLeave }: { readonly onLeave: () => void }) {
  const { data, error } = useQuery({ queryKey: ['me'], queryFn: () => api.identity.whoAmI({}), staleTime: 60_000 });
  useEffect(() => {
    if (data !== undefined) inbox.start(meOf(data));
  }, [data]);
  if (error !== null) {
    return (
      <main className="gate">
        <div className="panel">
          <ErrorNote problem={problemOf(error)} />
        </div>
      </main>
    );
  }
  if (data === undefined) return <Loading />;
  return (
    <MeContext value={meOf(data)}>
      <Shell onLeave={onLeave}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/">
              <Overview />
            </Route>
            <Route path="/approvals/:id?">{({ id }) => <Approvals chosen={id} />}</Route>
            <Route path="/sessions">
              <Sessions />
            </Route>
            <Route path="/sessions/:id">{({ id }) => <SessionPage id={id} key={id} />}</Route>
            <Route path="/connections">
              <Connections />
            </Route>
            <Route path="/policy">
              <Policy />
            </Route>
            <Route path="/agents">
              <Agents />
            </Route>
            <Route path="/audit">
              <Audit />
            </Route>
            <Route path="/access">
              <Access />
            </Route>
            <Route>
              <Empty title="There is nothing here">The address may be mistyped.</Empty>
            </Route>
          </Switch>
        </Suspense>
      </Shell>
    </MeContext>
  );
}
