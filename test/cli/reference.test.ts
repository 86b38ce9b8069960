import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderReference } from '../../cli/src/reference.ts';

test('docs/cli.md says what the commands say; `npm run docs` writes it anew', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  expect(page).toBe(renderReference());
});
