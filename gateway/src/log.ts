/** What happened, and facts about it; never a secret, never a result. */
export type Log = (text: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Lines on standard error: for people, or JSON for machines. */
export function lineLog(format: 'text' | 'json'): Log {
  return (text, facts = {}) => {
    const time = new Date().toISOString();
    const plain = Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, spoken(value)]));
    process.stderr.write(
      format === 'json'
        ? `${JSON.stringify({ time, msg: text, ...plain })}\n`
        : `${time.slice(11, 23)} ${text}${Object.entries(plain)
            .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
            .join('')}\n`,
    );
  };
}

/** Errors with the chain of what caused them: the person is told less. */
function spoken(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const causes: string[] = [];
  for (let error: unknown = value; error instanceof Error && causes.length < 8; error = error.cause) {
    causes.push(causes.length === 0 ? (error.stack ?? error.message) : error.message);
  }
  return causes.join('; because: ');
}
