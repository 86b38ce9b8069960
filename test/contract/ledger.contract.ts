/** The ledger's contract: one suite that every adapter must pass, in the port's words only. */
import { afterEach, beforeEach, describe } from 'vitest';
import type { Ledger } from '../../backend/ports/ledger.ts';
import { acceptContract } from './ledger-accept.ts';
import { changeContract } from './ledger-change.ts';
import { gatherContract } from './ledger-gather.ts';
import { readContract } from './ledger-read.ts';
import { settleContract } from './ledger-settle.ts';
import { startContract } from './ledger-start.ts';
import { verdictContract } from './ledger-verdicts.ts';

export interface OpenLedger {
  readonly ledger: Ledger;
  close(): Promise<void>;
}

/** @param open gives an empty ledger; called before each test */
export function ledgerContract(name: string, open: () => Promise<OpenLedger>): void {
  describe(`ledger: ${name}`, () => {
    let opened: OpenLedger;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    const ledger = () => opened.ledger;

    describe('accept', () => acceptContract(ledger));
    describe('read', () => readContract(ledger));
    describe('gather', () => gatherContract(ledger));
    describe('start', () => startContract(ledger));
    describe('settle', () => settleContract(ledger));
    describe('verdicts', () => verdictContract(ledger));
    describe('change', () => changeContract(ledger));
  });
}
