/** The frame of every page. */
import { html } from 'hono/html';

type Html = ReturnType<typeof html>;

/** A whole document. */
export function layout(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} - Health Relay</title>
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header><a href="/">Health Relay</a></header>
        <main>${body}</main>
      </body>
    </html>`;
}

/** State as a word in a colour; never by colour alone. */
export function stateBadge(state: string, severity: string): Html {
  const tone = state === 'active' || state === 'planned' ? severity : 'over';
  return html`<span class="badge ${tone}">${state}</span>`;
}
