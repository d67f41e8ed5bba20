/**
 * A strict structural check of what a Workflows flow posts to Teams: message envelope, Adaptive Card 1.4 with the
 * elements and properties of that version only, texts that Teams can show. Stricter than Teams, which drops silently.
 */

/** Element type -> property -> allowed values, or the name of a check. */
const ELEMENTS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  TextBlock: {
    text: 'text',
    wrap: [true],
    size: ['Small', 'Default', 'Medium', 'Large', 'ExtraLarge'],
    weight: ['Lighter', 'Default', 'Bolder'],
    color: ['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'],
    isSubtle: [true, false],
    spacing: ['None', 'Small', 'Default', 'Medium', 'Large', 'ExtraLarge', 'Padding'],
    separator: [true, false],
    maxLines: 'count',
  },
  FactSet: { facts: 'facts', spacing: ['None', 'Small', 'Default', 'Medium', 'Large'], separator: [true, false] },
  Container: {
    items: 'elements',
    style: ['default', 'emphasis', 'good', 'attention', 'warning', 'accent'],
    bleed: [true, false],
    spacing: ['None', 'Small', 'Default', 'Medium', 'Large'],
    separator: [true, false],
  },
};
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  TextBlock: ['text', 'wrap'],
  FactSet: ['facts'],
  Container: ['items'],
};
const CARD_KEYS = new Set(['$schema', 'type', 'version', 'fallbackText', 'msteams', 'body', 'actions']);
/** Teams shows six actions at most. */
const ACTIONS_MAX = 6;

type Check = readonly (string | boolean)[] | 'text' | 'count' | 'facts' | 'elements';

/** What is wrong with a posted body; empty when Teams would show it. */
export function cardFaults(message: unknown): string[] {
  const envelope = asRecord(message);
  if (envelope?.['type'] !== 'message') return ['the body is not of type message'];
  const attachments = envelope['attachments'];
  if (!Array.isArray(attachments))
    return ["the execution of template action 'Send_each_adaptive_card' failed: 'foreach' is of type 'Null'"];
  if (attachments.length !== 1) return ['not exactly one attachment'];
  const attachment = asRecord(attachments[0]);
  if (attachment?.['contentType'] !== 'application/vnd.microsoft.card.adaptive')
    return ['the attachment is no adaptive card'];
  const card = asRecord(attachment['content']);
  return card === null ? ['the attachment has no content'] : faultsOfCard(card);
}

function faultsOfCard(card: Record<string, unknown>): string[] {
  const faults = Object.keys(card)
    .filter((key) => !CARD_KEYS.has(key))
    .map((key) => `unknown card property ${key}`);
  if (card['type'] !== 'AdaptiveCard') faults.push('content is not of type AdaptiveCard');
  if (!/^1\.[0-4]$/.test(String(card['version'])))
    faults.push(`version ${String(card['version'])} cannot be displayed`);
  if (asRecord(card['msteams'])?.['width'] !== 'Full') faults.push('the card is not full width');
  if (typeof card['fallbackText'] !== 'string' || card['fallbackText'] === '') faults.push('no fallbackText');
  return [...faults, ...faultsOfElements(card['body'], 'body'), ...faultsOfActions(card['actions'])];
}

function faultsOfElements(elements: unknown, at: string): string[] {
  if (!Array.isArray(elements) || elements.length === 0) return [`${at} is not a list of elements`];
  return elements.flatMap((element, i) => faultsOfElement(asRecord(element) ?? {}, `${at}[${i}]`));
}

function faultsOfElement(element: Record<string, unknown>, at: string): string[] {
  const type = String(element['type']);
  const properties = ELEMENTS[type];
  if (!properties) return [`${at}: unknown element ${type}`];
  const missing = (REQUIRED[type] ?? [])
    .filter((key) => !(key in element))
    .map((key) => `${at}: ${type} without ${key}`);
  const wrong = Object.entries(element)
    .filter(([key]) => key !== 'type')
    .flatMap(([key, value]) => {
      const check = properties[key];
      return check === undefined
        ? [`${at}: ${type} has no property ${key}`]
        : faultsOfValue(value, check, `${at}.${key}`);
    });
  return [...missing, ...wrong];
}

function faultsOfValue(value: unknown, check: Check, at: string): string[] {
  if (check === 'elements') return faultsOfElements(value, at);
  if (check === 'text') return isText(value) ? [] : [`${at} is no text that can be shown`];
  if (check === 'count') return Number.isInteger(value) ? [] : [`${at} is no number`];
  if (check === 'facts') {
    const ok = Array.isArray(value) && value.length > 0 && value.every((fact) => isFact(asRecord(fact)));
    return ok ? [] : [`${at} holds a fact without title or value`];
  }
  return check.includes(value as string | boolean) ? [] : [`${at} is ${String(value)}`];
}

function isFact(fact: Record<string, unknown> | null): boolean {
  return fact !== null && Object.keys(fact).length === 2 && isText(fact['title']) && isText(fact['value']);
}

/** Not empty, and without HTML, which no Markdown of Teams knows; an escaped bracket is text. */
function isText(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    !/(?<!\\)<\/?(?:p|br|div|strong|ul|li|a|script|svg|img)\b[^>]*>/i.test(value)
  );
}

function faultsOfActions(actions: unknown): string[] {
  if (!Array.isArray(actions)) return ['actions is not a list'];
  if (actions.length > ACTIONS_MAX) return [`more than ${ACTIONS_MAX} actions`];
  return actions.flatMap((entry, i) => {
    const action = asRecord(entry) ?? {};
    if (action['type'] !== 'Action.OpenUrl') return [`actions[${i}]: ${String(action['type'])} needs a bot`];
    const url = String(action['url']);
    const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
    return isWeb && isText(action['title']) ? [] : [`actions[${i}] has no title or no web address`];
  });
}

/** A JSON object, else null. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
