/**
 * What a container says of itself at `GET /execution-parameters` (an optional part of SageMaker's container contract):
 * `{"MaxConcurrentTransforms":8,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6}`.
 */
import type { BatchStrategy, Settings } from '../../core/settings.ts';

export interface ExecutionParameters {
  readonly maxConcurrentTransforms?: number;
  readonly maxPayloadMb?: number;
  readonly batchStrategy?: BatchStrategy;
}

/** SageMaker's own default and limit of MaxPayloadInMB. */
const DEFAULT_PAYLOAD_MB = 6;
const MAX_PAYLOAD_MB = 100;
const DEFAULT_CONCURRENT = 4;

const STRATEGIES: Record<string, BatchStrategy> = {
  MULTI_RECORD: 'MultiRecord',
  SINGLE_RECORD: 'SingleRecord',
};

/** Reads the answer's text; what is missing or makes no sense is left out, as if it had not been said. */
export function parseExecutionParameters(text: string): ExecutionParameters {
  let said: Record<string, unknown>;
  try {
    said = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
  const concurrent = positive(said['MaxConcurrentTransforms']);
  const payload = positive(said['MaxPayloadInMB']);
  const strategy = STRATEGIES[String(said['BatchStrategy'])];
  return {
    ...(concurrent === undefined ? {} : { maxConcurrentTransforms: concurrent }),
    ...(payload === undefined ? {} : { maxPayloadMb: Math.min(payload, MAX_PAYLOAD_MB) }),
    ...(strategy === undefined ? {} : { batchStrategy: strategy }),
  };
}

function positive(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

/** Limits of requests: as set, else what the container says, else SageMaker's 6 MB and 4 at a time. */
export function requestLimits(
  settings: Settings,
  said: ExecutionParameters,
): { maxPayloadMb: number; maxConcurrentTransforms: number } {
  return {
    maxPayloadMb: settings.maxPayloadMb || said.maxPayloadMb || DEFAULT_PAYLOAD_MB,
    maxConcurrentTransforms:
      settings.maxConcurrentTransforms || said.maxConcurrentTransforms || DEFAULT_CONCURRENT,
  };
}
