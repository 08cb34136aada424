import { parentPort } from 'node:worker_threads';
import { analyse } from './analyse.ts';
import { type Analysis, unreadable } from './analysis.ts';
import { Parser, SyntaxProblem } from './parser.ts';

/** What the worker says: first that it is ready, then one answer a text. */
export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'read'; readonly analysis: Analysis; readonly treeLength: number }
  /** The parser may be spoiled: this worker is to be thrown away. */
  | { readonly kind: 'broken'; readonly reason: string };

function answer(parser: Parser, text: string): WorkerAnswer {
  try {
    const parsed = parser.parse(text);
    return { kind: 'read', analysis: analyse(parsed), treeLength: parsed.jsonLength };
  } catch (error) {
    if (error instanceof SyntaxProblem) return { kind: 'read', analysis: unreadable(error.message), treeLength: 0 };
    return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) };
  }
}

const port = parentPort;
if (port !== null) {
  const parser = await Parser.start();
  port.on('message', (text: string) => port.postMessage(answer(parser, text)));
  port.postMessage({ kind: 'ready' } satisfies WorkerAnswer);
}
