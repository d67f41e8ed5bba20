/** A strict OTLP/HTTP collector: takes protobuf at /v1/traces and nothing else, decodes every byte, can be away or hang. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeTraceRequest, type OtlpSpan } from './trace-message.ts';

export class OtlpServer {
  readonly spans: OtlpSpan[] = [];
  /** What was not as the specification has it: must stay empty. */
  readonly faults: string[] = [];
  /** Bodies as they came, to be searched for what must not be in them. */
  readonly bodies: Buffer[] = [];
  requests = 0;
  /** `hang` never answers, `refuse` answers 503. */
  mode: 'take' | 'hang' | 'refuse' = 'take';
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url = '';

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the relay ended while it was sending
    }
    if (this.mode === 'hang') return;
    if (this.mode === 'refuse') return void response.writeHead(503).end();
    const encoding = request.headers['content-encoding'];
    const body = encoding === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
    try {
      if (request.method !== 'POST' || request.url !== '/v1/traces')
        throw new Error(`${request.method} ${request.url}`);
      const type = request.headers['content-type'];
      if (type !== 'application/x-protobuf') throw new Error(`content-type ${type}`);
      this.spans.push(...decodeTraceRequest(body));
      this.bodies.push(body);
      response.writeHead(200, { 'content-type': type }).end();
    } catch (error) {
      this.faults.push((error as Error).message);
      response.writeHead(400).end();
    }
  }
}
