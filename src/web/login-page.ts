/** Asks for a token. */
import { html } from 'hono/html';
import { layout, type Html } from './layout.ts';

/** `to`: the path to go to afterwards. */
export function loginPage({ failed, to }: { failed: boolean; to: string }): Html {
  return layout(
    { title: 'Log in', caller: null, here: '/login' },
    html`<h1>Log in</h1>
      ${failed ? html`<p role="alert" class="alert">This token is not known.</p>` : ''}
      <form method="post" action="/login" class="stack">
        <input type="hidden" name="to" value="${to}" />
        <label>Token <input type="password" name="token" autocomplete="current-password" required autofocus /></label>
        <button>Log in</button>
      </form>
      <p class="dim">A token with the role read or operate, from <code>api.tokens</code> of relay.yaml.</p>`,
  );
}
