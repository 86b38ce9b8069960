/** What becomes of the data of a stack that is gone. */
import { deleteBucket, deleteTable, type StackData, stillThere } from '../../deploy/data.ts';
import { formatCount, shellQuote } from '../../ui/format.ts';
import type { Session } from '../deploy/session.ts';

/** Says what has stayed, and how to get rid of it. */
export async function keepData(session: Session, data: StackData): Promise<StackData> {
  const { tell, fullFlags, call, clients, account } = session;
  const there = await call('looking what is kept', () => stillThere(clients, data, account));
  const { table, bucket } = there;
  const kept = [
    ...(table === undefined ? [] : [`  table   ${table}`]),
    ...(bucket === undefined ? [] : [`  bucket  ${bucket}`]),
  ];
  if (kept.length === 0) return there;
  await tell({
    type: 'note',
    text: `kept:\n${kept.join('\n')}\nto delete that too:\n  batchml destroy --delete-data${fullFlags}`,
  });
  return there;
}

/** Nothing is kept. */
export async function deleteData(session: Session, { table, bucket }: StackData): Promise<StackData> {
  const { clients, account, call, tell, context, fullFlags } = session;
  context.interrupts.onInterrupt(() =>
    context.terminal.say(`stopping; to delete the rest:\n  batchml destroy --delete-data${fullFlags}`),
  );
  if (bucket !== undefined) {
    await tell({ type: 'phase', text: `emptying ${bucket}` });
    const deleted = await call(`deleting bucket ${bucket}`, () =>
      deleteBucket(clients.s3, bucket, account, async (count) => {
        context.interrupts.signal.throwIfAborted();
        context.progress.update(`emptying ${bucket}: ${formatCount(count)} versions of objects deleted`);
      }),
    );
    context.progress.stop();
    const text =
      deleted === undefined
        ? `bucket ${bucket} was gone already`
        : `deleted bucket ${bucket} with ${formatCount(deleted)} versions of objects`;
    await tell({ type: 'note', text });
  }
  if (table !== undefined) {
    const there = await call(`deleting table ${table}`, () => deleteTable(clients.dynamo, table));
    await tell({
      type: 'note',
      text: `table ${shellQuote(table)} ${there ? 'is being deleted' : 'was gone already'}`,
    });
  }
  return { table: undefined, bucket: undefined };
}
