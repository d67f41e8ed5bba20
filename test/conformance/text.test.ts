/** Long and foreign texts: nothing refused, every cut visible, no character broken, the link whole (destinations 0, fact 5). */
import { expect, it } from 'vitest';
import { communicationView } from '#test/support/steps.ts';
import type { StepOverrides } from './delivery.ts';
import { forEachAdapter } from './registry.ts';

const FLAVOURS: Readonly<Record<string, string>> = {
  emoji: '👩‍👩‍👧‍👦 outage 🇩🇪 ',
  chinese: '西欧容器注册表映像拉取失败。',
  arabic: '\u{202B}فشل سحب الصور في غرب أوروبا\u{202C} ',
  html: '<b>pulls</b> & <script>alert("x")</script> <img src=x onerror=alert(1)> ',
  markdown: '*bold* _it_ [text](https://evil.example) | table | `code` <!channel> ',
  combining: 'e\u{301}\u{323}z\u{30C}\u{335} ',
};

const TIMELINE = 'https://relay.example/incidents/inc_01k7q2v9m3x4';

/** Said by the page at 3 a.m.; a webhook's receiver gets fields, and arranges them itself. */
const FIELDS_KINDS: readonly string[] = ['webhook'];

/** 3,000 words of Microsoft's HTML: paragraphs, lists, links. */
function longHtml(word: string): string {
  const paragraphs = Array.from(
    { length: 100 },
    (_, i) =>
      `<p><strong>Update ${i}:</strong> ${`${word} `.repeat(24)}</p>` +
      `<ul><li>next steps</li><li><a href="https://aka.ms/pir/${i}">details</a></li></ul>`,
  );
  return paragraphs.join('');
}

function longStep(flavour: string): NonNullable<StepOverrides> {
  const title = flavour.repeat(Math.ceil(600 / flavour.length));
  return {
    incident: {
      title,
      headline: `[Outage] Container Registry, West Europe +39: ${title} (CNT1-0AR)`,
      impacts: Array.from({ length: 40 }, (_, i) => ({ service: `Container Registry ${i}`, region: 'West Europe' })),
      resources: Array.from(
        { length: 300 },
        (_, i) =>
          `/subscriptions/5c3f0e6a/resourcegroups/rg-${i}/providers/microsoft.containerregistry/registries/r${i}`,
      ),
      details: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`Detail ${i}`, flavour.repeat(20)])),
    },
    communication: communicationView({ title, html: longHtml(flavour) }),
    changes: Array.from({ length: 40 }, (_, i) => `Change ${i}: ${flavour.repeat(10)}`),
    audience: {
      subscriptions: Array.from({ length: 50 }, (_, i) => ({
        id: `5c3f0e6a-1b8d-4f0e-9a77-2f4a3d8c9b${10 + i}`,
        name: flavour.repeat(4),
        team: 'payments',
      })),
      total: 812,
    },
    route: { runbook: 'https://wiki.example/azure-outage', note: flavour.repeat(60), fields: {} },
  };
}

await forEachAdapter(({ bench, onBench }) => {
  it.each(Object.entries(FLAVOURS))('takes 3,000 words of %s whole or visibly cut, with the link', (_name, flavour) =>
    onBench(async (delivery, running) => {
      for (const action of ['open', 'update', 'resolve', 'note'] as const) {
        const outcome = await delivery.run({ ...longStep(flavour), action });
        expect(outcome).toMatchObject({ outcome: 'accepted' });
      }
      const { refused, messages } = await running.observed();
      expect(refused).toBe(0);
      const text = messages.map((message) => message.text).join('\n');
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toContain('\u{FFFD}');
      if (bench.cutsText) expect(text).toMatch(/…|\[cut\]/);
      expect(messages[0]?.links.concat(messages[0].text).some((part) => part.includes(TIMELINE))).toBe(true);
    }),
  );

  it('shows no markup of Microsoft and runs no script', () =>
    onBench(async (delivery, running) => {
      const html = '<p>Pulls <strong>fail</strong></p><script>alert(1)</script><ul><li>retry</li></ul>';
      await delivery.run({ communication: communicationView({ html }) });
      const { messages } = await running.observed();
      const text = messages.map((message) => message.text).join('\n');
      expect(text).not.toMatch(/<\/?(p|strong|script|ul|li)\b/i);
      expect(text).not.toContain('alert(1)');
    }));

  it('keeps the text of Microsoft from a redacted destination, but not title and link', () =>
    onBench(
      async (delivery, running) => {
        const html = '<p>The quokka subsystem failed.</p>';
        for (const action of ['open', 'update', 'resolve', 'note'] as const) {
          await delivery.run({ action, communication: communicationView({ title: 'Quokka news', html }) });
        }
        const { messages } = await running.observed();
        const text = messages.map((message) => message.text).join('\n');
        expect(text).not.toMatch(/quokka/i);
        expect(text).toContain('CNT1-0AR');
        expect(messages.flatMap(({ links }) => links)).toContain(TIMELINE);
      },
      { sensitive: 'redacted' },
    ));
});

await forEachAdapter(
  ({ onBench }) => {
    it('says who of us is hit and what to do before the text of Microsoft, however long that is', () =>
      onBench(async (delivery, running) => {
        const { incident, ...step } = longStep('outage ');
        const ours = {
          'Our resources': '2 registries: acr-shop, acr-pay',
          Evidence: 'pull errors in acr-shop since 08:04 UTC',
          'What you can do': 'Pull from the replica in North Europe.',
          'Before you do': 'The replica is ten minutes behind.',
        };
        const details = { ...incident?.details, ...ours };
        await delivery.run({ ...step, incident: { ...incident, details }, changes: [] });
        const { messages } = await running.observed();
        const text = messages[0]?.text ?? '';
        const wanted = [...Object.values(ours), '(payments)', 'Update 0:'];
        // Cards escape what could be markup.
        const places = wanted.map((part) => text.replaceAll('\\', '').indexOf(part));
        expect(places).not.toContain(-1);
        expect(Math.max(...places)).toBe(places.at(-1));
      }));
  },
  (kind) => !FIELDS_KINDS.includes(kind),
);
