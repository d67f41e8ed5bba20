/**
 * The one script of the pages, served as a file (the policy allows no inline script). It listens to the stream and puts
 * the server's own HTML in place of the old: there is no second way in which a page is made. Without it, or without
 * JavaScript, every page works and stands still.
 */
export const SCRIPT = `'use strict';
(() => {
  const incident = document.body.dataset.live;
  const note = document.getElementById('live-note');
  if (incident === undefined || !note || !('EventSource' in window)) return;
  const GAP_MS = 1000;
  const REOPEN_MS = 5000;
  let timer = 0, last = 0, busy = false, again = false, down = false, since = '';

  function say(state) {
    const clock = new Date().toISOString().slice(11, 16);
    if (state === 'live') since = '';
    else since = since || clock;
    const words = state === 'live' ? 'Live' : 'Connection lost at ' + since + ' UTC, trying again';
    if (note.textContent !== words) note.textContent = words;
    note.dataset.state = state;
  }

  function soon() {
    if (timer || document.hidden) { again = document.hidden || again; return; }
    timer = setTimeout(() => { timer = 0; refresh(); }, Math.max(150, last + GAP_MS - Date.now()));
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    again = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (answer.redirected && new URL(answer.url).pathname === '/login') location.reload();
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('live'));
    } catch { /* the stream says when the server is back */ }
    busy = false;
    if (again) soon();
  }

  // What a reader has opened, chosen or marked stays as it is.
  function swap(fresh) {
    const old = document.getElementById('live');
    if (!fresh || !old || fresh.innerHTML === old.innerHTML) return;
    const selection = getSelection();
    if (selection && !selection.isCollapsed && old.contains(selection.anchorNode)) { again = true; setTimeout(soon, 3000); return; }
    for (const box of old.querySelectorAll('details[data-key]')) {
      const twin = fresh.querySelector('details[data-key="' + CSS.escape(box.dataset.key) + '"]');
      if (twin) twin.open = box.open;
    }
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const path = active && pathTo(active, old);
    const left = old.querySelector('.axis-box')?.scrollLeft;
    old.replaceChildren(...fresh.childNodes);
    if (left) old.querySelector('.axis-box').scrollLeft = left;
    if (path) (active.getAttribute('href') ? [...old.querySelectorAll('a')].find((a) => a.getAttribute('href') === active.getAttribute('href')) : old.querySelector(path))?.focus({ preventScroll: true });
  }

  function pathTo(node, root) {
    const steps = [];
    for (let at = node; at !== root; at = at.parentElement) steps.unshift(':nth-child(' + ([...at.parentElement.children].indexOf(at) + 1) + ')');
    return '#live > ' + steps.join(' > ');
  }

  function connect() {
    const stream = new EventSource('/v1/stream' + (incident ? '?incident=' + encodeURIComponent(incident) : ''));
    stream.addEventListener('hello', () => { say('live'); if (down) soon(); down = false; });
    for (const type of ['timeline', 'signal', 'reset']) stream.addEventListener(type, soon);
    stream.addEventListener('error', () => {
      down = true;
      say('down');
      if (stream.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, REOPEN_MS);
    });
    addEventListener('pagehide', () => stream.close(), { once: true });
  }

  document.addEventListener('visibilitychange', () => { if (!document.hidden && again) soon(); });
  // Ages in words grow by themselves; once a minute is enough.
  setInterval(soon, 60000);
  connect();
})();
`;
