/** Turns the stack into the text of its template. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { BatchmlStack, type BatchmlStackProps } from './batchml-stack.ts';

const STACK_ID = 'batchml';

/** An app that adds nothing of its own to templates, and is not checked while it is made: the tests check it. */
export function makeStack(props: BatchmlStackProps, outdir?: string): BatchmlStack {
  const app = new App({
    ...(outdir === undefined ? {} : { outdir }),
    analyticsReporting: false,
    treeMetadata: false,
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:enable-path-metadata': false, 'aws:cdk:enable-asset-metadata': false },
  });
  return new BatchmlStack(app, STACK_ID, props);
}

/** @returns the template as JSON, the same for the same props */
export function templateOf(props: BatchmlStackProps): string {
  const outdir = mkdtempSync(join(tmpdir(), 'batchml-synth-'));
  try {
    const stack = makeStack(props, outdir);
    const assembly = (stack.node.root as App).synth();
    return `${JSON.stringify(assembly.getStackByName(stack.stackName).template)}\n`;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
