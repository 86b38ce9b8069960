/** Every answer of the API that a test gets is one that the list of routes promises. */
import { expect } from 'vitest';
import type { Route } from '../../backend/api/route.ts';
import { ROUTES } from '../../backend/api/routes.ts';

/** The route that a request goes to, if there is one. */
export function routeOf(method: string, path: string): Route | undefined {
  return ROUTES.find(
    (route) =>
      route.method === method && new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
}

/** Checks status, content type, and that the body is of the schema and has no fields besides. */
export async function checkAnswer(request: Request, answer: Response): Promise<void> {
  const route = routeOf(request.method, new URL(request.url).pathname);
  if (!route) {
    expect([403, 404]).toContain(answer.status);
    return;
  }
  const what = `${route.method} ${route.path} answered ${answer.status}`;
  const promised = route.responses[answer.status];
  expect(promised, what).toBeDefined();
  const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0] as string;
  const schema = promised?.content[type];
  expect(schema, `${what} as ${type}`).toBeDefined();
  const text = await answer.clone().text();
  const body: unknown = type.endsWith('/json') ? JSON.parse(text) : text;
  // Schemas leave out what they don't know: the rest must be all there is.
  expect(schema?.parse(body), what).toEqual(body);
}
