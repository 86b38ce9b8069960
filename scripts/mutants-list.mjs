// The mutants. Of each: the promise that it breaks, what it does, its `file`, its `edits` (each a text that stands there exactly
// once, whatever its white space, what it becomes, and which other file it is in), and the `tests` that must catch it: as few as do. `project` and `env` of
// their run, and `only` a part of their names, where it needs them.
import { DRIVER_MUTANTS } from './mutants-drivers.mjs';
import { LEDGER_MUTANTS } from './mutants-ledger.mjs';
import { PROMISE_MUTANTS } from './mutants-promises.mjs';

export const MUTANTS = [...PROMISE_MUTANTS, ...LEDGER_MUTANTS, ...DRIVER_MUTANTS];
