/** Results that are larger than any answer are answered by an address, which clients follow. */
import { formatJobId } from '../core/ids.ts';
import { isLarge } from '../pipeline/read.ts';
import type { JobView } from '../ports/ledger.ts';
import type { ResultLink } from './wire.ts';

/** An address at which an object can be read for some time, without the API's key. */
export type Presign = (object: string) => Promise<string>;

/** The addresses of the large ones of some jobs, for one answer. */
export type Links = (job: JobView) => Promise<ResultLink | undefined>;

/** @param presign undefined: results are streamed by the API itself, `GET /job/{id}/result` */
export function resultLinks(presign: Presign | undefined): Links {
  const signed = new Map<string, Promise<string>>();
  return async (job) => {
    if (!isLarge(job)) return undefined;
    const { ref, place } = job;
    if (presign === undefined) return { resultUrl: `/job/${formatJobId(ref)}/result` };
    // A null in the place of a result would be a wrong answer.
    if (place === undefined) throw new Error(`the result of ${formatJobId(ref)} has no place of its own`);
    const { object, from, to } = place;
    const url = signed.get(object) ?? presign(object);
    signed.set(object, url);
    return { resultUrl: await url, resultRange: `bytes=${from}-${to - 1}` };
  };
}

/** UTF-16 units that are encoded at a time. */
const SLICE = 128 * 1024;

/** A text's bytes as a stream: a large one isn't held twice. */
export function streamOf(text: string): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        let end = at + SLICE;
        // A pair of surrogates is one character.
        if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end++;
        if (at < text.length) controller.enqueue(Buffer.from(text.slice(at, end)));
        else controller.close();
        at = end;
      },
    },
    { highWaterMark: 0 },
  );
}
