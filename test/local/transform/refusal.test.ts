import { describe, expect, it } from 'vitest';
import { failureOf, refusalMessage } from '../../../backend/local/transform/refusal.ts';

describe('refusalMessage', () => {
  it.each([
    ['{"message":"text is missing"}', 'text is missing'],
    ['{"error":"no text"}', 'no text'],
    ['{"error":{"message":"too long","code":7}}', 'too long'],
    ['{"detail":"Not a number"}', 'Not a number'],
    ['{"error":"Bad Request","message":"label must be 0 or 1"}', 'label must be 0 or 1'],
    ['"just a text"', 'just a text'],
    [
      '{"detail":[{"loc":["body",0,"text"],"msg":"Field required","type":"missing"},{"loc":[],"msg":"too long"}]}',
      'body.0.text: Field required; too long',
    ],
    ['{"detail":[{"msg":"no"},{"reason":7}]}', '{"detail":[{"msg":"no"},{"reason":7}]}'],
    ['{"detail":["no",null]}', '{"detail":["no",null]}'],
    ['{"detail":[]}', '{"detail":[]}'],
    ['plain\ntext ', 'plain\ntext'],
    ['{"broken', '{"broken'],
    ['', 'HTTP 500 with an empty body'],
    ['null', 'null'],
  ])('finds the words in %s', (body, message) => {
    expect(refusalMessage(500, body)).toBe(message);
  });

  it('takes the text of an HTML page', () => {
    const page =
      '<!doctype html>\n<html><head><title>t</title><style>p{}</style></head>' +
      '<body><h1>Internal&nbsp;Server Error</h1>\n<p>a &lt; b &amp; c</p></body></html>';
    expect(refusalMessage(500, page)).toBe('Internal&nbsp;Server Error a < b & c');
  });

  it('keeps 1,000 characters, and takes no time for a hostile page', () => {
    expect(refusalMessage(500, 'x'.repeat(5000))).toHaveLength(1000);
    const from = performance.now();
    refusalMessage(500, '<style'.repeat(200_000));
    refusalMessage(500, '<'.repeat(1_000_000));
    expect(performance.now() - from).toBeLessThan(2000);
  });
});

describe('failureOf', () => {
  it('tells refusals by their status', () => {
    const failure = (status: number) => failureOf({ kind: 'answer', status, text: 'no' });
    expect(failure(400)).toEqual({ kind: 'ClientError', status: 400, message: 'no' });
    expect(failure(429).kind).toBe('ClientError');
    expect(failure(503).kind).toBe('ServerError');
    expect(failure(302).kind).toBe('ServerError');
  });
});
