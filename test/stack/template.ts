/** The template as the build makes it, with names in place of real zip files, and ways to look at it. */
import { HANDLERS } from '../../backend/stack/functions.ts';
import { templateOf } from '../../backend/stack/synth.ts';

// biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation takes
export type Any = any;

export interface Resource {
  readonly Type: string;
  readonly Properties: Any;
  readonly Condition?: string;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: unknown;
}

export interface Template {
  readonly Description: string;
  readonly Metadata: Any;
  readonly Parameters: Readonly<Record<string, Any>>;
  readonly Conditions: Readonly<Record<string, Any>>;
  readonly Mappings: Any;
  readonly Rules: Readonly<Record<string, Any>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, Any>>;
}

export const ZIPS = Object.fromEntries(
  HANDLERS.map((handler) => [handler, `${handler}-0123456789abcdef.zip`]),
) as Record<(typeof HANDLERS)[number], string>;

export const TEXT = templateOf({ handlers: ZIPS });
export const TEMPLATE = JSON.parse(TEXT) as Template;

export function ofType(type: string, { Resources }: Template = TEMPLATE): [string, Resource][] {
  return Object.entries(Resources).filter(([, resource]) => resource.Type === type);
}

/** Properties as they are written. */
export function propertiesOf(id: string): Any {
  const resource = TEMPLATE.Resources[id];
  if (!resource) throw new Error(`there is no ${id}`);
  return resource.Properties;
}

/** Every object and array in a value, with itself. */
export function* nodes(value: unknown): Generator<Any> {
  if (typeof value !== 'object' || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* nodes(inner);
}
