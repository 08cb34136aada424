import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { type Api, openApi } from './client/api.ts';
import { fresh } from './client/refresh.ts';
import { findSettings, type GlobalOptions, type Settings } from './client/settings.ts';
import { exits, Failure } from './failures.ts';
import { formatOf, plainOf, written } from './output/format.ts';
import { visible } from './terminal/escape.ts';
import { type Output, outputTo } from './terminal/output.ts';
import { awaited } from './terminal/spinner.ts';
import { type Style, styleFor } from './terminal/style.ts';
import { type TableColumn, table } from './terminal/table.ts';

/** One run of the command: its terminal, its environment, and the gateway that it speaks to. */
export class Run {
  readonly out: Output = outputTo(process.stdout);
  readonly env: NodeJS.ProcessEnv = process.env;
  readonly style: Style = styleFor(this.out, this.env);
  readonly errorStyle: Style = styleFor(outputTo(process.stderr), this.env);
  /** Aborted by Ctrl-C: streams end, and what was written stays. */
  readonly stop = new AbortController();
  /** What the process ends with where nothing failed. */
  exitCode: number = exits.ok;
  /** For messages: the gateway that was spoken to last. */
  url = '';

  async settings(command: Command): Promise<Settings> {
    const settings = await findSettings(command.optsWithGlobals<GlobalOptions>(), this.env);
    this.url = settings.url;
    return settings;
  }

  /** @throws Failure where nobody is signed in. */
  async api(command: Command): Promise<Api> {
    const settings = await this.settings(command);
    if (settings.token === undefined) {
      const hint = `sallyport login --url ${settings.url}`;
      throw new Failure(`you are not signed in to ${settings.url}`, { hint, exitCode: exits.notSignedIn });
    }
    return openApi(await fresh(settings, this.env));
  }

  awaited<T>(what: string, work: Promise<T>): Promise<T> {
    return awaited(what, work);
  }

  /** A line for people, beside what is written for programs. */
  note(text: string): void {
    process.stderr.write(`${visible(text)}\n`);
  }

  /** Rows as a table, or all of them as JSON or YAML. */
  async list<D extends DescMessage>(
    format: string,
    schema: D,
    rows: readonly MessageShape<D>[],
    columns: readonly TableColumn<MessageShape<D>>[],
    empty: string,
  ): Promise<void> {
    const chosen = formatOf(format);
    if (chosen !== 'table')
      return this.out.write(
        written(
          rows.map((row) => plainOf(schema, row)),
          chosen,
        ),
      );
    if (rows.length === 0) return this.note(empty);
    return this.out.write(table(columns, rows, this.out.width, this.style));
  }

  /** One thing: its fields below each other, or as JSON or YAML. */
  async show<D extends DescMessage>(
    format: string,
    schema: D,
    message: MessageShape<D>,
    fields: readonly Field[],
  ): Promise<void> {
    const chosen = formatOf(format);
    if (chosen !== 'table') return this.out.write(written(plainOf(schema, message), chosen));
    return this.out.write(described(fields, this.style));
  }
}

/** A name and a value; left out where the value is empty. */
export type Field = readonly [name: string, value: string];

function described(fields: readonly Field[], style: Style): string {
  const shown = fields.filter(([, value]) => value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 2;
  return shown.map(([name, value]) => `${style.dim(name.padEnd(width))}${visible(value)}\n`).join('');
}
