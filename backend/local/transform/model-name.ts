/** How a pin names a model on this machine: a server's URL, or `command:` and the command line that starts one. */

const COMMAND = 'command:';

/** The command line of a `command:` model; undefined for a URL. */
export function commandOf(model: string): string | undefined {
  return model.startsWith(COMMAND) ? model.slice(COMMAND.length).trim() : undefined;
}

/** The URL that `/ping` and `/invocations` are appended to. */
export function serverUrl(model: string): string {
  return model.replace(/\/+$/, '');
}

/** Why a text names no model, or undefined if it does. */
export function modelProblem(model: string): string | undefined {
  const command = commandOf(model);
  if (command !== undefined) return command === '' ? 'the model command is empty' : undefined;
  if (!URL.canParse(model)) return `"${model}" is neither a URL nor command: and a command line`;
  const { protocol, search, hash } = new URL(model);
  if (protocol !== 'http:' && protocol !== 'https:') return `"${model}" is not an http or https URL`;
  return search || hash ? `"${model}" must end with its path: /ping and /invocations go after it` : undefined;
}
