/**
 * Names and keys that the adapters and the services share.
 *
 * - `data/{batch}.jsonl`: a batch's object
 * - `manifest/{transform}.json`: which objects a transform job reads
 * - `result/{transform}/...{batch}.jsonl.out`: its outputs. How deep they stand is documented inconsistently (SageMaker
 *   Developer Guide, Batch Transform), so only the base name is relied on.
 *
 * The ledger's name of a transform job is `batchml-{32 hex}`; SageMaker's, unique in account and Region, has the stack's
 * prefix instead of `batchml`, 63 characters at most (CreateTransformJob, TransformJobName).
 */
const DATA_END = '.jsonl';
const OUTPUT_END = `${DATA_END}.out`;
const LEDGER_NAME = /^batchml-([0-9a-f]{32})$/;
const RESULT = /^result\/([^/]+)\/(?:.*\/)?([^/]+)$/;

export const DATA_PREFIX = 'data/';

export const dataName = (batch: string): string => `${batch}${DATA_END}`;
export const dataKey = (batch: string): string => `${DATA_PREFIX}${dataName(batch)}`;
export const manifestKey = (transform: string): string => `manifest/${transform}.json`;
/** Where a transform job writes, without a `/` at the end: SageMaker puts one of its own. */
export const resultFolder = (transform: string): string => `result/${transform}`;
/** Where an output most likely is. */
export const outputKey = (transform: string, batch: string): string =>
  `${resultFolder(transform)}/${batch}${OUTPUT_END}`;

/** The batch that an output object is of, by its base name; undefined when it is no output. */
export function batchOfOutput(key: string): string | undefined {
  const base = key.slice(key.lastIndexOf('/') + 1);
  return base.endsWith(OUTPUT_END) && base.length > OUTPUT_END.length
    ? base.slice(0, -OUTPUT_END.length)
    : undefined;
}

/** Transform job (the ledger's name) and batch of an object's key; undefined when it is no output. */
export function parseOutputKey(key: string): { transform: string; batch: string } | undefined {
  const transform = RESULT.exec(key)?.[1];
  const batch = batchOfOutput(key);
  return transform === undefined || batch === undefined ? undefined : { transform, batch };
}

/** SageMaker's name for a transform job of the ledger's. */
export function serviceName(prefix: string, name: string): string {
  const hex = LEDGER_NAME.exec(name)?.[1];
  if (hex === undefined) throw new Error(`${name} is no name of a transform job`);
  return `${prefix}-${hex}`;
}

/** The ledger's name for SageMaker's; undefined for jobs of others. */
export function ledgerName(prefix: string, name: string): string | undefined {
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const own = `batchml-${name.slice(prefix.length + 1)}`;
  return LEDGER_NAME.test(own) ? own : undefined;
}
