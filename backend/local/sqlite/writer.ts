/**
 * Group commit: writes asked for in the same turn of the event loop share one transaction, hence one fsync, and an item that
 * several of them change is written once. They are decided in order, each on what those before it made; then all is written
 * and synced; then they are answered. A write that can't be decided fails alone; a group that can't be written fails whole.
 * Nothing else runs in between, so that a read is answered only from what is durable.
 */
import type { Item } from '../../core/items.ts';

/** Items by ID as they were, and to be as they are given. */
export interface Draft {
  find(id: string): Item | undefined;
  put(id: string, item: Item, room: number): void;
}

export interface Writer {
  /** Runs `decide` when its turn comes; resolves with what it gave once its puts are durable. */
  write<T>(decide: (draft: Draft) => T): Promise<T>;
}

interface Entry {
  decide(draft: Draft): void;
  answer(): void;
  reject(error: unknown): void;
}

/** A group that took as much is closed, so that the log's size is bounded. */
const GROUP_ROOM = 8 << 20;

/**
 * @param find an item as it is stored
 * @param commit writes items by ID durably, all or none
 */
export function createWriter(
  find: (id: string) => Item | undefined,
  commit: (items: ReadonlyMap<string, Item>) => void,
): Writer {
  let waiting: Entry[] = [];

  function flush(): void {
    const group = new Map<string, Item>();
    const decided: Entry[] = [];
    let room = 0;
    let taken = 0;
    while (taken < waiting.length && room < GROUP_ROOM) {
      const entry = waiting[taken++] as Entry;
      const own = new Map<string, Item>();
      let ownRoom = 0;
      try {
        entry.decide({
          find: (id) => own.get(id) ?? group.get(id) ?? find(id),
          put: (id, item, size) => {
            own.set(id, item);
            ownRoom += size;
          },
        });
      } catch (error) {
        entry.reject(error);
        continue;
      }
      for (const [id, item] of own) group.set(id, item);
      room += ownRoom;
      decided.push(entry);
    }
    waiting = waiting.slice(taken);
    if (waiting.length > 0) setImmediate(flush);
    try {
      if (group.size > 0) commit(group);
    } catch (error) {
      for (const entry of decided) entry.reject(error);
      return;
    }
    for (const entry of decided) entry.answer();
  }

  return {
    write: (decide) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        let result: ReturnType<typeof decide>;
        waiting.push({
          decide: (draft) => {
            result = decide(draft);
          },
          answer: () => resolve(result),
          reject,
        });
      }),
  };
}
