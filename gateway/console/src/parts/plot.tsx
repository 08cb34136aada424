import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

interface PlotProps {
  /** What the plot says, for those who do not see it. */
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
}

const HEIGHT_PX = 200;

/** Stacked bars over time. */
export function Plot({ label, times, series }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const colours = getComputedStyle(document.documentElement);
    const colour = (name: string): string => colours.getPropertyValue(name).trim();
    const stacked = stack(series);
    const bars = UPlot.paths.bars?.({ size: [0.7, 24] });
    const axis = { stroke: colour('--ink-3'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
        axes: [
          { ...axis, size: 30, values: (_, times) => times.map(hourAndMinute) },
          { ...axis, size: 40 },
        ],
        // The tallest is drawn first and the others over it.
        series: [
          {},
          ...stacked.map(({ colour: fill }) => ({
            fill,
            stroke: fill,
            width: 0,
            points: { show: false },
            ...(bars && { paths: bars }),
          })),
        ],
      },
      [[...times], ...stacked.map(({ values }) => [...values])],
      element,
    );
    const fit = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    fit.observe(element);
    return () => {
      fit.disconnect();
      plot.destroy();
    };
  }, [times, series]);
  return <div ref={place} className="plot" role="img" aria-label={label} />;
}

/** `14:05`, here. */
function hourAndMinute(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
}

/** Sums from below, the highest first. */
function stack(series: readonly Series[]): Series[] {
  const sums: Series[] = [];
  for (const one of series) {
    const below = sums.at(-1)?.values;
    sums.push({ ...one, values: one.values.map((value, index) => value + (below?.[index] ?? 0)) });
  }
  return sums.reverse();
}
