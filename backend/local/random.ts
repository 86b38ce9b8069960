import { randomBytes } from 'node:crypto';

/** Ten random letters and digits (about 50 bits). */
export function randomText(): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-10);
}
