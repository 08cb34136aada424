import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { escapedJson, visible, visibleLines } from './escape.ts';
import { colours, noStyle, styleFor } from './style.ts';
import { table } from './table.ts';
import { fit, padded, widthOf } from './width.ts';

describe('text from elsewhere', () => {
  const cases = [
    ['a colour', '\x1b[31mred', '\\x1b[31mred'],
    ['a title, ended by BEL', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['8-bit CSI', '\x9b2J', '\\x9b2J'],
    ['8-bit DCS and ST', '\x90q\x9c', '\\x90q\\x9c'],
    ['backspaces and carriage returns', 'safe\b\b\rgone', 'safe\\x08\\x08\\rgone'],
    ['line feeds and tabs', 'a\n\tb', 'a\\n\\tb'],
    ['DEL and NUL', '\x7f\0', '\\x7f\\x00'],
    ['text that runs backwards', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['the invisible', 'a\u200bb\ufeffc\u{e0041}', 'a\\u200bb\\ufeffc\\u{e0041}'],
    ['line separators', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['half a pair', 'a\ud800b', 'a\\ud800b'],
  ] as const;
  for (const [what, text, shown] of cases)
    it(`shows ${what} and does not obey it`, () => assert.equal(visible(text), shown));

  it('stays as it is where it is only text', () => {
    for (const text of ['plain', 'Grüße', '日本語', 'naïve 🙂', "O'Brien\\n"]) assert.equal(visible(text), text);
  });

  it('keeps its lines where there may be some', () => {
    assert.equal(visibleLines('select 1\r\n\tfrom t\x1b[2J'), 'select 1\n    from t\\x1b[2J');
  });

  it('in JSON reads back as the very same text', () => {
    const value = cases.map(([, text]) => text);
    const json = escapedJson(JSON.stringify(value));
    assert.deepEqual(JSON.parse(json), value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(json, /[\x00-\x1f\x7f-\x9f\u202e\u200b]/);
  });
});

describe('widths', () => {
  it('are those of a terminal', () => {
    assert.equal(widthOf('abc'), 3);
    assert.equal(widthOf('日本'), 4);
    assert.equal(widthOf('e\u0301'), 1);
    assert.equal(widthOf('🙂'), 2);
  });

  it('are kept when text is cut and padded', () => {
    assert.equal(fit('日本語', 5), '日本…');
    assert.equal(fit('abc', 3), 'abc');
    assert.equal(padded('日', 4, 'right'), '  日');
    assert.equal(padded('a', 4, 'centre'), ' a  ');
  });
});

describe('a table', () => {
  const columns = [
    { title: 'id', of: (row: readonly string[]) => row[0] ?? '' },
    { title: 'text', of: (row: readonly string[]) => row[1] ?? '' },
    { title: 'count', of: (row: readonly string[]) => row[2] ?? '', align: 'right' as const },
  ];

  it('is as wide as its texts where there is no terminal', () => {
    assert.equal(
      table(
        columns,
        [
          ['a', 'x'.repeat(20), '1'],
          ['bb', 'y', '10'],
        ],
        undefined,
        noStyle,
      ),
      `ID  TEXT                  COUNT\na   ${'x'.repeat(20)}      1\nbb  y                        10\n`,
    );
  });

  it('fits the terminal: the widest gives way', () => {
    const lines = table(columns, [['a', 'x'.repeat(200), '1']], 40, noStyle)
      .trimEnd()
      .split('\n');
    assert.ok(
      lines.every((line) => widthOf(line) <= 40),
      lines.join('\n'),
    );
    assert.ok(lines[1]?.includes('…') && lines[1].endsWith('1'));
  });

  it('obeys nothing that is in it', () => {
    assert.ok(!table(columns, [['\x1b[2J', 'a\nb', '']], undefined, noStyle).includes('\x1b'));
  });
});

describe('colours', () => {
  it('are for terminals, and not where NO_COLOR is set', () => {
    assert.equal(styleFor({ isTTY: true }, {}), colours);
    assert.equal(styleFor({ isTTY: false }, {}), noStyle);
    assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '1' }), noStyle);
    assert.equal(styleFor({ isTTY: true }, { NO_COLOR: '' }), colours);
    assert.equal(styleFor({ isTTY: true }, { TERM: 'dumb' }), noStyle);
  });
});
