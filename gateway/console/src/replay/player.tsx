import { useEffect, useState } from 'react';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Empty } from '../parts/notes.tsx';
import { Sql } from '../parts/sql.tsx';
import { clock } from '../parts/when.tsx';
import type { Outcome, Result, Step } from './transcript.ts';

const tones: Readonly<Record<Outcome, Tone>> = {
  running: 'plain',
  done: 'good',
  failed: 'bad',
  refused: 'bad',
  note: 'plain',
};

const speeds = [1, 2, 8, 32] as const;
const TICK_MS = 50;

interface PlayerProps {
  readonly steps: readonly Step[];
  readonly endUs: number;
  /** Where to begin, microseconds. */
  readonly startUs: number;
  readonly onMoment: (atUs: number) => void;
}

/** Statement by statement, in the session's own time or by hand. */
export function Player({ steps, endUs, startUs, onMoment }: PlayerProps) {
  const [atUs, setAt] = useState(startUs);
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setInterval(() => setAt((old) => Math.min(endUs, old + TICK_MS * 1000 * speed)), TICK_MS);
    return () => clearInterval(timer);
  }, [isPlaying, speed, endUs]);
  useEffect(() => {
    if (isPlaying && atUs >= endUs) setPlaying(false);
  }, [isPlaying, atUs, endUs]);
  const current = steps.findLast((step) => step.atUs <= atUs) ?? steps[0];
  const seek = (us: number): void => {
    setAt(us);
    onMoment(us);
  };
  if (current === undefined) return <Empty title="Nothing was asked in this session" />;
  return (
    <>
      <div className="panel player">
        <button
          type="button"
          className="primary"
          onClick={() => {
            if (!isPlaying && atUs >= endUs) setAt(0);
            setPlaying(!isPlaying);
          }}
        >
          {isPlaying ? 'Pause' : 'Play'}
        </button>
        <input
          type="range"
          aria-label="Moment of the session"
          aria-valuetext={clock(atUs / 1000)}
          min={0}
          max={Math.max(1, endUs)}
          value={atUs}
          onChange={({ target }) => seek(Number(target.value))}
        />
        <span className="clock">
          {clock(atUs / 1000)} / {clock(endUs / 1000)}
        </span>
        <select aria-label="Speed" value={speed} onChange={({ target }) => setSpeed(Number(target.value))}>
          {speeds.map((each) => (
            <option key={each} value={each}>
              {each}×
            </option>
          ))}
        </select>
      </div>
      <div className="split">
        <section className="panel flush" aria-label="Timeline">
          <Timeline steps={steps} current={current} onChoose={seek} />
        </section>
        <section className="panel" aria-label="Statement">
          <StepView step={current} />
        </section>
      </div>
    </>
  );
}

interface TimelineProps {
  readonly steps: readonly Step[];
  readonly current: Step;
  readonly onChoose: (us: number) => void;
}

/** Around the current one: a session may have thousands. */
const SHOWN = 300;

function Timeline({ steps, current, onChoose }: TimelineProps) {
  const from = Math.max(0, Math.min(current.index - SHOWN / 2, steps.length - SHOWN));
  const shown = steps.slice(from, from + SHOWN);
  return (
    <div className="timeline">
      {from > 0 && <p className="small dim empty">{from} earlier</p>}
      {shown.map((step) => (
        <button
          key={step.index}
          type="button"
          aria-current={step === current ? 'true' : undefined}
          onClick={() => onChoose(step.atUs)}
        >
          <span className="clock">{clock(step.atUs / 1000)}</span>
          <span className="text">{step.text.slice(0, 200)}</span>
          {step.outcome === 'note' ? <span /> : <Badge tone={tones[step.outcome]}>{step.outcome}</Badge>}
        </button>
      ))}
      {from + SHOWN < steps.length && <p className="small dim empty">{steps.length - from - SHOWN} later</p>}
    </div>
  );
}

function StepView({ step }: { readonly step: Step }) {
  const { text, rule, masks, parameters, outcome, results, notes, atUs, endUs } = step;
  return (
    <>
      {outcome === 'note' ? <p>{text}</p> : <Sql text={text} />}
      <div className="row small">
        {outcome !== 'note' && <Badge tone={tones[outcome]}>{outcome}</Badge>}
        {rule !== '' && <span className="dim">rule {rule}</span>}
        {masks.map((mask) => (
          <Badge key={mask} tone="warn">
            masked: {mask}
          </Badge>
        ))}
        {endUs > atUs && <span className="dim">{((endUs - atUs) / 1000).toFixed(1)} ms</span>}
      </div>
      {parameters.length > 0 && (
        <ol className="small" aria-label="Parameters">
          {parameters.map((value, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parameters are numbered
            <li key={index}>{value === undefined ? <em className="dim">NULL</em> : <code>{value}</code>}</li>
          ))}
        </ol>
      )}
      {results.map((result, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: results of one statement never move
        <ResultTable key={index} result={result} />
      ))}
      {notes.map(({ tone, text: said }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: notes of one statement never move
        <p key={index} className="small">
          <Badge tone={tone}>{said}</Badge>
        </p>
      ))}
    </>
  );
}

function ResultTable({ result: { columns, rows, more } }: { readonly result: Result }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it with the keys
    <section className="scroll result" tabIndex={0} aria-label="Result">
      <table className="cells">
        <thead>
          <tr>
            {columns.map(({ name, type }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
              <th key={index} title={type}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ cells }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a result never move
            <tr key={index}>
              {cells.map(({ text }, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above
                <td key={column}>{text ?? <span className="null">NULL</span>}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <p className="small dim empty">
          {more.toLocaleString('en')} further rows: sallyport sessions export has them all
        </p>
      )}
    </section>
  );
}
