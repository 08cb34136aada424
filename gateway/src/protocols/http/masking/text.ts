import type { Veil } from '../../protocol.ts';
import type { Filter } from '../dialect.ts';

/** Detectors over a body of text, as it streams. */
export function textFilter(veil: Veil): Filter {
  const stream = veil.stream({ form: 'pipe' });
  return {
    get due() {
      return stream.deadline;
    },
    write: (chunk) => stream.write(chunk, performance.now()),
    settle: () => stream.flush(),
    end: () => stream.flush(),
  };
}
