/** Fetching results that were left where they stand: neighbours in one object by one read. */
import { MAX_RESULT_BYTES } from '../core/answer-size.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { ResultPlace } from '../core/segment.ts';
import type { JobView } from '../ports/ledger.ts';
import type { Context } from './context.ts';

/** Results fetched for one call, in bytes: what is more keeps its place. */
const FETCH_MOST = 8 * 1024 * 1024;
/** Bytes between two results that are read with them: a request costs more. */
const GAP = 64 * 1024;
/** Reads at once. */
const AT_ONCE = 8;

type Placed = { -readonly [K in keyof JobView]: JobView[K] };

interface Stretch {
  readonly object: string;
  readonly from: number;
  to: number;
  readonly views: Placed[];
}

/** Puts results into the views that have a place, the first of them, as far as the limits go. */
export async function fetchPlaces(
  { blobs }: Context,
  views: readonly (JobView | undefined)[],
): Promise<void> {
  let left = FETCH_MOST;
  const wanted = new Set<Placed>();
  for (const view of views) {
    const size = view?.place ? sizeOf(view.place) : 0;
    if (!view?.place || wanted.has(view) || size > MAX_RESULT_BYTES || size > left) continue;
    left -= size;
    wanted.add(view);
  }
  await inParallel(stretchesOf([...wanted]), AT_ONCE, async ({ object, from, to, views: some }) => {
    const bytes = await blobs.getBytes(object, from, to);
    for (const view of some) {
      const { from: start, to: end } = view.place as ResultPlace;
      view.result = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
        'utf8',
        start - from,
        end - from,
      );
    }
  });
}

const sizeOf = ({ from, to }: ResultPlace): number => to - from;

function stretchesOf(views: readonly Placed[]): Stretch[] {
  const sorted = [...views].sort((a, b) => {
    const [one, two] = [a.place as ResultPlace, b.place as ResultPlace];
    return one.object < two.object ? -1 : one.object > two.object ? 1 : one.from - two.from;
  });
  const stretches: Stretch[] = [];
  for (const view of sorted) {
    const { object, from, to } = view.place as ResultPlace;
    const last = stretches.at(-1);
    if (last && last.object === object && from - last.to <= GAP && from >= last.from) {
      last.to = Math.max(last.to, to);
      last.views.push(view);
    } else stretches.push({ object, from, to, views: [view] });
  }
  return stretches;
}
