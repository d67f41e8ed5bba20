/** `/docs`: the OpenAPI document as a page. Made on the server from our own document; loads nothing from elsewhere. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { html } from 'hono/html';
import { layout, type Html } from '#src/web/layout.ts';
import type { CallerOf } from '#src/web/guard.ts';
import type { Env } from './deps.ts';

/** What is shown of the document; everything else stays in `/openapi.json`. */
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Record<string, unknown>;
}
interface Operation {
  summary?: string;
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, { schema?: unknown }> };
  responses?: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

const METHODS = ['get', 'post', 'put', 'delete', 'options'] as const;

/** The head of the document, for the file and for the page. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Health Relay',
    version: '1',
    description: 'Times are ISO 8601 UTC. Errors are RFC 9457 problem documents. Answers may grow fields.',
  },
  security: [{ token: [] }],
};

/** Registers `/openapi.json` and `/docs`; both hold nothing but the shape of the API. */
export function docsRoutes(app: OpenAPIHono<Env>, callerOf: CallerOf): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  app.doc31('/openapi.json', OPENAPI);
  app.get('/docs', (c) => {
    const document = app.getOpenAPI31Document(OPENAPI);
    return c.html(docsPage(document as unknown as Record<string, unknown>, callerOf(c)));
  });
}

function docsPage(document: Record<string, unknown>, caller: ReturnType<CallerOf>): Html {
  const paths = Object.entries((document['paths'] ?? {}) as Record<string, Record<string, Operation>>);
  const schemas = Object.entries(
    ((document['components'] as Record<string, unknown> | undefined)?.['schemas'] ?? {}) as Record<string, unknown>,
  );
  return layout(
    { title: 'API', caller, here: '/docs' },
    html`<h1>API</h1>
      <p>
        ${OPENAPI.info.description} Send a token of <code>api.tokens</code> as <code>Authorization: Bearer</code>. The
        document itself: <a href="/openapi.json">openapi.json</a>.
      </p>
      ${paths.flatMap(([path, methods]) => METHODS.flatMap((method) => (methods[method] ? [operation(method, path, methods[method])] : [])))}
      <h2>Shapes</h2>
      ${schemas.map(
        ([name, schema]) =>
          html`<details id="${name}" class="op">
            <summary><code>${name}</code></summary>
            <pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre>
          </details>`,
      )}`,
  );
}

function operation(method: string, path: string, op: Operation): Html {
  const parameters = op.parameters ?? [];
  const body = op.requestBody?.content?.['application/json']?.schema;
  return html`<section class="op">
    <h2><code>${method.toUpperCase()} ${path}</code></h2>
    <p>${op.summary ?? ''}</p>
    ${
      parameters.length === 0
        ? ''
        : html`<ul>
            ${parameters.map((p) => html`<li><code>${p.name}</code> <span class="dim">${p.in}${p.required ? ', required' : ''}${typeWords(p.schema)}</span> ${p.description ?? ''}</li>`)}
          </ul>`
    }
    ${body === undefined ? '' : html`<p>Body: ${shapeName(body)}</p>`}
    <p class="dim">
      ${Object.entries(op.responses ?? {}).map(([status, answer]) => html`${status} ${answer.description ?? ''}. `)}
    </p>
  </section>`;
}

function typeWords(schema: Record<string, unknown> | undefined): string {
  const options = schema?.['enum'];
  if (Array.isArray(options)) return `: ${options.join(', ')}`;
  return typeof schema?.['type'] === 'string' ? `, ${schema['type']}` : '';
}

function shapeName(schema: unknown): Html {
  const name = /#\/components\/schemas\/(.+)$/.exec((schema as { $ref?: string }).$ref ?? '')?.[1];
  return name ? html`<a href="#${name}">${name}</a>` : html`any JSON`;
}
