import { createInterface } from 'node:readline';
import { Failure, usage } from '../failures.ts';

const MAX_SECRET_CHARS = 1024;

/** A secret: typed unseen on a terminal, or the first line of standard input. Never from the command line. */
export async function askSecret(question: string): Promise<string> {
  const secret = process.stdin.isTTY ? await typedUnseen(question) : await firstLine();
  if (secret === '') throw usage('no password was given', 'Type it, or give it on standard input.');
  return secret;
}

/** A line from the terminal. @throws Failure where there is none to ask. */
export async function ask(question: string, otherwise: string): Promise<string> {
  if (!process.stdin.isTTY) throw usage(otherwise);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.question(question, resolve);
      lines.once('SIGINT', () => reject(new Failure('stopped')));
    });
  } finally {
    lines.close();
  }
}

async function firstLine(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end).replace(/\r$/, '');
    if (text.length > MAX_SECRET_CHARS) throw usage(`the password is longer than ${MAX_SECRET_CHARS} characters`);
  }
  return text;
}

/** Raw mode: nothing is echoed; backspace, Ctrl-U, Ctrl-C and Ctrl-D do what they do in a terminal. */
function typedUnseen(question: string): Promise<string> {
  const { stdin, stderr } = process;
  // Before the question: what is typed at once must not be seen either.
  stdin.setRawMode(true).setEncoding('utf8').resume();
  stderr.write(question);
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (settle: () => void): void => {
      stdin.off('data', onData).pause().setRawMode(false);
      stderr.write('\n');
      settle();
    };
    const onData = (chunk: string): void => {
      for (const char of chunk) {
        if (char === '\r' || char === '\n' || char === '\x04') return finish(() => resolve(typed));
        if (char === '\x03') return finish(() => reject(new Failure('stopped')));
        if (char === '\x7f' || char === '\b') typed = [...typed].slice(0, -1).join('');
        else if (char === '\x15') typed = '';
        else typed += char;
      }
      return undefined;
    };
    stdin.on('data', onData);
  });
}
