/**
 * Strict stand-in of a Workflows webhook (destinations 3.2, 3.3): checks the signature, answers 202 with an empty body
 * *before* it looks at the card, and shows in its run history only what became of it. The size limit applies to the
 * body as the service writes it anew, with everything outside of ASCII escaped.
 */
import { asRecord, cardFaults } from './teams-card.ts';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

/** "28,897 bytes vs 28,672 allowed" (destinations 3.3). */
const ENCODED_BYTES_MAX = 28_672;
const PATH = '/powerautomate/automations/direct/workflows/8f0c1c5e2b6d4f7a/triggers/manual/paths/invoke';
/** With %2F, as real ones have: whoever decodes it or encodes it anew is refused. */
const QUERY = '?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=';

export interface TeamsCard {
  /** Everything that a person can read, line by line, Markdown as sent. */
  text: string;
  actions: { title: string; url: string }[];
  /** Style of the coloured head. */
  style: string;
  content: Record<string, unknown>;
}

export interface TeamsRun {
  /** Why the flow failed; empty when the card was posted. */
  faults: readonly string[];
  encodedBytes: number;
}

export class TeamsServer extends VendorServer {
  readonly sig: string;
  /** What people in the channel see, oldest first. */
  readonly cards: TeamsCard[] = [];
  /** The flow's run history. */
  readonly runs: TeamsRun[] = [];
  readonly #port: number;

  constructor(options: { port?: number; sig?: string } = {}) {
    super((request) => this.#receive(request));
    this.#port = options.port ?? 0;
    this.sig = options.sig ?? 'q7Wv3xT0-demoSignature_5kZ9';
  }

  override start(port = this.#port): Promise<this> {
    return super.start(port);
  }

  /** The webhook's whole URL. */
  override get url(): string {
    return `${super.url}${PATH}${QUERY}${this.sig}`;
  }

  #receive(request: VendorRequest): VendorAnswer {
    if (request.method !== 'POST') return { status: 405 };
    if (request.path !== `${PATH}${QUERY}${this.sig}`) {
      return {
        status: 401,
        body: { error: { code: 'DirectApiAuthorizationRequired', message: 'The request is not authorized.' } },
      };
    }
    if (!(request.headers['content-type'] ?? '').startsWith('application/json')) return { status: 415 };
    this.#run(request.body);
    return { status: 202, headers: { 'x-ms-workflow-run-id': `run${String(this.runs.length).padStart(8, '0')}` } };
  }

  #run(body: string): void {
    const message = parse(body);
    const encodedBytes = reencode(message).length;
    const faults = cardFaults(message);
    if (encodedBytes > ENCODED_BYTES_MAX)
      faults.push(`the request is ${encodedBytes} bytes, the limit is ${ENCODED_BYTES_MAX}`);
    this.runs.push({ faults, encodedBytes });
    if (faults.length > 0) return;
    const { attachments } = message as { attachments: { content: Record<string, unknown> }[] };
    for (const { content } of attachments) this.cards.push(toCard(content));
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}

/** JSON as the service's writer does it: ASCII only, quotes and HTML-sensitive characters escaped. */
function reencode(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\\.|[^\u0020-\u007E]|[<>&'+`]/g, (found) => {
    if (found.startsWith('\\') && found !== '\\"') return found;
    return `\\u${found
      .charCodeAt(found.length - 1)
      .toString(16)
      .padStart(4, '0')}`;
  });
}

function toCard(content: Record<string, unknown>): TeamsCard {
  const body = content['body'] as Record<string, unknown>[];
  const actions = content['actions'] as { title: string; url: string }[];
  return {
    text: body.flatMap(linesOf).join('\n'),
    actions: actions.map(({ title, url }) => ({ title, url })),
    style: String(body[0]?.['style']),
    content,
  };
}

function linesOf(element: Record<string, unknown>): string[] {
  if (element['type'] === 'TextBlock') return [String(element['text'])];
  if (Array.isArray(element['items'])) return element['items'].flatMap((item) => linesOf(asRecord(item) ?? {}));
  return (element['facts'] as { title: string; value: string }[]).map(({ title, value }) => `${title}: ${value}`);
}
