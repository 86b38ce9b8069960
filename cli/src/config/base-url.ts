/** The check of a server's URL, for what isn't quoted when it is wrong: it may hold a password or a token. */
import { type CliErrorDetails, usageError } from '../errors.ts';

export interface UrlWords {
  /** What gave the URL: `--model`, `BATCHML_ENDPOINT`. */
  readonly name: string;
  /** Said of what is no http or https URL, with the text where it can be shown. */
  readonly notOne: (shown: string) => string;
  /** Said in that case too. */
  readonly details?: Partial<CliErrorDetails>;
  /** Said of one with a user name or password. */
  readonly withoutUser: string;
}

/** The URL without slashes at its end. Paths are put behind it, so nothing may follow its own. */
export function baseUrl(text: string, { name, notOne, details = {}, withoutUser }: UrlWords): string {
  const trimmed = text.trim();
  const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw usageError(notOne(trimmed.includes('@') ? 'what it is set to' : trimmed), details);
  if (url.username !== '' || url.password !== '')
    throw usageError(`${name} must not hold a user name or a password`, { next: [withoutUser] });
  if (/[?#]/.test(trimmed))
    throw usageError(`${name} must end with its path`, {
      why: 'it has a query (?) or a fragment (#), and paths are put behind it',
    });
  return trimmed.replace(/\/+$/, '');
}
