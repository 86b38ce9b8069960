/** The command line's reference as Markdown, made of the commands themselves. */
import type { Command, Option } from 'commander';
import { createProgram } from './program.ts';

const HEAD = `# The command line

This page is made of the commands themselves by \`npm run docs\`: change those, not this.
In a checkout, put \`npx\` before \`batchml\`.
`;

/** The whole page; the same for the same commands. */
export function renderReference(): string {
  let printed = '';
  const program = createProgram({
    start: async () => {},
    print: (text) => {
      printed += text;
    },
    columns: 110,
  });
  /** What follows the options in a command's help, from a heading on. */
  const after = (command: Command, heading: string): string => {
    printed = '';
    command.outputHelp();
    return printed.slice(printed.indexOf(`\n${heading}:\n`) + heading.length + 3).trimEnd();
  };
  const shared = sharedOptions(program);
  const section = (command: Command): string[] => [
    `## batchml ${command.name()}`,
    sentences(command.description()),
    code('text', usage(command)),
    command.aliases().length > 0 ? `Also called: ${command.aliases().map(quote).join(', ')}.` : '',
    argumentTable(command),
    optionTable(own(command, shared), command),
    code('sh', unindent(after(command, 'Examples'))),
  ];
  const [examples = '', exitCodes = ''] = after(program, 'Examples').split('\n\nExit codes:\n');
  return `${[
    HEAD.trimEnd(),
    code('sh', unindent(examples)),
    table(
      ['command', 'what it does'],
      program.commands.map((command) => [
        `[${command.name()}](#batchml-${command.name()})`,
        command.summary(),
      ]),
    ),
    ...program.commands.flatMap(section),
    '## Options of every command',
    optionTable(shared, program),
    '## Exit codes',
    table(['code', 'meaning'], exitCodeRows(exitCodes)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** Options that every command has; they are told of once. */
function sharedOptions({ commands }: Command): Option[] {
  const [first] = commands;
  return (first?.options ?? []).filter(({ flags }) =>
    commands.every(({ options }) => options.some((option) => option.flags === flags)),
  );
}

function own({ options }: Command, shared: readonly Option[]): Option[] {
  return options.filter(({ flags }) => !shared.some((option) => option.flags === flags));
}

/** A command's summary, and its details where it has any. */
function sentences(description: string): string {
  const text = description.replace('\n\n', '. ').replace(/^./, (first) => first.toUpperCase());
  return text.endsWith('.') ? text : `${text}.`;
}

function usage(command: Command): string {
  return command.createHelp().commandUsage(command).replace(/\|\S+/, '');
}

function argumentTable(command: Command): string {
  const rows = command.registeredArguments.map((argument) => [quote(argument.name()), argument.description]);
  return rows.length === 0 ? '' : table(['argument', 'meaning'], rows);
}

function optionTable(options: readonly Option[], command: Command): string {
  const help = command.createHelp();
  const rows = options.map((option) => [quote(option.flags), help.optionDescription(option)]);
  return rows.length === 0 ? '' : table(['option', 'meaning'], rows);
}

/** `0 all good     1 failed`: entries of the help's table, a row each. */
function exitCodeRows(text: string): string[][] {
  return text
    .split(/\n|\s{2,}/)
    .map((entry) => /^(\d+) (.*)$/.exec(entry.trim()))
    .flatMap((match) => (match ? [[match[1] as string, match[2] as string]] : []));
}

/** A Markdown table with aligned columns, as the formatter wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')),
  );
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] as string).length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [first = '', ...others] = cells.map(line);
  return [first, rule, ...others].join('\n');
}

function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function quote(text: string): string {
  return `\`${text}\``;
}

/** Help's examples as a shell script. */
function unindent(text: string): string {
  return text.replace(/^ {2}(\$ )?/gm, '');
}
