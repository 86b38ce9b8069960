import type { Bells } from './bells.ts';
import type { Clock, Random } from './clock.ts';
import type { Ledger } from './ledger.ts';
import type { Objects } from './objects.ts';
import type { Transforms } from './transforms.ts';

/** All that the pipeline needs from the world. */
export interface Ports {
  readonly ledger: Ledger;
  readonly objects: Objects;
  readonly transforms: Transforms;
  readonly bells: Bells;
  readonly clock: Clock;
  readonly random: Random;
}
