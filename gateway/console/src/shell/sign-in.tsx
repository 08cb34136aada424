import { useEffect, useState } from 'react';
import { beginSignIn, finishSignIn } from '../api/sign-in.ts';
import { ErrorNote, Loading } from '../parts/notes.tsx';
import mark from './mark.svg';

/** Who are you? Nothing else is shown before that is known; the gateway's own page asks. */
export function SignIn({ onDone, ended }: { readonly onDone: (returnTo: string) => void; readonly ended: boolean }) {
  const isBack = location.pathname === '/signed-in';
  const [problem, setProblem] = useState<string>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each coming back
  useEffect(() => {
    if (isBack) finishSignIn().then(onDone, (error: Error) => setProblem(error.message));
    else if (!ended) void beginSignIn();
  }, [isBack]);
  if (problem === undefined && !ended) return <Loading />;
  return (
    <main className="gate">
      <div className="panel">
        <div className="row">
          <img src={mark} alt="" width="34" height="34" />
          <h1>Sallyport</h1>
        </div>
        {problem === undefined ? (
          <p className="dim">You are signed out.</p>
        ) : (
          <ErrorNote problem={{ message: problem, hint: undefined }} />
        )}
        <button type="button" className="primary" onClick={() => void beginSignIn()}>
          Sign in
        </button>
      </div>
    </main>
  );
}
