/** Log and metrics by Powertools: JSON lines, and metrics in them (CloudWatch embedded metric format). */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import type { Config } from '../aws/config.ts';
import type { Log } from './log.ts';
import { Meter } from './meter.ts';

const NAME = 'batchml';

export function powertoolsLog({ stack, logLevel }: Pick<Config, 'stack' | 'logLevel'>): Log {
  const logger = new Logger({ serviceName: NAME, logLevel, persistentKeys: { stack } });
  return {
    begin: (context) => logger.addContext(context as Context),
    info: (message, facts = {}) => logger.info(message, facts),
    warn: (message, facts = {}) => logger.warn(message, facts),
    error: (message, facts = {}) => logger.error(message, facts),
  };
}

export function powertoolsMeter({ stack }: Pick<Config, 'stack'>): Meter {
  const metrics = new Metrics({ namespace: NAME });
  // Without the dimension `service` that it comes with: the alarms ask for `stack` alone.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stack });
  return new Meter(
    (name, unit, value) => metrics.addMetric(name, unit, value),
    () => metrics.publishStoredMetrics(),
  );
}
