import type { IncomingMessage } from 'node:http';
import { bad, ScimProblem } from './problem.ts';

/** A group with its members is the largest of what is sent. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Levels of brackets; a resource has five. */
const MAX_DEPTH = 16;
const contentTypes = ['application/scim+json', 'application/json'];

/** @throws ScimProblem 413, 415, 400 invalidSyntax */
export async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (!contentTypes.includes(type.trim().toLowerCase())) {
    throw new ScimProblem(415, 'the body must be application/scim+json');
  }
  const text = await textOf(request);
  checkDepth(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw bad('invalidSyntax', 'the body is no JSON');
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw bad('invalidSyntax', 'the body is no UTF-8');
  }
}

/** What is read afterwards may then call itself for each level. */
function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > MAX_DEPTH) throw bad('invalidSyntax', `the body is nested deeper than ${MAX_DEPTH}`);
  }
}

const tooLarge = (): ScimProblem => new ScimProblem(413, `a body has ${MAX_BODY_BYTES} bytes at most`);
