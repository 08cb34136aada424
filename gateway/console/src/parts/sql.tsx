import { Fragment } from 'react';

const words = new Set(
  (
    'select insert update delete merge from where and or not null is in exists between like ilike similar to as on using join left right full inner ' +
    'outer cross lateral natural group by having order limit offset fetch first next rows only union intersect except all distinct values into set ' +
    'returning with recursive case when then else end create alter drop truncate table view index function trigger schema role user database grant ' +
    'revoke copy call do begin commit rollback savepoint release prepare execute deallocate declare cursor for explain analyze vacuum lock listen ' +
    'notify show reset cascade restrict default primary key foreign references unique check constraint if true false asc desc nulls last'
  ).split(' '),
);

const token =
  /(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^']|'')*'|\$([A-Za-z_]*)\$[\s\S]*?\$\3\$)|("(?:[^"]|"")*")|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]\w*)/g;
/** Longer ones are shown as they are. UTF-16 units. */
const MAX_COLOURED = 20_000;

/** A statement with its words coloured. Colour only: what it means the gateway has found out with a real parser. */
export function Sql({ text }: { readonly text: string }) {
  return <pre className="sql">{text.length > MAX_COLOURED ? text : coloured(text)}</pre>;
}

function coloured(text: string) {
  const parts: { text: string; kind: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), kind: '' });
    parts.push({ text: match[0], kind: kindOf(match) });
    at = match.index + match[0].length;
  }
  parts.push({ text: text.slice(at), kind: '' });
  return parts.map(({ text: piece, kind }, index) =>
    kind === '' ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
      <Fragment key={index}>{piece}</Fragment>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
      <span key={index} className={kind}>
        {piece}
      </span>
    ),
  );
}

function kindOf([, comment, string, , , number, word]: RegExpMatchArray): string {
  if (comment !== undefined) return 'comment';
  if (string !== undefined) return 'string';
  if (number !== undefined) return 'number';
  return word !== undefined && words.has(word.toLowerCase()) ? 'keyword' : '';
}
