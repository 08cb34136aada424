const MAX_DOCUMENT_BYTES = 512 * 1024;

/** The body of an answer of somebody whom we asked, as text. @throws Error where it is too long */
export async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of response.body ?? []) {
    lengthBytes += chunk.length;
    if (lengthBytes > MAX_DOCUMENT_BYTES) throw new Error(`its answer is over ${MAX_DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What happened to a request of ours, for a person: undici hides what happened in the cause. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be reached';
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  const { cause } = error;
  if (error instanceof TypeError) return `it cannot be reached${codeOf(cause)}`;
  return error.message;
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
