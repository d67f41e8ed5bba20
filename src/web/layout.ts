/** The frame of every page, and the small parts that all pages share. */
import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { Caller } from '#src/api/auth.ts';
import { clock, durationWords } from '#src/api/exports/words.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

export type Html = ReturnType<typeof html>;

/** Changes with the content, so that browsers may keep the files for good. */
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);
export const STYLE_URL = `/style.css?v=${hash(STYLE)}`;
export const SCRIPT_URL = `/app.js?v=${hash(SCRIPT)}`;

const PLACES = [
  ['/', 'Incidents'],
  ['/destinations', 'Destinations'],
  ['/sources', 'Sources'],
  ['/docs', 'API'],
] as const;

export interface Frame {
  title: string;
  /** Null on the pages before the log-in. */
  caller: Caller | null;
  /** Path of the page, for the navigation. */
  here: string;
  /** Refreshed by server-sent events: `''` by all of them, else by those of this incident. Null stands still. */
  live?: string | null;
}

/** A whole document. Of `body` the part with the id `live` is what a refresh replaces. */
export function layout(frame: Frame, body: Html): Html {
  const { title, caller, here, live = null } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} - Health Relay</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${STYLE_URL}" />
        ${live === null ? '' : html`<script src="${SCRIPT_URL}" defer></script>`}
      </head>
      <body ${live === null ? '' : raw(`data-live="${live.replaceAll(/[^\w]/g, '')}"`)}>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <a class="home" href="/">Health Relay</a>
          <nav aria-label="Pages">
            ${caller === null ? '' : PLACES.map(([path, name]) => html`<a href="${path}" ${path === here ? raw('aria-current="page"') : ''}>${name}</a>`)}
          </nav>
          <p id="live-note" role="status"></p>
          ${caller === null || caller.name === 'local' ? '' : html`<form method="post" action="/logout"><span class="dim">${caller.name}</span> <button class="quiet">Log out</button></form>`}
        </header>
        <main id="main">${body}</main>
      </body>
    </html>`;
}

/** State as a word in a colour; never by colour alone. */
export function stateBadge(state: string, severity: string): Html {
  const tone = state === 'active' ? severity : state === 'planned' ? 'info' : 'over';
  return html`<span class="badge ${tone}">${state}</span>`;
}

/** A moment in UTC; machines read the attribute. */
export function moment(at: string | null, none: string = ''): Html {
  return at === null ? html`<span class="dim">${none}</span>` : html`<time datetime="${at}">${clock(at)}</time>`;
}

/** `3 h 20 min ago`. */
export function ago(at: string, now: Date): string {
  return `${durationWords(Math.max(0, (now.getTime() - Date.parse(at)) / 1000))} ago`;
}

/** What went wrong, for people. */
export function faultPage({
  title,
  detail,
  requestId,
  caller,
}: {
  title: string;
  detail: string;
  requestId: string;
  caller: Caller | null;
}): Html {
  return layout(
    { title, caller, here: '' },
    html`<h1>${title}</h1>
      <p>${detail}.</p>
      <p><a href="/">All incidents</a></p>
      <p class="dim">Request ${requestId}</p>`,
  );
}
