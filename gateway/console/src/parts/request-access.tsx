import { durationFromMs, durationMs, timestampDate } from '@bufbuild/protobuf/wkt';
import type { AccessOffer } from '@sallyport/proto/api/v1/connections_pb';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { ErrorNote } from './notes.tsx';
import { When } from './when.tsx';

const MINUTE_MS = 60_000;
const steps = [5, 15, 30, 60, 120, 240, 480, 720, 1440, 4320, 10_080].map((minutes) => minutes * MINUTE_MS);

/** Asking for a connection for a time, with a reason; says instead what is there already. */
export function RequestAccess({ connection, offer }: { readonly connection: string; readonly offer: AccessOffer }) {
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  async function ask(fields: FormData): Promise<void> {
    setProblem(undefined);
    setBusy(true);
    try {
      const duration = durationFromMs(Number(fields.get('duration')));
      await api.access.requestAccess({ connection, duration, reason: String(fields.get('reason')).trim() });
      await Promise.all(['connections', 'requests'].map((key) => client.invalidateQueries({ queryKey: [key] })));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }
  if (offer.requestId !== '') return <p className="small">You have asked; it waits for people. See below.</p>;
  if (offer.grantedUntil !== undefined && timestampDate(offer.grantedUntil) > new Date()) {
    return (
      <p className="small">
        Yours; it ends <When at={offer.grantedUntil} />.
      </p>
    );
  }
  return (
    <form
      className="toolbar"
      aria-label={`Request access to ${connection}`}
      onSubmit={(event) => {
        event.preventDefault();
        void ask(new FormData(event.currentTarget));
      }}
    >
      <select name="duration" aria-label="For how long" defaultValue={usualOf(offer)}>
        {choicesOf(offer).map((ms) => (
          <option key={ms} value={ms}>
            {spoken(ms)}
          </option>
        ))}
      </select>
      <input
        name="reason"
        aria-label="Reason"
        placeholder={offer.needsReason ? 'What it is for' : 'What it is for (they read it)'}
        required={offer.needsReason}
        maxLength={500}
      />
      <button type="submit" className="primary" disabled={busy}>
        Request access
      </button>
      {problem !== undefined && <ErrorNote problem={problem} />}
    </form>
  );
}

const usualOf = ({ usual }: AccessOffer): number => (usual === undefined ? 0 : durationMs(usual));

/** The usual time is always among them. */
function choicesOf(offer: AccessOffer): readonly number[] {
  const maxMs = offer.max === undefined ? 0 : durationMs(offer.max);
  const within = [...steps, maxMs, usualOf(offer)].filter((ms) => ms > 0 && ms <= maxMs);
  return [...new Set(within)].sort((a, b) => a - b);
}

/** `15 minutes`, `1 hour`, `3 days`; seconds where nothing larger fits. */
export function spoken(ms: number): string {
  const units = [
    ['day', 24 * 60 * MINUTE_MS],
    ['hour', 60 * MINUTE_MS],
    ['minute', MINUTE_MS],
    ['second', 1_000],
  ] as const;
  const [name, unit] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['second', 1_000];
  const count = Math.round(ms / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
