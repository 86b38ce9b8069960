import { describe } from 'vitest';
import { provesEveryCall } from './every-call.ts';

describe('a call to AWS whose answer is lost, or that hangs until all is over', () =>
  provesEveryCall(['lost', 'pause']));
