import 'asciinema-player/dist/bundle/asciinema-player.css';
import { create } from 'asciinema-player';
import { useEffect, useRef } from 'react';
import type { Tape } from './tape.ts';

/** Longer pauses are made short. Seconds. */
const IDLE_LIMIT_S = 2;

/** Plays a tape as a terminal would have shown it. Loaded when there is one to play. */
export default function Terminal({ tape, length }: { readonly tape: Tape; readonly length: number }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null || length === 0) return undefined;
    const { columns: cols, rows, events } = tape;
    const player = create({ data: () => [], parser: () => ({ cols, rows, events: [...events] }) }, element, {
      fit: 'width',
      idleTimeLimit: IDLE_LIMIT_S,
      preload: true,
      poster: 'npt:99999',
      terminalFontSize: '13px',
    });
    return () => player.dispose();
  }, [tape, length]);
  return <div ref={place} className="terminal" />;
}
