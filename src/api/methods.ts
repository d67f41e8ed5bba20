/** Which methods a path takes, so that a wrong one is told apart from an address where there is nothing. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { Problem } from './problem.ts';

/** Methods that the routes of an app take at a path, with HEAD beside GET; empty where nothing is served. */
export function methodsAt(app: OpenAPIHono<Env>, path: string): string[] {
  const steps = path.split('/');
  const found = app.routes.filter(({ method, path: pattern }) => method !== 'ALL' && fits(pattern.split('/'), steps));
  const methods = new Set(found.map(({ method }) => method));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].toSorted();
}

/** What is thrown where a path is served, but not by this method (RFC 9110, 15.5.6: `allow` is a must). */
export function wrongMethod(methods: readonly string[]): Problem {
  const allow = methods.join(', ');
  return new Problem(405, 'method-not-allowed', `this address takes ${allow}`, { allow });
}

/**
 * Answers 405 itself at every path below `prefix` that is registered so far. For doors that stand before the
 * authorisation of the API: it would refuse another method with 401, and send people looking for a wrong token.
 */
export function refuseOtherMethods(app: OpenAPIHono<Env>, prefix: string): void {
  const paths = app.routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith(prefix));
  for (const path of new Set(paths.map((route) => route.path))) {
    const methods = methodsAt(app, path);
    app.all(path, () => {
      throw wrongMethod(methods);
    });
  }
}

/** A step of a pattern is a word, or a name with a colon for any word. */
function fits(pattern: readonly string[], steps: readonly string[]): boolean {
  if (pattern.length !== steps.length) return false;
  return pattern.every((step, index) => (step.startsWith(':') ? steps[index] !== '' : step === steps[index]));
}
