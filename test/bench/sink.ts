/** Takes webhooks and remembers when each key first came. `GET /` answers counts, `GET /times` all times; `POST /reset` forgets. */
import { createServer } from 'node:http';

let times: Record<string, number> = {};
let count = 0;
let pages = 0;
let first = 0;
let last = 0;

/** Ours and Alertmanager's bodies both name the key; looking for it is cheaper than parsing. */
const KEY = /"trackingId":"([^"]+)"|"id":"(B\d+)"/g;

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    return void response.end(
      JSON.stringify(request.url === '/times' ? times : { count, keys: Object.keys(times).length, pages, first, last }),
    );
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/reset') {
      times = {};
      count = pages = first = last = 0;
    } else {
      const now = performance.timeOrigin + performance.now();
      const body = Buffer.concat(chunks).toString('latin1');
      count++;
      first ||= now;
      last = now;
      if (request.url === '/v2/enqueue') pages += body.includes('"trigger"') ? 1 : 0;
      for (const match of body.matchAll(KEY)) times[match[1] ?? match[2]!] ??= now;
    }
    response.statusCode = request.url === '/v2/enqueue' ? 202 : 200;
    response.setHeader('content-type', 'application/json');
    response.end('{"status":"success","message":"Event processed"}');
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
