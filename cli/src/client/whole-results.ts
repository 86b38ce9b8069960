/** Result lines with every result in its place: those that the API gives by their addresses are read from there. */

import type { ResultLink } from '@batchml/backend/wire';
import type { ApiClient } from './client.ts';
import { copyResult } from './result-download.ts';
import { splitLines } from './result-line.ts';

export type Write = (text: string | Uint8Array) => Promise<void>;

/** In each line with an address; a result may hold the same text. */
const MARK = '"result":null,"resultUrl":"';
const LINKED =
  /^(\{"line":\d+,"jobId":"([^"\\]*)",(?:"customId":"(?:[^"\\]|\\.)*",)?"status":"Processed","result":)null,("resultUrl":"(?:[^"\\]|\\.)*"(?:,"resultRange":"[^"\\]*")?\})$/;
/** Where a line's result begins. */
const RESULT =
  /^\{"line":\d+,"jobId":"[^"\\]*",(?:"customId":"(?:[^"\\]|\\.)*",)?"status":"Processed","result":/;

/** Writes pages of lines, whole. A page without addresses is written as it is. */
export function wholeResults(client: ApiClient, write: Write): (page: string) => Promise<void> {
  return async (page) => {
    if (!page.includes(MARK)) return write(page);
    let plain: string[] = [];
    const writePlain = async (): Promise<void> => {
      if (plain.length > 0) await write(plain.join(''));
      plain = [];
    };
    for (const line of splitLines(page)) {
      const [, head = '', jobId = '', link = ''] = LINKED.exec(line) ?? [];
      if (head === '') plain.push(`${line}\n`);
      else {
        await writePlain();
        await copyAfter(client, jobId, link, head, write);
        await write('}\n');
      }
    }
    await writePlain();
  };
}

/** Writes the result alone of a job that has one, after `head`. Gives whether it has one. */
export async function writeResult(
  client: ApiClient,
  job: { readonly submission: string; readonly chunk: number; readonly index: number },
  head: string,
  write: Write,
): Promise<boolean> {
  const cursor = `${job.chunk}.${job.index}`;
  const [line = ''] = splitLines((await client.results(job.submission, { cursor, limit: 1 })).text);
  const begin = RESULT.exec(line)?.[0];
  if (begin === undefined) return false;
  const [, , jobId = '', link = ''] = LINKED.exec(line) ?? [];
  if (link === '') await write(head + line.slice(begin.length, -1));
  else await copyAfter(client, jobId, link, head, write);
  return true;
}

/** The head comes with the first bytes: of a result that isn't there no line is begun. */
async function copyAfter(
  client: ApiClient,
  jobId: string,
  link: string,
  head: string,
  write: Write,
): Promise<void> {
  let begun = false;
  await copyResult(client, jobId, JSON.parse(`{${link}`) as ResultLink, async (bytes) => {
    if (!begun) await write(head);
    begun = true;
    await write(bytes);
  });
}
