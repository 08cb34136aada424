import { useEffect, useRef, useState } from 'react';
import { api } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';
import { Tapes } from './tape.ts';
import { Transcript } from './transcript.ts';

export interface Loaded {
  readonly transcript: Transcript;
  readonly tapes: Tapes;
  /** Grows with what has come, so that the page is drawn anew. */
  readonly version: number;
  readonly isWhole: boolean;
  readonly problem: Problem | undefined;
}

/** Between two drawings while events come. */
const DRAW_MS = 120;

/** A session's transcript: all of a recording, or a living one as it goes on. */
export function useTranscript(id: string, isLive: boolean): Loaded {
  const transcript = useRef(new Transcript());
  const tapes = useRef(new Tapes());
  const [state, setState] = useState<Omit<Loaded, 'transcript' | 'tapes'>>({
    version: 0,
    isWhole: false,
    problem: undefined,
  });
  useEffect(() => {
    const stop = new AbortController();
    transcript.current = new Transcript();
    tapes.current = new Tapes();
    const drawing = setInterval(() => setState((old) => ({ ...old, version: old.version + 1 })), DRAW_MS);
    const read = async (): Promise<void> => {
      const { signal } = stop;
      const answers = isLive
        ? api.sessions.watchSession({ id }, { signal })
        : api.sessions.replaySession({ id }, { signal });
      for await (const { events } of answers) {
        for (const event of events) {
          transcript.current.take(event);
          tapes.current.take(event);
        }
      }
    };
    read()
      .then(
        () => setState((old) => ({ version: old.version + 1, isWhole: true, problem: undefined })),
        (error) => {
          if (!stop.signal.aborted) setState((old) => ({ ...old, isWhole: true, problem: problemOf(error) }));
        },
      )
      .finally(() => clearInterval(drawing));
    return () => {
      stop.abort();
      clearInterval(drawing);
    };
  }, [id, isLive]);
  return { transcript: transcript.current, tapes: tapes.current, ...state };
}
