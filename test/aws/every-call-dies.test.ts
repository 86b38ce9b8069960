import { describe } from 'vitest';
import { provesEveryCall } from './every-call.ts';

describe('a function that ends at any call to AWS', () => provesEveryCall(['die before', 'die after']));
