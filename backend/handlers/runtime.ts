/** What a function works with, built once for a process; and the ports of one invocation, whose bells are sent at its end. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { AwsBells } from '../aws/bells.ts';
import { s3Blobs } from '../aws/blobs.ts';
import { type Clients, createClients } from '../aws/clients.ts';
import { type Config, readConfig } from '../aws/config.ts';
import { DynamoStore } from '../aws/dynamo/store.ts';
import { AWS_LIMITS } from '../aws/limits.ts';
import { type FinishedNotice, putNotices } from '../aws/notices.ts';
import { PATIENCE, type Patience } from '../aws/retry.ts';
import { s3Objects } from '../aws/s3-objects.ts';
import { SageMakerTransforms } from '../aws/sagemaker-transforms.ts';
import { randomText, systemClock } from '../aws/system.ts';
import { createLedger, type StoreLedger } from '../ledger/index.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import type { Objects } from '../ports/objects.ts';
import type { Store } from '../ports/store.ts';
import type { Transforms } from '../ports/transforms.ts';
import type { Log } from './log.ts';
import type { Meter } from './meter.ts';
import { powertoolsLog, powertoolsMeter } from './powertools.ts';

export interface Runtime {
  readonly config: Config;
  readonly ledger: StoreLedger;
  readonly s3: Clients['s3'];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Does one invocation's work, and sends the bells that it rang, also those before a failure. */
  work<T>(act: (ports: Ports) => Promise<T>): Promise<T>;
  /** Tells that submissions are finished; gives the notices that were taken. */
  announce(notices: readonly FinishedNotice[]): Promise<readonly FinishedNotice[]>;
  /** Puts a message that can't be read into the dead letters; false when it isn't known where, or it was refused. */
  bury(body: string): Promise<boolean>;
}

/** All but `clients` is as in Lambda unless it is given. */
export interface RuntimeParts {
  readonly clients: Clients;
  readonly clock?: Clock;
  readonly random?: Random;
  /** How calls that were done in part are repeated. */
  readonly patience?: Patience;
  readonly log?: Log;
  readonly meter?: Meter;
  /** Where the ledger keeps its state. */
  readonly store?: Store;
  readonly ledger?: StoreLedger;
  readonly objects?: Objects;
  readonly transforms?: Transforms;
  /** Changes an invocation's ports before they are used, for fault injection. */
  readonly wrapPorts?: (ports: Ports) => Ports;
}

export function createRuntime(config: Config, parts: RuntimeParts): Runtime {
  const { clients, clock = systemClock, random = randomText, patience = PATIENCE } = parts;
  const {
    log = powertoolsLog(config),
    meter = powertoolsMeter(config),
    wrapPorts = (ports) => ports,
  } = parts;
  const { bucket, stack, namePrefix, queues, stream, deadLetters } = config;
  const now = () => clock.now();
  const blobs = s3Blobs(clients.s3, bucket);
  const ledger =
    parts.ledger ??
    createLedger({
      store:
        parts.store ??
        new DynamoStore({
          client: clients.dynamo,
          name: config.table,
          pause: patience.pause,
          jitter: patience.jitter,
        }),
      blobs,
      ...AWS_LIMITS,
      count: (name, by) => meter.count(name, by),
      clock,
      retentionDays: config.retentionDays,
    });
  const objects = parts.objects ?? s3Objects(blobs);
  const { sagemaker, logs, sqs, kinesis } = clients;
  const transforms =
    parts.transforms ?? new SageMakerTransforms({ sagemaker, logs, blobs, bucket, stack, namePrefix, now });
  const bellOptions = {
    sqs,
    kinesis,
    queues,
    stream,
    now,
    patience,
    onLost: (bells: readonly unknown[], reason: string) =>
      log.warn('bells were not sent; reconcile rings for what is open', { bells: bells.length, reason }),
  };
  return {
    config,
    ledger,
    s3: clients.s3,
    clock,
    log,
    meter,
    async work(act) {
      const bells = new AwsBells(bellOptions);
      const ports = wrapPorts({ ledger, objects, transforms, bells, clock, random });
      try {
        return await act(ports);
      } finally {
        await bells.flush();
      }
    },
    announce: (notices) => putNotices(clients.events, notices),
    async bury(body) {
      if (deadLetters === undefined) return false;
      const Entries = [{ Id: '0', MessageBody: body }];
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: deadLetters, Entries }));
      return Failed.length === 0;
    },
  };
}

/** @param accepts the function accepts work */
export function runtimeFromEnvironment(accepts: boolean): Runtime {
  return createRuntime(readConfig(process.env, accepts), { clients: createClients() });
}
