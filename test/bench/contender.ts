import { readFileSync } from 'node:fs';

/** One way to reach the same database. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Processes whose CPU time is counted, by role. */
  readonly processes: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const TICKS_PER_SECOND = 100;

/** User and system time of a process so far, in seconds. @see proc(5), /proc/pid/stat */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
