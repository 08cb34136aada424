import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplayFilter } from './replay-filter.ts';

const harmful: Readonly<Record<string, string>> = {
  'clipboard, OSC 52': '\x1b]52;c;cm0gLXJmIC8=\x07',
  'clipboard, OSC 52 with ST': '\x1b]52;c;?\x1b\\',
  'title, OSC 0': '\x1b]0;owned\x07',
  'link, OSC 8': '\x1b]8;;file:///etc/passwd\x1b\\',
  'title report, CSI 21 t': '\x1b[21t',
  'device attributes, CSI c': '\x1b[>0c',
  'cursor report, CSI 6 n': '\x1b[6n',
  DECRQSS: '\x1bP$q"p\x1b\\',
  XTGETTCAP: '\x1bP+q544e\x1b\\',
  'user-defined keys, DECUDK': '\x1bP0;0|17/0d\x1b\\',
  'answerback, ENQ': '\x05',
  'printing, CSI 5 i': '\x1b[5i',
  'print screen, CSI ? i': '\x1b[?1i',
  'APC, as tmux and kitty have it': '\x1b_Gf=24;AAAA\x1b\\',
  PM: '\x1b^x\x1b\\',
  'mouse reports': '\x1b[?1000h',
  'focus reports': '\x1b[?1004h',
  'bracketed paste': '\x1b[?2004h',
  'insert mode': '\x1b[4h',
  reset: '\x1bc',
  'character set': '\x1b(0',
  'eight-bit CSI': '\u009b5i',
  'eight-bit OSC': '\u009d52;c;eA==\u009c',
  'request of a mode, DECRQM': '\x1b[?2026$p',
  'checksum, DECRQCRA': '\x1b[1;1;1;1;1;1*y',
};

describe('the filter of a replay', () => {
  for (const [name, sequence] of Object.entries(harmful)) {
    it(`takes out ${name}, however it is cut`, () => {
      assert.equal(new ReplayFilter().filter(`a${sequence}b`), 'ab');
      const filter = new ReplayFilter();
      assert.equal([...`a${sequence}b`].map((char) => filter.filter(char)).join(''), 'ab');
    });
  }

  it('lets drawing through', () => {
    const drawing =
      '\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;5Hx\x1b[K\x1b[?25l\x1b[?1049h\b\r\n\té漢\x1b7\x1b8\x1b[38:2::1:2:3m';
    assert.equal(new ReplayFilter().filter(drawing), drawing);
  });

  it('does not put a sequence together from the pieces of others', () => {
    assert.equal(new ReplayFilter().filter('\x1b\x1b]52;c;x\x07\x1b[\x1b[6nz'), 'z');
    assert.equal(new ReplayFilter().filter(`\x1b[${'1;'.repeat(1000)}m-`), '-');
  });

  it('leaves only text where no terminal is', () => {
    assert.equal(new ReplayFilter({ plain: true }).filter('\x1b[1mbold\x1b[0m\r\n\x1b]0;t\x07x'), 'bold\nx');
  });
});
