import { type SubmitEvent, useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { keepToken } from '../api/token.ts';
import { ErrorNote } from '../parts/notes.tsx';
import mark from './mark.svg';

/** Who are you? Nothing else is shown before that is known. */
export function SignIn({ onDone, ended }: { readonly onDone: () => void; readonly ended: boolean }) {
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      const request = { user: String(fields.get('user')), password: String(fields.get('password')), label: 'console' };
      const { token } = await api.identity.signIn(request);
      keepToken(token?.secret ?? '');
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="gate">
      <form className="panel" onSubmit={(event) => void submit(event)}>
        <div className="row">
          <img src={mark} alt="" width="34" height="34" />
          <h1>Sallyport</h1>
        </div>
        {ended && problem === undefined && <p className="dim">You were signed out: your token has ended.</p>}
        {problem !== undefined && <ErrorNote problem={problem} />}
        <label>
          User
          <input name="user" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit" className="primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
