/**
 * What the functions write to their logs: what happened, and whose it was by ID. Facts are short texts and numbers, so that
 * a record or a result has no way in; a key has none either.
 */
import type { Context } from 'aws-lambda';
import type { Bell } from '../ports/bells.ts';

export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** An invocation begins: what is logged from here on carries its request ID. */
  begin(context: Pick<Context, 'awsRequestId'>): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
}

/** Longest text of an error that is logged. */
const REASON_MOST = 500;

interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly requestId?: string | undefined };
}

/** An error's facts. What a parser says of a text quotes that text: it is left out. */
export function errorFacts(error: unknown): Facts {
  const { name, message, $metadata } =
    error instanceof Error ? (error as Thrown) : { message: String(error) };
  const requestId = $metadata?.requestId;
  return {
    error: name ?? 'Error',
    ...(error instanceof SyntaxError ? {} : { reason: message?.slice(0, REASON_MOST) }),
    ...(requestId === undefined ? {} : { awsRequestId: requestId }),
  };
}

/** Whom a bell is for. */
export function bellFacts(bell: Bell): Facts {
  switch (bell.kind) {
    case 'batch':
      return { bell: bell.kind, batch: bell.id };
    case 'transform':
      return { bell: bell.kind, transform: bell.name };
    case 'output':
      return { bell: bell.kind, transform: bell.transform, batch: bell.batch };
    case 'submission':
      return { bell: bell.kind, submission: bell.id };
    case 'gather':
      return { bell: bell.kind, submission: bell.submission };
    default:
      return { bell: bell.kind };
  }
}
