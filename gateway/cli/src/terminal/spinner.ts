const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const PATIENCE_MS = 1000;

/** Shows on a terminal's stderr that something is still awaited, when it takes longer than a second. */
export async function awaited<T>(
  what: string,
  work: Promise<T>,
  stderr: NodeJS.WriteStream = process.stderr,
): Promise<T> {
  if (stderr.isTTY !== true) return work;
  let turn = 0;
  let ticking: NodeJS.Timeout | undefined;
  const patience = setTimeout(() => {
    ticking = setInterval(() => stderr.write(`\r${frames[turn++ % frames.length]} ${what}…`), 80);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(patience);
    clearInterval(ticking);
    if (turn > 0) stderr.write('\r\x1b[K');
  }
}
