/**
 * A stack's events as they happen. CloudFormation gives them newest first, in pages; we give them oldest first, each
 * once. A look goes back to what it knows, or to the start of the operation:
 *
 *     older <------------------------------------------------> newer
 *     | events of earlier operations | since | known | new ... |
 *                                    ^ stops here, or at ^
 *
 * `since` is a time of CloudFormation's own clock (a change set's creation, another event): this machine's may be wrong.
 */

export interface ResourceEvent {
  readonly eventId: string;
  /** ISO 8601. */
  readonly time: string;
  /** Logical ID. */
  readonly id: string;
  readonly resourceType: string;
  readonly status: string;
  readonly reason: string;
  /** Of the stack itself. */
  readonly ofStack: boolean;
}

export interface EventPage {
  /** Newest first. */
  readonly events: readonly ResourceEvent[];
  readonly next: string | undefined;
}

export type ReadPage = (next: string | undefined) => Promise<EventPage>;

export class EventReader {
  private readonly readPage: ReadPage;
  private readonly since: string;
  private readonly known = new Set<string>();
  /** All that was given, oldest first. */
  readonly all: ResourceEvent[] = [];

  /** @param since ISO 8601: earlier events are of no interest */
  constructor(readPage: ReadPage, since: string) {
    this.readPage = readPage;
    this.since = since;
  }

  /** Events since the last look, oldest first. */
  async look(): Promise<ResourceEvent[]> {
    const fresh = new Map<string, ResourceEvent>();
    let newest: string | undefined;
    let next: string | undefined;
    let older = false;
    do {
      const page = await this.readPage(next);
      newest ??= page.events[0]?.time;
      for (const event of page.events) {
        if (event.time < this.since || this.known.has(event.eventId)) {
          older = true;
          break;
        }
        // What comes while pages are read pushes old events onto later pages, where they come again; and may stand there
        // itself: its turn is the next look.
        if (newest === undefined || event.time <= newest) fresh.set(event.eventId, event);
      }
      next = page.next;
    } while (!older && next !== undefined);
    const found = [...fresh.values()].reverse();
    for (const { eventId } of found) this.known.add(eventId);
    this.all.push(...found);
    return found;
  }
}

/** Where the operation began that is under way or was the last one: its stack event that somebody's request caused. */
export function startOfLast(newestFirst: readonly ResourceEvent[]): ResourceEvent | undefined {
  return newestFirst.find(
    ({ ofStack, status, reason }) =>
      ofStack && /^(CREATE|UPDATE|DELETE|IMPORT)_IN_PROGRESS$/.test(status) && !/cancel/i.test(reason),
  );
}

/** Resources, by what has become of them. */
export interface Tally {
  readonly done: number;
  readonly pending: readonly ResourceEvent[];
}

/** @param events of one operation, oldest first */
export function tally(events: readonly ResourceEvent[]): Tally {
  const last = new Map<string, ResourceEvent>();
  for (const event of events) if (!event.ofStack) last.set(event.id, event);
  const pending = [...last.values()].filter(({ status }) => status.endsWith('_IN_PROGRESS'));
  return { done: last.size - pending.length, pending };
}
