import type { Output } from '../../backend/ports/transforms.ts';

/** An output's whole text. */
export async function outputText(output: Output): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of output.read()) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
