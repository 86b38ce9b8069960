import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableLines, printableMessage } from '../../../cli/src/ui/printable.ts';

describe('text of others', () => {
  it('is shown, and does nothing', () => {
    expect(printable('a\u001b[2J\r\u009b\u202eé😀')).toBe('a\\u001b[2J\\u000d\\u009b\\u202eé😀');
    expect(printableLines('a\r\n\tb\u0007\n')).toBe('a\n    b\\u0007\n');
  });

  it('leaves our own colours and lines in a message', () => {
    const ours = '\u001b[31merror:\u001b[39m x\n  \u001b[2mnext:\u001b[22m y';
    expect(printableMessage(ours)).toBe(ours);
    expect(printableMessage('\u001b[5mx\u001b]0;t\u0007')).toBe('\\u001b[5mx\\u001b]0;t\\u0007');
  });

  it('never has a control character left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
