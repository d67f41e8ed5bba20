/**
 * Strict stand-in of a Slack incoming webhook (destinations 6): the limits of blocks, the characters that must be
 * escaped, and Slack's own words for what it refuses.
 */
import { z } from 'zod';
import { VendorServer, type VendorAnswer, type VendorRequest } from './vendor-server.ts';

const BLOCKS_MAX = 50;
const TOTAL_CHARS_MAX = 13_000;

const section = z.strictObject({
  type: z.literal('section'),
  text: z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(3_000),
    verbatim: z.boolean().optional(),
  }),
});
const header = z.strictObject({
  type: z.literal('header'),
  text: z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(150),
    emoji: z.boolean().optional(),
  }),
});
const messageSchema = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(z.discriminatedUnion('type', [section, header]))
    .min(1)
    .max(BLOCKS_MAX),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
});

export interface SlackPost {
  /** As people read it: unescaped, links as their label. */
  text: string;
  links: string[];
  /** What a notification shows. */
  fallback: string;
}

export class SlackServer extends VendorServer {
  readonly token: string;
  /** What people in the channel see, oldest first. */
  readonly posts: SlackPost[] = [];
  /** Why messages were refused. */
  readonly refusals: string[] = [];
  /** How often a message called `<!channel>` or the like. */
  mentions = 0;
  readonly #port: number;

  constructor(options: { port?: number; token?: string } = {}) {
    super((request) => this.#receive(request));
    this.#port = options.port ?? 0;
    this.token = options.token ?? 'zX4demoTokenOfSlack91';
  }

  override start(port = this.#port): Promise<this> {
    return super.start(port);
  }

  /** The webhook's whole URL. */
  override get url(): string {
    return super.url + this.#path;
  }

  get #path(): string {
    return `/services/T0DEMO001/B0DEMO001/${this.token}`;
  }

  #receive(request: VendorRequest): VendorAnswer {
    if (request.method !== 'POST') return { status: 405 };
    if (request.path !== this.#path) return { status: 404, body: 'no_service' };
    if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
      return this.#refuse('invalid_payload', 'not JSON');
    const parsed = messageSchema.safeParse(parse(request.body));
    if (!parsed.success) return this.#refuse('invalid_blocks', z.prettifyError(parsed.error));
    const { text: fallback, blocks } = parsed.data;
    const total = blocks.reduce((sum, block) => sum + block.text.text.length, 0);
    if (total > TOTAL_CHARS_MAX) return this.#refuse('msg_blocks_too_long', `${total} characters of blocks`);
    for (const { type, text } of blocks) {
      // A header is plain text: it holds no link, but what is special must be escaped there as well.
      if (type === 'section' ? !isEscaped(text.text) : /[<>]|&(?!(?:amp|lt|gt);)/.test(text.text))
        return this.#refuse('invalid_blocks', `not escaped: ${text.text}`);
    }
    const sections = blocks.filter((block) => block.type === 'section').map((block) => block.text.text);
    const headers = blocks.filter((block) => block.type === 'header').map((block) => block.text.text);
    const marked = sections.join('\n');
    this.mentions += `${marked}\n${fallback}`.match(/<[!@#][^>]*>/g)?.length ?? 0;
    this.posts.push({
      text: [...headers.map(unescape), readable(marked)].join('\n'),
      links: linksOf(marked),
      fallback: readable(fallback),
    });
    return { status: 200, headers: { 'content-type': 'text/html' }, body: 'ok' };
  }

  #refuse(word: string, reason: string): VendorAnswer {
    this.refusals.push(`${word}: ${reason}`);
    return { status: 400, body: word };
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}

/** Every `&` begins one of the three escapes, and angle brackets hold links or mentions only. */
function isEscaped(text: string): boolean {
  if (/&(?!(?:amp|lt|gt);)/.test(text)) return false;
  return !/[<>]/.test(text.replaceAll(/<(?:https?:\/\/|mailto:|[!@#])[^<>\s]+(?: [^<>]*)?>/g, ''));
}

function readable(marked: string): string {
  return unescape(
    marked.replaceAll(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_whole, target: string, label?: string) => label ?? target),
  );
}

function linksOf(marked: string): string[] {
  return [...marked.matchAll(/<(https?:[^<>|]+)(?:\|[^<>]*)?>/g)].map((match) => unescape(match[1] ?? ''));
}

function unescape(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
