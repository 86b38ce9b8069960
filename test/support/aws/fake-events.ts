/** EventBridge in this process: PutEvents of 1-10 entries, kept; entries fail in their places when `fails` says so. */
import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { type Command, FakeClient } from './fake-client.ts';
import { Meter } from './meter.ts';

const MAX_ENTRIES = 10;

export class FakeEvents extends FakeClient {
  readonly meter = new Meter();
  readonly entries: PutEventsRequestEntry[] = [];
  fails: () => boolean = () => false;

  get client(): Pick<EventBridgeClient, 'send'> {
    return this as never;
  }

  protected override carryOut({ name, input }: Command): object {
    this.meter.call(name);
    if (name !== 'PutEvents') throw new Error(`the EventBridge of the tests knows no ${name}`);
    const given = (input['Entries'] ?? []) as readonly PutEventsRequestEntry[];
    if (given.length === 0 || given.length > MAX_ENTRIES)
      throw new Error(`ValidationException: 1 to ${MAX_ENTRIES} entries, not ${given.length}`);
    const Entries = given.map((entry) => {
      if (this.fails()) return { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' };
      if (!entry.Source || !entry.DetailType || !isObject(entry.Detail))
        return { ErrorCode: 'InvalidArgument', ErrorMessage: 'Source, DetailType and Detail are needed' };
      this.entries.push(entry);
      return { EventId: String(this.entries.length) };
    });
    return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
  }
}

function isObject(detail: string | undefined): boolean {
  try {
    return typeof JSON.parse(detail ?? '') === 'object';
  } catch {
    return false;
  }
}
