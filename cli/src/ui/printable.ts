/** Text of others (models, APIs, files) before it goes to a terminal or a log: nothing in it may act there. */

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** What our own messages are made of: line breaks, and the colours of `Terminal.paint`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours start with one
const OURS = /(\n|\u001b\[(?:1|2|22|31|32|33|36|39)m)/;

/** A text in which nothing can move the cursor or colour the terminal: such characters become `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) =>
    Array.from(
      { length: char.length },
      (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** The same for a text of several lines, such as the end of a log: its line breaks stay, its tabs become spaces. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => printable(line.replaceAll('\t', '    ')))
    .join('\n');
}

/** A whole message of ours: its lines and colours stay, whatever else was put into it unchecked is made harmless. */
export function printableMessage(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('');
}
