/** What is read of a result line without parsing it: results may be large, and numbers must stay as the model wrote them. */
import type { JobRef } from '@batchml/backend/words';
import { parseJobId } from '@batchml/backend/words';

export interface LineHead {
  readonly jobId: string;
  readonly ref: JobRef;
  readonly status: string;
}

const HEAD = /^\{"line":\d+,"jobId":"([^"\\]*)",(?:"customId":"(?:[^"\\]|\\.)*",)?"status":"(\w+)"/;

export function readLineHead(line: string): LineHead {
  const match = HEAD.exec(line);
  const { jobId, status } = match
    ? { jobId: match[1] as string, status: match[2] as string }
    : (JSON.parse(line) as { jobId: string; status: string });
  const ref = parseJobId(jobId);
  if (ref === undefined)
    throw new Error(`the API sent a result line without a job ID: ${line.slice(0, 100)}`);
  return { jobId, ref, status };
}

/** The lines of a page's text, without line breaks. */
export function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** How many lines a page's text has. */
export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return text === '' || text.endsWith('\n') ? count : count + 1;
}
